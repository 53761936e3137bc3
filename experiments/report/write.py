"""Write a report: render everything, then write every file whole, the page last."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.pages.page import Figure, Section, render
from wis.experiments.pages.tables import Grid, csv_text
from wis.experiments.report import figures, headline
from wis.experiments.report.analysis import methods_of
from wis.experiments.report.findings import Findings, Group
from wis.experiments.report.gains import MEASURES
from wis.experiments.report.headline import details
from wis.experiments.report.labels import model_label, removal
from wis.experiments.report.manifest import check_folder, write_files
from wis.experiments.report.published import SOURCE
from wis.experiments.report.table import Table
from wis.experiments.report.tables import TABLE_NAMES, make_tables
from wis.experiments.report.verdict import RULE, verdicts
from wis.experiments.sweep.plan import plan_text
from wis.experiments.sweep.results import Results

from wis._version import __version__

_TEMPLATE = Path(__file__).with_name("report.html")
_INCOMPLETE = {"missing": "not finished yet", "diverged": "diverged", "failed": "failed"}


# Names that the files of a report may have.
FILE_NAMES = (
    "index.html", "runs.csv", "accuracy-*.svg", "difference-*.svg", "time-*.svg", "field-*.svg", "ranks*.svg",
    *(f"{name}.{kind}" for name in TABLE_NAMES for kind in ("csv", "md", "tex")),
)  # fmt: skip


def write_report(findings: Findings, out: Path, *, force: bool = False) -> Path:
    """Write the report of a sweep.

    Parameters
    ----------
    findings
        From :func:`wis.experiments.report.findings.read_findings`.
    out
        Folder to write, made if it is not there: ``index.html``, a CSV, Markdown and LaTeX file for every table, an SVG
        file for every figure, ``runs.csv``, and a hidden list of these files. Those of an earlier report that this one
        has not are removed.
    force
        Replace files of these names that no report wrote.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    FileExistsError
        If ``out`` has files of these names that no report wrote, or that were changed since.
    """
    if not force:
        check_folder(out, FILE_NAMES)
    tables, drawn, diagrams = make_tables(findings), make_figures(findings), rank_figures(findings)
    files = {"runs.csv": csv_text(_runs(findings.results), digits=None)}
    for table in tables:
        files[f"{table.name}.csv"] = csv_text(table.data, digits=None)
        files[f"{table.name}.md"] = table.markdown()
        files[f"{table.name}.tex"] = table.latex()
    for figure in itertools.chain(*drawn, diagrams):
        files[f"{figure.name}.svg"] = figure.svg
    files["index.html"] = render_page(findings, tables, drawn, diagrams)
    write_files(out, files)
    return out / "index.html"


def make_figures(findings: Findings) -> list[list[Figure]]:
    """The figures of every data set and model."""
    looks = figures.styles(methods_of(findings.cells), findings.baseline)
    slugs = _slugs([f"{group.dataset}-{group.model}" for group in findings.groups])
    return [
        list(_draw(group, slug, figures.group_styles(group, looks), findings.baseline))
        for group, slug in zip(findings.groups, slugs, strict=True)
    ]


def rank_figures(findings: Findings) -> list[Figure]:
    """A critical-difference diagram of every table of ranks."""
    within = list(findings.ranks.groupby("within", sort=False))
    slugs = _slugs([f"ranks-{name}" for name, _ in within])
    return [
        Figure(slug, figures.critical_difference_figure(part), f"{_within(str(name))}: mean ranks, 1 is best.")
        for slug, (name, part) in zip(slugs, within, strict=True)
    ]


def _within(name: str) -> str:
    dataset, _, model = name.partition(", ")
    return f"{dataset}, {model_label(model)}" if model else dataset


def _slugs(names: list[str]) -> list[str]:
    """Names that files and ids may have, all different."""
    slugs: list[str] = []
    for name in names:
        slug = re.sub(r"[^A-Za-z0-9._]+", "-", name)[:100]
        slugs.append(f"{slug}-{len(slugs) + 1}" if slug in slugs else slug)
    return slugs


def _draw(group: Group, slug: str, looks: dict[str, figures.Style], baseline: str | None) -> Iterator[Figure]:
    where = _title(group)
    title = f"Test {group.score} against removed edges: {where}"
    caption = f"Test {group.score}, mean over runs{_bands(group.accuracy, '95% intervals')}."
    caption += f" Hollow: {SOURCE}." if len(group.published) else ""
    yield Figure(f"accuracy-{slug}", figures.accuracy_figure(group, looks, title), caption)
    if baseline and not group.differences.empty:
        label = removal(baseline)
        title = f"Difference to {label} against removed edges: {where}"
        bands = _bands(group.differences, "95% intervals, not corrected")
        caption = f"Points above {label}, paired by split and seed{bands}."
        yield Figure(
            f"difference-{slug}", figures.difference_figure(group.differences, looks, title, baseline), caption
        )
    for name, measure in (("time", "epoch_seconds"), ("field", "field_edges_mean")):
        table = group.gains[group.gains["measure"] == measure]
        if not table.empty:
            what = MEASURES[measure].removesuffix(", mean").capitalize()
            title = f"{what} beside the full graph: {where}"
            caption = f"{what}, as a share of the full graph's; medians over runs{_bands(table, 'quartiles')}."
            yield Figure(f"{name}-{slug}", figures.ratio_figure(table, looks, title), caption)


def _bands(table: pd.DataFrame, what: str) -> str:
    return f"; bands are {what}" if figures.has_bands(table) else ""


def render_page(
    findings: Findings, tables: list[Table], drawn: list[list[Figure]], diagrams: Sequence[Figure] = ()
) -> str:
    """The HTML page, with nothing outside it."""
    results = findings.results
    main = [table for table in tables if table.name in ("accuracy", "differences", "evidence", "published")]
    sections = [
        Section(_title(group), details(group), [part for table in main if (part := _part(table, group))], figures)
        for group, figures in zip(findings.groups, drawn, strict=True)
    ]
    sections += [
        Section(
            table.title,
            note=table.note,
            tables=list(table.parts.values()),
            figures=diagrams if table.name == "ranks" else (),
        )
        for table in tables
        if table not in main
    ]
    return render(
        headline.title(findings),
        sections,
        template=_TEMPLATE,
        kicker=f"{'Sweep' if len(findings.runs) == 1 else 'Sweeps'} “{results.plan['name']}” · {_extent(results)}",
        verdicts=verdicts(findings),
        rule=RULE,
        warning=_warning(results),
        plans=[(run.command, plan_text(run.plan)) for run in findings.runs],
        datasets={name: _facts(facts) for name, facts in results.datasets.items()},
        environments=[_flat(facts) for facts in results.environments],
        version=__version__,
    )


def _title(group: Group) -> str:
    return f"{group.dataset}, {model_label(group.model)}"


def _part(table: Table, group: Group) -> Grid | None:
    """The grid of a data set and model, with the heading and the note of its table in place of its title."""
    part = table.parts.get((group.dataset, group.model))
    return part and replace(part, title="", heading=table.title, note=table.note)


def _runs(results: Results) -> pd.DataFrame:
    """One row a cell of the plan, with everything that was measured."""
    return results.cells.drop(columns=["position", "key", "config", "environment", "hardware", "original"])


def _extent(results: Results) -> str:
    runs = results.cells.drop_duplicates(["run", "run_key"])
    done = int((runs["status"] == "ok").sum())
    counts = [(done, "run"), *((results.cells[name].nunique(), name) for name in ("split", "seed"))]
    return " · ".join(f"{count:,} {name}{'s' * (count != 1)}" for count, name in counts)


def _warning(results: Results) -> str:
    """What keeps the results from being complete; empty where nothing does."""
    runs = results.cells.drop_duplicates(["run", "run_key"])
    counts = runs["status"].value_counts()
    said = [f"{counts[s]:,} {what}" for s, what in _INCOMPLETE.items() if s in counts]
    others = "The tables below show the others." if "ok" in counts else "So there is nothing to compare yet."
    return f"Of {len(runs):,} runs: {', '.join(said)}. {others}" if said else ""


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{value:,} {name}" if isinstance(value, int) else str(value) for name, value in facts.items())


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    shown = {name: str(value) for name, value in facts.items()}
    versions = facts.get("versions")
    if isinstance(versions, Mapping):
        shown["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return shown
