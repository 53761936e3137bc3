"""Merging parallel edges."""

from __future__ import annotations

import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data

import wis

COLUMNS = torch.tensor([[0, 1, 0, 2, 0], [1, 0, 1, 2, 1]])


@pytest.mark.parametrize(
    ("reduce", "expected"), [("sum", [9.0, 2, 4]), ("mean", [3.0, 2, 4]), ("max", [5.0, 2, 4]), ("min", [1.0, 2, 4])]
)
def test_copies_become_one(reduce: str, expected: list[float]) -> None:
    data = Data(
        x=torch.eye(4),
        edge_index=COLUMNS,
        edge_weight=torch.tensor([1.0, 2, 3, 4, 5]),
        edge_attr=torch.tensor([[1.0, 0], [2, 0], [3, 0], [4, 0], [5, 0]]),
    )
    merged = wis.merge_parallel_edges(data, reduce)
    assert merged.edge_index.tolist() == [[0, 1, 2], [1, 0, 2]]
    assert merged.edge_weight.tolist() == expected
    assert merged.edge_attr.tolist() == [[value, 0] for value in expected]
    assert (merged.num_nodes, data.num_edges) == (4, 5)


def test_a_graph_without_attributes() -> None:
    assert wis.merge_parallel_edges(COLUMNS).tolist() == [[0, 1, 2], [1, 0, 2]]
    assert wis.merge_parallel_edges(Data(edge_index=COLUMNS, num_nodes=9)).num_nodes == 9


@pytest.mark.parametrize(
    ("columns", "dtype"),
    [
        ([[0, 0, 1], [1, 1, 0]], torch.uint8),
        ([[200, 200, 0], [1, 1, 199]], torch.uint8),
        ([[5, 5, 200, 0], [7, 7, 9, 1]], torch.int16),
        ([[46341, 46341, 65536, 0, 0], [5, 5, 7, 1, 92680]], torch.int32),
    ],
)
def test_vertices_in_few_bits(columns: list[list[int]], dtype: torch.dtype) -> None:
    """Keys of pairs are larger than vertices: edges were lost."""
    expected = [list(pair) for pair in sorted(set(zip(*columns, strict=True)))]
    edge_index = torch.tensor(columns, dtype=dtype)
    for merged in (
        wis.merge_parallel_edges(edge_index),
        wis.merge_parallel_edges(Data(edge_index=edge_index)).edge_index,
    ):
        assert merged.dtype == dtype
        assert merged.T.tolist() == expected


def test_an_edge_index_of_pyg() -> None:
    merged = wis.merge_parallel_edges(EdgeIndex(COLUMNS, sparse_size=(3, 3)))
    assert isinstance(merged, EdgeIndex)
    assert merged.tolist() == [[0, 1, 2], [1, 0, 2]]


@pytest.mark.parametrize(
    ("dtype", "reduce", "expected", "result"),
    [
        (torch.int32, "sum", 302, torch.int32),
        (torch.uint8, "max", 101, torch.uint8),
        (torch.uint8, "mean", 302 / 3, torch.float32),
        (torch.float16, "mean", 302 / 3, torch.float16),
    ],
)
def test_no_sum_wraps(dtype: torch.dtype, reduce: str, expected: float, result: torch.dtype) -> None:
    numbers = torch.tensor([100, 101, 101]).to(dtype)
    copies = Data(edge_index=torch.tensor([[0, 0, 0], [1, 1, 1]]), edge_weight=numbers, num_nodes=2)
    merged = wis.merge_parallel_edges(copies, reduce).edge_weight
    assert torch.equal(merged, torch.tensor([expected]).to(result))
    assert merged.dtype == result


def test_a_mean_on_the_way_to_which_the_sum_is_too_large() -> None:
    numbers = torch.full((2,), 40_000, dtype=torch.float16)
    copies = Data(edge_index=torch.tensor([[0, 0], [1, 1]]), edge_weight=numbers, num_nodes=2)
    assert wis.merge_parallel_edges(copies, "mean").edge_weight.tolist() == [40_000]


def test_a_mean_of_whole_numbers_has_one_type() -> None:
    for heads in ([1, 1], [1, 2]):
        copies = Data(edge_index=torch.tensor([[0, 0], heads]), edge_weight=torch.tensor([1, 2]), num_nodes=3)
        assert wis.merge_parallel_edges(copies, "mean").edge_weight.dtype == torch.float32


def test_a_stored_number_of_edges_is_counted_again() -> None:
    assert wis.merge_parallel_edges(Data(edge_index=COLUMNS, num_nodes=3, num_edges=5)).num_edges == 3


def test_what_cannot_be_merged() -> None:
    with pytest.raises(TypeError, match=r"graph\.edge_names follows the edges, but is no tensor of numbers"):
        wis.merge_parallel_edges(Data(edge_index=COLUMNS, num_nodes=3, edge_names=list("abcde")))
    with pytest.raises(ValueError, match=r"graph\.edge_weight has sums that do not fit into torch\.uint8"):
        wis.merge_parallel_edges(Data(edge_index=COLUMNS, edge_weight=torch.full((5,), 100, dtype=torch.uint8)))
    with pytest.raises(ValueError, match="reduce must be .*'sum'.*got 'median'"):
        wis.merge_parallel_edges(COLUMNS, "median")
    with pytest.raises(TypeError, match="must be a PyG Data or an edge_index tensor, got list"):
        wis.merge_parallel_edges([(0, 1)])
    for columns, error in [(COLUMNS.float(), TypeError), (COLUMNS[0], ValueError), (COLUMNS - 1, ValueError)]:
        with pytest.raises(error, match="graph"):
            wis.merge_parallel_edges(columns)
    with pytest.raises(TypeError, match="edge_attrs is for a PyG Data, got a tensor"):
        wis.merge_parallel_edges(COLUMNS, edge_attrs=["weight"])
    with pytest.raises(TypeError, match="edge_attrs must be a list of names, got 5"):
        wis.merge_parallel_edges(Data(edge_index=COLUMNS, num_nodes=3), edge_attrs=5)
    batch = Batch.from_data_list([Data(edge_index=COLUMNS, num_nodes=3)])
    with pytest.raises(TypeError, match="got DataBatch"):
        wis.merge_parallel_edges(batch)
