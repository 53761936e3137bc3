"""What torch does for the CUDA engine, on tensors of the CPU: adjacency, sorting, memory; no CUDA needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from tests.strategies import edge_lists
from wis import machine
from wis.engine.cuda import device
from wis.graphs import csr
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList

CPU = torch.device("cpu")


@given(edge_lists(directed=None))
@settings(deadline=None)
def test_adjacency_is_that_of_numpy(edges: EdgeList) -> None:
    pairs = device.pairs_on(edges, CPU)
    arcs = device.build_csr(pairs, edges.num_nodes, both=not edges.directed)
    back = device.build_csr(pairs.flip(0), edges.num_nodes, both=False) if edges.directed else arcs
    for got, expected in ((arcs, csr.build_csr(edges)), (back, csr.build_csr(edges, reverse=True))):
        for array, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(array.numpy(), other)
            assert array.numpy().dtype == other.dtype


def test_more_pairs_than_fit_are_refused() -> None:
    with pytest.raises(OverflowError, match="at most 2\\*\\*31 - 1 vertices and pairs fit, got 2147483648 and 1"):
        device.build_csr(torch.tensor([[0], [1]]), 1 << 31, both=True)


def test_pairs_are_not_copied_where_they_are_there() -> None:
    edges = DeviceEdgeList(3, torch.tensor([[0, 1], [1, 2]]))
    assert device.pairs_on(edges, CPU).data_ptr() == edges.tensor.data_ptr()
    assert "pairs" not in vars(edges)
    assert device.pairs_on(EdgeList(3, edges.pairs), CPU).tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize("seed", range(5))
def test_edges_are_sorted_by_key_and_priority(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = rng.integers(-2, 3, size=(60, 4)) * np.array([1 << 62, 1, 1, 1])
    priority = rng.permutation(60)
    chosen = rng.permutation(60)[:40].astype(np.int32)
    order = device.sort_edges(torch.from_numpy(keys), torch.from_numpy(priority), torch.from_numpy(chosen))
    rank = {e: [*(-int(number) for number in keys[e]), int(priority[e])] for e in chosen.tolist()}
    assert order.tolist() == sorted(chosen.tolist(), key=rank.__getitem__)
    assert order.dtype == torch.int32


def test_blocks_are_enough_and_not_too_many() -> None:
    assert [device.enough_blocks(size) for size in (0, 1, 128, 129, 1 << 40)] == [1, 1, 1, 2, 1 << 16]


def test_memory_errors_say_how_much_is_needed(monkeypatch) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda place: 3 << 29)
    machine.check_memory(3 << 29, CPU)
    with pytest.raises(MemoryError, match=r"needs 2\.0 GiB of GPU memory, 1\.5 GiB are free; use device='cpu'"):
        machine.check_memory(2 << 30, CPU)


def test_memory_errors_of_torch_are_ours() -> None:
    with (
        pytest.raises(MemoryError, match="device='cuda': Tried to allocate 2.00 GiB.; use"),
        device.at(CPU),
    ):
        raise torch.OutOfMemoryError("Tried to allocate 2.00 GiB.")


def test_free_memory_is_that_of_the_host_for_its_tensors() -> None:
    assert machine.free_bytes(CPU) > 1 << 20
