"""A small generated data set, so that a run takes milliseconds."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from wis.experiments.sweep import work


def small_graph(num_nodes: int = 40, num_columns: int = 160) -> Data:
    """A random graph with random features; labels follow the first feature."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.randint(num_nodes, (2, num_columns), generator=generator)
    columns = columns[:, columns[0] != columns[1]]
    columns = torch.cat([columns, columns.flip(0)], dim=1).unique(dim=1)
    x = torch.randn(num_nodes, 5, generator=generator)
    masks = torch.zeros(3, num_nodes, dtype=torch.bool)
    for i in range(3):
        masks[i, i::3] = True
    y = (x[:, 0] > 0).long()
    return Data(x=x, edge_index=columns, y=y, train_mask=masks[0], val_mask=masks[1], test_mask=masks[2])


@pytest.fixture
def small_dataset(monkeypatch: pytest.MonkeyPatch) -> Data:
    """Every name loads the small graph, in this process."""
    data = small_graph()
    monkeypatch.setattr(work, "read", lambda name, data_root: data)
    for cache in (work.dataset, work._load_order):
        cache.cache_clear()
    work._measured.clear()
    yield data
    work.dataset.cache_clear()
    work._measured.clear()
