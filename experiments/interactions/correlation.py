"""Spearman's correlation where it is defined."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's correlation; NaN where one of both is constant."""
    from scipy import stats

    if len(np.unique(x)) < 2 or len(np.unique(y)) < 2:
        return float("nan")
    return float(stats.spearmanr(x, y).statistic)
