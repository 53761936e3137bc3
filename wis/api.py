"""The public functions: sparsify a graph, or rank its edges once for every budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wis.budget import pairs_to_keep
from wis.calls import check_call, choose_pairs, rank_pairs
from wis.extras import needed_for
from wis.graphs.load import load_graph
from wis.order import RemovalOrder

if TYPE_CHECKING:
    import torch


def sparsify(
    graph: Any,
    keep: float | None = None,
    *,
    num_edges: int | None = None,
    method: str = "wis",
    num_nodes: int | None = None,
    directed: bool | None = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    data: Any = None,
    **options: Any,
) -> Any:
    """Keep the part of the edges that matters most to a GNN.

    Parameters
    ----------
    graph
        A PyG ``Data``, an ``edge_index`` (integer ``[2, E]``, torch or NumPy), a NetworkX graph, a SciPy sparse matrix,
        or what :func:`wis.read_graph` gives. It is not changed.
    keep
        Fraction of the pairs that stay, in ``[0, 1]``: exactly ``round(keep * m)``. 0.5 if neither ``keep`` nor
        ``num_edges`` is given.
    num_edges
        Number of pairs that stay, instead of ``keep``.
    method
        A name from :func:`wis.methods`.
    num_nodes
        Number of vertices, for an ``edge_index`` or an edge table; its largest entry plus one if not given.
    directed
        None: undirected, and an ``edge_index`` or matrix must then be symmetric (a NetworkX graph says itself what it
        is, and an edge table may have either direction). True: ordered pairs are the budget. False: treat as
        undirected; keeping a pair keeps whichever directions were there.
    seed
        Seed of methods that draw at random.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``. The last two are promises: never a silent fall-back.
    progress
        Show a progress bar on a terminal, or log lines elsewhere.
    data
        A PyG ``Data`` with features, labels and masks, for methods that learn; ``graph`` itself if it is one.
    **options
        Options of the method; for ``"wis"`` see :func:`wis.engine.rank.rank`.

    Returns
    -------
    Any
        A graph of the type of ``graph``. Both directions, parallel copies and edge attributes follow their pair, in
        their original order; self-loops stay; node attributes are untouched. A method that reweights multiplies
        ``edge_weight``.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; the message names it, what was given and what is allowed.
    RuntimeError
        If ``device="cuda"`` and there is none.
    OverflowError
        If walk counts could pass 2**62 at this depth.

    Notes
    -----
    An undirected pair ``{u, v}`` counts once. See Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494), Section 5.

    Examples
    --------
    >>> import torch, wis
    >>> triangle_and_tail = torch.tensor([[0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]])
    >>> wis.sparsify(triangle_and_tail, num_edges=2, depth=2)
    tensor([[0, 1, 2, 3],
            [1, 0, 3, 2]])
    """
    found = check_call(method, options, device, seed)
    loaded = load_graph(graph, num_nodes, directed)
    num_keep = pairs_to_keep(loaded.edges.num_pairs, keep, num_edges)
    data = loaded.data if data is None else data
    kept, weights = choose_pairs(
        found, loaded.edges, num_keep, options, data=data, seed=seed, device=device, progress=progress
    )
    return loaded.keep_pairs(kept, weights)


def removal_order(
    graph: Any,
    method: str = "wis",
    *,
    num_nodes: int | None = None,
    directed: bool | None = None,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    data: Any = None,
    **options: Any,
) -> RemovalOrder:
    """Rank all pairs of a graph once, for every budget.

    Parameters
    ----------
    graph, method, num_nodes, directed, seed, device, progress, data, **options
        As in :func:`sparsify`.

    Returns
    -------
    RemovalOrder
        All pairs, first removed first.

    Raises
    ------
    TypeError
        If the method has no order of its own (it is of the kind ``"select"``), or as :func:`sparsify`.
    ValueError, RuntimeError, OverflowError
        As :func:`sparsify`.

    Examples
    --------
    >>> import networkx as nx, wis
    >>> order = wis.removal_order(nx.karate_club_graph(), depth=3)
    >>> half = order.apply(nx.karate_club_graph(), keep=0.5)
    >>> half.number_of_edges()
    39
    """
    found = check_call(method, options, device, seed)
    loaded = load_graph(graph, num_nodes, directed)
    data = loaded.data if data is None else data
    ranking = rank_pairs(found, loaded.edges, options, data=data, seed=seed, device=device, progress=progress)
    return RemovalOrder(loaded.edges, ranking, method=method, options=options, seed=seed)


def walk_index(
    graph: Any,
    subset: Iterable[int],
    depth: int,
    target: int | None = None,
    *,
    num_nodes: int | None = None,
    directed: bool | None = None,
) -> int:
    """The walk index of a subset of the vertices, by its definition.

    Parameters
    ----------
    graph
        As in :func:`sparsify`.
    subset
        The vertices of ``I``: a list, set, array or tensor of indices; repeats count once.
    depth
        Depth ``L >= 1`` of the GNN: walks have length ``L - 1``.
    target
        Vertex ``t``: count the walks that end there (vertex prediction). None: count all (graph prediction).
    num_nodes, directed
        As in :func:`sparsify`.

    Returns
    -------
    int
        Number of length ``L - 1`` walks, self-loops allowed, from the boundary of ``I``; exact, of any size.

    Notes
    -----
    Definition 2 of Razin, Verbin, Cohen (NeurIPS 2023). O(L m) time.

    Examples
    --------
    >>> import networkx as nx, wis
    >>> wis.walk_index(nx.path_graph(4), [0, 1], depth=2, target=1)
    2
    """
    from wis.engine import walk_counts as counts

    edges = load_graph(graph, num_nodes, directed).edges
    return counts.walk_index(edges, subset, depth, target)


def closed_walks(graph: Any, depth: int, *, num_nodes: int | None = None, directed: bool | None = None) -> torch.Tensor:
    """The walk index ``WI_{L-1,t}({t})`` of every vertex.

    Parameters
    ----------
    graph
        As in :func:`sparsify`.
    depth
        Depth ``L >= 2`` of the GNN.
    num_nodes, directed
        As in :func:`sparsify`.

    Returns
    -------
    torch.Tensor
        CPU int64 ``[n]``: closed walks of length ``L`` at every vertex, self-loops allowed; 0 where it is isolated.

    Raises
    ------
    OverflowError
        If a count could pass 2**62.

    Examples
    --------
    >>> import networkx as nx, wis
    >>> wis.closed_walks(nx.path_graph(3), depth=2)
    tensor([2, 3, 2])
    """
    from wis.engine import walk_counts as counts

    with needed_for("wis.closed_walks"):
        import torch

    return torch.from_numpy(counts.closed_walks(load_graph(graph, num_nodes, directed).edges, depth))
