from __future__ import annotations

from benchmarks.epoch import parts
from tests.baselines.gnn.graphs import two_groups


def test_every_part_of_an_epoch_runs():
    found = parts(two_groups())
    assert list(found)[:2] == ["epochs", "products with the graph"]
    for part in found.values():
        part()
