"""Arguments and options that several commands on graph files have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

GraphFile = Annotated[
    Path,
    typer.Argument(
        metavar="GRAPH",
        help="Edge table .csv, .tsv, .txt, .edges (also .gz) or .parquet; .npz, .npy, .mtx; .pt of PyG; "
        ".graphml, .gml, .gexf, .net, .adjlist, .json.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        help="Format of GRAPH and of the output, where suffixes do not say it: csv, tsv, list, parquet, npy, npz, "
        "mtx, pt, graphml, gml, gexf, pajek, adjlist, json."
    ),
]
Source = Annotated[
    str | None, typer.Option(help="Column of a table with the first end of an edge: its name, or number from 0.")
]
Target = Annotated[str | None, typer.Option(help="Column with the second end.")]
Weight = Annotated[str | None, typer.Option(help="Column with the weight. Default: the one named weight.")]
Bipartite = Annotated[
    bool | None, typer.Option("--bipartite", metavar="", help="The same vertex in both columns is two vertices.")
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", metavar="", help="Whether the first row of a text table names its columns."),
]
Names = Annotated[
    bool, typer.Option("--names", metavar="", help="Vertices are names even where they look like numbers.")
]
EdgeAttrs = Annotated[
    str | None,
    typer.Option(help="Arrays of .npz and .pt that follow the edges where that is open, with commas; the others stay."),
]
Homogeneous = Annotated[
    bool,
    typer.Option(
        "--homogeneous", metavar="", help="All edge types of a HeteroData (.pt) are one graph, of one budget."
    ),
]
DEFAULT_METHOD = "wis:depth=3"
MethodText = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        help="Method, with options after a colon; see [bold]wis methods[/bold]. Or your own package.module:function. "
        f"Default: {DEFAULT_METHOD}, for a GNN of 3 layers.",
    ),
]
NumNodes = Annotated[
    int | None, typer.Option(help="Number of vertices, if some have no edge. Default: the largest index plus one.")
]
Directed = Annotated[
    bool | None,
    typer.Option(
        "--directed/--undirected",
        metavar="",
        help="Ordered pairs, u,v and v,u are two edges; or one undirected edge. Default: as the file says, undirected "
        "where it does not, and a matrix must then be symmetric.",
        show_default=False,
    ),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="BYTES",
        help="Stay below this, as 4G or 4GB (10⁹), for .npy and .parquet by wis:depth=2, random, dspar or teddy: edges "
        "wait on the disk of the output. Default: all edges in memory.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of methods that draw at random. Default: one is drawn and told.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda. The last two are never replaced silently.")]
