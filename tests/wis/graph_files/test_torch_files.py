"""What users of PyG have in ``.pt`` files, and what is never let in."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T  # noqa: N812  the name that PyG's users know
from torch_geometric.data import Batch, Data, HeteroData, InMemoryDataset, TemporalData
from torch_geometric.data.batch import DynamicInheritanceGetter

import wis

ONE_WAY = torch.tensor([[0, 0, 1, 2], [1, 2, 2, 3]])
BOTH_WAYS = torch.cat([ONE_WAY, ONE_WAY.flip(0)], dim=1)
KEPT = [[0, 2, 1, 3], [1, 3, 0, 2]]


def data(**more: Any) -> Data:
    return Data(x=torch.eye(4), edge_index=BOTH_WAYS, edge_attr=torch.arange(8.0), **more)


def read_by_sparsify() -> Data:
    made = data()
    wis.sparsify(made)
    made.is_undirected(), made.is_coalesced(), made.is_node_attr("x")
    return made


def cached(made: Data) -> Data:
    assert made.is_edge_attr("edge_attr")
    assert made.is_node_attr("x")
    return made


GRAPHS = {
    "after ToUndirected": lambda: T.ToUndirected()(
        Data(x=torch.eye(4), edge_index=ONE_WAY, edge_attr=torch.arange(4.0))
    ),
    "read by wis.sparsify": read_by_sparsify,
    "with PyG's cache": lambda: cached(data()),
    "NumPy attributes": lambda: data(names=np.array(["a", "b", "c"]), when=np.float64(2.5), ids=np.arange(3)),
    "adj_t": lambda: T.ToSparseTensor()(Data(x=torch.eye(4), edge_index=BOTH_WAYS)),
}


def saved(path: Path, stored: Any) -> Any:
    torch.save(stored, path)
    return wis.read_graph(path)


@pytest.mark.filterwarnings("ignore:.*(Sparse CSR|beta state)")
@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_as_people_have_it(tmp_path: Path, name: str) -> None:
    made = GRAPHS[name]()
    graph = saved(tmp_path / "in.pt", made)
    assert type(graph) is Data
    assert graph.keys() == made.keys()
    wis.write_graph(wis.sparsify(graph, 0.5), tmp_path / "out.pt")
    sparse = wis.read_graph(tmp_path / "out.pt")
    assert load_pairs(sparse) == [[0, 2], [1, 3]]
    assert torch.equal(sparse.x, torch.eye(4))
    for key in ("names", "when", "ids"):
        if key in made:
            assert type(sparse[key]) is type(made[key])
            np.testing.assert_array_equal(sparse[key], made[key])


def test_what_torch_lets_in_is_as_before(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    saved(tmp_path / "in.pt", data())
    assert set(torch.serialization.get_safe_globals()) == before


def load_pairs(graph: Any) -> list[list[int]]:
    order = wis.removal_order(graph, depth=2)
    return sorted(order.edges.tolist())


def test_a_data_set_of_pyg(tmp_path: Path) -> None:
    for graphs in ([data()], [data(), data(), data()]):
        InMemoryDataset.save(graphs, tmp_path / "in.pt")
        read = wis.read_graph(tmp_path / "in.pt")
        parts = read if isinstance(read, list) else [read]
        assert len(parts) == len(graphs)
        assert all(torch.equal(part.edge_index, BOTH_WAYS) and torch.equal(part.x, torch.eye(4)) for part in parts)
    made, slices = InMemoryDataset.collate([data(y=torch.tensor([i])) for i in range(2)])
    read = saved(tmp_path / "in.pt", (made, slices))
    assert [part.y.tolist() for part in read] == [[0], [1]]
    assert [part.edge_index.tolist() for part in wis.sparsify(read, 0.5)] == [KEPT, KEPT]


def test_several_graphs(tmp_path: Path) -> None:
    read = saved(tmp_path / "in.pt", [data(), data()])
    wis.write_graph(wis.sparsify(read, 0.5), tmp_path / "out.pt")
    assert [part.edge_index.tolist() for part in wis.read_graph(tmp_path / "out.pt")] == [KEPT, KEPT]
    batch = Batch.from_data_list([data(), data()])
    read = saved(tmp_path / "in.pt", batch)
    assert type(read) is type(batch)
    assert [part.edge_attr.tolist() for part in read.to_data_list()] == [list(range(8))] * 2
    wis.write_graph(wis.sparsify(read, 0.5), tmp_path / "out.pt")
    assert [part.edge_index.tolist() for part in wis.read_graph(tmp_path / "out.pt").to_data_list()] == [KEPT, KEPT]


def test_other_types(tmp_path: Path) -> None:
    hetero = HeteroData({"a": {"x": torch.eye(4)}, ("a", "to", "a"): {"edge_index": BOTH_WAYS}})
    read = saved(tmp_path / "in.pt", T.ToUndirected()(hetero))
    sparse = wis.sparsify(read, 0.5)["a", "to", "a"].edge_index
    assert sorted(sparse.T.tolist()) == sorted(torch.tensor(KEPT).T.tolist())
    read = saved(tmp_path / "in.pt", Batch.from_data_list([hetero, hetero]))
    assert read.num_graphs == 2
    events = TemporalData(src=ONE_WAY[0], dst=ONE_WAY[1], t=torch.arange(4), msg=torch.eye(4))
    assert torch.equal(saved(tmp_path / "in.pt", events).msg, torch.eye(4))
    read = saved(tmp_path / "in.pt", {"edge_index": BOTH_WAYS, "x": torch.eye(4), "edge_attr": torch.arange(8)})
    assert type(read) is Data
    assert wis.sparsify(read, 0.5).edge_attr.tolist() == [0, 3, 4, 7]


class _Evil:
    def __reduce__(self) -> Any:
        return (print, ("unpickled",))


class _EvilBatch:
    def __reduce__(self) -> Any:
        return (DynamicInheritanceGetter(), (_Evil, _Evil), {})


class _EvilDict:
    def __reduce__(self) -> Any:
        return (collections.defaultdict, (print,), None, None, iter([("a", 1)]))


@pytest.mark.parametrize("what", [_Evil(), [data(), _Evil()], data(more=_Evil()), _EvilBatch(), np.array([_Evil()])])
def test_nothing_else_is_let_in(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: Any) -> None:
    torch.save(what, tmp_path / "in.pt")
    with pytest.raises(ValueError, match=r"in\.pt cannot be loaded safely; it must hold .*: it would load \S+$"):
        wis.read_graph(tmp_path / "in.pt")
    assert "unpickled" not in capsys.readouterr().out


def test_the_stand_in_for_a_dictionary_calls_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"edge_index": BOTH_WAYS, "more": _EvilDict()}, tmp_path / "in.pt")
    with pytest.raises(ValueError, match=r"it would load (builtins\.)?print$"):
        wis.read_graph(tmp_path / "in.pt")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "stored",
    [
        [],
        [1, 2],
        {"a": 1},
        5,
        "edge_index",
        (1, 2, 3),
        [data(), 1],
        None,
        (data(), {"x": 3}),
        (data(), {"x": torch.tensor([0, 9])}),
        (1,),
    ],
)
def test_what_is_no_graph_is_refused(tmp_path: Path, stored: Any) -> None:
    torch.save(stored, tmp_path / "in.pt")
    with pytest.raises(ValueError, match=r"in\.pt (must hold|cannot be loaded)"):
        wis.read_graph(tmp_path / "in.pt")


@pytest.mark.parametrize("content", [b"", b"\x80\x02.", b"PK\x03\x04", b"0,1\n", pickle.dumps([1])])
def test_damaged_files_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"in\.pt (must hold|cannot be loaded)"):
        wis.read_graph(tmp_path / "in.pt")
