"""Tables of edges, one a row, read and written in blocks: text (CSV, TSV) and Parquet.

A table is read twice, once for its pairs and once to copy the rows that stay. Between the two only the pairs are in
memory. Text is copied as the bytes it is, so that quotes, number formats and line ends stay what they were.
"""

from __future__ import annotations

import abc
import contextlib
import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.files import replace_file
from wis.graphs import EdgeList
from wis.progress import track

WEIGHT_NAMES = ("weight", "edge_weight")

_BLOCK_BYTES = 1 << 24
_BLOCK_ROWS = 1 << 20
_PROGRESS_FROM_BYTES = 1 << 26


@dataclass(frozen=True)
class _Block:
    """Some rows: their endpoints, integer ``[rows]`` each, and what is needed to copy them."""

    tail: np.ndarray
    head: np.ndarray
    content: Any


class _Rows:
    """What happens to the rows of each pair."""

    def __init__(self, path: Path, edges: EdgeList, kept: np.ndarray, weights: np.ndarray | None) -> None:
        self._path = path
        self._edges = edges
        self._keys = edges.pairs[0] * edges.num_nodes + edges.pairs[1]
        self._kept = kept
        self.weights = weights

    def look_up(self, tail: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Which rows stay, and the factors of the weights of these."""
        loop = tail == head
        if not self._edges.directed:
            tail, head = np.minimum(tail, head), np.maximum(tail, head)
        key = tail.astype(np.int64) * self._edges.num_nodes + head
        if len(self._keys):
            pair = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
            found = self._keys[pair] == key
        else:
            pair = found = np.zeros(len(key), dtype=np.int64)
        if not np.all(found.astype(bool) | loop):
            raise ValueError(f"{self._path} was changed while it was read")
        stays = loop.copy()
        stays[~loop] = self._kept[pair[~loop]]
        if self.weights is None:
            return stays, None
        factor = np.ones(len(key))
        factor[~loop] = self.weights[pair[~loop]]
        return stays, factor[stays]


class _Table(abc.ABC):
    """What text and Parquet tables have in common."""

    data = None

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        self.path = path
        self._num_nodes = num_nodes
        self._edges: EdgeList | None = None

    def edges(self, directed: bool = False) -> EdgeList:
        """Read the pairs; undirected unless ``directed``, whatever directions the rows have."""
        tails, heads = [], []
        largest = -1
        for block in self._blocks("reading"):
            low = min(block.tail.min(initial=0), block.head.min(initial=0))
            high = max(block.tail.max(initial=-1), block.head.max(initial=-1))
            if low < 0 or (self._num_nodes is not None and high >= self._num_nodes):
                self._refuse_vertex(block)
            largest = max(largest, int(high))
            narrow = np.int32 if high < 1 << 31 else np.int64
            tails.append(block.tail.astype(narrow))
            heads.append(block.head.astype(narrow))
        num_nodes = largest + 1 if self._num_nodes is None else self._num_nodes
        columns = _gather(tails, heads)
        self._edges = EdgeList.from_columns(columns, num_nodes, bool(directed))
        return self._edges

    def write(self, out: str | os.PathLike[str], kept: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Copy the rows of the kept pairs, and self-loops, in their order; all or nothing."""
        edges = self.edges() if self._edges is None else self._edges
        self._copy(Path(out), _Rows(self.path, edges, kept, weights))

    @abc.abstractmethod
    def _blocks(self, what: str) -> Iterator[_Block]:
        """All rows, in order."""

    @abc.abstractmethod
    def _copy(self, out: Path, rows: _Rows) -> None:
        """Write the rows that stay."""

    @abc.abstractmethod
    def _position(self, block: _Block, row: int) -> str:
        """Where a row stands, for an error message."""

    def _refuse_vertex(self, block: _Block) -> None:
        largest = np.iinfo(np.int64).max if self._num_nodes is None else self._num_nodes - 1
        ends = np.stack([block.tail, block.head])
        row = int(np.flatnonzero(((ends < 0) | (ends > largest)).any(axis=0))[0])
        vertex = next(int(end) for end in ends[:, row] if not 0 <= end <= largest)
        rule = "vertices are numbered from 0" + ("" if self._num_nodes is None else f" to {largest}, by --num-nodes")
        raise ValueError(f"{self._position(block, row)}: vertex {vertex} is out of range; {rule}")


def _gather(tails: list[np.ndarray], heads: list[np.ndarray]) -> np.ndarray:
    """Put blocks together as ``[2, E]``, giving each up as soon as it is copied."""
    dtype = np.result_type(np.int32, *{part.dtype for part in tails})
    columns = np.empty((2, sum(map(len, tails))), dtype=dtype)
    for row, parts in zip(columns, (tails, heads), strict=True):
        end = len(row)
        while parts:
            part = parts.pop()
            row[end - len(part) : end] = part
            end -= len(part)
    return columns


class TextTable(_Table):
    """A CSV or TSV file, packed with gzip or not.

    The endpoints are the first two columns. The weight, if there is one, is the column named ``weight`` or
    ``edge_weight``; without a header it is a third and last column of numbers.
    """

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        super().__init__(path, num_nodes)
        self._separator = "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes[-2:]] else ","
        self._start = b""  # comments and header
        self._width = 2
        self._weight: int | None = None
        self._read_start()

    def _read_start(self) -> None:
        with self._open() as (stream, _):
            line = stream.readline()
            while line.startswith(b"#") or (line and not line.strip()):
                self._start += line
                line = stream.readline()
        fields = self._split(line)
        if not line:
            return
        self._width = len(fields)
        if self._width < 2:
            raise ValueError(
                f"{self._line(0)}: expected at least two columns separated by {self._separator!r}, got {_shown(line)}"
            )
        if _is_number(fields[0]) or _is_number(fields[1]):
            self._weight = 2 if self._width == 3 and _is_number(fields[2]) else None
            return
        self._start += line
        names = [name.strip().lower() for name in fields]
        self._weight = next((i for i, name in enumerate(names) if i > 1 and name in WEIGHT_NAMES), None)

    def _split(self, line: bytes) -> list[str]:
        text = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
        try:
            return next(csv.reader([text], delimiter=self._separator), [""])
        except csv.Error:  # a carriage return or a null byte inside, or an endless field
            raise ValueError(f"{self.path}: every row must be one line that ends in a line feed") from None

    def _line(self, row: int) -> str:
        return f"{self.path}, line {self._start.count(bytes([10])) + 1 + row}"

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The text, and the file itself below it."""
        with self.path.open("rb") as file:
            try:
                yield (gzip.GzipFile(fileobj=file) if self.path.suffix.lower() == ".gz" else file), file  # type: ignore[misc]
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise ValueError(f"{self.path} is no whole gzip file: {error}") from error

    def _blocks(self, what: str) -> Iterator[_Block]:
        size = self.path.stat().st_size
        with (
            self._open() as (stream, file),
            track(size >> 20, f"{what} {self.path.name}", unit="MiB", enabled=size >= _PROGRESS_FROM_BYTES) as advance,
        ):
            stream.read(len(self._start))
            shown, lines = 0, 0
            for raw in _whole_lines(stream):
                block = self._parse(raw, lines)
                lines += raw.count(b"\n")
                yield block
                advance((file.tell() >> 20) - shown)
                shown = file.tell() >> 20

    def _parse(self, raw: bytes, lines_before: int) -> _Block:
        """Read the endpoints of the rows in some whole lines."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        if not raw.strip():
            empty = np.empty(0, dtype=np.int64)
            return _Block(empty, empty, (raw, lines_before))
        types = {"0": pa.int64(), "1": pa.int64()}
        if self._weight is not None:
            types[str(self._weight)] = pa.float64()
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(raw),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=len(raw) + 1,
                    column_names=[str(i) for i in range(self._width)],
                ),
                parse_options=arrow_csv.ParseOptions(delimiter=self._separator),
                convert_options=arrow_csv.ConvertOptions(column_types=types, include_columns=list(types)),
            )
        except pa.ArrowInvalid as error:
            self._explain(raw, lines_before)
            raise ValueError(f"{self.path} cannot be read: {error}") from error
        if any(column.null_count for column in table.columns) or table.num_rows != len(_row_lines(raw)[0]):
            self._explain(raw, lines_before)
            raise ValueError(f"{self.path}: every row must be one line that ends in a line feed")
        tail, head = (table.column(i).to_numpy() for i in range(2))
        return _Block(tail, head, (raw, lines_before))

    def _explain(self, raw: bytes, lines_before: int) -> None:
        """Find the first bad row, slowly, and raise an error about it."""
        for number, line in enumerate(raw.splitlines()):
            if not line:
                continue
            where, fields = self._line(lines_before + number), self._split(line)
            if len(fields) != self._width:
                raise ValueError(f"{where}: expected {self._width} columns, as in the first row, got {_shown(line)}")
            for field in fields[:2]:
                if not re.fullmatch(r"[+-]?\d+", field.strip()):
                    raise ValueError(f"{where}: vertices must be integers from 0, got {field.strip()!r}")
                if not -(1 << 63) <= int(field) < 1 << 63:
                    raise ValueError(f"{where}: vertex {field.strip()} is out of range; number the vertices from 0")
            weight = "0" if self._weight is None else fields[self._weight]
            if not _is_number(weight) or weight.strip().lower().strip("+-") == "nan":
                raise ValueError(f"{where}: the weight must be a number, got {weight.strip()!r}")

    def _position(self, block: _Block, row: int) -> str:
        raw, lines_before = block.content
        starts, _ = _row_lines(raw)
        return self._line(lines_before + raw[: starts[row]].count(b"\n"))

    def _copy(self, out: Path, rows: _Rows) -> None:
        with replace_file(out) as temporary, temporary.open("wb") as file:
            packed = out.suffix.lower() == ".gz"
            stream = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) if packed else file
            stream.write(self._start if rows.weights is None else self._start_with_weight())
            for block in self._blocks("writing"):
                stays, factors = rows.look_up(block.tail, block.head)
                raw = block.content[0]
                if factors is None:
                    stream.write(_keep_lines(raw, stays))
                else:
                    stream.write(b"".join(self._weighted(raw, stays, factors)))
            if packed:
                stream.close()

    def _start_with_weight(self) -> bytes:
        """The comments and the header, with a column for the weight if there is none."""
        header = self._start.rstrip(b"\r\n").rpartition(b"\n")[2]
        if self._weight is not None or not header or header.startswith(b"#"):
            return self._start
        end = len(self._start.rstrip(b"\r\n"))
        return self._start[:end] + self._separator.encode() + b"weight" + self._start[end:]

    def _weighted(self, raw: bytes, stays: np.ndarray, factors: np.ndarray) -> Iterator[bytes]:
        """The lines that stay, their weights multiplied or a weight appended."""
        starts, ends = _row_lines(raw)
        separator = self._separator
        for start, end, factor in zip(starts[stays].tolist(), ends[stays].tolist(), factors.tolist(), strict=True):
            line = raw[start:end]
            text = line.rstrip(b"\r\n")
            if self._weight is None:
                yield text + f"{separator}{factor!r}".encode() + line[len(text) :]
                continue
            fields = self._split(text)
            fields[self._weight] = repr(float(fields[self._weight]) * factor)
            quoted = ('"' + f.replace('"', '""') + '"' if separator in f or '"' in f else f for f in fields)
            yield separator.join(quoted).encode() + line[len(text) :]


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a stream in blocks that end at the end of a line."""
    left = b""
    while part := stream.read(_BLOCK_BYTES):
        end = part.rfind(b"\n") + 1
        if end == 0:
            left += part
            continue
        yield left + part[:end]
        left = part[end:]
    if left:
        yield left


def _row_lines(raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where each line begins and ends, its line feed included; empty lines are no rows."""
    ends = np.flatnonzero(np.frombuffer(raw, dtype=np.uint8) == 10) + 1
    if not raw.endswith(b"\n"):
        ends = np.append(ends, len(raw))
    starts = np.concatenate([[0], ends[:-1]])
    length = ends - starts
    full = length > 2
    for i in np.flatnonzero(~full):
        full[i] = bool(raw[starts[i] : ends[i]].strip(b"\r\n"))
    return starts[full], ends[full]


