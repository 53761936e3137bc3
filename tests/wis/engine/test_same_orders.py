"""Orders that must not change: hashes of whole removal orders, taken before the engine's files were last moved.

``python -m tests.wis.engine.test_same_orders`` prints all of them anew. A change here is a change of results.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.graphs import power_law, real
from tests.conftest import SHARED
from tests.strategies import family
from wis.engine.rank import rank
from wis.graphs.edge_list import EdgeList

HASHES = Path(__file__).with_name("orders.json")

# Depths of each real graph that take seconds, not minutes.
REAL = {"Cora": (2, 3, 4, 5), "DBLP": (2, 3, 4), "Computers": (2, 3), "chameleon": (2, 3), "squirrel": (2, 3)}

GENERATED = {
    "sparse": lambda: family("sparse", 60),
    "dense": lambda: family("dense", 40),
    "two cliques": lambda: family("two cliques", 30),
    "hub": lambda: family("hub", 80),
    "directed": lambda: family("medium", 40, directed=True),
    "power law": lambda: power_law(800, mean_degree=12),
}


def variants(edges: EdgeList) -> Iterator[tuple[str, dict[str, Any]]]:
    """Options of every family of the engine, by name."""
    even = np.arange(0, edges.num_nodes, 2)
    for depth in (2, 3, 4):
        yield f"{depth}", {"depth": depth}
        yield f"{depth} random ties", {"depth": depth, "ties": "random", "seed": 3}
        yield f"{depth} targets", {"depth": depth, "targets": even}
        yield f"{depth} chunk", {"depth": depth, "chunk": 7}
        yield f"{depth} graph", {"depth": depth, "objective": "graph"}
        yield f"{depth} graph targets", {"depth": depth, "objective": "graph", "targets": even}


def hash_of(order: np.ndarray) -> str:
    """The first 16 digits of the SHA-256 of an order."""
    return hashlib.sha256(order.astype(np.int64).tobytes()).hexdigest()[:16]


def data_root() -> Path | None:
    """Where the real graphs are, if they are on this machine."""
    root = Path(os.environ.get("WIS_DATA_ROOT", SHARED / "data" / "pyg"))
    return root if root.is_dir() else None


@pytest.mark.parametrize("name", GENERATED)
def test_generated_graphs(name: str) -> None:
    known = json.loads(HASHES.read_text())[name]
    edges = GENERATED[name]()
    assert {variant: hash_of(rank(edges, **options)) for variant, options in variants(edges)} == known


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        pytest.param(name, depth, marks=[pytest.mark.slow] * ((name, depth) == ("squirrel", 3)))
        for name, depths in REAL.items()
        for depth in depths
    ],
)
def test_real_graphs(name: str, depth: int) -> None:
    edges = real(name, data_root())
    if edges is None:
        pytest.skip(f"{name} is not on this machine")
    assert hash_of(rank(edges, depth=depth)) == json.loads(HASHES.read_text())[name][str(depth)]


def _compute() -> dict[str, dict[str, str]]:
    hashes: dict[str, dict[str, str]] = {}
    for name, build in GENERATED.items():
        edges = build()
        hashes[name] = {variant: hash_of(rank(edges, **options)) for variant, options in variants(edges)}
    for name, depths in REAL.items():
        edges = real(name, data_root())
        if edges is not None:
            hashes[name] = {str(depth): hash_of(rank(edges, depth=depth)) for depth in depths}
    return hashes


if __name__ == "__main__":
    print(json.dumps(_compute(), indent=1))
