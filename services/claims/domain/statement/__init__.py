"""The statement of a licence: window, boundaries, pieces, closure; and what is read from it (rules LI, DI)."""
