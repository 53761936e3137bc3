"""The CUDA engine: in the simulator, on a real GPU, and where there is none."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.strategies import edge_list
from wis.engine import cuda as engine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]


def test_in_the_simulator():
    """Everything in ``simulated.py``, in a process in which Numba simulates CUDA."""
    pytest.importorskip("numba_cuda")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "simulated.py")],
        cwd=ROOT,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert result.returncode == 0, result.stdout[-6000:]
    assert " passed" in result.stdout


@pytest.fixture
def no_gpu(monkeypatch):
    pytest.importorskip("numba_cuda")
    from numba import cuda

    from wis.engine.cuda import device

    monkeypatch.setattr(device, "is_simulated", lambda: False)
    monkeypatch.setattr(cuda, "is_available", lambda: False)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_no_gpu(no_gpu, depth):
    from wis.engine.rank import rank

    path = edge_list(3, [[0, 1], [1, 2]])
    with pytest.raises(RuntimeError, match="device='cuda': no CUDA device or driver was found; use device='cpu'"):
        rank(path, depth=depth, device="cuda")
    assert rank(path, depth=depth, device="auto").shape == (2,)


def test_no_numba_cuda(monkeypatch):
    from wis.engine.cuda import device

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba_cuda" else found(name))
    with pytest.raises(RuntimeError, match=r"pip install 'wis-graph\[numba-cuda\]'"):
        device.require_cuda()


def test_wrong_graphs_and_depths():
    from wis.engine.cuda import degrees, triangles

    directed = edge_list(3, [[0, 1], [1, 2]], directed=True)
    for module, depth in ((degrees, 2), (triangles, 3)):
        with pytest.raises(ValueError, match=f"only depth {depth} of undirected graphs"):
            module.removal_order(directed, depth=depth, limit=2)
        with pytest.raises(ValueError, match=f"only depth {depth} of undirected graphs"):
            module.removal_order(edge_list(3, [[0, 1], [1, 2]]), depth=5, limit=2)


def test_auto_stays_on_the_cpu():
    assert not engine.is_worth(edge_list(3, [[0, 1], [1, 2]]), 4)


def test_importing_costs_nothing():
    code = "import sys, wis.engine.cuda; assert 'numba' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.gpu
@pytest.mark.parametrize("chunk", [1, 50])
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_same_order_as_the_cpu(depth, chunk):
    import wis

    rng = np.random.default_rng(depth)
    columns = np.minimum(rng.integers(300, size=(2, 1500)), rng.integers(300, size=(2, 1500)))
    columns = np.concatenate([columns, columns[::-1]], axis=1)
    for options in ({}, {"ties": "random", "seed": 1}, {"targets": np.arange(0, 300, 3)}):
        orders = [
            wis.removal_order(columns, num_nodes=300, depth=depth, chunk=chunk, device=device, **options).edges
            for device in ("cuda", "cpu")
        ]
        np.testing.assert_array_equal(*orders)
