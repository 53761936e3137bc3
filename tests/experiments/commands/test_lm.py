import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from wis.experiments.commands.lm import app


def _run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_std_of_a_matrix_with_table_and_page(tmp_path):
    np.save(tmp_path / "r.npy", np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0]]))
    done = _run(
        "std", tmp_path / "r.npy", "--support", "0,1", "--binary", "--table", tmp_path / "t.csv",
        "--html", tmp_path / "r.html",
    )  # fmt: skip
    assert done.exit_code == 0
    assert "zero std 50.0%" in done.output
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["std"].tolist() == pytest.approx([0, 0.57735], abs=1e-4)
    assert (tmp_path / "r.html").read_text().count("<svg") == 1


def test_std_of_lines_with_groups_of_different_sizes(tmp_path):
    rows = [{"settings": "x"}, {"run": "a", "rewards": [0, 1, 1]}, {"id": "b", "rewards": [0.5, 0.5]}]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = _run("std", tmp_path / "r.jsonl")
    assert done.exit_code == 0
    assert "2 inputs, 5 samples" in done.output


def test_std_of_a_csv(tmp_path):
    (tmp_path / "r.csv").write_text("0,1\n0.2,0.4\n")
    assert "2 inputs, 4 samples" in _run("std", tmp_path / "r.csv").output


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "0,nan\n", "finite"),
        ("r.csv", "0\n1\n", "two samples"),
        ("r.jsonl", '{"reward": 1}\n', "list 'rewards'"),
        ("r.txt", "0,1\n", r"must be a .npy, .csv or .jsonl"),
    ],
)
def test_bad_rewards(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        raise _run("std", tmp_path / name).exception


def test_bounds_of_the_tiny_model_and_its_page(tmp_path):
    done = _run("bounds", "--length", "2", "--html", tmp_path / "b.html")
    assert done.exit_code == 0
    for tag in ("[ours]", "[paper]", "[2nd]", "enumerated"):
        assert tag in done.output
    assert "lower bound" in _run("bounds", "--samples", "8").output
    assert "[2nd]" in (tmp_path / "b.html").read_text()


def test_grue_lists_the_seven():
    output = _run("grue", "datasets").output
    assert "narrativeqa" in output
    assert "[code]" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("controlled", "-d", "svhn"), "unknown data set"),
        (("grue", "run", "squad"), "unknown data set 'squad'"),
        (("bounds", "--prompt", "words"), "token ids"),
        (("bounds", "--prompt", "0,99"), "99"),
        (("bounds", "--target", "99"), "got 99"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        raise _run(*arguments).exception
