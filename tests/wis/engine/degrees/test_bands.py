from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.strategies import edge_list, edge_lists, every_family, task
from wis.engine.degrees import bands, cpu
from wis.graphs.edge_list import EdgeList
from wis.graphs.pair_files import PairFile, collect_pairs

# Bytes for a band: none at all, so that every key is a class of its own; one edge; a few; everything.
ROOMS = (0, 300, 2_000, 1 << 30)
HERE = Path()


def on_disk(edges: EdgeList) -> PairFile:
    return collect_pairs([(edges.pairs[1], edges.pairs[0])], edges.num_nodes, HERE, 200)


def order_in_bands(edges: EdgeList, room: int, limit: int | None = None) -> np.ndarray:
    """The order, after a check that what is told of each removal agrees."""
    pairs = on_disk(edges)
    limit = edges.num_pairs if limit is None else limit
    told: list[tuple[np.ndarray, np.ndarray]] = []
    removed = bands.remove_in_bands(pairs, limit, room, HERE, taken=lambda *given: told.append(given))
    keys = np.concatenate([keys for keys, _ in told]) if told else np.empty(0, dtype=np.int64)
    numbers = np.concatenate([numbers for _, numbers in told]) if told else np.empty(0, dtype=np.int64)
    np.testing.assert_array_equal(edges.pairs[:, numbers], [keys >> 32, keys & 0xFFFFFFFF])
    bits = np.unpackbits(removed, bitorder="little")[: edges.num_pairs]
    np.testing.assert_array_equal(np.flatnonzero(bits), np.sort(numbers))
    assert not pairs.keys.closed
    pairs.close()
    return numbers


@settings(deadline=None)
@given(edges=edge_lists())
def test_is_the_greedy_order(edges: EdgeList) -> None:
    expected = naive.removal_order(edges.num_nodes, edges.pairs, 2)
    for room in ROOMS:
        np.testing.assert_array_equal(order_in_bands(edges, room), expected)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 60), density=st.floats(0.3, 12), room=st.integers(0, 20_000))
def test_is_the_order_in_memory(seed: int, n: int, density: float, room: int) -> None:
    rng = np.random.default_rng(seed)
    # Squares make some vertices of high degree.
    edges = edge_list(n, (n * rng.random((2, int(n * density))) ** rng.integers(1, 4)).astype(np.int64))
    expected = cpu.removal_order(task(edges, 2))
    np.testing.assert_array_equal(order_in_bands(edges, room), expected)
    limit = int(rng.integers(0, edges.num_pairs + 1))
    np.testing.assert_array_equal(order_in_bands(edges, room, limit), expected[:limit])


def test_families() -> None:
    for edges in every_family((12, 40)):
        expected = cpu.removal_order(task(edges, 2))
        for room in ROOMS if edges.num_nodes == 12 else ROOMS[2:]:
            np.testing.assert_array_equal(order_in_bands(edges, room), expected)


def test_every_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large ring is one class and goes as it is read; the spokes to one of its vertices go before, as bands."""
    ways: list[str] = []
    for name in ("_remove_class", "_remove_band", "_without"):
        function = getattr(bands, name)
        monkeypatch.setattr(bands, name, lambda *given, f=function, n=name: ways.append(n) or f(*given))
    ring = np.arange(300)
    columns = np.concatenate([[ring, (ring + 1) % 300], [np.zeros(100, int), np.arange(100, 200)]], axis=1)
    edges = edge_list(300, columns)
    np.testing.assert_array_equal(order_in_bands(edges, 20_000), cpu.removal_order(task(edges, 2)))
    assert set(ways) == {"_remove_class", "_remove_band", "_without"}


def test_a_band_has_no_more_edges_than_can_be_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "_MOST_EDGES", 5)
    sizes: list[int] = []
    prepare = bands._prepare
    monkeypatch.setattr(bands, "_prepare", lambda band, *given: sizes.append(len(band.keys)) or prepare(band, *given))
    for edges in every_family((25,)):
        np.testing.assert_array_equal(order_in_bands(edges, 1 << 30), cpu.removal_order(task(edges, 2)))
    assert max(sizes) <= 5
