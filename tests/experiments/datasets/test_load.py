from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch
from torch_geometric.data import Data
from torch_geometric.utils import homophily
from wis.experiments.datasets import load as datasets
from wis.experiments.datasets import raw
from wis.experiments.datasets.cache import read_cache, write_cache
from wis.experiments.datasets.catalogue import DIGITS_NEIGHBOURS, find
from wis.experiments.datasets.splits import MASKS

from tests.conftest import SHARED

SHARED_DATA = Path(os.environ.get("WIS_DATA_ROOT", SHARED / "data" / "pyg"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("WIS_DATA_ROOT", raising=False)


@pytest.fixture
def shared_root():
    if not SHARED_DATA.is_dir():
        pytest.skip("the published data sets are not on this machine")
    return SHARED_DATA


def write_dblp(root, num_nodes=20, seed=0):
    """A small citation graph with a self-loop, a duplicate and one-way edges, in the format of DBLP's raw file."""
    rng = np.random.default_rng(seed)
    adjacency = scipy.sparse.random_array((num_nodes, num_nodes), density=0.2, rng=rng, format="csr")
    adjacency = scipy.sparse.csr_array(adjacency + scipy.sparse.eye_array(num_nodes))
    features = scipy.sparse.random_array((num_nodes, 30), density=0.1, rng=rng, format="csr")
    raw = root / "dblp" / "raw"
    raw.mkdir(parents=True)
    arrays = {"labels": rng.integers(0, 3, num_nodes)}
    for name, matrix in (("adj", adjacency), ("attr", features)):
        arrays |= {f"{name}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr", "shape")}
    np.savez(raw / "dblp.npz", **arrays)
    return adjacency, features, arrays["labels"]


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_digits_is_a_symmetric_neighbour_graph():
    data = datasets.load("Digits")
    assert data.name == "digits"
    assert data.num_nodes == 1797
    assert data.num_edges == 2 * find("digits").num_pairs
    assert data.x.shape == (1797, 64)
    assert data.x.min() == 0
    assert data.x.max() == 1
    assert not data.has_self_loops()
    assert data.is_undirected()
    assert data.is_coalesced()
    degree = torch.bincount(data.edge_index[0], minlength=1797)
    assert degree.min() == DIGITS_NEIGHBOURS
    assert homophily(data.edge_index, data.y) > 0.95


def test_neighbours_of_digits_are_the_nearest():
    data = datasets.load("digits")
    distance = torch.cdist(data.x, data.x)
    distance.fill_diagonal_(torch.inf)
    farthest = distance.sort(dim=1).values[:, DIGITS_NEIGHBOURS - 1]
    u, v = data.edge_index
    assert (distance[u, v] <= torch.maximum(farthest[u], farthest[v]) + 1e-5).all()


def test_digits_are_built_once(monkeypatch):
    first = datasets.load("digits")
    monkeypatch.setattr(datasets, "_build_digits", lambda: pytest.fail("built again"))
    second = datasets.load("digits")
    assert first.keys() == second.keys()
    for key in ("x", "edge_index", "y", "train_mask"):
        assert torch.equal(first[key], second[key])
        assert first[key].dtype == second[key].dtype


def test_pyg_file_is_read_and_made_simple(tmp_path):
    adjacency, features, labels = write_dblp(tmp_path)
    data = datasets.load("dblp", tmp_path)
    dense = adjacency.toarray() != 0
    expected = dense | dense.T
    np.fill_diagonal(expected, False)
    assert np.array_equal(data.edge_index.numpy(), np.stack(np.nonzero(expected)))
    assert np.array_equal(data.x.numpy(), (features.toarray() != 0).astype(np.float32))
    assert np.array_equal(data.y.numpy(), labels)
    assert int(data.train_mask.sum()) == 16


def test_second_load_reads_the_cache_and_a_changed_file_does_not(tmp_path, monkeypatch):
    write_dblp(tmp_path / "a")
    first = datasets.load("DBLP", tmp_path / "a")
    parses = []
    parse = raw.parse
    monkeypatch.setattr(raw, "parse", lambda *arguments: parses.append(1) or parse(*arguments))
    second = datasets.load("DBLP", tmp_path / "a")
    assert parses == []
    assert first.keys() == second.keys()
    for key in ("x", "edge_index", "y", "train_mask"):
        assert torch.equal(first[key], second[key])
        assert first[key].dtype == second[key].dtype
    write_dblp(tmp_path / "b", num_nodes=24)
    (tmp_path / "b/dblp/raw/dblp.npz").replace(tmp_path / "a/dblp/raw/dblp.npz")
    assert datasets.load("DBLP", tmp_path / "a").num_nodes == 24
    assert parses == [1]


def test_nothing_is_written_into_the_data_root(tmp_path, monkeypatch):
    root = tmp_path / "root"
    write_dblp(root)
    for folder in (root / "dblp" / "raw", root / "dblp", root):
        folder.chmod(0o555)
    before = files_below(root)
    monkeypatch.setenv("WIS_DATA_ROOT", str(root))
    assert datasets.load("DBLP").num_nodes == 20
    assert files_below(root) == before
    for folder in (root, root / "dblp", root / "dblp" / "raw"):
        folder.chmod(0o755)


def test_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch, caplog):
    write_dblp(tmp_path / "root")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert datasets.load("DBLP", tmp_path / "root").num_nodes == 20
    assert "cache cannot be written" in caplog.text


