"""The command line on graph files: ``wis sparsify``, ``wis order`` and ``wis methods``.

:mod:`wis.experiments.commands.app` adds the commands of the experiments.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from wis.extras import needed_for
from wis.interrupts import remember_interrupts, was_interrupted

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
            except (typer.Exit, typer.Abort):  # these are RuntimeErrors
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
    raise typer.Exit(130) from None


app = typer.Typer(
    name="wis",
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
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
    typer.Argument(metavar="GRAPH", help="Edge list .csv or .tsv (also .gz), .npz, .npy, .parquet, or a PyG .pt file."),
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
) -> None:
    """Keep part of the edges of a graph file.

    Rows, columns and attributes follow their edge in their original order;
    self-loops stay. The output is written whole or not at all.

    [bold]Examples[/bold]

      wis sparsify graph.csv -o half.csv
      wis sparsify graph.tsv.gz -o sparse.tsv.gz --keep 0.2 --method wis:depth=2
      wis sparsify data.pt -o sparse.pt --num-edges 1000 --method random --seed 7
      wis sparsify graph.csv -o tenth.csv --keep 0.1 --order order.npz
    """
    from wis.budget import pairs_to_keep
    from wis.calls import check_call, choose_pairs
    from wis.graph_files.formats import write_graph
    from wis.order import RemovalOrder
    from wis.registry import parse_method

    meter = _Meter()
    if order is not None and method is not None:
        raise ValueError("give --order or --method, not both: an order was made by a method")
    name, options = parse_method(method or _DEFAULT_METHOD)
    found = check_call(name, options, device, seed)
    pairs_to_keep(num_edges or 0, keep, num_edges)
    _check_output(graph, out)
    loaded = _load(graph, num_nodes, directed, None if order else found)
    edges = loaded.edges
    num_keep = pairs_to_keep(edges.num_pairs, keep, num_edges)
    meter.lap("reading")
    weights = None
    if order is not None:
        kept = RemovalOrder.load(order).kept_pairs(edges, num_keep)
    else:
        ranked = _ranked(loaded, num_nodes, options)
        kept, weights = choose_pairs(
            found, ranked, num_keep, options, data=loaded.data, seed=seed, device=device, progress=True
        )
    meter.lap("choosing")
    with _naming(graph):
        write_graph(loaded.keep_pairs(kept, weights), out)
    meter.lap("writing")
    meter.say(f"kept {num_keep:,} of {edges.num_pairs:,} edges of {graph} and wrote {out}")


@app.command()
def order(
    graph: _GraphFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .npz.")],
    method: _MethodText = None,
    num_nodes: _NumNodes = None,
    directed: _Directed = False,
    seed: _Seed = None,
    device: _Device = "auto",
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
    loaded = _load(graph, num_nodes, directed, found)
    edges = loaded.edges
    meter.lap("reading")
    ranked = _ranked(loaded, num_nodes, options)
    ranking = rank_pairs(found, ranked, options, data=loaded.data, seed=seed, device=device, progress=True)
    meter.lap("ranking")
    RemovalOrder(edges, ranking, method=name, options=options, seed=seed).save(out)
    meter.lap("writing")
    meter.say(f"ranked the {edges.num_pairs:,} edges of {graph} and wrote {out}")


def _check_output(graph: Path, out: Path) -> None:
    """Check before the work begins that ``out`` can be written in the format of ``graph``."""
    from wis.files import check_place
    from wis.graph_files.formats import format_of

    check_place(out)
    expected = format_of(graph, "GRAPH")
    if format_of(out, "--out") != expected:
        raise ValueError(f"--out must end in {expected} like {graph}, got {out}; formats are not converted")


def _load(graph: Path, num_nodes: int | None, directed: bool, method: Method | None) -> LoadedGraph:
    """Read the file, and check that a method finds there what it learns from."""
    from wis.graph_files.formats import format_of, read_graph
    from wis.graphs.load import load_graph

    format_of(graph, "GRAPH")
    with _naming(graph):
        loaded = load_graph(read_graph(graph), num_nodes, directed or None)
    if method is not None and method.learns and loaded.data is None:
        raise ValueError(
            f"method {method.name!r} learns from features, labels and masks, which {graph} does not have; "
            "give a PyG Data in a .pt file"
        )
    return loaded


@contextlib.contextmanager
def _naming(graph: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content, and name options as they are here."""
    try:
        yield
    except (ValueError, TypeError) as error:
        message = str(error).replace("Pass directed=True", "Give --directed").partition(", or directed=False")[0]
        message = message.replace("by num_nodes", "by --num-nodes")
        raise ValueError(message if message.startswith(str(graph)) else f"{graph}: {message}") from error


def _ranked(loaded: LoadedGraph, num_nodes: int | None, options: Mapping[str, Any]) -> EdgeList:
    """The pairs without the gaps between vertices, unless features or options are about vertices."""
    from wis.graph_files.edge_tables import close_gaps

    named = num_nodes or loaded.data is not None or {"targets", "partitions"} & options.keys()
    return loaded.edges if named else close_gaps(loaded.edges)


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
