"""What follows the edges: the rule, and graphs that people have had trouble with (the numbers are PyG's issues)."""

from __future__ import annotations

import array
import collections
import copy
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch
import torch_geometric.transforms as T  # noqa: N812  the name that PyG's users know
from torch_geometric.data import Batch, Data, HeteroData, TemporalData
from torch_geometric.utils import negative_sampling

import wis
from wis.graphs.edge_attributes import fitting_levels, follows_edges

RING = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
BOTH = torch.cat([RING, RING.flip(0)], dim=1)


def sparse_of(data: Data, keep: float = 0.5, **options: Any) -> tuple[Data, list[int]]:
    """The sparse graph, and the positions of the edges that it kept; these are told from one another by number."""
    number = torch.arange(data.num_edges)
    sparse = wis.sparsify(_with(data, edge_number=number), keep, method="random", seed=0, **options)
    kept = sparse.edge_number.tolist()
    assert torch.equal(sparse.edge_index, data.edge_index[:, kept])
    return sparse, kept


def _with(data: Data, **attributes: Any) -> Data:
    more = copy.copy(data)
    for name, value in attributes.items():
        more[name] = value
    return more


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("edge_label", torch.arange(12)),  # 8872, 6831
        ("edge_time", np.arange(12)),
        ("time", torch.arange(12)),
        ("edge_names", [f"e{i}" for i in range(12)]),
        ("edge_names", tuple(f"e{i}" for i in range(12))),
        ("weight", np.arange(12.0)),
        ("train_edge_mask", torch.arange(12) < 7),
        ("e_id", torch.arange(12)),
        ("edge_batch", torch.arange(12)),  # the graph of every edge
        ("y", torch.arange(12)),  # a label of every edge
    ],
)
def test_attributes_of_edges_follow_and_keep_their_type(name: str, value: Any) -> None:
    sparse, kept = sparse_of(Data(edge_index=BOTH, num_nodes=6, **{name: value}))
    assert len(kept) == 6
    assert type(sparse[name]) is type(value)
    assert list(sparse[name]) == [value[i] for i in kept]


def test_supervision_edges_never_change() -> None:
    data = Data(
        x=torch.eye(6),
        edge_index=BOTH,
        edge_label_index=BOTH.flip(1),
        edge_label=torch.arange(12),
        pos_edge_label_index=BOTH,
        pos_edge_label=torch.ones(12),
        neg_edge_label_index=BOTH,
        neg_edge_index=negative_sampling(BOTH, num_nodes=6),
        neg_edge_attr=torch.arange(12),
        neg_edge_weight=torch.arange(12),
        train_pos_edge_index=BOTH,
        train_pos_edge_attr=torch.arange(12),
        edge_index_s=BOTH,
        edge_attr_s=torch.arange(12),
        edge_label_time=torch.arange(12),
        dst_neg_index=torch.arange(12),
    )
    sparse, _ = sparse_of(data, directed=False)
    assert sparse.num_edges == 6
    for name in data.keys():  # noqa: SIM118
        if name not in ("edge_index", "x"):
            assert torch.equal(sparse[name], data[name]), name


@pytest.mark.parametrize("split", [False, True])
def test_random_link_split_before_and_after(split: bool) -> None:
    """3668: as many supervision edges as edges. 8872: labels stay with their edges, so the split finds them."""
    torch.manual_seed(0)
    whole = Data(edge_index=BOTH, num_nodes=6, edge_label=torch.arange(12))
    assert sparse_of(whole)[0].edge_label.tolist() == sparse_of(whole)[1]
    plain = Data(edge_index=BOTH, num_nodes=6)
    train, *_ = T.RandomLinkSplit(num_val=0, num_test=0, is_undirected=False, split_labels=split)(plain)
    names = ["pos_edge_label_index", "neg_edge_label_index"] if split else ["edge_label_index", "edge_label"]
    sparse = wis.sparsify(train, 0.5, method="random", seed=0)
    assert sparse.num_edges == 6
    for name in names:
        assert torch.equal(sparse[name], train[name])


