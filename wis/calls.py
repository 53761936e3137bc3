"""How a method is called, and how its answer is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList
from wis.machine import require_cuda
from wis.registry import Method, find_method

_DEVICES = ("auto", "cpu", "cuda")


def check_call(method: str, options: Mapping[str, Any], device: str = "auto", seed: int | None = None) -> Method:
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
    if device not in _DEVICES:
        raise ValueError(f"device must be one of {', '.join(map(repr, _DEVICES))}, got {device!r}")
    if device == "cuda":
        if "cuda" not in found.devices:
            raise ValueError(f"method {method!r} runs on the CPU only; leave device out or pass device='cpu'")
        require_cuda()
    return found


def rank_pairs(
    method: Method,
    edges: EdgeList,
    options: Mapping[str, Any],
    *,
    data: Any = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Rank all pairs of an edge list: int64 ``[m]``, positions of the pairs, first removed first.

    Raises
    ------
    TypeError
        If the method has no order of its own, or learns and ``data`` is None.
    ValueError
        If the method does not return a permutation; third-party methods may err.
    """
    if method.kind == "select":
        raise TypeError(f"method {method.name!r} has no removal order; use wis.sparsify, once for every budget")
    _require_data(method, data)
    ranking = method.call(edges, data=data, seed=seed, device=device, progress=progress, **options)
    return check_ranking(ranking, edges.num_pairs, method.name)


def choose_pairs(
    method: Method,
    edges: EdgeList,
    num_keep: int,
    options: Mapping[str, Any],
    *,
    data: Any = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Choose the pairs that stay, by either kind of method.

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
    _require_data(method, data)
    shared = {"data": data, "seed": seed, "device": device, "progress": progress}
    if method.kind == "select":
        kept, weights = method.call(edges, num_keep, **shared, **options)
        kept = np.asarray(kept, dtype=bool)
        if kept.shape != (edges.num_pairs,) or np.count_nonzero(kept) != num_keep:
            raise ValueError(f"method {method.name!r} kept {np.count_nonzero(kept)} pairs instead of {num_keep}")
        return kept, weights
    num_remove = edges.num_pairs - num_keep
    ranking = method.call(edges, **shared, limit=num_remove, **options)
    ranking = check_ranking(ranking, edges.num_pairs, method.name)
    kept = np.ones(edges.num_pairs, dtype=bool)
    kept[ranking[:num_remove]] = False
    return kept, None


def _require_data(method: Method, data: Any) -> None:
    if method.learns and data is None:
        raise TypeError(
            f"method {method.name!r} learns from features, labels and masks: pass a PyG Data as graph or as data="
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
