"""`python -m deploy.embedded.identity.main`: the local provider as a process of the embedded stack."""

from deploy.embedded.identity.app import Provider, make_app
from deploy.embedded.identity.settings import IdentitySettings
from shared.clock import system_clock
from shared.http import cors
from shared.runtime import main, serve


async def build(settings: IdentitySettings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    app = make_app(Provider(settings, system_clock))
    cors.install(app, settings.origins)
    return await serve(app, settings, [])


if __name__ == "__main__":
    main(IdentitySettings, build)
