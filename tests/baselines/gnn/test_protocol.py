from __future__ import annotations

import pytest
from wis.baselines.gnn.protocol import Protocol, find_protocol


def test_protocols_are_checked():
    assert find_protocol("paper") == Protocol(lr=5e-4, weight_decay=1e-3, epochs=10_000, patience=1000)
    with pytest.raises(ValueError, match="unknown protocol 'quick'; the protocols are: reduced, paper"):
        find_protocol("quick")
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        Protocol(epochs=0)
    with pytest.raises(TypeError, match=r"epochs must be an integer, got 2\.5"):
        Protocol(epochs=2.5)
    with pytest.raises(ValueError, match="patience must not be negative, got -1"):
        Protocol(patience=-1)