def test_one_edge_or_two_columns_keep_the_labels_of_the_graph() -> None:
    """3879: a label of the graph, of a graph with one edge."""
    one = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, y=torch.tensor([3]))
    assert wis.sparsify(one, 0.0, directed=True).y.tolist() == [3]
    two = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3, y=torch.tensor([3.0, 4.0]))
    assert wis.sparsify(two, 0.0).y.tolist() == [3.0, 4.0]
    row = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, y=torch.tensor([[1.0, 2.0]]))
    assert wis.sparsify(row, 0.0, directed=False).y.tolist() == [[1.0, 2.0]]
    named = Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, energy=torch.tensor([1.0]))
    with pytest.raises(ValueError, match=r"energy has as many entries.*edge_attrs=\['energy'\].*edge_attrs=\[\]"):
        wis.sparsify(named, 0.0, directed=True)
    assert wis.sparsify(named, 0.0, directed=True, edge_attrs=[]).energy.tolist() == [1.0]


@pytest.mark.parametrize("name", ["time", "msg", "flow"])
def test_as_many_edges_as_vertices_leave_it_open(name: str) -> None:
    """10279"""
    data = Data(edge_index=RING, num_nodes=6, **{name: torch.arange(6)})
    with pytest.raises(ValueError, match=rf"{name} has as many.*as it has vertices: pass edge_attrs=\['{name}'\]"):
        wis.sparsify(data, directed=True)
    follows, kept = sparse_of(data, directed=True, edge_attrs=[name])
    assert follows[name].tolist() == kept
    assert sparse_of(data, directed=True, edge_attrs=[])[0][name].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("names", list("abcdef")),
        ("city", tuple("abcdef")),
        ("label", np.array(list("abcdef"))),
        ("y", torch.arange(6)),
        ("x", torch.arange(6.0)[:, None]),
        ("z", torch.arange(6)),
        ("n_id", torch.arange(6)),
        ("train_mask", torch.arange(6) < 3),
        ("node_time", torch.arange(6)),
        ("node_id", torch.arange(6)),  # 3626
        ("node_index", torch.arange(6)),
    ],
)
def test_attributes_of_vertices_stay_with_as_many_edges(name: str, value: Any) -> None:
    sparse, kept = sparse_of(Data(edge_index=RING, num_nodes=6, **{name: value}), directed=True)
    assert len(kept) == 3
    assert type(sparse[name]) is type(value)
    assert list(sparse[name]) == list(value)


@pytest.mark.parametrize("value", [torch.tensor(5), 3.5, "a graph", {"a": 1}, torch.ones(1, 6), np.float32(2)])
def test_what_belongs_to_the_graph_stays(value: Any) -> None:
    data = Data(edge_index=RING, num_nodes=6, info=value)
    assert sparse_of(data, directed=True)[0].info is value


def test_a_list_of_pairs_beside_the_edges_is_asked_about() -> None:
    """10768"""
    data = Data(edge_index=BOTH, num_nodes=6, pair_index=torch.arange(24).reshape(2, 12))
    with pytest.raises(ValueError, match=r"pair_index has as many.*its name calls it a list of vertices or of other"):
        wis.sparsify(data)
    sparse, kept = sparse_of(data, edge_attrs=["pair_index"])
    assert torch.equal(sparse.pair_index, data.pair_index[:, kept])
    assert torch.equal(wis.sparsify(data, edge_attrs=[]).pair_index, data.pair_index)


def test_items_of_a_mapping_follow() -> None:
    data = Data(edge_index=BOTH, num_nodes=6, edge_attr={"length": torch.arange(12), "unit": "m"})
    sparse, kept = sparse_of(data)
    assert sparse.edge_attr["length"].tolist() == kept
    assert sparse.edge_attr["unit"] == "m"
    assert data.edge_attr["length"].tolist() == list(range(12))


