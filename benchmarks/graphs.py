"""The graphs that the benchmarks measure on: real ones by name, and generated ones with a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wis.graphs.edge_list import EdgeList

# Samples drawn at a time: bounds the memory for floating-point temporaries to some 100 MiB.
_CHUNK = 1 << 22

# Where PyG's data set classes put the graphs of the paper, under the data root.
_REAL = ("Cora", "DBLP", "Computers", "chameleon", "squirrel")


def real(name: str, data_root: str | Path | None) -> EdgeList | None:
    """One of the paper's graphs as undirected pairs without self-loops, or None if its files are not there.

    Parameters
    ----------
    name
        Cora, DBLP, Computers, chameleon or squirrel.
    data_root
        The root folder of PyG's data sets; None: there is none.
    """
    if name not in _REAL:
        raise ValueError(f"name must be one of {', '.join(_REAL)}, got {name!r}")
    if data_root is None:
        return None
    from wis.experiments.datasets.load import load

    try:
        data = load(name, data_root)
    except (FileNotFoundError, RuntimeError):
        return None
    return EdgeList.from_columns(data.edge_index.numpy(), data.num_nodes)


def rmat(scale: int = 17, edge_factor: int = 8, *, seed: int = 0) -> EdgeList:
    """NetworKit's R-MAT graph (0.57, 0.19, 0.19, 0.05) with ``2**scale`` vertices, without loops and duplicates.

    Source: Chakrabarti, Zhan and Faloutsos, *R-MAT: A Recursive Model for Graph Mining* (SDM 2004).
    """
    import networkit

    networkit.setSeed(seed, False)
    graph = networkit.generators.RmatGenerator(scale, edge_factor, 0.57, 0.19, 0.19, 0.05).generate()
    columns = np.array(list(graph.iterEdges()), dtype=np.int64).reshape(-1, 2).T
    return EdgeList.from_columns(columns, graph.numberOfNodes())


def users_and_items(num_pairs: int = 1_000_000, *, users: int = 6_040, items: int = 3_706, seed: int = 0) -> EdgeList:
    """A graph without triangles, in the shape of MovieLens-1M's ratings: users, then items, drawn by popularity.

    Users take part by a Pareto law with exponent 1.5, the ``i``-th item in proportion to ``(i + 20) ** -0.9``; of all
    pairs drawn twice as often as needed, so many are kept at random.

    Parameters
    ----------
    num_pairs
        Number of pairs ``m``, well below ``users * items``.
    users, items
        Number of vertices of either kind.
    seed
        Of NumPy's generator.
    """
    rng = np.random.default_rng(seed)
    activity, popularity = rng.pareto(1.5, users) + 1, (np.arange(items) + 20) ** -0.9
    user = rng.choice(users, 2 * num_pairs, p=activity / activity.sum())
    item = rng.choice(items, 2 * num_pairs, p=popularity / popularity.sum())
    drawn = rng.permutation(np.unique(user * items + item))[:num_pairs]
    return EdgeList.from_columns(np.stack([drawn // items, users + drawn % items]), users + items)


def power_law(num_pairs: int, *, seed: int = 0, exponent: float = 2.3, mean_degree: float = 10.0) -> EdgeList:
    """A Chung–Lu graph whose expected degrees follow a power law, with exactly ``num_pairs`` pairs.

    Both endpoints of an edge are drawn in proportion to the vertices' weights; loops and duplicates are dropped and
    replaced until the number of pairs is reached. Weights are cut off at the square root of their sum, as the model
    demands, and vertices are numbered at random.

    Parameters
    ----------
    num_pairs
        Number of pairs ``m``; there are ``round(2 m / mean_degree)`` vertices.
    seed
        Of NumPy's generator.
    exponent
        Of the degree distribution, above 2.
    mean_degree
        Mean number of neighbours of a vertex.

    Notes
    -----
    O(m log m) time, about 40 bytes a pair. Source: Chung and Lu, *Connected Components in Random Graphs with Given
    Expected Degree Sequences* (Annals of Combinatorics 2002).
    """
    num_nodes = max(round(2 * num_pairs / mean_degree), 2)
    if num_pairs > num_nodes * (num_nodes - 1) // 4:
        raise ValueError(f"num_pairs={num_pairs} is too dense for {num_nodes} vertices; raise num_pairs")
    rng = np.random.default_rng(seed)
    names = rng.permutation(num_nodes).astype(np.int32)
    return _with_background(rng, names, np.empty(0, dtype=np.int64), num_pairs, exponent)


def _with_background(
    rng: np.random.Generator, names: np.ndarray, keys: np.ndarray, num_pairs: int, exponent: float
) -> EdgeList:
    """The graph of given keys and of as many Chung–Lu pairs as are missing; too many are thinned out."""
    num_nodes = len(names)
    shift = _cut_off(num_nodes, exponent, 2.0 * num_pairs)
    keys = _merge(keys[:0], keys, num_pairs, rng)
    while len(keys) < num_pairs:
        missing = num_pairs - len(keys)
        fresh = np.concatenate(
            [_draw_keys(rng, names, shift, exponent, part) for part in _parts(missing + missing // 16 + 16)]
        )
        keys = _merge(keys, fresh, num_pairs, rng)
    pairs = np.stack([keys // num_nodes, keys % num_nodes])
    pairs.flags.writeable = False
    return EdgeList(num_nodes, pairs)


def power_law_columns(num_columns: int, *, seed: int = 0, exponent: float = 2.3) -> Iterator[np.ndarray]:
    """The draws of :func:`power_law` with mean degree 10, as they come: int32 ``[2, columns]``, some at a time.

    Loops are dropped and replaced, duplicates stay: there are somewhat fewer pairs than columns. Constant memory beside
    4 bytes a vertex.
    """
    num_nodes = max(round(num_columns / 5), 2)
    rng = np.random.default_rng(seed)
    names = rng.permutation(num_nodes).astype(np.int32)
    shift = _cut_off(num_nodes, exponent, 2.0 * num_columns)
    while num_columns:
        keys = _draw_keys(rng, names, shift, exponent, min(num_columns, _CHUNK))
        num_columns -= len(keys)
        yield np.stack([keys // num_nodes, keys % num_nodes]).astype(np.int32)


def clustered(
    num_pairs: int,
    *,
    seed: int = 0,
    mean_degree: float = 51.6,
    share: float = 0.85,
    density: float = 0.55,
    sizes: tuple[int, int] = (10, 400),
    exponent: float = 2.8,
) -> EdgeList:
    """Overlapping communities with power-law sizes and memberships, in a sparse power-law background.

    At 62 million pairs it has the shape of ogbn-products: 2.4 million vertices and some ten triangles a pair. The
    members of a community are drawn in proportion to the vertices' weights, so that hubs are in many, and are joined
    at random. What pairs are missing then is drawn as in :func:`power_law`.

    Parameters
    ----------
    num_pairs
        Number of pairs ``m``; there are ``round(2 m / mean_degree)`` vertices.
    seed
        Of NumPy's generator.
    mean_degree
        Mean number of neighbours of a vertex.
    share
        Expected share of the pairs that are within communities, some of them in several.
    density
        Share of the pairs of members of a community that are joined.
    sizes
        Smallest and largest community; sizes follow a power law with exponent 2.5.
    exponent
        Of the distribution of memberships and of the background's degrees, above 2.

    Raises
    ------
    ValueError
        If so many pairs are more than half of all that the vertices have.

    Notes
    -----
    O(m log m) time, about 40 bytes a pair. Source: Yang and Leskovec, *Community-Affiliation Graph Model for
    Overlapping Network Community Detection* (ICDM 2012).
    """
    num_nodes = max(round(2 * num_pairs / mean_degree), 2)
    if num_pairs > num_nodes * (num_nodes - 1) // 4:
        raise ValueError(
            f"num_pairs must be at least about mean_degree squared, {round(mean_degree**2)}, got {num_pairs}: so few "
            "vertices have not twice as many pairs, and draws would hardly find new ones"
        )
    rng = np.random.default_rng(seed)
    names = rng.permutation(num_nodes).astype(np.int32)
    size = _community_sizes(rng, sizes, share * num_pairs / density)
    memberships = _draw_ends(rng, names, _cut_off(num_nodes, exponent, float(size.sum())), exponent, int(size.sum()))
    keys = _keys_within(rng, memberships, size, -np.log1p(-density), num_nodes)
    return _with_background(rng, names, keys, num_pairs, exponent)


def _community_sizes(rng: np.random.Generator, sizes: tuple[int, int], num_pairs: float) -> np.ndarray:
    """Sizes of communities with so many pairs of members, by inversion: int64."""
    least, most = (s**-1.5 for s in sizes)
    drawn = []
    while num_pairs > 0:
        size = ((least + rng.random(1024) * (most - least)) ** (-1 / 1.5)).astype(np.int64)
        total = np.cumsum(size * (size - 1) / 2)
        drawn.append(size[total < num_pairs])
        num_pairs -= total[-1]
    return np.concatenate(drawn)


def _keys_within(
    rng: np.random.Generator, members: np.ndarray, size: np.ndarray, rate: float, num_nodes: int
) -> np.ndarray:
    """Keys ``u * n + v``, ``u < v``, of pairs of members of the same community; repeats among them."""
    start = np.cumsum(size) - size
    count = rng.poisson(rate * size * (size - 1) / 2)
    keys = []
    for part in np.array_split(np.arange(len(size)), max(count.sum() // _CHUNK, 1)):
        first, span = (np.repeat(values[part], count[part]) for values in (start, size))
        ends = members[first + (rng.random((2, len(first))) * span).astype(np.int64)].astype(np.int64)
        keys.append(_keys_of(ends, num_nodes))
    return np.concatenate(keys)


def _parts(count: int) -> list[int]:
    return [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]


def _cut_off(num_nodes: int, exponent: float, degree_sum: float) -> float:
    """The shift ``s`` at which the largest of the weights ``(i + s) ** -1/(exponent - 1)`` is as large as allowed."""
    power = 1 / (exponent - 1)
    low, high = 1e-9, float(num_nodes)
    for _ in range(100):
        shift = (low * high) ** 0.5
        total = ((num_nodes + shift) ** (1 - power) - shift ** (1 - power)) / (1 - power)
        largest = degree_sum * shift**-power / total
        low, high = (shift, high) if largest > degree_sum**0.5 else (low, shift)
    return high


def _draw_keys(rng: np.random.Generator, names: np.ndarray, shift: float, exponent: float, count: int) -> np.ndarray:
    """Keys of up to ``count`` random pairs: both endpoints in proportion to their weights."""
    return _keys_of(_draw_ends(rng, names, shift, exponent, (2, count)).astype(np.int64), len(names))


def _draw_ends(
    rng: np.random.Generator, names: np.ndarray, shift: float, exponent: float, shape: int | tuple[int, int]
) -> np.ndarray:
    """Vertices in proportion to their weights, by inversion: of the type of the names."""
    power = 1 - 1 / (exponent - 1)
    first, last = shift**power, (len(names) + shift) ** power
    rank = (first + rng.random(shape) * (last - first)) ** (1 / power) - shift
    return names[np.clip(rank.astype(np.int64), 0, len(names) - 1)]


def _keys_of(ends: np.ndarray, num_nodes: int) -> np.ndarray:
    """Keys ``u * n + v``, ``u < v``, of pairs; loops are dropped."""
    low, high = ends.min(axis=0), ends.max(axis=0)
    return (low * num_nodes + high)[low != high]


def _merge(keys: np.ndarray, fresh: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """The sorted union of both, thinned at random to at most ``limit``."""
    keys = np.concatenate([keys, fresh])
    keys.sort()
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    keys = keys[first]
    if len(keys) > limit:
        surplus = rng.choice(len(keys), size=len(keys) - limit, replace=False, shuffle=False)
        keys = np.delete(keys, surplus)
    return keys


def to_networkit(edges: EdgeList) -> Any:
    """The same graph in NetworKit, every pair once and indexed, as its sparsifiers expect it."""
    import networkit

    graph = networkit.GraphFromCoo((edges.pairs[0], edges.pairs[1]), n=edges.num_nodes)
    graph.indexEdges()
    return graph
