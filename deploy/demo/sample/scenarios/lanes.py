"""Private ways beside, across and under public roads, and yards at the roadside."""

from typing import Final

from deploy.demo.sample.scenarios.plan import MapWay, Point, Receiver, Scenario, Site, Tags, Trip

ROAD: Final[Tags] = (("highway", "tertiary"),)
TRACK: Final[Tags] = (("highway", "track"),)
HIGHWAY: Final[Tags] = (("highway", "trunk"), ("ref", "SH 77"))
BRIDGE: Final[Tags] = (("bridge", "yes"), ("layer", "1"))
DRIVEWAY: Final[Tags] = (("highway", "service"), ("service", "driveway"))
STREET: Final[Tags] = (("highway", "residential"),)
_ENDS: Final = 3000.0


def lane_site(column: int, row: int, beside_m: float) -> Site:
    """A public road, and a farm lane that leaves it and runs beside it for 2 km before it turns in to the farm."""
    road: tuple[Point, ...] = ((-_ENDS, 0), (-1500, 0), (1500, 0), (_ENDS, 0))
    lane: tuple[Point, ...] = ((-1500, 0), (-1490, -beside_m), (700, -beside_m), (900, -400))
    return Site(column, row, (MapWay(ROAD, road, "Verge Road"), MapWay(TRACK, lane, "Long Lane")))


def _lane(beside_m: float) -> "Scenario":
    def story(trip: Trip) -> None:
        for _ in range(3):
            trip.go("track", (700, -beside_m), (-1490, -beside_m), (-1500, 0)).go("road", (1500, 0)).stop(200)
            trip.go("road", (-1500, 0)).go("track", (-1490, -beside_m), (700, -beside_m), (900, -400)).stop(400)

    column = {12: 0, 20: 1, 40: 2}[int(beside_m)]
    return Scenario(
        f"lane_{beside_m:.0f}_m",
        f"A private lane {beside_m:.0f} m beside a public road",
        lane_site(column, 0, beside_m),
        (900, -400),
        story,
        Receiver(every_s=5),
    )


def _mower(trip: Trip) -> None:
    """The roadside mower: all on the public road, at the pace of a farm lane."""
    for _ in range(2):
        trip.go("verge", (1500, 0)).stop(60, engine_on=True).go("verge", (-1600, 0)).stop(60, engine_on=True)


CROSSING: Final = Site(
    3,
    0,
    (
        MapWay(ROAD, ((-_ENDS, 0), (0, 0), (_ENDS, 0)), "Station Road"),
        MapWay(TRACK, ((0, -1400), (0, 0)), "South Race"),
        MapWay(TRACK, ((0, 0), (0, 1300)), "North Race"),
    ),
)


def _crossing(trip: Trip) -> None:
    for _ in range(4):
        trip.go("track", (0, 1300)).wander((-200, 1500), (-500, 1300), (-250, 1150), (0, 1300)).stop(90)
        trip.go("track", (0, -1400)).stop(120)


UNDERPASS: Final = Site(
    4,
    0,
    (
        MapWay(HIGHWAY, ((-_ENDS, 0), (-20, 0))),
        MapWay((*HIGHWAY, *BRIDGE), ((-20, 0), (20, 0))),
        MapWay(HIGHWAY, ((20, 0), (_ENDS, 0))),
        MapWay(TRACK, ((0, -900), (0, 1000)), "Stock Race"),
    ),
)


def _underpass(trip: Trip) -> None:
    for _ in range(4):
        trip.go("track", (0, 1000)).stop(120).go("track", (0, -900)).stop(120)


def _overbridge(trip: Trip) -> None:
    for _ in range(3):
        trip.go("highway", (_ENDS - 100, 0)).stop(60, engine_on=True).go("highway", (-_ENDS + 100, 0)).stop(60)


YARD: Final = Site(
    5,
    0,
    (
        MapWay(ROAD, ((-_ENDS, 0), (0, 0), (_ENDS, 0)), "Carriers Road"),
        MapWay(DRIVEWAY, ((0, 0), (0, -35))),
    ),
)


def _yard(trip: Trip) -> None:
    for _ in range(3):
        trip.go("yard", (0, -15), (25, -30), (60, -25), (60, -55), (-30, -55), (-30, -30), (0, -15), (0, 0))
        trip.go("road", (2200, 0)).stop(300).go("road", (0, 0))
        trip.go("yard", (0, -15), (40, -50), (-20, -50), (0, -20)).stop(900)


def _past_the_yard(trip: Trip) -> None:
    """Public all the way, with a drop at the gate of the yard."""
    for _ in range(4):
        trip.go("road", (0, 0)).stop(120, engine_on=True).go("road", (2600, 0)).stop(60)
        trip.go("road", (0, 0)).stop(120, engine_on=True).go("road", (-2600, 0)).stop(60)


_BLOCKS: Final = tuple(range(-1200, 1201, 200))
CANYON: Final = Site(
    6,
    0,
    (
        MapWay(STREET, tuple((float(x), 0.0) for x in _BLOCKS), "High Street"),
        MapWay(STREET, tuple((float(x), 160.0) for x in _BLOCKS), "Mercer Street"),
        *(
            MapWay(STREET, ((float(x), 0.0), (float(x), 160.0)), f"Lane {n}")
            for n, x in enumerate(_BLOCKS)
            if n % 3 == 0
        ),
        *(MapWay(DRIVEWAY, ((float(x), 0.0), (float(x), 40.0), (x + 60.0, 40.0))) for x in _BLOCKS[1::3]),
    ),
)


def _canyon(trip: Trip) -> None:
    trip.mark("in town")
    for _ in range(3):
        trip.go("street", (-600, 0)).stop(60, engine_on=True).go("street", (600, 0)).stop(90, engine_on=True)
        trip.go("street", (1200, 0), (1200, 160), (0, 160)).stop(45, engine_on=True).go(
            "street", (-1200, 160), (-1200, 0)
        )
    trip.mark("out of town")


SCENARIOS: Final = (
    _lane(12),
    _lane(20),
    _lane(40),
    *(
        Scenario(
            f"mower_{beside_m}_m",
            f"Mowing a public road's verge, {beside_m} m from a private lane",
            lane_site(column, 0, beside_m),
            (-1600, 0),
            _mower,
            Receiver(every_s=10),
        )
        for column, beside_m in enumerate((12, 20, 40))
    ),
    Scenario(
        "crossing", "Across a public road from farm to farm", CROSSING, (0, -1400), _crossing, Receiver(every_s=5)
    ),
    Scenario(
        "crossing_sparse", "The same with a fix every half minute", CROSSING, (0, -1400), _crossing, Receiver(every_s=30)
    ),
    Scenario("underpass", "A stock race under a highway", UNDERPASS, (0, -900), _underpass, Receiver(every_s=10)),
    Scenario("overbridge", "On the highway, over a stock race", UNDERPASS, (-2900, 0), _overbridge),
    Scenario("yard", "A yard with its entrance 15 m from the road", YARD, (0, -20), _yard, Receiver(every_s=5)),
    Scenario("past_the_yard", "Stopping on the road at a yard's gate", YARD, (-2600, 0), _past_the_yard),
    Scenario(
        "canyon",
        "Streets between tall buildings, private yards beside them",
        CANYON,
        (-1200, 0),
        _canyon,
        Receiver(every_s=5, boasts_m=6),
        poor=(("in town", "out of town", 4.5),),
    ),
)  # fmt: skip
