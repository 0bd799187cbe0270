"""The three ways work can fail (docs/architecture.md, "Failure classes")."""


class Poison(Exception):
    """This row can never be processed: it goes to the quarantine with its reason; the rest goes on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Retryable(Exception):
    """A dependency is away for now: back off, bounded, then exit non-zero."""


class Fatal(Exception):
    """An invariant is broken: crash at once, a restart re-reads the truth from Postgres."""


class Superseded(Exception):
    """Another owner moved this position: forget what memory holds and read the position again."""
