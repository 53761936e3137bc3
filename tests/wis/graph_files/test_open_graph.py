from __future__ import annotations

import gzip
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import wis
from wis.graph_files import array_tables, text_lines
from wis.graphs.edge_list import EdgeList
from wis.graphs.load import load_graph

pytestmark = pytest.mark.filterwarnings("ignore:.*its first row")

# Rows of a triangle 0-1-2 with a tail 2-3, one self-loop, one pair in both directions.
COLUMNS = np.array([[0, 2, 1, 3, 3, 1], [1, 1, 0, 2, 3, 2]])
PAIRS = [[0, 1], [1, 2], [2, 3]]
DROP_12 = np.array([True, False, True])


def write_text(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read_text(path):
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def opened(path, num_nodes=None, directed=None):
    return load_graph(wis.read_graph(path), num_nodes, directed)


def rows_of(separator, extra=("a", '"b b"', "c", "", "e", "f")):
    return [separator.join([str(u), str(v), x]) for u, v, x in zip(*COLUMNS, extra, strict=True)]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".tsv.gz"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_rows_follow_their_pair_byte_by_byte(tmp_path, suffix, header, end):
    separator = "\t" if "tsv" in suffix else ","
    start = [f"source{separator}target{separator}what is it"] if header else []
    rows = rows_of(separator)
    path = write_text(tmp_path / f"in{suffix}", end.join(["# comment", *start, *rows]))
    graph = opened(path)
    edges = graph.edges
    assert edges.num_nodes == 4
    assert edges.pairs.T.tolist() == PAIRS
    out = tmp_path / f"out{suffix}"
    wis.write_graph(graph.keep_pairs(DROP_12), out)
    assert read_text(out) == end.join(["# comment", *start, *(rows[i] for i in (0, 2, 3, 4))]) + end


def test_text_blocks_of_any_size_give_the_same(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 40, size=(2, 300))
    path = write_text(tmp_path / "in.csv", "\n\n".join(f"{u},{v},{i}" for i, (u, v) in enumerate(columns.T)))
    whole = opened(path)
    kept = rng.random(whole.edges.num_pairs) < 0.5
    wis.write_graph(whole.keep_pairs(kept), tmp_path / "whole.csv")
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", 7)
    parts = opened(path)
    np.testing.assert_array_equal(parts.edges.pairs, whole.edges.pairs)
    wis.write_graph(parts.keep_pairs(kept), tmp_path / "parts.csv")
    lines = (tmp_path / "parts.csv").read_text().split()
    assert lines == (tmp_path / "whole.csv").read_text().split()
    place = {(u, v): i for i, (u, v) in enumerate(whole.edges.pairs.T.tolist())}
    expected = [f"{u},{v},{i}" for i, (u, v) in enumerate(columns.T) if u == v or kept[place[(min(u, v), max(u, v))]]]
    assert lines == expected


def test_directed_text_keeps_each_direction_apart(tmp_path):
    path = write_text(tmp_path / "in.csv", "1,0\n0,1\n")
    graph = opened(path, directed=True)
    assert graph.edges.pairs.T.tolist() == [[0, 1], [1, 0]]
    wis.write_graph(graph.keep_pairs(np.array([True, False])), tmp_path / "out.csv")
    assert read_text(tmp_path / "out.csv") == "0,1\n"


def test_num_nodes_is_taken_where_given(tmp_path):
    path = write_text(tmp_path / "in.csv", "0,1\n")
    assert opened(path, num_nodes=7).edges.num_nodes == 7
    with pytest.raises(ValueError, match=r"in\.csv, line 1: vertex 1 is out of range.* 0 to 0"):
        opened(path, num_nodes=1)


@pytest.mark.parametrize("text", ["source,target\n", "# nothing\n", "\n# nothing\n\nsource,target,weight"])
def test_empty_text_is_a_graph_without_edges(tmp_path, text):
    path = write_text(tmp_path / "in.csv", text)
    graph = opened(path)
    edges = graph.edges
    assert (edges.num_nodes, edges.num_pairs) == (0, 0)
    wis.write_graph(graph.keep_pairs(np.empty(0, dtype=bool)), tmp_path / "out.csv")
    assert read_text(tmp_path / "out.csv").strip() == text.strip()


def test_only_self_loops_stay(tmp_path):
    path = write_text(tmp_path / "in.csv", "3,3\n0,0\n")
    graph = opened(path)
    assert (graph.edges.num_nodes, graph.edges.num_pairs) == (4, 0)
    wis.write_graph(graph.keep_pairs(np.empty(0, dtype=bool)), tmp_path / "out.csv")
    assert read_text(tmp_path / "out.csv") == "3,3\n0,0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1\n1,2\n1,x\n", "line 3: vertices must be integers from 0, got 'x'; pass names=True if vertices are names"),
        ("0.5,1\n", "line 1: vertices must be integers from 0, got '0.5'"),
        ("u,v\n0,1\n\n1,2.0\n", "line 4: vertices must be integers from 0, got '2.0'; write 2 in its place"),
        ("0,1\n-3,2\n", "line 2: vertex -3 is out of range; vertices are numbered from 0"),
        ("0,1\n1,\n", "line 2: vertices must be integers from 0, got ''"),
        ("0,1\n1\n", "line 2: expected 2 columns, as in the first row, got '1'"),
        ("0,1,2\n1,2\n", "line 2: expected 3 columns, as in the first row, got '1,2'"),
        ("0\n1\n", "line 1: expected at least two columns separated by ',', got '0'"),
        ("0 1\n", "line 1: expected at least two columns"),
        ("0;1\n", "got '0;1'; write commas in place of the semicolons"),
        ("2,16\n0x10,3\n3,4\n", "line 2: vertices must be integers from 0, got '0x10'"),
        ("-3,9000000000000\n", "vertex -3 is out of range; vertices are numbered from 0"),
        ("source,target\na,b\n,c\nd,e", "in.csv, line 3: a vertex has no name"),
        ("x,y\r0,1\r", "every row must be one line that ends in a line feed"),
    ],
)
def test_bad_text_names_file_line_and_rule(tmp_path, text, message):
    path = write_text(tmp_path / "in.csv", text)
    with pytest.raises(ValueError, match=r"in\.csv|num_nodes") as error:
        opened(path)
    assert message in str(error.value)


