"""Keys: what the removal of an edge does to the sorted tuple of walk indices (docs/engine.md, section 4).

A key is a list of entries ``(x, c)`` with ascending ``x``: the value ``x`` is then ``c`` times more (or, if negative,
less) often in the tuple. The better key has the smaller ``c`` at the smallest ``x`` where two keys differ.
"""

from __future__ import annotations

import numpy as np

from wis.engine.sorting import shell_sort
from wis.kernels import kernel

# The first value of the key of an edge whose removal changes nothing.
UNHARMFUL = np.iinfo(np.int64).max


@kernel
def make_key(old: np.ndarray, new: np.ndarray, values: np.ndarray, counts: np.ndarray) -> tuple[int, bool]:
    """Fill ``values`` and ``counts`` with the key, as far as there is room; sorts ``old`` and ``new``.

    Values of which only one is of interest, before or after, are in one of the two arrays only.

    Returns how many entries there are, and whether these are all.
    """
    shell_sort(old)
    shell_sort(new)
    width = 0
    i, j = 0, 0
    while i < len(old) or j < len(new):
        # Merge: the next smaller value of either list, and how often it is in both.
        x = old[i] if j == len(new) or (i < len(old) and old[i] < new[j]) else new[j]
        count = 0
        while j < len(new) and new[j] == x:
            count += 1
            j += 1
        while i < len(old) and old[i] == x:
            count -= 1
            i += 1
        if count == 0:
            continue
        if width == len(values):
            return width, False
        values[width] = x
        counts[width] = count
        width += 1
    return width, True


@kernel
def compare_keys(
    values: np.ndarray,
    counts: np.ndarray,
    width: int,
    other_values: np.ndarray,
    other_counts: np.ndarray,
    other_width: int,
) -> int:
    """1 if the first key is better, -1 if the other one is, 0 if they are equal as far as both go."""
    for i in range(max(width, other_width)):
        # Where one key has an entry and the other none, it is better to have fewer of that value.
        if i == width:
            return 1 if other_counts[i] > 0 else -1
        if i == other_width:
            return -1 if counts[i] > 0 else 1
        if values[i] < other_values[i]:
            return -1 if counts[i] > 0 else 1
        if values[i] > other_values[i]:
            return 1 if other_counts[i] > 0 else -1
        if counts[i] != other_counts[i]:
            return 1 if counts[i] < other_counts[i] else -1
    return 0
