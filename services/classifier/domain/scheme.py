"""Every constant of scheme 1.  Reasons and measurements stand in docs/scheme/1.md under the paragraph named here.

A scheme is a value handed to the kernels, so that a later one lives beside this one and old claims stay computable."""

from typing import Final, NamedTuple


class Scheme(NamedTuple):
    """Costs are in nats: differences of minus the logarithm of likelihoods."""

    number: int = 1
    gap_limit_ms: int = 150_000  # §2, also the context that a day may read

    # §§ 13-17 fixes and their labels
    accuracy_max_m: float = 100.0
    accuracy_floor_m: float = 3.0
    accuracy_default_m: float = 10.0
    hdop_to_m: float = 4.0
    speed_max_mps: float = 60.0
    spike_noise_m: float = 50.0
    spike_run_max: int = 5
    doppler_says_s: float = 60.0
    spurt_mps2: float = 1.0

    # §18 how far from a way
    corridor_slack_m: float = 2.0
    map_error_m: float = 4.0
    tail_knee: float = 1.2
    tail_slope: float = 0.6
    error_max_m: float = 60.0
    far_slope: float = 0.15
    evidence_cap: float = 15.0
    # §19 heading and speed
    heading_free_cos: float = 0.90
    heading_cost: float = 5.0
    heading_speed_mps: float = 2.0
    public_slow_mps: float = 8.0
    public_slow_cost: float = 0.8
    private_prior: float = 0.5
    private_speed_mps: float = 14.0
    private_speed_cost: float = 0.15
    field_prior: float = 2.5
    field_spread: float = 2.0
    field_sigma_m: float = 5.0
    field_speed_mps: float = 9.0
    field_speed_cost: float = 0.5
    unknown_bias: float = 1.0
    # §20 how much a fix says beyond the one before
    independent_s: float = 12.0
    parked_mps: float = 0.5
    parked_weight: float = 0.02

    # §§ 21-23 the decision
    switch_price: float = 5.0
    claim_margin: float = 1.0
    clear_m: float = 30.0
    road_like_mps: float = 10.0
    road_like_ms: int = 60_000

    # §§ 24-25 lengths
    drift_m: float = 8.0
    arc_share_max: float = 0.4
    arc_full_s: float = 9.0
    sparse_from_s: float = 8.0
    sparse_per_s: float = 0.008
    sparse_max: float = 0.25
    doppler_over_chord: float = 3.0
    doppler_slack_m: float = 10.0
    doppler_slack_mps: float = 1.0
    shave: float = 0.0

    # §§ 27-29 what is certain
    bound_slack_m: float = 1.0
    touch_m: float = 5.0
    odometer_least: float = 0.985

    # §31 carried
    sea_clear_m: float = 60.0
    still_slack_m: float = 300.0


V1: Final = Scheme()
SCHEMES: Final = {1: V1}
