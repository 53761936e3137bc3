from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from wis.baselines.gnn import memory
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.memory import Size, fewest_batches, needed_bytes, training_bytes
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.gnn.training import train

from tests.baselines.gnn.graphs import two_groups

SIZE = Size(vertices=100_000, edges=1_000_000, features=50, classes=5)


def test_size_of_a_graph():
    data = two_groups()
    size = Size.of(data)
    assert (size.vertices, size.edges, size.features, size.classes) == (60, data.num_edges, 100, 2)
    assert size.density == pytest.approx(0.03, abs=0.01)
    assert not size.weighted
    assert size.held_bytes == 4 * 60 * 100 + 40 * data.num_edges


def test_tensors_alive_at_once_are_counted_and_views_and_data_are_not():
    data = torch.ones(100)

    def work(data):
        a = data.view(10, 10) + 1  # 400 bytes
        b = a.t() * 2  # 400 more
        del a, b
        return torch.zeros(150)  # 600 alone

    assert memory._peak(work, data, "cpu") == 800


def test_what_a_work_takes_follows_from_two_small_graphs():
    """8 bytes an edge, 12 a vertex and 5,000 whatever the graph."""

    def work(data):
        one = torch.empty(data.num_edges, dtype=torch.int64)
        two, three = torch.empty(data.num_nodes, 3), torch.empty(1250)
        return one, two, three

    tensors = 8 * SIZE.edges + 12 * SIZE.vertices + 5000
    assert needed_bytes(work, SIZE) == pytest.approx(2 * tensors + SIZE.held_bytes, rel=1e-6)


def test_the_smallest_number_that_fits(monkeypatch):
    asked = []

    def need(model, size, batches, device):
        asked.append(batches)
        return 100 + 1000 / batches

    monkeypatch.setattr(memory, "training_bytes", need)
    for room, count in ((1100, 1), (1099, 2), (600, 2), (300, 5), (110, 100), (104, 250)):
        assert fewest_batches("gcn", SIZE, room) == count
    assert fewest_batches("gcn", SIZE, 103) is None
    assert max(asked) == 256
    small = Size(vertices=20, edges=60, features=5, classes=2)
    assert fewest_batches("gcn", small, 200) == 10
    assert fewest_batches("gcn", small, 199) is None


def test_batches_take_less_than_the_whole():
    whole, four = (training_bytes("gin", SIZE, batches) for batches in (1, 4))
    assert SIZE.held_bytes < four < 0.6 * whole
    # Backward needs seven numbers of every vertex, layer and column, 64 columns in each of three layers.
    assert (whole - SIZE.held_bytes) / 2 / SIZE.vertices > 4 * 64 * 3 * 7


@pytest.mark.gpu
def test_memory_of_a_gpu_is_that_which_torch_counts():
    data = memory._random_graph(Size(20_000, 200_000, 50, 5), 10)
    torch.cuda.reset_peak_memory_stats()
    ready = TrainingData.from_pyg(data, "cuda")
    train(build("gcn", 50, 5).cuda(), ready, Protocol(epochs=2))
    measured = torch.cuda.max_memory_allocated()
    assert measured / 2 < training_bytes("gcn", Size.of(data), 1, "cuda") < 2 * measured


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 4])
@pytest.mark.parametrize("model", ["gcn", "gin", "gat", "sage", "resgcn"])
def test_the_rule_is_within_a_factor_of_two_of_the_resident_memory(model, batches):
    """In a process of its own: what it has at most while it trains, above what it had with its libraries alone."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.baselines.gnn.resident", model, str(batches)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    rule, measured = map(int, done.stdout.split())
    assert measured / 2 < rule < 2 * measured
