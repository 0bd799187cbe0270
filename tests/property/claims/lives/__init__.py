"""A fleet's whole life over HTTP, and what must have come of it."""
