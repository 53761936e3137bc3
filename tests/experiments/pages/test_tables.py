from __future__ import annotations

import csv

import pandas as pd
import pytest
from wis.experiments.pages.tables import Grid, grid, markdown, read_csv, show, write_csv, write_table


def test_markdown_escapes_bars_and_sets_numbers_flush_right():
    assert markdown([["what", "how|many"], ["a|b", "3"]]) == "| what | how\\|many |\n|---|---:|\n| a\\|b | 3 |"
    assert markdown([["a", "b"], ["x", "y"]], left=(0, 1)).splitlines()[1] == "|---|---|"


def test_a_grid_stresses_cells_and_knows_its_sentences():
    shown = Grid("t", ["m", "n"], [["a", "1"], ["a claim of more than thirty characters", "2"]], frozenset({(0, 1)}))
    assert shown.markdown().splitlines()[2] == "| a | **1** |"
    assert shown.sentences == {0}


def test_a_grid_of_a_table():
    shown = grid(pd.DataFrame({"name": ["x"], "value": [0.123456], "text": ["y"], "sure": [True]}))
    assert shown.rows == [["x", "0.1235", "y", "True"]]
    assert shown.markdown().splitlines()[1] == "|---|---:|---|---|"


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (float("nan"), "–"), (12345.678, "1.235e+04"), (3, "3")])
def test_cells(value, text):
    assert show(value) == text


def test_a_table_is_written_with_its_command(tmp_path):
    write_table(pd.DataFrame({"a": [1.0, 1 / 3]}), tmp_path / "t", "wis lm x")
    assert (tmp_path / "t.csv").read_text() == "a\n1\n0.333333\n"
    assert (tmp_path / "t.md").read_text() == "| a |\n|---|\n| 1 |\n| 0.3333 |\n\nMade by `wis lm x`.\n"


# Cells as they are given and as they are written.
CELLS = {
    "=1+1": "'=1+1",
    "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0",
    "+a": "'+a",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": "'\t=1",
    "'=1": "''=1",
    "''-a": "'''-a",
    "-0.125 ± 0.060": "-0.125 ± 0.060",
    "+2.5": "+2.5",
    "-1e-05": "-1e-05",
    "'quoted": "'quoted",
    "a=b": "a=b",
    "": None,
}


def test_text_that_a_spreadsheet_would_compute_is_quoted_and_read_back(tmp_path):
    table = pd.DataFrame({"=name": list(CELLS), "value": [-1 / 3] * len(CELLS), "mixed": [-1, "=a"] + [None] * 11})
    write_csv(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["'=name", "value", "mixed"]
    assert [row[0] for row in rows] == [text or "" for text in CELLS.values()]
    assert {row[1] for row in rows} == {"-0.333333"}
    assert [row[2] for row in rows[:3]] == ["-1", "'=a", ""]
    back = read_csv(tmp_path / "t.csv")
    assert back["=name"].fillna("").tolist() == list(CELLS)
    assert back["mixed"].tolist()[:2] == ["-1", "=a"]
    assert back["value"].tolist() == [-0.333333] * len(CELLS)


def test_latex_commands_nothing_and_stresses_cells():
    shown = Grid("a_b", ["m", "50%"], [["x & y", "1 ± 2"], [r"\input{z}", "–"]], frozenset({(0, 1)}))
    lines = shown.latex("A note.").splitlines()
    assert lines[1:3] == [r"\caption{a\_b. A note.}", r"\begin{tabular}{lr}"]
    assert lines[4:8] == [
        r"m & 50\% \\", r"\midrule", r"x \& y & \textbf{1 $\pm$ 2} \\", r"\textbackslash{}input\{z\} & -- \\",
    ]  # fmt: skip
