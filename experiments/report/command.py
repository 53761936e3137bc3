"""``wis report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a sweep; it may still be running.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write. Default: the folder report in RUN.")
    ] = None,
) -> None:
    """Write the report of a sweep: one self-contained HTML page, its tables as CSV and Markdown, its figures as SVG.

    [bold]Examples[/bold]

      wis report runs/quick
      wis report runs/cora -o cora-report
    """
    from experiments.report.write import write_report

    typer.echo(f"Report: {write_report(run, out or run / 'report')}")
