"""How a method is called, and how its answer is checked."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.forest import forest_last, heaviest_first, spanning_forest
from wis.graphs.labels import check_numbered
from wis.machine import require_cuda
from wis.notices import tell
from wis.registry import Method, find_method, format_method, own_options

if TYPE_CHECKING:
    import torch

_DEVICES = ("auto", "cpu", "cuda")


def check_call(
    method: str | Callable[..., Any],
    options: Mapping[str, Any],
    device: str | torch.device = "auto",
    seed: int | None = None,
) -> Method:
    """Check everything that can be checked before a graph is read, and find the method.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As :func:`wis.sparsify`.
    """
    found = find_method(method)
    found.check_options(options)
    if seed is not None:
        check_count("seed", seed)
    if device_name(device) == "cuda":
        if "cuda" not in found.devices:
            raise ValueError(f"method {found.name!r} runs on the CPU only; leave device out or pass device='cpu'")
        require_cuda()
        _check_is_current(device)
    return found


def device_name(device: str | torch.device) -> str:
    """``"auto"``, ``"cpu"`` or ``"cuda"`` for a device in any form that torch has for it.

    Raises
    ------
    ValueError
        If it is another device.
    """
    kind, colon, number = str(device).partition(":")
    if kind not in _DEVICES or (colon and (kind == "auto" or not number.isdecimal())):
        raise ValueError(
            f"device must be one of {', '.join(map(repr, _DEVICES))}, got {str(device)!r}; a torch.device is fine too"
        )
    return kind


def _check_is_current(device: str | torch.device) -> None:
    """Raise ``ValueError`` if a GPU with a number is not the one that kernels run on."""
    import torch

    number = str(device).partition(":")[2]
    if number and int(number) != torch.cuda.current_device():
        raise ValueError(
            f"device={str(device)!r} is not the current GPU, cuda:{torch.cuda.current_device()}; choose it by "
            f"torch.cuda.set_device({number})"
        )


def edges_for(
    method: Method, loaded: LoadedGraph, options: Mapping[str, Any], *, num_nodes: int | None = None, data: Any = None
) -> EdgeList:
    """The edge list that a method gets: with weights if it reads them; else a warning, once, where weights differ.

    A warning too where it reads weights, and the graph has none but an attribute that may be meant as such. Unless
    features or options are about vertices, or ``num_nodes`` is given, it has no gaps between vertices.

    Raises
    ------
    TypeError, ValueError
        If the method reads weights, and one is no positive, finite number; or if something tells vertices by their
        numbers, and the graph calls them by others.
    """
    if method.uses_weights(options):
        edges = loaded.weighted_edges()
        if loaded.weights_note:
            tell(f"method {method.name!r} reads edge weights, and {loaded.weights_note}")
    else:
        edges = loaded.edges
        if loaded.has_different_weights:
            # Where options decide, they are named too.
            warn_of_weights(format_method(method.name, options) if method.reads_weights else method.name)
    features = loaded.data if data is None else data
    about_vertices = [
        name for _, own in method.chain(options) for name in ("targets", "partitions") if own.get(name) is not None
    ]
    if features is not None and loaded.data is None and method.learner(options):
        about_vertices.append("data")
    for name in about_vertices:
        check_numbered(loaded.labels, name)
    named = num_nodes is not None or features is not None or bool(about_vertices)
    return edges if named else edges.without_gaps()


def warn_of_weights(method: str) -> None:
    """Tell the caller of this package that a method takes no notice of weights."""
    tell(
        f"method {method!r} does not read edge weights: it keeps the same edges whatever they weigh. "
        "`wis methods` says which methods read them"
    )


def rank_pairs(
    method: Method,
    edges: EdgeList,
    options: Mapping[str, Any],
    *,
    data: Any = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Rank all pairs of an edge list: int64 ``[m]``, positions of the pairs, first removed first.

    With the option ``keep_connected`` a spanning forest goes last: see :func:`wis.graphs.forest.forest_last`.

    Raises
    ------
    TypeError
        If the method has no order of its own, or learns and ``data`` is None.
    ValueError
        If the method does not return a permutation, or changes the data; third-party methods may err.
    """
    if method.kind == "select":
        raise TypeError(f"method {method.name!r} has no removal order; use wis.sparsify, once for every budget")
    _require_data(method, options, data)
    with _lent(data, method) as data:
        shared = {"data": data, "seed": seed, "device": device_name(device), "progress": progress}
        ranking = method.call(edges, **shared, **own_options(options))
    ranking = check_ranking(ranking, edges.num_pairs, method.name)
    return forest_last(edges, ranking) if options.get("keep_connected") else ranking


