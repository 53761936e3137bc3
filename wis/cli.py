"""The command line on graph files: ``wis sparsify``, ``wis order``, ``wis methods`` and ``wis warm``.

:mod:`wis.experiments.commands.app` adds the commands of the experiments.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from wis.extras import needed_for
from wis.graph_files.columns import TableOptions
from wis.graphs.parts import LoadedParts
from wis.interrupts import exit_code, remember_interrupts, was_interrupted

if TYPE_CHECKING:
    from wis.graphs.edge_list import EdgeList, LoadedGraph
    from wis.registry import Method

# What a user can cause. Anything else is a fault of ours and keeps its traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, RuntimeError, ImportError, OverflowError, MemoryError)


class OneLineErrors(TyperGroup):
    """Shows errors that a user can cause in one line, with exit code 1, and Ctrl-C with 130."""

    extra: str | None = None
    """The extra that brings what all commands of the group need, if it is one."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments."""
        try:
            return super().make_context(*arguments, **options)
        except KeyboardInterrupt:
            _stop()

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with remember_interrupts():
            try:
                with needed_for(ctx.command_path, self.extra):
                    return super().invoke(ctx)
            except (typer.Exit, typer.Abort, BrokenPipeError):  # the last: `wis … | head` has read enough
                raise
            except BaseException as error:
                # A Ctrl-C may be lost on its way and leave another error behind.
                if isinstance(error, KeyboardInterrupt) or was_interrupted():
                    _stop()
                if not isinstance(error, _USER_ERRORS):
                    raise
                if ctx.params.get("show_traceback"):
                    traceback.print_exc()
                message = " ".join(str(error).split()) or type(error).__name__
                typer.echo(f"wis: error: {message}", err=True)
                raise typer.Exit(1) from error


def _stop() -> NoReturn:
    typer.echo("\nwis: stopped", err=True)
    raise typer.Exit(exit_code()) from None


app = typer.Typer(
    name="wis",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from wis import __version__

        typer.echo(f"wis {__version__}")
        raise typer.Exit


@app.callback()
def main(
    show_traceback: Annotated[
        bool, typer.Option("--traceback", metavar="", help="Show the traceback of an error, for a bug report.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Walk Index Sparsification: keep the edges that matter to a GNN.

    Rank the edges of a graph, keep the best of them, and compare ways to do so
    by the accuracy of the models trained on what is left.

    [bold]Start here[/bold]

      wis sweep                           compare sparsifiers, with a report
      wis sparsify graph.csv -o half.csv  keep the best half of the edges
      wis COMMAND --help                  every command has examples
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


_GraphFile = Annotated[
    Path,
    typer.Argument(
        metavar="GRAPH",
        help="Edge table .csv, .tsv, .txt, .edges (also .gz) or .parquet; .npz, .npy, .mtx; .pt of PyG; "
        ".graphml, .gml, .gexf, .net, .adjlist, .json.",
    ),
]
_Format = Annotated[
    str | None,
    typer.Option(
        help="Format of GRAPH and of the output, where suffixes do not say it: csv, tsv, list, parquet, npy, npz, "
        "mtx, pt, graphml, gml, gexf, pajek, adjlist, json."
    ),
]
_Source = Annotated[
    str | None, typer.Option(help="Column of a table with the first end of an edge: its name, or number from 0.")
]
_Target = Annotated[str | None, typer.Option(help="Column with the second end.")]
_Weight = Annotated[str | None, typer.Option(help="Column with the weight. Default: the one named weight.")]
_Bipartite = Annotated[
    bool | None, typer.Option("--bipartite", metavar="", help="The same vertex in both columns is two vertices.")
]
_Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", metavar="", help="Whether the first row of a text table names its columns."),
]
_Names = Annotated[
    bool, typer.Option("--names", metavar="", help="Vertices are names even where they look like numbers.")
]
_EdgeAttrs = Annotated[
    str | None,
    typer.Option(help="Arrays of .npz and .pt that follow the edges where that is open, with commas; the others stay."),
]
_DEFAULT_METHOD = "wis:depth=3"
_MethodText = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        help="Method, with options after a colon; see [bold]wis methods[/bold]. "
        f"Default: {_DEFAULT_METHOD}, for a GNN of 3 layers.",
    ),
]
_NumNodes = Annotated[
    int | None, typer.Option(help="Number of vertices, if some have no edge. Default: the largest index plus one.")
]
_Directed = Annotated[
    bool,
    typer.Option(
        "--directed", metavar="", help="Ordered pairs: u,v and v,u are two edges. Default: one undirected edge."
    ),
]
_MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="BYTES",
        help="Stay below this, as 4G or 4GB (10⁹), for .npy and .parquet by wis:depth=2, random, dspar or teddy: edges "
        "wait on the disk of the output. Default: all edges in memory.",
    ),
]
_Seed = Annotated[int | None, typer.Option(help="Seed of methods that draw at random.")]
_Device = Annotated[str, typer.Option(help="auto, cpu or cuda. The last two are never replaced silently.")]


