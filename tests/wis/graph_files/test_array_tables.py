"""Arrays: what follows an edge, and damage that must not reach compiled code."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import wis

COLUMNS = np.array([[0, 0, 1, 2], [1, 2, 2, 3]])


def sparsified(path: Path, **options: Any) -> dict[str, np.ndarray]:
    out = path.with_name("out.npz")
    wis.write_graph(wis.sparsify(wis.read_graph(path, **options), 0.5), out)
    with np.load(out) as stored:
        return dict(stored)


def test_arrays_follow_by_the_one_rule(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "in.npz",
        edge_index=COLUMNS,
        time=np.arange(4),
        edge_label=np.arange(4),
        edge_label_index=COLUMNS,
        ptr=np.arange(4),
        num_nodes=9,
        names=np.array(list("abcd")),
    )
    found = sparsified(tmp_path / "in.npz")
    assert found["edge_index"].tolist() == [[0, 2], [1, 3]]
    assert found["time"].tolist() == [0, 3]
    assert found["names"].tolist() == ["a", "d"]
    assert found["edge_label"].tolist() == [0, 1, 2, 3]
    assert found["edge_label_index"].tolist() == COLUMNS.tolist()
    assert found["ptr"].tolist() == [0, 1, 2, 3]
    assert found["num_nodes"] == 9


@pytest.mark.parametrize("shape", [(), (1,)])
def test_stored_numbers_of_edges_are_counted_again(tmp_path: Path, shape: tuple[int, ...]) -> None:
    counts = {"num_edges": np.full(shape, 4, dtype=np.int16), "num_nodes": 4, "num_classes": np.full(shape, 4)}
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, **counts, num_sampled_edges=np.array([3, 0, 1], dtype=np.uint8))
    found = sparsified(tmp_path / "in.npz")
    assert found["edge_index"].tolist() == [[0, 2], [1, 3]]
    assert found["num_edges"].tolist() == np.full(shape, 2).tolist()
    assert found["num_edges"].dtype == np.int16
    assert found["num_sampled_edges"].tolist() == [1, 0, 1]
    assert found["num_nodes"] == 4
    assert found["num_classes"].tolist() == np.full(shape, 4).tolist()
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, num_sampled_edges=np.array([3, 2]), num_edges=np.array(["four"]))
    found = sparsified(tmp_path / "in.npz")
    assert found["num_sampled_edges"].tolist() == [3, 2]
    assert found["num_edges"].tolist() == ["four"]


def test_what_is_open_is_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, time=np.arange(4))  # 4 vertices and 4 edges
    with pytest.raises(ValueError, match=r"in\.npz: time has as many entries .* pass edge_attrs=\['time'\]"):
        sparsified(tmp_path / "in.npz")
    assert sparsified(tmp_path / "in.npz", edge_attrs=["time"])["time"].tolist() == [0, 3]
    assert sparsified(tmp_path / "in.npz", edge_attrs=[])["time"].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"in\.npz: edge_attrs names 'msg', which the graph does not have"):
        sparsified(tmp_path / "in.npz", edge_attrs=["msg"])
    np.save(tmp_path / "in.npy", COLUMNS)
    with pytest.raises(TypeError, match=r"edge_attrs is for \.npz files here"):
        wis.read_graph(tmp_path / "in.npy", edge_attrs=[])


def test_an_array_weight_is_the_weight(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, weight=np.array([1.0, 2.0, 3.0, 4.0]), num_nodes=9)
    table = wis.read_graph(tmp_path / "in.npz")
    assert wis.sparsify(table, num_edges=2, method="threshold").edge_index.tolist() == [[1, 2], [2, 3]]
    edges = table.load_pairs().edges
    wis.write_graph(table.keep_pairs(edges, np.ones(4, dtype=bool), np.full(4, 0.5)), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        assert sorted(found) == ["edge_index", "num_nodes", "weight"]
        assert found["weight"].tolist() == [0.5, 1.0, 1.5, 2.0]


def damaged_matrix(path: Path) -> None:
    """A matrix whose ``indptr`` is not monotone, as one flipped byte makes it."""
    matrix = scipy.sparse.csr_array((np.random.default_rng(0).random((60, 60)) < 0.05).astype(float))
    matrix = (matrix + matrix.T).tocsr()
    indptr = matrix.indptr.copy()
    indptr[20] = 2**30
    np.savez(path, indices=matrix.indices, indptr=indptr, format=b"csr", shape=matrix.shape, data=matrix.data)


def test_a_matrix_that_crashed_is_refused(tmp_path: Path) -> None:
    damaged_matrix(tmp_path / "in.npz")
    code = f"import wis; wis.sparsify(wis.read_graph({str(tmp_path / 'in.npz')!r}), directed=True)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1, "it crashed"
    assert "ValueError" in ended.stderr
    assert f"{tmp_path / 'in.npz'}: graph (a SciPy sparse matrix) is damaged: " in ended.stderr


MATRIX = {"indices": [1, 0], "indptr": [0, 1, 2], "format": b"csr", "shape": [2, 2], "data": [1.0, 1.0]}


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": None},
        {"indptr": [0, 2, 1]},
        {"indptr": [0, 1, 3]},
        {"indices": [1, 7]},
        {"indices": [1, -1]},
        {"indices": [[1, 0]]},
        {"format": b"abc"},
        {"format": b"bsr"},
        {"format": b"dia"},
        {"format": 5},
        {"shape": [2]},
        {"shape": [2, -2]},
        {"shape": [2, 3]},
        {"data": [1.0]},
        {"data": ["a", "b"]},
    ],
)
def test_damaged_matrices_are_named(tmp_path: Path, change: dict[str, Any]) -> None:
    arrays = {name: np.asarray(value) for name, value in {**MATRIX, **change}.items() if value is not None}
    np.savez(tmp_path / "in.npz", **arrays)
    with pytest.raises((ValueError, TypeError), match=r"in\.npz|graph \(a SciPy sparse matrix\)"):
        wis.sparsify(wis.read_graph(tmp_path / "in.npz"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"num_nodes": np.empty(0, dtype=int)}, r"num_nodes must be one number, got \[0\] numbers"),
        ({"num_nodes": np.array([3, 4])}, r"num_nodes must be one number, got \[2\] numbers"),
        ({"num_nodes": np.array("abc")}, "num_nodes must be an integer, got 'abc'"),
        ({"num_nodes": np.array(2)}, "vertex 2 is out of range"),
        ({"edge_index": np.zeros((4, 2), dtype=int)}, r"edge_index must have shape \[2, E\]"),
        ({"edge_index": np.zeros(4, dtype=int)}, r"must hold an array of shape"),
        ({"edge_weight": np.ones(3)}, "edge_weight must have one entry for each of the 4 edges"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "in.npz", **{"edge_index": COLUMNS, **arrays})
    with pytest.raises(ValueError, match=rf"in\.npz.*{message}"):
        wis.sparsify(wis.read_graph(tmp_path / "in.npz"))


@pytest.mark.parametrize(("name", "content"), [("notes.txt", b"abc"), ("x.npy", b"abc"), ("edge_index", b"abc")])
def test_members_that_are_no_arrays(tmp_path: Path, name: str, content: bytes) -> None:
    np.savez(tmp_path / "in.npz", **({"edge_index": COLUMNS} if name != "edge_index" else {"a": COLUMNS}))
    with zipfile.ZipFile(tmp_path / "in.npz", "a") as archive:
        archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"in\.npz: .*(is no array|not a NumPy file|damaged|it must hold)"):
        wis.sparsify(wis.read_graph(tmp_path / "in.npz"))


def test_a_header_that_claims_more_than_there_is(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<i8", "fortran_order": False, "shape": (2, 10**13)})
    (tmp_path / "in.npy").write_bytes(buffer.getvalue() + b"\0" * 64)
    with pytest.raises((ValueError, MemoryError), match=r"in\.npy: "):
        wis.sparsify(wis.read_graph(tmp_path / "in.npy"))


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_never_crash(tmp_path: Path, seed: int) -> None:
    """Each flipped byte gives a graph, or an error that names the file."""
    rng = np.random.default_rng(seed)
    path = tmp_path / "in.npz"
    if seed % 2:
        np.savez(path, edge_index=COLUMNS, edge_attr=np.arange(4.0), num_nodes=4)
    else:
        np.savez(path, **{name: np.asarray(value) for name, value in MATRIX.items()})
    raw = bytearray(path.read_bytes())
    for place in rng.integers(0, len(raw), 2):
        raw[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(raw)
    message = "in.npz"
    try:
        wis.write_graph(wis.sparsify(wis.read_graph(path)), tmp_path / "out.npz")
    except (ValueError, MemoryError) as error:
        message = str(error)
    assert "in.npz" in message or "graph" in message


def test_weights_in_a_column_of_their_own_are_read_and_stay_so(tmp_path: Path) -> None:
    edges = np.array([[0, 1, 0], [1, 2, 2]])
    np.savez(tmp_path / "in.npz", edge_index=edges, edge_weight=np.array([[1.0], [5.0], [3.0]]))
    table = wis.read_graph(tmp_path / "in.npz")
    wis.write_graph(wis.sparsify(table, num_edges=2, method="threshold"), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as sparse:
        assert sparse["edge_index"].tolist() == [[1, 0], [2, 2]]
        assert sparse["edge_weight"].tolist() == [[5.0], [3.0]]
    sparse = wis.sparsify(table, num_edges=3, method="dspar-reweighted", seed=0)
    wis.write_graph(sparse, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as written:
        assert written["edge_weight"].shape == (3, 1)


@pytest.mark.parametrize("form", ["lil", "dok"])
def test_forms_that_scipy_does_not_store_are_named(tmp_path: Path, form: str) -> None:
    sparse = wis.sparsify(scipy.sparse.csr_array(np.ones((3, 3))).asformat(form), 0.5)
    with pytest.raises(TypeError, match=rf"graph is a matrix in the form '{form}', and an .npz file holds .*tocsr\(\)"):
        wis.write_graph(sparse, tmp_path / "out.npz")
    assert list(tmp_path.iterdir()) == []
    for stored in ("coo", "csr", "csc", "bsr", "dia"):
        wis.write_graph(sparse.asformat(stored), tmp_path / "out.npz")
        assert wis.read_graph(tmp_path / "out.npz").format == stored
