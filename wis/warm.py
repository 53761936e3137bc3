"""Compile all kernels beforehand: what a first call would wait for, for a container or a shared machine."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import wis
from wis.progress import track

if TYPE_CHECKING:
    from wis.graphs.pair_files import PairFile

# A triangle and a tail, on which nearly every kernel of a method runs.
SMALL = np.array([[0, 0, 1, 2], [1, 2, 2, 3]])
# A complete graph, just large enough for 1-WIS and 2-WIS to take their kernels for dense graphs.
DENSE = np.stack(np.triu_indices(100, k=1))
# A ring with chords, which spectral sparsification does not solve by hand.
_RING = np.stack([np.tile(np.arange(60), 2), np.concatenate([(np.arange(60) + step) % 60 for step in (1, 7)])])
# More neighbours than numbers of 16 bits tell apart, for which 2-WIS takes wider ones; and a triangle.
_HUB = np.stack([np.append(np.zeros(70_000, dtype=np.int64), 1), np.append(np.arange(1, 70_001), 2)])
# Options of WIS that have kernels of their own.
_MORE: tuple[dict[str, Any], ...] = (
    {},
    {"targets": [0, 1]},
    {"chunk": 2},
    {"objective": "graph"},
    {"partitions": [[0, 1], [2]]},
)


@dataclass(frozen=True)
class Warmed:
    """What is compiled, and what is not.

    Attributes
    ----------
    ready
        How many forms ran, with all of their kernels.
    skipped
        The forms that did not, with the reason: a library that is not installed, for instance.
    """

    ready: int
    skipped: Mapping[str, str]


def warm(*, progress: bool = False) -> Warmed:
    """Compile the kernels of every method and every form of WIS, and keep them on disk.

    They are kept in the user's cache folder for Numba, or in ``NUMBA_CACHE_DIR``. What is there already is not compiled
    again. Methods that learn have no kernels of their own.

    Parameters
    ----------
    progress
        Show a progress bar.

    Returns
    -------
    Warmed
        How many forms are ready, and which are not.
    """
    forms = list(_forms())
    skipped = {}
    with track(len(forms), "compiling", unit="forms", enabled=progress) as advance:
        for name, form in forms:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    form()
            except (ValueError, TypeError, ImportError, RuntimeError) as error:  # the others go on
                skipped[name] = " ".join(str(error).split()) or type(error).__name__
            advance(1)
    return Warmed(len(forms) - len(skipped), skipped)


def _forms() -> Iterator[tuple[str, Callable[[], object]]]:
    """Calls that compile all kernels together, each with a name of its own."""
    from scipy.sparse import coo_array

    num_nodes = int(SMALL.max()) + 1
    undirected, dense, ring = (np.hstack([pairs, pairs[::-1]]) for pairs in (SMALL, DENSE, _RING))
    weighted = coo_array((np.arange(8) % 4 + 1.0, tuple(undirected)), shape=(num_nodes, num_nodes))
    for record in wis.methods():
        if record.name != "wis" and not record.learns:
            yield record.name, partial(wis.sparsify, weighted, 0.5, method=record.name, seed=0)
    for name in ("spectral", "spanning-forest"):
        yield f"{name} on a ring", partial(wis.sparsify, ring, 0.5, method=name, seed=0)
    for directed, depth, ties, more in itertools.product((False, True), (2, 3, 4, 5), ("first", "random"), _MORE):
        graph = SMALL if directed else undirected
        options = {"depth": depth, "ties": ties, **more}
        call = partial(wis.removal_order, graph, num_nodes=num_nodes, directed=directed, seed=0, **options)
        yield f"wis:{_text(options)} on a {'directed' if directed else 'undirected'} graph", call
    for depth, ties in itertools.product((2, 3), ("first", "random")):
        on_dense = partial(wis.removal_order, dense, depth=depth, ties=ties, seed=0)
        yield f"wis:depth={depth},ties={ties} on a dense graph", on_dense
    yield "wis:depth=2 on disk", _in_bands
    for record in wis.methods():
        if record.scores is not None:
            yield f"{record.name} on disk", partial(_by_score, record)
    searched = partial(wis.removal_order, undirected, num_nodes=num_nodes, depth=3, memory=0)
    yield "wis:depth=3,memory=0 on an undirected graph", searched
    hub = np.hstack([_HUB, _HUB[::-1]])
    for memory in (None, 0):
        at_hub = partial(wis.sparsify, hub, num_edges=_HUB.shape[1] - 1, depth=3, memory=memory)
        yield f"wis:depth=3,memory={memory} on a graph with a large hub", at_hub
    for depth in (2, 3):
        yield f"closed_walks, depth {depth}", partial(wis.closed_walks, undirected, depth, num_nodes=num_nodes)
        yield f"walk_index, depth {depth}", partial(wis.walk_index, undirected, [0, 1], depth, num_nodes=num_nodes)
        ranks = partial(wis.separation_rank, undirected, [0, 1], depth, num_nodes=num_nodes)
        yield f"separation_rank, depth {depth}", ranks


def _text(options: Mapping[str, object]) -> str:
    return ",".join(f"{name}={value}" for name, value in options.items())


def _in_bands() -> None:
    """Rank a graph with its edges on disk; without room, edges of one key go as they are read."""
    from wis.engine.degrees.bands import remove_in_bands

    for room in (0, 1 << 20):
        with _small_on_disk() as (pairs, folder):
            remove_in_bands(pairs, pairs.num_pairs, room, folder)


def _by_score(method: wis.Method) -> None:
    """The same by scores; without room, there are many runs and blocks."""
    from wis.graph_files.scored_pairs import remove_by_score

    for room in (0, 1 << 20):
        with _small_on_disk() as (pairs, folder):
            remove_by_score(method, pairs, pairs.num_pairs, room, folder, seed=0)


@contextmanager
def _small_on_disk() -> Iterator[tuple[PairFile, Path]]:
    """The pairs of a small graph, and the folder of their file."""
    from wis.graphs.pair_files import collect_pairs

    with tempfile.TemporaryDirectory() as folder:
        pairs = collect_pairs([tuple(SMALL)], None, Path(folder), 1 << 20)
        with closing(pairs):
            yield pairs, Path(folder)
