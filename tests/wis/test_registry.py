"""The registry of methods."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from typer.testing import CliRunner

import wis
from wis.commands.app import app
from wis.registry import Pairs, _split_options, _value_of, find_method, format_method, parse_method, split_method


def rank_by_position(edges: wis.EdgeList, *, step: int = 1) -> np.ndarray:
    """Rank pairs by position.

    More text.
    """
    return np.arange(edges.num_pairs)[::step]


@wis.method(source="a test", seeded=False)
def keep_first(edges: wis.EdgeList, num_keep: int, *, factor: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Keep the first pairs, reweighted."""
    return np.arange(edges.num_pairs) < num_keep, np.full(edges.num_pairs, factor)


def by_sum(pairs: Pairs, *, shift: float = 0.0) -> Iterator[np.ndarray]:
    """The sum of the ends: many are equal."""
    for u, v in pairs.pair_blocks():
        yield u % 3 + v % 2 + shift


def too_few(pairs: Pairs) -> Iterator[np.ndarray]:
    yield np.zeros(1)


def of_integers(pairs: Pairs) -> Iterator[np.ndarray]:
    yield np.zeros(pairs.num_pairs, dtype=np.int64)


@wis.method(source="a test", scores=wis.Scores(by_sum))
def rank_by_sum(edges: wis.EdgeList, *, shift: float = 0.0) -> np.ndarray:
    """Rank pairs by sum."""
    return np.argsort(np.concatenate(list(by_sum(edges, shift=shift))), kind="stable")


@wis.method(source="a test", scores=wis.Scores(too_few))
def rank_by_too_few(edges: wis.EdgeList) -> np.ndarray:
    """Rank pairs, but score one only."""
    return np.arange(edges.num_pairs)


@wis.method(source="a test", scores=wis.Scores(of_integers))
def rank_by_integers(edges: wis.EdgeList) -> np.ndarray:
    """Rank pairs by scores of another type."""
    return np.arange(edges.num_pairs)


@wis.method(source="a test", learns=True)
def rank_and_scale(edges: wis.EdgeList, *, data: Any, share: float = 1.0) -> np.ndarray:
    """Rank pairs by position, and scale the features in place."""
    data.y = data.y.new_zeros(data.num_nodes)
    data.x *= share
    return np.arange(edges.num_pairs)


