"""The command line, as a person uses it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch_geometric.data import Data, HeteroData
from typer.core import TyperGroup
from typer.testing import CliRunner, Result
from wis.experiments.__main__ import run as run_module
from wis.experiments.commands.app import app

import wis

TRIANGLE_AND_TAIL = "source,target,weight\n0,1,1.5\n1,2,2.5\n2,0,3.5\n2,3,4.5\n3,3,5.5\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.csv"
    path.write_text(TRIANGLE_AND_TAIL)
    return path


def test_sparsify_keeps_rows_whole(graph: Path) -> None:
    out = graph.with_name("half.csv")
    result = run("sparsify", graph, "-o", out)
    assert result.exit_code == 0
    assert out.read_text() == "source,target,weight\n0,1,1.5\n2,3,4.5\n3,3,5.5\n"
    assert f"kept 2 of 4 edges of {graph} and wrote {out} in " in result.stderr
    assert re.search(r" s \(reading .* s, choosing .* s, writing .* s\), peak memory [\d,]+ MB\n", result.stderr)


def test_sparsify_takes_method_and_budget(graph: Path) -> None:
    out = graph.with_name("out.csv")
    assert run("sparsify", graph, "-o", out, "--num-edges", 0, "-m", "random", "--seed", 1).exit_code == 0
    assert out.read_text() == "source,target,weight\n3,3,5.5\n"
    assert run("sparsify", graph, "-o", out, "--keep", 1, "--directed", "-m", "wis:depth=4").exit_code == 0
    assert out.read_text() == TRIANGLE_AND_TAIL


def test_one_order_serves_every_budget(graph: Path) -> None:
    saved = graph.with_name("order.npz")
    assert run("order", graph, "-o", saved, "--method", "wis:depth=2").exit_code == 0
    order = wis.RemovalOrder.load(saved)
    assert (order.method, order.options, len(order)) == ("wis", {"depth": 2}, 4)
    out = graph.with_name("out.csv")
    for num_edges in range(5):
        assert run("sparsify", graph, "-o", out, "--order", saved, "--num-edges", num_edges).exit_code == 0
        rows = np.loadtxt(out, delimiter=",", skiprows=1, ndmin=2, usecols=(0, 1), dtype=int)
        kept = {tuple(sorted(row)) for row in rows.tolist() if row[0] != row[1]}
        assert kept == {tuple(pair) for pair in order.edges[:, 4 - num_edges :].T.tolist()}


@pytest.mark.parametrize("name", ["graph.csv", "link.csv"])
def test_a_graph_is_not_replaced_by_a_part_of_it(graph: Path, name: str) -> None:
    graph.with_name("link.csv").symlink_to(graph)
    before = graph.read_bytes()
    result = run("sparsify", graph, "-o", graph.with_name(name))
    assert result.exit_code == 1
    assert f"--out is {graph} itself, whose edges would be lost; give another file" in result.stderr
    assert graph.read_bytes() == before


def test_a_graph_is_read_as_its_order_was(tmp_path: Path) -> None:
    """Read as undirected, or without vertices that have no edge, it would be another graph."""
    graph, saved, out = tmp_path / "graph.csv", tmp_path / "order.npz", tmp_path / "out.csv"
    graph.write_text("0,1\n1,0\n1,2\n2,3\n")
    assert run("order", graph, "-o", saved, "--directed", "--num-nodes", 9).exit_code == 0
    order = wis.RemovalOrder.load(saved)
    assert (order.directed, order.num_nodes, len(order)) == (True, 9, 4)
    assert run("sparsify", graph, "-o", out, "--order", saved, "--num-edges", 3).exit_code == 0
    kept = {tuple(map(int, line.split(","))) for line in out.read_text().splitlines()}
    assert kept == {tuple(pair) for pair in order.edges[:, 1:].T.tolist()}
    for arguments, message in [
        (["--undirected"], "--undirected: --order is for directed pairs; leave --undirected out"),
        (["--num-nodes", 4], "--num-nodes 4: --order is for 9 vertices; leave --num-nodes out"),
        (["--seed", 3], "give --order or --seed, not both"),
        (["--device", "cpu"], "give --order or --device, not both"),
    ]:
        result = run("sparsify", graph, "-o", out, "--order", saved, *arguments)
        assert result.exit_code == 1
        assert message in result.stderr


def test_edge_types_as_one_graph(tmp_path: Path, graph: Path) -> None:
    several, saved, out = tmp_path / "several.pt", tmp_path / "order.npz", tmp_path / "sparse.pt"
    data = HeteroData({"a": {"x": torch.eye(4)}})
    ring = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 0], [1, 0, 2, 1, 3, 2, 0, 3]])
    data["a", "to", "a"].edge_index, data["a", "with", "a"].edge_index = ring, ring[:, :2]
    torch.save(data, several)
    refused = run("order", several, "-o", saved)
    assert "give --homogeneous for all of them as one graph" in refused.stderr
    assert run("order", several, "-o", saved, "--homogeneous", "-m", "wis:depth=2").exit_code == 0
    assert len(wis.RemovalOrder.load(saved)) == 4
    for arguments in (["--order", saved], ["--homogeneous", "-m", "wis:depth=2"]):
        assert "kept 2 of 4 edges" in run("sparsify", several, "-o", out, *arguments).stderr
    wrong = run("sparsify", graph, "-o", tmp_path / "out.csv", "--homogeneous")
    assert "--homogeneous is for .pt files of PyG\n" in wrong.stderr
    both = run("sparsify", graph, "-o", tmp_path / "out.csv", "--homogeneous", "--max-memory", "1G")
    assert "leave one out" in both.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", 2], "--keep must be from 0 to 1, got 2.0"),
        (["--device", "tpu"], "--device must be one of 'auto', 'cpu', 'cuda', got 'tpu'\n"),
        (["--seed", -1], "--seed must not be negative, got -1"),
        (["--edge-attrs", "a"], "--edge-attrs is for .npz and .pt files\n"),
        (["--method", "random:keep_connected=1"], "keep_connected must be True or False"),
    ],
)
def test_errors_name_options_as_they_are_here(graph: Path, arguments: list[Any], message: str) -> None:
    result = run("sparsify", graph, "-o", graph.with_name("out.csv"), *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize("method", ["wis:depth=2", "wis:depth=3", "wis:depth=4", "spectral"])
def test_vertex_numbers_may_have_huge_gaps(tmp_path: Path, method: str) -> None:
    graph, renumbered, out = tmp_path / "graph.csv", tmp_path / "renumbered.csv", tmp_path / "out.csv"
    rng = np.random.default_rng(0)
    names = np.append(np.sort(rng.choice(10**9, size=9, replace=False)), 3_000_000_000)
    rows = rng.integers(0, 10, size=(20, 2))
    np.savetxt(graph, names[rows], fmt="%d", delimiter=",")
    np.savetxt(renumbered, rows, fmt="%d", delimiter=",")
    options = ["--keep", "0.4", "--method", method, "--seed", "1"]
    assert run("sparsify", renumbered, "-o", out, *options).exit_code == 0
    expected = names[np.loadtxt(out, delimiter=",", dtype=int)]
    assert run("sparsify", graph, "-o", out, *options).exit_code == 0
    np.testing.assert_array_equal(np.loadtxt(out, delimiter=",", dtype=int), expected)


def test_an_order_names_the_vertices_of_its_file(tmp_path: Path) -> None:
    graph, saved, out = tmp_path / "graph.csv", tmp_path / "order.npz", tmp_path / "out.csv"
    graph.write_text("7,2000000000\n7,9\n9,2000000000\n9,1000\n")
    assert run("order", graph, "-o", saved, "--method", "wis:depth=2").exit_code == 0
    order = wis.RemovalOrder.load(saved)
    assert order.num_nodes == 2_000_000_001
    assert sorted(order.edges.T.tolist()) == [[7, 9], [7, 2_000_000_000], [9, 1000], [9, 2_000_000_000]]
    assert run("sparsify", graph, "-o", out, "--order", saved, "--num-edges", 1).exit_code == 0
    assert sorted(map(int, out.read_text().split(","))) == order.edges[:, -1].tolist()


def test_vertices_that_options_name_keep_their_numbers(tmp_path: Path) -> None:
    graph, out = tmp_path / "graph.csv", tmp_path / "out.csv"
    graph.write_text("0,99998\n0,99999\n1,99999\n1,99998\n")
    assert run("sparsify", graph, "-o", out, "--num-edges", 3, "--method", "wis:depth=2,targets=[99998]").exit_code == 0
    assert out.read_text() == "0,99998\n1,99999\n1,99998\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", "1.5"], "keep must be from 0 to 1, got 1.5"),
        (["--keep", "0.5", "--num-edges", "2"], "give --keep or --num-edges, not both"),
        (["--num-edges", "9"], "--num-edges must be at most the number of pairs, 4, got 9"),
        (["--method", "magic"], "unknown method 'magic'; the methods are:"),
        (["--method", "wis:deep=2"], "'wis' has no option 'deep'"),
        (["--method", "wis:depth=1"], "depth must be at least 2, got 1"),
        (["--num-nodes", "2"], "vertex"),
        (["--device", "tpu"], "device must be one of"),
        (["--order", "absent.npz"], "absent.npz"),
        (["--order", "order.npz", "--method", "random"], "give --order or --method, not both"),
        (["--method", "ugs"], "learns from features, labels and masks, which"),
    ],
)
def test_errors_are_one_line_and_write_nothing(graph: Path, arguments: list[str], message: str) -> None:
    out = graph.with_name("out.csv")
    out.write_text("precious")
    result = run("sparsify", graph, "-o", out, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("wis: error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert out.read_text() == "precious"
    assert {path.name for path in graph.parent.iterdir()} == {"graph.csv", "out.csv"}


@pytest.mark.parametrize(
    ("out", "message"),
    [("order.txt", "--out must end in .npz, got "), ("absent/order.npz", "does not exist"), ("f.npz", "is a folder")],
)
def test_order_checks_its_output_before_the_work(
    graph: Path, monkeypatch: pytest.MonkeyPatch, out: str, message: str
) -> None:
    (graph.parent / "f.npz").mkdir()
    monkeypatch.setattr("wis.calls.rank_pairs", lambda *_, **__: pytest.fail("the work has begun"))
    result = run("order", graph, "-o", graph.parent / out)
    assert result.exit_code == 1
    assert message in result.stderr


def test_ctrl_c_says_that_it_stopped_and_writes_nothing(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wis.calls.choose_pairs", interrupt)
    result = run("sparsify", graph, "-o", graph.with_name("out.csv"))
    assert result.exit_code == 130
    assert result.stderr.endswith("\nwis: stopped\n")
    assert list(graph.parent.iterdir()) == [graph]


def test_ctrl_c_while_arguments_are_read(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TyperGroup, "parse_args", interrupt)
    result = run("sparsify", graph, "-o", graph.with_name("out.csv"))
    assert (result.exit_code, result.stderr) == (130, "\nwis: stopped\n")


def test_the_traceback_is_there_on_request(graph: Path) -> None:
    plain = run("sparsify", graph, "-o", graph.with_name("o.csv"), "--keep", 2)
    assert "Traceback" not in plain.stderr
    full = run("--traceback", "sparsify", graph, "-o", graph.with_name("o.csv"), "--keep", 2)
    assert "Traceback" in full.stderr
    assert "wis: error: --keep must be" in full.stderr


@pytest.mark.parametrize("out", ["out.tsv", "half.dat", "absent/out.csv", "folder.csv"])
def test_sparsify_checks_its_output_before_the_work(graph: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    (graph.parent / "folder.csv").mkdir()
    monkeypatch.setattr("wis.calls.choose_pairs", lambda *_, **__: pytest.fail("the work has begun"))
    result = run("sparsify", graph, "-o", graph.parent / out)
    assert result.exit_code == 1
    expected = {
        "out.tsv": f"--out must end in .csv like {graph}, got {graph.parent / out}; formats are not converted",
        "half.dat": "--out " + str(graph.parent / out) + ": the suffix must be one of .csv, .tsv",
        "absent/out.csv": f"the folder {graph.parent / 'absent'} does not exist",
        "folder.csv": "it is a folder",
    }
    assert expected[out] in result.stderr


def test_errors_about_a_file_name_it_and_the_options(graph: Path, tmp_path: Path) -> None:
    result = run("sparsify", graph, "-o", tmp_path / "o.csv", "--num-nodes", 2)
    assert (
        f"{graph}, line 3: vertex 2 is out of range; vertices are numbered from 0 to 1, by --num-nodes" in result.stderr
    )
    matrix = tmp_path / "in.npz"
    scipy.sparse.save_npz(matrix, scipy.sparse.csr_array(np.array([[0, 1], [0, 0]])))
    result = run("sparsify", matrix, "-o", tmp_path / "o.npz")
    assert f"wis: error: {matrix}: graph is not symmetric" in result.stderr
    assert result.stderr.endswith(
        "Give --directed to sparsify it as a directed graph, or --undirected to treat every edge as undirected\n"
    )
    assert run("sparsify", matrix, "-o", tmp_path / "o.npz", "--directed").exit_code == 0


@pytest.mark.parametrize(
    ("command", "library", "message"),
    [
        (
            "sweep",
            "yaml",
            "wis sweep needs yaml, which is not installed; install it with: pip install 'wis-graph[sweep]'",
        ),
        (
            "sparsify",
            "pyarrow",
            "reading graph.csv needs pyarrow, which is not installed; install it with: pip install 'wis-graph[files]'",
        ),
        (
            "lm",
            "transformers",
            "wis lm needs transformers, which is not installed; install it with: pip install 'wis-graph[lm]'",
        ),
    ],
)
def test_a_missing_library_is_named_with_its_command(
    graph: Path, monkeypatch: pytest.MonkeyPatch, command: str, library: str, message: str
) -> None:
    monkeypatch.chdir(graph.parent)
    monkeypatch.setitem(sys.modules, library, None)
    arguments = {"sweep": [], "sparsify": ["graph.csv", "-o", "o.csv"], "lm": ["theory", "-o", "o"]}[command]
    result = run(command, *arguments)
    assert (result.exit_code, result.stderr) == (1, f"wis: error: {message}\n")


def test_a_seed_that_was_drawn_repeats_the_run(tmp_path: Path) -> None:
    graph, outs = tmp_path / "graph.csv", [tmp_path / f"out{i}.csv" for i in range(2)]
    np.savetxt(graph, np.random.default_rng(0).integers(0, 40, (200, 2)), fmt="%d", delimiter=",")
    said = re.search(
        r"; --seed (\d+) does the same again\n$", run("sparsify", graph, "-o", outs[0], "-m", "random").stderr
    )
    assert said
    again = run("sparsify", graph, "-o", outs[1], "-m", "random", "--seed", said[1])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert "--seed" not in again.stderr
    saved = tmp_path / "order.npz"
    said = re.search(r"; --seed (\d+) does", run("order", graph, "-o", saved, "-m", "wis:ties=random").stderr)
    assert said
    assert wis.RemovalOrder.load(saved).seed == int(said[1])
    for arguments in (["-m", "wis"], ["--order", saved]):
        assert "--seed" not in run("sparsify", graph, "-o", outs[0], *arguments).stderr


def test_a_method_of_one_s_own(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (graph.parent / "own_rank.py").write_text(
        "import numpy as np\n\ndef rank(edges, *, bias=1):\n"
        '    """Low numbers last."""\n    return np.argsort(-bias * edges.pairs.sum(axis=0), kind=\'stable\')\n'
    )
    monkeypatch.chdir(graph.parent)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_rank", raising=False)
    for method, kept in (("own_rank:rank", "0,1,1.5\n2,0,3.5\n"), ("own_rank:rank:bias=-1", "1,2,2.5\n2,3,4.5\n")):
        assert run("sparsify", graph, "-o", "out.csv", "-m", method).exit_code == 0
        assert Path("out.csv").read_text() == f"source,target,weight\n{kept}3,3,5.5\n"
    about = run("methods", "own_rank:rank").stdout
    assert "Low numbers last" in about
    assert "options: bias=1" in about


def test_pairs_of_both_directions_are_told_of(graph: Path) -> None:
    out = graph.with_name("out.csv")
    graph.write_text("0,1\n1,0\n1,2\n2,3\n")
    note = "1 of 3 pairs have rows in both directions, and count as one undirected edge each. Give --directed if"
    assert f"wis: note: {graph}: {note}" in run("sparsify", graph, "-o", out).stderr
    for direction in ("--directed", "--undirected"):
        assert "both directions" not in run("sparsify", graph, "-o", out, direction).stderr
    graph.write_text("0,1\n1,0\n1,2\n2,1\n")
    assert "both directions" not in run("sparsify", graph, "-o", out).stderr


def test_methods_explains_one() -> None:
    about = run("methods", "wis:depth=2").stdout
    for words in ("draws at random: no", "labelled data: not needed", "devices: cpu, cuda", "\ndepth\n    Number of"):
        assert words in about
    assert "``" not in about
    assert ":func:" not in run("methods", "spectral").stdout
    assert "unknown method 'wiss'; did you mean 'wis'?" in run("methods", "wiss").stderr


def test_methods_lists_all_with_sources() -> None:
    result = run("methods")
    assert result.exit_code == 0
    for record in wis.methods():
        assert f"\n{record.name} " in "\n" + result.stdout
    assert "arXiv:2211.16494" in result.stdout


def test_datasets_lists_all() -> None:
    result = run("datasets")
    assert result.exit_code == 0
    for name in ("digits", "Cora", "CiteSeer", "PubMed", "DBLP", "Computers", "Photo", "chameleon", "squirrel"):
        assert f"\n{name} " in "\n" + result.stdout
    assert "ogbn-arxiv" in result.stdout
    assert "ogbn-products" in result.stdout
    assert result.stdout.endswith("environment variable WIS_DATA_ROOT.\n")


def test_datasets_explains_one(tmp_path: Path) -> None:
    for file in ("x", "tx"):
        (tmp_path / "Cora" / "raw").mkdir(parents=True, exist_ok=True)
        (tmp_path / "Cora" / "raw" / f"ind.cora.{file}").touch()
    about = " ".join(run("datasets", "cora", "--data-root", tmp_path).stdout.split())
    assert "splits: random, 80/10/10 measure: accuracy raw files: 6 of 8 are missing, in" in about
    assert "missing: raw/ind.cora.allx, " in about
    assert "raw files" not in run("datasets", "digits").stdout
    assert "unknown dataset 'cara'; did you mean 'Cora'?" in run("datasets", "cara").stderr


def test_datasets_says_whether_a_sweep_can_use_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = Data(x=torch.eye(4), y=torch.tensor([0, 2, -1, 1]), edge_index=edge_index)
    data.train_mask, data.val_mask, data.test_mask = (torch.arange(4) == i for i in (0, 1, 3))
    torch.save(data, path)
    about = run("datasets", path).stdout
    for words in (
        "4 vertices, 2 edges, 4 features, 3 classes", "without a label: 1", "weights: none", "splits: train_mask [4]",
    ):  # fmt: skip
        assert words in about
    data.test_mask = data.val_mask
    torch.save(data, path)
    assert f"{path}: " in run("datasets", path).stderr
    data.y = data.y.float()
    torch.save(data, path)
    assert "data.y must be integer [4]" in run("datasets", path).stderr


@pytest.mark.parametrize("command", ["sparsify", "order", "sweep", "report"])
def test_help_has_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  wis {command} " in result.stdout


def test_version_and_module() -> None:
    command = [sys.executable, "-m", "experiments", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"wis {wis.__version__}\n"


def test_help_is_quick_to_load() -> None:
    """No heavy library is imported to show a help page."""
    code = "import sys, wis.experiments.commands.app; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "torch_geometric", "numba", "pandas", "matplotlib", "transformers", "sklearn"} & set(loaded)


def test_ctrl_c_while_loading(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wis.experiments.commands.app.app", interrupt)
    with pytest.raises(SystemExit) as stopped:
        run_module()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\nwis: stopped\n"


def test_sigterm_stops_and_writes_nothing(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wis.calls.choose_pairs", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    result = run("sparsify", graph, "-o", graph.with_name("out.csv"))
    assert result.exit_code == 128 + signal.SIGTERM
    assert result.stderr.endswith("\nwis: stopped\n")
    assert list(graph.parent.iterdir()) == [graph]


def test_notes_are_lines_that_name_options(tmp_path: Path) -> None:
    graph, out = tmp_path / "graph.csv", tmp_path / "out.csv"
    graph.write_text(",user,friend\n0,0,1\n1,1,2\n2,2,0\n3,2,3\n")
    result = run("sparsify", graph, "-o", out)
    assert result.exit_code == 0
    assert out.read_text() == ",user,friend\n0,0,1\n3,2,3\n"
    assert result.stderr.startswith(
        f"wis: note: {graph}: the ends of the edges are read from the columns 'user' and 'friend'; "
        "pass --source and --target if they are others\n"
    )
    graph.write_text("a,b,c\n0,1,2\n1,2,3\n")
    result = run("sparsify", graph, "-o", out)
    assert result.stderr == (
        f"wis: error: {graph}: which of the columns ['a', 'b', 'c'] hold the ends of the edges? "
        "Pass --source and --target\n"
    )
    assert run("sparsify", graph, "-o", out, "--source", "b", "--target", "a", "--keep", 1).exit_code == 0
    result = run("sparsify", graph, "-o", tmp_path / "half.dat")
    assert "rename the file, or pass --format, one of csv, tsv, list" in result.stderr
    graph.rename(tmp_path / "graph.dat")
    arguments = ["--format", "csv", "--source", "a", "--target", "b", "--keep", "1"]
    result = run("sparsify", tmp_path / "graph.dat", "-o", tmp_path / "half.dat", *arguments)
    assert (result.exit_code, (tmp_path / "half.dat").read_text()) == (0, "a,b,c\n0,1,2\n1,2,3\n")


def test_a_method_that_reads_weights_gets_them(graph: Path) -> None:
    out = graph.with_name("out.csv")
    assert run("sparsify", graph, "-o", out, "-m", "threshold", "--num-edges", 1).exit_code == 0
    assert out.read_text() == "source,target,weight\n2,3,4.5\n3,3,5.5\n"
    result = run("sparsify", graph, "-o", out)
    assert result.stderr.startswith("wis: note: method 'wis' does not read edge weights")
    result = run("sparsify", graph, "-o", out, "-m", "threshold", "--num-edges", 1, "--weight", "target")
    assert "source, target and weight must be three columns" in result.stderr


def test_names_keep_their_order_file(tmp_path: Path) -> None:
    graph, out, saved = tmp_path / "graph.tsv", tmp_path / "out.tsv", tmp_path / "order.npz"
    graph.write_text("from\tto\nd\ta\na\tb\nb\td\nd\tc\n")
    assert run("order", graph, "-o", saved).exit_code == 0
    graph.write_text("from\tto\nd\tc\nb\td\na\tb\nd\ta\n")
    assert run("sparsify", graph, "-o", out, "--order", saved).exit_code == 0
    assert out.read_text() == "from\tto\nd\tc\na\tb\n"


def test_a_list_of_graphs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch_geometric.data import Data

    columns = torch.tensor([[0, 0, 1, 2, 1, 2, 2, 3], [1, 2, 2, 3, 0, 0, 1, 2]])
    one = Data(edge_index=columns, time=torch.arange(8), num_nodes=8)
    torch.save([one, one], tmp_path / "in.pt")
    result = run("sparsify", tmp_path / "in.pt", "-o", tmp_path / "out.pt")
    assert result.exit_code == 1
    assert 'pass --edge-attrs time if it follows the edges, or --edge-attrs "" if it stays' in result.stderr
    result = run("sparsify", tmp_path / "in.pt", "-o", tmp_path / "out.pt", "--edge-attrs", "time")
    assert "kept 4 of 8 edges" in result.stderr
    assert [part.time.tolist() for part in wis.read_graph(tmp_path / "out.pt")] == [[0, 3, 4, 7]] * 2
    result = run("order", tmp_path / "in.pt", "-o", tmp_path / "o.npz", "--edge-attrs", "")
    assert "it holds a list of 2 graphs, each with a budget of its own, and an order is for one graph" in result.stderr
