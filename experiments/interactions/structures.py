"""Both arrangements of one task within one sparsified graph: whether the larger walk index still wins."""

from __future__ import annotations

from typing import Any

from wis.experiments.interactions.same_class import Protocol
from wis.experiments.interactions.task import DEPTH, Arrangement, high, low, two_cliques

import wis

PROTOCOL = Protocol(steps=600, seeds=3)
MODELS = ("gcn",)
REMOVED = (0.5, 0.75)
METHODS: dict[str, dict[str, Any]] = {
    "WIS, graph": {"method": "wis", "objective": "graph", "depth": DEPTH},
    "random": {"method": "random", "seed": 0},
}


def arrangements() -> list[Arrangement]:
    """Both arrangements of "is same class" on what each method leaves of the two cliques."""
    left = {
        f"{name}, {removed:.0%} removed": wis.sparsify(two_cliques(), 1 - removed, **options)
        for removed in REMOVED
        for name, options in METHODS.items()
    }
    return [
        Arrangement(f"{name}: {arrangement.name}", graph, arrangement.runs)
        for name, graph in left.items()
        for arrangement in (low(graph), high(graph))
    ]
