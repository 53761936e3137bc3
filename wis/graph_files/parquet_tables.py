"""Edge lists as Parquet files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wis.extras import needed_for
from wis.files import replace_file
from wis.graph_files.edge_tables import WEIGHT_NAMES, Block, EdgeTable, Rows
from wis.progress import track

# Also the rows of a row group in the files written.
_BLOCK_ROWS = 1 << 20


class ParquetTable(EdgeTable):
    """A Parquet file. The endpoints are the first two columns; ``weight`` or ``edge_weight`` is the weight."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with needed_for(f"reading {path}"):
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
            # With the buffer on, all that was ever read stays in memory.
            with parquet.ParquetFile(self.path, pre_buffer=False) as file:
                yield file
        except pa.ArrowInvalid as error:
            raise ValueError(f"{self.path} is no readable Parquet file: {error}") from error

    def _blocks(self, what: str) -> Iterator[Block]:
        import pyarrow as pa

        columns = None if what == "writing" else [*self._ends, *([self._weight] if self._weight else [])]
        with (
            self._open() as file,
            track(file.metadata.num_rows, f"{what} {self.path.name}", unit="rows", enabled=self._is_large) as advance,
        ):
            before = 0
            for batch in file.iter_batches(_BLOCK_ROWS, columns=columns, use_threads=False):
                self._check(batch, before)
                tail, head = (batch.column(name).to_numpy(zero_copy_only=False) for name in self._ends)
                yield Block(tail.astype(np.int64, copy=False), head.astype(np.int64, copy=False), (batch, before))
                before += batch.num_rows
                advance(batch.num_rows)
        pa.default_memory_pool().release_unused()

    def _check(self, batch: Any, before: int) -> None:
        from pyarrow import compute

        for name in (*self._ends, *([self._weight] if self._weight else [])):
            bad = compute.is_null(batch.column(name), nan_is_null=True)
            if compute.any(bad).as_py():
                row = before + bad.to_numpy(zero_copy_only=False).argmax()
                raise ValueError(f"{self.path}, row {row} (counted from 0): column {name!r} has no value or NaN")

    def _position(self, block: Block, row: int) -> str:
        return f"{self.path}, row {block.content[1] + row} (counted from 0)"

    def _copy(self, out: Path, rows: Rows) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        schema = self._weighted_schema() if rows.is_weighted else self._schema
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