def test_impossible_download_says_which_files_go_where(tmp_path, monkeypatch):
    def fail(dataset, scratch):
        Path(scratch, "half-a-file").write_text("x")
        raise OSError("no route to host")

    monkeypatch.setattr(raw, "_fetch", fail)
    with pytest.raises(FileNotFoundError, match=r"no route to host.*raw/ind\.pubmed\.graph.*WIS_DATA_ROOT") as error:
        datasets.load("PubMed", tmp_path / "root")
    assert str(tmp_path / "root" / "PubMed") in str(error.value)
    assert files_below(tmp_path / "root") == []


def test_download_lands_in_the_root(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "_fetch", lambda dataset, scratch: write_dblp(Path(scratch)))
    assert datasets.load("DBLP", tmp_path / "root").num_nodes == 20
    assert files_below(tmp_path / "root") == ["dblp", "dblp/raw", "dblp/raw/dblp.npz"]


def write_minesweeper(root):
    """Four cells in a row, with two published splits, in Platonov et al.'s format."""
    arrays = {"node_features": np.eye(4, dtype=np.float32), "node_labels": np.array([0, 1, 0, 1])}
    arrays["edges"] = np.array([[0, 1], [2, 1], [2, 3], [3, 3]])
    for i, part in enumerate(("train", "val", "test")):
        arrays[f"{part}_masks"] = np.stack([np.arange(4) % 3 == i, np.arange(4) % 3 == (i + 1) % 3])
    path = root / "minesweeper" / "raw" / "minesweeper.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, **arrays)


def test_published_splits_are_columns(tmp_path):
    write_minesweeper(tmp_path)
    for _ in range(2):  # from the raw file, then from the cache
        first, second = (datasets.load("minesweeper", tmp_path, split=split) for split in (0, 1))
        assert first.edge_index.tolist() == [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]
        assert first.train_mask.tolist() == second.test_mask.tolist() == [True, False, False, True]
        assert first.val_mask.tolist() == second.train_mask.tolist() == [False, True, False, False]
        assert (first.metric, first.name) == ("roc_auc", "minesweeper")
    drawn = datasets.load("minesweeper", tmp_path, split=5, parts=(0.5, 0.25, 0.25))
    assert int(drawn.train_mask.sum()) == 2
    with pytest.raises(ValueError, match="there is no split 2: train_mask has splits 0 to 1"):
        datasets.load("minesweeper", tmp_path, split=2)


def write_ogb(root):
    """A directed graph of six papers in the files of ogbn-arxiv."""
    folder = root / "ogbn_arxiv"
    tables = {
        "raw/edge": "0,1\n1,0\n1,2\n2,2\n4,5\n1,2\n",
        "raw/num-node-list": "6\n",
        "raw/num-edge-list": "6\n",
        "raw/node-feat": "\n".join("0.5,1.5" for _ in range(6)) + "\n",
        "raw/node-label": "0\n1\n2\n0\n1\n2\n",
        "raw/node_year": "2016\n2017\n2018\n2019\n2020\n2017\n",
        "split/time/train": "0\n1\n5\n",
        "split/time/valid": "2\n",
        "split/time/test": "3\n4\n",
    }
    for name, text in tables.items():
        path = folder / f"{name}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))


def test_ogb_files_are_read_with_their_own_split(tmp_path):
    write_ogb(tmp_path)
    before = files_below(tmp_path / "ogbn_arxiv")
    for _ in range(2):
        data = datasets.load("ogbn-arxiv", tmp_path, split=7)
        assert data.edge_index.tolist() == [[0, 1, 1, 2, 4, 5], [1, 0, 2, 1, 5, 4]]
        assert data.x.tolist() == [[0.5, 1.5]] * 6
        assert data.y.tolist() == [0, 1, 2, 0, 1, 2]
        assert data.train_mask.tolist() == [True, True, False, False, False, True]
        assert data.val_mask.nonzero().flatten().tolist() == [2]
        assert data.test_mask.nonzero().flatten().tolist() == [3, 4]
    assert files_below(tmp_path / "ogbn_arxiv") == before


