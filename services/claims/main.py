"""`python -m services.claims.main`: the claims service."""

from services.claims.settings import ClaimsSettings
from services.claims.wiring import build
from shared.runtime import main

if __name__ == "__main__":
    main(ClaimsSettings, build)
