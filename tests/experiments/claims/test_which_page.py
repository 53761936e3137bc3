"""The table of docs/which.md is what the registry and the committed sweeps say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from wis.experiments.claims.stored import COMMITTED

import wis
from tests.baselines.test_methods_page import HEAD, row
from wis.registry import parse_method

PAGE = Path(__file__).resolve().parents[3] / "docs" / "which.md"
COLUMNS = ("method", "weights", "directed", "labels", "one order", "GPU", "on disk")


def record() -> dict[str, str]:
    """Wins, ties and losses against random removal, over the plans of ``results/reduced``."""
    found = pd.concat([pd.read_csv(path) for path in sorted((COMMITTED / "reduced").glob("*/evidence.csv"))])
    found = found[found["outcome"].isin(["win", "tie", "loss"])]
    texts = {}
    for text, part in found.groupby("method", sort=False):
        name, options = parse_method(text)
        shown = f"{options['depth'] - 1}-WIS" + (", random ties" if "ties" in options else "") if name == "wis" else ""
        counts = " / ".join(str(int((part["outcome"] == outcome).sum())) for outcome in ("win", "tie", "loss"))
        texts.setdefault(name, []).append(f"{shown}: {counts}" if shown else counts)
    return {name: "; ".join(parts) for name, parts in texts.items()}


def table() -> str:
    against, places = record(), [HEAD.index(column) for column in COLUMNS]
    rows = [[*COLUMNS, "won / tied / lost against random"], ["---"] * (len(COLUMNS) + 1)]
    rows += [[*(row(method)[i] for i in places), against.get(method.name, "–")] for method in wis.methods()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def test_the_table_is_that_of_the_registry_and_of_the_results() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## All of them")[2]
    written = "".join(line + "\n" for line in page.splitlines() if line.startswith("|"))
    assert written == table(), f"write this table to {PAGE.name}:\n\n{table()}"
