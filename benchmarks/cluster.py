"""What 1-WIS on a cluster would send: a simulation of vertex ranges that follow the local-maximum rule.

    python -m benchmarks.cluster [--quick] [--graphs NAME ...] [--ranges P ...] [--out DIR]

The vertices are split into ranges of about as many edge ends each, one for each machine. A machine knows the degrees of
its own vertices, and those of the others as they were at the last exchange, which is an upper bound, since degrees only
fall. In each *superstep*

1. every vertex whose best edge leads to another range *proposes* it there; an edge proposed from both sides goes;
2. every machine removes, one after the other, the edges between its own vertices that beat all others at both ends;
3. the new degree of every vertex that lost an edge goes to the ranges where it has a neighbour left.

An edge is compared by its smaller degree, its larger one, and its number. One that beats all that share an end with it
goes before all of these in the greedy order, with the key that it has now (`wis.engine.degrees`), so the order is found
at the end by sorting the edges by the key that they had: by a sample sort, in which a record goes to the machine where
its place is.

Counted are supersteps, messages (of one machine to another, all that it has to say at once), and bytes: 16 for a
proposal, 12 for a degree, 24 for a record that is sorted. In the column "every vertex" each is a range of its own: the
longest chain of removals that must wait for each other. Writes ``cluster.json`` and ``cluster.md``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from wis.experiments.pages.tables import markdown

from benchmarks import timing
from benchmarks.graphs import power_law, rmat
from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "numba", "networkit")
PROPOSAL_BYTES, DEGREE_BYTES, RECORD_BYTES = 16, 12, 24

GRAPHS: dict[str, Callable[[], EdgeList]] = {
    "power law 1e5": lambda: power_law(10**5),
    "R-MAT 14": lambda: rmat(14, 8),
    "R-MAT 17": lambda: rmat(17, 8),
    "power law 1e6": lambda: power_law(10**6),
    "power law 1e7": lambda: power_law(10**7),
}
_QUICK = ("power law 1e5", "R-MAT 14")
RANGES = (2, 4, 8, 16, 32, 64)

# What is counted; vertices whose degree was told; and the lengths of queues.
_SUPERSTEPS, _MESSAGES, _PROPOSALS, _DEGREES, _DEGREES_OF, _LEFT, _WAITING, _CHANGED, _NUM_COUNTED = range(9)


class Cluster(NamedTuple):
    """Everything that the kernels work on. Edges are numbered in canonical order."""

    part: np.ndarray  # int32 [n]: the range of a vertex
    start: np.ndarray  # int64 [n + 1]: where the arcs of a vertex begin
    end: np.ndarray  # int64 [n]: and where those that may be left end
    head: np.ndarray  # int32 [2 m]
    pair: np.ndarray  # int32 [2 m]
    degree: np.ndarray  # int32 [n]
    told: np.ndarray  # int32 [n]: as it was at the last exchange
    best: np.ndarray  # int32 [n]: the best edge of a vertex, -1 for none
    other: np.ndarray  # int32 [n]: its other end
    smaller: np.ndarray  # int32 [m]: degrees of the ends of an edge when it went, 0 before
    larger: np.ndarray  # int32 [m]
    proposed: np.ndarray  # int32 [n]: the edge that a vertex proposes to another range, -1 for none
    waiting: np.ndarray  # int32 [n]: vertices that look for their best edge at the next superstep
    waits: np.ndarray  # bool [n]: whether a vertex is among them
    queue: np.ndarray  # int32 [n]: a ring of vertices that look again within a superstep
    queued: np.ndarray  # bool [n]
    changed: np.ndarray  # int32 [n]: vertices that lost an edge since the last exchange
    sent: np.ndarray  # int64 [P, P]: the last exchange in which one range sent to another
    seen: np.ndarray  # int64 [P]: the last degree that was told a range
    counted: np.ndarray  # int64 [_NUM_COUNTED]


class Simulated(NamedTuple):
    """The order, int64 ``[m]``, and what it took."""

    order: np.ndarray
    supersteps: int
    messages: int
    proposals: int
    degrees: int
    moved: int

    @property
    def round_bytes(self) -> int:
        """Bytes sent in the supersteps."""
        return self.proposals * PROPOSAL_BYTES + self.degrees * DEGREE_BYTES

    @property
    def sort_bytes(self) -> int:
        """Bytes sent by the sort."""
        return self.moved * RECORD_BYTES


def split(edges: EdgeList, num_ranges: int | None) -> np.ndarray:
    """The range of every vertex, int32 ``[n]``, with about as many edge ends in each; None: one for every vertex."""
    if num_ranges is None:
        return np.arange(edges.num_nodes, dtype=np.int32)
    before = np.cumsum(edges.degrees()) - edges.degrees()
    return np.minimum(before * num_ranges // max(2 * edges.num_pairs, 1), num_ranges - 1).astype(np.int32)


def simulate(edges: EdgeList, num_ranges: int | None) -> Simulated:
    """Rank the edges of an undirected graph by 1-WIS, as a cluster would; None: every vertex is a range."""
    n, m = edges.num_nodes, edges.num_pairs
    start, head, pair = build_csr(edges)
    degree = edges.degrees().astype(np.int32)
    cluster = Cluster(
        part=split(edges, num_ranges),
        start=start,
        end=start[1:].copy(),
        head=head,
        pair=pair,
        degree=degree,
        told=degree.copy(),
        best=np.full(n, -1, dtype=np.int32),
        other=np.full(n, -1, dtype=np.int32),
        smaller=np.zeros(m, dtype=np.int32),
        larger=np.zeros(m, dtype=np.int32),
        proposed=np.full(n, -1, dtype=np.int32),
        waiting=np.arange(n, dtype=np.int32),
        waits=np.zeros(n, dtype=bool),
        queue=np.empty(n, dtype=np.int32),
        queued=np.zeros(n, dtype=bool),
        changed=np.empty(n, dtype=np.int32),
        sent=np.zeros((num_ranges or 0, num_ranges or 0), dtype=np.int64),
        seen=np.zeros(num_ranges or n, dtype=np.int64),
        counted=np.zeros(_NUM_COUNTED, dtype=np.int64),
    )
    cluster.counted[_LEFT], cluster.counted[_WAITING] = m, n
    _run(cluster)
    order = np.lexsort((-cluster.larger, -cluster.smaller))
    owner = cluster.part[edges.pairs[0]]
    moved = 0 if num_ranges is None else np.count_nonzero(owner[order] != np.arange(m) * num_ranges // max(m, 1))
    supersteps, messages, proposals, degrees = cluster.counted[: _DEGREES + 1].tolist()
    return Simulated(order, supersteps, messages, proposals, degrees, int(moved))


@compiled
def _run(c: Cluster) -> None:
    while c.counted[_LEFT] > 0:
        c.counted[_SUPERSTEPS] += 1
        looked = c.waiting[: c.counted[_WAITING]].copy()
        c.counted[_WAITING] = c.counted[_CHANGED] = 0
        # All degrees are known everywhere.
        for x in looked:
            c.waits[x] = False
            _find_best(c, x)
            if c.best[x] >= 0 and c.part[c.other[x]] != c.part[x] and c.proposed[x] != c.best[x]:
                c.proposed[x] = c.best[x]
                c.counted[_PROPOSALS] += 1
                _send(c, c.part[x], c.part[c.other[x]], 2 * c.counted[_SUPERSTEPS])
        for x in looked:
            e = c.best[x]
            if e >= 0 and c.proposed[x] == e and c.proposed[c.other[x]] == e:
                _remove(c, x, c.other[x])
        _go_on(c, looked)
        for i in range(c.counted[_CHANGED]):
            _tell(c, c.changed[i])
        if c.counted[_CHANGED] == 0 and c.counted[_WAITING] == 0:
            raise AssertionError("no edge beats its neighbours")


@compiled
def _go_on(c: Cluster, looked: np.ndarray) -> None:
    """Remove edges within ranges until none is known to beat all others at both ends."""
    n = len(c.queue)
    first = size = 0
    for x in looked:
        size = _queue(c, x, first, size)
    for i in range(c.counted[_CHANGED]):
        size = _wake(c, c.changed[i], first, size)
    while size > 0:
        x = c.queue[first]
        first = (first + 1) % n
        size -= 1
        c.queued[x] = False
        _find_best(c, x)
        e, y = c.best[x], c.other[x]
        if e < 0:
            continue
        if c.part[y] != c.part[x]:
            if c.proposed[x] != e:
                _wait(c, x)
        elif c.best[y] == e and not c.queued[y]:
            _remove(c, x, y)
            size = _wake(c, x, first, size)
            size = _wake(c, y, first, size)


@compiled
def _wake(c: Cluster, x: int, first: int, size: int) -> int:
    """Queue a vertex that lost an edge, and those of its range whose best edge led to it."""
    size = _queue(c, x, first, size)
    for i in range(c.start[x], c.end[x]):
        y = c.head[i]
        if c.other[y] == x and c.part[y] == c.part[x]:
            size = _queue(c, y, first, size)
    return size


@compiled
def _queue(c: Cluster, x: int, first: int, size: int) -> int:
    if not c.queued[x]:
        c.queued[x] = True
        c.queue[(first + size) % len(c.queue)] = x
        size += 1
    return size


@compiled
def _wait(c: Cluster, x: int) -> None:
    if not c.waits[x]:
        c.waits[x] = True
        c.waiting[c.counted[_WAITING]] = x
        c.counted[_WAITING] += 1


@compiled
def _find_best(c: Cluster, x: int) -> None:
    """The best edge of a vertex as far as its range knows; edges that are gone are dropped."""
    best, other, least, most = -1, -1, 0, 0
    i = c.start[x]
    while i < c.end[x]:
        e, y = c.pair[i], c.head[i]
        if c.smaller[e] > 0:
            c.end[x] -= 1
            c.pair[i], c.head[i] = c.pair[c.end[x]], c.head[c.end[x]]
            continue
        d = c.degree[y] if c.part[y] == c.part[x] else c.told[y]
        low, high = min(c.degree[x], d), max(c.degree[x], d)
        if low > least or (low == least and (high > most or (high == most and e < best))):
            best, other, least, most = e, y, low, high
        i += 1
    c.best[x], c.other[x] = best, other


@compiled
def _remove(c: Cluster, x: int, y: int) -> None:
    e = c.best[x]
    c.smaller[e], c.larger[e] = min(c.degree[x], c.degree[y]), max(c.degree[x], c.degree[y])
    for z in (x, y):
        if c.degree[z] == c.told[z]:
            c.changed[c.counted[_CHANGED]] = z
            c.counted[_CHANGED] += 1
        c.degree[z] -= 1
        c.best[z] = c.other[z] = c.proposed[z] = -1
    c.counted[_LEFT] -= 1


@compiled
def _tell(c: Cluster, x: int) -> None:
    """Tell the new degree of a vertex where it has neighbours left; proposals to it lapse, and are made anew."""
    c.told[x] = c.degree[x]
    _wait(c, x)
    stamp = c.counted[_DEGREES_OF] = c.counted[_DEGREES_OF] + 1
    for i in range(c.start[x], c.end[x]):
        y = c.head[i]
        if c.smaller[c.pair[i]] > 0 or c.part[y] == c.part[x]:
            continue
        if c.other[y] == x:
            c.proposed[y] = -1
            _wait(c, y)
        if c.seen[c.part[y]] != stamp:
            c.seen[c.part[y]] = stamp
            c.counted[_DEGREES] += 1
            _send(c, c.part[x], c.part[y], 2 * c.counted[_SUPERSTEPS] + 1)


@compiled
def _send(c: Cluster, sender: int, receiver: int, exchange: int) -> None:
    """Count a message, unless there is one already in this exchange; not where every vertex is a range."""
    if len(c.sent) and c.sent[sender, receiver] != exchange:
        c.sent[sender, receiver] = exchange
        c.counted[_MESSAGES] += 1


def main() -> None:
    """Simulate, print, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"only {' and '.join(_QUICK)}")
    parser.add_argument("--graphs", nargs="+", choices=list(GRAPHS), metavar="NAME", help=f"of {', '.join(GRAPHS)}")
    parser.add_argument("--ranges", type=int, nargs="+", default=RANGES, help="numbers of ranges")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    rows = []
    for name in options.graphs or (_QUICK if options.quick else GRAPHS):
        edges = GRAPHS[name]()
        for num_ranges in (*options.ranges, None):
            rows.append(_row(name, edges, num_ranges))
            print(json.dumps(rows[-1]), flush=True)
        results = {"machine": timing.machine(*PACKAGES), "rows": _with_stored(rows, options.out)}
        timing.write(options.out, "cluster", results, _to_markdown(results))


