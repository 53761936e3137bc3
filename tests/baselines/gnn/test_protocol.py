from __future__ import annotations

import pytest
from wis.baselines.gnn.protocol import PROTOCOLS, Protocol, find_protocol, published_protocol


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


@pytest.mark.parametrize(
    ("dataset", "model", "rates"),
    [
        ("Cora", "gcn", (5e-4, 1e-3)),
        ("Cora", "gin", (1e-3, 1e-3)),
        ("DBLP", "resgcn", (5e-4, 1e-4)),
        ("DBLP", "sage", (1e-3, 1e-4)),
        ("squirrel", "gcn", (5e-4, 0.0)),
        ("digits", "gin", (5e-4, 1e-3)),
    ],
)
def test_the_paper_s_rates_are_those_of_its_plans(dataset, model, rates):
    protocol = published_protocol("paper", dataset, model)
    assert (protocol.lr, protocol.weight_decay) == rates
    assert (protocol.epochs, protocol.patience) == (10_000, 1000)
    assert published_protocol("reduced", dataset, model) == PROTOCOLS["reduced"]
