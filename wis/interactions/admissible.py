"""The sets of vertices that the paper's lower bound is a maximum over."""

from __future__ import annotations

from itertools import islice

import numpy as np

from wis.engine.walk_counts import boundary
from wis.graphs.csr import build_csr
from wis.interactions.setting import Setting, walks_to
from wis.kernels import compiled

# All subsets of so many vertices are tried, in seconds.
MOST_VERTICES = 24


def most_walks(setting: Setting) -> int:
    """The most walks of length ``L - 1`` from an admissible set to the target, or to anywhere.

    A set ``C = N(I') ∩ N(J')`` is admissible if ``I'`` is in ``I``, ``J'`` in its complement, and each vertex of ``C``
    has exactly one neighbour in ``I'`` and exactly one in ``J'``, itself included (Razin, Verbin, Cohen,
    arXiv:2211.16494).

    Raises
    ------
    ValueError
        If more than 24 vertices are neighbours of the boundary: every subset of them is tried.
    """
    edges = setting.edges
    at_boundary = boundary(edges, setting.inside)
    start, neighbour, _ = build_csr(edges, reverse=True)
    lists = [[v, *neighbour[start[v] : start[v + 1]].tolist()] for v in np.flatnonzero(at_boundary).tolist()]
    near = sorted({v for vertices in lists for v in vertices})
    if len(near) > MOST_VERTICES:
        raise ValueError(
            f"the paper's lower bound is a maximum over all subsets of the {len(near)} vertices next to the boundary; "
            f"at most {MOST_VERTICES} can be tried: give a smaller graph, or a subset with a smaller boundary"
        )
    bit = {v: 1 << i for i, v in enumerate(near)}
    of_subset = [sum(bit[v] for v in vertices if setting.inside[v]) for vertices in lists]
    of_others = [sum(bit[v] for v in vertices if not setting.inside[v]) for vertices in lists]
    walks = next(islice(walks_to(edges, setting.target), setting.depth - 1, None))[at_boundary]
    columns = (np.array(column, dtype=np.int64) for column in (of_subset, of_others, walks))
    return int(_most(len(near), *columns))


@compiled
def _most(size: int, of_subset: np.ndarray, of_others: np.ndarray, walks: np.ndarray) -> int:
    best = 0
    for chosen in range(1 << size):
        total = 0
        for k in range(len(walks)):
            one, other = chosen & of_subset[k], chosen & of_others[k]
            if one == 0 or other == 0:
                continue
            if one & (one - 1) or other & (other - 1):  # two neighbours or more
                total = 0
                break
            total += walks[k]
        best = max(best, total)
    return best
