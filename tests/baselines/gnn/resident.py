"""``python -m tests.baselines.gnn.resident MODEL BATCHES``: bytes of a training by the rule, and of resident memory."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
from wis.baselines.gnn import memory
from wis.baselines.gnn.fit import _warm_up, fit
from wis.baselines.gnn.memory import Size, training_bytes
from wis.baselines.gnn.protocol import Protocol

from wis.machine import PeakMemory


def main(model: str, batches: int) -> None:
    """Print both."""
    torch.set_num_threads(1)
    _warm_up(model, torch.device("cpu"))
    libraries = PeakMemory().bytes()
    # ResGCN takes ten times as much as the others.
    size = Size(vertices=20_000 if model == "resgcn" else 100_000, edges=1_000_000, features=100, classes=10)
    data = memory._random_graph(size, size.edges / size.vertices)
    # A sweep holds the pairs of the graph and a sparse one beside the graph.
    beside = torch.ones(24 * size.edges, dtype=torch.uint8)
    peak = PeakMemory()
    fit(model, data, seed=0, device="cpu", protocol=replace(Protocol(), epochs=2, batches=batches))
    measured = peak.bytes() - libraries
    del beside
    print(training_bytes(model, size, batches), measured)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
