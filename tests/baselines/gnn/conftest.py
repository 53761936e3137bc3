from __future__ import annotations

import pytest
from torch import nn


@pytest.fixture
def pyg_masks(monkeypatch):
    """Dropout draws the masks that PyG's layers draw, so that both can be compared in training."""
    monkeypatch.setattr("wis.baselines.gnn.models.dropout", nn.functional.dropout)
