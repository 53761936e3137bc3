"""Tables ranked with their edges on disk: the same files as in memory, whatever memory is allowed."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result
from wis.baselines import shuffles
from wis.experiments.commands.app import app

import wis
from wis.graph_files import array_tables, edge_tables, scored_pairs, streaming
from wis.graphs import edge_list, pair_files, sorted_runs
from wis.order import RemovalOrder
from wis.progress import track

ENOUGH = "500M"
NODE_BYTES = {"wis:depth=2": 8, "random": 0, "dspar": 4, "teddy": 24}
METHODS = tuple(NODE_BYTES)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def columns(seed: int, num_rows: int = 400) -> np.ndarray:
    """Rows with both directions, repeats and self-loops, and gaps between the vertices."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(3, 120))
    return 2 * (size * rng.random((2, num_rows)) ** rng.integers(1, 4)).astype(np.int64)


def write(path: Path, ends: np.ndarray, kind: str) -> None:
    if kind == "parquet":
        rows = np.arange(ends.shape[1])
        table = pa.table({"row": rows, "source": ends[0], "target": ends[1].astype(np.uint16)})
        parquet.write_table(table, path, row_group_size=37, compression="ZSTD")
    else:
        np.save(path, {"rows": ends.T.astype(np.int32), "big": ends.astype(">i8"), "columns": ends}[kind])


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held to be needed beside the edges, so that the least memory is accepted, and blocks are small."""
    for name in ("_BASE_BYTES", "_LEAST_ROOM", "_LEAST_PAIR_BYTES"):
        monkeypatch.setattr(streaming, name, 0)
    monkeypatch.setattr(streaming, "_LEAST_ROWS", 16)
    monkeypatch.setattr(streaming, "_BLOCK_PAIRS", 11)
    monkeypatch.setattr(pair_files, "BLOCK_PAIRS", 13)
    monkeypatch.setattr(edge_list, "_CHUNK", 17)
    monkeypatch.setattr(shuffles, "_CHUNK", 7)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    ("method", "kind", "room"),
    [
        *((method, "parquet", room) for method in METHODS for room in (2_000, 9_000, 1 << 30)),
        *(("wis:depth=2", kind, 9_000) for kind in ("rows", "columns", "big")),
    ],
)
def test_writes_what_is_written_in_memory(tmp_path: Path, method: str, kind: str, room: int) -> None:
    memory = room + NODE_BYTES[method] * 240
    suffix = "parquet" if kind == "parquet" else "npy"
    graph, whole, streamed = (tmp_path / f"{name}.{suffix}" for name in ("graph", "whole", "streamed"))
    orders = tmp_path / "whole.npz", tmp_path / "streamed.npz"
    for seed in range(2):
        write(graph, columns(seed), kind)
        chosen = ["-m", method, "--seed", seed]
        for keep in (0, 0.3, 1):
            call = ["sparsify", graph, *chosen, "--keep", keep]
            assert run(*call, "-o", whole).exit_code == 0
            result = run(*call, "-o", streamed, "--max-memory", memory)
            assert result.exit_code == 0, result.stderr
            assert streamed.read_bytes() == whole.read_bytes()
        for path, more in zip(orders, ([], ["--max-memory", memory]), strict=True):
            result = run("order", graph, "-o", path, *chosen, *more)
            assert result.exit_code == 0, result.stderr
        assert orders[1].read_bytes() == orders[0].read_bytes()
        assert RemovalOrder.load(orders[1]).seed == seed
    assert {path.name for path in tmp_path.iterdir()} == {
        graph.name,
        whole.name,
        streamed.name,
        "whole.npz",
        "streamed.npz",
    }


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_few_rows(tmp_path: Path, method: str, num_rows: int) -> None:
    graph, orders = tmp_path / "graph.npy", (tmp_path / "whole.npz", tmp_path / "streamed.npz")
    write(graph, np.array([[0, 4], [3, 1]])[:, :num_rows], "columns")
    for path, more in zip(orders, ([], ["--max-memory", 9_000]), strict=True):
        result = run("order", graph, "-o", path, "-m", method, "--seed", 1, "--num-nodes", 6, *more)
        assert result.exit_code == 0, result.stderr
    assert orders[1].read_bytes() == orders[0].read_bytes()


@pytest.mark.usefixtures("little")
def test_equal_scores_go_in_canonical_order_through_many_runs(tmp_path: Path) -> None:
    graph, orders = tmp_path / "graph.npy", (tmp_path / "whole.npz", tmp_path / "streamed.npz")
    ring = np.stack([np.arange(300), (np.arange(300) + 1) % 300])
    write(graph, ring[:, np.random.default_rng(0).permutation(300)], "columns")
    for path, more in zip(orders, ([], ["--max-memory", 8_000]), strict=True):
        assert run("order", graph, "-o", path, "-m", "teddy", *more).exit_code == 0
    assert orders[1].read_bytes() == orders[0].read_bytes()
    edges = RemovalOrder.load(orders[1]).edges.T.tolist()
    assert edges == sorted(edges)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("method", ["random", "teddy"])
def test_weights_that_are_not_read_are_told_and_copied(tmp_path: Path, method: str) -> None:
    graph, whole, streamed = (tmp_path / f"{name}.parquet" for name in ("graph", "whole", "streamed"))
    source, target = columns(4)
    parquet.write_table(pa.table({"source": source, "target": target, "weight": source * 0.5 + 1}), graph)
    call = ["sparsify", graph, "-m", method, "--seed", 3]
    expected = run(*call, "-o", whole)
    result = run(*call, "-o", streamed, "--max-memory", 6_000)
    assert result.exit_code == expected.exit_code == 0
    note = f"method '{method}' does not read edge weights"
    assert note in result.stderr
    assert note in expected.stderr
    assert streamed.read_bytes() == whole.read_bytes()


def test_weights_that_are_read_are_refused(tmp_path: Path) -> None:
    graph, out = tmp_path / "graph.parquet", tmp_path / "half.parquet"
    source, target = columns(0)
    parquet.write_table(pa.table({"source": source, "target": target, "weight": source * 0.5 + 1}), graph)
    result = run("sparsify", graph, "-o", out, "-m", "dspar", "--max-memory", ENOUGH)
    assert result.exit_code == 1
    assert "--max-memory is for method 'dspar' on graphs without weights, which it reads" in result.stderr
    assert not out.exists()


def test_methods_that_have_scores_are_those_that_are_tried_here() -> None:
    found = {method.name: method.scores.node_bytes for method in wis.methods() if method.scores is not None}
    assert found == {name: size for name, size in NODE_BYTES.items() if name != "wis:depth=2"}


def test_fresh_draws_without_a_seed(tmp_path: Path) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "order.npz"
    write(graph, columns(0), "columns")
    orders = []
    for _ in range(2):
        assert run("order", graph, "-o", out, "-m", "random", "--max-memory", ENOUGH).exit_code == 0
        orders.append(RemovalOrder.load(out))
    assert None not in (seeds := [order.seed for order in orders])
    assert seeds[0] != seeds[1]
    assert (orders[0].edges != orders[1].edges).any()


def test_tells_what_it_takes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    write(graph, columns(0), "columns")
    caplog.set_level("INFO")
    result = run("sparsify", graph, "-o", out, "-m", "wis:depth=2", "--max-memory", ENOUGH, "--num-nodes", 300)
    assert result.exit_code == 0
    assert "400 rows, with up to 0.0 MB of disk" in caplog.text
    assert "below 524.3 MB of memory" in caplog.text
    assert f"edges of {graph} and wrote {out} in " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-m", "wis:depth=3"],
            "--max-memory is for the methods wis:depth=2 (1-WIS, ties by canonical order), dspar, random, teddy only, "
            "without keep_connected, got wis:depth=3: others need all edges in memory; leave --max-memory out",
        ),
        ([], "got wis:depth=3"),
        (["-m", "dspar-reweighted"], "got dspar-reweighted: others need all edges in memory"),
        (["-m", "local-degree"], "got local-degree: others"),
        (["-m", "wis:depth=2,ties=random"], "got wis:depth=2,ties=random"),
        (["-m", "wis:depth=2,keep_connected=True"], "got wis:depth=2,keep_connected=True"),
        (["-m", "random:keep_connected=True"], "got random:keep_connected=True"),
        (["-m", "random", "--directed"], "--max-memory is for undirected graphs"),
        (["-m", "wis:depth=2", "--directed"], "--max-memory is for undirected graphs"),
        (["-m", "wis:depth=2", "--names"], "--max-memory is for vertices that are numbers from 0"),
        (
            ["-m", "wis:depth=2", "--max-memory", "4 apples"],
            "--max-memory must be bytes, an integer or a text such as '4G', '500MiB' or '2GB'",
        ),
        (["-m", "wis:depth=2", "--max-memory", "1M"], "--max-memory 1048576 is too little for the"),
        (["-m", "random", "--max-memory", "1M"], "by method 'random'; give at least 453M"),
        (["-m", "wis:depth=2", "--num-nodes", "3"], "is out of range; vertices are numbered from 0 to 2"),
        (["-m", "wis:depth=2", "--num-edges", "9999"], "--num-edges must be at most the number of pairs"),
    ],
)
def test_refuses_what_does_not_stream(tmp_path: Path, arguments: list[str], message: str) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    write(graph, columns(0), "columns")
    more = [] if "--max-memory" in arguments else ["--max-memory", ENOUGH]
    result = run("sparsify", graph, "-o", out, *arguments, *more)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("vertex", [-1, (1 << 31) - 1, 1 << 40])
def test_refuses_vertices_without_a_number(tmp_path: Path, vertex: int) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    np.save(graph, np.array([[0, 1, vertex], [1, 2, 2]]))
    result = run("sparsify", graph, "-o", out, "-m", "wis:depth=2", "--max-memory", ENOUGH)
    assert result.exit_code == 1
    assert str(graph) in result.stderr
    assert "numbered from 0" in result.stderr


def test_defaults_may_be_written_out(tmp_path: Path) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    write(graph, columns(0), "columns")
    for more in ("ties=first,chunk=1", "keep_connected=False", "memory=None"):
        result = run("sparsify", graph, "-o", out, "-m", f"wis:depth=2,{more}", "--max-memory", ENOUGH)
        assert result.exit_code == 0, result.stderr


def test_refuses_text_and_an_order(tmp_path: Path) -> None:
    graph = tmp_path / "graph.csv"
    graph.write_text("0,1\n1,2\n")
    result = run("sparsify", graph, "-o", tmp_path / "half.csv", "-m", "wis:depth=2", "--max-memory", ENOUGH)
    assert "--max-memory is for .npy and .parquet files" in result.stderr
    result = run("sparsify", graph, "-o", tmp_path / "half.csv", "--order", "order.npz", "--max-memory", ENOUGH)
    assert "give --order or --max-memory, not both" in result.stderr


@pytest.mark.parametrize(
    ("command", "module", "step"),
    [
        ("sparsify", sorted_runs, "write_array"),
        ("sparsify", streaming, "_look_up"),
        ("sparsify", array_tables, "_write_header"),
        ("sparsify", scored_pairs, "mark"),
        ("order", streaming, "write_array"),
        ("order", streaming, "order_header"),
    ],
)
@pytest.mark.parametrize("method", ["wis:depth=2", "random"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_leaves_nothing_half_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    command: str,
    module: Any,
    step: str,
    error: BaseException,
) -> None:
    if module is scored_pairs and method == "wis:depth=2":
        return
    graph, out = tmp_path / "graph.npy", tmp_path / ("half.npy" if command == "sparsify" else "order.npz")
    write(graph, columns(0), "columns")
    before = graph.read_bytes()

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(module, step, fail)
    result = run(command, graph, "-o", out, "-m", method, "--max-memory", ENOUGH)
    assert result.exit_code == (1 if isinstance(error, OSError) else 130)
    assert [path.name for path in tmp_path.iterdir()] == [graph.name]
    assert graph.read_bytes() == before


@pytest.mark.parametrize("method", ["wis:depth=2", "random"])
def test_a_failure_ends_what_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    from numba import njit

    @njit
    def double(x: float) -> float:
        return 2 * x

    # An error keeps the frames that it came through, and with them what these had open.
    error = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_: Any, **__: Any) -> None:
        raise error

    write(tmp_path / "graph.npy", columns(0), "columns")
    monkeypatch.setattr(streaming, "write_array", fail)
    arguments = ("order", tmp_path / "graph.npy", "-o", tmp_path / "order.npz", "-m", method, "--max-memory", ENOUGH)
    assert run(*arguments).exit_code == 1
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="wis"), track(1, "afterwards"):
        assert double(1) == 2
    assert error.__traceback__ is not None
    assert caplog.messages == ["afterwards: compiling, only this first time, a minute or more"]


def test_a_failure_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    class Table:
        def checked_blocks(self, num_nodes: int | None) -> Any:
            try:
                yield edge_tables.Block(*columns(0), None)
            finally:
                ended.append(True)

    def fail(given: Any, *_: Any, **__: Any) -> None:
        next(given)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(streaming, "collect_pairs", fail)
    with pytest.raises(OSError, match="No space left") as kept, streaming._pairs_of(Table(), None, tmp_path, 1 << 30):
        pass
    assert kept.value.__traceback__ is not None
    assert ended == [True]


def test_a_full_disk_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    write(graph, columns(0), "columns")
    monkeypatch.setattr(streaming.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    result = run("sparsify", graph, "-o", out, "-m", "wis:depth=2", "--max-memory", ENOUGH)
    assert result.exit_code == 1
    assert "0.0 MB are free" in result.stderr
    assert not out.exists()


def test_a_file_that_changes_meanwhile_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, out = tmp_path / "graph.npy", tmp_path / "half.npy"
    write(graph, columns(0), "columns")
    ranking = streaming.remove_in_bands

    def change(*given: Any, **more: Any) -> np.ndarray:
        write(graph, columns(1), "columns")
        return ranking(*given, **more)

    monkeypatch.setattr(streaming, "remove_in_bands", change)
    result = run("sparsify", graph, "-o", out, "-m", "wis:depth=2", "--max-memory", ENOUGH)
    assert "was changed while it was read" in result.stderr
    assert not out.exists()
