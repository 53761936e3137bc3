"""The table of accuracies in the README is what the committed sweeps say."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from wis.experiments.claims.stored import COMMITTED

README = Path(__file__).resolve().parents[3] / "README.md"
METHODS = (
    "spectral", "ugs:epochs=100,lr=0.005", "wis:depth=2", "wis:depth=3", "wis:depth=3,ties=random", "teddy", "dspar",
    "k-neighbor", "local-degree",
)  # fmt: skip
FOLDERS = {"Cora, GCN": "cora-gcn-splits", "Cora, GraphSAGE": "cora-sage"}


def folder(label: str) -> str:
    """As in `squirrel, filtered, GCN`: the names of the plan, and a remark in brackets."""
    label = label.partition(" (")[0]
    return FOLDERS.get(label) or label.lower().replace(", ", "-")


def cells(name: str) -> list[str]:
    found = pd.read_csv(COMMITTED / "reduced" / name / "evidence.csv").set_index("method").loc[list(METHODS)]
    texts = (f"{difference:+.1f}".replace("-", "−") for difference in found["difference"])
    return [f"**{t}**" if out in ("win", "loss") else t for t, out in zip(texts, found["outcome"], strict=True)]


def test_every_sweep_has_its_row() -> None:
    section = README.read_text(encoding="utf-8").partition("## What it does to accuracy")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if re.match(r"\| \w", line)]
    written = {folder(label.strip()): [cell.strip() for cell in texts] for label, *texts in rows}
    assert written == {path.parent.name: cells(path.parent.name) for path in COMMITTED.glob("reduced/*/evidence.csv")}
