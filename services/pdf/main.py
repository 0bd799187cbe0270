"""`python -m services.pdf.main [--check-config]`."""

from services.pdf.settings import PdfSettings
from services.pdf.wiring import run
from shared.runtime import main

if __name__ == "__main__":
    main(PdfSettings, run)
