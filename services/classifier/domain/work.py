"""What is known when legs are cut."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.evidence import Evidence
from services.classifier.domain.fixes import Fixes
from services.classifier.domain.geometry import Roads
from services.classifier.domain.ground import Ground
from services.classifier.domain.lengths import Lengths
from services.classifier.domain.places import Places, Ruled
from services.classifier.domain.readings import Odometers
from services.classifier.domain.scheme import Scheme


class Work(NamedTuple):
    """Everything that is known when legs are cut."""

    fixes: Fixes
    odometers: Odometers
    lengths: Lengths
    evidence: Evidence
    surface: NDArray[np.int8]
    ground: Ground
    roads: Roads
    scheme: Scheme
    places: Places
    ruled: Ruled
