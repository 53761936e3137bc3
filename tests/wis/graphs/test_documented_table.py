"""The page on graphs: every row of its table, and its example."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T  # noqa: N812  the name that PyG's users know
from torch_geometric.data import Batch, Data, HeteroData, TemporalData
from torch_geometric.utils import to_torch_csc_tensor, to_torch_csr_tensor

import wis
from wis.graphs.load import load_any
from wis.graphs.parts import LoadedParts

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "graphs.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| `([^|]+)` \| (?:`([^|]+)`)? ?\| [^|]+ \|$", PAGE, flags=re.MULTILINE)
LIBRARIES = ("scipy.sparse", "networkx", "networkit", "igraph", "dgl", "pandas", "polars")

ONE_WAY = torch.tensor([[0, 0, 1, 2], [1, 2, 2, 3]])
NAMES: dict[str, Any] = {
    "one_way": ONE_WAY,
    "edge_index": torch.cat([ONE_WAY, ONE_WAY.flip(0)], dim=1),
    "eye": torch.eye(4),
    "ones": np.ones(8),
    **{kind.__name__: kind for kind in (Batch, Data, HeteroData, TemporalData)},
    **{function.__name__: function for function in (to_torch_csc_tensor, to_torch_csr_tensor)},
    "T": T,
    "torch": torch,
}


def test_the_table_is_found() -> None:
    assert len(ROWS) == len(re.findall(r"^\| [^-]", PAGE, flags=re.MULTILINE)) - 1 == 22


@pytest.mark.parametrize(("name", "example", "arguments"), ROWS, ids=[row[0] for row in ROWS])
def test_every_row_of_the_table(name: str, example: str, arguments: str) -> None:
    names = dict(NAMES)
    for library in LIBRARIES:
        if f"{library}." in example:
            pytest.importorskip(library)
            names[library.partition(".")[0]] = importlib.import_module(library.partition(".")[0])
    graph = eval(example, names)
    options = eval(f"dict({arguments})")
    loaded = load_any(graph, **options)
    sparse = wis.sparsify(graph, 0.5, **options)
    assert type(sparse) is type(graph)
    if isinstance(graph, torch.Tensor):
        assert sparse.layout == graph.layout
    before, after = parts(loaded), parts(load_any(sparse, **options))
    assert [part.edges.num_pairs for part in before] == [4] * len(before)
    directed = before[0].edges.directed
    # Undirected, these two leave every vertex with an edge.
    expected = wis.sparsify(ONE_WAY, 0.5, directed=True) if directed else torch.tensor([[0, 2], [1, 3]])
    assert [part.edges.pairs.tolist() for part in after] == [expected.tolist()] * len(before)


def parts(loaded: Any) -> list[Any]:
    return list(loaded.parts) if isinstance(loaded, LoadedParts) else [loaded]


def test_the_example_of_the_page() -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "docs/graphs.md", "exec"), names)
    assert torch.equal(names["edge_index"][:, names["mask"]], names["edge_index"][:, names["ids"]])
    assert (
        names["ids"].tolist() == wis.removal_order(names["edge_index"]).kept_columns(names["edge_index"], 0.5).tolist()
    )
    assert names["fewer"].shape == (2, 6)
    assert names["merged"].edge_weight.tolist() == [5.0]
