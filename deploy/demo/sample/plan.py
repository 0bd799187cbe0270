"""The hand-drawn plan of the sample district: an invented valley between a harbour and a forest, every name made up.

Coordinates are kilometres east and north of the centre.  Only what matters to the rules is drawn: a state highway with a
tunnel, local roads, a ferry, seven farms with driveways and tracks, a forest, a quarry, a track close beside a road, a
track across a road, and ways whose owner the map does not tell.
"""

from typing import Final, Literal, NamedTuple

TrueSurface = Literal["public", "private", "unknown_owner", "paddock", "carried"]


class Kind(NamedTuple):
    """What a way is: its OSM tags, whose it truly is, and how it bends and is driven."""

    tags: tuple[tuple[str, str], ...]
    surface: TrueSurface
    speed_kmh: float
    lane_m: float
    """How far left of the mapped line a vehicle keeps."""
    bend_m: float
    wave_m: float


KINDS: Final[dict[str, Kind]] = {
    "trunk": Kind((("highway", "trunk"), ("ref", "SH 101"), ("maxspeed", "100")), "public", 92, 2.0, 45, 1500),
    "tunnel": Kind(
        (("highway", "trunk"), ("ref", "SH 101"), ("tunnel", "yes"), ("layer", "-1")), "public", 88, 2.0, 6, 900
    ),
    "tertiary": Kind((("highway", "tertiary"), ("surface", "asphalt")), "public", 76, 1.8, 32, 900),
    "unclassified": Kind((("highway", "unclassified"), ("surface", "unpaved")), "public", 63, 1.5, 26, 600),
    "residential": Kind((("highway", "residential"), ("maxspeed", "50")), "public", 42, 1.7, 5, 250),
    "driveway": Kind((("highway", "service"), ("service", "driveway")), "private", 16, 0.2, 7, 180),
    "farm_track": Kind((("highway", "track"),), "private", 23, 0.2, 14, 320),
    "private_track": Kind((("highway", "track"), ("access", "private")), "private", 25, 0.2, 14, 320),
    "forestry_track": Kind(
        (("highway", "track"), ("access", "forestry"), ("surface", "gravel")), "private", 34, 0.7, 18, 380
    ),
    "quarry_road": Kind((("highway", "service"), ("access", "private")), "private", 21, 1.0, 6, 200),
    "yard": Kind((("highway", "service"),), "unknown_owner", 15, 0.3, 2, 120),
    "reserve_track": Kind((("highway", "track"), ("access", "yes")), "unknown_owner", 22, 0.2, 12, 300),
    "ferry": Kind((("route", "ferry"), ("motor_vehicle", "yes")), "carried", 15, 0.0, 60, 2500),
    "paddock": Kind((), "paddock", 13, 0.0, 0, 1),
}
KIND_CODES: Final = {name: code for code, name in enumerate(KINDS)}


class Way(NamedTuple):
    kind: str
    name: str
    nodes: str
    """Names out of NODES, in order."""


