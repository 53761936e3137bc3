"""``wis sweep``."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wis.experiments.sweep.plan import Plan
    from wis.experiments.sweep.sweep import Extent, Tally


def sweep(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Packaged plan or YAML file.")] = "quick",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Run folder. Default: in runs/, called after what is compared."
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="A data set, or a graph file (repeat for several)."),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--method", "-m", metavar="NAME", help="A method, as wis:depth=2, or package.module:function (repeat)."
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="gcn, gin, resgcn, gat, sage or package.module:Class (repeat)."),
    ] = None,
    removed: Annotated[
        str | None, typer.Option(metavar="SHARES", help="Shares of edges removed: 0,0.25,0.5 or start:stop:step.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="SEEDS", help="Number of seeds, or a list such as 0,3,7.")
    ] = None,
    split_seeds: Annotated[
        str | None,
        typer.Option(metavar="SPLITS", help="Splits: 0:5, a list such as 0,3,7, or seeds: one of its own for each."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="SHARES", help="Draw splits with these shares, as 0.8,0.1,0.1.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(metavar="NAME", help="Training protocol: paper or reduced.")] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Most training epochs, instead of the protocol's.")
    ] = None,
    batches: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Batches of an epoch; 1: the whole graph. Default: auto, as few as fit in memory."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="auto, cpu or cuda.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes of one thread. Default: one a core, at most 8; one on a GPU."),
    ] = None,
    executor: Annotated[
        str, typer.Option(metavar="NAME", help="processes of this machine, or ray: a cluster.")
    ] = "processes",
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Ray cluster, as auto. Default: one on this machine.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tell wandb, trackio, mlflow or tensorboard of every run.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the data sets.", envvar="WIS_DATA_ROOT")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", metavar="", help="Do failed runs again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", metavar="", help="Print the plan and stop.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", metavar="", help="Say how long it takes, and stop.")] = False,
    report: Annotated[bool, typer.Option(metavar="", help="Write the report at the end.")] = True,
) -> None:
    """Compare sparsifiers over data sets, models, removed shares and seeds, and write a report.

    PLAN is a packaged plan (quick, reduced/cora-gcn, paper/dblp-gin,
    rivals/cora and so on; a wrong name lists them) or a YAML file; options
    replace its fields. Results are stored as they come in: stop whenever you
    like, and the same command goes on with what is missing. The run folder is
    runs/PLAN, and has a name of its own where options change the plan.

    [bold]Examples[/bold]

      wis sweep                              the quick plan, in minutes
      wis sweep reduced/cora-gcn --data-root data --seeds 3
      wis sweep -d digits -m random -m wis:depth=2 --removed 0:1:0.1 -o runs/mine
      wis sweep -d graph.pt -m random -m wis --model my_models:Net --split 0.6,0.2,0.2
      wis sweep my-plan.yaml --estimate
      wis sweep paper/dblp-gcn --executor ray --address auto
    """
    from wis.experiments.sweep.plan import load_plan, plan_text
    from wis.experiments.sweep.sweep import run_sweep

    fields = {
        "datasets": datasets,
        "methods": methods,
        "models": models,
        "removed": removed,
        "seeds": _seeds(seeds),
        "split_seeds": split_seeds,
        "split": _split(split),
        "protocol": protocol,
        "epochs": epochs,
        "batches": _batches(batches),
        "device": device,
    }
    changes = {name: value for name, value in fields.items() if value not in (None, [])}
    chosen = load_plan(plan, **changes)
    folder = out or Path("runs", chosen.folder_name if changes else chosen.name)
    if dry_run:
        typer.echo(plan_text(chosen.to_dict()) + f"# {chosen.size}; data sets and the run folder were not looked at")
        return
    if estimate:
        _print_estimate(chosen, folder, data_root, workers)
        return
    if report:
        from wis.experiments.report.manifest import check_folder
        from wis.experiments.report.write import FILE_NAMES

        check_folder(folder / "report", FILE_NAMES)
    begun: list[Extent] = []

    def announce(extent: Extent) -> None:
        begun.append(extent)
        _announce(chosen, folder, extent, "on a Ray cluster" if executor == "ray" else "")

    try:
        try:
            tally = run_sweep(
                chosen,
                folder,
                command=shlex.join(["wis", *sys.argv[1:]]),
                data_root=data_root,
                workers=workers,
                executor=executor,
                address=address,
                log=log,
                retry_failed=retry_failed,
                announce=announce,
            )
        except (OSError, RuntimeError):
            if report and begun:
                _report_what_there_is(folder)
            raise
        if report:
            _write_report(folder, tally)
        else:
            _count(tally)
        if tally.failed:
            raise typer.Exit(1)
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. What has finished is kept in {folder}; the same command goes on from there.", err=True)
        raise typer.Exit(130) from None


def _print_estimate(plan: Plan, folder: Path, data_root: Path | None, workers: int | None) -> None:
    from wis.experiments.sweep.estimate import estimate
    from wis.experiments.sweep.sweep import default_workers

    from wis.machine import find_device

    workers = workers or default_workers(find_device(plan.device).type)
    typer.echo(f"{plan.name}: {estimate(plan, folder, data_root=data_root, workers=workers)}")


def _announce(plan: Plan, folder: Path, extent: Extent, where: str) -> None:
    where = where or ("in 1 process" if extent.workers == 1 else f"in {extent.workers} processes")
    lines = [f"{plan.name}: {plan.summary}" if plan.summary else plan.name]
    lines.append(f"  {plan.size}: {extent.runs} distinct runs, {where}, into {folder}")
    if extent.finished:
        lines.append(f"  {extent.finished} are finished already, {extent.runs - extent.finished} to go")
    # Not among the results: a reader that stops there must not stop the runs.
    typer.echo("\n".join(lines), err=True)


def _count(tally: Tally) -> None:
    typer.echo(f"{tally.ok} runs finished")
    for count, what in ((tally.diverged, "diverged"), (tally.failed, "failed")):
        if count:
            typer.echo(f"{count} {what}: the report lists them; --retry-failed does failed ones again", err=True)


def _report_what_there_is(folder: Path) -> None:
    """After an error that ended the sweep, which is the one to be shown."""
    with contextlib.suppress(ValueError, OSError, RuntimeError):
        _write_report(folder, None)


def _write_report(folder: Path, tally: Tally | None) -> None:
    """Write the report and then speak: a reader that has heard enough ends the command."""
    from wis.experiments.report.findings import read_findings
    from wis.experiments.report.headline import summary
    from wis.experiments.report.write import write_report

    findings = read_findings(folder)
    try:
        page = write_report(findings, folder / "report")
    finally:  # where it cannot be written, the results are told all the same
        if tally is not None:
            _count(tally)
        typer.echo(f"\n{summary(findings)}")
    typer.echo(f"\nReport: {page}")


def _split(text: str | None) -> list[float] | None:
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"split must be three shares as '0.8,0.1,0.1', got {text!r}") from None


def _batches(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.lstrip("+-").isdecimal() else text


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")] if "," in text else int(text)
    except ValueError:
        raise ValueError(f"seeds must be a number of seeds, or a list as '0,3,7', got {text!r}") from None
