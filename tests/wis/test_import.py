"""Importing `wis` is cheap, and what it does without optional libraries works without them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import wis
from wis.extras import _EXTRA_OF, needed_for

ROOT = Path(__file__).resolve().parents[2]

# Hides the libraries of all extras, then runs a program.
WITHOUT_EXTRAS = """
import sys
from wis.extras import _EXTRA_OF

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {*_EXTRA_OF, "psutil", "tqdm"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
import importlib
import json
import numpy as np
import scipy.sparse
import wis

columns = np.array([[0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]])
matrix = scipy.sparse.csr_array((np.arange(8.0), tuple(columns)))
"""


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_import_loads_no_heavy_library() -> None:
    loaded = run("import sys, wis; print(*sorted({m.partition('.')[0] for m in sys.modules}))").split()
    assert "wis" in loaded
    assert not {*_EXTRA_OF, "numba", "scipy", "psutil", "baselines", "experiments"} & set(loaded)


def test_the_base_needs_numpy_scipy_and_numba_only(tmp_path: Path) -> None:
    program = """
order = wis.removal_order(matrix, depth=2)
order.save(sys.argv[1])
print(json.dumps([
    wis.sparsify(columns, num_edges=2, depth=2).tolist(),
    wis.sparsify(columns, 0.5, depth=3, progress=True).tolist(),
    wis.sparsify(matrix, num_edges=2, depth=2).toarray().tolist(),
    wis.RemovalOrder.load(sys.argv[1]).apply(columns, num_edges=1).tolist(),
    wis.walk_index(columns, [0], 2),
    [record.name for record in wis.methods()],
]))
"""
    by_depth_2, by_depth_3, matrix, one, index, names = json.loads(run(WITHOUT_EXTRAS + program, tmp_path / "o.npz"))
    assert by_depth_2 == [[0, 1, 2, 3], [1, 0, 3, 2]]
    assert by_depth_3 == [[0, 1, 2, 3], [1, 0, 3, 2]]
    assert matrix == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 6], [0, 0, 7, 0]]
    assert one == [[2, 3], [3, 2]]
    assert index == 10  # 0, 1 and 2 are on the boundary, with 3, 3 and 4 walks of length 1
    assert names == [record.name for record in wis.methods()]


def test_what_is_missing_is_named_with_its_command(tmp_path: Path) -> None:
    for name in ("g.csv", "g.parquet", "g.pt"):
        (tmp_path / name).write_text("0,1\n")
    program = """
order = wis.removal_order(columns, depth=2)
uses = {
    "wis.closed_walks": lambda: wis.closed_walks(columns, 2),
    "RemovalOrder.edges": lambda: order.edges,
    "RemovalOrder.keep_mask": lambda: order.keep_mask(),
    "wis.Sparsify": lambda: wis.Sparsify,
    "reading g.csv": lambda: wis.sparsify(wis.read_graph("g.csv")),
    "reading g.parquet": lambda: wis.read_graph("g.parquet"),
    "reading g.pt": lambda: wis.read_graph("g.pt"),
    "writing g.pt": lambda: wis.write_graph(columns, "g.pt"),
    "device='cuda'": lambda: wis.sparsify(columns, device="cuda"),
    "method 'ugs'": lambda: wis.sparsify(columns, method="ugs", data=object()),
    "wis.lm.trl": lambda: importlib.import_module("wis.lm.trl"),
    "wis.lm.policies": lambda: importlib.import_module("wis.lm.bounds"),
    "method 'local-degree'": lambda: wis.sparsify(columns, method="local-degree"),
}
import os
os.chdir(sys.argv[1])
found = {}
for what, use in uses.items():
    try:
        use()
    except ImportError as error:
        found[what] = str(error)
print(json.dumps(found))
"""
    found = json.loads(run(WITHOUT_EXTRAS + program, tmp_path))
    missing = {what: re.search(r"\[(.*)\]", message)[1] for what, message in found.items() if what in message}
    assert missing == {
        "wis.closed_walks": "pyg",
        "RemovalOrder.edges": "pyg",
        "RemovalOrder.keep_mask": "pyg",
        "wis.Sparsify": "pyg",
        "reading g.csv": "files",
        "reading g.parquet": "files",
        "reading g.pt": "pyg",
        "writing g.pt": "pyg",
        "device='cuda'": "pyg",
        "method 'ugs'": "pyg",
        "wis.lm.trl": "lm",
        "wis.lm.policies": "pyg",
        "method 'local-degree'": "networkit",
    }
    assert found["wis.closed_walks"] == (
        "wis.closed_walks needs torch, which is not installed; install it with: pip install 'wis-graph[pyg]'"
    )


def test_the_command_line_without_its_extra_is_one_line() -> None:
    program = WITHOUT_EXTRAS + "from wis.experiments.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "wis: error: the command line needs typer, which is not installed; "
        "install it with: pip install 'wis-graph[cli]'\n"
    )


def test_only_libraries_of_extras_are_translated() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_library'"), needed_for("a test"):
        import no_such_library  # noqa: F401
    with pytest.raises(ImportError, match=r"a test needs ogb, .*'wis-graph\[test\]'"), needed_for("a test", "test"):
        raise ModuleNotFoundError(name="ogb.nodeproppred")


def test_extras_bring_what_they_are_named_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
    for library, extra in _EXTRA_OF.items():
        package = packages.get(library, library.replace("_", "-"))
        assert package in {re.split(r"[>=\[]", line)[0] for line in extras[extra]}