def test_items_of_mappings_follow_however_deep_and_whatever_their_keys() -> None:
    numbers = torch.arange(12)
    deep = collections.defaultdict(list, {0: numbers, "times": {("a", 1): {"seen": list(range(12))}}, "unit": "m"})
    info = MappingProxyType({"flow": numbers, "y": numbers[:6]})
    data = Data(edge_index=BOTH, num_nodes=6, edge_attr=deep, info=info)
    sparse, kept = sparse_of(data)
    assert sparse.edge_attr[0].tolist() == sparse.info["flow"].tolist() == kept
    assert sparse.edge_attr["times"] == {("a", 1): {"seen": kept}}
    assert type(sparse.edge_attr) is collections.defaultdict
    assert sparse.info["y"].tolist() == list(range(6))
    assert data.edge_attr["times"] == {("a", 1): {"seen": list(range(12))}}
    assert len(wis.sparsify(data, edge_attrs=["info.flow"]).info["flow"]) == 6
    graphs = [data, copy.copy(data)]
    for one, graph in zip(wis.sparsify(Batch.from_data_list(graphs)).to_data_list(), graphs, strict=True):
        alone = wis.sparsify(graph)
        assert one.edge_attr["times"] == alone.edge_attr["times"]
        assert torch.equal(one.edge_attr[0], alone.edge_attr[0])


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
@pytest.mark.parametrize("name", ["edge_attr", "edge_feat", "weather"])
def test_sparse_attributes_follow_in_their_layout(layout: torch.layout, name: str) -> None:
    dense = torch.arange(36.0).reshape(12, 3).fmod(5)
    data = Data(edge_index=BOTH, num_nodes=6, **{name: dense.to_sparse(layout=layout)})
    sparse, kept = sparse_of(data)
    assert sparse[name].layout == layout
    assert torch.equal(sparse[name].to_dense(), dense[kept])
    assert sparse[name]._nnz() == dense[kept].count_nonzero()
    assert torch.equal(data[name].to_dense(), dense)
    store = HeteroData({"a": {"x": torch.eye(6)}, ("a", "to", "a"): {"edge_index": BOTH, name: data[name]}})
    number = torch.arange(12)
    store["a", "to", "a"].number = number
    half = wis.sparsify(store, 0.5, method="random", seed=0)["a", "to", "a"]
    assert torch.equal(half[name].to_dense(), dense[half.number])


def test_sparse_attributes_of_any_dimensions_follow() -> None:
    dense = torch.arange(12 * 6).reshape(12, 3, 2).fmod(4)
    data = Data(edge_index=BOTH, num_nodes=6, edge_line=dense[:, 0, 0].to_sparse())
    data.edge_hybrid, data.edge_cube = dense.to_sparse(1), dense.to_sparse()
    data.edge_twice = torch.cat([dense.to_sparse().coalesce()] * 2, dim=1)  # not coalesced
    data.edge_pair_index = dense[:, :, 0].T.to_sparse()
    sparse, kept = sparse_of(data, edge_attrs=["edge_pair_index"])
    assert torch.equal(sparse.edge_line.to_dense(), dense[kept, 0, 0])
    assert torch.equal(sparse.edge_hybrid.to_dense(), dense[kept])
    assert torch.equal(sparse.edge_cube.to_dense(), dense[kept])
    assert torch.equal(sparse.edge_twice.to_dense(), torch.cat([dense[kept]] * 2, dim=1))
    assert torch.equal(sparse.edge_pair_index.to_dense(), dense[kept, :, 0].T)


@pytest.mark.parametrize("coalesced", [True, False])
def test_a_sparse_attribute_keeps_its_gradient(coalesced: bool) -> None:
    values = torch.ones(12, requires_grad=True)
    matrix = torch.sparse_coo_tensor(torch.arange(12).repeat(2, 1), values, (12, 12))
    sparse, kept = sparse_of(Data(edge_index=BOTH, num_nodes=6, edge_attr=matrix.coalesce() if coalesced else matrix))
    (sparse.edge_attr @ torch.ones(12, 1)).sum().backward()
    assert values.grad.tolist() == [float(i in kept) for i in range(12)]


