"""``wis sparsify``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wis.commands.graphs import check_output, load, open_table, the_only
from wis.commands.messages import Meter, naming
from wis.commands.options import (
    DEFAULT_METHOD,
    Bipartite,
    Device,
    Directed,
    EdgeAttrs,
    Format,
    GraphFile,
    Header,
    Homogeneous,
    MaxMemory,
    MethodText,
    Names,
    NumNodes,
    Seed,
    Source,
    Target,
    Weight,
)
from wis.commands.seeds import seed_or_drawn
from wis.graph_files.columns import TableOptions
from wis.graphs.parts import LoadedParts

if TYPE_CHECKING:
    from wis.graphs.edge_list import LoadedGraph
    from wis.order import RemovalOrder
    from wis.registry import Method


def sparsify(
    graph: GraphFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, in the format of GRAPH.")],
    keep: Annotated[float | None, typer.Option(help="Fraction of the edges that stay, 0 to 1. Default: 0.5.")] = None,
    num_edges: Annotated[int | None, typer.Option(help="Number of edges that stay, instead of --keep.")] = None,
    method: MethodText = None,
    order: Annotated[
        Path | None, typer.Option(help="Use this removal order, made by [bold]wis order[/bold], instead of a method.")
    ] = None,
    num_nodes: NumNodes = None,
    directed: Directed = None,
    seed: Seed = None,
    device: Device = "auto",
    format: Format = None,
    source: Source = None,
    target: Target = None,
    weight: Weight = None,
    bipartite: Bipartite = None,
    header: Header = None,
    names: Names = False,
    edge_attrs: EdgeAttrs = None,
    homogeneous: Homogeneous = False,
    max_memory: MaxMemory = None,
) -> None:
    """Keep part of the edges of a graph file.

    Rows, columns and attributes follow their edge in their original order;
    self-loops stay. The output is written whole or not at all.

    [bold]Examples[/bold]

      wis sparsify graph.csv -o half.csv
      wis sparsify graph.tsv.gz -o sparse.tsv.gz --keep 0.2 --method wis:depth=2
      wis sparsify data.pt -o sparse.pt --num-edges 1000 --method random --seed 7
      wis sparsify graph.csv -o tenth.csv --keep 0.1 --order order.npz
      wis sparsify ratings.csv -o fewer.csv --source userId --target movieId --bipartite
      wis sparsify huge.parquet -o half.parquet --method wis:depth=2 --max-memory 4G
    """
    from wis.budget import check_budget
    from wis.calls import check_call
    from wis.graph_files.open_graph import write_graph
    from wis.order import RemovalOrder
    from wis.registry import parse_method

    meter = Meter()
    if order is not None:
        _check_beside_order({"--method": method, "--seed": seed, "--device": None if device == "auto" else device})
    name, options = parse_method(method or DEFAULT_METHOD)
    found = check_call(name, options, device, seed)
    seed, again = seed_or_drawn(seed, found, options)
    check_budget(keep, num_edges)
    check_output(graph, out, format)
    columns = TableOptions(source, target, weight, bipartite, header, names)
    call = {"seed": seed, "device": device, "progress": True}
    if max_memory is not None:
        if order is not None:
            raise ValueError("give --order or --max-memory, not both: an order is read into memory whole")
        with naming(graph):
            table, memory = open_table(
                graph, format, columns, edge_attrs, found, options, directed, homogeneous, device, max_memory
            )
            from wis.graph_files.streaming import sparsify_table

            kept, before = sparsify_table(
                table,
                out,
                memory,
                found,
                options,
                seed=seed,
                keep=keep,
                num_edges=num_edges,
                num_nodes=num_nodes,
                lap=meter.lap,
            )
        meter.say(f"kept {kept:,} of {before:,} edges of {graph} and wrote {out}", again)
        return
    by = found if order is None else _read_order(order, num_nodes, directed)
    with naming(graph):
        loaded = load(graph, format, columns, edge_attrs, num_nodes, directed, homogeneous, by, options)
        meter.lap("reading")
        if isinstance(by, RemovalOrder):
            sparse, kept, before = _by_order(the_only(loaded), by, (keep, num_edges))
        else:
            sparse, kept, before = _by_method(loaded, by, options, call, (keep, num_edges), num_nodes)
        meter.lap("choosing")
        write_graph(sparse, out, format=format)
    meter.lap("writing")
    meter.say(f"kept {kept:,} of {before:,} edges of {graph} and wrote {out}", again)


def _check_beside_order(options: Mapping[str, object]) -> None:
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        raise ValueError(f"give --order or {given}, not both: the order is made already")


def _read_order(path: Path, num_nodes: int | None, directed: bool | None) -> RemovalOrder:
    """The order, unless options say that its graph was another one."""
    from wis.order import RemovalOrder

    order = RemovalOrder.load(path)
    if num_nodes is not None and num_nodes != order.num_nodes:
        raise ValueError(f"--num-nodes {num_nodes}: --order is for {order.num_nodes} vertices; leave --num-nodes out")
    if directed is not None and directed != order.directed:
        given, own = ("--directed", "undirected") if directed else ("--undirected", "directed")
        raise ValueError(f"{given}: --order is for {own} pairs; leave {given} out")
    return order


def _by_order(
    loaded: LoadedGraph, order: RemovalOrder, budget: tuple[float | None, int | None]
) -> tuple[Any, int, int]:
    """The sparse graph by a removal order, and how many pairs it has and had."""
    from wis.budget import pairs_to_keep

    num_pairs = loaded.edges.num_pairs
    num_keep = pairs_to_keep(num_pairs, *budget)
    kept = order.kept_pairs(loaded.edges, num_keep, loaded.labels)
    return loaded.keep_pairs(kept), num_keep, num_pairs


def _by_method(
    loaded: LoadedGraph | LoadedParts,
    method: Method,
    options: Mapping[str, Any],
    call: Mapping[str, Any],
    budget: tuple[float | None, int | None],
    num_nodes: int | None,
) -> tuple[Any, int, int]:
    """The sparse graph by a method, part by part where it has parts, and how many pairs it has and had."""
    from wis.budget import pairs_to_keep
    from wis.calls import choose

    if isinstance(loaded, LoadedParts):
        parts = [_by_method(part, method, options, call, budget, num_nodes) for part in loaded.parts]
        return loaded.combine([part[0] for part in parts]), sum(p[1] for p in parts), sum(p[2] for p in parts)
    num_pairs = loaded.edges.num_pairs
    num_keep = pairs_to_keep(num_pairs, *budget)
    kept, weights = choose(method, loaded, num_keep, options, num_nodes=num_nodes, **call)
    return loaded.keep_pairs(kept, weights), num_keep, num_pairs
