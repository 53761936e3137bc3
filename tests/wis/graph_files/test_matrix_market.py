from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import wis

PATTERN = "%%MatrixMarket matrix coordinate pattern symmetric\n% a comment\n4 4 5\n2 1\n3 1\n3 2\n4 3\n4 4\n"
INTEGER = "%%MatrixMarket matrix coordinate integer general\n4 4 4\n1 2 5\n1 3 6\n2 3 7\n4 3 8\n"


@pytest.mark.parametrize("suffix", [".mtx", ".mtx.gz", ".MTX", ".MTX.GZ", ".mtx.Gz"])
def test_a_symmetric_pattern_stays_one(tmp_path: Path, suffix: str) -> None:
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    packed = suffix.lower().endswith("gz")
    path.write_bytes(gzip.compress(PATTERN.encode()) if packed else PATTERN.encode())
    graph = wis.read_graph(path)
    assert graph.load_pairs().edges.pairs.T.tolist() == [[0, 1], [0, 2], [1, 2], [2, 3]]
    wis.write_graph(wis.sparsify(graph, 0.5), out)
    text = (gzip.decompress(out.read_bytes()) if packed else out.read_bytes()).decode()
    lines = [line for line in text.splitlines() if not line.startswith("%") or line.startswith("%%")]
    assert lines[0] == "%%MatrixMarket matrix coordinate pattern symmetric"
    assert lines[1].split() == ["4", "4", "3"]
    assert sorted(lines[2:]) == ["2 1", "4 3", "4 4"]


def test_a_directed_matrix_of_integers(tmp_path: Path) -> None:
    (tmp_path / "in.mtx").write_text(INTEGER)
    graph = wis.read_graph(tmp_path / "in.mtx")
    with pytest.raises(ValueError, match="graph is not symmetric"):
        wis.sparsify(graph)
    sparse = wis.sparsify(graph, num_edges=2, method="threshold", directed=True)
    wis.write_graph(sparse, tmp_path / "out.mtx")
    assert scipy.io.mminfo(tmp_path / "out.mtx")[3:] == ("coordinate", "integer", "general")
    expected = [[0, 0, 0, 0], [0, 0, 7, 0], [0, 0, 0, 0], [0, 0, 8, 0]]
    np.testing.assert_array_equal(scipy.io.mmread(tmp_path / "out.mtx").toarray(), expected)


def test_reweighting_makes_real_numbers(tmp_path: Path) -> None:
    (tmp_path / "in.mtx").write_text(PATTERN)
    graph = wis.read_graph(tmp_path / "in.mtx")
    loaded = graph.load_pairs()
    wis.write_graph(loaded.keep_pairs(np.array([True, False, False, True]), np.full(4, 2.5)), tmp_path / "out.mtx")
    assert scipy.io.mminfo(tmp_path / "out.mtx")[2:] == (3, "coordinate", "real", "symmetric")
    written = scipy.io.mmread(tmp_path / "out.mtx").toarray()
    np.testing.assert_array_equal(written, [[0, 2.5, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 2.5], [0, 0, 2.5, 1.0]])


def test_one_direction_of_a_symmetric_matrix(tmp_path: Path) -> None:
    (tmp_path / "in.mtx").write_text(PATTERN)
    sparse = wis.sparsify(wis.read_graph(tmp_path / "in.mtx"), num_edges=1, directed=True, method="random", seed=0)
    wis.write_graph(sparse, tmp_path / "out.mtx")
    assert scipy.io.mminfo(tmp_path / "out.mtx")[2:] == (2, "coordinate", "pattern", "general")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "in.mtx: "),
        ("0,1\n", "in.mtx: "),
        (PATTERN[:-10], "in.mtx: "),
        (PATTERN.replace("4 4 5", "4 4 5000000000000"), "it claims 5000000000000 entries in 4 rows and 4 columns"),
        (PATTERN.replace("4 3", "9 3"), "in.mtx: "),
        (INTEGER.replace("1 2 5", f"1 2 {10**20}"), "in.mtx: .*ut of range"),
        ("%%MatrixMarket matrix array real general\n1 1\n1.0\n", "it holds a dense matrix"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "in.mtx").write_text(text)
    with pytest.raises(ValueError, match=message):
        wis.read_graph(tmp_path / "in.mtx")


def test_only_matrices_are_written(tmp_path: Path) -> None:
    wis.write_graph(scipy.sparse.eye_array(3, format="csr"), tmp_path / "out.mtx")
    np.testing.assert_array_equal(scipy.io.mmread(tmp_path / "out.mtx").toarray(), np.eye(3))
    with pytest.raises(TypeError, match="graph must be a SciPy sparse matrix to be written as .mtx, got list"):
        wis.write_graph([1], tmp_path / "out.mtx")


@pytest.mark.parametrize("name", ["in.mtx", "in.mtx.gz"])
def test_comments_stay(tmp_path: Path, name: str) -> None:
    text = "%%MatrixMarket matrix coordinate real symmetric\n% by hand\n%\n%été\n2 2 1\n2 1 3.5\n"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    wis.write_graph(wis.sparsify(wis.read_graph(tmp_path / name), 1.0), tmp_path / f"out{name[2:]}")
    written = (tmp_path / f"out{name[2:]}").read_bytes()
    assert (gzip.decompress(written) if name.endswith(".gz") else written).decode() == text
