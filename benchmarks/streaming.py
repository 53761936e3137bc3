"""`wis sparsify --max-memory` on edge lists larger than memory, beside the same in memory.

    python -m benchmarks.streaming [--method METHOD] [--rows N ...] [--in-memory-up-to N] [--max-memory 4G]
                                   [--folder DIR]

The Parquet file has ``N`` rows (10^6, 10^7, 5*10^7), draws of the power-law graph of the engine benchmark. The command
keeps half of the edges by 1-WIS, or by another method that streams, in a process of its own that is bound to one core;
``--max-memory`` is 600 MiB plus 20 bytes a row, at most 4 GiB, unless it is given. Both outputs must be the same, byte
by byte. A small graph goes first, so that compilation is not counted. Needs some 50 bytes a row on disk. Seconds are
those of the processor. Writes ``streaming.json`` and ``streaming.md``, and for another method than 1-WIS
``streaming-METHOD.json`` and ``.md``; sizes of an earlier run that were not measured again stay in them.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from wis.experiments.pages.tables import markdown

from benchmarks import edge_lists, timing
from wis.checks import check_bytes

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "numba", "pyarrow")
_1WIS = "wis:depth=2"
_PARTS = ("reading", "choosing", "writing")


def main() -> None:
    """Measure, print, and write the results."""
    options = _parse()
    if options.make:
        make_file(options.make, options.rows[0])
        return
    timing.one_core()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for num_rows in options.rows:
            in_memory = num_rows <= options.in_memory_up_to
            rows += _measure(Path(folder), options.method, num_rows, in_memory, options.max_memory)
    name = "streaming" if options.method == _1WIS else f"streaming-{options.method}"
    file, facts = options.out / f"{name}.json", timing.machine(*PACKAGES)
    rows = timing.merge(file, "rows", facts, rows, lambda row: (row["rows"], row["max_memory"] is not None))
    timing.write(options.out, name, {"method": options.method, "rows": rows}, _to_markdown(options.method, rows))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__.partition("\n")[0])
    parser.add_argument("--method", default=_1WIS, help=f"a method that streams ({_1WIS})")
    parser.add_argument("--rows", type=int, nargs="+", default=[10**6, 10**7, 5 * 10**7], help="rows of the files")
    parser.add_argument("--in-memory-up-to", type=int, default=5 * 10**7, metavar="N", help="rows (5*10^7)")
    parser.add_argument("--max-memory", help="for all files alike (600 MiB plus 20 bytes a row, at most 4 GiB)")
    parser.add_argument("--folder", type=Path, help="where the files are made (the folder for temporary files)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--make", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_file(path: Path, num_rows: int) -> None:
    """Write an edge list without ever having it in memory."""
    import pyarrow as pa
    from pyarrow import parquet

    from benchmarks.graphs import power_law_columns

    schema = pa.schema([("source", pa.int32()), ("target", pa.int32())])
    with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for columns in power_law_columns(num_rows):
            writer.write_table(pa.table(list(columns), schema=schema))


def _measure(folder: Path, method: str, num_rows: int, in_memory: bool, max_memory: str | None) -> list[dict[str, Any]]:
    small, file = folder / "small.parquet", folder / "in.parquet"
    limit = check_bytes("--max-memory", max_memory) if max_memory else min((600 << 20) + 20 * num_rows, 4 << 30)
    make_file(small, 100)
    timing.in_child(["benchmarks.streaming", "--make", str(file), "--rows", str(num_rows)])
    found: list[dict[str, Any]] = []
    outputs: list[Path] = []
    for more in ((), (str(limit),))[0 if in_memory else 1 :]:
        outputs.append(folder / f"half{len(outputs)}.parquet")
        edge_lists.sparsify(small, folder / "small_half.parquet", method, *more)
        start = time.perf_counter()
        said, peak_bytes = edge_lists.sparsify(file, outputs[-1], method, *more)
        seconds = {name: float(value) for name, value in re.findall(rf"({'|'.join(_PARTS)}) ([\d.]+) s", said)}
        num_edges = int(re.findall(r"of ([\d,]+) edges", said)[0].replace(",", ""))
        found.append(
            {
                "rows": num_rows,
                "edges": num_edges,
                "max_memory": limit if more else None,
                "cpu_seconds": seconds,
                "wall_seconds": time.perf_counter() - start,
                "peak_bytes": peak_bytes,
            }
        )
        print(json.dumps(found[-1]), flush=True)
    if len(outputs) == 2 and not filecmp.cmp(outputs[0], outputs[1], shallow=False):
        raise AssertionError(f"{num_rows} rows: the file is another one than in memory")
    for path in (file, *outputs):
        path.unlink()
    return found


def _to_markdown(method: str, rows: list[dict[str, Any]]) -> str:
    counts = " ".join(str(count) for count in dict.fromkeys(row["rows"] for row in rows))
    command = f"python -m benchmarks.streaming --method {method} --rows {counts}"
    described, runs = timing.runs_of(rows)
    lines = [
        "# Edge lists larger than memory",
        "",
        f"`{command}`, one core. {described}.",
        "",
        f"`wis sparsify --method {method}` keeps half of the edges of a Parquet file, in memory and with "
        "`--max-memory`; the files written are the same. CPU seconds of its parts, as the command tells them; peak "
        "memory of the whole process.",
        "",
    ]
    table: list[tuple[str, ...]] = [
        ("rows", "edges", "max-memory, MB", "reading, s", "choosing, s", "writing, s", "ns an edge", "to in memory",
         "wall, s", "peak memory, MB", *(["run"] if any(runs) else []))
    ]  # fmt: skip
    in_memory = {row["rows"]: sum(row["cpu_seconds"].values()) for row in rows if row["max_memory"] is None}
    for row, run in zip(rows, runs, strict=True):
        total, limit = sum(row["cpu_seconds"].values()), row["max_memory"]
        ratio = f"{total / in_memory[row['rows']]:.2f}" if limit and row["rows"] in in_memory else "–"
        table.append(
            (
                f"{row['rows']:,}",
                f"{row['edges']:,}",
                f"{limit / 1e6:,.0f}" if limit else "in memory",
                *(f"{row['cpu_seconds'][part]:.1f}" for part in _PARTS),
                f"{total / row['edges'] * 1e9:,.0f}",
                ratio,
                f"{row['wall_seconds']:,.0f}",
                f"{row['peak_bytes'] / 1e6:,.0f}",
                *([run] if run else []),
            )
        )
    return "\n".join([*lines, markdown(table)]) + "\n"


if __name__ == "__main__":
    main()
