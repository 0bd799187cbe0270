"""Routes of faulty data and of recomputation."""
