"""What ends the demo with exit code 1 and one clear sentence."""


class DemoProblem(Exception):
    """The demo cannot go on; the message says what was expected and what came."""
