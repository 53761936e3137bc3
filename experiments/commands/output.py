"""What the commands that compute tables and write a page print."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd


def command_line() -> str:
    """The command as it was given, for the page."""
    return shlex.join(["wis", *sys.argv[1:]])


def print_table(table: pd.DataFrame) -> None:
    """Print a table, if it has rows."""
    from wis.experiments.pages.tables import show

    if len(table):
        typer.echo(table.map(show).to_string(index=False) + "\n")


def print_end(page: Path, start: float) -> None:
    """Print how long it took since ``start``, by ``time.perf_counter``, and where the page is."""
    typer.echo(f"{time.perf_counter() - start:.0f} s; report: {page}")
