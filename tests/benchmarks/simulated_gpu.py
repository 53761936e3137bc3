"""The GPU benchmark in CUDA's simulator: run by ``test_gpu.py``, in a process of its own.

    NUMBA_ENABLE_CUDASIM=1 pytest tests/benchmarks/simulated_gpu.py

Everything is the script's own, but for graphs of a few edges, and the name and the clock of the device, which the
simulator has not.
"""

from __future__ import annotations

import functools
import json
import sys

import numpy as np
import pytest
import torch

from benchmarks import gpu
from tests.strategies import family
from tests.wis.engine.cuda.simulated import whole_grids  # noqa: F401, all blocks at once
from wis.graphs.edge_list import EdgeList

GRAPHS = {"R-MAT 17": "medium", "squirrel": "wheel", "DBLP": "hub", "power law 5e6": "two cliques"}


def load(name: str, data_root: str | None) -> EdgeList | None:
    return None if name == "DBLP" and data_root is None else family(GRAPHS[name], 5)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the script with some arguments; what it writes."""
    monkeypatch.setattr(gpu, "_why_no_gpu", lambda: "")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "simulated")
    monkeypatch.setattr(gpu, "_event_seconds", gpu.timing.seconds)
    monkeypatch.setattr(gpu, "_copy_bandwidth", functools.partial(gpu._copy_bandwidth, 1 << 16, "cpu"))
    monkeypatch.setattr(gpu, "_load", load)
    monkeypatch.setattr(gpu.timing, "one_core", lambda: None)
    monkeypatch.delenv("WIS_DATA_ROOT", raising=False)

    def call(*arguments: str) -> tuple[dict, str]:
        monkeypatch.setattr(sys, "argv", ["gpu", "--out", str(tmp_path), *arguments])
        gpu.main()
        return json.loads((tmp_path / "gpu.json").read_text()), (tmp_path / "gpu.md").read_text()

    return call


def test_every_line_is_measured(run, capsys):
    written, table = run("--runs", "1", "--data-root", "somewhere")
    assert written["bytes_a_second"] > 0
    assert written["machine"]["gpu"] == "simulated"
    lines = {(line["name"], line["graph"]): line for line in written["rows"]}
    assert len(lines) == len(gpu.ROWS)
    for row in gpu.ROWS:
        line = lines[row.name, row.graph]
        assert line["same_order"] is True
        assert line["edges"] == family(GRAPHS[row.graph], 5).num_pairs
        assert line["target"] == row.target
        assert line["speed_up"] == pytest.approx(line["cpu_seconds"] / line["gpu_seconds"])
        assert 0 < line["floor_seconds"] < 1
        assert ("launches" in line["rounds"]) == ("chunk" not in row.options)
    assert table.count("| yes |") == len(gpu.ROWS)
    assert "speed-up" in capsys.readouterr().out


def test_graphs_that_are_not_there(run):
    written, table = run("--only", "DBLP")
    assert [line["skipped"] for line in written["rows"]] == ["not measured: no files"]
    assert "not measured: no files" in table


def test_the_floor_counts_every_array_once():
    edges = EdgeList.from_columns(np.array([[0, 1, 2], [1, 2, 0]]), 3)
    bytes_of_keys = 2 * 16 * 8
    assert gpu._least_bytes(edges, 2) == 3 * (16 + bytes_of_keys + 4) + 16 * 3
    assert gpu._least_bytes(edges, 3) == gpu._least_bytes(edges, 2) + 12 * 3
