"""`python -m services.ingest.main [--check-config]`."""

from services.ingest.settings import IngestSettings
from services.ingest.wiring import run
from shared.runtime import main

if __name__ == "__main__":
    main(IngestSettings, run)
