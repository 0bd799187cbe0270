"""Routes of licences: statement, eligibility, timeline, log, alerts."""
