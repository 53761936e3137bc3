"""The public functions: sparsify a graph, or rank its edges once for every budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from wis.budget import pairs_to_keep
from wis.calls import check_call, choose, edges_for, rank_pairs
from wis.extras import needed_for
from wis.graphs.edge_list import LoadedGraph
from wis.graphs.labels import check_numbered
from wis.graphs.load import load_any, load_edges, load_graph
from wis.graphs.parts import LoadedParts
from wis.order import RemovalOrder
from wis.registry import Method

if TYPE_CHECKING:
    import torch


def sparsify(
    graph: Any,
    keep: float | None = None,
    *,
    num_edges: int | None = None,
    method: str | Callable[..., Any] = "wis",
    num_nodes: int | None = None,
    directed: bool | None = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    progress: bool = False,
    data: Any = None,
    edge_attrs: Collection[str] | None = None,
    homogeneous: bool = False,
    **options: Any,
) -> Any:
    """Keep the part of the edges that matters most to a GNN.

    Parameters
    ----------
    graph
        A PyG ``Data``, ``HeteroData``, ``TemporalData`` or ``Batch``, an ``edge_index`` (integer ``[2, E]``, torch or
        NumPy), a sparse matrix (SciPy, torch), a NetworkX, igraph, NetworKit or DGL graph, a pandas or polars table, a
        list of pairs, a list of graphs, or what :func:`wis.read_graph` gives; see ``docs/graphs.md``. It is not
        changed.
    keep
        Fraction of the pairs that stay, in ``[0, 1]``: exactly ``round(keep * m)``. 0.5 if neither ``keep`` nor
        ``num_edges`` is given. A ``Batch`` or list has this budget for each graph, a ``HeteroData`` for each edge type.
    num_edges
        Number of pairs that stay, instead of ``keep``.
    method
        A name from :func:`wis.methods`, or a function of your own, itself or as ``"package.module:function"``; see
        ``docs/plugins.md``.
    num_nodes
        Number of vertices, for an ``edge_index`` or an edge table; its largest entry plus one if not given.
    directed
        None: undirected, and the graph must then be symmetric (a NetworkX, igraph or NetworKit graph says itself what
        it is, and the edges of a file, of ``TemporalData`` and between two types of vertices may have either
        direction). True: ordered pairs are the budget. False: treat as undirected; keeping a pair keeps whichever
        directions were there.
    seed
        Seed of methods that draw at random.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``, or a ``torch.device``. All but the first are promises: never a silent
        fall-back.
    progress
        Show a progress bar on a terminal, or log lines elsewhere.
    data
        A PyG ``Data`` with features, labels and masks, for methods that learn; ``graph`` itself if it is one.
    edge_attrs
        Attributes of a PyG graph that follow its edges where name and length leave it open, as ``time`` of a graph with
        as many edges as vertices; all others then stay.
    homogeneous
        Whether a ``HeteroData`` has one budget over all edge types, with walks through all of them.
    **options
        Options of the method; for ``"wis"`` see :func:`wis.engine.rank.rank`. Every method has ``keep_connected``: True
        to have a spanning forest go last, so that components stay whole as long as the budget allows.

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
    MemoryError
        If the graph claims more edges than fit into memory.
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
    loaded = load_any(graph, num_nodes, directed, edge_attrs=edge_attrs, homogeneous=homogeneous)
    call = {"data": data, "seed": seed, "device": device, "progress": progress}
    return _sparse(loaded, found, keep, num_edges, num_nodes, options, call)


def _sparse(
    loaded: LoadedGraph | LoadedParts,
    method: Method,
    keep: float | None,
    num_edges: int | None,
    num_nodes: int | None,
    options: Mapping[str, Any],
    call: Mapping[str, Any],
) -> Any:
    """The sparse graph, part by part where it has parts."""
    if isinstance(loaded, LoadedParts):
        parts = [_sparse(part, method, keep, num_edges, num_nodes, options, call) for part in loaded.parts]
        return loaded.combine(parts)
    num_keep = pairs_to_keep(loaded.edges.num_pairs, keep, num_edges)
    kept, weights = choose(method, loaded, num_keep, options, num_nodes=num_nodes, **call)
    return loaded.keep_pairs(kept, weights)


def removal_order(
    graph: Any,
    method: str | Callable[..., Any] = "wis",
    *,
    num_nodes: int | None = None,
    directed: bool | None = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    progress: bool = False,
    data: Any = None,
    edge_attrs: Collection[str] | None = None,
    homogeneous: bool = False,
    **options: Any,
) -> RemovalOrder:
    """Rank all pairs of a graph once, for every budget.

    Parameters
    ----------
    graph, method, num_nodes, directed, seed, device, progress, data, edge_attrs, homogeneous, **options
        As in :func:`sparsify`; ``edge_attrs`` is asked again when the order is applied. An order is for one graph.

    Returns
    -------
    RemovalOrder
        All pairs, first removed first.

    Raises
    ------
    TypeError
        If the method has no order of its own (it is of the kind ``"select"``), if the graph is several (a ``Batch``, a
        list, a ``HeteroData`` unless ``homogeneous=True``), or as :func:`sparsify`.
    ValueError, RuntimeError, MemoryError, OverflowError
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
    loaded = load_graph(graph, num_nodes, directed, edge_attrs=edge_attrs, homogeneous=homogeneous)
    data = loaded.data if data is None else data
    edges = edges_for(found, loaded, options, num_nodes=num_nodes, data=data)
    ranking = rank_pairs(found, edges, options, data=data, seed=seed, device=device, progress=progress)
    return RemovalOrder(loaded.edges, ranking, method=found.name, options=options, seed=seed, labels=loaded.labels)


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

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; the message names it.

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

    loaded = load_edges(graph, num_nodes, directed)
    check_numbered(loaded.labels, "subset")
    return counts.walk_index(loaded.edges, subset, depth, target)


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
        CPU int64 ``[n]``: closed walks of length ``L`` at every vertex, self-loops allowed, in the order in which the
        graph has its vertices; 0 where it is isolated.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit; the message names it.
    OverflowError
        If a count could pass 2**62.
    ImportError
        If PyTorch is not installed.

    Examples
    --------
    >>> import networkx as nx, wis
    >>> wis.closed_walks(nx.path_graph(3), depth=2)
    tensor([2, 3, 2])
    """
    from wis.engine import walk_counts as counts

    with needed_for("wis.closed_walks"):
        import torch

    return torch.from_numpy(counts.closed_walks(load_edges(graph, num_nodes, directed).edges, depth))