@app.command()
def sparsify(
    graph: _GraphFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, in the format of GRAPH.")],
    keep: Annotated[float | None, typer.Option(help="Fraction of the edges that stay, 0 to 1. Default: 0.5.")] = None,
    num_edges: Annotated[int | None, typer.Option(help="Number of edges that stay, instead of --keep.")] = None,
    method: _MethodText = None,
    order: Annotated[
        Path | None, typer.Option(help="Use this removal order, made by [bold]wis order[/bold], instead of a method.")
    ] = None,
    num_nodes: _NumNodes = None,
    directed: _Directed = False,
    seed: _Seed = None,
    device: _Device = "auto",
    format: _Format = None,
    source: _Source = None,
    target: _Target = None,
    weight: _Weight = None,
    bipartite: _Bipartite = None,
    header: _Header = None,
    names: _Names = False,
    edge_attrs: _EdgeAttrs = None,
    max_memory: _MaxMemory = None,
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
    from wis.budget import pairs_to_keep
    from wis.calls import check_call
    from wis.graph_files.open_graph import write_graph
    from wis.registry import parse_method

    meter = _Meter()
    if order is not None and method is not None:
        raise ValueError("give --order or --method, not both: an order was made by a method")
    name, options = parse_method(method or _DEFAULT_METHOD)
    found = check_call(name, options, device, seed)
    pairs_to_keep(num_edges or 0, keep, num_edges)
    _check_output(graph, out, format)
    columns = TableOptions(source, target, weight, bipartite, header, names)
    call = {"seed": seed, "device": device, "progress": True}
    if max_memory is not None:
        if order is not None:
            raise ValueError("give --order or --max-memory, not both: an order is read into memory whole")
        with _naming(graph):
            table, memory = _streamed(graph, format, columns, edge_attrs, found, options, directed, device, max_memory)
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
        meter.say(f"kept {kept:,} of {before:,} edges of {graph} and wrote {out}")
        return
    with _naming(graph):
        loaded = _load(graph, format, columns, edge_attrs, num_nodes, directed, None if order else found)
        meter.lap("reading")
        if order is None:
            sparse, kept, before = _by_method(loaded, found, options, call, (keep, num_edges), num_nodes)
        else:
            sparse, kept, before = _by_order(_the_only(loaded), order, keep, num_edges)
        meter.lap("choosing")
        write_graph(sparse, out, format=format)
    meter.lap("writing")
    meter.say(f"kept {kept:,} of {before:,} edges of {graph} and wrote {out}")


@app.command()
def order(
    graph: _GraphFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .npz.")],
    method: _MethodText = None,
    num_nodes: _NumNodes = None,
    directed: _Directed = False,
    seed: _Seed = None,
    device: _Device = "auto",
    format: _Format = None,
    source: _Source = None,
    target: _Target = None,
    weight: _Weight = None,
    bipartite: _Bipartite = None,
    header: _Header = None,
    names: _Names = False,
    edge_attrs: _EdgeAttrs = None,
    max_memory: _MaxMemory = None,
) -> None:
    """Rank all edges of a graph file once, for every budget.

    The order is an .npz file, for wis sparsify --order and, in Python, for
    wis.RemovalOrder.load.

    [bold]Examples[/bold]

      wis order graph.csv -o order.npz
      wis order graph.csv -o order.npz --method wis:depth=4,ties=random --seed 1
    """
    from wis.calls import check_call, rank_pairs
    from wis.files import check_place
    from wis.order import RemovalOrder
    from wis.registry import parse_method

    meter = _Meter()
    name, options = parse_method(method or _DEFAULT_METHOD)
    found = check_call(name, options, device, seed)
    if out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, got {out}")
    check_place(out)
    columns = TableOptions(source, target, weight, bipartite, header, names)
    if max_memory is not None:
        with _naming(graph):
            table, memory = _streamed(graph, format, columns, edge_attrs, found, options, directed, device, max_memory)
            from wis.graph_files.streaming import rank_table

            num_pairs = rank_table(table, out, memory, found, options, seed=seed, num_nodes=num_nodes, lap=meter.lap)
        meter.say(f"ranked the {num_pairs:,} edges of {graph} and wrote {out}")
        return
    with _naming(graph):
        loaded = _the_only(_load(graph, format, columns, edge_attrs, num_nodes, directed, found))
        meter.lap("reading")
        ranked = _ranked(loaded, found, num_nodes, options)
    edges = loaded.edges
    ranking = rank_pairs(found, ranked, options, data=loaded.data, seed=seed, device=device, progress=True)
    meter.lap("ranking")
    RemovalOrder(edges, ranking, method=name, options=options, seed=seed, labels=loaded.labels).save(out)
    meter.lap("writing")
    meter.say(f"ranked the {edges.num_pairs:,} edges of {graph} and wrote {out}")


def _check_output(graph: Path, out: Path, format: str | None) -> None:
    """Check before the work begins that ``out`` can be written in the format of ``graph``."""
    from wis.files import check_place
    from wis.graph_files.open_graph import check_same_format, format_of

    check_place(out)
    try:
        format_of(graph, format, "GRAPH")
        check_same_format(graph, out, format, "--out")
    except ValueError as error:
        raise ValueError(_as_options(str(error))) from error


def _load(
    graph: Path,
    format: str | None,
    columns: TableOptions,
    edge_attrs: str | None,
    num_nodes: int | None,
    directed: bool,
    method: Method | None,
) -> LoadedGraph | LoadedParts:
    """Read the file, and check that a method finds there what it learns from."""
    from wis.graph_files.open_graph import format_of, read_graph
    from wis.graphs.load import load_any

    names = None if edge_attrs is None else [name for name in edge_attrs.split(",") if name]
    of_pyg = names if format_of(graph, format) == "pt" else None
    given = read_graph(graph, format=format, edge_attrs=None if of_pyg is names else names, **vars(columns))
    loaded = load_any(given, num_nodes, directed or None, edge_attrs=of_pyg)
    if method is not None and method.learns and not isinstance(loaded, LoadedParts) and loaded.data is None:
        raise ValueError(
            f"method {method.name!r} learns from features, labels and masks, which {graph} does not have; "
            "give a PyG Data in a .pt file"
        )
    return loaded


def _streamed(
    graph: Path,
    format: str | None,
    columns: TableOptions,
    edge_attrs: str | None,
    method: Method,
    options: Mapping[str, Any],
    directed: bool,
    device: str,
    max_memory: str,
) -> tuple[Any, int]:
    """The table to be ranked with its edges on disk, and the bytes of memory to stay below."""
    from wis.calls import warn_of_weights
    from wis.checks import check_bytes
    from wis.graph_files.open_graph import read_graph
    from wis.graph_files.streaming import check_streams

    memory = check_bytes("max_memory", max_memory)
    names = None if edge_attrs is None else edge_attrs.split(",")
    table = read_graph(graph, format=format, edge_attrs=names, **vars(columns))
    check_streams(table, method, options, directed=directed, device=device)
    if table.has_different_weights:
        warn_of_weights(method.name)
    return table, memory


def _the_only(loaded: LoadedGraph | LoadedParts) -> LoadedGraph:
    if isinstance(loaded, LoadedParts):
        raise ValueError(f"it holds {loaded.what}, each with a budget of its own, and an order is for one graph")
    return loaded


def _by_order(loaded: LoadedGraph, order: Path, keep: float | None, num_edges: int | None) -> tuple[Any, int, int]:
    """The sparse graph by a removal order, and how many pairs it has and had."""
    from wis.budget import pairs_to_keep
    from wis.order import RemovalOrder

    num_pairs = loaded.edges.num_pairs
    num_keep = pairs_to_keep(num_pairs, keep, num_edges)
    kept = RemovalOrder.load(order).kept_pairs(loaded.edges, num_keep, loaded.labels)
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
    from wis.calls import choose_pairs

    if isinstance(loaded, LoadedParts):
        parts = [_by_method(part, method, options, call, budget, num_nodes) for part in loaded.parts]
        return loaded.combine([part[0] for part in parts]), sum(p[1] for p in parts), sum(p[2] for p in parts)
    num_pairs = loaded.edges.num_pairs
    num_keep = pairs_to_keep(num_pairs, *budget)
    ranked = _ranked(loaded, method, num_nodes, options)
    kept, weights = choose_pairs(method, ranked, num_keep, options, data=loaded.data, **call)
    return loaded.keep_pairs(kept, weights), num_keep, num_pairs


@contextlib.contextmanager
def _naming(graph: Path) -> Iterator[None]:
    """Put the file's name before errors about its content, name options as they are here, and show notes as lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_note
        try:
            yield
        except (ValueError, TypeError) as error:
            message = _as_options(str(error))
            raise ValueError(message if message.startswith(str(graph)) else f"{graph}: {message}") from error


def _show_note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, UserWarning):
        typer.echo(f"wis: note: {_as_options(' '.join(str(message).split()))}", err=True)


# How arguments in messages are called on the command line.
_OPTIONS = (
    (r"Pass directed=True", "Give --directed"),
    (r", or directed=False.*", ""),
    (r"\bheader=True\b", "--header"),
    (r"\bheader=False\b", "--no-header"),
    (r"\bmax_memory=", "--max-memory "),
    (r"\bmax_memory\b", "--max-memory"),
    (r"\bnames=True\b", "--names"),
    (r"\bby num_nodes\b", "by --num-nodes"),
    (r"\bnum_nodes=(\d+)", r"--num-nodes \1"),
    (r"\bsource= and target=", "--source and --target"),
    (r"\bformat= one of", "--format, one of"),
    (r"\bedge_attrs=\[\]", '--edge-attrs ""'),
    (r"\bedge_attrs=\['?([^\]']*)'?\]", r"--edge-attrs \1"),
)


def _as_options(message: str) -> str:
    for pattern, replacement in _OPTIONS:
        message = re.sub(pattern, replacement, message)
    return message


def _ranked(loaded: LoadedGraph, method: Method, num_nodes: int | None, options: Mapping[str, Any]) -> EdgeList:
    """The pairs that a method gets, without gaps between vertices unless features or options are about vertices."""
    from wis.calls import read_edges
    from wis.graph_files.edge_tables import close_gaps

    edges = read_edges(method, loaded)
    named = num_nodes or loaded.data is not None or {"targets", "partitions"} & options.keys()
    return edges if named else close_gaps(edges)


@app.command("methods")
def list_methods() -> None:
    """List the sparsification methods with their options and sources.

    Write a method with options as name:option=value, as in wis:depth=2,ties=random.
    Every method has the option keep_connected=True: a spanning forest goes last.
    """
    from wis.registry import methods

    entries = []
    for record in methods():
        summary = record.summary.replace("``", "")
        if record.kind == "select":
            summary += " (one budget at a time: no order)"
        options = ", ".join(f"{name}={value}" for name, value in record.options.items())
        weights = f"edge weights: {'read' if record.reads_weights else 'not read'}"
        entries.append((record.name, summary, f"options: {options or 'none'}", weights, f"source: {record.source}"))
    print_list(entries)


@app.command("warm")
def compile_all() -> None:
    """Compile all kernels now, so that nobody waits for them later: two or three minutes once.

    They are kept beside the package, or in the folder NUMBA_CACHE_DIR. For a
    container, set it in the image, run this while the image is built, and
    keep it set.

    [bold]Example[/bold]

      NUMBA_CACHE_DIR=/opt/wis-kernels wis warm
    """
    from wis.warm import warm

    typer.echo("Compiling takes two or three minutes the first time; what is there is not done again.", err=True)
    start = time.perf_counter()
    warmed = warm(progress=True)
    for name, reason in warmed.skipped.items():
        typer.echo(f"not compiled: {name}: {reason}", err=True)
    left = f", {len(warmed.skipped)} are not" if warmed.skipped else ""
    typer.echo(f"{warmed.ready} forms are ready{left}, in {time.perf_counter() - start:.0f} s")


def print_list(entries: Iterable[tuple[str, ...]]) -> None:
    """Print names in bold, each with a first line and dim further lines beside it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for name, first, *more in entries:
        table.add_row(Text(name, style="bold"), Text(first + "\n").append("\n".join(more) + "\n", style="dim"))
    Console().print(table)


class _Meter:
    """Tells at the end of a command how long it took and how much memory it needed."""

    def __init__(self) -> None:
        from wis.machine import PeakMemory

        self._memory, self._start = PeakMemory(), time.perf_counter()
        self._laps: list[str] = []
        self._last = self._start

    def lap(self, what: str) -> None:
        """The end of a part of the work."""
        now = time.perf_counter()
        self._laps.append(f"{what} {now - self._last:.1f} s")
        self._last = now

    def say(self, what: str) -> None:
        peak = self._memory.bytes()
        memory = "" if peak is None else f", peak memory {peak / 1e6:,.0f} MB"
        took = f"{self._last - self._start:.1f} s ({', '.join(self._laps)})"
        typer.echo(f"{what} in {took}{memory}", err=True)