def choose_pairs(
    method: Method,
    edges: EdgeList,
    num_keep: int,
    options: Mapping[str, Any],
    *,
    data: Any = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Choose the pairs that stay, by either kind of method.

    With the option ``keep_connected`` a method that selects gets what a spanning forest (the heaviest, else a random
    one) leaves of the graph and of the budget; the edges of the forest keep their weights. Where the budget is smaller
    than the forest, it goes to the edges of the forest that were found first.

    Returns
    -------
    tuple
        bool ``[m]`` in canonical order with ``num_keep`` True, and float64 weights ``[m]`` or None.

    Raises
    ------
    TypeError
        If the method learns and ``data`` is None.
    ValueError
        If the method breaks its contract; third-party methods may err.
    """
    _require_data(method, options, data)
    own, connected = own_options(options), bool(options.get("keep_connected"))
    num_remove = edges.num_pairs - num_keep
    # An order may be exact for the first removals only; what the forest is depends on all.
    limit = edges.num_pairs if connected else num_remove
    with _lent(data, method) as data:
        shared = {"data": data, "seed": seed, "device": device_name(device), "progress": progress}
        if method.kind == "select":
            call = functools.partial(_select, method, keywords={**shared, **own})
            forest_seed = seed if method.uses_seed(own) else 0
            return _connected(edges, num_keep, forest_seed, call) if connected else call(edges, num_keep)
        ranking = method.call(edges, **shared, limit=limit, **own)
    ranking = check_ranking(ranking, edges.num_pairs, method.name)
    ranking = forest_last(edges, ranking) if connected else ranking
    kept = np.ones(edges.num_pairs, dtype=bool)
    kept[ranking[:num_remove]] = False
    return kept, None


def choose(
    method: Method,
    loaded: LoadedGraph,
    num_keep: int,
    options: Mapping[str, Any],
    *,
    num_nodes: int | None = None,
    data: Any = None,
    **call: Any,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Choose the pairs of a graph that stay: :func:`choose_pairs` on what the method reads of it.

    Parameters
    ----------
    method, num_keep, options, **call
        As in :func:`choose_pairs`.
    loaded
        The graph; its weights are read where the method reads any.
    num_nodes
        What the caller gave as number of vertices, if anything.
    data
        Features, labels and masks; those of the graph if None.

    Raises
    ------
    TypeError, ValueError
        As :func:`edges_for` and :func:`choose_pairs`.
    """
    data = loaded.data if data is None else data
    edges = edges_for(method, loaded, options, num_nodes=num_nodes, data=data)
    return choose_pairs(method, edges, num_keep, options, data=data, **call)


def _select(
    method: Method, edges: EdgeList, num_keep: int, *, keywords: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray | None]:
    chosen = method.call(edges, num_keep, **keywords)
    if not isinstance(chosen, tuple) or len(chosen) != 2:
        raise ValueError(f"method {method.name!r} must return (mask, weights or None), got {type(chosen).__name__}")
    kept, weights = np.asarray(chosen[0]), chosen[1]
    if kept.shape != (edges.num_pairs,) or kept.dtype != bool:
        raise ValueError(
            f"method {method.name!r} must return a bool mask of shape [{edges.num_pairs}], got {kept.dtype} "
            f"{list(kept.shape)}"
        )
    if np.count_nonzero(kept) != num_keep:
        raise ValueError(f"method {method.name!r} kept {np.count_nonzero(kept)} pairs instead of {num_keep}")
    return kept, weights


def _connected(
    edges: EdgeList, num_keep: int, seed: int | None, select: Callable[..., tuple[np.ndarray, np.ndarray | None]]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Choose the edges of a spanning forest, and what the budget leaves by ``select`` among the others."""
    order = heaviest_first(edges, np.random.default_rng(seed).permutation(edges.num_pairs))
    in_forest = spanning_forest(edges, order)
    forest, rest = order[in_forest], np.sort(order[~in_forest])
    others = EdgeList(
        edges.num_nodes, edges.pairs[:, rest], edges.directed, None if edges.weights is None else edges.weights[rest]
    )
    chosen, factors = select(others, max(num_keep - len(forest), 0))
    kept = np.zeros(edges.num_pairs, dtype=bool)
    kept[forest[:num_keep]] = True
    weights = None if factors is None else kept.astype(np.float64)
    kept[rest] = chosen
    if weights is not None:
        weights[rest] = factors
    return kept, weights


@contextlib.contextmanager
def _lent(data: Any, method: Method) -> Iterator[Any]:
    """A copy of the caller's PyG graph for a method: it may set attributes of it but must leave the tensors alone."""
    lent = copy.copy(data)
    tensors = lent.to_dict() if hasattr(lent, "to_dict") else {}
    # torch counts operations in place.
    before = {name: value._version for name, value in tensors.items() if hasattr(value, "_version")}
    yield lent
    for name, version in before.items():
        if tensors[name]._version != version:
            raise ValueError(f"method {method.name!r} changes data.{name} in place; let it work on data.{name}.clone()")


def _require_data(method: Method, options: Mapping[str, Any], data: Any) -> None:
    learner = method.learner(options)
    if learner and data is None:
        raise TypeError(
            f"method {learner!r} learns from features, labels and masks: pass a PyG Data as graph or as data="
        )


def check_ranking(ranking: np.ndarray, num_pairs: int, method: str) -> np.ndarray:
    """Return ``ranking`` as int64 after checking that it is a permutation; third-party methods may err."""
    ranking = np.asarray(ranking)
    if ranking.shape != (num_pairs,) or ranking.dtype.kind not in "iu":
        raise ValueError(
            f"method {method!r} must return an integer permutation of shape [{num_pairs}], got {ranking.dtype} "
            f"{list(ranking.shape)}"
        )
    ranking = ranking.astype(np.int64, copy=False)
    seen = np.zeros(num_pairs, dtype=bool)
    if num_pairs and ranking.min() >= 0 and ranking.max() < num_pairs:
        seen[ranking] = True
    if not seen.all():
        raise ValueError(f"method {method!r} returned an order that is not a permutation of the {num_pairs} pairs")
    return ranking