def test_a_sparse_attribute_of_a_batch_comes_apart() -> None:
    graphs = [
        Data(edge_index=columns, num_nodes=6, edge_attr=torch.arange(columns.shape[1] * 2.0).reshape(-1, 2).to_sparse())
        for columns in (BOTH, BOTH[:, [0, 1, 6, 7]])
    ]
    sparse = wis.sparsify(Batch.from_data_list(graphs), 0.5)
    alone = [wis.sparsify(graph, 0.5) for graph in graphs]
    assert torch.equal(sparse.edge_attr.to_dense(), torch.cat([graph.edge_attr.to_dense() for graph in alone]))
    for one, other in zip(sparse.to_data_list(), alone, strict=True):
        assert torch.equal(one.edge_attr.to_dense(), other.edge_attr.to_dense())


class Ends(NamedTuple):
    tail: torch.Tensor
    head: torch.Tensor


ROWS = np.arange(12)
NOT_CUT = {
    "series": pd.Series(ROWS),
    "frame": pd.DataFrame({"a": ROWS}),
    "index": pd.Index(ROWS),
    "arrow": pa.array(ROWS),
    "array": array.array("q", range(12)),
    "range": range(12),
    "deque": collections.deque(range(12)),
    "view": memoryview(ROWS),
    "scipy": scipy.sparse.eye_array(12).tocsr(),
    "jagged": torch.nested.nested_tensor([torch.ones(i + 1) for i in range(12)], layout=torch.jagged),
    "nested": torch.nested.nested_tensor([torch.ones(i + 1) for i in range(12)], layout=torch.strided),
    "blocks": torch.eye(12).to_sparse_bsr((2, 2)),
    "two tensors": [torch.arange(12), torch.arange(12)],
    "two arrays": (ROWS, ROWS),
    "named": Ends(torch.arange(12), torch.arange(12)),
    "named entries": collections.namedtuple("Entries", [f"e{i}" for i in range(12)])(*range(12)),
    "inside": {"deep": {0: pd.Series(ROWS)}},
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("kind", NOT_CUT)
@pytest.mark.parametrize("name", ["edge_feat", "edge_attr"])
def test_what_follows_and_cannot_be_cut_is_named(kind: str, name: str) -> None:
    value = NOT_CUT[kind]
    message = rf"{name}(\.deep\.0)? follows the edges, and its type, .*, cannot be cut .* make it a tensor, a NumPy"
    data = Data(edge_index=BOTH, num_nodes=6)
    data[name] = value
    hetero = HeteroData({"a": {"x": torch.eye(6)}, ("a", "to", "a"): {"edge_index": BOTH}})
    hetero["a", "to", "a"][name] = value
    if name == "edge_attr" and isinstance(value, (list, tuple)) and len(value) != 12:
        message = "edge_attr must have one entry for each of the 12 columns"
    for graph in (data, hetero):
        with pytest.raises((TypeError, ValueError), match=message) as caught:
            wis.sparsify(graph)
        assert caught.type is TypeError or "must have one" in message
    events = TemporalData(src=BOTH[0], dst=BOTH[1], t=torch.arange(12))
    events.msg = value
    with pytest.raises(TypeError, match="msg.* follows the edges"):
        wis.sparsify(events)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("kind", [kind for kind in NOT_CUT if kind not in ("jagged", "blocks", "nested")])
def test_what_cannot_be_cut_is_named_in_a_batch(kind: str) -> None:
    graphs = [Data(edge_index=BOTH, num_nodes=6) for _ in range(2)]
    for graph in graphs:
        graph.edge_feat = NOT_CUT[kind]
    with pytest.raises(TypeError, match=r"edge_feat(\.deep\.0)? follows the edges, and its type, .*, cannot be cut"):
        wis.sparsify(Batch.from_data_list(graphs))


def test_the_same_by_length_alone() -> None:
    with pytest.raises(TypeError, match="time follows the edges, and its type, Series, cannot be cut"):
        wis.sparsify(Data(edge_index=BOTH, num_nodes=6, time=pd.Series(ROWS)))
    with pytest.raises(ValueError, match=r"time has as many entries .* pass edge_attrs=\['time'\]"):
        wis.sparsify(Data(edge_index=RING, num_nodes=6, time=pd.Series(range(6))), directed=True)
    with pytest.raises(TypeError, match="time follows the edges"):
        wis.sparsify(Data(edge_index=RING, num_nodes=6, time=pd.Series(range(6))), directed=True, edge_attrs=["time"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("edge_names", "twelve chars"),
        ("edge_bytes", b"twelve chars"),
        ("edge_kinds", set(range(12))),
        ("edge_range", range(11)),
        ("edge_ends", [torch.arange(11), torch.arange(13)]),
        ("adj_norm", torch.eye(12).to_sparse()),  # PyG puts matrices of this name along the diagonal
        ("index", pd.Series(range(11))),
        ("edge_label", pd.Series(ROWS)),
        ("table", pa.array(ROWS)),
    ],
)
def test_what_does_not_follow_may_be_anything(name: str, value: Any) -> None:
    data = Data(edge_index=BOTH, num_nodes=6, edge_label_index=BOTH)
    data[name] = value
    assert sparse_of(data)[0][name] is value


def test_stored_numbers_of_edges_are_counted_again() -> None:
    data = Data(edge_index=BOTH, num_nodes=6, num_sampled_edges=[5, 7], num_sampled_nodes=[1, 2, 3])
    sparse, kept = sparse_of(data)
    assert sparse.num_sampled_edges == [sum(i < 5 for i in kept), sum(i >= 5 for i in kept)]
    assert sparse.num_sampled_nodes == [1, 2, 3]


def test_the_graph_given_is_left_as_it_was() -> None:
    data = Data(edge_index=BOTH, x=torch.eye(6), edge_attr=torch.arange(12), names=list("abcdef"))
    before, hidden = data.to_dict(), set(vars(data._store))
    wis.sparsify(data)
    assert set(vars(data._store)) == hidden  # no cache of PyG's either
    assert data.to_dict().keys() == before.keys()
    assert all(data[name] is before[name] for name in before)


@pytest.mark.parametrize(
    ("edge_attrs", "error", "message"),
    [
        ("time", TypeError, "edge_attrs must be a list of names, got 'time'"),
        ([3], TypeError, "must be a list of names"),
        (["weather"], ValueError, "names 'weather', which the graph does not have; it has"),
        (["edge_label_index"], ValueError, "by its name does not belong to the edges"),
        (["half"], ValueError, "'half', which does not have one entry for each edge"),
    ],
)
def test_bad_edge_attrs_are_named(edge_attrs: Any, error: type[Exception], message: str) -> None:
    data = Data(edge_index=BOTH, num_nodes=6, edge_label_index=BOTH, half=torch.arange(6))
    with pytest.raises(error, match=message):
        wis.sparsify(data, edge_attrs=edge_attrs)


def test_edge_attrs_are_for_graphs_of_pyg() -> None:
    with pytest.raises(TypeError, match=r"edge_attrs is for graphs of PyG, got torch\.Tensor"):
        wis.sparsify(BOTH, edge_attrs=["time"])


def test_an_order_asks_for_edge_attrs_when_it_is_applied() -> None:
    data = Data(edge_index=RING, num_nodes=6, time=torch.arange(6))
    order = wis.removal_order(data, directed=True, edge_attrs=[])
    with pytest.raises(ValueError, match="time has as many"):
        order.apply(data)
    half = order.apply(data, edge_attrs=["time"])
    assert half.time.tolist() == order.kept_columns(RING).tolist()


def test_the_transform_takes_edge_attrs() -> None:
    data = Data(edge_index=RING, num_nodes=6, time=torch.arange(6))
    sparse = wis.Sparsify(0.5, directed=True, edge_attrs=["time"])(data)
    assert len(sparse.time) == sparse.num_edges == 3


def test_lengths_of_the_graphs_of_a_batch_settle_more() -> None:
    """In one of two graphs, edges and vertices differ in number."""
    ring, path = Data(edge_index=RING, num_nodes=6), Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3)
    batch = Batch.from_data_list([_with(ring, time=torch.arange(6)), _with(path, time=torch.arange(2) + 10)])
    sparse = wis.sparsify(batch, 0.5, method="random", seed=0, directed=True)
    assert [len(graph.time) for graph in sparse.to_data_list()] == [3, 1]


