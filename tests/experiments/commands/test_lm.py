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
        ("r.csv", "0,1\n0,nan\n", r"r.csv, line 2: a reward must be finite, got nan"),
        ("r.csv", "a,b\n0,1\n", r"r.csv, line 1: a reward must be a number, got 'a' \(a .csv file has no header\)"),
        ("r.csv", "0\n1\n", "two samples"),
        ("r.jsonl", '{"reward": 1, "id": 2}\n', "line 1: must have a list 'rewards'"),
        (
            "r.jsonl",
            '{"rewards": [1, 0]}\n{"rewards": [1, null]}\n',
            "line 2, reward 2: a reward must be a number, got null",
        ),
        ("r.jsonl", '{"input": "x", "score": null}\n', "r.jsonl, line 1: a reward must be a number, got null"),
        ("r.txt", "0,1\n", r"must be a folder or a .npy, .csv, .jsonl, .parquet file"),
    ],
)
def test_bad_rewards(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        raise _run("std", tmp_path / name).exception


def test_std_of_a_job_by_step(tmp_path):
    for step, scores in ((1, [0, 0, 0, 1]), (2, [1, 1, 0, 1])):
        lines = [{"input": f"q{i // 2}", "score": score, "step": step} for i, score in enumerate(scores)]
        (tmp_path / f"{step}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    output = _run("std", tmp_path).output
    assert "2 inputs, 4 samples" in output  # the last step alone
    assert "reward mean 0.75" in output
    assert "10th percentile" in output


def test_two_reward_models_are_compared(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "flat.npy", 0.1 * rng.random((40, 8)) + np.arange(40)[:, None])
    np.save(tmp_path / "steep.npy", 10 * rng.random((40, 8)))
    output = _run("compare", tmp_path / "steep.npy", tmp_path / "flat.npy").output
    assert "40 inputs" in output
    assert "the first is higher for 100.0% of the inputs" in output


def test_help_keeps_what_stands_in_brackets():
    assert "[default: (enumerate if they are few)]" in _help("bounds")
    assert "inputs x samples" in _help("std")
    assert "[default: (score, or the only column of numbers)]" in _help("std")


def _help(command):
    return " ".join(_run(command, "--help").output.replace("│", " ").split())


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
        (("bounds", "--length", "40"), "--length must be at most 30, what the model reads after the prompt, got 40"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        raise _run(*arguments).exception
