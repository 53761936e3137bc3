"""What a saved reward tracker may say: seven numbers an input that rewards can lead to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("count", "mean", "squares", "lowest", "highest", "at_lowest", "at_highest")
# Sums in float64 are this close to the truth, relative to the largest reward.
_ROUNDING = 1e-9


def check_state(
    keys: Sequence[Hashable], table: NDArray[np.float64], support: tuple[float, float] | None, binary: bool
) -> None:
    """Raise `ValueError`, naming what is wrong, unless some rewards have these statistics.

    Parameters
    ----------
    keys
        The inputs.
    table
        Finite, ``[7, inputs]``: count, mean, sum of squared deviations, both extremes and how often each occurs.
    support, binary
        Those of the tracker.
    """
    if table.shape != (len(COLUMNS), len(keys)):
        raise ValueError(f"{len(keys)} keys, table {list(table.shape)}")
    if len(set(keys)) < len(keys):
        raise ValueError(f"keys has {next(key for i, key in enumerate(keys) if key in keys[:i])!r} twice")
    for what, holds in {**_counts(table, binary), **_values(table, support, binary)}.items():
        if not holds.all():
            row = int(np.flatnonzero(~holds)[0])
            given = ", ".join(f"{name} {value:g}" for name, value in zip(COLUMNS, table[:, row], strict=True))
            raise ValueError(f"{what}; of {keys[row]!r} it says: {given}")


def _counts(table: NDArray[np.float64], binary: bool) -> dict[str, NDArray[np.bool_]]:
    """What must hold of how often something occurs, and whether it does for each input."""
    count, _, _, lowest, highest, at_lowest, at_highest = table
    at_ends = at_lowest + at_highest
    spread = at_ends == count if binary else at_ends <= count
    return {
        "count must be a whole number of at least 1": (count >= 1) & (count % 1 == 0),
        "at_lowest must be a whole number of at least 1": (at_lowest >= 1) & (at_lowest % 1 == 0),
        "at_highest must be a whole number of at least 1": (at_highest >= 1) & (at_highest % 1 == 0),
        "at_lowest and at_highest must fit count": np.where(
            lowest == highest, (at_lowest == count) & (at_highest == count), spread
        ),
    }


def _values(
    table: NDArray[np.float64], support: tuple[float, float] | None, binary: bool
) -> dict[str, NDArray[np.bool_]]:
    """What must hold of the rewards themselves, and whether it does for each input."""
    count, mean, squares, lowest, highest, _, _ = table
    slack = _ROUNDING * np.maximum(np.abs(lowest), np.abs(highest))
    least, most = support or (-np.inf, np.inf)
    ends = (
        np.isin(lowest, support) & np.isin(highest, support)
        if binary and support
        else (lowest >= least) & (highest <= most)
    )
    return {
        "lowest must not pass highest": lowest <= highest,
        f"lowest and highest must {'be one of' if binary else 'lie in'} the support {support}": ends,
        "mean must lie between lowest and highest": (mean >= lowest - slack) & (mean <= highest + slack),
        # No variance is above a quarter of the range squared (Popoviciu).
        "squares must fit the range": (squares >= 0) & (squares <= count * ((highest - lowest) / 2 + slack) ** 2),
    }