def test_half_a_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"0,1\n" * 1000)[:-9])
    with pytest.raises(ValueError, match=r"in\.csv\.gz is no whole gzip file"):
        opened(path)
    path.write_bytes(b"0,1\n")
    with pytest.raises(ValueError, match=r"in\.csv\.gz is no whole gzip file"):
        opened(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u,v,weight\n0,1,2\n1,0,3\n1,2,4\n5,5,7\n", "u,v,weight\n0,1,1.0\n1,0,1.5\n5,5,7.0\n"),
        ("u,v,name\n0,1,a\n1,2,b\n", "u,v,name,weight\n0,1,a,0.5\n"),
        ("0,1\n1,2", "0,1,0.5\n"),
        ('u,v,"a ""b""",edge_weight\n0,1,"x,y",2\n1,2,z,2\n', 'u,v,"a ""b""",edge_weight\n0,1,"x,y",1.0\n'),
    ],
)
def test_weights_of_text_are_multiplied_or_appended(tmp_path, text, expected):
    graph = opened(write_text(tmp_path / "in.csv", text))
    assert graph.edges.pairs.T.tolist() == [[0, 1], [1, 2]]
    wis.write_graph(graph.keep_pairs(np.array([True, False]), np.array([0.5, 9.0])), tmp_path / "out.csv")
    assert read_text(tmp_path / "out.csv") == expected


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / "in.csv", "0,1\n1,2\n")
    out = write_text(tmp_path / "out.csv", "old")
    graph = opened(path)
    path.write_text("0,1\n0,2\n")
    with pytest.raises(ValueError, match="was changed while it was read"):
        wis.write_graph(graph.keep_pairs(np.array([True, True])), out)
    assert read_text(out) == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_writing_over_the_input(tmp_path):
    path = write_text(tmp_path / "in.csv", "0,1\n1,2\n")
    graph = opened(path)
    wis.write_graph(graph.keep_pairs(np.array([False, True])), path)
    assert read_text(path) == "1,2\n"