NODES: Final[dict[str, tuple[float, float]]] = {
    # State Highway 101, south to north
    "S0": (-2.0, -19.2), "G7": (-1.75, -16.4), "S1": (-1.0, -12.0), "T1": (-0.35, -9.6), "T2": (-0.05, -8.9),
    "S2": (0.6, -6.0), "HB": (0.0, 0.0), "S3": (2.0, 6.0), "S4": (1.0, 12.0), "S5": (3.0, 18.4),
    # local roads
    "G2": (-2.8, 0.55), "B1": (-5.5, 0.8), "ML": (-10.4, 0.5), "PP": (-13.3, 2.3), "P1": (-13.7, 6.4), "P2": (-12.6, 10.4),
    "G4": (-6.0, 3.4), "X4": (-6.3, 4.7), "W1": (-6.5, 6.6), "W2": (-3.0, 10.9),
    "G1": (2.9, -6.5), "Q1": (5.6, -6.7), "Q2": (9.5, -7.5), "FG": (11.2, -9.8), "R1": (11.9, -12.2), "G5": (9.0, -14.3),
    "R2": (6.0, -15.4), "R3": (2.4, -14.3),
    "O1": (7.0, 6.9), "G3": (9.0, 8.0), "O2": (11.0, 9.6), "O3": (8.2, 14.2), "G6": (-3.3, -12.45), "L1": (-5.4, -12.8),
    "K1": (0.35, 0.4), "K2": (0.8, 0.35), "M1": (0.45, -0.35), "M2": (0.95, -0.4),
    # yards whose owner nobody mapped, and a reserve
    "YD": (1.05, -0.62), "YS": (0.95, 0.55), "RV": (-8.6, 7.7),
    # farms: H = homestead, the rest tracks and yards
    "H1": (2.95, -6.95), "A1": (3.2, -8.2), "A2": (3.9, -9.7), "A3": (5.4, -8.8), "A4": (1.9, -8.3), "A5": (6.6, -10.1),
    "H2": (-2.9, 0.15), "C1": (-3.2, -1.5), "C2": (-2.1, -2.9), "C3": (-4.7, -2.4), "C4": (-4.1, -4.2), "C5": (-6.3, -3.6),
    "H3": (8.6, 8.5), "D1": (7.4, 9.7), "D2": (5.9, 10.6), "D3": (8.3, 11.7), "D4": (4.8, 9.1), "D5": (6.6, 12.2),
    "H4": (-6.5, 3.45), "E1": (-7.9, 4.1), "E2": (-9.3, 5.2), "E3": (-8.5, 2.5), "E4": (-4.7, 4.5), "E5": (-3.4, 5.8),
    "H5": (8.8, -13.8), "J1": (7.8, -12.3), "J2": (9.6, -11.5), "J3": (6.3, -11.6), "J4": (8.3, -9.9),
    "H6": (-3.35, -12.05), "N1": (-3.9, -11.0), "N2": (-4.9, -10.1), "N3": (-3.1, -9.9),
    "H7": (-2.15, -16.3), "V1": (-3.8, -16.2), "V2": (-5.1, -17.3), "V3": (-4.7, -15.1), "V4": (-6.4, -16.0),
    # forest, with landings U1 to U4
    "F1": (12.7, -9.1), "F2": (14.1, -7.9), "F3": (14.5, -5.6), "F4": (13.0, -4.1), "F5": (11.6, -4.8), "F6": (12.3, -6.8),
    "U1": (15.1, -4.4), "U2": (10.9, -3.3), "U3": (15.4, -7.6), "U4": (13.9, -11.1),
    # quarry: weighbridge, crusher, face, stockpile; the log yard at the railway siding
    "QA": (-5.85, -12.95), "QB": (-6.35, -13.3), "QC": (-6.95, -13.95), "QD": (-6.0, -14.05),
    "LY": (3.35, 18.05), "LZ": (3.6, 17.7),
}  # fmt: skip
WAYS: Final = (
    Way("trunk", "State Highway 101", "S0 G7 S1 T1"),
    Way("tunnel", "State Highway 101", "T1 T2"),
    Way("trunk", "State Highway 101", "T2 S2 HB S3 S4 S5"),
    Way("tertiary", "Blackwater Road", "HB G2 B1 ML"),
    Way("ferry", "Milnes Landing - Penny Point Ferry", "ML PP"),
    Way("unclassified", "Penny Point Road", "PP P1 P2"),
    Way("tertiary", "Swampy Corner Road", "B1 G4 X4 W1 W2 S4"),
    Way("tertiary", "Quail Gully Road", "S2 G1 Q1 Q2"),
    Way("unclassified", "Saddleback Ridge Road", "Q2 FG R1 G5 R2 R3 S1"),
    Way("unclassified", "Orua Loop Road", "S3 O1 G3 O2 O3 S4"),
    Way("unclassified", "Limeworks Road", "S1 G6 L1"),
    Way("residential", "Kirk Street", "HB K1 K2"),
    Way("residential", "Mill Street", "HB M1 M2"),
    Way("residential", "Ford Lane", "K2 M2"),
    Way("yard", "", "M2 YD"),
    Way("yard", "Saleyards", "K2 YS"),
    Way("reserve_track", "Estuary Reserve Track", "W1 RV"),
    Way("driveway", "", "G1 H1"),
    Way("driveway", "", "G2 H2"),
    Way("driveway", "", "G3 H3"),
    Way("driveway", "", "G4 H4"),
    Way("driveway", "", "G5 H5"),
    Way("driveway", "", "G6 H6"),
    Way("driveway", "", "G7 H7"),
    Way("farm_track", "", "H1 A1 A2 A5"),
    Way("private_track", "", "A4 A1 A3"),
    Way("farm_track", "", "H2 C1 C2"),
    Way("private_track", "", "C1 C3 C4"),
    Way("farm_track", "", "C3 C5"),
    Way("farm_track", "", "H3 D1 D2 D4"),
    Way("private_track", "", "D1 D3 D5"),
    Way("farm_track", "", "H4 E1 E2"),
    Way("private_track", "", "E1 E3"),
    Way("farm_track", "", "E1 X4 E4 E5"),
    Way("farm_track", "", "H5 J1 J3"),
    Way("private_track", "", "J1 J2 J4"),
    Way("farm_track", "", "H6 N1 N2"),
    Way("farm_track", "", "N1 N3"),
    Way("private_track", "", "H7 V1 V2"),
    Way("farm_track", "", "V1 V3 V4"),
    Way("forestry_track", "Kereru Forest Road", "FG F1 F2 F3 F4 F5"),
    Way("forestry_track", "", "F1 F6 F5 U2"),
    Way("forestry_track", "", "F3 U1"),
    Way("forestry_track", "", "F2 U3"),
    Way("farm_track", "", "F1 U4"),
    Way("quarry_road", "", "L1 QA QB QC QD QB"),
    Way("quarry_road", "", "S5 LY LZ"),
)
CLOSE_TRACK: Final = ("G1", "Q1", "H1", "A3")
"""A track 10-20 m beside the road between the first two nodes, for a kilometre, reached from the other two."""
CLOSE_NODE: Final = "CT"
"""The middle of that track, so that somebody has reason to drive it."""
PLACES: Final = (
    ("Harrow Bridge", "village", "HB"), ("Kauri Siding", "hamlet", "S5"), ("Milnes Landing", "hamlet", "ML"),
    ("Penny Point", "hamlet", "PP"), ("Upper Orua", "locality", "O3"), ("Quail Gully", "locality", "Q1"),
    ("Limeworks", "locality", "L1"), ("Saddleback", "locality", "R1"),
)  # fmt: skip
AREAS: Final[tuple[tuple[tuple[tuple[str, str], ...], tuple[tuple[float, float], ...]], ...]] = (
    (
        (("natural", "water"), ("name", "Penny Harbour"), ("tidal", "yes")),
        (
            (-10.55, -3.0), (-10.5, 0.4), (-10.6, 1.0), (-10.5, 6.0), (-11.4, 12.5),
            (-12.1, 10.9), (-13.1, 6.0), (-13.15, 2.3), (-13.4, -2.0),
        ),
    ),
    (
        (("landuse", "quarry"), ("name", "Limeworks Quarry")),
        ((-5.7, -12.7), (-5.6, -14.4), (-7.3, -14.4), (-7.3, -13.2)),
    ),
    (
        (("landuse", "forest"), ("name", "Kereru Forest")),
        ((11.4, -9.0), (10.4, -2.9), (15.8, -3.6), (16.0, -11.8), (13.0, -11.9)),
    ),
)  # fmt: skip
BLACK_SPOTS_KM: Final = ((-0.2, -9.25, 0.75), (13.6, -5.0, 0.45), (9.9, -8.2, 0.35))
"""(east, north, radius): the tunnel and its cutting, a gully in the forest, a bluff on Saddleback Ridge Road."""
BOX_KM: Final = (-15.5, -21.0, 17.5, 20.5)
"""West, south, east, north of the map."""
COVERAGE_MARGIN_KM: Final = 1.5
