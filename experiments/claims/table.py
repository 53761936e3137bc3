"""The table of all claims: computed from stored results, as Markdown, CSV and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.experiments.claims import kl_study, reward_std, rivals, wis_paper
from wis.experiments.claims.claim import RULE, Claim, verdict
from wis.experiments.claims.stored import SETS, Stored
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.tables import Grid, write_csv

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("agrees", "disagrees", "not resolved", "not run here")
_COLUMNS = ["claim", "about", "where", "measured here", "on", "agrees where", "verdict", "command"]


def all_claims() -> list[Claim]:
    """Every claim of every source."""
    return [claim for source in (wis_paper, rivals, reward_std, kl_study) for claim in source.claims()]


def claims_table(stored: Stored) -> pd.DataFrame:
    """One row a claim, with our number and the verdict.

    Returns
    -------
    pandas.DataFrame
        ``source, where, claim, about, quantity``; ``value, low, high`` (NaN where it was not run here), ``basis``;
        ``agrees_where``, ``verdict``, ``results`` (the folder), ``command`` and ``why_not``.
    """
    import pandas as pd

    rows = []
    for claim in all_claims():
        found = claim.measured(stored)
        rows.append({
            "source": claim.source, "where": claim.where, "claim": claim.text, "about": claim.about,
            "quantity": claim.quantity, "value": found.value if found else None, "low": found.low if found else None,
            "high": found.high if found else None, "shown": str(found) if found else "",
            "basis": found.basis if found else "", "agrees_where": claim.agrees.text if claim.agrees else "",
            "verdict": verdict(claim, found), "results": claim.results,
            "command": " ".join(("wis", *SETS[claim.results].command)) if claim.results else "",
            "why_not": claim.why_not,
        })  # fmt: skip
    return pd.DataFrame(rows)


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """How many rows of every source agree, disagree, are not resolved, and were not run here."""
    found = table.groupby(["source", "verdict"], sort=False).size().unstack(fill_value=0)
    return found.reindex(columns=list(VERDICTS), fill_value=0).reset_index().rename_axis(columns=None)


def sentence(table: pd.DataFrame) -> str:
    """The answer in one sentence."""
    number = table["verdict"].value_counts()
    parts = [f"{number.get(name, 0)} {name}" for name in VERDICTS]
    return f"Of {len(table)} rows, {', '.join(parts[:-1])} and {parts[-1]}."


def write_claims(table: pd.DataFrame, out: Path, command: str, *, html: bool) -> list[Path]:
    """Write ``claims.csv`` and ``claims.md``, and ``claims.html`` if ``html``; each whole or not at all.

    Returns
    -------
    list of Path
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = [out / "claims.csv", out / "claims.md"]
    write_csv(table.drop(columns="shown"), written[0])
    with replace_file(written[1]) as temporary:
        temporary.write_text(_markdown(table, command), encoding="utf-8")
    if html:
        written.append(out / "claims.html")
        write_page(written[-1], "Every claim beside our number", command, _sections(table), kicker="Claims")
    return written


def _markdown(table: pd.DataFrame, command: str) -> str:
    parts = ["# Every claim beside our number", sentence(table), RULE, _summary(table).markdown()]
    for source, grid in _grids(table):
        parts += [f"## {source}", grid.markdown()]
    return "\n\n".join([*parts, f"Made by `{command}`."]) + "\n"


def _sections(table: pd.DataFrame) -> list[Section]:
    first = Section("In short", f"{sentence(table)}\n\n{RULE}", [_summary(table)])
    return [first, *(Section(source, tables=[grid]) for source, grid in _grids(table))]


def _summary(table: pd.DataFrame) -> Grid:
    rows = [[str(value) for value in row] for row in counts(table).itertuples(index=False, name=None)]
    return Grid("", ["source", *VERDICTS], rows)


def _grids(table: pd.DataFrame) -> list[tuple[str, Grid]]:
    grids = []
    for source, part in table.groupby("source", sort=False):
        run = part[part["verdict"] != "not run here"]
        rows = [_row(row) for row in run.to_dict("records")]
        strong = {(i, 6) for i, row in enumerate(rows) if row[6] in ("agrees", "disagrees")}
        for (claim, where), left in part.drop(run.index).groupby(["claim", "where"], sort=False):
            about = "; ".join(text for text in left["about"] if text) or "–"
            why = left["why_not"].iloc[0] or "its results are not there"
            rows.append([str(claim), about, str(where), why, "–", "–", "not run here", "–"])
        grids.append((str(source), Grid("", _COLUMNS, rows, strong, left=range(len(_COLUMNS)))))
    return grids


def _row(row: dict[Any, Any]) -> list[str]:
    texts = [row["claim"], row["about"], row["where"], f"{row['quantity']}: {row['shown']}", row["basis"]]
    return [text or "–" for text in [*texts, row["agrees_where"], row["verdict"], f"`{row['command']}`"]]
