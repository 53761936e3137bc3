import json

import numpy as np
import pandas as pd
import pytest
from wis.experiments.lm import std
from wis.experiments.lm.reward_files import Columns, Sample, parse_weights, read_rewards


def _lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_of_a_csv_may_differ_in_length(tmp_path):
    (tmp_path / "r.csv").write_text("0,1,\n0.5,0.5,1\n")
    found = read_rewards(tmp_path / "r.csv")
    assert found == [Sample("0", 0), Sample("0", 1), Sample("1", 0.5), Sample("1", 0.5), Sample("1", 1)]


def test_verl_folders_are_read_in_the_order_of_their_steps(tmp_path):
    for step in (2, 10, 1):
        _lines(
            tmp_path / f"{step}.jsonl",
            {"input": "q", "output": "a", "gts": "4", "score": 0.5, "step": step, "acc": True},
        )
    assert read_rewards(tmp_path) == [Sample("q", 0.5, 1), Sample("q", 0.5, 2), Sample("q", 0.5, 10)]
    assert read_rewards(tmp_path / "2.jsonl", Columns("gts", {"acc": 2.0, "score": 1.0})) == [Sample("4", 2.5, 2)]


def test_of_several_steps_with_lists_an_inputs_last_counts(tmp_path):
    path = _lines(
        tmp_path / "r.jsonl",
        {"prompt": "a", "step": 1, "rewards": [0, 1]},
        {"prompt": "b", "step": 1, "rewards": [1, 1]},
        {"prompt": "a", "step": 2, "rewards": [1, 1, 1]},
        {"prompt": "b", "rewards": [0, 1]},  # without a step: before all others
    )
    found = read_rewards(path)
    assert found[4:7] == [Sample("a", 1, 2)] * 3
    tracker = std.track(found)
    assert dict(zip(tracker.keys, tracker.counts.tolist(), strict=True)) == {"a": 3, "b": 2}
    assert tracker.std().tolist() == [0, 0]
    assert std.by_step(found)["step"].tolist() == [0, 1, 2]


def _completions(path, step, rewards, **more):
    path.parent.mkdir(exist_ok=True)
    prompts = [[{"role": "user", "content": "é"}]] * 2
    table = {"step": [step] * 2, "prompt": prompts, "completion": ["x", "y"], "accuracy": rewards, **more}
    pd.DataFrame(table | {"advantage": [0.0, 0.0]}).to_parquet(path)


def test_completions_of_trl(tmp_path):
    folder = tmp_path / "completions"
    _completions(folder / "completions_00001.parquet", 1, [0.0, 1.0])
    _completions(folder / "completions_00002.parquet", 2, [0.0, 1.0])  # the same, logged again
    _completions(folder / "completions_00003.parquet", 3, [1.0, np.nan])  # one that no function scored
    name = json.dumps([{"role": "user", "content": "é"}], ensure_ascii=False)
    assert read_rewards(folder) == [Sample(name, 0, 1), Sample(name, 1, 1), Sample(name, 1, 3)]


def test_several_functions_of_trl_are_summed_as_it_does(tmp_path):
    path = tmp_path / "c" / "completions_00001.parquet"
    _completions(path, 1, [1.0, np.nan], format=[0.5, 1.0], row=[7, 8])
    with pytest.raises(
        ValueError, match=r"3 columns of numbers \(accuracy, format, row\).*--reward accuracy,format=0.5"
    ):
        read_rewards(path)
    found = read_rewards(path, Columns("row", parse_weights("accuracy=2, format")))
    assert found == [Sample("7", 2.5, 1), Sample("8", 1, 1)]


def test_completions_that_the_installed_trainer_wrote(tmp_path):
    pytest.importorskip("trl")
    from tests.wis.lm.test_trl import _reward, _train

    _train("grpo", tmp_path, [_reward], log_completions=True)
    found = read_rewards(tmp_path / "completions")
    assert {sample.step for sample in found} == {1, 2}
    assert {sample.key for sample in found} == {"a b", "c d"}
    assert len(found) == 16


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        ({"score": 1}, Columns(), "line 1: no column names the input; say which with --key: score"),
        ({"input": "x", "score": 1}, Columns("uid"), r"line 1: has no 'uid' \(--key\); there are input, score"),
        ({"input": "x", "score": 1}, Columns(None, {"acc": 1.0}), r"has no 'acc' \(--reward\)"),
        ({"input": "x", "score": "high"}, Columns(), "line 1: a reward must be a number, got 'high'"),
        ({"input": "x", "rewards": [0, 1], "step": "two"}, Columns(), "line 1: step must be an integer, got 'two'"),
        ({"input": "x", "score": 1, "step": 1.5}, Columns(), "line 1: step must be an integer, got 1.5"),
        ([1], Columns(), r"line 1: must be an object, got \[1\]"),
    ],
)
def test_lines_that_cannot_be_read(row, columns, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_rewards(_lines(tmp_path / "r.jsonl", row), columns)


def test_what_is_no_rewards(tmp_path):
    with pytest.raises(ValueError, match=r"has no .jsonl or .parquet file"):
        read_rewards(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_rewards(tmp_path / "r.csv")
    (tmp_path / "r.parquet").write_text("x")
    with pytest.raises(ValueError, match=r"r.parquet is not a Parquet table"):
        read_rewards(tmp_path / "r.parquet")
    np.save(tmp_path / "r.npy", np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match=r"r.npy, row 0, column 1: a reward must be finite"):
        read_rewards(tmp_path / "r.npy")


def test_what_is_no_matrix(tmp_path):
    file = tmp_path / "r.npy"
    np.save(file, np.zeros((2, 2)))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"r\.npy is no array that NumPy can read"):
        read_rewards(file)
    np.save(file, np.array([[{}, {}]]))
    with pytest.raises(ValueError, match=r"r\.npy is no array that NumPy can read"):
        read_rewards(file)
    with file.open("wb") as stream:
        np.savez(stream, a=np.zeros(2))
    with pytest.raises(ValueError, match=r"r\.npy is an archive of arrays"):
        read_rewards(file)


@pytest.mark.parametrize("text", ["a=x", "=1", "a,,b"])
def test_weights_that_cannot_be_read(text):
    with pytest.raises(ValueError, match="--reward needs columns as"):
        parse_weights(text)


@pytest.mark.parametrize("text", ["acc=nan", "acc=inf,format"])
def test_weights_are_finite(text):
    with pytest.raises(ValueError, match="--reward needs weights that are finite numbers"):
        parse_weights(text)


def test_a_csv_of_a_spreadsheet_begins_with_a_mark(tmp_path):
    (tmp_path / "r.csv").write_text("0,1\n", encoding="utf-8-sig")
    assert read_rewards(tmp_path / "r.csv") == [Sample("0", 0), Sample("0", 1)]


def test_a_column_has_one_weight():
    with pytest.raises(ValueError, match="--reward must name each column once, got 'acc' twice in 'acc,acc=0.5'"):
        parse_weights("acc,acc=0.5")
