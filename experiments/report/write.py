"""Write a report: render everything, then write every file whole, the page last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.report import analysis, figures, headline
from wis.experiments.report.labels import model_label, removal
from wis.experiments.report.tables import TABLE_NAMES, Table, make_tables
from wis.experiments.sweep.plan import plan_text
from wis.experiments.sweep.store import Results, read_results

from wis._version import __version__
from wis.files import replace_file

_HERE = Path(__file__).parent
_INCOMPLETE = {"missing": "not finished yet", "diverged": "diverged", "failed": "failed"}


@dataclass(frozen=True)
class Figure:
    """One figure: name of its file, the SVG document, and what it shows."""

    name: str
    svg: str
    caption: str


def write_report(run: Path, out: Path) -> Path:
    """Write the report of a run folder.

    Parameters
    ----------
    run
        Folder of a sweep, finished or not.
    out
        Folder to write, made if it is not there: ``index.html``, a CSV and a Markdown file for every table, an SVG
        file for every figure, and ``runs.csv``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        If there are no results in ``run``, or none of its runs has finished.
    """
    results = read_results(run)
    cells = analysis.finished(results)
    if cells.empty:
        raise ValueError(f"no run in {run} has finished well yet, so there is nothing to report")
    tables = make_tables(results)
    drawn = make_figures(cells)
    files = {"runs.csv": _runs(results).to_csv(index=False)}
    for table in tables:
        files[f"{table.name}.csv"] = table.data.to_csv(index=False)
        files[f"{table.name}.md"] = table.markdown()
    for figure in (figure for group in drawn.values() for figure in group):
        files[f"{figure.name}.svg"] = figure.svg
    files["index.html"] = render_page(results, cells, tables, drawn)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with replace_file(out / name) as path:
            path.write_text(text, encoding="utf-8")
    _remove_stale(out, set(files))
    return out / "index.html"


def _remove_stale(out: Path, written: set[str]) -> None:
    """Remove tables and figures that an earlier report of this folder had and this one has not."""
    own = {f"{name}.{kind}" for name in TABLE_NAMES for kind in ("csv", "md")}
    for path in out.iterdir():
        figure = path.suffix == ".svg" and path.name.startswith(("accuracy-", "difference-"))
        if path.name not in written and (path.name in own or figure):
            path.unlink()


def summary(run: Path) -> str:
    """What the results of a run folder say, in a few sentences."""
    cells = analysis.finished(read_results(run))
    return "\n".join([headline.title(cells), *headline.findings(cells)])


def make_figures(cells: pd.DataFrame) -> dict[tuple[str, str], list[Figure]]:
    """The figures of every data set and model."""
    baseline = analysis.baseline_of(cells)
    looks = figures.styles(list(dict.fromkeys(cells["method"])), baseline)
    drawn = {}
    for (dataset, model), part in analysis.groups(cells):
        where, slug = f"{dataset}, {model_label(model)}", f"{dataset}-{model}"
        title = f"Test accuracy against removed edges: {where}"
        caption = "Test accuracy, mean over seeds; bands are 95% intervals."
        drawn[dataset, model] = [
            Figure(f"accuracy-{slug}", figures.accuracy_figure(analysis.accuracy(part), looks, title), caption)
        ]
        differences = analysis.differences(part, baseline) if baseline else pd.DataFrame()
        if baseline and not differences.empty:
            label = removal(baseline)
            title = f"Difference to {label} against removed edges: {where}"
            caption = f"Points above {label}, paired by seed; where a band leaves zero, the difference is clear."
            svg = figures.difference_figure(differences, looks, title, baseline)
            drawn[dataset, model].append(Figure(f"difference-{slug}", svg, caption))
    return drawn


def render_page(
    results: Results, cells: pd.DataFrame, tables: list[Table], drawn: Mapping[tuple[str, str], list[Figure]]
) -> str:
    """The HTML page, with nothing outside it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    main = [table for table in tables if table.name in ("accuracy", "differences")]
    sections = [
        {
            "title": f"{dataset}, {model_label(model)}",
            "figures": [{"svg": figures.inline(f.svg, f.name), "caption": f.caption} for f in group],
            "tables": [(table, table.parts[dataset, model]) for table in main if (dataset, model) in table.parts],
        }
        for (dataset, model), group in drawn.items()
    ]
    return environment.get_template("page.html").render(
        title=headline.title(cells),
        findings=headline.findings(cells),
        warning=_warning(results),
        extent=_extent(results),
        css=(_HERE.parent / "pages" / "page.css").read_text(encoding="utf-8"),
        plan=results.plan,
        plan_yaml=plan_text(results.plan),
        sections=sections,
        others=[table for table in tables if table not in main],
        datasets=[{"title": name, "text": _facts(facts)} for name, facts in results.datasets.items()],
        environments=[_flat(facts) for facts in results.environments],
        command=results.command,
        version=__version__,
    )


def _runs(results: Results) -> pd.DataFrame:
    """One row a cell of the plan, with everything that was measured."""
    return results.cells.drop(columns=["position", "key", "config", "environment"])


def _extent(results: Results) -> str:
    runs = results.cells.drop_duplicates("run_key")
    done = int((runs["status"] == "ok").sum())
    seeds = results.cells["seed"].nunique()
    return f"{done:,} run{'s' * (done != 1)} · {seeds} seed{'s' * (seeds != 1)}"


def _warning(results: Results) -> str:
    """What keeps the results from being complete; empty where nothing does."""
    runs = results.cells.drop_duplicates("run_key")
    counts = runs["status"].value_counts()
    said = [f"{counts[s]:,} {what}" for s, what in _INCOMPLETE.items() if s in counts]
    return f"Of {len(runs):,} runs: {', '.join(said)}. The tables below show the others." if said else ""


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{value:,} {name}" for name, value in facts.items())


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    shown = {name: str(value) for name, value in facts.items() if name != "versions"}
    return shown | {"versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items())}
