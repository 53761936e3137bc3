"""The method ``"wis"``: exact Walk Index Sparsification for every depth, with all its options."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.engine.options import check_options
from wis.engine.task import Task
from wis.graphs.edge_list import EdgeList
from wis.registry import method

_SOURCE = "Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494), Section 5 and Algorithm 1"


def _draws(options: Mapping[str, Any]) -> bool:
    return options["ties"] == "random"


def _check(*, targets: Any, partitions: Any, **others: Any) -> None:
    """Check what can be checked before there are vertices."""
    check_options(**others, num_nodes=0)
    for name, value in (("targets", targets), ("partitions", partitions)):
        if isinstance(value, (str, int, float)):
            raise TypeError(f"{name} must be a list, got {value!r}")


@method(source=_SOURCE, seeded=_draws, check=_check, devices=("cpu", "cuda"))
def rank(
    edges: EdgeList,
    *,
    depth: int = 3,
    targets: Any = None,
    partitions: Any = None,
    objective: str = "vertex",
    ties: str = "first",
    chunk: int = 1,
    memory: int | str | None = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    limit: int | None = None,
) -> np.ndarray:
    """Walk Index Sparsification, (L-1)-WIS: keep the edges that carry the most walks to every vertex.

    Greedily removes the edge whose removal leaves the best tuple of walk indices: each tuple is sorted in ascending
    order, and the lexicographically largest wins. The result is exactly that of the greedy algorithm. Walks are
    counted whatever their edges weigh.

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
        subsets ``[[0], [1], ...]`` give the default; a pair ``(I, t)`` has the one target ``t``. One partition leaves a
        dense core at its cut and takes all edges elsewhere; see ``docs/interactions.md``.
    objective
        ``"vertex"``: walks that end at the vertex (vertex prediction). ``"graph"``: walks that end anywhere (graph
        prediction).
    ties
        ``"first"``: of tied edges the first in canonical order goes first. ``"random"``: the first in a random
        permutation of the edges, drawn once from ``seed``.
    chunk
        Number of edges removed per evaluation. Only 1 is the greedy algorithm; the published code defaults to 100.
    memory
        Bytes that triangles may take at depth 3 in undirected graphs, such as ``2_000_000_000``, ``"2GB"`` or
        ``"2GiB"``, on top of some 170 bytes a pair. Where lists of all triangles take more, they are searched for until
        those left fit, which takes up to about twice the time; the order is the same. None: what is free. CPU only.
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
        If ``device="cuda"`` and these options have no CUDA engine, as with ``memory`` and ``partitions``.
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
        memory=memory,
        num_nodes=edges.num_nodes,
    )
    if options.memory is not None and edges.directed:
        raise ValueError("memory is for triangles, which only undirected graphs have stored; leave memory out")
    m = edges.num_pairs
    task = Task(
        edges=edges,
        depth=options.depth,
        limit=m if limit is None else min(check_count("limit", limit), m),
        is_target=options.is_target,
        partitions=options.partitions,
        objective=options.objective,
        priority=np.random.default_rng(seed).permutation(m) if options.ties == "random" else None,
        chunk=options.chunk,
        progress=progress,
        memory=options.memory,
    )
    from wis.engine.walk_counts import check_overflow

    check_overflow(edges, task.depth, task.objective)
    return _complete(_find_engine(task, device).removal_order(task), m)


def _find_engine(task: Task, device: str) -> Any:
    """The module that computes the order: that of a family on the CPU, or on the GPU if asked for."""
    if task.partitions is not None:
        if device == "cuda":
            raise RuntimeError("device='cuda': partitions are computed on the CPU only; leave device out")
        return importlib.import_module("wis.engine.partitions")
    if task.memory is not None and device == "cuda":
        raise RuntimeError("device='cuda': memory is for triangles in main memory; leave memory or device out")
    # "auto" keeps to the CPU as long as no speed was measured on a GPU (`python -m benchmarks.gpu`): the kernels have
    # run in CUDA's simulator only.
    return importlib.import_module(f"wis.engine.{_family(task)}.{'cuda' if device == 'cuda' else 'cpu'}")


def _family(task: Task) -> str:
    """Name of the folder: see the map in :mod:`wis.engine`."""
    if task.objective == "graph":
        return "graph_walks"
    return "walks" if task.edges.directed else {2: "degrees", 3: "triangles"}.get(task.depth, "walks")


def _complete(order: np.ndarray, num_pairs: int) -> np.ndarray:
    """Append the pairs that are not in ``order``, in canonical order."""
    if len(order) == num_pairs:
        return order
    left = np.ones(num_pairs, dtype=bool)
    left[order] = False
    return np.concatenate([order, np.flatnonzero(left)])
