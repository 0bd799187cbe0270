"""`python -m services.classifier.main [--check-config]`."""

from services.classifier.settings import ClassifierSettings
from services.classifier.wiring import run
from shared.runtime import main

if __name__ == "__main__":
    main(ClassifierSettings, run)
