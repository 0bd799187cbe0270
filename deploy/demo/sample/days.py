"""What each kind of vehicle does on a working day."""

from collections.abc import Callable

from deploy.demo.sample.itinerary import Day

Plan = Callable[[Day, int], None]
"""Fills a day; the number is the day's own, from 0."""


def farm(nodes: str, towns: str, off_km: float, road_km: float) -> Plan:
    """A farm ute: rounds over tracks and paddocks, and runs to town, until the day's kilometres are done.

    `nodes`: places on the farm; "CT,A3" is one place reached over another."""
    tracks, places = nodes.split(), towns.split()

    def plan(day: Day, _number: int) -> None:
        rng, home = day.rng, day.here
        off = off_km * rng.uniform(0.85, 1.2) * 1000
        road = road_km * rng.uniform(0.85, 1.15) * 1000
        while day.off_m < off or day.metres["public"] < road:
            if day.off_m < off:
                for node in rng.permutation(tracks)[: int(rng.integers(1, 4))].tolist():
                    day.go(*node.split(","))
                    day.stop(rng.uniform(40, 500))
                    day.roam(rng.uniform(900, 3200), rng.uniform(350, 750))
                    day.stop(rng.uniform(20, 200))
                day.go(home)
                day.stop(rng.uniform(300, 2400))
            if day.metres["public"] < road:
                day.go(str(rng.choice(places)))
                day.stop(rng.uniform(300, 2700))
                day.go(home)
                day.stop(rng.uniform(200, 1500))

    return plan


def stock(day: Day, _number: int) -> None:
    """Yards to saleyards: each farm's yards lie a kilometre or two up its track."""
    rng = day.rng
    farms = ["A1", "C1", "D1", "E1", "J1", "V1", "A3", "C3", "D3"]
    for farm in rng.permutation(farms)[:4].tolist():
        day.go(farm)
        day.roam(rng.uniform(500, 1100), 260)
        day.stop(rng.uniform(1200, 2400))
        day.go("YS" if rng.uniform() < 0.7 else "S5")
        day.stop(rng.uniform(900, 1800))
    day.go("YD")


def logging(day: Day, _number: int) -> None:
    """Three loads a day from the landings to the yard at the siding."""
    rng = day.rng
    for landing in rng.permutation(["U1", "U2", "U3", "U4"])[:3].tolist():
        day.go(landing)
        day.roam(420, 130)
        day.stop(rng.uniform(1300, 2300))
        day.go("LZ")
        day.stop(rng.uniform(900, 1500))
    day.go("YD")


def quarry(day: Day, _number: int) -> None:
    """Laps between face, crusher and stockpile; two or three loads of lime to the roads around."""
    rng = day.rng
    loads = rng.permutation(["HB", "R2", "S3", "W2", "M1"]).tolist()
    for shift in range(int(rng.integers(2, 4))):
        for _ in range(int(rng.integers(5, 8))):
            day.go("QC")
            day.roam(380, 110)
            day.stop(rng.uniform(120, 300))
            day.go("QD", "QB")
            day.stop(rng.uniform(60, 180))
        day.go(loads[shift])
        day.stop(rng.uniform(500, 1200))
        day.go("QA")


def courier(rounds: tuple[str, ...], every_m: float) -> Plan:
    """Parcels at the roadside, never off it."""

    def plan(day: Day, number: int) -> None:
        home = day.here
        for stage in rounds[number % len(rounds)].split():
            day.go(stage, drop_every_m=every_m)
            day.stop(day.rng.uniform(60, 900))
        day.go(home)

    return plan


def tractor(day: Day, _number: int) -> None:
    """Mowing, the other side of the road now and then."""
    rng, home = day.rng, day.here
    day.go(str(rng.choice(["E1", "E3", "E4", "E5"])))
    day.mow(rng.uniform(240, 340), int(rng.integers(24, 44)), 7.5)
    day.stop(rng.uniform(900, 2400))
    day.go(home)
