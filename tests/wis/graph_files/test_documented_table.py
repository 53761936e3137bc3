"""The page on files: every row of its table, and its example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse
import torch
from torch_geometric.data import Batch, Data, HeteroData, TemporalData

import wis
from wis.graph_files.open_graph import FORMATS
from wis.graphs.load import load_any
from wis.graphs.parts import LoadedParts

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "files.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| ((?:`\.\w+` ?)+) \|", PAGE, flags=re.MULTILINE)

# A triangle with a tail: of any two edges kept, these leave every vertex with one.
ONE_WAY = np.array([[0, 0, 1, 2], [1, 2, 2, 3]])
BOTH_WAYS = np.concatenate([ONE_WAY, ONE_WAY[::-1]], axis=1)
KEPT = [[0, 2], [1, 3]]
TENSOR = torch.from_numpy(BOTH_WAYS)
ROWS_OF_TEXT = ["0,1,a", "0,2,b", "1,2,c", "2,3,d"]


def data() -> Data:
    return Data(x=torch.eye(4), edge_index=TENSOR, edge_attr=torch.arange(8.0))


def club(kind: Any = nx.Graph) -> Any:
    graph = kind()
    for vertex in range(4):
        graph.add_node(str(vertex), colour=f"c{vertex}")
    for u, v in ONE_WAY.T.tolist():
        graph.add_edge(str(u), str(v), weight=1.0, kind=f"{u}{v}")
    return graph


def text(separator: str, header: str = "") -> Any:
    return lambda path: path.write_text(header + "".join(row.replace(",", separator) + "\n" for row in ROWS_OF_TEXT))


WRITE: dict[str, list[Any]] = {
    "csv": [text(",", "source,target,kind\n")],
    "tsv": [text("\t", "source\ttarget\tkind\n")],
    "list": [text(" ", "# a comment\n"), text("\t", "% sym\n"), text(",", "source,target,kind\n")],
    "parquet": [lambda path: pd.DataFrame({"u": ONE_WAY[0], "v": ONE_WAY[1], "kind": list("abcd")}).to_parquet(path)],
    "npy": [lambda path: np.save(path, ONE_WAY)],
    "npz": [
        lambda path: np.savez(path, edge_index=ONE_WAY, x=np.eye(4), edge_attr=np.arange(4)),
        lambda path: scipy.sparse.save_npz(path, scipy.sparse.csr_array((np.ones(8), BOTH_WAYS), shape=(4, 4))),
    ],
    "mtx": [
        lambda path: scipy.io.mmwrite(
            path, scipy.sparse.coo_array((np.ones(8), BOTH_WAYS), shape=(4, 4)), field="pattern", symmetry="symmetric"
        )
    ],
    "pt": [
        lambda path: torch.save(data(), path),
        lambda path: torch.save(HeteroData({"a": {"x": torch.eye(4)}, ("a", "to", "a"): {"edge_index": TENSOR}}), path),
        lambda path: torch.save(TemporalData(src=TENSOR[0, :4], dst=TENSOR[1, :4], t=TENSOR[0, :4]), path),
        lambda path: torch.save(Batch.from_data_list([data(), data()]), path),
        lambda path: torch.save([data(), data()], path),
        lambda path: torch.save(TENSOR, path),
        lambda path: torch.save({"edge_index": TENSOR, "x": torch.eye(4)}, path),
    ],
    "graphml": [lambda path: nx.write_graphml(club(), path)],
    "gml": [lambda path: nx.write_gml(club(), path)],
    "gexf": [lambda path: nx.write_gexf(club(), path)],
    "pajek": [lambda path: nx.write_pajek(club(nx.MultiGraph), path)],
    "adjlist": [lambda path: nx.write_adjlist(club(), path)],
    "json": [lambda path: path.write_text(__import__("json").dumps(nx.node_link_data(club(), edges="links")))],
}
CASES = [
    (kind, suffix, number)
    for kind, suffixes in dict(ROWS).items()
    for suffix in re.findall(r"\.\w+", suffixes)
    for number in range(len(WRITE[kind]))
]


def test_the_table_is_found() -> None:
    assert len(ROWS) == 16
    assert {kind: tuple(re.findall(r"\.\w+", suffixes)) for kind, suffixes in ROWS} == FORMATS


@pytest.mark.filterwarnings("ignore:.*does not hold all attributes")
@pytest.mark.parametrize(("kind", "suffix", "number"), CASES)
def test_every_row_of_the_table(tmp_path: Path, kind: str, suffix: str, number: int) -> None:
    path, out, other = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", tmp_path / "renamed.dat"
    WRITE[kind][number](path)
    graph = wis.read_graph(path)
    wis.write_graph(wis.sparsify(graph, 0.5), out)
    again = wis.read_graph(out)
    assert type(again) is type(graph)
    loaded = load_any(again)
    for part in loaded.parts if isinstance(loaded, LoadedParts) else [loaded]:
        assert kept_by_label(part) == [sorted(map(str, pair)) for pair in np.transpose(KEPT).tolist()]
    other.write_bytes(path.read_bytes())
    wis.write_graph(wis.sparsify(wis.read_graph(other, format=kind), 0.5), tmp_path / "again.dat", format=kind)
    assert (tmp_path / "again.dat").stat().st_size > 0


def kept_by_label(loaded: Any) -> list[list[str]]:
    labels = getattr(loaded, "labels", None) or range(loaded.edges.num_nodes)
    return sorted(sorted(str(labels[end]) for end in pair) for pair in loaded.edges.pairs.T.tolist())


def test_the_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "docs/files.md", "exec"), {})
    assert (tmp_path / "fewer.csv").read_text() == "source,target,since\nanna,bob,2001\ncarl,dora,2020\n"
