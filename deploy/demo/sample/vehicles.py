"""The fleet of twelve: who drives where, and what their devices are worth."""

from typing import Final, Literal, NamedTuple

from deploy.demo.sample import days

DAYS: Final = 14
Accuracy = Literal["accuracy_m", "hdop", "none"]


class Device(NamedTuple):
    device_id: str
    gps_type: str
    interval_s: int
    quality: float
    """GPS error against a good receiver's (1.0 is about 2.5 m)."""
    reports: Accuracy
    odometer_m: int
    """Resolution of the odometer it reports; 0: none."""
    odometer_scale: float
    """What it counts per true metre."""
    missing_days: tuple[int, ...] = ()
    late_days: tuple[int, ...] = ()
    """Days whose morning is delivered late: by a day, or (negative) after everything else."""
    message_ids: bool = False


class Vehicle(NamedTuple):
    ref: str
    kind: str
    home: str
    pace: float
    leave_h: float
    """Usual hour of leaving, NZ time."""
    device: Device
    plan: days.Plan
    days_off: tuple[int, ...] = ()
    last_day: int = DAYS - 1
    recorder_scale: float = 1.0
    """What the legal recorder counts per true metre."""
    sold: bool = False
    """After its last day."""
    night_day: int = -1
    """A day whose trip starts before midnight and ends after it."""


FLEET: Final = (
    Vehicle(
        "ute-1",
        "farm",
        "H1",
        1.0,
        6.7,
        Device("860100000000011", "Teltonika FMC130", 10, 1.0, "accuracy_m", 1, 1.004, late_days=(3,)),
        days.farm("A1 A2 A4 A5 CT,A3 A3,CT", "K2 M1 S4 B1 YS", 30, 56),
        recorder_scale=1.004,
    ),
    Vehicle(
        "ute-2",
        "farm",
        "H2",
        0.97,
        7.1,
        Device("860100000000028", "Queclink GV350", 30, 1.3, "hdop", 100, 0.996),
        days.farm("C1 C2 C3 C4 C5", "K1 S2 S4 W1 RV", 17, 40),
        recorder_scale=0.996,
    ),
    Vehicle(
        "ute-3",
        "farm",
        "H3",
        1.04,
        6.4,
        Device("860100000000035", "Teltonika FMC130", 15, 0.9, "accuracy_m", 1000, 1.008),
        days.farm("D1 D2 D3 D4 D5", "HB K2 S5 W2", 25, 55),
        recorder_scale=1.008,
    ),
    Vehicle(
        "ute-4",
        "farm",
        "H7",
        1.0,
        6.9,
        Device("860100000000042", "Teltonika FMC130", 5, 1.1, "accuracy_m", 1, 1.0),
        days.farm("V1 V2 V3 V4", "S1 HB G6", 22, 48),
        last_day=8,
        sold=True,
    ),
    Vehicle(
        "ute-5",
        "farm",
        "H5",
        0.95,
        7.4,
        Device("860100000000059", "Queclink GV350", 20, 1.5, "accuracy_m", 10, 1.003),
        days.farm("J1 J2 J3 J4", "S2 R3 HB", 18, 42),
        days_off=(6,),
        recorder_scale=1.003,
    ),
    Vehicle(
        "ute-6",
        "lifestyle",
        "H6",
        1.0,
        7.6,
        Device("860100000000066", "Queclink GV350", 30, 1.0, "accuracy_m", 100, 1.0),
        days.farm("N1 N2 N3", "HB K2 M2 S2", 8, 72),
    ),
    Vehicle(
        "stock-truck",
        "stock",
        "YD",
        0.86,
        5.6,
        Device("stock-1", "Teltonika FMC650", 15, 1.0, "accuracy_m", 1, 0.997, late_days=(5,)),
        days.stock,
        days_off=(6, 13),
        night_day=9,
    ),
    Vehicle(
        "logging-truck",
        "forest",
        "YD",
        0.84,
        5.1,
        Device("log-7", "Geotab GO9", 15, 1.4, "none", 0, 1.0, missing_days=(8, 9), late_days=(-11,)),
        days.logging,
        days_off=(6,),
        recorder_scale=0.998,
    ),
    Vehicle(
        "quarry-truck",
        "quarry",
        "QA",
        0.85,
        6.2,
        Device("quarry/3", "Teltonika FMC650", 15, 1.1, "accuracy_m", 1, 1.006),
        days.quarry,
        days_off=(6, 13),
        recorder_scale=1.001,
    ),
    Vehicle(
        "courier-1",
        "courier",
        "K2",
        1.02,
        6.0,
        Device("Courier 1", "Samsara VG34", 15, 0.9, "accuracy_m", 1, 1.0, message_ids=True),
        days.courier(("B1 ML PP P2 PP ML HB Q2 R2 S1", "S4 O3 S3 HB Q2 R1 S1 G6 L1", "W1 S4 S5 O2 S3"), 2400),
        days_off=(6, 13),
    ),
    Vehicle(
        "courier-2",
        "courier",
        "M2",
        1.0,
        6.6,
        Device("Courier 2", "Samsara VG34", 60, 1.2, "accuracy_m", 1000, 1.002),
        days.courier(("S4 W2 B1 ML HB S2 Q2", "S0 S1 R3 R1 Q2 S2", "S5 O3 O1 S3 B1"), 2800),
        days_off=(6, 13),
        recorder_scale=1.002,
    ),
    Vehicle(
        "tractor",
        "farm",
        "H4",
        0.8,
        8.1,
        Device("tractor-jd", "Own app (OsmAnd)", 20, 1.2, "accuracy_m", 0, 1.0),
        days.tractor,
        days_off=(5, 6, 12, 13),
    ),
)
