"""Edge lists as Parquet files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wis.extras import needed_for
from wis.files import replace_file
from wis.graph_files.columns import TableOptions, choose_columns
from wis.graph_files.edge_tables import Block, EdgeTable, Rows
from wis.progress import track

# Also the rows of a row group in the files written.
_BLOCK_ROWS = 1 << 20


class ParquetTable(EdgeTable):
    """A Parquet file with one edge a row; the columns are found as those of a text table with a header."""

    def __init__(self, path: Path, options: TableOptions) -> None:
        with needed_for(f"reading {path}"):
            import pyarrow  # noqa: F401

        self.path = path
        if options.header is not None:
            raise TypeError(f"{path}: header is for text; the columns of a Parquet file always have names")
        with self._open() as file:
            self._schema = file.schema_arrow
            self.num_rows: int = file.metadata.num_rows
            """Number of rows."""
            self._compression = _compression(file.metadata)
        names = self._schema.names
        if len(names) < 2:
            raise ValueError(f"{path} must have at least two columns, the endpoints, got {names}")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{path} has two columns named {name!r}; rename one of them")
        kinds = [_kind(self._schema.field(name).type) for name in names]
        columns = choose_columns(path, names, kinds, options)
        self._ends = (names[columns.tail], names[columns.head])
        for name in self._ends:
            if kinds[names.index(name)] == "number":
                kind = self._schema.field(name).type
                raise ValueError(f"{path}: the ends of the edges must be integers or names, but {name!r} is {kind}")
        named = "text" in (kinds[columns.tail], kinds[columns.head]) or options.names
        super().__init__(path, named=named, bipartite=bool(options.bipartite))
        self._weight = None if columns.weight is None else names[columns.weight]
        self.has_weights = self._weight is not None

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            # With the buffer on, all that was ever read stays in memory.
            with parquet.ParquetFile(self.path, pre_buffer=False) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # about the file, not about what is in it
            raise ValueError(f"{self.path} is no readable Parquet file: {error}") from error

    def _blocks(self, what: str, *, weights: bool = False) -> Iterator[Block]:
        import pyarrow as pa

        read = [*self._ends, *([self._weight] if weights and self._weight else [])]
        columns = None if what == "writing" else read
        with (
            self._open() as file,
            track(file.metadata.num_rows, f"{what} {self.path.name}", unit="rows", enabled=self._is_large) as advance,
        ):
            before = 0
            for batch in file.iter_batches(_BLOCK_ROWS, columns=columns, use_threads=False):
                self._check(batch, before, read)
                tail, head = (self._vertices_of(batch.column(name)) for name in self._ends)
                values = batch.column(self._weight).to_numpy(zero_copy_only=False) if self._weight in read else None
                yield Block(tail, head, (batch, before), values)
                before += batch.num_rows
                advance(batch.num_rows)
        pa.default_memory_pool().release_unused()

    def _vertices_of(self, column: Any) -> Any:
        """A column as numbers, or as an array of names."""
        import pyarrow as pa

        if not self._vertices.named:
            numbers = column.to_numpy(zero_copy_only=False)
            return numbers if numbers.dtype == np.uint64 else numbers.astype(np.int64, copy=False)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        return (column.cast(pa.string()) if pa.types.is_integer(column.type) else column).cast(pa.binary())

    def _check(self, batch: Any, before: int, names: Sequence[str]) -> None:
        """Raise ``ValueError`` where a vertex or weight is missing, or a weight is no number."""
        import pyarrow as pa
        from pyarrow import compute

        for name in names:
            kind = batch.schema.field(name).type
            if name == self._weight and not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                raise ValueError(f"{self.path}: the weight must be a number, but column {name!r} is {kind}")
            bad = compute.is_null(batch.column(name), nan_is_null=True)
            if compute.any(bad).as_py():
                row = before + bad.to_numpy(zero_copy_only=False).argmax()
                raise ValueError(f"{self.path}, row {row} (counted from 0): column {name!r} has no value or NaN")
            if name in self._ends and _kind(kind) == "text":
                text = batch.column(name)
                text = text.dictionary_decode() if pa.types.is_dictionary(kind) else text
                blank = compute.match_substring_regex(text.cast(pa.binary()), r"^\s*$")
                if compute.any(blank).as_py():
                    row = before + blank.to_numpy(zero_copy_only=False).argmax()
                    raise ValueError(f"{self.path}, row {row} (counted from 0): a vertex of {name!r} has no name")

    def _position(self, block: Block, row: int) -> str:
        return f"{self.path}, row {block.content[1] + row} (counted from 0)"

    def _copy(self, out: Path, rows: Rows) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        schema = self._weighted_schema() if rows.is_weighted else self._schema
        with (
            _writable(out),
            replace_file(out) as temporary,
            parquet.ParquetWriter(temporary, schema, compression=self._compression) as writer,
        ):
            for block in self._blocks("writing", weights=rows.is_weighted):
                numbered = self._number(block)
                stays, factors = rows.look_up(numbered.tail, numbered.head)
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


@contextlib.contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Put the file's name before the message of an error of Arrow in writing it."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        kind = MemoryError if isinstance(error, MemoryError) else ValueError
        raise kind(f"{out} cannot be written as a Parquet file: {error}") from error


def _compression(metadata: Any) -> str | dict[str, str]:
    """How a file packs its columns, as Arrow's writer calls it: one codec, or one for each where they differ."""
    if not (metadata.num_row_groups and metadata.num_columns):
        return "SNAPPY"
    columns = [metadata.row_group(0).column(i) for i in range(metadata.num_columns)]
    codecs = {column.path_in_schema: column.compression for column in columns}
    codecs = {path: "NONE" if codec == "UNCOMPRESSED" else codec for path, codec in codecs.items()}
    return codecs if len(set(codecs.values())) > 1 else next(iter(codecs.values()))


def _kind(kind: Any) -> str:
    """What a column holds, as :func:`wis.graph_files.columns.choose_columns` calls it."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return "text" if is_text or pa.types.is_binary(kind) else "number"
