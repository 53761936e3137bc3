"""Speed of the engine on a GPU, against the CPU engine on one core of the same machine in the same run.

    python -m benchmarks.gpu [--data-root DIR]

Prints a table and writes it to ``benchmarks/results/gpu.json`` and ``gpu.md``. Beside each time stands its floor: the
bytes that a run must move at least (the graph, its triangles and all keys written once, keys sorted once, the order
written), at the copy bandwidth measured in the same run. Without a GPU every line says "not measured".
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import graphs, timing
from benchmarks.tables import to_console
from wis.graphs.edge_list import EdgeList

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One line: options of ``wis`` on a graph, and the speed-up to reach."""

    name: str
    graph: str
    options: dict[str, Any]
    target: float


ROWS = [
    Row("1-WIS", "R-MAT 17", {"depth": 2}, 1),
    Row("2-WIS", "R-MAT 17", {"depth": 3}, 5),
    Row("2-WIS", "squirrel", {"depth": 3}, 5),
    Row("3-WIS", "DBLP", {"depth": 4}, 10),
    Row("2-WIS, one evaluation", "power law 5e6", {"depth": 3, "chunk": 1000, "limit": 1000}, 30),
]


def main() -> None:
    """Measure, print, and write JSON and Markdown."""
    arguments = _parse()
    timing.one_core()
    why_not = _why_no_gpu()
    facts = {**timing.machine("numba", "numba-cuda", "torch", "numpy"), "gpu": why_not or _gpu_name()}
    bandwidth = None if why_not else _copy_bandwidth()
    lines = [_measure(row, arguments, bandwidth) for row in ROWS if arguments.only in f"{row.name} {row.graph}"]
    table = _table(lines)
    print(f"GPU: {facts['gpu']}")
    to_console("The engine on a GPU", table)
    text = f"{timing.describe(facts)}; GPU: {facts['gpu']}\n\n{markdown(table, left=(0, 1))}\n"
    timing.write(arguments.out, "gpu", {"machine": facts, "bytes_a_second": bandwidth, "rows": lines}, text)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--data-root", default=os.environ.get("WIS_DATA_ROOT"), help="root of PyG's data sets")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is taken")
    parser.add_argument("--only", default="", help="only lines whose 'order graph' contains this text")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    return parser.parse_args()


def _why_no_gpu() -> str:
    """The reason why nothing can be measured here, empty if it can."""
    from wis.engine.cuda import device

    try:
        device.require_cuda()
    except RuntimeError as error:
        return str(error)
    return "the simulator is no GPU" if device.is_simulated() else ""


def _gpu_name() -> str:
    import torch

    return torch.cuda.get_device_name()


def _copy_bandwidth(size: int = 1 << 30, device: str = "cuda") -> float:
    """Bytes a second that the GPU reads and writes when it copies its own memory: the best of ten."""
    import torch

    source, target = (torch.empty(size, dtype=torch.uint8, device=device) for _ in range(2))
    return 2 * size / min(_event_seconds(lambda: target.copy_(source)) for _ in range(10))


def _event_seconds(call: Callable[[], Any]) -> float:
    """Seconds between two CUDA events around a call."""
    import torch

    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    call()
    stop.record()
    torch.cuda.synchronize()
    return start.elapsed_time(stop) / 1e3


def _load(name: str, data_root: str | None) -> EdgeList | None:
    if name == "R-MAT 17":
        return graphs.rmat(17)
    if name == "power law 5e6":
        return graphs.power_law(5_000_000)
    return graphs.real(name, data_root)


def _measure(row: Row, arguments: argparse.Namespace, bandwidth: float | None) -> dict[str, Any]:
    """Measure one line, after a run on each device that is not counted and that the results are compared on."""
    facts: dict[str, Any] = {"name": row.name, "graph": row.graph, "target": row.target}
    if bandwidth is None:
        return {**facts, "skipped": "not measured"}
    edges = _load(row.graph, arguments.data_root)
    if edges is None:
        return {**facts, "skipped": "not measured: no files"}
    from wis.engine.rank import rank

    rounds = _LastMessage()
    on_cpu, on_gpu = (rank(edges, device=device, **row.options) for device in ("cpu", "cuda"))
    cpu = [timing.seconds(lambda: rank(edges, device="cpu", **row.options)) for _ in range(arguments.runs)]
    gpu = [_event_seconds(lambda: rank(edges, device="cuda", **row.options)) for _ in range(arguments.runs)]
    return {
        **facts,
        "edges": edges.num_pairs,
        "same_order": bool((on_cpu == on_gpu).all()),
        "cpu_seconds": statistics.median(cpu),
        "gpu_seconds": statistics.median(gpu),
        "speed_up": statistics.median(cpu) / statistics.median(gpu),
        "floor_seconds": _least_bytes(edges, row.options["depth"]) / bandwidth,
        "rounds": rounds.text,
    }


class _LastMessage(logging.Handler):
    """Keeps what the engine logs last: removals, rounds and launches."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        log = logging.getLogger("wis.engine.cuda.host")
        log.setLevel(logging.DEBUG)
        log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the message."""
        self.text = record.getMessage()


def _least_bytes(edges: EdgeList, depth: int) -> int:
    """Bytes that a run must move: arcs, triangles and values read, keys written and sorted once, the order written."""
    from wis.engine.cuda.keys import POINTS
    from wis.engine.triangles.listing import count_triangles

    triangles = 12 * int(count_triangles(edges).sum(dtype=np.int64)) if depth == 3 else 0
    return edges.num_pairs * (2 * 8 + 2 * 16 * POINTS + 4) + 16 * edges.num_nodes + triangles


def _table(lines: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    head = ("order", "graph", "edges", "CPU, s", "GPU, s", "speed-up", "to reach", "floor, s", "same order", "rounds")
    table: list[tuple[str, ...]] = [head]
    for line in lines:
        target = f"{line['target']:g}"
        if "skipped" in line:
            table.append((line["name"], line["graph"], "", "", "", line["skipped"], target, "", "", ""))
            continue
        numbers = (f"{line[name]:.3g}" for name in ("cpu_seconds", "gpu_seconds", "speed_up"))
        rest = (target, f"{line['floor_seconds']:.3g}", "yes" if line["same_order"] else "NO", line["rounds"])
        table.append((line["name"], line["graph"], f"{line['edges']:,}", *numbers, *rest))
    return table


if __name__ == "__main__":
    main()
