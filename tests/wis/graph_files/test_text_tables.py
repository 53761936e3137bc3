"""Text as people have it: lists of SNAP and KONECT, names as vertices, bytes of any encoding."""

from __future__ import annotations

import gzip
import re
import tempfile
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wis
from wis.graph_files import text_lines

pytestmark = pytest.mark.filterwarnings("ignore:.*its first row")

SNAP = "# Directed graph\n# Nodes: 4 Edges: 4\n# FromNodeId\tToNodeId\n0\t1\n0\t2\n1\t2\n# a comment\n2\t3\n"
KONECT = "% sym weighted\n% 4 4 4\n1 2 5 1082008561\n1 3 4 1082008562\n2 3 1 1082008563\n3 4 2 1082008564\n"
EDGES = [[0, 0, 1, 2], [1, 2, 2, 3]]


@pytest.mark.parametrize("name", ["in.txt", "in.edges", "in.el", "in.edgelist", "in.txt.gz", "out.club", "out.a.b.gz"])
def test_lists_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    text = KONECT if name.startswith("out") else SNAP
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    table = wis.read_graph(tmp_path / name)
    shift = 1 if text == KONECT else 0
    assert (table.edge_index - shift).tolist() == EDGES
    out = tmp_path / f"sparse.{name}" if not name.startswith("out") else tmp_path / f"out.sparse.{name[4:]}"
    wis.write_graph(wis.sparsify(table, num_edges=2), out)
    written = out.read_bytes()
    lines = (gzip.decompress(written) if name.endswith(".gz") else written).decode().splitlines()
    removed = text.splitlines()[slice(4, 6) if text == SNAP else slice(3, 5)]
    assert lines == [line for line in text.splitlines() if line not in removed]


