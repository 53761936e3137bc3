"""The CUDA engine: in the simulator, on a real GPU, and where there is none."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.strategies import edge_list, task

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]


@pytest.mark.simulator
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


@pytest.mark.parametrize("depth", [2, 3, pytest.param(4, marks=pytest.mark.slow)])  # that one compiles for a minute
def test_auto_needs_no_gpu(no_gpu, depth):
    from wis.engine.rank import rank

    assert rank(edge_list(3, [[0, 1], [1, 2]]), depth=depth, device="auto").shape == (2,)


def test_no_numba_cuda(monkeypatch):
    from wis.engine.cuda import device

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba_cuda" else found(name))
    with pytest.raises(RuntimeError, match=r"pip install 'wis-graph\[numba-cuda\]'"):
        device.require_cuda()


def test_no_compiler(monkeypatch):
    pytest.importorskip("numba_cuda")
    import torch
    from numba import cuda

    from wis.engine.cuda import device

    def missing(*arguments, **options):
        raise OSError("libnvvm.so not found\nin many places")

    monkeypatch.setattr(device, "is_simulated", lambda: False)
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "compile_ptx", missing)
    device._require_compiler.cache_clear()
    with pytest.raises(RuntimeError, match=r"numba-cuda\[cu13\].*\(OSError: libnvvm.so not found\)"):
        device.require_cuda()


def test_no_cuda_in_torch(monkeypatch):
    pytest.importorskip("numba_cuda")
    import torch
    from numba import cuda

    from wis.engine.cuda import device

    monkeypatch.setattr(device, "is_simulated", lambda: False)
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="this PyTorch has no CUDA"):
        device.require_cuda()


def test_wrong_graphs_and_depths():
    from wis.engine.degrees import cuda as degrees
    from wis.engine.triangles import cuda as triangles

    directed = edge_list(3, [[0, 1], [1, 2]], directed=True)
    for module, depth in ((degrees, 2), (triangles, 3)):
        with pytest.raises(ValueError, match=f"only depth {depth} of undirected graphs"):
            module.removal_order(task(directed, depth))
        with pytest.raises(ValueError, match=f"only depth {depth} of undirected graphs"):
            module.removal_order(task(edge_list(3, [[0, 1], [1, 2]]), 5))


@pytest.mark.parametrize(("depth", "family"), [(2, "degrees"), (3, "triangles")])
def test_auto_stays_on_the_cpu(monkeypatch, depth, family):
    from wis.engine.rank import rank

    module = importlib.import_module(f"wis.engine.{family}.cuda")
    monkeypatch.setattr(module, "removal_order", lambda _: pytest.fail("the work is on the GPU"))
    order = rank(edge_list(3, [[0, 1], [1, 2]]), depth=depth, device="auto")
    assert sorted(order) == [0, 1]


def test_importing_costs_nothing():
    code = "import sys, wis.engine.cuda; assert 'numba' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def random_columns(seed: int, num_nodes: int = 300, size: int = 1500, directed: bool = False) -> np.ndarray:
    """Columns of a graph with a few vertices of high degree."""
    rng = np.random.default_rng(seed)
    columns = np.minimum(rng.integers(num_nodes, size=(2, size)), rng.integers(num_nodes, size=(2, size)))
    return columns if directed else np.concatenate([columns, columns[::-1]], axis=1)


@pytest.mark.gpu
@pytest.mark.parametrize("chunk", [1, 50])
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_same_order_as_the_cpu(depth, chunk):
    import wis

    columns = random_columns(depth)
    for options in ({}, {"ties": "random", "seed": 1}, {"targets": np.arange(0, 300, 3)}):
        orders = [
            wis.removal_order(columns, num_nodes=300, depth=depth, chunk=chunk, device=device, **options).edges
            for device in ("cuda", "cpu")
        ]
        np.testing.assert_array_equal(*orders)


@pytest.mark.gpu
@pytest.mark.parametrize("chunk", [1, 20])
@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("directed", "objective"), [(True, "vertex"), (False, "graph"), (True, "graph")])
def test_directed_graphs_and_graph_prediction(directed, objective, depth, chunk):
    import wis

    columns = random_columns(depth, 120, 400, directed)
    options = {"num_nodes": 120, "directed": directed, "objective": objective, "depth": depth, "chunk": chunk}
    orders = [wis.removal_order(columns, device=device, **options).edges for device in ("cuda", "cpu")]
    np.testing.assert_array_equal(*orders)


@pytest.mark.gpu
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_graphs_on_the_gpu_stay_there(depth, monkeypatch):
    import torch
    from torch_geometric.data import Data

    import wis
    from wis.graphs.device_edges import DeviceEdgeList

    copies = []
    monkeypatch.setattr(DeviceEdgeList, "pairs", property(lambda self: copies.append(self)))
    edge_index = torch.from_numpy(random_columns(depth))
    data = Data(edge_index=edge_index, edge_attr=torch.arange(edge_index.shape[1]), num_nodes=300)
    expected = wis.sparsify(data, keep=0.3, depth=depth, device="cpu")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # torch's default stream is not the only one
        there = data.to("cuda")
        sparse = wis.sparsify(there, keep=0.3, depth=depth, device="cuda")
    assert sparse.edge_index.is_cuda
    assert torch.equal(sparse.edge_index.cpu(), expected.edge_index)
    assert torch.equal(sparse.edge_attr.cpu(), expected.edge_attr)
    assert not copies


@pytest.mark.gpu
def test_a_graph_that_does_not_fit_says_how_much_it_needs():
    import torch

    import wis

    hog = torch.empty(torch.cuda.mem_get_info()[0] - (256 << 20), dtype=torch.uint8, device="cuda")
    rng = np.random.default_rng(0)
    columns = rng.integers(1 << 20, size=(2, 1 << 21))
    with pytest.raises(MemoryError, match="GiB of GPU memory"):
        wis.removal_order(columns, directed=False, device="cuda")
    del hog
    torch.cuda.empty_cache()
