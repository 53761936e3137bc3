"""Edge lists as text: CSV and TSV, packed with gzip or not.

Rows are copied as the bytes they are, so that quotes, number formats and line ends stay what they were.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from wis.extras import needed_for
from wis.files import replace_file
from wis.graph_files.edge_tables import WEIGHT_NAMES, Block, EdgeTable, Rows
from wis.progress import track

_BLOCK_BYTES = 1 << 21


class TextTable(EdgeTable):
    """A CSV or TSV file, packed with gzip or not.

    The endpoints are the first two columns. The weight, if there is one, is the column named ``weight`` or
    ``edge_weight``; without a header it is a third and last column of numbers.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
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

    def _blocks(self, what: str) -> Iterator[Block]:
        with needed_for(f"reading {self.path}"):
            import pyarrow as pa

        pa.enable_signal_handlers(False)  # blocks are small; Arrow loses a Ctrl-C now and then
        size = self.path.stat().st_size >> 20
        with (
            self._open() as (stream, file),
            track(size, f"{what} {self.path.name}", unit="MiB", enabled=self._is_large) as advance,
        ):
            stream.read(len(self._start))
            shown, lines = 0, 0
            for raw in _whole_lines(stream):
                block = self._parse(raw, lines)
                lines += raw.count(b"\n")
                yield block
                advance((file.tell() >> 20) - shown)
                shown = file.tell() >> 20
        pa.default_memory_pool().release_unused()

    def _parse(self, raw: bytes, lines_before: int) -> Block:
        """Read the endpoints of the rows in some whole lines."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        if not raw.strip():
            empty = np.empty(0, dtype=np.int64)
            return Block(empty, empty, (raw, lines_before))
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
        return Block(tail, head, (raw, lines_before))

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

    def _position(self, block: Block, row: int) -> str:
        raw, lines_before = block.content
        starts, _ = _row_lines(raw)
        return self._line(lines_before + raw[: starts[row]].count(b"\n"))

    def _copy(self, out: Path, rows: Rows) -> None:
        with replace_file(out) as temporary, temporary.open("wb") as file:
            packed = out.suffix.lower() == ".gz"
            stream = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) if packed else file
            stream.write(self._start_with_weight() if rows.is_weighted else self._start)
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