class _Exploit:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickle_that_runs_code_is_refused_before_it_runs(tmp_path, protocol):
    raw = tmp_path / "Cora" / "raw"
    raw.mkdir(parents=True)
    for file in find("Cora").files:
        (tmp_path / "Cora" / file).write_bytes(pickle.dumps(_Exploit(), protocol=protocol))
    with pytest.raises(ValueError, match="is not Planetoid data"):
        datasets.load("Cora", tmp_path)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match=r"unknown dataset 'cara'; did you mean 'Cora'\?; the datasets are: digits, Cora, "
    ):
        datasets.load("cara")
    with pytest.raises(TypeError, match="must be a string, got int"):
        datasets.load(3)


_PUBLISHED = ["Cora", "DBLP", "Computers", "chameleon", "chameleon-filtered", "squirrel-filtered", "minesweeper"]
_PUBLISHED += [pytest.param("squirrel", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", _PUBLISHED)
def test_published_data_have_their_stated_size(shared_root, name):
    data, stated = datasets.load(name, shared_root), find(name)
    assert data.num_nodes == stated.num_nodes
    assert data.num_edges == 2 * stated.num_pairs
    assert data.num_features == stated.num_features
    assert int(data.y.max()) + 1 == stated.num_classes
    assert data.is_undirected()
    assert not data.has_self_loops()


def cached_file(tmp_path) -> Path:
    (path,) = (tmp_path / "cache" / "wis" / "processed").glob("*.npz")
    return path


def change(path: Path, **arrays) -> None:
    """Replace some arrays of a cached file, as a bit error or a bad disk might."""
    with np.load(path) as file:
        changed = {**file, **arrays}
    np.savez(path, **{name: array for name, array in changed.items() if array is not None})


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-300]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>"),
    "flipped": lambda path: path.write_bytes(bytes(255 - byte for byte in path.read_bytes())),
    "a pickle": lambda path: change(path, y=np.array([{}], dtype=object)),
    "without labels": lambda path: change(path, y=None),
    "with another array": lambda path: change(path, z=np.zeros(3)),
    "short labels": lambda path: change(path, y=np.zeros(3, dtype=np.int64)),
    "edges out of range": lambda path: change(path, edge_index=np.array([[0, 1], [1, 10**9]])),
    "negative edges": lambda path: change(path, edge_index=np.array([[0, 1], [1, -1]])),
    "edges as one row": lambda path: change(path, edge_index=np.zeros(4, dtype=np.int64)),
    "features of another shape": lambda path: change(path, x_shape=np.array([19, 10**12])),
    "features without a shape": lambda path: change(path, x_shape=None),
}


def sparse(**changes):
    """Features of which only the non-zeros are kept, with a damaged index."""
    parts = {"x_data": [1.0, 1.0], "x_indices": [0, 1], "x_indptr": [0, 1, *[2] * 19], "x_shape": [20, 9]} | changes
    kinds = {"x_data": np.float32, "x_indices": np.int32, "x_indptr": np.int32, "x_shape": np.int64}
    return {name: np.array(values, dtype=kinds[name]) for name, values in parts.items()} | {"x": None}


DAMAGE |= {
    "rows that fall": lambda path: change(path, **sparse(x_indptr=[0, 2, 1, *[2] * 18])),
    "rows beyond the end": lambda path: change(path, **sparse(x_indptr=[0, 1, *[99] * 19])),
    "columns out of range": lambda path: change(path, **sparse(x_indices=[0, 10**6])),
    "negative columns": lambda path: change(path, **sparse(x_indices=[0, -5])),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_made_again(tmp_path, caplog, damage):
    write_dblp(tmp_path / "root")
    whole = datasets.load("DBLP", tmp_path / "root")
    path = cached_file(tmp_path)
    DAMAGE[damage](path)
    for again in (True, False):
        caplog.clear()
        data = datasets.load("DBLP", tmp_path / "root")
        assert ("parsing DBLP again" in caplog.text) == again
        for key in ("x", "edge_index", "y", "train_mask"):
            assert torch.equal(data[key], whole[key])


def test_sparse_features_that_are_whole_are_taken(tmp_path):
    write_dblp(tmp_path / "root")
    datasets.load("DBLP", tmp_path / "root")
    change(cached_file(tmp_path), **sparse())
    x = datasets.load("DBLP", tmp_path / "root").x
    assert (x.shape, x.nonzero().tolist()) == ((20, 9), [[0, 0], [1, 1]])


@pytest.mark.parametrize("shape", [(20,), (20, 3)])
def test_masks_of_one_split_or_several_are_taken(tmp_path, shape):
    data = Data(x=torch.rand(20, 4), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.arange(20))
    for name in MASKS:
        data[name] = torch.rand(shape) > 0.5
    write_cache(tmp_path / "a.npz", data)
    again = read_cache(tmp_path / "a.npz")
    assert all(torch.equal(again[name], data[name]) for name in ("x", "y", "edge_index", *MASKS))
    change(tmp_path / "a.npz", val_mask=np.zeros((3, 20), dtype=bool))
    with pytest.raises(ValueError, match=r"a\.npz is damaged: ValueError: val_mask of another type or shape"):
        read_cache(tmp_path / "a.npz")