@pytest.mark.parametrize(
    ("length", "sizes", "expected"),
    [
        (6, (5, 6), {"edges"}),
        (6, (6, 6), {"edges", "vertices"}),
        (1, (5, 1), {"edges", "graph"}),
        (2, (5, 2), {"edges", "graph"}),
        (4, (5, 4, 4), {"edges", "graph"}),
        (3, (5, 6), set()),
        (np.array([2, 3]), (np.array([2, 2]), np.array([2, 3])), {"edges"}),
    ],
)
def test_what_a_length_fits(length: Any, sizes: tuple, expected: set[str]) -> None:
    assert fitting_levels(length, *sizes) == expected


def test_the_rule_looks_at_names_first() -> None:
    fits = {"edges", "vertices"}
    assert follows_edges("edge_attr", fits, ["edge_attr"])
    assert follows_edges("edge_label", fits, ["edge_label"])
    assert not follows_edges("edge_label", fits, ["edge_label", "edge_label_index"])
    assert not follows_edges("rating", {"edges"}, ["rating", "rating_index"])  # RandomLinkSplit(key="rating")
    assert not follows_edges("ptr", {"edges"}, ["ptr"])
    assert not follows_edges("edge_attr_batch", {"edges"}, ["edge_attr"])
    assert not follows_edges("hyperedge_index", {"edges"}, ["hyperedge_index"])
    assert not follows_edges("hyperedge_attr", {"edges"}, ["hyperedge_index"])
    assert follows_edges("edge_attr", {"edges"}, ["edge_index", "neg_edge_index", "edge_index_s"])