def _with_stored(rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """These rows and those stored of other graphs and ranges, which are counts and do not age, in order."""
    path = folder / "cluster.json"
    stored = json.loads(path.read_text())["rows"] if path.exists() else []
    found = {(row["graph"], row["ranges"]): row for row in [*stored, *rows]}
    return [found[key] for key in sorted(found, key=lambda key: (list(GRAPHS).index(key[0]), key[1] or 0))]


def _row(name: str, edges: EdgeList, num_ranges: int | None) -> dict[str, Any]:
    found = simulate(edges, num_ranges)
    part = split(edges, num_ranges)
    return {
        "graph": name,
        "edges": edges.num_pairs,
        "largest_degree": int(edges.degrees().max()),
        "ranges": num_ranges,
        "between_ranges": int(np.count_nonzero(part[edges.pairs[0]] != part[edges.pairs[1]])),
        "supersteps": found.supersteps,
        "messages": found.messages,
        "round_bytes": found.round_bytes,
        "sort_bytes": found.sort_bytes,
    }


def _to_markdown(results: dict[str, Any]) -> str:
    lines = [
        "# 1-WIS on a cluster, simulated",
        "",
        "`python -m benchmarks.cluster`: vertex ranges that follow the local-maximum rule; the order is that of the "
        "engine. Counts, not times, so the machine does not matter.",
        "",
        f"{timing.describe(results['machine'])}.",
        "",
    ]
    table: list[tuple[str, ...]] = [
        ("graph", "edges", "largest degree", "ranges", "edges between", "supersteps", "messages", "bytes an edge",
         "bytes an edge, sort")
    ]  # fmt: skip
    for row in results["rows"]:
        edges, ranges = row["edges"], row["ranges"]
        table.append(
            (
                row["graph"],
                f"{edges:,}",
                f"{row['largest_degree']:,}",
                f"{ranges}" if ranges else "every vertex",
                f"{row['between_ranges'] / edges:.0%}",
                f"{row['supersteps']:,}",
                f"{row['messages']:,}" if ranges else "–",
                f"{row['round_bytes'] / edges:,.0f}",
                f"{row['sort_bytes'] / edges:,.0f}" if ranges else "–",
            )
        )
    return "\n".join([*lines, markdown(table)]) + "\n"


if __name__ == "__main__":
    main()
