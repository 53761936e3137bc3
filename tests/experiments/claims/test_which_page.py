"""The table of docs/which.md is what the registry and the committed sweeps say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.claims.stored import COMMITTED

import wis
from tests.baselines.test_methods_page import HEAD, row
from wis.registry import parse_method

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "which.md"
BENCHMARKS = ROOT / "benchmarks" / "results"
COLUMNS = ("weights", "directed", "labels", "one order", "GPU", "on disk")
# The forms of WIS that are told apart: 1-WIS, 2-WIS with both rules for ties, and 3-WIS.
FORMS = ("wis:depth=2", "wis:depth=3", "wis:depth=3,ties=random", "wis:depth=4")


def record() -> dict[str, str]:
    """Wins, ties and losses against random removal: over ``results/reduced``, and what only ``results/rivals`` has."""
    plans = [path for group in ("reduced", "rivals") for path in sorted((COMMITTED / group).glob("*/evidence.csv"))]
    found = pd.concat([pd.read_csv(path) for path in plans]).drop_duplicates(["dataset", "model", "method"])
    found = found[found["outcome"].isin(["win", "tie", "loss"])]
    return {
        _row_of(text): " / ".join(str(int((part["outcome"] == outcome).sum())) for outcome in ("win", "tie", "loss"))
        for text, part in found.groupby("method", sort=False)
    }


def largest() -> dict[str, int]:
    """Edges of the largest graph that was ranked, in the benchmarks or in the sweeps."""
    found = [
        ("wis:depth=3" if measured["method"] == "wis" else measured["method"], measured["edges"])
        for measured in _rows("baselines.json", "rows")
        if measured["what"] == "ours" and "seconds" in measured
    ]
    found += [(f"wis:depth={measured['depth']}", measured["edges"]) for measured in _rows("engine.json", "growth")]
    for path in BENCHMARKS.glob("streaming*.json"):
        stored = json.loads(path.read_text())
        found += [(stored["method"], measured["edges"]) for measured in stored["rows"]]
    for path in (COMMITTED / "reduced").glob("*/structure.csv"):
        sweep = pd.read_csv(path)
        whole = sweep[sweep["removed"] == 0]
        found += [(_row_of(text), int(pairs)) for text, pairs in zip(whole["method"], whole["pairs"], strict=True)]
    return {name: max(edges for other, edges in found if other == name) for name, _ in found}


def _rows(file: str, table: str) -> list[dict[str, Any]]:
    return list(json.loads((BENCHMARKS / file).read_text())[table])


def _row_of(text: str) -> str:
    """The row of a method as a plan writes it: options count for WIS alone."""
    name, _ = parse_method(text)
    return text if name == "wis" else name


def table() -> str:
    against, edges = record(), largest()
    rows = [["method", "won / tied / lost", "largest ranked", *COLUMNS], ["---"] * (len(COLUMNS) + 3)]
    for method in wis.methods():
        cells = dict(zip(HEAD, row(method), strict=True))
        for text in FORMS if method.name == "wis" else (method.name,):
            if method.name == "wis":
                cells["on disk"] = "yes" if text == "wis:depth=2" else "–"
            size = _rounded(edges[text]) if text in edges else "–"
            rows.append([f"`{text}`", against.get(text, "–"), size, *(cells[column] for column in COLUMNS)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _rounded(edges: int) -> str:
    for unit, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if edges >= 0.9995 * unit:
            return f"{edges / unit:.3g} {word}"
    return str(edges)


def test_the_table_is_that_of_the_registry_and_of_the_results() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## All of them")[2]
    written = "".join(line + "\n" for line in page.splitlines() if line.startswith("|"))
    assert written == table(), f"write this table to {PAGE.name}:\n\n{table()}"
