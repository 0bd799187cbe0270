"""Webhooks: where they may go, what they say, how they are signed."""
