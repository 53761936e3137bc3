"""Merging parallel edges."""

from __future__ import annotations

import pytest
import torch
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


def test_what_cannot_be_merged() -> None:
    with pytest.raises(TypeError, match=r"graph\.edge_names follows the edges, but is no tensor of numbers"):
        wis.merge_parallel_edges(Data(edge_index=COLUMNS, num_nodes=3, edge_names=list("abcde")))
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
