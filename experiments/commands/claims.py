"""``wis claims``: every claim of the sources beside our number, with a verdict."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer


def claims(
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FOLDER", help="Folder of results. Default: those that wis comes with."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="EXTENT",
            help="Compute what --results lacks first: small (10 minutes each) or all.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write claims.csv and claims.md here.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", metavar="", help="Write a page, claims.html, too.")] = False,
    data_root: Annotated[
        Path | None,
        typer.Option("--data-root", metavar="FOLDER", help="Folder of the data sets.", envvar="WIS_DATA_ROOT"),
    ] = None,
) -> None:
    """Every claim of the sources beside our number, with a verdict by one rule.

    Verdicts are computed from stored results: the tables that wis comes with, or
    those in --results. With --run, results that are missing there are computed;
    stop whenever you like, and the same command goes on.

    [bold]Examples[/bold]

      wis claims
      wis claims --html -o runs/claims
      wis claims --run small --results runs/claims -o runs/claims
    """
    from wis.experiments.claims.claim import RULE
    from wis.experiments.claims.missing import run_missing, to_run
    from wis.experiments.claims.stored import COMMITTED, SETS, Stored
    from wis.experiments.claims.table import claims_table, counts, sentence, write_claims
    from wis.experiments.pages.tables import grid

    from wis.checks import check_choice

    folder = results or (Path("runs/claims") if run else COMMITTED)
    if run:
        names = to_run(Stored(folder), check_choice("--run", run, ("small", "all")), has_data=data_root is not None)
        minutes = sum(SETS[name].minutes for name in names)
        typer.echo(f"{folder} lacks {len(names)} sets of results: about {minutes:.0f} minutes on two cores", err=True)
        failed = run_missing(names, folder, data_root)
        if failed:
            typer.echo(f"these failed: {', '.join(failed)}; the table is of the others", err=True)
    elif results and not results.is_dir():
        raise typer.BadParameter(f"{results} is not a folder", param_hint="--results")
    table = claims_table(Stored(folder))
    command = shlex.join(["wis", *sys.argv[1:]])
    # Files first: a reader that has enough of the table ends the command.
    written = write_claims(table, out or Path("runs/claims"), command, html=html) if out or html else []
    for part in (sentence(table), grid(counts(table)).markdown(), RULE, *written):
        typer.echo(part)
