"""The bench's figures as tables for people."""

from typing import Any


def load(name: str, found: dict[str, Any]) -> None:
    """Pings a second on one core, and each as a multiple of the tree's."""
    print(f"\n{name}: {found['pings']:,} pings of {found['devices']} devices, one pinned core")
    base = found["strtree"]["per_s_best"]
    print(f"  {'':46} {'pings/s best':>14} {'median':>12} {'x STRtree':>10}")
    _row("scheme 1: classify_days, everything included", found["kernel"], base)
    _row("  own lattice alone, both resolutions", found["lattice"], base)
    _row("polars-h3 latlng_to_cell alone (res 10)", found["polars_h3"], base)
    _row("shapely STRtree, nearest public road, batch", found["strtree"], base)
    if "valhalla" in found:
        _valhalla(found["valhalla"], base, found["kernel"]["per_s_best"])
    parts = sorted(found["kernel"]["parts_ns"].items(), key=lambda part: -part[1])
    print("  ns a ping: " + ", ".join(f"{part} {ns:.0f}" for part, ns in parts if ns >= 1.0))
    if "linear" in found:
        first = found["linear"][0]
        steps = [
            f"{row['items']:,}: {row['best_s'] / row['items'] * 1e9:.0f} ns ({_growth(row, first):.2f})"
            for row in found["linear"]
        ]
        print("  linear in pings, ns a ping (against the fewest): " + "; ".join(steps))


def national(found: dict[str, Any]) -> None:
    """Build, open, memory, and the price of a larger road set."""
    made = found["build"]
    print(
        f"\na nation of {made['public_km']:,.0f} km public and {made['private_km']:,.0f} km private roads "
        f"({made['tiles']} tiles, {made['ways']:,} ways, {made['fine_cells']:,} cells)"
    )
    print(
        f"  built in {made['build_s']:.0f} s, peak {made['peak_mb']:,.0f} MB resident, {made['size_mb']:,.0f} MB on disk"
    )
    for kind in ("library", "service"):
        used = found[kind]
        steps = used["ready_wall_and_cpu_s"]
        words = ", ".join(f"{name} {wall:.2f} ({cpu:.2f})" for name, (wall, cpu) in steps.items())
        print(f"  {kind}: seconds from start, wall (CPU): {words}")
        for what, memory in (("open and warm", used["memory_open_kb"]), ("after the load", used["memory_loaded_kb"])):
            print(
                f"    {what}: {memory['all'] / 1024:.0f} MB resident = {memory['anonymous'] / 1024:.0f} its own "
                f"+ {memory['file'] / 1024:.0f} mapped from files"
            )
        print(
            f"    load: {used['pings']:,} pings over {used['tiles_touched']} tiles, {used['per_s']:,.0f} pings/s, "
            f"most memory {used['memory_most_kb'] / 1024:.0f} MB"
        )
    small, large = found["same_pings_region"], found["same_pings_nation"]
    print(
        f"  the same pings on the region alone {small['per_s_best']:,.0f}/s, on the nation {large['per_s_best']:,.0f}/s: "
        f"{small['per_s_best'] / large['per_s_best']:.2f} times the time"
    )


def _row(name: str, row: dict[str, Any], base: float) -> None:
    print(f"  {name:46} {row['per_s_best']:14,.0f} {row['per_s_median']:12,.0f} {row['per_s_best'] / base:10.2f}")


def _valhalla(row: dict[str, Any], base: float, kernel: float) -> None:
    if "why_not" in row:
        print(f"  Valhalla was not run: {row['why_not']}")
        return
    _row(f"Valhalla {row['version']} trace_attributes", row, base)
    refused = sum(row["refused_share"].values())
    print(
        f"    the scheme is {kernel / row['per_s_best']:.0f} times as fast; Valhalla refused {100 * refused:.0f} % of the pings"
    )


def _growth(row: dict[str, Any], first: dict[str, Any]) -> float:
    return float((row["best_s"] / row["items"]) / (first["best_s"] / first["items"]))
