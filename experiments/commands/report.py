"""``wis report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folder of a sweep; it may still be running.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write. Default: the folder report in a single RUN.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace files of a report's names that no report wrote.")
    ] = False,
) -> None:
    """Write the report of sweeps: an HTML page, its tables and its figures.

    The page needs no other file and no network. Beside it are the same tables
    as CSV, Markdown and LaTeX and the figures as SVG. Only files that an earlier
    report wrote are replaced or removed. Several runs stand side by side.

    [bold]Examples[/bold]

      wis report runs/quick
      wis report runs/cora -o cora-report
      wis report runs/cora runs/dblp -o both
    """
    from wis.experiments.report.findings import read_findings
    from wis.experiments.report.manifest import check_folder
    from wis.experiments.report.write import FILE_NAMES, write_report

    if out is None and len(runs) > 1:
        raise typer.BadParameter("the report of several runs needs a folder of its own: add --out FOLDER")
    folder = out or runs[0] / "report"
    if not force:
        check_folder(folder, FILE_NAMES)
    typer.echo(f"Report: {write_report(read_findings(*runs), folder, force=force)}")