@wis.method(source="a test", learns=True)
def rank_by_labels(edges: wis.EdgeList, *, data: Any) -> np.ndarray:
    """Rank pairs by position, and exchange the labels."""
    data.y = data.y.new_zeros(data.num_nodes)
    return np.arange(edges.num_pairs)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods as another package would register them."""
    from wis.registry import ENTRY_POINT_GROUP, _entry_points, _load

    here = __name__
    functions = {
        "by-position": rank_by_position,
        "keep-first": keep_first,
        "by-sum": rank_by_sum,
        "by-too-few": rank_by_too_few,
        "by-integers": rank_by_integers,
        "and-scale": rank_and_scale,
        "by-labels": rank_by_labels,
    }
    extra = {
        name: importlib.metadata.EntryPoint(name, f"{here}:{function.__name__}", ENTRY_POINT_GROUP)
        for name, function in functions.items()
    }
    points = {**_entry_points(), **extra}
    monkeypatch.setattr("wis.registry._entry_points", lambda: points)
    _load.cache_clear()


def needs_bias(edges: wis.EdgeList, *, bias: float) -> np.ndarray:
    return np.arange(edges.num_pairs)


def not_keyword_only(edges: wis.EdgeList, bias: float = 1.0) -> np.ndarray:
    return np.arange(edges.num_pairs)


def mask_alone(edges: wis.EdgeList, num_keep: int) -> np.ndarray:
    return np.arange(edges.num_pairs) < num_keep


def positions(edges: wis.EdgeList, num_keep: int) -> tuple[np.ndarray, None]:
    return np.arange(num_keep), None


HERE = "tests.wis.test_registry"
PATH = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])


def test_a_function_is_a_method() -> None:
    for method in (rank_by_position, f"{HERE}:rank_by_position"):
        order = wis.removal_order(PATH, method)
        assert order.edges.tolist() == [[0, 1, 2], [1, 2, 3]]
        assert (order.method, order.options) == (f"{HERE}:rank_by_position", {})
        assert wis.sparsify(PATH, num_edges=1, method=method).tolist() == [[2, 3], [3, 2]]
        with pytest.raises(ValueError, match=r"has no option 'width'; its options are: step=1, keep_connected=False"):
            wis.sparsify(PATH, method=method, width=2)
    found = find_method(rank_by_position)
    assert (found.kind, found.options, found.uses_seed({})) == ("rank", {"step": 1}, False)
    assert find_method(keep_first).kind == "select"


def test_a_file_of_a_method_of_this_package_is_part_of_no_run() -> None:
    assert find_method("wis").file_fingerprint == find_method("random").file_fingerprint == ""
    assert len(find_method(rank_by_position).file_fingerprint) == 64


def test_a_method_by_its_place_as_text() -> None:
    place = f"{HERE}:rank_by_position"
    assert parse_method(place) == (place, {})
    assert parse_method(f"{place}:step=2") == (place, {"step": 2})
    assert format_method(place, {"step": 2}) == f"{place}:step=2"
    assert split_method("wis:depth=2") == ("wis", "depth=2")
    assert split_method("missing:depth=2") == ("missing", "depth=2")
    assert split_method("missing:rank:depth=2,a=b:c") == ("missing:rank", "depth=2,a=b:c")
    with pytest.raises(ValueError, match=f"local:score={place}:width=2.*no option 'width'"):
        parse_method(f"local:score={place}:width=2")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("no_such_module:rank", "method 'no_such_module:rank' cannot be imported: ModuleNotFoundError"),
        (f"{HERE}:PATH", f"method '{HERE}:PATH' must be a function, got ndarray"),
        (needs_bias, r"options after \* must have defaults; got \(edges.*, bias.*\).*: missing a required .*'bias'"),
        (lambda: None, r"must be a function \(edges, \*, ...\) that returns an order.*; got \(\): too many"),
    ],
)
def test_what_is_no_method_is_named(method: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wis.sparsify(PATH, method=method)


def test_what_a_method_returns_wrongly_is_named() -> None:
    with pytest.raises(ValueError, match=r"mask_alone' must return \(mask, weights or None\), got ndarray"):
        wis.sparsify(PATH, method=mask_alone)
    with pytest.raises(ValueError, match=r"positions' must return a bool mask of shape \[3\], got int64 \[2\]"):
        wis.sparsify(PATH, method=positions)
    with pytest.raises(ValueError, match=r"has no option 'bias'; .*; options are the keyword-only arguments"):
        wis.sparsify(PATH, method=not_keyword_only, bias=2)


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


@pytest.mark.usefixtures("third_party")
def test_a_method_gets_a_graph_that_it_cannot_change() -> None:
    data = Data(x=torch.ones(3, 2), y=torch.arange(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    for call in (wis.removal_order, functools.partial(wis.sparsify, keep=0.5)):
        with pytest.raises(ValueError, match=r"method 'and-scale' changes data.x in place; .* data.x.clone\(\)"):
            call(data, method="and-scale")
        call(data, method="by-labels")
        assert torch.equal(data.y, torch.arange(3))


def test_seeds_that_matter() -> None:
    assert find_method("random").uses_seed({})
    assert not find_method("wis").uses_seed({"depth": 2})
    assert find_method("wis").uses_seed({"ties": "random"})


def test_a_method_that_takes_a_seed_uses_it_unless_it_says_otherwise() -> None:
    def draws(edges: wis.EdgeList, *, seed: int | None = None) -> np.ndarray:
        return np.random.default_rng(seed).permutation(edges.num_pairs)

    def never_draws(edges: wis.EdgeList) -> np.ndarray:
        return np.arange(edges.num_pairs)

    assert find_method(wis.method(source="here")(draws)).uses_seed({})
    assert not find_method(wis.method(source="here")(never_draws)).uses_seed({})
    assert not find_method(wis.method(source="here", seeded=False)(draws)).uses_seed({})


def test_a_method_scored_by_another_draws_learns_and_reads_weights_as_that_one() -> None:
    local = find_method("local")
    assert [method.name for method, _ in local.chain({"score": "local:score=random"})] == ["local", "local", "random"]
    for score in ("random", "jaccard", "threshold", "ugs", "wis:ties=random"):
        name, options = wis.registry.parse_method(score)
        record = find_method(name)
        for nested in (score, f"local:score='{score}'"):
            assert local.uses_seed({"score": nested}) == record.uses_seed(options)
            assert local.uses_weights({"score": nested}) == record.uses_weights(options)
            assert local.learner({"score": nested}) == (name if record.learns else None)


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


@pytest.mark.usefixtures("third_party")
def test_third_party_scores_rank_on_disk_as_in_memory(tmp_path: Path) -> None:
    graph, orders = tmp_path / "graph.npy", (tmp_path / "whole.npz", tmp_path / "streamed.npz")
    np.save(graph, np.random.default_rng(0).integers(0, 30, (2, 200)))
    for path, more in zip(orders, ([], ["--max-memory", "500M"]), strict=True):
        called = [str(graph), "-o", str(path), "-m", "by-sum:shift=0.5", *more]
        assert CliRunner().invoke(app, ["order", *called]).exit_code == 0
    assert orders[0].read_bytes() == orders[1].read_bytes()


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("by-too-few", "method 'by-too-few' must score each of the 2 pairs once, got 1"),
        ("by-integers", r"the scores of method 'by-integers' must be float64 arrays of one dimension, got int64 \[2\]"),
    ],
)
def test_third_party_scores_that_are_not_one_number_a_pair(name: str, message: str) -> None:
    edges = wis.EdgeList(3, np.array([[0, 1], [1, 2]]))
    with pytest.raises(ValueError, match=message):
        list(find_method(name).score(edges))


def test_unknown_methods_and_options_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"unknown method 'wiss'; did you mean 'wis'\?; .*random.*wis, and package.module:function"
    ):
        find_method("wiss")
    with pytest.raises(ValueError, match="'wis' has no option 'deep'; its options are: depth=3"):
        wis.sparsify(np.zeros((2, 0), dtype=int), deep=3)
    with pytest.raises(TypeError, match="method must be a name or a function, got int"):
        wis.removal_order(np.zeros((2, 0), dtype=int), 3)  # type: ignore[arg-type]


def test_methods_as_text() -> None:
    assert parse_method("wis:depth=2,ties=random") == ("wis", {"depth": 2, "ties": "random"})
    assert parse_method("random") == ("random", {})
    for options in ({"depth": 2, "targets": [0, 4]}, {"partitions": [([0, 1], 3), [2, 3]], "ties": "random"}):
        assert parse_method(format_method("wis", options)) == ("wis", options)
    assert format_method("wis", {"ties": "random", "depth": 2}) == "wis:depth=2,ties=random"
    with pytest.raises(ValueError, match="expected option=value after the colon, got 'depth'"):
        parse_method("wis:depth")
    with pytest.raises(ValueError, match="no option 'width'"):
        parse_method("wis:width=2")


LITERALS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.sampled_from(["targets", "ties", "objective"]), st.text() | LITERALS | st.lists(LITERALS)))
def test_every_value_has_a_text(options: dict[str, Any]) -> None:
    text = format_method("wis", options).partition(":")[2]
    read = dict(part.split("=", 1) for part in _split_options(text) if part)
    assert {name: _value_of(value.strip()) for name, value in read.items()} == options


def test_a_method_as_an_option_of_another() -> None:
    options = {"score": "wis:depth=2,ties=random"}
    text = format_method("local", options)
    assert text == "local:score='wis:depth=2,ties=random'"
    assert parse_method(text) == ("local", options)
    assert parse_method("local:score=wis:depth=2") == ("local", {"score": "wis:depth=2"})
    assert parse_method("ugs:checkpoint=it's.npz,epochs=3") == ("ugs", {"checkpoint": "it's.npz", "epochs": 3})


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
