"""Two commits side by side, so that a slowdown is seen before it lands.

    python -m benchmarks.engine --against COMMIT [--quick] [--only TEXT]

Each commit is installed into a folder of its own and has a process of its own; the two take turns on the same rows, and
the ratio of their median CPU times is what counts. ``benchmarks/results/history.jsonl`` keeps one line a comparison.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from benchmarks import timing

ROOT = Path(__file__).resolve().parents[1]
# What a slowdown is: by more than timing scatters.
SLOWER = 1.1

# The process of a commit: it has that commit's `wis` and this checkout's rows. One request a line, one answer a line.
_CHILD = """
import json, sys, time, zlib
sys.path.append(sys.argv[1])
from benchmarks import timing
from benchmarks.engine import TINY, Graphs, order_of, ratio_rows
timing.one_core()
rows = {f"{row.name} {row.graph}": row for row in ratio_rows()}
graphs = Graphs(sys.argv[2] or None)
for line in sys.stdin:
    row = rows[line.strip()]
    edges = graphs.get(row.graph)
    if edges is None:
        print(json.dumps(None), flush=True)
        continue
    order_of(TINY, row.options)()
    order_of(edges, {**row.options, "limit": 1})()
    start = time.process_time()
    order = order_of(edges, row.options)()
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "order": zlib.crc32(order.tobytes())}), flush=True)
"""


class Side(Protocol):
    """What measures the rows with the code of one commit."""

    def measure(self, row: str) -> dict[str, Any] | None:
        """CPU seconds of a full order, and a checksum of it; None where the graph is not there."""


class _Process:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def measure(self, row: str) -> dict[str, Any] | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(row, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that measures {row} has ended; its message stands above")
        found: dict[str, Any] | None = json.loads(answer)
        return found


def compare(here: Side, there: Side, rows: Sequence[str], rounds: int) -> Iterator[dict[str, Any]]:
    """Measure row by row, the sides in turns.

    Yields
    ------
    dict
        ``row``, ``here_ms`` and ``there_ms`` (medians), ``ratio`` (here by there, above 1 is slower here) and
        ``same_order``. Rows whose graph is not there are left out.
    """
    for row in rows:
        pairs = []
        for _ in range(rounds):
            one, other = here.measure(row), there.measure(row)
            if one is None or other is None:
                break
            pairs.append((one, other))
        if not pairs:
            continue
        ours, theirs = (statistics.median(side["seconds"] for side in sides) for sides in zip(*pairs, strict=True))
        yield {
            "row": row,
            "here_ms": 1e3 * ours,
            "there_ms": 1e3 * theirs,
            "ratio": ours / theirs,
            "same_order": all(one["order"] == other["order"] for one, other in pairs),
        }


def against(commit: str, rows: Sequence[str], *, rounds: int, data_root: str | None, out: Path) -> bool:
    """Compare the commit that is checked out with another one, print a line a row and keep them.

    Returns
    -------
    bool
        Whether no row is slower by more than 10 % and all orders are the same.

    Raises
    ------
    ValueError
        If there is no such commit.
    """
    names = [_commit("HEAD"), _commit(commit)]
    with tempfile.TemporaryDirectory(prefix="wis-") as folder, ExitStack() as stack:
        sides = [stack.enter_context(_side(name, Path(folder, name), data_root)) for name in names]
        lines = []
        for line in compare(sides[0], sides[1], rows, rounds):
            lines.append(line)
            order = "" if line["same_order"] else "   another order!"
            slower = "   slower" if line["ratio"] > SLOWER else ""
            times = f"{line['here_ms']:9.1f} / {line['there_ms']:9.1f} ms"
            print(f"{line['row']:<24} {times}   {line['ratio']:.2f}{slower}{order}", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "history.jsonl").open("a", encoding="utf-8") as file:
        kept = {"commit": names[0], "against": names[1], "machine": timing.machine("numpy", "numba"), "rows": lines}
        file.write(json.dumps(kept) + "\n")
    return all(line["ratio"] <= SLOWER and line["same_order"] for line in lines)


def _commit(name: str) -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", f"{name}^{{commit}}"], cwd=ROOT, capture_output=True, text=True
    )
    if found.returncode:
        raise ValueError(f"--against must be a commit of this repository, got {name!r}")
    return found.stdout.strip()


@contextmanager
def _side(commit: str, folder: Path, data_root: str | None) -> Iterator[_Process]:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder / "source", filter="data")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    subprocess.run([*install, str(folder / "source")], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "NUMBA_CACHE_DIR": str(folder / "kernels")}
    command = [sys.executable, "-P", "-c", _CHILD, str(ROOT), data_root or ""]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Process(process)
        finally:
            process.kill()
