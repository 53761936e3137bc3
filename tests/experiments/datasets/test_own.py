"""Graphs of users' own."""

from __future__ import annotations

import importlib.metadata

import pytest
import torch
from wis.experiments.datasets import own
from wis.experiments.datasets.catalogue import find
from wis.experiments.datasets.load import load, read

import wis
from tests.experiments.conftest import small_graph


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "mine.pt")


def test_a_file_is_read_as_it_is(path):
    data = small_graph()
    data.time = torch.arange(data.num_edges)
    wis.write_graph(data, path)
    found = read(path)
    assert found.keys() == data.keys()
    assert torch.equal(found.edge_index, data.edge_index)
    assert find(path).own
    assert torch.equal(load(path, split=5).train_mask, data.train_mask)
    assert int(load(path, parts=(0.5, 0.25, 0.25)).train_mask.sum()) == 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": None}, r"mine.pt: data has no x: training needs features x \[n, f\]"),
        ({"y": None}, "mine.pt: data has no y: training needs .*; wis sweep draws the masks by --split"),
        ({"y": torch.rand(40)}, r"mine.pt: data.y must be integer .* \(regression\) are not served"),
        ({"y": torch.ones(40, 3)}, r"several labels a vertex \(multi-label\) are not served"),
        (
            {"edge_index": torch.tensor([[0, 1], [1, 2]])},
            r"some edges have one direction.*ToUndirected\(\)\(data\)",
        ),
    ],
)
def test_a_graph_that_lacks_something_is_told_what(path, changes, message):
    data = small_graph()
    for key, value in changes.items():
        data[key] = value
    wis.write_graph(data, path)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_a_table_of_edges_has_no_features(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("source,target\n0,1\n1,2\n")
    with pytest.raises(ValueError, match="edges.csv: a sweep needs features and labels, and TextTable has none"):
        read(str(path))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="there is no graph file 'folder/mine.pt', and the datasets are: digits, "):
        find("folder/mine.pt")


def test_a_changed_file_is_another_graph(path):
    wis.write_graph(small_graph(), path)
    before = own.fingerprint(path)
    wis.write_graph(small_graph(num_columns=100), path)
    assert own.fingerprint(path) != before


def test_a_graph_of_another_package_goes_by_the_name_of_its_entry_point(monkeypatch):
    point = importlib.metadata.EntryPoint("small", "tests.experiments.conftest:small_graph", own.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    own.entry_points.cache_clear()
    try:
        assert find("small").own
        assert torch.equal(read("small").y, small_graph().y)
        assert own.fingerprint("small") == "tests.experiments.conftest:small_graph"
    finally:
        own.entry_points.cache_clear()