def test_parquet_rows_keep_schema_and_order(tmp_path):
    path = tmp_path / "in.parquet"
    table = pd.DataFrame({"src": COLUMNS[0].astype("int32"), "dst": COLUMNS[1], "kind": list("abcdef")})
    table.to_parquet(path, index=False)
    graph = opened(path)
    assert graph.edges.pairs.T.tolist() == PAIRS
    wis.write_graph(graph.keep_pairs(DROP_12), tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "out.parquet"), table.iloc[[0, 2, 3, 4]].reset_index(drop=True)
    )


def test_parquet_weights(tmp_path):
    pd.DataFrame({"u": [0, 1], "v": [1, 2], "weight": [2.0, 4.0]}).to_parquet(tmp_path / "in.parquet")
    graph = opened(tmp_path / "in.parquet")
    wis.write_graph(graph.keep_pairs(np.array([True, True]), np.array([0.5, 0.25])), tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["weight"].tolist() == [1.0, 1.0]
    pd.DataFrame({"u": [0, 1], "v": [1, 2]}).to_parquet(tmp_path / "bare.parquet")
    graph = opened(tmp_path / "bare.parquet")
    wis.write_graph(graph.keep_pairs(np.array([False, True]), np.array([0.5, 0.25])), tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet").to_dict("list") == {"u": [1], "v": [2], "weight": [0.25]}


def test_whole_parquet_weights_become_floating_point(tmp_path):
    pd.DataFrame({"u": [0, 1], "v": [1, 2], "weight": [1, 3], "z": [5, 6]}).to_parquet(tmp_path / "in.parquet")
    graph = opened(tmp_path / "in.parquet")
    wis.write_graph(graph.keep_pairs(np.array([True, True]), np.array([2.5, 0.5])), tmp_path / "out.parquet")
    written = pd.read_parquet(tmp_path / "out.parquet").to_dict("list")
    assert written == {"u": [0, 1], "v": [1, 2], "weight": [2.5, 1.5], "z": [5, 6]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"u": [0.5], "v": [1]}, "the ends of the edges must be integers or names, but 'u' is double"),
        ({"u": [1]}, "must have at least two columns"),
        ({"u": [0, -1], "v": [1, 1]}, "row 1 (counted from 0): vertex -1 is out of range"),
    ],
)
def test_bad_parquet(tmp_path, table, message):
    path = tmp_path / "in.parquet"
    pd.DataFrame(table).to_parquet(path, index=False)
    with pytest.raises(ValueError, match=r"in\.parquet") as error:
        opened(path)
    assert message in str(error.value)
    path.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"in\.parquet is no readable Parquet file"):
        opened(path)


@pytest.mark.parametrize("in_rows", [False, True])
def test_npy(tmp_path, in_rows):
    array = COLUMNS.astype(np.int32)
    np.save(tmp_path / "in.npy", array.T if in_rows else array)
    graph = opened(tmp_path / "in.npy")
    assert graph.edges.pairs.T.tolist() == PAIRS
    wis.write_graph(graph.keep_pairs(DROP_12), tmp_path / "out.npy")
    sparse = np.load(tmp_path / "out.npy")
    assert sparse.dtype == np.int32
    np.testing.assert_array_equal(sparse.T if in_rows else sparse, array[:, [0, 2, 3, 4]])
    with pytest.raises(TypeError, match="cannot carry"):
        wis.write_graph(graph.keep_pairs(DROP_12, np.ones(3)), tmp_path / "out.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", ">i4", "int64"])
