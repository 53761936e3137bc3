"""Which columns are read: every table that pandas writes of the karate club gives the rows that the graph gives."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import wis
from wis.graph_files.columns import TableOptions, choose_columns, counts

CLUB = nx.karate_club_graph()
EDGES = np.array(CLUB.edges())
WEIGHTS = np.arange(len(EDGES)) % 5 + 1
KEPT = {frozenset(edge) for edge in wis.sparsify(CLUB, keep=0.5).edges()}


def frame(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"source": EDGES[:, 0], "target": EDGES[:, 1], **more})


def kept_rows(path: Path, source: str = "source", target: str = "target", **options: Any) -> set[frozenset[int]]:
    """The ends of the rows that stay, read by pandas."""
    out = path.with_name(f"out{path.suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        wis.write_graph(wis.sparsify(wis.read_graph(path, **options), keep=0.5), out)
    rows = pd.read_parquet(out) if path.suffix == ".parquet" else pd.read_csv(out, sep=None, engine="python")
    assert len(rows) == 39
    return {frozenset(edge) for edge in rows[[source, target]].to_numpy().tolist()}


TABLES = {
    "index": (frame(), {}),
    "id": (frame().rename_axis("id"), {}),
    "weight first": (frame(weight=WEIGHTS)[["weight", "source", "target"]], {"index": False}),
    "turned": (frame()[["target", "source"]], {"index": False}),
    "all": (frame(weight=WEIGHTS, time=WEIGHTS)[["time", "target", "weight", "source"]], {}),
    "names of Gephi": (frame(Type="Undirected").rename(columns=str.title)[["Type", "Source", "Target"]], {}),
}


@pytest.mark.parametrize("table", TABLES)
def test_all_39_rows_of_a_table_of_pandas(tmp_path: Path, table: str) -> None:
    rows, options = TABLES[table]
    rows.to_csv(tmp_path / "in.csv", **options)
    names = ("Source", "Target") if table == "names of Gephi" else ("source", "target")
    assert kept_rows(tmp_path / "in.csv", *names) == KEPT


@pytest.mark.parametrize("table", TABLES)
def test_all_39_rows_of_a_parquet_table(tmp_path: Path, table: str) -> None:
    rows, _ = TABLES[table]
    rows.to_parquet(tmp_path / "in.parquet")
    names = ("Source", "Target") if table == "names of Gephi" else ("source", "target")
    assert kept_rows(tmp_path / "in.parquet", *names) == KEPT


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        (["src", "dst", "w"], ("src", "dst")),
        (["w", "from", "to"], ("from", "to")),
        (["v", "u", "w"], ("u", "v")),
        (["head", "relation", "tail"], ("head", "tail")),
        (["subject", "predicate", "object"], ("subject", "object")),
        (["id", "node_1", "node_2"], ("node_1", "node_2")),
        (["id", "Source ID", "Target ID"], ("Source ID", "Target ID")),
        (["id_1", "id_2", "x"], ("id_1", "id_2")),
    ],
)
def test_ends_are_found_by_name(names: list[str], ends: tuple[str, str]) -> None:
    found = choose_columns(Path("in.csv"), names, ["integer"] * 3, TableOptions())
    assert (names[found.tail], names[found.head]) == ends


def test_a_directed_table_with_its_target_first(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("target,source\n1,0\n2,1\n")
    order = wis.removal_order(wis.read_graph(tmp_path / "in.csv"), directed=True)
    assert sorted(order.edges.T.tolist()) == [[0, 1], [1, 2]]
    assert wis.read_graph(tmp_path / "in.csv").edge_index.tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("names", "kinds", "taken"),
    [
        (["userId", "movieId", "rating", "timestamp"], ["integer"] * 4, "'userId' and 'movieId'"),
        (["", "a", "b"], ["integer"] * 3, "'a' and 'b'"),
        (["weight", "a", "b"], ["integer"] * 3, "'a' and 'b'"),
        (["a", "x", "b"], ["integer", "number", "integer"], "'a' and 'b'"),
        (["a", "b", "__index_level_0__"], ["integer"] * 3, "'a' and 'b'"),
    ],
)
def test_what_was_taken_is_said(names: list[str], kinds: list[str], taken: str) -> None:
    with pytest.warns(
        UserWarning, match=f"in.csv: the ends of the edges are read from the columns {taken}; pass source="
    ):
        choose_columns(Path("in.csv"), names, kinds, TableOptions())


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a", "b", "c"], {}, r"which of the columns \['a', 'b', 'c'\] hold the ends of the edges\? Pass source="),
        (["", "b"], {}, "hold the ends of the edges"),
        (["a", "b", "c"], {"source": "a"}, "pass source= and target=, or neither"),
        (["a", "b", "c"], {"source": "a", "target": "z"}, "target must be a column, got 'z'; the columns are"),
        (["a", "b", "c"], {"source": "a", "target": "a"}, "must be three columns"),
        (["a", "b", "c"], {"source": "a", "target": "b", "weight": "b"}, "must be three columns"),
        (None, {"source": 0, "target": 3}, "target must be a column, got 3; columns are numbered from 0 to 2"),
        (None, {}, "the first of its 3 columns counts the rows"),
    ],
)
def test_where_it_is_open_the_user_is_asked(names: list[str] | None, options: dict[str, Any], message: str) -> None:
    kinds = ["integer"] * (3 if names is None else len(names))
    with pytest.raises(ValueError, match=rf"in\.csv: .*{message}"):
        choose_columns(Path("in.csv"), names, kinds, TableOptions(**options), counts_rows=True)


def test_columns_asked_for_are_read(tmp_path: Path) -> None:
    frame(a=WEIGHTS[::-1], b=WEIGHTS).to_csv(tmp_path / "in.csv", index=False)
    assert kept_rows(tmp_path / "in.csv", source="source", target="target") == KEPT
    (tmp_path / "bare.csv").write_text("".join(f"{i},{u},{v}\n" for i, (u, v) in enumerate(EDGES.tolist())))
    with pytest.raises(ValueError, match="counts the rows"):
        wis.read_graph(tmp_path / "bare.csv")
    found = wis.read_graph(tmp_path / "bare.csv", source=1, target="2").edge_index
    np.testing.assert_array_equal(found, EDGES.T)


def test_a_column_is_a_weight_only_if_named_so_or_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target,timestamp\n0,1,1700000000\n1,2,1700000001\n0,2,7\n")
    table = wis.read_graph(tmp_path / "in.csv")
    sparse = wis.sparsify(table, 1.0, method="dspar-reweighted", seed=0)
    wis.write_graph(sparse, tmp_path / "out.csv")
    header, *rows = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "source,target,timestamp,weight"
    assert {row.rpartition(",")[0] for row in rows} <= {"0,1,1700000000", "1,2,1700000001", "0,2,7"}
    asked = wis.read_graph(tmp_path / "in.csv", weight="timestamp")
    assert wis.sparsify(asked, num_edges=1, method="threshold").edge_index.tolist() == [[1], [2]]


def test_weights_are_read_by_methods_that_read_them(tmp_path: Path) -> None:
    frame(weight=WEIGHTS).to_csv(tmp_path / "in.csv")
    graph = nx.Graph()
    graph.add_nodes_from(range(34))
    graph.add_weighted_edges_from(zip(*EDGES.T.tolist(), WEIGHTS.tolist(), strict=True))
    expected = {frozenset(edge) for edge in wis.sparsify(graph, 0.5, method="threshold").edges()}
    table = wis.read_graph(tmp_path / "in.csv")
    sparse = wis.sparsify(table, 0.5, method="threshold")
    assert {frozenset(edge) for edge in sparse.edge_index.T.tolist()} == expected
    with pytest.warns(UserWarning, match="'wis' does not read edge weights"):
        wis.sparsify(table, 0.5)


def test_bad_weights_matter_only_where_weights_are_read(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target,weight\n0,1,2\n1,2,high\n")
    table = wis.read_graph(tmp_path / "in.csv")
    with pytest.warns(UserWarning, match="does not read edge weights"):
        assert wis.sparsify(table, 1.0).edge_index.tolist() == [[0, 1], [1, 2]]
    with pytest.raises(ValueError, match=r"in\.csv, line 3: the weight must be a number, got 'high'"):
        wis.sparsify(table, 0.5, method="threshold")


def test_a_bipartite_table(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("userId,movieId,rating\n0,0,5\n0,1,3\n1,0,4\n")
    with pytest.warns(UserWarning, match="'userId' and 'movieId'"):
        table = wis.read_graph(tmp_path / "in.csv", bipartite=True)
    order = wis.removal_order(table)
    assert (order.num_nodes, len(order)) == (4, 3)
    assert sorted(order.edges.T.tolist()) == [[0, 2], [0, 3], [1, 2]]
    wis.write_graph(order.apply(table, num_edges=2), tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3


def test_a_header_of_numbers_is_noticed_or_said(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    pd.DataFrame(EDGES).to_csv(path, index=False)
    with pytest.warns(UserWarning, match="its first row, 0,1, is read as an edge; pass header=True if it is a header"):
        assert wis.read_graph(path).edge_index.shape == (2, 79)
    assert wis.read_graph(path, header=True).edge_index.T.tolist() == EDGES.tolist()
    pd.DataFrame({0: EDGES[:, 0], 1: EDGES[:, 1], 2: "friend"}).to_csv(path, index=False)
    with pytest.warns(UserWarning, match="its first row, 0,1,2, is read as the header that pandas writes"):
        assert wis.read_graph(path).edge_index.T.tolist() == EDGES.tolist()
    pd.DataFrame(EDGES).to_csv(path)
    with pytest.warns(UserWarning, match="read from the columns '0' and '1'"):
        assert wis.read_graph(path).edge_index.T.tolist() == EDGES.tolist()


def test_rows_that_count() -> None:
    assert counts(["0", "1", "2", "3", "4"])
    assert counts(["1", "2", "3", "4", "5"])
    assert not counts(["0", "1", "2"])
    assert not counts(["0", "1", "2", "3", "3"])


def test_columns_are_named_in_errors(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target,a,a\n0,1,2,3\n")
    with pytest.raises(ValueError, match="must be three columns, got column 'target' twice"):
        wis.read_graph(tmp_path / "in.csv", source="source", target="target", weight="target")
    with pytest.raises(ValueError, match="two columns are called 'a'; rename one of them, or pass its number from 0"):
        wis.read_graph(tmp_path / "in.csv", weight="a")
    wis.read_graph(tmp_path / "in.csv", weight=3)
    (tmp_path / "in.csv").write_text("source,target,weight,weight\n0,1,2,3\n")
    with pytest.raises(ValueError, match="two columns are called 'weight'; pass weight=, the number of one from 0"):
        wis.read_graph(tmp_path / "in.csv")
    assert wis.read_graph(tmp_path / "in.csv", weight=3).load_pairs().weighted_edges().weights.tolist() == [3.0]
