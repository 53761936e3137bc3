"""Compiled functions: never a stale one, and none lost where nothing can be kept."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import wis
from wis.kernels import _KERNEL_FILE, _file_of, chosen_by_class, kernel

PACKAGE = Path(wis.__file__).parent
KERNEL_FILES = [file for file in PACKAGE.rglob("*.py") if _KERNEL_FILE.search(file.read_text())]

CALLEE = "from wis.kernels import inlined\n@inlined\ndef half(x):\n    return x // 2\n"
CALLER = "from wis.kernels import kernel\nfrom wis.engine.callee import half\n"
CALLER += "@kernel\ndef call(x):\n    return half(x) + 1\n"
RUN = """
from wis.kernels import watch_compilation
from wis.engine.caller import call
compilations = []
with watch_compilation(lambda: compilations.append(1)):
    print(call(10), bool(compilations))
"""


class Ascending(NamedTuple):
    values: np.ndarray


class Descending(Ascending):
    __slots__ = ()


@kernel
def is_below(state: Ascending, i: int, j: int) -> bool:
    return state.values[i] < state.values[j]


@kernel
def is_above(state: Descending, i: int, j: int) -> bool:
    return state.values[i] > state.values[j]


comes_first = chosen_by_class({Ascending: is_below, Descending: is_above})


@kernel
def find_first(state: Ascending) -> int:
    first = 0
    for i in range(1, len(state.values)):
        if comes_first(state, i, first):
            first = i
    return first


def test_a_function_is_chosen_by_the_class_and_no_other_is_compiled() -> None:
    values = np.array([3.0, 1.0, 4.0])
    assert find_first(Descending(values)) == 2
    assert not is_below.signatures
    assert find_first(Ascending(values)) == 1
    # Not compiled, as where kernels are followed step by step.
    assert comes_first(Descending(values), 2, 0)
    assert not comes_first(Ascending(values), 2, 0)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, with one compiled function that calls another in a second file."""
    shutil.copytree(PACKAGE, tmp_path / "wis", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "wis/engine/callee.py").write_text(CALLEE)
    (tmp_path / "wis/engine/caller.py").write_text(CALLER)
    return tmp_path


def run(tree: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """What a new process prints: the result of the caller, and whether it was compiled."""
    places = {"PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(tree / "home"), "NUMBA_CACHE_DIR": ""}
    return subprocess.run(
        [sys.executable, "-c", before + RUN],
        cwd=tree,
        env={**os.environ, **places, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def kept(folder: Path) -> list[Path]:
    return [*folder.rglob("caller*.nbi"), *folder.rglob("caller*.nbc")]


def test_kernels_are_kept_in_the_user_s_cache_and_not_beside_the_package(tree: Path) -> None:
    run(tree)
    assert len(kept(tree / "home")) == 2
    assert kept(tree / "wis") == []
    run(tree, NUMBA_CACHE_DIR=str(tree / "chosen"))
    assert len(kept(tree / "chosen")) == 2


def test_kernels_are_kept_beside_the_package_where_the_user_has_no_folder(tree: Path) -> None:
    (tree / "home").write_text("")
    assert run(tree).stdout == "6 True\n"
    assert run(tree).stdout == "6 False\n"
    assert len(kept(tree / "wis/engine/__pycache__")) == 2


def test_a_changed_callee_is_seen_in_the_next_process_and_nothing_else_is_compiled_again(tree: Path) -> None:
    assert run(tree).stdout == "6 True\n"
    assert run(tree).stdout == "6 False\n"
    (tree / "wis/engine/callee.py").write_text(CALLEE.replace("// 2", "// 5"))
    assert run(tree).stdout == "3 True\n"
    assert run(tree).stdout == "3 False\n"


def test_damaged_cache_files_are_compiled_anew(tree: Path) -> None:
    run(tree)
    files = kept(tree / "home")
    assert len(files) == 2
    for file in files:
        for damaged in (lambda data: data[: len(data) // 2], lambda data: data[:-9] + b"damaged!!", lambda data: b""):
            file.write_bytes(damaged(file.read_bytes()))
            result = run(tree)
            assert (result.stdout, result.stderr) == ("6 True\n", ""), file.suffix
    assert run(tree).stdout == "6 False\n"


def test_without_a_folder_to_write_everything_works_with_one_warning(tree: Path) -> None:
    """Under root no folder is read-only, so that files stand where the folders would be."""
    (tree / "wis/engine/__pycache__").write_text("")
    (tree / "home").write_text("")
    result = run(tree, HOME=str(tree / "home"))
    assert result.stdout == "6 True\n"
    assert result.stderr.count("set NUMBA_CACHE_DIR to a folder that can be written") == 1


def test_a_full_disk_costs_the_cache_only(tree: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)); "
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    result = run(tree, limit, PYTHONDONTWRITEBYTECODE="1")
    assert result.stdout == "6 True\n"
    assert result.stderr.count("NUMBA_CACHE_DIR") == 1
    assert run(tree).stdout == "6 True\n"


@pytest.mark.parametrize("file", KERNEL_FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_kernels_use_names_of_kernel_files_only(file: Path) -> None:
    """What a kernel takes from another file is compiled into it, so that file must be in the stamp."""
    tree = ast.parse(file.read_text())
    origin = {
        (alias.asname or alias.name): node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wis")
        for alias in node.names
    }
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not _is_kernel(function):
            continue
        used = {node.id for line in function.body for node in ast.walk(line) if isinstance(node, ast.Name)}
        for name in used & origin.keys():
            sources = {_file_of(origin[name]), _file_of(f"{origin[name]}.{name}")}
            assert sources & set(KERNEL_FILES), (
                f"{function.name} uses {name} of {origin[name]}, which is no kernel file"
            )


@pytest.mark.parametrize("file", KERNEL_FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_named_tuples_of_kernels_stand_in_kernel_files(file: Path) -> None:
    """Fields are compiled to positions, so that the file that gives their order must be in the stamp."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("wis"):
            continue
        source = _file_of(node.module)
        if source is None or source in KERNEL_FILES:
            continue
        module = importlib.import_module(node.module)
        tuples = [alias.name for alias in node.names if hasattr(getattr(module, alias.name, None), "_fields")]
        assert not tuples, f"{tuples} of {node.module}, which is no kernel file"


def _is_kernel(function: ast.FunctionDef) -> bool:
    names = {node.id for line in function.decorator_list for node in ast.walk(line) if isinstance(node, ast.Name)}
    return bool(names & {"compiled", "kernel", "inlined"})
