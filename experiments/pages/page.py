"""What the experiments on language models leave behind: rows that resume, tables, figures and one page."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

TAGS = {
    "paper": "stated by the paper",
    "code": "the paper's published code",
    "2nd": "a secondary source (a review or summary)",
    "ours": "derived or measured by this project",
}


class Rows:
    """Finished runs, one JSON object a line, so that an interrupted experiment goes on where it stopped.

    Parameters
    ----------
    path
        The ``.jsonl`` file. It is made on the first row.
    settings
        What the rows depend on. A file with other settings is refused.

    Raises
    ------
    ValueError
        If the file was made with other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        stamp = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self._rows: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps({"settings": stamp}) + "\n")
            return
        lines = path.read_bytes().splitlines(keepends=True)
        if not lines or _parse(lines[0]) != {"settings": stamp}:
            raise ValueError(f"{path} holds runs with other settings; give another --out, or delete it to start over")
        whole = [line for line in lines if line.endswith(b"\n") and _parse(line) is not None]
        if len(whole) < len(lines):  # the machine stopped in the middle of a line
            with replace_file(path) as temporary:
                temporary.write_bytes(b"".join(whole))
        for line in whole[1:]:
            row = json.loads(line)
            self._rows[row["run"]] = row

    def __contains__(self, run: str) -> bool:
        return run in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows.values())

    def add(self, run: str, row: Mapping[str, Any]) -> None:
        """Store one finished run; NaN and infinities become null."""
        record = {"run": run} | {name: _plain(value) for name, value in row.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")
        self._rows[run] = record

    def frame(self) -> pd.DataFrame:
        """All rows as a table, in the order of their names."""
        import pandas as pd

        return pd.DataFrame([self._rows[run] for run in sorted(self._rows)])


@dataclass
class Section:
    """A part of a page: a heading, paragraphs, and then tables and figures (SVG files beside the page)."""

    heading: str
    text: str
    tables: Sequence[pd.DataFrame] = field(default_factory=list)
    figures: Sequence[Path] = field(default_factory=list)


def write_table(table: pd.DataFrame, stem: Path, command: str) -> None:
    """Write ``stem.csv`` and ``stem.md``; the Markdown names the command that made it."""
    with replace_file(stem.with_suffix(".csv")) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with replace_file(stem.with_suffix(".md")) as temporary:
        temporary.write_text(f"{markdown(table)}\n\nMade by `{command}`.\n", encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, numbers to four significant digits."""
    lines = [[str(name) for name in table.columns], ["---"] * len(table.columns)]
    lines += [[show(value).replace("|", "\\|") for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def show(value: Any) -> str:
    """A cell's text: an en dash for nothing, four significant digits for a number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def figure(path: Path, *, columns: int = 1, rows: int = 1) -> Iterator[list[Axes]]:
    """Axes to draw on, row by row; the SVG is written when the block ends, the same bytes for the same drawing."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    style: Any = {
        "svg.hashsalt": "wis", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "legend.frameon": False,
    }  # fmt: skip
    with mpl.rc_context(style):
        size = 4.2 * columns, 3.2 * rows
        canvas, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        try:
            yield list(axes.flat)
            with replace_file(path) as temporary:
                canvas.savefig(temporary, metadata={"Date": None})
        finally:
            plt.close(canvas)


def legend_above(axes: Axes, *, columns: int) -> None:
    """The legend of one drawing, over it, where it covers nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns, fontsize=8, borderaxespad=0)


def write_page(path: Path, title: str, command: str, sections: Sequence[Section]) -> None:
    """Write the report: one self-contained HTML file with its figures inside."""
    from jinja2 import Environment
    from markupsafe import Markup

    def wordy(table: pd.DataFrame, column: int) -> bool:
        """Whether a column holds sentences, which are set flush left and may be broken, or words and numbers."""
        return max((len(show(value)) for value in table.iloc[:, column]), default=0) > 30

    def inline(figure_path: Path) -> Markup:
        svg = figure_path.read_text(encoding="utf-8")
        return Markup(svg[svg.index("<svg") :])

    # The look is that of the sweep's report.
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"show": show, "wordy": wordy}
    page = environment.from_string(template).render(
        title=title,
        command=command,
        sections=sections,
        tags=TAGS,
        css=Markup(css),
        inline=inline,
    )
    with replace_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
