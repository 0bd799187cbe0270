"""`python -m deploy.embedded.identity.main`: the local provider as a process of the embedded stack."""

from deploy.embedded.identity.app import Provider, make_app
from deploy.embedded.identity.settings import IdentitySettings
from shared.clock import system_clock
from shared.runtime import main, serve


async def build(settings: IdentitySettings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    return await serve(make_app(Provider(settings, system_clock)), settings, [])


if __name__ == "__main__":
    main(IdentitySettings, build)
