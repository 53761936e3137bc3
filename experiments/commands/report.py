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
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace files of a report's names that no report wrote.")
    ] = False,
) -> None:
    """Write the report of a sweep: an HTML page, its tables and its figures.

    The page needs no other file and no network. Beside it are the same tables
    as CSV and Markdown and the figures as SVG. Only files that an earlier report
    wrote are replaced or removed.

    [bold]Examples[/bold]

      wis report runs/quick
      wis report runs/cora -o cora-report
    """
    from wis.experiments.report.findings import read_findings
    from wis.experiments.report.manifest import check_folder
    from wis.experiments.report.write import FILE_NAMES, write_report

    folder = out or run / "report"
    if not force:
        check_folder(folder, FILE_NAMES)
    typer.echo(f"Report: {write_report(read_findings(run), folder, force=force)}")
