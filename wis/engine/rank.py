"""The method ``"wis"``: exact Walk Index Sparsification for every depth, with all its options."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wis.checks import check_choice, check_count
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList
from wis.registry import method

OBJECTIVES = ("vertex", "graph")
TIES = ("first", "random")

_SOURCE = "Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494), Section 5 and Algorithm 1"
_COUNT_LIMIT = 1 << 62


def _draws(options: Mapping[str, Any]) -> bool:
    return options["ties"] == "random"


@method(source=_SOURCE, seeded=_draws, devices=("cpu", "cuda"))
def rank(
    edges: EdgeList,
    *,
    depth: int = 3,
    targets: Any = None,
    partitions: Any = None,
    objective: str = "vertex",
    ties: str = "first",
    chunk: int = 1,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    limit: int | None = None,
) -> np.ndarray:
    """Walk Index Sparsification, (L-1)-WIS: keep the edges that carry the most walks to every vertex.

    Greedily removes the edge whose removal leaves the best tuple of walk indices: each tuple is sorted in ascending
    order, and the lexicographically largest wins. The result is exactly that of the greedy algorithm.

    Parameters
    ----------
    edges
        The candidate pairs.
    depth
        Number of layers ``L`` of the GNN, at least 2; the walks have length ``L - 1``. 2 is 1-WIS, 3 is 2-WIS.
    targets
        Vertices whose walk index counts: indices, or a bool mask ``[n]`` (a list, NumPy array or torch tensor). None:
        all of them.
    partitions
        A list of vertex subsets ``I`` whose walk index counts, in place of every single vertex; for small graphs. With
        ``objective="vertex"`` the walk index of ``I`` is taken for each vertex of ``I`` as the target, so that the
        subsets ``[[0], [1], ...]`` give the default.
    objective
        ``"vertex"``: walks that end at the vertex (vertex prediction). ``"graph"``: walks that end anywhere (graph
        prediction).
    ties
        ``"first"``: of tied edges the first in canonical order goes first. ``"random"``: the first in a random
        permutation of the edges, drawn once from ``seed``.
    chunk
        Number of edges removed per evaluation. Only 1 is the greedy algorithm; the published code defaults to 100.
    seed
        For ``ties="random"``.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    progress
        Show progress.
    limit
        Stop after this many removals; the rest of the permutation is then in canonical order.

    Returns
    -------
    np.ndarray
        int64 ``[m]``: positions of the pairs, first removed first.

    Raises
    ------
    TypeError, ValueError
        If an option does not fit.
    RuntimeError
        If ``device="cuda"`` and these options have no CUDA engine.
    OverflowError
        If a walk count could pass 2**62.
    """
    options = check_options(
        depth=depth,
        targets=targets,
        partitions=partitions,
        objective=objective,
        ties=ties,
        chunk=chunk,
        num_nodes=edges.num_nodes,
    )
    m = edges.num_pairs
    limit = m if limit is None else min(check_count("limit", limit), m)
    priority = np.random.default_rng(seed).permutation(m) if options.ties == "random" else None
    check_overflow(edges, options.depth, options.objective)
    order = _find_engine(edges, options, device)(
        edges, priority=priority, chunk=options.chunk, limit=limit, progress=progress
    )
    return _complete(order, m)


@dataclass(frozen=True)
class Options:
    """Checked options; ``is_target`` is bool ``[n]`` or None, ``partitions`` a list of int64 arrays or None."""

    depth: int
    is_target: np.ndarray | None
    partitions: list[np.ndarray] | None
    objective: str
    ties: str
    chunk: int


def check_options(
    *,
    depth: Any = 3,
    targets: Any = None,
    partitions: Any = None,
    objective: Any = "vertex",
    ties: Any = "first",
    chunk: Any = 1,
    num_nodes: int,
) -> Options:
    """Check the options of :func:`rank` for a graph with ``num_nodes`` vertices, without running anything.

    Raises
    ------
    TypeError, ValueError
        If an option does not fit; the message names it, what was given and what is allowed.
    """
    if targets is not None and partitions is not None:
        raise ValueError("give targets or partitions, not both: partitions name the vertices themselves")
    return Options(
        depth=check_count("depth", depth, at_least=2),
        is_target=None if targets is None else _target_mask(targets, num_nodes),
        partitions=None if partitions is None else _subsets(partitions, num_nodes),
        objective=check_choice("objective", objective, OBJECTIVES),
        ties=check_choice("ties", ties, TIES),
        chunk=check_count("chunk", chunk, at_least=1),
    )


def check_overflow(edges: EdgeList, depth: int, objective: str = "vertex") -> None:
    """Raise ``OverflowError`` if a walk count of this graph could pass 2**62.

    The bound is the largest number of walks of length ``depth - 1`` (``depth`` for graph prediction) from any vertex:
    a closed walk of length ``depth`` is one of them and a last step back. O(m * depth) time; O(1) where the bound is
    obviously kept.
    """
    length = depth if objective == "graph" else depth - 1
    m = edges.num_pairs
    if (min(edges.num_nodes, m + 1)) ** length <= _COUNT_LIMIT:
        return
    # Far from the limit, rounding does not matter; close to it, or above, the exact numbers are worth a copy.
    if isinstance(edges, DeviceEdgeList) and edges.most_walks(length) < _COUNT_LIMIT / 2:
        return
    from wis.engine.walk_counts import saturated_walks

    walks = saturated_walks(edges, length, _COUNT_LIMIT)
    vertex = int(np.argmax(walks))
    if walks[vertex] > _COUNT_LIMIT:
        degree = int(np.count_nonzero(edges.pairs == vertex))
        raise OverflowError(
            f"depth={depth} is too large for this graph: from vertex {vertex}, of degree {degree}, there are more than "
            f"2**62 walks of length {length}, which exact 64-bit counts cannot hold; use a smaller depth"
        )


def _target_mask(targets: Any, num_nodes: int) -> np.ndarray:
    values = _to_array("targets", targets)
    if values.dtype == bool:
        if len(values) != num_nodes:
            raise ValueError(f"targets is a mask over {len(values)} vertices, but the graph has {num_nodes}")
        mask = values.copy()
    else:
        mask = np.zeros(num_nodes, dtype=bool)
        mask[_check_vertices("targets", values, num_nodes)] = True
    if not mask.any():
        raise ValueError("targets names no vertex; give at least one, or None for all")
    return mask


def _subsets(partitions: Any, num_nodes: int) -> list[np.ndarray]:
    if isinstance(partitions, (str, bytes)) or not hasattr(partitions, "__iter__"):
        raise TypeError(f"partitions must be a list of vertex subsets, got {type(partitions).__name__}")
    subsets = []
    for i, subset in enumerate(partitions):
        name = f"partitions[{i}]"
        vertices = _check_vertices(name, _to_array(name, subset), num_nodes)
        if len(vertices) == 0:
            raise ValueError(f"{name} is empty; every subset must have at least one vertex")
        subsets.append(np.unique(vertices))
    if not subsets:
        raise ValueError("partitions is empty; give at least one vertex subset, or None for every single vertex")
    return subsets


def _to_array(name: str, values: Any) -> np.ndarray:
    """A 1-D array from any sequence or tensor, sets included."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    elif isinstance(values, (set, frozenset, range)):
        values = sorted(values)
    try:
        array = np.asarray(values)
    except ValueError:
        raise TypeError(f"{name} must be one-dimensional vertex indices, got {values!r}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {list(array.shape)}")
    return array if array.size else array.astype(np.int64)


