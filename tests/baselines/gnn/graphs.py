"""Labelled graphs for the tests of models and their training."""

from __future__ import annotations

import torch
from torch_geometric.data import Data


def two_groups(num_nodes=60, seed=0):
    """Vertices of two classes, joined mostly within their class, with weak and sparse features."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) % 2
    same = y.unsqueeze(0) == y.unsqueeze(1)
    joined = torch.rand(num_nodes, num_nodes, generator=generator) < torch.where(same, 0.2, 0.01)
    edge_index = torch.triu(joined, diagonal=1).nonzero().t()
    x = (torch.rand(num_nodes, 100, generator=generator) < 0.03).float()
    x[:, 0] = (y == 0) & (torch.rand(num_nodes, generator=generator) < 0.5)
    part = torch.randperm(num_nodes, generator=generator) % 5
    return Data(
        x=x,
        edge_index=torch.cat([edge_index, edge_index.flip(0)], dim=1),
        y=y,
        train_mask=part < 3,
        val_mask=part == 3,
        test_mask=part == 4,
    )


def random_labels():
    """Nothing to learn: validation accuracy goes up and down."""
    data = two_groups()
    data.y = torch.randint(0, 2, (60,), generator=torch.Generator().manual_seed(2))
    return data