def test_arrays_in_blocks(tmp_path, monkeypatch, suffix, order, dtype):
    monkeypatch.setattr(array_tables, "_BLOCK_ROWS", 7)
    rng = np.random.default_rng(0)
    columns = np.asarray(rng.integers(0, 20, size=(2, 100)), dtype=dtype, order=order)
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    save = {".npy": np.save, ".npz": lambda path, array: np.savez_compressed(path, edge_index=array)}[suffix]
    save(path, columns)
    graph = opened(path)
    edges = graph.edges
    expected = EdgeList.from_columns(columns.astype(np.int64), int(columns.max()) + 1)
    np.testing.assert_array_equal(edges.pairs, expected.pairs)
    kept = rng.random(edges.num_pairs) < 0.5
    wis.write_graph(graph.keep_pairs(kept), out)
    sparse = np.load(out) if suffix == ".npy" else np.load(out)["edge_index"]
    assert sparse.dtype == columns.dtype
    np.testing.assert_array_equal(sparse, columns[:, np.append(kept, True)[edges.pair_of_columns(columns)]])


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_half_an_array_is_an_error(tmp_path, suffix):
    path = tmp_path / f"in{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, COLUMNS)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=rf"in\{suffix}: it is .*cut short"):
        opened(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 4), dtype=int), "must hold an array of shape [2, E] or [E, 2], got [3, 4]"),
        (np.zeros((3, 3)), "got [3, 3]; save a matrix by scipy.sparse.save_npz"),
        (np.zeros((2, 3)), "integer dtype, got float64; save it .astype('int64')"),
        (
            np.array([[0, -1], [1, 1]]),
            "edge 1 (counted from 0): vertex -1 is out of range",
        ),
    ],
)
def test_bad_npy(tmp_path, array, message):
    np.save(tmp_path / "in.npy", array)
    with pytest.raises(ValueError, match=r"in\.npy") as error:
        opened(tmp_path / "in.npy")
    assert message in str(error.value)


def test_npz_with_edge_index(tmp_path):
    np.savez(
        tmp_path / "in.npz",
        edge_index=COLUMNS,
        edge_attr=np.arange(12).reshape(6, 2),
        x=np.arange(6),
        num_nodes=np.array(6),
    )
    graph = opened(tmp_path / "in.npz")
    assert graph.edges.num_nodes == 6
    wis.write_graph(graph.keep_pairs(DROP_12, np.array([2.0, 3.0, 4.0])), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as sparse:
        assert sorted(sparse) == ["edge_attr", "edge_index", "edge_weight", "num_nodes", "x"]
        np.testing.assert_array_equal(sparse["edge_index"], COLUMNS[:, [0, 2, 3, 4]])
        np.testing.assert_array_equal(sparse["edge_attr"], np.arange(12).reshape(6, 2)[[0, 2, 3, 4]])
        np.testing.assert_array_equal(sparse["x"], np.arange(6))
        assert sparse["edge_weight"].tolist() == [2.0, 2.0, 4.0, 1.0]


def test_npz_with_a_sparse_matrix(tmp_path):
    matrix = scipy.sparse.csr_array(np.array([[0, 2.0, 0], [2.0, 5.0, 3.0], [0, 3.0, 0]]))
    scipy.sparse.save_npz(tmp_path / "in.npz", matrix)
    graph = opened(tmp_path / "in.npz")
    assert graph.edges.pairs.T.tolist() == [[0, 1], [1, 2]]
    wis.write_graph(graph.keep_pairs(np.array([False, True])), tmp_path / "out.npz")
    sparse = scipy.sparse.load_npz(tmp_path / "out.npz")
    assert sparse.format == "csr"
    np.testing.assert_array_equal(sparse.toarray(), [[0, 0, 0], [0, 5.0, 3.0], [0, 3.0, 0]])


def test_asymmetric_matrix_needs_directed(tmp_path):
    scipy.sparse.save_npz(tmp_path / "in.npz", scipy.sparse.csr_array(np.array([[0, 1], [0, 0]])))
    with pytest.raises(ValueError, match="graph is not symmetric"):
        opened(tmp_path / "in.npz")
    assert opened(tmp_path / "in.npz", directed=True).edges.pairs.T.tolist() == [[0, 1]]


def test_npz_without_a_graph(tmp_path):
    np.savez(tmp_path / "in.npz", a=np.arange(3))
    with pytest.raises(ValueError, match=r"in\.npz: it must hold a SciPy sparse matrix or an array edge_index"):
        opened(tmp_path / "in.npz")
    (tmp_path / "in.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"in\.npz: it is not a NumPy file, or cut short"):
        opened(tmp_path / "in.npz")


@pytest.mark.parametrize("name", ["edge_weight", "edge_attr"])
def test_npz_attributes_of_another_length_are_refused(tmp_path, name):
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, **{name: np.ones(5)})
    with pytest.raises(
        ValueError, match=rf"in\.npz: {name} must have one entry for each of the 6 edges, got shape \[5\]"
    ):
        opened(tmp_path / "in.npz")


def test_npz_num_nodes_must_be_whole(tmp_path):
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, num_nodes=5)
    assert opened(tmp_path / "in.npz").edges.num_nodes == 5
    np.savez(tmp_path / "in.npz", edge_index=COLUMNS, num_nodes=4.5)
    with pytest.raises(ValueError, match=r"in\.npz: num_nodes must be an integer, got 4\.5"):
        opened(tmp_path / "in.npz")


