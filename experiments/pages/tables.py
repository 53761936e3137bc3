"""Tables as a reader sees them: on a page, in Markdown and as CSV."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

# A column with a longer cell holds sentences, which are set flush left and may be broken.
_LONGEST_WORDS = 30
# What spreadsheets take for the beginning of a formula. Quotes before it count, so that each cell is read back right.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-](?:[\d.]+(?:e[+-]?\d+)?|inf)(?: ± [\d.]+(?:e[+-]?\d+)?)?")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$",
    "−": "$-$", "–": "--", "µ": r"$\mu$", "\r": " ", "\n": " ",
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """One table of text.

    Attributes
    ----------
    title
        What it is about, such as ``Cora, GCN``.
    columns
        Head of the columns.
    rows
        Text of the cells; the first of each row is its head.
    strong
        ``(row, column)`` of the cells to stress.
    left
        Columns that are flush left in Markdown, the first one aside.
    heading, note
        What stands above it on a page, if anything.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: Collection[tuple[int, int]] = frozenset()
    left: Collection[int] = frozenset()
    heading: str = ""
    note: str = ""

    @property
    def sentences(self) -> set[int]:
        """The columns that hold sentences."""
        return {j for j in range(len(self.columns)) if any(len(row[j]) > _LONGEST_WORDS for row in self.rows)}

    def markdown(self) -> str:
        """The table in Markdown, without its title."""
        rows = [
            [f"**{text}**" if (i, j) in self.strong else text for j, text in enumerate(row)]
            for i, row in enumerate(self.rows)
        ]
        return markdown([self.columns, *rows], left={0, *self.left})

    def latex(self, note: str = "") -> str:
        """A table for LaTeX with the package booktabs, its title and note as caption."""
        rows = [
            [
                rf"\textbf{{{latex_text(text)}}}" if (i, j) in self.strong else latex_text(text)
                for j, text in enumerate(row)
            ]
            for i, row in enumerate(self.rows)
        ]
        sides = "".join("l" if j in {0, *self.left} else "r" for j in range(len(self.columns)))
        caption = ". ".join(latex_text(part.rstrip(".")) for part in (self.title, note) if part)
        head, *body = [" & ".join(row) + r" \\" for row in [[latex_text(name) for name in self.columns], *rows]]
        lines = [r"\begin{table}", rf"\caption{{{caption}.}}", rf"\begin{{tabular}}{{{sides}}}", r"\toprule", head]
        return "\n".join([*lines, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def latex_text(text: str) -> str:
    """Text for LaTeX, in which no character commands."""
    return re.sub(r"[\\{}$&#%_^~<>±−–µ\r\n]", lambda found: _LATEX[found[0]], text)


def markdown(rows: Iterable[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """A Markdown table; the first row is its head, and all columns but those in ``left`` are flush right."""
    head, *body = [[markdown_text(text).replace("|", "\\|") for text in row] for row in rows]
    rule = "|".join("---" if j in left else "---:" for j in range(len(head)))
    return "\n".join(["| " + " | ".join(head) + " |", f"|{rule}|", *("| " + " | ".join(row) + " |" for row in body)])


def markdown_text(text: str) -> str:
    """Text for Markdown: on one line, and without a beginning of HTML."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", re.sub(r"[\r\n]+", " ", text))


def grid(table: pd.DataFrame, title: str = "") -> Grid:
    """The grid of a table, numbers to four significant digits."""
    rows = [[show(value) for value in row] for row in table.itertuples(index=False, name=None)]
    left = {j for j in range(table.shape[1]) if table.iloc[:, j].dtype.kind not in "iuf"}
    return Grid(title, [str(name) for name in table.columns], rows, left=left)


def show(value: Any) -> str:
    """A cell's text: an en dash for nothing, four significant digits for a number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def csv_text(table: pd.DataFrame, digits: int | None = 6) -> str:
    """A table as CSV: numbers to so many significant digits, text that a spreadsheet would compute behind a quote.

    A graph may be called ``=1+1``, and the reason of a failed run may begin with a dash. The quote is the one that
    spreadsheets hide; :func:`read_csv` takes it away. Numbers stay as they are.
    """
    return _on_text(table, _guarded).to_csv(index=False, float_format=None if digits is None else f"%.{digits}g")


def write_csv(table: pd.DataFrame, path: Path, digits: int | None = 6) -> None:
    """Write a table as :func:`csv_text` has it."""
    with replace_file(path) as temporary:
        temporary.write_text(csv_text(table, digits), encoding="utf-8", newline="")


def read_csv(path: Path) -> pd.DataFrame:
    """A table that :func:`write_csv` wrote; also packed."""
    import pandas as pd

    return _on_text(pd.read_csv(path), _unguarded)


def _on_text(table: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    changed = table.rename(columns=change)
    for j in range(table.shape[1]):
        if table.iloc[:, j].dtype.kind == "O":
            changed.isetitem(j, table.iloc[:, j].map(change).to_numpy())
    return changed


def _guarded(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def _unguarded(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell


def write_table(table: pd.DataFrame, stem: Path, command: str) -> None:
    """Write ``stem.csv`` and ``stem.md``; the Markdown names the command that made it."""
    write_csv(table, stem.with_suffix(".csv"))
    with replace_file(stem.with_suffix(".md")) as temporary:
        temporary.write_text(f"{grid(table).markdown()}\n\nMade by `{command}`.\n", encoding="utf-8")
