"""Compile all kernels beforehand: what a first call would wait for, for a container or a shared machine."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import wis
from wis.progress import track

# A triangle and a tail, on which nearly every kernel of a method runs.
SMALL = np.array([[0, 0, 1, 2], [1, 2, 2, 3]])
# A complete graph, just large enough for 2-WIS to take its kernels for dense graphs.
DENSE = np.stack(np.triu_indices(100, k=1))
# A ring with chords, which spectral sparsification does not solve by hand.
_RING = np.stack([np.tile(np.arange(60), 2), np.concatenate([(np.arange(60) + step) % 60 for step in (1, 7)])])
# Options of WIS that have kernels of their own.
_MORE: tuple[dict[str, Any], ...] = (
    {},
    {"targets": [0, 1]},
    {"chunk": 2},
    {"objective": "graph"},
    {"partitions": [[0, 1], [2]]},
)


def warm(*, progress: bool = False) -> int:
    """Compile the kernels of every method and every form of WIS, and keep them on disk.

    They are kept where Numba keeps them: beside the package, or in ``NUMBA_CACHE_DIR``. What is there already is not
    compiled again. Methods whose libraries are not installed, and those that learn, have no kernels or none that can be
    had.

    Parameters
    ----------
    progress
        Show a progress bar.

    Returns
    -------
    int
        How many forms were called.
    """
    forms = list(_forms())
    with track(len(forms), "compiling", unit="forms", enabled=progress) as advance:
        for form in forms:
            # What a method refuses on so small a graph it has compiled before, or has no kernel for.
            with contextlib.suppress(ValueError, TypeError, ImportError, RuntimeError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                form()
            advance(1)
    return len(forms)


def _forms() -> Iterator[Callable[[], object]]:
    from scipy.sparse import coo_array

    num_nodes = int(SMALL.max()) + 1
    undirected, dense, ring = (np.hstack([pairs, pairs[::-1]]) for pairs in (SMALL, DENSE, _RING))
    weighted = coo_array((np.arange(8) % 4 + 1.0, tuple(undirected)), shape=(num_nodes, num_nodes))
    for record in wis.methods():
        if record.name != "wis" and not record.learns:
            yield partial(wis.sparsify, weighted, 0.5, method=record.name, seed=0)
    for name in ("spectral", "spanning-forest"):
        yield partial(wis.sparsify, ring, 0.5, method=name, seed=0)
    for directed, depth, ties, more in itertools.product((False, True), (2, 3, 4, 5), ("first", "random"), _MORE):
        graph = SMALL if directed else undirected
        yield partial(
            wis.removal_order, graph, num_nodes=num_nodes, directed=directed, seed=0, depth=depth, ties=ties, **more
        )
    for ties in ("first", "random"):
        yield partial(wis.removal_order, dense, depth=3, ties=ties, seed=0)
    yield partial(wis.removal_order, undirected, num_nodes=num_nodes, depth=3, memory=0)
    for depth in (2, 3):
        yield partial(wis.closed_walks, undirected, depth, num_nodes=num_nodes)
        yield partial(wis.walk_index, undirected, [0, 1], depth, num_nodes=num_nodes)
        yield partial(wis.separation_rank, undirected, [0, 1], depth, num_nodes=num_nodes)
