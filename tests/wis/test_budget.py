"""Budgets are exact."""

from __future__ import annotations

import numpy as np
import pytest

from wis.budget import pairs_to_keep


@pytest.mark.parametrize(
    ("num_pairs", "keep", "num_edges", "expected"),
    [
        (7, None, None, 4),  # round(3.5): half to even
        (5, None, None, 2),  # round(2.5): half to even
        (10, 0.25, None, 2),
        (10, 0, None, 0),
        (10, 1, None, 10),
        (0, 0.5, None, 0),
        (10, None, 3, 3),
        (10, np.float32(0.5), None, 5),
        (10, None, np.int64(4), 4),
    ],
)
def test_pairs_to_keep(num_pairs: int, keep: float | None, num_edges: int | None, expected: int) -> None:
    assert pairs_to_keep(num_pairs, keep, num_edges) == expected


@pytest.mark.parametrize(
    ("keep", "num_edges", "error", "message"),
    [
        (0.5, 3, ValueError, "keep or num_edges, not both"),
        (1.5, None, ValueError, "keep must be from 0 to 1, got 1.5"),
        (-0.1, None, ValueError, "keep must be from 0 to 1"),
        (float("nan"), None, ValueError, "keep must be from 0 to 1, got nan"),
        ("half", None, TypeError, "keep must be a number from 0 to 1, got 'half'"),
        (True, None, TypeError, "keep must be a number"),
        (None, 11, ValueError, "at most the number of pairs, 10, got 11"),
        (None, -1, ValueError, "num_edges must not be negative"),
        (None, 2.0, TypeError, "num_edges must be an integer"),
    ],
)
def test_bad_budgets(keep: object, num_edges: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pairs_to_keep(10, keep, num_edges)  # type: ignore[arg-type]
