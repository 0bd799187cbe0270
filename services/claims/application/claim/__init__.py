"""Claims: preview, preflight, lodging, steps after it, the form, reports and exports, the review."""
