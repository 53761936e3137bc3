"""``wis interactions``: separation ranks and walk indices, by exact computation and by training."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wis.experiments.commands.output import command_line, print_end, print_table

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="interactions",
    help="Walk index and interactions: the theory, by exact computation and by training.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder.")]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", metavar="FOLDER", help="Folder of the data.", envvar="WIS_DATA_ROOT")
]
Workers = Annotated[int, typer.Option("--workers", min=1, metavar="N", help="Processes of one thread.")]


@app.command()
def rank(
    graphs: Annotated[
        list[Path] | None, typer.Argument(metavar="[GRAPH]...", help="Files of graphs, instead of all small ones.")
    ] = None,
    out: Out = Path("runs/interactions/rank"),
    vertices: Annotated[int, typer.Option(min=2, max=7, help="All connected graphs of up to so many vertices.")] = 6,
    max_samples: Annotated[int, typer.Option(min=1, help="Ranks below it are found exactly.")] = 256,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions drawn of a graph of more than 7 vertices.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, inputs and partitions.")] = 0,
) -> None:
    """Exact separation ranks against the walk index and all bounds; a rank beyond a bound fails the command.

    Interrupted, it goes on where it stopped.

    [bold]Examples[/bold]

      wis interactions rank
      wis interactions rank --vertices 4 -o runs/small
      wis interactions rank my-graph.csv --max-samples 1024 -o runs/mine
    """
    from wis.experiments.interactions.rank import Extent, run_rank
    from wis.experiments.interactions.rank_report import report_rank

    import wis

    start = time.perf_counter()
    extent = Extent(most_vertices=vertices, max_samples=max_samples, sampled=partitions, seed=seed)
    given = {str(path): wis.read_graph(path) for path in graphs or []}
    tables = report_rank(out, run_rank(out, given, extent), extent, command_line())
    for name in ("summary", "degrees", "order"):
        print_table(tables[name])
    print_end(out / "report.html", start)
    violations = tables["violations"]
    if len(violations):
        typer.echo(f"{len(violations)} cases contradict a bound: {out / 'violations.csv'}", err=True)
        raise typer.Exit(1)


@app.command("same-class")
def same_class(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder. Default: by protocol.")
    ] = None,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="digits, full-batch (1,000 pairs) or paper (Fashion-MNIST).")
    ] = "digits",
    models: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME", help="gcn, gin or gat (repeat for several).")
    ] = None,
    data_root: DataRoot = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds.")] = None,
    workers: Workers = 1,
) -> None:
    """Train on "is same class" with a low and a high walk index: high − low, with its interval, for every model.

    Interrupted, it goes on where it stopped. The paper's protocol needs the
    four IDX files of Fashion-MNIST in --data-root.

    [bold]Examples[/bold]

      wis interactions same-class
      wis interactions same-class --model gcn --seeds 2 -o runs/mine
      wis interactions same-class --protocol paper --data-root data/fashion --workers 8
    """
    from dataclasses import replace

    from wis.experiments.interactions import task
    from wis.experiments.interactions.same_class import MODELS, PROTOCOLS, run_same_class
    from wis.experiments.interactions.same_class_report import report_same_class

    from wis.checks import check_choice

    start = time.perf_counter()
    chosen = PROTOCOLS[check_choice("--protocol", protocol, tuple(PROTOCOLS))]
    chosen = chosen if seeds is None else replace(chosen, seeds=seeds)
    names = [check_choice("--model", name, MODELS) for name in models or MODELS]
    folder = out or Path("runs/interactions", "same-class" if protocol == "digits" else f"same-class-{protocol}")
    rows = run_same_class(folder, [task.low(), task.high()], chosen, models=names, data_root=data_root, workers=workers)
    tables = report_same_class(folder, rows, chosen, command_line())
    print_table(tables["accuracy"])
    print_table(tables["differences"])
    print_end(folder / "report.html", start)


@app.command()
def dose(out: Out = Path("runs/interactions/dose"), workers: Workers = 1) -> None:
    """Train on eight arrangements of one task: accuracy against the walk index. It resumes."""
    from wis.experiments.interactions.dose import MODELS, PROTOCOL, arrangements
    from wis.experiments.interactions.same_class import run_same_class
    from wis.experiments.interactions.same_class_report import report_dose

    start = time.perf_counter()
    rows = run_same_class(out, arrangements(), PROTOCOL, models=MODELS, workers=workers)
    tables = report_dose(out, rows, PROTOCOL, command_line())
    print_table(tables["accuracy"])
    print_table(tables["trend"])
    print_end(out / "report.html", start)


@app.command()
def kept(out: Out = Path("runs/interactions/kept"), data_root: DataRoot = None) -> None:
    """Sparsify Cora by many methods: does the walk index kept predict the accuracy kept? It resumes."""
    from wis.experiments.interactions.kept import Plan, report_kept, run_kept

    start = time.perf_counter()
    plan = Plan()
    print_table(report_kept(out, run_kept(out, plan, data_root=data_root), plan, command_line())["answer"])
    print_end(out / "report.html", start)


@app.command()
def graph(out: Out = Path("runs/interactions/graph"), workers: Workers = 1) -> None:
    """WIS for graph prediction: ranks after every removal, training within sparsified graphs, and what is left."""
    from wis.experiments.interactions.removals import Extent, run_removals
    from wis.experiments.interactions.removals_report import report_removals
    from wis.experiments.interactions.same_class import run_same_class
    from wis.experiments.interactions.structures import MODELS, PROTOCOL, arrangements

    start = time.perf_counter()
    extent = Extent()
    removals = run_removals(out, extent)
    trained = run_same_class(out / "structures", arrangements(), PROTOCOL, models=MODELS, workers=workers)
    tables = report_removals(out, removals, extent, trained, PROTOCOL, command_line())
    for name in ("first", "removals", "structures", "shapes"):
        print_table(tables[name])
    print_end(out / "report.html", start)


@app.command()
def tu(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="MUTAG, PROTEINS, NCI1 or another TUDataset.")],
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder. Default: by data set.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 10,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of training.")] = 100,
) -> None:
    """Graph classification on sparsified graphs of a TUDataset whose text files you have. It resumes.

    [bold]Examples[/bold]

      wis interactions tu MUTAG --data-root data
    """
    from wis.experiments.interactions.graph_classification import Plan, report_plan, run_plan

    start = time.perf_counter()
    plan = Plan(dataset, seeds=seeds, epochs=epochs)
    folder = out or Path("runs/interactions", f"tu-{dataset}")
    print_table(report_plan(folder, run_plan(folder, plan, data_root), plan, command_line()))
    print_end(folder / "report.html", start)
