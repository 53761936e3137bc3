"""``python -m benchmarks.gpu``: without a GPU it says so; its measuring path runs in CUDA's simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from wis.engine.cuda import device

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_gpu_nothing_is_measured(tmp_path, monkeypatch, capsys):
    def no_gpu():
        raise RuntimeError("no CUDA device was found")

    monkeypatch.setattr(device, "require_cuda", no_gpu)
    monkeypatch.setattr(gpu.timing, "one_core", lambda: None)
    monkeypatch.setattr(sys, "argv", ["gpu", "--out", str(tmp_path)])
    gpu.main()
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["machine"]["gpu"] == "no CUDA device was found"
    assert [(row["name"], row["graph"], row["skipped"]) for row in written["rows"]] == [
        (row.name, row.graph, "not measured") for row in gpu.ROWS
    ]
    assert (tmp_path / "gpu.md").read_text().count("not measured") == len(gpu.ROWS)
    assert capsys.readouterr().out.startswith("GPU: no CUDA device was found")


def test_the_simulator_is_no_gpu(monkeypatch):
    monkeypatch.setattr(device, "require_cuda", lambda: None)
    monkeypatch.setattr(device, "is_simulated", lambda: True)
    assert gpu._why_no_gpu() == "the simulator is no GPU"


@pytest.mark.simulator
def test_measuring_in_the_simulator():
    """The whole script on small graphs, in a process in which Numba simulates CUDA: see ``simulated_gpu.py``."""
    pytest.importorskip("numba_cuda")
    file = Path(__file__).with_name("simulated_gpu.py")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=ROOT,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-6000:]
    assert " passed" in result.stdout


@pytest.mark.gpu
def test_measuring_on_the_device(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "ROWS", [gpu.Row("1-WIS", "power law", {"depth": 2}, 1)])
    monkeypatch.setattr(gpu, "_load", lambda name, data_root: gpu.graphs.power_law(2000))
    monkeypatch.setattr(sys, "argv", ["gpu", "--runs", "2", "--out", str(tmp_path)])
    gpu.main()
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["bytes_a_second"] > 1e9
    assert written["rows"][0]["same_order"]