@pytest.mark.parametrize(
    "text",
    [
        "0 1\n0 2\n1 2\n2 3\n",
        "0  1\n 0\t2 \n1   2\n\n  \n2 3",
        "0,1\n0,2\n% note\n1,2\n2,3\n",
        "0 1\r\n0 2\r\n1 2\r\n2 3\r\n",
        "from to\n0 1\n0 2\n1 2\n2 3\n",
        "0 1 {'kind': 'a b'}\n0 2 {}\n1 2 {}\n2 3 {}\n",
    ],
)
@pytest.mark.filterwarnings("ignore:.*(first row|braces)")
@pytest.mark.parametrize("block", [1 << 21, 5])
def test_separators_of_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, block: int) -> None:
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", block)
    (tmp_path / "in.txt").write_bytes(text.encode())
    table = wis.read_graph(tmp_path / "in.txt")
    assert table.edge_index.tolist() == EDGES
    wis.write_graph(wis.sparsify(table, 1.0), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == text.encode()


def test_a_list_gets_weights(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("# a\n0\t1\t2\n1  2\t4\n")
    table = wis.read_graph(tmp_path / "in.txt", weight=2)
    loaded = table.load_pairs()
    assert loaded.weighted_edges().weights.tolist() == [2.0, 4.0]
    wis.write_graph(table.keep_pairs(loaded.edges, np.array([True, True]), np.array([0.5, 2.0])), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "# a\n0\t1\t1.0\n1  2\t8.0\n"
    table = wis.read_graph(tmp_path / "in.txt")
    wis.write_graph(table.keep_pairs(loaded.edges, np.array([True, False]), np.array([0.5, 2.0])), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "# a\n0\t1\t2\t0.5\n"


def test_a_bipartite_list_of_konect_says_so_itself(tmp_path: Path) -> None:
    (tmp_path / "out.likes").write_text("% bip unweighted\n1 1\n1 2\n2 1\n")
    assert wis.read_graph(tmp_path / "out.likes").load_pairs().edges.pairs.T.tolist() == [[1, 4], [1, 5], [2, 4]]
    one_sided = wis.read_graph(tmp_path / "out.likes", bipartite=False)
    assert one_sided.load_pairs().edges.pairs.T.tolist() == [[1, 2]]


NAMES = ["anna", "bob", "élan", "x,y", '"q"']


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_names_are_vertices_and_stay_as_written(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    club = nx.relabel_nodes(nx.karate_club_graph(), {i: NAMES[i] if i < 5 else f"n{i}" for i in range(34)})
    frame = pd.DataFrame([(u, v) for u, v in club.edges()], columns=["source", "target"])
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    table = wis.read_graph(path)
    assert table.labels == sorted(club, key=lambda name: name.encode())
    wis.write_graph(wis.sparsify(table, 0.5), out)
    written = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    expected = wis.sparsify(frame, 0.5, directed=False)
    assert written.to_numpy().tolist() == expected.to_numpy().tolist()
    order = wis.removal_order(frame, directed=False)
    assert order.apply(table, 0.5).edge_index.shape == (2, 39)


def test_huge_numbers_are_names(tmp_path: Path) -> None:
    rows = ["1,2", "2,99999999999999999999", "1,9000000000000", "9000000000000,2"]
    (tmp_path / "in.csv").write_text("source,target\n" + "\n".join(rows) + "\n")
    table = wis.read_graph(tmp_path / "in.csv")
    assert table.edge_index.tolist() == [[0, 1, 0, 2], [1, 3, 2, 1]]
    assert table.labels == ["1", "2", "9000000000000", "99999999999999999999"]
    wis.write_graph(wis.sparsify(table, num_edges=1), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "source,target\n2,99999999999999999999\n"
    ends = np.array([[2**63 + 5, 7], [7, 2**63 + 9]], dtype=np.uint64)
    np.save(tmp_path / "in.npy", ends)
    assert wis.read_graph(tmp_path / "in.npy").edge_index.tolist() == [[1, 0], [0, 2]]
    wis.write_graph(wis.sparsify(wis.read_graph(tmp_path / "in.npy"), 1.0), tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), ends)


def test_numbers_may_be_names(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target\n1,01\n1,A3\n")
    with pytest.raises(ValueError, match=r"line 3: vertices must be integers from 0, got 'A3'; pass names=True"):
        wis.removal_order(wis.read_graph(tmp_path / "in.csv"))
    assert wis.read_graph(tmp_path / "in.csv", names=True).labels == ["01", "1", "A3"]


def test_a_first_row_of_names_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("anna,bob\nbob,carl\n")
    with pytest.raises(ValueError, match="is its first row, 'anna,bob', a header or an edge"):
        wis.read_graph(tmp_path / "in.csv")
    assert wis.read_graph(tmp_path / "in.csv", header=False).labels == ["anna", "bob", "carl"]
    assert wis.read_graph(tmp_path / "in.csv", header=True).labels == ["bob", "carl"]
    assert wis.read_graph(tmp_path / "in.csv", header=True).edge_index.tolist() == [[0], [1]]
    (tmp_path / "in.csv").write_text("u,v\nv,w\n")  # names of columns, and of vertices
    with pytest.raises(ValueError, match="is its first row, 'u,v', a header or an edge"):
        wis.read_graph(tmp_path / "in.csv")
    (tmp_path / "in.txt").write_text("anna bob\nbob carl\n")
    assert wis.read_graph(tmp_path / "in.txt").labels == ["anna", "bob", "carl"]


def test_bytes_of_any_encoding_survive_reweighting(tmp_path: Path) -> None:
    rows = b'source,target,name,weight\n0,1,caf\xe9,2\n1,2,"\xff, ""z""",4\n'
    (tmp_path / "in.csv").write_bytes(rows)
    table = wis.read_graph(tmp_path / "in.csv")
    edges = table.load_pairs().edges
    wis.write_graph(table.keep_pairs(edges, np.array([True, True]), np.array([0.5, 2.0])), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == rows.replace(b",2\n", b",1.0\n").replace(b",4\n", b",8.0\n")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty; expected one edge a row"),
        (b"\n \n", "is empty; expected one edge a row"),
        (b'{"nodes": [], "links": []}', "it is JSON"),
        (b"[[0, 1], [1, 2]]", "it is JSON"),
        (b"<!DOCTYPE html>\n<html>404</html>", "it is HTML or XML"),
        (gzip.compress(b"0,1\n", mtime=0), "it is a gzip file; give it the suffix .gz"),
        (b"PK\x03\x04abc", "it is a ZIP archive"),
        ("0,1\n".encode("utf-16"), "text in UTF-16"),
        (b"\x00\x01\x02", "it is binary"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_other_things_are_refused(tmp_path: Path, suffix: str, content: bytes, what: str) -> None:
    path = tmp_path / f"in{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"in\{suffix}.*{what}"):
        wis.read_graph(path)


@pytest.mark.parametrize("start", [b"", b"0,1\n1,2\n", b"#"])
def test_a_packed_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(text_lines, "LONGEST_LINE", 1 << 16)
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr("wis.graph_files.text_layout.LONGEST_LINE", 1 << 16)
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(start + b"7" * (1 << 20)))
    with pytest.raises(ValueError, match=r"in\.csv\.gz.*: a line is longer than .* MiB; every row must be one line"):
        wis.read_graph(tmp_path / "in.csv.gz", header=False, source=0, target=1).load_pairs()


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, bool, str, list[tuple[str, str]]]:
    """A text table in any dialect: its bytes, whether it is a list, the header, and the ends of its rows."""
    is_list = draw(st.booleans())
    separator = draw(st.sampled_from([" ", "\t", "  ", ","] if is_list else [","]))
    ends = draw(st.sampled_from(["0123456789", "abc"]))
    vertex = st.text(ends, min_size=1, max_size=3).map(lambda text: text if ends == "abc" else str(int(text)))
    pairs = draw(st.lists(st.tuples(vertex, vertex), min_size=1, max_size=12))
    order = draw(st.permutations(["source", "target", "note"]))
    rows = [{"source": u, "target": v, "note": f"n{i}"} for i, (u, v) in enumerate(pairs)]
    lines = [separator.join(order), *(separator.join(row[name] for name in order) for row in rows)]
    if is_list:
        for _ in range(draw(st.integers(0, 3))):
            lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["# c", "% 1 2", "", "  "])))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (end.join(lines) + draw(st.sampled_from(["", end]))).encode(), is_list, order[0], pairs


@settings(deadline=None, max_examples=60)
@given(tables(), st.integers(1, 40), st.randoms(use_true_random=False))
def test_any_dialect_gives_the_same_rows(table: Any, block: int, random: Any) -> None:
    content, is_list, _, pairs = table
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "BLOCK_BYTES", block)
        path, out = (
            Path(folder) / ("in.txt" if is_list else "in.csv"),
            Path(folder) / ("out.txt" if is_list else "out.csv"),
        )
        path.write_bytes(content)
        read = wis.read_graph(path)
        names = read.labels or [str(i) for i in range(1000)]
        assert [(names[u], names[v]) for u, v in read.edge_index.T] == pairs
        edges = read.load_pairs().edges
        kept = np.array([random.random() < 0.5 for _ in range(edges.num_pairs)], dtype=bool)
        wis.write_graph(read.keep_pairs(edges, kept), out)
        stay = {frozenset((names[u], names[v])) for u, v in edges.pairs.T[kept].tolist()}
        removed = {f"n{i}" for i, pair in enumerate(pairs) if pair[0] != pair[1] and frozenset(pair) not in stay}
        lines = content.splitlines(keepends=True)
        expected = [line for line in lines if not removed & set(re.split(r"[\s,]+", line.decode()))]
        assert out.read_bytes() == b"".join(expected)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbftarget,source\n1,0\n2,0\n")
    table = wis.read_graph(tmp_path / "in.csv")
    assert table.edge_index.tolist() == [[0, 0], [1, 2]]
    wis.write_graph(table, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "in.csv").read_bytes()


def weights_of(path: Path, **options: Any) -> list[str]:
    """What a method that reweights writes of all edges, by lines."""
    table = wis.read_graph(path, **options)
    out = path.with_name(f"out{path.suffix}")
    wis.write_graph(wis.sparsify(table, 1.0, method="dspar-reweighted", seed=0), out)
    return out.read_text().splitlines()


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t"), (".txt", ",")])
def test_the_weight_is_written_into_its_own_column_beside_quotes(tmp_path: Path, suffix: str, separator: str) -> None:
    rows = [
        'source|target|a|b|weight|z',
        '0|1|5" nail|6" nail|1|9',
        '1|2|"a|""b"|"q"x|3|9',
        '0|2|""|x""|5|9',
    ]  # fmt: skip
    (tmp_path / f"in{suffix}").write_text("\n".join(rows).replace("|", separator) + "\n")
    (tmp_path / "bare.csv").write_text("source,target,weight\n0,1,1\n1,2,3\n0,2,5\n")
    written = weights_of(tmp_path / f"in{suffix}")
    new = [row.split(",")[2] for row in weights_of(tmp_path / "bare.csv")[1:]]
    expected = [rows[0], *(f"{row[:-3]}{weight}|9" for row, weight in zip(rows[1:], new, strict=True))]
    assert written == [row.replace("|", separator) for row in expected]


@pytest.mark.parametrize("separator", [" ", ","])
def test_a_weight_goes_into_the_braces_of_networkx(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "in.edgelist"
    graph = nx.cycle_graph(4)
    nx.write_edgelist(graph, path, delimiter=separator)
    weights_of(path)
    sparse = nx.read_edgelist(tmp_path / "out.edgelist", delimiter=separator, nodetype=int)
    expected = wis.sparsify(graph, 1.0, method="dspar-reweighted", seed=0)
    assert nx.utils.edges_equal(sparse.edges(data=True), expected.edges(data=True))


@pytest.mark.filterwarnings("ignore:.*attributes in braces")
def test_a_weight_in_braces_is_multiplied_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "in.edgelist"
    path.write_text("0 1 {}\n1 2 {'weight': 3, 'kind': 'a b'}\n")
    with pytest.warns(UserWarning, match="attributes in braces are copied, but not read"):
        table = wis.read_graph(path)
    edges = table.load_pairs().edges
    wis.write_graph(table.keep_pairs(edges, np.array([True, True]), np.array([0.5, 2.0])), tmp_path / "out.edgelist")
    assert (tmp_path / "out.edgelist").read_text() == "0 1 {'weight': 0.5}\n1 2 {'weight': 6.0, 'kind': 'a b'}\n"
    path.write_text("# source target\n0 1\n1 2 {}\n")
    wis.write_graph(
        wis.read_graph(path).keep_pairs(edges, np.array([True, True]), np.array([0.5, 2.0])), tmp_path / "out.edgelist"
    )
    assert (tmp_path / "out.edgelist").read_text() == "# source target\n0 1 {'weight': 0.5}\n1 2 {'weight': 2.0}\n"
    path.write_text("0 1 {}\n1 2 {<object>}\n")
    table = wis.read_graph(path)
    sparse = table.keep_pairs(edges, np.array([True, True]), np.array([0.5, 2.0]))
    with pytest.raises(ValueError, match=r"in\.edgelist: the attributes of the row '1 2 {<object>}' are no dict"):
        wis.write_graph(sparse, tmp_path / "out.edgelist")


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ("Tom Hanks,Big\nGerard Butler,300\nX,Y\nX,Big\n", "Tom Hanks,Big"),
        ("anna,bob\ncarl,7\n", "anna,bob"),
    ],
)
def test_a_header_that_is_guessed_among_names_is_told(tmp_path: Path, rows: str, header: str) -> None:
    (tmp_path / "in.csv").write_text(rows)
    with pytest.warns(UserWarning, match=f"its first row, '{header}', is read as a header; pass header=False"):
        wis.read_graph(tmp_path / "in.csv")
    assert wis.read_graph(tmp_path / "in.csv", header=False).edge_index.shape == (2, rows.count("\n"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", ["user,item\n0,1\n", "user,item\na,1\nb,2\n", "source,target\na,b\nc,300\n"])
def test_a_header_above_numbers_is_none_to_tell(tmp_path: Path, rows: str) -> None:
    (tmp_path / "in.csv").write_text(rows)
    assert wis.read_graph(tmp_path / "in.csv").edge_index.shape == (2, rows.count("\n") - 1)


@pytest.mark.parametrize("name", ["nan", "inf", "1_2"])
def test_names_that_python_takes_for_numbers_make_no_header(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.csv").write_text(f"anna,bob\ncarl,{name}\n")
    with pytest.raises(ValueError, match="is its first row, 'anna,bob', a header or an edge"):
        wis.read_graph(tmp_path / "in.csv")
    (tmp_path / "in.txt").write_text(f"anna bob\ncarl {name}\n")
    assert wis.read_graph(tmp_path / "in.txt").labels == sorted(["anna", "bob", "carl", name])


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_first_rows_may_begin_as_comments_do(tmp_path: Path, mark: str) -> None:
    text = mark + "# made by hand, 2020\n#a,#b\n#b,c\nc,d\n#d,a\n"
    (tmp_path / "in.csv").write_text(text)
    with pytest.warns(UserWarning, match="the line '#a,#b' is read as an edge, not as a comment"):
        table = wis.read_graph(tmp_path / "in.csv", header=False)
    assert table.labels == ["#a", "#b", "#d", "a", "c", "d"]
    assert table.edge_index.shape == (2, 4)
    wis.write_graph(wis.sparsify(table, 1.0), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == text
    (tmp_path / "in.csv").write_text(mark + "#a,#b\n")
    with pytest.warns(UserWarning, match="the line '#a,#b' is read as an edge"):
        assert wis.read_graph(tmp_path / "in.csv", header=False).labels == ["#a", "#b"]
    (tmp_path / "in.csv").write_text(mark + "#a,#b\n0,1\n")
    with pytest.warns(UserWarning, match="the line '#a,#b' is read as a comment; pass header=True if"):
        assert wis.read_graph(tmp_path / "in.csv").edge_index.tolist() == [[0], [1]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("header", [None, False])
@pytest.mark.parametrize("comment", ["# written by hand, 2020", "% a", "#", "#made,by,hand,2020", "#a\r,b"])
def test_comments_stay_comments(tmp_path: Path, comment: str, header: bool | None) -> None:
    (tmp_path / "in.csv").write_text(f"{comment}\n4,1\n1,2\n")
    assert wis.read_graph(tmp_path / "in.csv", header=header).edge_index.tolist() == [[4, 1], [1, 2]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("in.csv", "#source,target,weight"),
        ("in.tsv", "#node1\tnode2\tweight"),
        ("in.csv", "# weights by hand\n# Source ID,Target ID,weight"),
        ("in.txt", "# source target weight"),
    ],
)
def test_a_header_in_a_comment_names_the_columns(tmp_path: Path, name: str, header: str) -> None:
    separator = {".csv": ",", ".tsv": "\t", ".txt": " "}[name[-4:]]
    text = header + "\na|b|2\nb|c|4\n".replace("|", separator)
    (tmp_path / name).write_text(text)
    table = wis.read_graph(tmp_path / name)
    assert table.labels == ["a", "b", "c"]
    loaded = table.load_pairs()
    assert loaded.weighted_edges().weights.tolist() == [2.0, 4.0]
    wis.write_graph(table, tmp_path / f"out{name[-4:]}")
    assert (tmp_path / f"out{name[-4:]}").read_text() == text


def test_a_header_in_a_comment_gets_a_weight(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("# FromNodeId\tToNodeId\n0\t1\n")
    assert weights_of(tmp_path / "in.txt") == ["# FromNodeId\tToNodeId\tweight", "0\t1\t1.0"]
    (tmp_path / "in.csv").write_text("#protein1,protein2\nA,B\n")
    with pytest.warns(UserWarning, match="the comment '#protein1,protein2' is read as the header"):
        assert weights_of(tmp_path / "in.csv", header=True) == ["#protein1,protein2,weight", "A,B,1.0"]


def test_a_vertex_needs_a_name_and_no_sign(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target\na,b\nc, \n")
    with pytest.raises(ValueError, match=r"in\.csv, line 3: a vertex has no name"):
        wis.read_graph(tmp_path / "in.csv").load_pairs()
    (tmp_path / "in.csv").write_text("source,target\n0,1\n+2,1\n")
    with pytest.raises(ValueError, match=r"line 3: vertices must be integers from 0, got '\+2'; pass names=True"):
        wis.read_graph(tmp_path / "in.csv").load_pairs()


def test_numbers_are_names_from_the_largest_that_can_be_counted_on(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("source,target\n0,3037000499\n")
    assert wis.read_graph(tmp_path / "in.csv").edge_index.tolist() == [[0], [1]]
    (tmp_path / "in.csv").write_text("source,target\n0,3037000498\n")
    assert wis.read_graph(tmp_path / "in.csv").edge_index.tolist() == [[0], [3037000498]]


def test_a_comma_of_a_number_separates_no_values(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("4 1 0,5\n1 2 1,5\n")
    assert wis.read_graph(tmp_path / "in.txt").edge_index.tolist() == [[4, 1], [1, 2]]
    with pytest.raises(ValueError, match="line 1: the weight must be a number, got '0,5'"):
        wis.read_graph(tmp_path / "in.txt", weight=2).load_pairs().weighted_edges()
    (tmp_path / "in.csv").write_text("4;1;0,5\n1;2;1,5\n")
    with pytest.warns(
        UserWarning, match="separated by commas, and in each row there are semicolons in them, as in '4;1;0"
    ):
        wis.read_graph(tmp_path / "in.csv")
    (tmp_path / "in.txt").write_text("Smith,J Doe,A\nDoe,A Roe,R\n")
    with pytest.warns(UserWarning, match="in each row there are blanks in them"):
        wis.read_graph(tmp_path / "in.txt")
