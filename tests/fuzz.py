"""Random graphs and options for as long as you like: the engine against its oracle, and all that stands around it.

``python -m tests.fuzz --seconds 600`` runs for ten minutes and ends with exit code 1 if anything was wrong. Every case
is made from one seed; what fails prints it, and the command that repeats it.

=============  =========================================================================================================
attack         what is compared
=============  =========================================================================================================
oracle         `wis` on small graphs with any options and `tests.naive`, which knows nothing but the definition
engines        the families of the engine on larger graphs and the general loop, lists of triangles and rows of bits
types          `wis.sparsify` on every type of graph, in memory and in files, and what the edge list says
orders         removal orders and their copies from a file, applied to the graph
=============  =========================================================================================================
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import wis
from tests import naive
from tests.graph_kinds import FILES, KINDS, columns_of_form, read_file, same_edges, write_file
from tests.strategies import FAMILIES, edge_list, family, task
from wis.engine.degrees import local_maxima
from wis.engine.graph_walks import cpu as graph_walks
from wis.engine.rank import rank
from wis.engine.triangles import cpu as triangles
from wis.engine.triangles import dense
from wis.engine.walks import cpu as walks
from wis.engine.walks import greedy
from wis.graphs.edge_list import EdgeList

_REPORT_EVERY_SECONDS = 10.0
_MOST_FAILURES = 10
# Steps of the oracle on larger graphs: as many as this number of entries of matrices allow.
_DEFINITION_WORK = 400_000
Rng = np.random.Generator


@dataclass(frozen=True)
class Failure:
    """A case that went wrong."""

    attack: str
    seed: int
    what: str

    def __str__(self) -> str:
        return (
            f"FAILED: {self.attack}, seed {self.seed}\n{self.what}\n"
            f"repeat: python -m tests.fuzz --attack {self.attack} --seed {self.seed} --cases 1"
        )


# Graphs and options


def draw_graph(rng: Rng, least: int, most: int, directed: bool | None = None) -> EdgeList:
    """A graph of any family with up to a few edges changed, at times twice side by side, so that much is tied."""
    directed = bool(rng.random() < 0.4) if directed is None else directed
    num_nodes = int(rng.integers(least, most + 1))
    columns = family(str(rng.choice(list(FAMILIES))), num_nodes, int(rng.integers(1000)), directed).pairs
    if rng.random() < 0.5:
        columns = columns[:, rng.random(columns.shape[1]) < rng.choice([0.5, 0.9])]
        columns = np.concatenate([columns, rng.integers(num_nodes, size=(2, int(rng.integers(4))))], axis=1)
    if num_nodes <= most // 2 and rng.random() < 0.5:
        columns, num_nodes = np.concatenate([columns, columns + num_nodes], axis=1), 2 * num_nodes
    return edge_list(num_nodes + int(rng.integers(2)), columns, directed)


def draw_options(rng: Rng, edges: EdgeList, depths: tuple[int, ...] = (2, 3, 4, 5)) -> dict[str, Any]:
    """Options of the method "wis", a seed among them."""
    options: dict[str, Any] = {
        "depth": int(rng.choice(depths)),
        "objective": str(rng.choice(["vertex", "graph"])),
        "chunk": int(rng.choice([1, 1, 1, 2, 3, 100])),
        "ties": str(rng.choice(["first", "random"])),
        "seed": int(rng.integers(1000)),
    }
    if rng.random() < 0.4:
        options["targets"] = np.flatnonzero(_some(rng, edges.num_nodes)).tolist()
    return options


def _some(rng: Rng, size: int) -> np.ndarray:
    """A bool mask with at least one True."""
    mask = rng.random(size) < rng.random()
    mask[rng.integers(size)] = True
    return mask


def _priority(options: dict[str, Any], num_pairs: int) -> np.ndarray | None:
    return np.random.default_rng(options["seed"]).permutation(num_pairs) if options["ties"] == "random" else None


def _task(edges: EdgeList, options: dict[str, Any], limit: int) -> Any:
    targets = options.get("targets")
    return task(
        edges, options["depth"], objective=options["objective"], chunk=options["chunk"], limit=limit,
        priority=_priority(options, edges.num_pairs),
        is_target=None if targets is None else np.isin(np.arange(edges.num_nodes), targets),
    )  # fmt: skip


# Attacks: each draws a case and checks it, or raises


def oracle(rng: Rng) -> None:
    """`wis` with any options on a small graph; weights of edges change nothing."""
    edges = draw_graph(rng, 2, 8)
    options = draw_options(rng, edges)
    if "targets" not in options and rng.random() < 0.3:
        options["partitions"] = [
            np.flatnonzero(_some(rng, edges.num_nodes)).tolist() for _ in range(rng.integers(1, 4))
        ]
    limit = int(rng.integers(edges.num_pairs + 1)) if rng.random() < 0.3 else edges.num_pairs
    weighted = replace(edges, weights=rng.random(edges.num_pairs) + 0.1)
    found = rank(weighted if rng.random() < 0.3 else edges, **options, limit=limit)
    expected = _by_definition(edges, options, limit)
    _check_equal(found[:limit], expected, edges, options)
    _check_equal(found[limit:], np.setdiff1d(np.arange(edges.num_pairs), expected), edges, options)


def engines(rng: Rng) -> None:
    """The families that are made for one depth and the general loop; the general loop and a few steps by definition."""
    edges = draw_graph(rng, 10, 40)
    options = draw_options(rng, edges)
    few = min(edges.num_pairs, _DEFINITION_WORK // (edges.num_pairs * edges.num_nodes**2 + 1))
    _check_equal(rank(edges, **options, limit=few)[:few], _by_definition(edges, options, few), edges, options)
    found = rank(edges, **options)
    request = _task(edges, options, edges.num_pairs)
    general = graph_walks if options["objective"] == "graph" else walks
    with mock.patch.object(general, "loop", greedy):
        _check_equal(found, general.removal_order(request), edges, options)
    if options["objective"] == "vertex" and not edges.directed:
        if options["depth"] == 2 and options["chunk"] == 1:
            for threads in (1, 2):
                _check_equal(found, local_maxima.removal_order(request, threads), edges, options)
        if options["depth"] == 3:
            _check_equal(found, triangles.removal_order(replace(request, memory=0)), edges, options)
            with _rows_only():
                _check_equal(found, triangles.removal_order(request), edges, options)


def types(rng: Rng) -> None:
    """A graph with self-loops and copies of edges, of a random type: what stays is what the edge list says."""
    edges, columns, directed = _draw_columns(rng)
    name = str(rng.choice([name for name, kind in KINDS.items() if kind.is_installed] + list(FILES)))
    form = KINDS[name].form if name in KINDS else "columns"
    columns = columns_of_form(columns, form)
    if form == "undirected":  # such a type cannot hold ordered pairs
        edges, directed = EdgeList.from_columns(columns, edges.num_nodes, False), None
    elif form == "directed" and directed is None:  # and such a one says that it is directed
        directed = False
    options = draw_options(rng, edges, (2, 3)) | {"directed": directed}
    keep = float(rng.choice([0.0, 0.3, 0.5, 1.0, rng.random()]))
    expected = _sparse_columns(columns, edges, _ranking(edges, options), round(keep * edges.num_pairs))
    found = _sparsify(columns, edges.num_nodes, name, keep, options)
    if not same_edges(found, expected, form):
        raise AssertionError(
            f"type {name!r}, n={edges.num_nodes}, columns={columns.tolist()}, keep={keep}, {options}\n"
            f"  found    {np.asarray(found).tolist()}\n  expected {expected.tolist()}"
        )


def orders(rng: Rng) -> None:
    """A removal order, saved, loaded and applied."""
    edges, columns, directed = _draw_columns(rng)
    options = draw_options(rng, edges) | {"directed": directed}
    order = wis.removal_order(columns, num_nodes=edges.num_nodes, device="cpu", **options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "order.npz"
        order.save(path)
        again = wis.RemovalOrder.load(path)
    _check_equal(order.edges.numpy(), edges.pairs[:, _ranking(edges, options)], edges, options)
    _check_equal(again.edges.numpy(), order.edges.numpy(), edges, options)
    facts = [(o.num_nodes, o.directed, o.method, o.options, o.seed, o.fingerprint) for o in (order, again)]
    if facts[0] != facts[1]:
        raise AssertionError(f"saved {facts[0]}, loaded {facts[1]}")
    num_keep = int(rng.integers(edges.num_pairs + 1))
    expected = _sparse_columns(columns, edges, _ranking(edges, options), num_keep)
    _check_equal(again.apply(columns, num_edges=num_keep), expected, edges, options)


ATTACKS: dict[str, Callable[[Rng], None]] = {attack.__name__: attack for attack in (oracle, engines, types, orders)}
# How often each is drawn: the oracle is what all else rests on.
_SHARES = (0.5, 0.2, 0.2, 0.1)


def _by_definition(edges: EdgeList, options: dict[str, Any], limit: int) -> np.ndarray:
    known = {name: options.get(name) for name in ("targets", "partitions")}
    return naive.removal_order(
        edges.num_nodes, edges.pairs, options["depth"], priority=_priority(options, edges.num_pairs), limit=limit,
        chunk=options["chunk"], objective=options["objective"], directed=edges.directed, **known,
    )  # fmt: skip


@contextlib.contextmanager
def _rows_only() -> Iterator[None]:
    """Rows of bits serve every graph, to its last edge."""
    always = {"_FEWEST_PAIRS": 0, "_TRIANGLES_PER_WORD": 0, "_IDLE": 1 << 40}
    with contextlib.ExitStack() as stack:
        for name, value in always.items():
            stack.enter_context(mock.patch.object(dense, name, value))
        yield


def _draw_columns(rng: Rng) -> tuple[EdgeList, np.ndarray, bool | None]:
    """An edge list, columns of it in any order with self-loops and copies, and what to say of their direction."""
    directed = rng.choice(np.array([None, True, False], dtype=object))
    edges = draw_graph(rng, 2, 12, directed is True)
    columns = edges.pairs
    if directed is None:
        columns = np.concatenate([columns, columns[::-1]], axis=1)
    elif directed is False:
        columns = np.where(rng.random(columns.shape[1]) < 0.5, columns, columns[::-1])
    copies = columns[:, rng.random(columns.shape[1]) < 0.2]
    loops = np.tile(rng.integers(edges.num_nodes, size=int(rng.integers(3))), (2, 1))
    columns = np.concatenate([columns, copies, loops], axis=1)
    return edges, columns[:, rng.permutation(columns.shape[1])], directed


def _ranking(edges: EdgeList, options: dict[str, Any]) -> np.ndarray:
    return rank(edges, **{name: value for name, value in options.items() if name != "directed"})


def _sparse_columns(columns: np.ndarray, edges: EdgeList, ranking: np.ndarray, num_keep: int) -> np.ndarray:
    """Self-loops, and the columns whose pair is one of the last of the ranking."""
    kept = {tuple(pair) for pair in edges.pairs[:, ranking[len(ranking) - num_keep :]].T.tolist()}
    ends = [(u, v) if edges.directed else (min(u, v), max(u, v)) for u, v in columns.T.tolist()]
    return columns[:, np.array([u == v or (u, v) in kept for u, v in ends], dtype=bool)]


def _sparsify(columns: np.ndarray, num_nodes: int, name: str, keep: float, options: dict[str, Any]) -> Any:
    if name in KINDS:
        kind = KINDS[name]
        size = {} if kind.states_size else {"num_nodes": num_nodes}
        graph = kind.make(columns, num_nodes)
        sparse = kind.read(wis.sparsify(graph, keep, device="cpu", **size, **options))
        if not same_edges(kind.read(graph), columns, kind.form):
            raise AssertionError(f"type {name!r}: the graph that was given is changed, columns={columns.tolist()}")
        return sparse
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(columns, Path(folder), name)
        sparse = wis.sparsify(wis.read_graph(path), keep, device="cpu", num_nodes=num_nodes, **options)
        wis.write_graph(sparse, path.with_stem("sparse"))
        return read_file(path.with_stem("sparse"))


def _check_equal(found: Any, expected: Any, edges: EdgeList, options: dict[str, Any]) -> None:
    if not np.array_equal(found, expected):
        raise AssertionError(
            f"n={edges.num_nodes}, directed={edges.directed}, pairs={edges.pairs.tolist()}, {options}\n"
            f"  found    {np.asarray(found).tolist()}\n  expected {np.asarray(expected).tolist()}"
        )


# The loop


def run_case(seed: int, attack: str | None = None) -> Failure | None:
    """One case: of an attack, or of the one that the seed draws."""
    rng = np.random.default_rng(seed)
    drawn = str(rng.choice(list(ATTACKS), p=_SHARES))
    name = drawn if attack is None else attack
    try:
        with warnings.catch_warnings(action="ignore"):
            warnings.filterwarnings("error", category=RuntimeWarning)  # NumPy's word for an overflow
            ATTACKS[name](np.random.default_rng([seed, *name.encode()]))
    except AssertionError as error:
        return Failure(name, seed, str(error))
    except Exception:
        return Failure(name, seed, traceback.format_exc())
    return None


def run(
    seed: int, *, seconds: float = float("inf"), cases: int | None = None, attack: str | None = None
) -> tuple[int, list[Failure]]:
    """Run cases of consecutive seeds until time is up, ``cases`` are done or too much has failed.

    Returns
    -------
    tuple
        Number of cases, and those that failed; each is printed when it is found.
    """
    start = last = time.monotonic()
    done, failures = 0, list[Failure]()
    while (now := time.monotonic()) - start < seconds and done != cases and len(failures) < _MOST_FAILURES:
        if now - last >= _REPORT_EVERY_SECONDS:
            print(f"{now - start:.0f} s: {done} cases, {len(failures)} failed", file=sys.stderr, flush=True)
            last = now
        failure = run_case(seed + done, attack)
        done += 1
        if failure is not None:
            failures.append(failure)
            print(failure, flush=True)
    return done, failures


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to run (default 60)")
    parser.add_argument("--cases", type=int, help="stop after this many cases")
    parser.add_argument("--seed", type=int, help="seed of the first case; drawn if not given")
    parser.add_argument("--attack", choices=list(ATTACKS), help="this attack only")
    given = parser.parse_args(arguments)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if given.seed is None else given.seed
    print(f"seeds from {seed}", flush=True)
    done, failures = run(seed, seconds=given.seconds, cases=given.cases, attack=given.attack)
    failed = ", ".join(f"{name} {count}" for name, count in Counter(f.attack for f in failures).items())
    print(f"{done} cases, {len(failures)} failed" + (f": {failed}" if failed else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
