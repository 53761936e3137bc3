"""What kernels for tensors on the CPU share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wis.kernels import compiled

# Sums may be taken in any order, so that they are vectorised; NaN and infinity stay what they are.
sums = compiled(_nrt=False, fastmath={"reassoc", "contract"})


def arrays(*tensors: Tensor) -> list[np.ndarray]:
    """The same memory as NumPy arrays."""
    return [tensor.detach().numpy() for tensor in tensors]


def like(x: Tensor, number: float) -> Any:
    """The number in the precision of ``x``: a wider one would widen all that it is multiplied with."""
    return torch.empty((), dtype=x.dtype).numpy().dtype.type(number)
