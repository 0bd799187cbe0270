"""Named situations of the off-road scheme, each a small world of its own: map, true drive, receiver and exact truth."""
