"""`wis sparsify` on edge lists from disk: seconds of each part and peak memory, against the limit.

    python -m benchmarks.edge_lists [--rows N] [--formats csv npy npz parquet] [--folder DIR]

The file has ``N`` rows (5*10^7), every pair once, in random order and direction, of the power-law graph of the engine
benchmark. The command keeps half of them by 1-WIS, in a process of its own that is bound to one core. The limit is 2.5
times 16 bytes an edge plus 500 MB. A small graph goes first, so that compilation is not counted. Needs some 32 bytes a
row on disk and 60 in memory. Seconds are those of the processor. Writes ``edge_lists.json`` and ``edge_lists.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import timing

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "numba", "pyarrow")
_WARM_UP = "0,1\n1,2\n2,0\n2,3\n"


def main() -> None:
    """Measure, print, and write the results."""
    options = _parse()
    if options.make:
        make_file(options.make, options.rows)
        return
    if options.sparsify:
        run_command(*options.sparsify)
        return
    timing.one_core()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for suffix in options.formats:
            rows.append(_measure(Path(folder), suffix, options.rows))
            print(json.dumps(rows[-1]), flush=True)
    results = {"machine": timing.machine(*PACKAGES), "rows": options.rows, "formats": rows}
    timing.write(options.out, "edge_lists", results, _to_markdown(results))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge_lists", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000_000, help="rows of the file (5*10^7)")
    parser.add_argument("--formats", nargs="+", choices=sorted(WRITERS), default=list(WRITERS), help="default: all")
    parser.add_argument("--folder", type=Path, help="where the files are made (the folder for temporary files)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--make", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--sparsify", nargs="+", metavar="FILE", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_file(path: Path, num_rows: int) -> None:
    """Write an edge list with every pair once, in random order and direction."""
    from benchmarks.graphs import power_law

    rng = np.random.default_rng(1)
    columns = power_law(num_rows).pairs.astype(np.int32)[:, rng.permutation(num_rows)]
    turned = rng.random(num_rows) < 0.5
    columns[:, turned] = columns[::-1, turned]
    WRITERS[path.suffix[1:]](path, columns)


def run_command(file: str, out: str, method: str = "wis:depth=2", max_memory: str | None = None) -> None:
    """Run `wis sparsify` with a clock that counts processor seconds, which other work on the machine disturbs least."""
    from wis.experiments.commands.app import app

    time.perf_counter = time.process_time
    more = [] if max_memory is None else ["--max-memory", max_memory]
    app(["sparsify", file, "-o", out, "--method", method, "--seed", "0", *more])


def _write_csv(path: Path, columns: np.ndarray) -> None:
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(pa.table({"source": columns[0], "target": columns[1]}), path)


def _write_npz(path: Path, columns: np.ndarray) -> None:
    np.savez(path, edge_index=columns.astype(np.int64))


def _write_npy(path: Path, columns: np.ndarray) -> None:
    np.save(path, columns.astype(np.int64))


def _write_parquet(path: Path, columns: np.ndarray) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"source": columns[0], "target": columns[1]}), path)


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "csv": _write_csv,
    "npy": _write_npy,
    "npz": _write_npz,
    "parquet": _write_parquet,
}


def _measure(folder: Path, suffix: str, num_rows: int) -> dict[str, Any]:
    small, file, out = folder / "small.csv", folder / f"in.{suffix}", folder / f"half.{suffix}"
    small.write_text(_WARM_UP)
    sparsify(small, folder / "half.csv")
    timing.in_child(["benchmarks.edge_lists", "--make", str(file), "--rows", str(num_rows)])
    said, peak_bytes = sparsify(file, out)
    parts = {name: float(value) for name, value in re.findall(r"(reading|choosing|writing) ([\d.]+) s", said)}
    size = file.stat().st_size
    file.unlink()
    out.unlink()
    return {
        "format": suffix,
        "file_bytes": size,
        "cpu_seconds": parts,
        "peak_bytes": peak_bytes,
        "limit_bytes": int(2.5 * 16 * num_rows + 500e6),
    }


def sparsify(file: Path, out: Path, *more: str) -> tuple[str, int]:
    """Run the command in a process of its own: the last line it says, and its peak memory in bytes."""
    command = [sys.executable, "-m", "benchmarks.edge_lists", "--sparsify", str(file), str(out), *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({process.returncode}): {said}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return said.splitlines()[-1], peak


def _to_markdown(results: dict[str, Any]) -> str:
    lines = [
        "# Edge lists from disk",
        "",
        f"`python -m benchmarks.edge_lists --rows {results['rows']}`, one core. {timing.describe(results['machine'])}.",
        "",
        "`wis sparsify` keeps half of the edges by 1-WIS. CPU seconds of its parts, as the command tells them; peak "
        "memory of the whole process.",
        "",
    ]
    table: list[tuple[str, ...]] = [
        ("format", "file, MB", "reading, s", "choosing, s", "writing, s", "peak memory, MB", "limit, MB")
    ]
    for row in results["formats"]:
        seconds = [f"{row['cpu_seconds'][part]:.1f}" for part in ("reading", "choosing", "writing")]
        size, peak, limit = (f"{row[f'{what}_bytes'] / 1e6:,.0f}" for what in ("file", "peak", "limit"))
        table.append((f".{row['format']}", size, *seconds, peak, limit))
    return "\n".join([*lines, markdown(table)]) + "\n"


if __name__ == "__main__":
    main()
