import gzip
import struct
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from wis.experiments.interactions.dose import arrangements
from wis.experiments.interactions.structures import arrangements as in_structures
from wis.experiments.interactions.task import (
    draw_pairs,
    high,
    load_digits,
    load_fashion,
    low,
    two_cliques,
    vertex_inputs,
)


def test_walk_indices_are_the_published_ones() -> None:
    assert low().walk_index == 548
    assert high().walk_index == 8258
    assert np.array_equal(np.sort(high().runs), np.arange(32))
    assert high().runs[:4].tolist() == [0, 16, 1, 17]
    assert {*high().runs[:16]} == {*range(8), *range(16, 24)}


def test_the_graph_is_two_cliques_and_an_edge() -> None:
    graph = two_cliques()
    assert graph.number_of_edges() == 2 * 120 + 1
    assert {len(clique) for clique in nx.find_cliques(graph)} == {16, 2}
    matrix = low().adjacency()
    assert matrix.shape == (32, 32)
    assert matrix.sum() == 2 * 241 + 32
    assert np.array_equal(matrix, matrix.T)


def test_eight_arrangements_of_one_graph_rise_in_walk_index() -> None:
    found = arrangements()
    assert [a.walk_index for a in found] == [92, 256, 368, 420, 440, 512, 584, 656]
    assert len({a.graph for a in found}) == 1
    for arrangement in found:
        assert np.array_equal(np.sort(arrangement.runs), np.arange(32))


def test_structures_come_in_pairs_on_one_graph() -> None:
    found = in_structures()
    assert len(found) == 8
    for first, second in zip(found[::2], found[1::2], strict=True):
        assert first.graph is second.graph
        assert (first.name.rpartition(": ")[2], second.name.rpartition(": ")[2]) == ("low", "high")
        assert first.graph.number_of_edges() == round(0.5 * 241) or first.graph.number_of_edges() == round(0.25 * 241)


def test_digits_for_training_and_the_test_are_disjoint() -> None:
    train, test = load_digits()
    assert train.runs.shape == (1297, 16, 4)
    assert test.runs.shape == (500, 16, 4)
    assert train.runs.dtype == np.float32
    assert 0 <= train.runs.min() <= train.runs.max() == 1
    assert np.bincount(train.labels).sum() + np.bincount(test.labels).sum() == 1797


def test_pairs_are_of_one_class_half_of_the_time() -> None:
    images, _ = load_digits()
    pairs = draw_pairs(images, 4000, np.random.default_rng(0))
    same = images.labels[pairs.first] == images.labels[pairs.second]
    assert np.array_equal(same, pairs.same == 1)
    assert abs(same.mean() - 0.5) < 0.03
    assert abs(np.bincount(images.labels[pairs.first]) / 4000 - 0.1).max() < 0.02


def test_every_vertex_gets_its_run() -> None:
    images, _ = load_digits()
    pairs = draw_pairs(images, 3, np.random.default_rng(1))
    x = vertex_inputs(images, pairs, high().runs)
    assert x.shape == (3, 32, 4)
    assert np.array_equal(x[2, 0], images.runs[pairs.first[2], 0])
    assert np.array_equal(x[2, 1], images.runs[pairs.second[2], 0])
    assert np.array_equal(x[2, 31], images.runs[pairs.second[2], 15])


def test_fashion_mnist_is_read_from_four_files(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(3, 28, 28), dtype=np.uint8)
    _write(tmp_path / "train-images-idx3-ubyte", pixels)
    _write(tmp_path / "train-labels-idx1-ubyte", np.array([1, 2, 3], dtype=np.uint8))
    _write(tmp_path / "t10k-images-idx3-ubyte.gz", pixels[:2])
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte .*four IDX files must be there"):
        load_fashion(tmp_path)
    _write(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([4, 5], dtype=np.uint8))
    train, test = load_fashion(tmp_path)
    assert train.runs.shape == (3, 16, 49)
    assert test.labels.tolist() == [4, 5]
    np.testing.assert_allclose(train.runs[1].ravel(), pixels[1].ravel() / 255, rtol=1e-6)
    _write(tmp_path / "train-labels-idx1-ubyte", np.array([1, 2], dtype=np.uint8))
    with pytest.raises(ValueError, match=r"train images \[3, 28, 28\] and labels \[2\]"):
        load_fashion(tmp_path)


def _write(path: Path, array: np.ndarray) -> None:
    data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
