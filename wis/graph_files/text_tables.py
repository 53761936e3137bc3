"""Edge lists as text: CSV, TSV, and lists as SNAP and KONECT have them, packed with gzip or not.

Rows are copied as the bytes they are, so that quotes, number formats and line ends stay what they were.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from wis.extras import needed_for
from wis.files import replace_file
from wis.graph_files.columns import TableOptions
from wis.graph_files.edge_tables import Block, EdgeTable, Rows, TooLargeError
from wis.graph_files.text_layout import lines_before, read_layout, split
from wis.graph_files.text_lines import (
    row_lines,
    rows_alone,
    shown,
    weighted,
    whole_lines,
    with_single_blanks,
    without,
)
from wis.progress import track


class TextTable(EdgeTable):
    """A text file with one edge a row, packed with gzip or not.

    Parameters
    ----------
    path
        The file.
    options
        Which columns to read.
    separator
        Between the values of a row; None for a list, which has blanks, tabs or commas, and comments anywhere.
    """

    def __init__(self, path: Path, options: TableOptions, separator: bytes | None) -> None:
        self.path = path
        self._is_list = separator is None
        with self._open() as (stream, _):
            self._layout = read_layout(path, stream, separator, options, is_list=self._is_list)
        super().__init__(path, named=self._layout.named, bipartite=self._layout.bipartite)
        self.has_weights = self._layout.columns.weight is not None

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """The text, and the file itself below it."""
        with self.path.open("rb") as file:
            try:
                yield (gzip.GzipFile(fileobj=file) if self.path.suffix.lower() == ".gz" else file), file  # type: ignore[misc]
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise ValueError(f"{self.path} is no whole gzip file: {error}") from error
            except ValueError as error:
                message = str(error)
                kind = type(error) if isinstance(error, TooLargeError) else ValueError
                raise kind(message if message.startswith(str(self.path)) else f"{self.path}: {message}") from error

    def _line(self, row: int) -> str:
        return f"{self.path}, line {lines_before(self._layout.start) + 1 + row}"

    def _blocks(self, what: str, *, weights: bool = False) -> Iterator[Block]:
        with needed_for(f"reading {self.path}"):
            import pyarrow as pa

        pa.enable_signal_handlers(False)  # blocks are small; Arrow loses a Ctrl-C now and then
        size = self.path.stat().st_size >> 20
        with (
            self._open() as (stream, file),
            track(size, f"{what} {self.path.name}", unit="MiB", enabled=self._is_large) as advance,
        ):
            stream.read(len(self._layout.start))
            seen, lines = 0, 0
            for raw in whole_lines(stream):
                block = self._parse(raw, lines, weights=weights)
                lines += raw.count(b"\n")
                yield block
                advance((file.tell() >> 20) - seen)
                seen = file.tell() >> 20
        pa.default_memory_pool().release_unused()

    def _parse(self, raw: bytes, lines: int, *, weights: bool) -> Block:
        """Read the endpoints of the rows in some whole lines, of which there were others before."""
        import pyarrow as pa

        rows = rows_alone(raw) if self._is_list else raw
        rows = with_single_blanks(rows) if self._layout.separator is None else rows
        num_rows = len(row_lines(raw, comments=self._is_list)[0])
        if num_rows == 0:
            empty = np.empty(0, dtype=np.int64)
            ends = pa.array([], pa.binary()) if self._vertices.named else empty
            return Block(ends, ends, (raw, lines), np.empty(0) if weights else None)
        wanted = self._wanted(weights=weights)
        try:
            table = self._read(rows, wanted)
        except pa.ArrowInvalid as error:
            self._explain(raw, lines, weights=weights)
            raise ValueError(f"{self.path} cannot be read: {error}") from error
        if (
            any(column.null_count for column in table.columns)
            or table.num_rows != num_rows
            or self._is_odd(table, rows)
        ):
            self._explain(raw, lines, weights=weights)
            raise ValueError(f"{self.path}: every row must be one line that ends in a line feed")
        tail, head = (table.column(i).combine_chunks() for i in range(2))
        if not self._vertices.named:
            tail, head = tail.to_numpy(), head.to_numpy()
        return Block(tail, head, (raw, lines), table.column(2).to_numpy() if weights else None)

    def _wanted(self, *, weights: bool) -> dict[int, Any]:
        """Numbers and types of the columns to read."""
        import pyarrow as pa

        columns = self._layout.columns
        kind = pa.binary() if self._vertices.named else pa.int64()
        wanted = {columns.tail: kind, columns.head: kind}
        if weights and columns.weight is not None:
            wanted[columns.weight] = pa.float64()
        return wanted

    def _read(self, rows: bytes, wanted: dict[int, Any]) -> Any:
        import pyarrow as pa
        from pyarrow import csv

        types = {str(column): kind for column, kind in wanted.items()}
        separator = self._layout.separator
        return csv.read_csv(
            pa.BufferReader(rows),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=len(rows) + 1,
                column_names=[str(i) for i in range(self._layout.width)],
            ),
            parse_options=csv.ParseOptions(
                delimiter=(separator or b" ").decode(), quote_char=False if separator is None else '"'
            ),
            convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types), check_utf8=False),
        )

    def _is_odd(self, table: Any, rows: bytes) -> bool:
        """Whether a vertex is nothing, or was read from hexadecimal digits, which Arrow takes for a number."""
        import pyarrow as pa
        from pyarrow import compute

        ends = table.columns[:2]
        if self._vertices.named:
            return any(compute.any(compute.match_substring_regex(end, r"^\s*$")).as_py() for end in ends)
        if b"x" not in rows and b"X" not in rows:
            return False
        columns = self._layout.columns
        words = self._read(rows, {columns.tail: pa.binary(), columns.head: pa.binary()})
        return any(compute.any(compute.match_substring(end, b"x", ignore_case=True)).as_py() for end in words.columns)

    def _explain(self, raw: bytes, lines: int, *, weights: bool) -> None:
        """Find the first bad row, slowly, and raise an error about it."""
        columns, width = self._layout.columns, self._layout.width
        for number, line in enumerate(raw.splitlines()):
            if not line.strip() or (self._is_list and line[:1] in (b"#", b"%")):
                continue
            where, fields = self._line(lines + number), split(self.path, line, self._layout.separator)
            if len(fields) != width:
                raise ValueError(f"{where}: expected {width} columns, as in the first row, got {shown(line)}")
            for field in (fields[columns.tail].strip(), fields[columns.head].strip()):
                self._check_vertex(field, where)
            weight = fields[columns.weight].strip() if weights and columns.weight is not None else "1"
            if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", weight, re.IGNORECASE):
                raise ValueError(f"{where}: the weight must be a number, got {weight!r}")

    def _check_vertex(self, field: str, where: str) -> None:
        if self._vertices.named:
            if not field:
                raise ValueError(f"{where}: a vertex has no name")
        elif not re.fullmatch(r"-?\d+", field):
            hint = ""
            if re.search(r"[^\d.-]", field):
                hint = "; pass names=True if vertices are names"
            elif re.fullmatch(r"\d+\.0*", field):
                hint = f"; write {field.partition('.')[0]} in its place (pandas: .astype('int64'))"
            raise ValueError(f"{where}: vertices must be integers from 0, got {field!r}{hint}")
        elif int(field) >= 1 << 63:
            raise TooLargeError(f"{where}: vertex {field} is out of range; number the vertices from 0")
        elif int(field) < 0:
            raise ValueError(f"{where}: vertex {field} is out of range; vertices are numbered from 0")

    def _position(self, block: Block, row: int) -> str:
        raw, lines = block.content
        starts, _ = row_lines(raw, comments=self._is_list)
        return self._line(lines + raw[: starts[row]].count(b"\n"))

    def _copy(self, out: Path, rows: Rows) -> None:
        columns, separator = self._layout.columns, self._layout.separator
        with replace_file(out) as temporary, temporary.open("wb") as file:
            packed = out.suffix.lower() == ".gz"
            stream = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) if packed else file
            stream.write(self._start_with_weight() if rows.is_weighted else self._layout.start)
            for block in self._numbered("writing", weights=rows.is_weighted and self.has_weights):
                stays, factors = rows.look_up(block.tail, block.head)
                raw = block.content[0]
                starts, ends = row_lines(raw, comments=self._is_list)
                if factors is None:
                    stream.write(without(raw, starts[~stays], ends[~stays]))
                else:
                    parts = weighted(
                        raw,
                        (starts, ends),
                        stays,
                        factors,
                        columns.weight,
                        separator,
                        has_braces=self._layout.has_braces,
                    )
                    try:
                        stream.write(b"".join(parts))
                    except ValueError as error:
                        raise ValueError(f"{self.path}: {error}") from None
            if packed:
                stream.close()

    def _start_with_weight(self) -> bytes:
        """The comments and the header, with a column for the weight if there is none."""
        start, separator = self._layout.start, self._layout.separator
        if self.has_weights or self._layout.names is None or self._layout.has_braces:
            return start
        end = len(start.rstrip(b"\r\n"))
        blank = b"\t" if b"\t" in start[:end].rpartition(b"\n")[2] else b" "
        return start[:end] + (separator or blank) + b"weight" + start[end:]
