from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import wis


def test_categories_and_mixed_ends_are_names(tmp_path: Path) -> None:
    frame = pd.DataFrame({"source": pd.Categorical(["b", "a", "b"]), "target": ["c", "b", "d"]})
    frame.to_parquet(tmp_path / "in.parquet")
    assert wis.read_graph(tmp_path / "in.parquet").labels == ["a", "b", "c", "d"]
    frame.assign(target=[1, 2, 3]).to_parquet(tmp_path / "in.parquet")
    table = wis.read_graph(tmp_path / "in.parquet")
    assert table.labels == ["1", "2", "3", "a", "b"]
    wis.write_graph(wis.sparsify(table, 1.0), tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), frame.assign(target=[1, 2, 3]))


def test_unsigned_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"u": np.array([3, 0], dtype=np.uint64), "v": np.array([1, 2], dtype=np.int8)})
    frame.to_parquet(tmp_path / "in.parquet")
    assert wis.read_graph(tmp_path / "in.parquet").load_pairs().edges.pairs.tolist() == [[0, 1], [2, 3]]
    frame = frame.assign(u=np.array([2**63 + 1, 0], dtype=np.uint64))
    frame.to_parquet(tmp_path / "in.parquet")
    table = wis.read_graph(tmp_path / "in.parquet")
    assert table.edge_index.tolist() == [[3, 0], [1, 2]]
    assert table.labels == ["0", "1", "2", str(2**63 + 1)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({}), r"must have at least two columns, the endpoints, got \[\]"),
        (pa.Table.from_arrays([pa.array([0]), pa.array([1])], ["u", "u"]), "has two columns named 'u'; rename one"),
        (pa.table({"u": [0, None], "v": [1, 1]}), r"row 1 \(counted from 0\): column 'u' has no value or NaN"),
        (pa.table({"a": [1], "b": [2], "c": [3]}), "which of the columns"),
    ],
)
def test_bad_tables(tmp_path: Path, table: Any, message: str) -> None:
    parquet.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=rf"in\.parquet.*{message}"):
        wis.sparsify(wis.read_graph(tmp_path / "in.parquet"))


@pytest.mark.parametrize("weight", [[1.0, float("nan")], [1.0, None], ["a", "b"]])
def test_bad_weights_matter_only_where_weights_are_read(tmp_path: Path, weight: list[Any]) -> None:
    pd.DataFrame({"u": [0, 1], "v": [1, 2], "weight": weight}).to_parquet(tmp_path / "in.parquet")
    table = wis.read_graph(tmp_path / "in.parquet")
    with pytest.warns(UserWarning, match="does not read edge weights"):
        wis.sparsify(table, 0.5)
    with pytest.raises(ValueError, match=r"in\.parquet(, row 1|: the weight must be a number)"):
        wis.sparsify(table, 0.5, method="threshold")


def test_every_damaged_page_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"u": rng.integers(0, 50, 400), "v": rng.integers(50, 99, 400)})
    frame.to_parquet(tmp_path / "in.parquet")
    whole = (tmp_path / "in.parquet").read_bytes()
    messages = []
    for place in range(4, len(whole), len(whole) // 40):
        (tmp_path / "in.parquet").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            wis.read_graph(tmp_path / "in.parquet").load_pairs()
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 5
    assert all("in.parquet" in message for message in messages)


@pytest.mark.parametrize("name", ["", " "])
@pytest.mark.parametrize("kind", ["str", "category"])
def test_a_vertex_without_a_name_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    rows = pd.DataFrame({"source": ["a", "b"], "target": ["b", name]})
    rows.astype(kind).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=r"in\.parquet, row 1 \(counted from 0\): a vertex of 'target' has no name"):
        wis.read_graph(tmp_path / "in.parquet").load_pairs()


CODECS = [None, "SNAPPY", "GZIP", "LZ4", "ZSTD", {"u": "GZIP", "v": "NONE", "a.b": "ZSTD", "parts.list.element": "LZ4"}]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("method", ["random", "dspar-reweighted"])
def test_columns_stay_packed_as_they_were(tmp_path: Path, codec: Any, method: str) -> None:
    table = pa.table({"u": [0, 1, 2, 0], "v": [1, 2, 3, 3], "a.b": [1, 2, 3, 4], "parts": [[1], [2], [], [3, 4]]})
    parquet.write_table(table, tmp_path / "in.parquet", compression=codec or "NONE")
    graph = wis.sparsify(wis.read_graph(tmp_path / "in.parquet", source="u", target="v"), 0.5, method=method, seed=0)
    wis.write_graph(graph, tmp_path / "out.parquet")
    before, after = (_codecs(tmp_path / name) for name in ("in.parquet", "out.parquet"))
    assert {name: after[name] for name in before} == before
    written = parquet.read_table(tmp_path / "out.parquet")
    rows = dict(zip(table["a.b"].to_pylist(), table.to_pylist(), strict=True))
    assert 1 <= written.num_rows < 4
    assert written.select(table.column_names).to_pylist() == [rows[row] for row in written["a.b"].to_pylist()]


def _codecs(path: Path) -> dict[str, str]:
    with parquet.ParquetFile(path) as file:
        group = file.metadata.row_group(0)
        return {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}


def test_what_arrow_cannot_write_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"u": [0, 1], "v": [1, 2]}).to_parquet(tmp_path / "in.parquet")

    def refuse(*_: Any) -> None:
        raise pa.ArrowNotImplementedError("no such type")

    sparse = wis.sparsify(wis.read_graph(tmp_path / "in.parquet"), 0.5)
    monkeypatch.setattr(parquet.ParquetWriter, "write_batch", refuse)
    with pytest.raises(ValueError, match=r"out\.parquet cannot be written as a Parquet file: no such type"):
        wis.write_graph(sparse, tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
