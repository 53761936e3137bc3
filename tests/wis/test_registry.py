"""The registry of methods."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

import wis
from wis.registry import find_method, format_method, parse_method


def rank_by_position(edges: wis.EdgeList, *, step: int = 1) -> np.ndarray:
    """Rank pairs by position.

    More text.
    """
    return np.arange(edges.num_pairs)[::step]


@wis.method(source="a test", seeded=False)
def keep_first(edges: wis.EdgeList, num_keep: int, *, factor: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Keep the first pairs, reweighted."""
    return np.arange(edges.num_pairs) < num_keep, np.full(edges.num_pairs, factor)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two methods as another package would register them."""
    from wis.registry import ENTRY_POINT_GROUP, _entry_points, _load

    here = __name__
    extra = {
        "by-position": importlib.metadata.EntryPoint("by-position", f"{here}:rank_by_position", ENTRY_POINT_GROUP),
        "keep-first": importlib.metadata.EntryPoint("keep-first", f"{here}:keep_first", ENTRY_POINT_GROUP),
    }
    points = {**_entry_points(), **extra}
    monkeypatch.setattr("wis.registry._entry_points", lambda: points)
    _load.cache_clear()


def test_own_methods_are_registered() -> None:
    records = {record.name: record for record in wis.methods()}
    assert {"wis", "random", "spectral"} <= records.keys()
    assert list(records) == sorted(records)
    assert records["wis"].options == {
        "depth": 3,
        "targets": None,
        "partitions": None,
        "objective": "vertex",
        "ties": "first",
        "chunk": 1,
        "memory": None,
    }
    for record in records.values():
        assert record.summary
        assert record.source


def test_seeds_that_matter() -> None:
    assert find_method("random").uses_seed({})
    assert not find_method("wis").uses_seed({"depth": 2})
    assert find_method("wis").uses_seed({"ties": "random"})


@pytest.mark.usefixtures("third_party")
def test_a_third_party_rank() -> None:
    record = find_method("by-position")
    assert (record.kind, record.summary, record.options) == ("rank", "Rank pairs by position", {"step": 1})
    order = wis.removal_order(np.array([[0, 1, 1, 2], [1, 0, 2, 1]]), "by-position")
    assert order.edges.tolist() == [[0, 1], [1, 2]]


@pytest.mark.usefixtures("third_party")
def test_a_third_party_rank_that_is_no_permutation() -> None:
    with pytest.raises(ValueError, match=r"'by-position' must return an integer permutation of shape \[3\]"):
        wis.removal_order(np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]), "by-position", step=2)


@pytest.mark.usefixtures("third_party")
def test_a_third_party_selection() -> None:
    import torch
    from torch_geometric.data import Data

    graph = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3)
    sparse = wis.sparsify(graph, num_edges=1, method="keep-first", factor=3.0)
    assert sparse.edge_index.tolist() == [[0, 1], [1, 0]]
    assert sparse.edge_weight.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="'keep-first' has no removal order; use wis.sparsify"):
        wis.removal_order(graph, "keep-first")


def test_unknown_methods_and_options_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"unknown method 'wiss'; did you mean 'wis'\?; the methods are: .*random.*wis"
    ):
        find_method("wiss")
    with pytest.raises(ValueError, match="'wis' has no option 'deep'; its options are: depth=3"):
        wis.sparsify(np.zeros((2, 0), dtype=int), deep=3)
    with pytest.raises(TypeError, match="method must be a string, got int"):
        wis.removal_order(np.zeros((2, 0), dtype=int), 3)  # type: ignore[arg-type]


def test_methods_as_text() -> None:
    assert parse_method("wis:depth=2,ties=random") == ("wis", {"depth": 2, "ties": "random"})
    assert parse_method("random") == ("random", {})
    assert format_method("wis", {"ties": "random", "depth": 2}) == "wis:depth=2,ties=random"
    with pytest.raises(ValueError, match="expected option=value after the colon, got 'depth'"):
        parse_method("wis:depth")
    with pytest.raises(ValueError, match="no option 'width'"):
        parse_method("wis:width=2")


def test_a_broken_package_takes_no_other_method_along(monkeypatch: pytest.MonkeyPatch) -> None:
    from wis.registry import ENTRY_POINT_GROUP, _entry_points

    broken = importlib.metadata.EntryPoint("broken", "no_such_module:rank", ENTRY_POINT_GROUP)
    points = {"random": _entry_points()["random"], "broken": broken}
    monkeypatch.setattr("wis.registry._entry_points", lambda: points)
    message = r"method 'broken' \(no_such_module:rank\) cannot be loaded: No module named 'no_such_module'"
    with pytest.warns(RuntimeWarning, match=message):
        assert [record.name for record in wis.methods()] == ["random"]
    with pytest.raises(ImportError, match=message):
        find_method("broken")