def test_what_a_loader_was_asked_for_stays() -> None:
    """PyG's NeighborLoader notes the seeds of a batch, which may be as many as the edges that it sampled."""
    ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    batch = Data(x=torch.ones(7, 2), edge_index=ring, n_id=torch.arange(7), e_id=torch.arange(4), batch_size=4)
    batch.input_id, batch.seed_time = torch.tensor([10, 11, 12, 13]), torch.arange(4)
    sparse = wis.sparsify(batch, 0.5, directed=False)
    assert sparse.e_id.shape == (2,)
    assert torch.equal(sparse.input_id, batch.input_id)
    assert torch.equal(sparse.seed_time, batch.seed_time)


def test_what_has_the_length_of_the_edges_by_chance_is_not_cut() -> None:
    """A vector of six numbers a graph, one of whose graphs has six edges."""
    graphs = [
        Data(edge_index=torch.arange(edges).repeat(2, 1).add(torch.tensor([[0], [1]])), fingerprint=torch.ones(6))
        for edges in (4, 6, 9)
    ]
    for graph in graphs:
        graph.capacity = torch.arange(graph.num_edges)
    message = (
        "fingerprint has one entry for each edge in some of the graphs and not in others: if it belongs to the graph"
    )
    with pytest.raises(ValueError, match=f"graph number 1 of the list: {message}"):
        wis.sparsify(graphs, 0.5, directed=False)
    transform = wis.Sparsify(0.5, directed=False)
    transform(graphs[0])
    with pytest.raises(ValueError, match=message):
        transform(graphs[1])
    transform(graphs[2])
    for graph in graphs:
        graph.fingerprint = graph.fingerprint[None]
    sparse = wis.sparsify(graphs, 0.5, directed=False)
    assert [one.fingerprint.shape for one in sparse] == [(1, 6)] * 3
    assert [one.capacity.shape for one in sparse] == [(2,), (3,), (4,)]


def test_what_reads_edges_alone_asks_nothing() -> None:
    """Neither what cannot be cut, nor what may belong to vertices or edges."""
    frame = pd.DataFrame({"a": range(12)})
    data = Data(edge_index=BOTH, num_nodes=12, edge_attr=frame, time=torch.arange(12))
    with pytest.raises(TypeError, match="edge_attr follows the edges, and its type, DataFrame, cannot be cut"):
        wis.sparsify(data, edge_attrs=["time"])
    assert wis.closed_walks(data, 2).tolist() == [3] * 6 + [0] * 6
    assert wis.walk_index(data, [0], 1) == 3
    order = wis.removal_order(BOTH, num_nodes=12)
    assert int(order.column_mask(data).sum()) == 6
