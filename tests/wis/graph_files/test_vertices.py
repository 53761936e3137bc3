from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from wis.graph_files.vertices import Vertices


def test_names_are_numbered_in_their_order() -> None:
    vertices = Vertices(named=True, bipartite=False)
    tail, head = pa.array([b"b", b"a", b" b"]), pa.array([b"c", b"b ", b"a"])
    vertices.learn([(tail, head)])
    assert vertices.labels == ["a", "b", "c"]
    assert vertices.num_nodes == 3
    numbers = vertices.number(tail, head)
    assert [column.tolist() for column in numbers] == [[1, 0, 1], [2, 1, 0]]
    with pytest.raises(KeyError):
        vertices.number(pa.array([b"d"]), pa.array([b"a"]))


def test_names_that_are_numbers_are_in_the_order_of_numbers() -> None:
    vertices = Vertices(named=True, bipartite=False)
    vertices.learn([(pa.array([b"10", b"9"]), pa.array([b"9", b"100"]))])
    assert vertices.labels == ["9", "10", "100"]
    vertices.refuse_negative("in.csv")
    vertices = Vertices(named=True, bipartite=False)
    vertices.learn([(np.array([2**63, 1], dtype=np.uint64), np.array([1, 5], dtype=np.uint64))])
    assert vertices.labels == ["1", "5", str(2**63)]


def test_two_sides() -> None:
    numbers = Vertices(named=False, bipartite=True)
    tail, head = np.array([0, 2], dtype=np.uint8), np.array([0, 255], dtype=np.uint8)
    numbers.learn([(tail, head)])
    assert [column.tolist() for column in numbers.number(tail, head)] == [[0, 2], [3, 258]]
    assert numbers.num_nodes is None
    names = Vertices(named=True, bipartite=True)
    names.learn([(pa.array([b"a", b"b"]), pa.array([b"a", b"a"]))])
    assert [column.tolist() for column in names.number(pa.array([b"b"]), pa.array([b"a"]))] == [[1], [2]]
    assert names.num_nodes == 3
    assert names.labels is None


def test_a_negative_name_is_refused() -> None:
    vertices = Vertices(named=True, bipartite=False)
    vertices.learn([(pa.array([b"-3"]), pa.array([b"1"]))])
    with pytest.raises(ValueError, match=r"in\.csv: vertex -3 is out of range"):
        vertices.refuse_negative("in.csv")
