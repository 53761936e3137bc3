"""One page: a self-contained HTML file with its tables and figures inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.experiments.pages.svg import inline
from wis.experiments.pages.tables import Grid, grid

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

_HERE = Path(__file__).parent
TAGS = {
    "paper": "stated by the paper",
    "code": "the paper's published code",
    "2nd": "a secondary source (a review or summary)",
    "ours": "derived or measured by this project",
}


# Width in points beyond which a figure has several axes side by side.
_ONE_COLUMN = 500


@dataclass(frozen=True)
class Figure:
    """One figure: name of its file, the SVG document, and what it shows."""

    name: str
    svg: str
    caption: str = ""

    @property
    def inline(self) -> str:
        """The SVG as a page holds it."""
        return inline(self.svg, self.name)

    @property
    def is_wide(self) -> bool:
        """Whether it takes the whole width of a page."""
        size = re.search(r'viewBox="0 0 ([\d.]+)', self.svg)
        return size is not None and float(size[1]) > _ONE_COLUMN

    @classmethod
    def read(cls, path: Path) -> Figure:
        """The figure in an SVG file."""
        return cls(path.stem, path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes
    ----------
    heading
        Its heading.
    text
        Paragraphs, with an empty line between two.
    tables
        Grids, or pandas tables.
    figures
        Figures, or SVG files.
    note
        A paragraph in small print.
    """

    heading: str
    text: str = ""
    tables: Sequence[Grid | pd.DataFrame] = ()
    figures: Sequence[Figure | Path] = ()
    note: str = ""

    @property
    def grids(self) -> list[Grid]:
        """Its tables as they are shown."""
        return [table if isinstance(table, Grid) else grid(table) for table in self.tables]

    @property
    def drawn(self) -> list[Figure]:
        """Its figures as they are shown."""
        return [found if isinstance(found, Figure) else Figure.read(found) for found in self.figures]


def render(title: str, sections: Sequence[Section], *, template: Path = _HERE / "page.html", **more: Any) -> str:
    """The HTML of a page.

    Parameters
    ----------
    title, sections
        What is on it.
    template
        A Jinja file that extends ``page.html``.
    **more
        What else the template asks for.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    return environment.get_template(template.name).render(title=title, sections=sections, css=css, **more)


def write_page(
    path: Path, title: str, command: str, sections: Sequence[Section], *, kicker: str = "Language models"
) -> None:
    """Write the page of an experiment.

    Parameters
    ----------
    path
        The HTML file.
    title
        Its heading.
    command
        What made it.
    sections
        What is on it.
    kicker
        A few words above the title.
    """
    text = render(title, sections, kicker=kicker, command=command, tags=TAGS)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
