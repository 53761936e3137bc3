from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wis import warm
from wis.commands.app import app

COMMON = """
import networkx as nx, numpy as np, wis
graph = nx.gnp_random_graph(30, 0.3, seed=0)
some = {"depth": 3, "targets": [1, 2]}
for options in ({"depth": 2}, {"depth": 3}, {"depth": 3, "ties": "random"}, {"depth": 4}, some):
    wis.removal_order(graph, seed=0, **options)
    wis.removal_order(nx.DiGraph(graph), directed=True, seed=0, **options)
wis.removal_order(graph, depth=3, objective="graph")
for method in ("random", "first"):  # dense and large enough for the kernels of dense graphs
    wis.removal_order(nx.gnp_random_graph(150, 0.6, seed=0), depth=3, ties=method, seed=0)
for method in ("spectral", "teddy", "dspar", "k-neighbor", "spanning-forest"):
    wis.sparsify(graph, 0.5, method=method, seed=0)
wis.walk_index(graph, [0, 1], 3)
"""


@pytest.fixture
def three_forms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the forms called: of three, the second is refused and the third has no library."""
    called: list[str] = []

    def refused() -> None:
        called.append("b")
        raise ValueError("too\nsmall")

    def without_library() -> None:
        called.append("c")
        raise ImportError("c needs networkit, which is not installed")

    forms = [("a", lambda: called.append("a")), ("b", refused), ("c", without_library)]
    monkeypatch.setattr(warm, "_forms", lambda: iter(forms))
    return called


def test_every_form_is_called_and_what_is_not_ready_is_named(three_forms: list[str]) -> None:
    found = warm.warm()
    assert three_forms == ["a", "b", "c"]
    assert found == warm.Warmed(1, {"b": "too small", "c": "c needs networkit, which is not installed"})


def test_the_command_says_what_is_not_ready_and_why(three_forms: list[str]) -> None:
    done = CliRunner().invoke(app, ["warm"])
    assert done.exit_code == 0
    assert done.stdout.startswith("1 forms are ready, 2 are not, in ")
    assert done.stderr.splitlines()[1:] == [
        "not compiled: b: too small",
        "not compiled: c: c needs networkit, which is not installed",
    ]


def test_forms_have_names_of_their_own() -> None:
    names = [name for name, _ in warm._forms()]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_after_it_no_other_kernel_is_compiled(tmp_path: Path) -> None:
    """A second process that does the usual things compiles no kernel that is not there, at most a further signature."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "wis.experiments", "warm"], check=True, env=environment, text=True, capture_output=True
    )
    assert "not compiled" not in done.stderr
    before = kernels(tmp_path / "cache")
    assert len(before) > 100
    subprocess.run([sys.executable, "-c", COMMON], check=True, env=environment, cwd=tmp_path)
    assert kernels(tmp_path / "cache") == before


def kernels(cache: Path) -> set[str]:
    """Names of the kernels in a cache, without the number of the signature."""
    return {path.name.rpartition(".py")[0] for path in cache.rglob("*.nbc")}
