"""Tables of measurements on a terminal; in files they are those of :mod:`wis.experiments.pages.tables`."""

from __future__ import annotations


def to_console(title: str, table: list[tuple[str, ...]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title)
    for name in table[0]:
        shown.add_column(name)
    for row in table[1:]:
        shown.add_row(*row)
    Console(width=140).print(shown)
