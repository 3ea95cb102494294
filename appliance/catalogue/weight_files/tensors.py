"""What a reader gives: named arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[np.generic]]
Array = npt.NDArray[Any]