def test_pickled_arrays_are_refused(tmp_path):
    np.save(tmp_path / "in.npy", np.array([[object()], [object()]]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"in\.npy"):
        opened(tmp_path / "in.npy")


def test_pyg_data(tmp_path):
    import torch
    from torch_geometric.data import Data

    columns = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = Data(x=torch.eye(4), edge_index=columns, edge_attr=torch.arange(4.0), y=torch.arange(4))
    torch.save(data, tmp_path / "in.pt")
    graph = opened(tmp_path / "in.pt")
    assert graph.data.num_nodes == 4
    assert graph.edges.pairs.T.tolist() == [[0, 1], [1, 2]]
    wis.write_graph(graph.keep_pairs(np.array([False, True])), tmp_path / "out.pt")
    sparse = wis.read_graph(tmp_path / "out.pt")
    assert sparse.edge_index.tolist() == [[1, 2], [2, 1]]
    assert sparse.edge_attr.tolist() == [2.0, 3.0]
    assert torch.equal(sparse.x, data.x)


def test_edge_index_tensor(tmp_path):
    import torch

    torch.save(torch.tensor([[0, 1], [1, 0]]), tmp_path / "in.pt")
    graph = opened(tmp_path / "in.pt", num_nodes=5)
    assert graph.data is None
    assert graph.edges.num_nodes == 5
    wis.write_graph(graph.keep_pairs(np.array([False])), tmp_path / "out.pt")
    assert torch.load(tmp_path / "out.pt").shape == (2, 0)


class _Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_free_pickles_are_refused(tmp_path, capsys):
    import torch

    torch.save({"a": _Evil()}, tmp_path / "in.pt")
    with pytest.raises(ValueError, match=r"in\.pt cannot be loaded safely.*: it would load \S+$"):
        opened(tmp_path / "in.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(ValueError, match=r"raw\.pt cannot be loaded safely"):
        opened(tmp_path / "raw.pt")
    assert "unpickled" not in capsys.readouterr().out
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match=r"list\.pt must hold a PyG Data.*, got list"):
        opened(tmp_path / "list.pt")


def test_paths_are_checked(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.csv"):
        opened(tmp_path / "no.csv")
    with pytest.raises(
        ValueError, match=r"graph.dat: the suffix must be one of .csv, .tsv.* or pass format= one of csv"
    ):
        opened(tmp_path / "graph.dat")
    table = wis.read_graph(write_text(tmp_path / "in.csv", "0,1\n"))
    wis.write_graph(table, tmp_path / "out.csv.gz")
    assert read_text(tmp_path / "out.csv.gz") == "0,1\n"
    with pytest.raises(ValueError, match=r"path must end in \.csv like .*; formats are not converted"):
        wis.write_graph(table, tmp_path / "out.tsv")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        wis.write_graph(table, tmp_path / "missing" / "out.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        wis.write_graph(table, tmp_path / "folder.csv")


def test_a_table_is_a_graph(tmp_path):
    path = write_text(tmp_path / "in.csv", "source,target,kind\n" + "\n".join(rows_of(",")) + "\n")
    table = wis.read_graph(path)
    assert table.edge_index.dtype == np.int64
    np.testing.assert_array_equal(table.edge_index, COLUMNS)
    order = wis.removal_order(table, depth=2)
    np.testing.assert_array_equal(order._edge_list.pairs.T, PAIRS)
    for num_edges in range(4):
        sparse = order.apply(table, num_edges=num_edges)
        same = wis.sparsify(table, num_edges=num_edges, depth=2)
        kept = wis.sparsify(COLUMNS, num_edges=num_edges, depth=2, directed=False)
        np.testing.assert_array_equal(sparse.edge_index, kept)
        np.testing.assert_array_equal(same.edge_index, kept)
    np.testing.assert_array_equal(table.edge_index, COLUMNS)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_a_sparse_table_can_be_sparsified_again(tmp_path, suffix):
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    if suffix == ".npz":
        np.savez(path, edge_index=COLUMNS, edge_weight=np.arange(6.0))
    else:
        frame = pd.DataFrame({"u": COLUMNS[0], "v": COLUMNS[1], "weight": np.arange(6.0)})
        frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    once = opened(path).keep_pairs(DROP_12, np.array([2.0, 9.0, 4.0]))
    np.testing.assert_array_equal(once.edge_index, COLUMNS[:, [0, 2, 3, 4]])
    again = load_graph(once)
    assert again.edges.num_nodes == 4
    assert again.edges.pairs.T.tolist() == [[0, 1], [2, 3]]
    twice = load_graph(again.keep_pairs(np.array([True, False]))).keep_pairs(np.array([True]), np.array([0.5]))
    np.testing.assert_array_equal(twice.edge_index, COLUMNS[:, [0, 2, 4]])
    wis.write_graph(twice, out)
    if suffix == ".npz":
        written = np.load(out)["edge_weight"]
    else:
        written = (pd.read_csv if suffix == ".csv" else pd.read_parquet)(out)["weight"].to_numpy()
    assert written.tolist() == [0.0, 2.0, 4.0]  # 0 · 2 · ½, 2 · 2 · ½, and a self-loop as it was


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_graphs_in_memory_are_written_and_read(tmp_path, suffix):
    import torch

    graph = {".npy": COLUMNS, ".npz": scipy.sparse.eye_array(3, format="csr"), ".pt": torch.from_numpy(COLUMNS)}[suffix]
    path = tmp_path / f"out{suffix}"
    wis.write_graph(graph, path)
    read = wis.read_graph(path)
    if suffix == ".npy":
        np.testing.assert_array_equal(read.edge_index, COLUMNS)
    elif suffix == ".npz":
        np.testing.assert_array_equal(read.toarray(), np.eye(3))
    else:
        assert torch.equal(read, graph)
    with pytest.raises(TypeError, match=rf"graph must be .* to be written as \{suffix}, got list"):
        wis.write_graph([1], path)
    with pytest.raises(
        TypeError, match=r"graph must be an edge table from wis\.read_graph to be written as \.csv, got "
    ):
        wis.write_graph(graph, tmp_path / "out.csv")
