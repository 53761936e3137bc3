"""``wis order``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wis.commands.graphs import load, open_table, the_only
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


def order(
    graph: GraphFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .npz.")],
    method: MethodText = None,
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
    """Rank all edges of a graph file once, for every budget.

    The order is an .npz file, for wis sparsify --order and, in Python, for
    wis.RemovalOrder.load.

    [bold]Examples[/bold]

      wis order graph.csv -o order.npz
      wis order graph.csv -o order.npz --method wis:depth=4,ties=random --seed 1
    """
    from wis.calls import check_call, edges_for, rank_pairs
    from wis.files import check_place
    from wis.order import RemovalOrder
    from wis.registry import parse_method

    meter = Meter()
    name, options = parse_method(method or DEFAULT_METHOD)
    found = check_call(name, options, device, seed)
    seed, again = seed_or_drawn(seed, found, options)
    if out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, got {out}")
    check_place(out)
    columns = TableOptions(source, target, weight, bipartite, header, names)
    if max_memory is not None:
        with naming(graph):
            table, memory = open_table(
                graph, format, columns, edge_attrs, found, options, directed, homogeneous, device, max_memory
            )
            from wis.graph_files.streaming import rank_table

            num_pairs = rank_table(table, out, memory, found, options, seed=seed, num_nodes=num_nodes, lap=meter.lap)
        meter.say(f"ranked the {num_pairs:,} edges of {graph} and wrote {out}", again)
        return
    with naming(graph):
        loaded = the_only(load(graph, format, columns, edge_attrs, num_nodes, directed, homogeneous, found, options))
        meter.lap("reading")
        ranked = edges_for(found, loaded, options, num_nodes=num_nodes)
    edges = loaded.edges
    ranking = rank_pairs(found, ranked, options, data=loaded.data, seed=seed, device=device, progress=True)
    meter.lap("ranking")
    RemovalOrder(edges, ranking, method=name, options=options, seed=seed, labels=loaded.labels).save(out)
    meter.lap("writing")
    meter.say(f"ranked the {edges.num_pairs:,} edges of {graph} and wrote {out}", again)
