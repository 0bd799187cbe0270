"""The sample district and fleet: our own seeded generator, with the exact truth of every metre."""