def _keep_lines(raw: bytes, stays: np.ndarray) -> bytes:
    """The lines of the rows that stay, byte by byte as they are."""
    starts, ends = _row_lines(raw)
    # A step up where a line that stays begins, a step down where it ends.
    step = np.zeros(len(raw) + 1, dtype=np.int8)
    step[starts[stays]] += 1
    step[ends[stays]] -= 1
    inside = np.cumsum(step[:-1], dtype=np.int8).view(bool)
    return np.frombuffer(raw, dtype=np.uint8)[inside].tobytes()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").rstrip("\r\n")
    return repr(text if len(text) <= 60 else text[:57] + "...")


class ParquetTable(_Table):
    """A Parquet file. The endpoints are the first two columns; ``weight`` or ``edge_weight`` is the weight."""

    def __init__(self, path: Path, num_nodes: int | None) -> None:
        super().__init__(path, num_nodes)
        import pyarrow as pa

        with self._open() as file:
            self._schema = file.schema_arrow
            groups = file.metadata.num_row_groups
            self._compression = file.metadata.row_group(0).column(0).compression if groups else "SNAPPY"
        names = self._schema.names
        if len(names) < 2:
            raise ValueError(f"{path} must have at least two columns, the endpoints, got {names}")
        for name in names[:2]:
            kind = self._schema.field(name).type
            if not pa.types.is_integer(kind):
                raise ValueError(f"{path}: the first two columns must be integers, but {name!r} is {kind}")
        self._ends = names[:2]
        self._weight = next((name for name in names[2:] if name.lower() in WEIGHT_NAMES), None)

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path) as file:
                yield file
        except pa.ArrowInvalid as error:
            raise ValueError(f"{self.path} is no readable Parquet file: {error}") from error

    def _blocks(self, what: str) -> Iterator[_Block]:
        columns = None if what == "writing" else [*self._ends, *([self._weight] if self._weight else [])]
        size = self.path.stat().st_size
        with (
            self._open() as file,
            track(
                file.metadata.num_rows, f"{what} {self.path.name}", unit="rows", enabled=size >= _PROGRESS_FROM_BYTES
            ) as advance,
        ):
            before = 0
            for batch in file.iter_batches(_BLOCK_ROWS, columns=columns, use_threads=False):
                self._check(batch, before)
                tail, head = (batch.column(name).to_numpy(zero_copy_only=False) for name in self._ends)
                yield _Block(tail.astype(np.int64, copy=False), head.astype(np.int64, copy=False), (batch, before))
                before += batch.num_rows
                advance(batch.num_rows)

    def _check(self, batch: Any, before: int) -> None:
        from pyarrow import compute

        for name in (*self._ends, *([self._weight] if self._weight else [])):
            bad = compute.is_null(batch.column(name), nan_is_null=True)
            if compute.any(bad).as_py():
                row = before + bad.to_numpy(zero_copy_only=False).argmax()
                raise ValueError(f"{self.path}, row {row} (counted from 0): column {name!r} has no value or NaN")

    def _position(self, block: _Block, row: int) -> str:
        return f"{self.path}, row {block.content[1] + row} (counted from 0)"

    def _copy(self, out: Path, rows: _Rows) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        schema = self._schema if rows.weights is None else self._weighted_schema()
        with (
            replace_file(out) as temporary,
            parquet.ParquetWriter(temporary, schema, compression=self._compression) as writer,
        ):
            for block in self._blocks("writing"):
                stays, factors = rows.look_up(block.tail, block.head)
                batch = block.content[0].filter(pa.array(stays))
                if factors is not None:
                    batch = self._weighted(batch, factors, schema)
                writer.write_batch(batch)

    def _weighted_schema(self) -> Any:
        """The schema with a weight in floating point."""
        import pyarrow as pa

        if self._weight is None:
            return self._schema.append(pa.field("weight", pa.float64()))
        position = self._schema.get_field_index(self._weight)
        field = self._schema.field(position)
        if pa.types.is_floating(field.type):
            return self._schema
        return self._schema.set(position, field.with_type(pa.float64()))

    def _weighted(self, batch: Any, factors: np.ndarray, schema: Any) -> Any:
        import pyarrow as pa

        columns = {name: batch.column(name) for name in batch.schema.names}
        name = self._weight or "weight"
        old = columns[name].to_numpy(zero_copy_only=False) if name in columns else 1.0
        columns[name] = pa.array(old * factors).cast(schema.field(name).type)
        return pa.RecordBatch.from_arrays([columns[field] for field in schema.names], schema=schema)
