from __future__ import annotations

import errno
import math
import os

import numpy as np
import pytest
from wis.experiments.running.rows import Rows, read_rows


def test_rows_are_read_back_and_resumed(tmp_path):
    path = tmp_path / "out" / "runs.jsonl"
    rows = Rows(path, {"seed": 1})
    rows.add("b", {"value": np.float64(0.5), "curve": [np.int64(1), math.nan], "part": {"x": math.inf}})
    rows.add("a", {"value": 2})
    again = Rows(path, {"seed": 1})
    assert "b" in again
    assert list(again) == [
        {"run": "b", "value": 0.5, "curve": [1, None], "part": {"x": None}},
        {"run": "a", "value": 2},
    ]
    assert again.frame()["value"].tolist() == [2, 0.5]
    assert read_rows(path) == list(again)


def test_a_line_that_was_cut_short_is_dropped(tmp_path):
    path = tmp_path / "runs.jsonl"
    rows = Rows(path, {})
    rows.add("a", {"value": 1})
    rows.add("b", {"value": 2})
    path.write_bytes(path.read_bytes()[:-5])
    assert [row["run"] for row in read_rows(path)] == ["a"]
    assert [row["run"] for row in Rows(path, {})] == ["a"]
    Rows(path, {}).add("c", {})
    assert [row["run"] for row in Rows(path, {})] == ["a", "c"]


def test_other_settings_are_refused(tmp_path):
    Rows(tmp_path / "runs.jsonl", {"seed": 1})
    with pytest.raises(ValueError, match=r"runs.jsonl holds runs with other settings; give another --out"):
        Rows(tmp_path / "runs.jsonl", {"seed": 2})


def test_no_file_has_no_rows(tmp_path):
    assert read_rows(tmp_path / "none.jsonl") == []


def test_a_row_that_does_not_fit_on_the_disk_leaves_no_half_line(tmp_path, monkeypatch):
    rows = Rows(tmp_path / "runs.jsonl", {})
    rows.add("a", {"x": 1})

    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            rows.add("b", {"x": 2})
    assert "b" not in rows
    rows.add("c", {"x": 3})
    assert [row["run"] for row in Rows(tmp_path / "runs.jsonl", {})] == ["a", "c"]
