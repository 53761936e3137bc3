from __future__ import annotations

import pandas as pd
import pytest
from wis.experiments.pages.tables import Grid, grid, markdown, show, write_table


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


def test_latex_commands_nothing_and_stresses_cells():
    shown = Grid("a_b", ["m", "50%"], [["x & y", "1 ± 2"], [r"\input{z}", "–"]], frozenset({(0, 1)}))
    lines = shown.latex("A note.").splitlines()
    assert lines[1:3] == [r"\caption{a\_b. A note.}", r"\begin{tabular}{lr}"]
    assert lines[4:8] == [
        r"m & 50\% \\", r"\midrule", r"x \& y & \textbf{1 $\pm$ 2} \\", r"\textbackslash{}input\{z\} & -- \\",
    ]  # fmt: skip