def _check_vertices(name: str, values: np.ndarray, num_nodes: int) -> np.ndarray:
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold vertex indices, got dtype {values.dtype}")
    if values.size and (values.min() < 0 or values.max() >= num_nodes):
        wrong = values[(values < 0) | (values >= num_nodes)][0]
        raise ValueError(f"{name} has vertex {wrong}; vertices are numbered from 0 to {num_nodes - 1}")
    return values.astype(np.int64)


def _find_engine(edges: EdgeList, options: Options, device: str) -> Callable[..., np.ndarray]:
    """The function that computes the order, bound to the options that say which it is."""
    subsets = options.partitions
    if subsets is not None:
        if device == "cuda":
            raise RuntimeError("device='cuda': partitions are computed on the CPU only; leave device out")
        from wis.engine import partitions

        return lambda *args, **rest: partitions.removal_order(
            *args, depth=options.depth, partitions=subsets, objective=options.objective, **rest
        )
    module = _import_engine(_family(edges, options), edges, options.depth, device)
    return lambda *args, **rest: module.removal_order(*args, depth=options.depth, is_target=options.is_target, **rest)


def _family(edges: EdgeList, options: Options) -> str:
    """Name of the module, the same on every backend."""
    if options.objective == "graph":
        return "graph_walks"
    return {2: "degrees", 3: "triangles"}.get(options.depth, "walks") if not edges.directed else "walks"


def _import_engine(family: str, edges: EdgeList, depth: int, device: str) -> Any:
    """The module of a family on the CPU, or on the GPU if asked for or worth it."""
    from wis.engine import cuda

    on_gpu = device == "cuda" or (device == "auto" and cuda.is_worth(edges, depth))
    backend = "cuda" if on_gpu else "cpu"
    return importlib.import_module(f"wis.engine.{family}.{backend}")


def _complete(order: np.ndarray, num_pairs: int) -> np.ndarray:
    """Append the pairs that are not in ``order``, in canonical order."""
    if len(order) == num_pairs:
        return order
    left = np.ones(num_pairs, dtype=bool)
    left[order] = False
    return np.concatenate([order, np.flatnonzero(left)])
