"""One installed name: the wheel, in a clean environment, beside a user's own `baselines` and `experiments`."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import wis

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("wis", "baselines", "experiments", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def run(*command: object, cwd: Path) -> str:
    """The standard output of a command that sees no environment but its own."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources without anything built, as in a fresh clone."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def sdist(source: Path) -> Path:
    """The source distribution."""
    program = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    run(sys.executable, "-c", program, cwd=source)
    return next((source / "dist").glob("wis_graph-*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution alone."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    program = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    (unpacked,) = folder.iterdir()
    (unpacked / "dist").mkdir()
    run(sys.executable, "-c", program, cwd=unpacked)
    return next((unpacked / "dist").glob("wis_graph-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a clean environment with the wheel, which borrows libraries from this one."""
    folder = tmp_path_factory.mktemp("environment")
    # This project's editable install is a .pth file there, and those are read in the environment's own folder only.
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    python = folder / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=folder,
    )
    return python


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """A folder with packages of the user's own, of the names that this repository has."""
    for name in ("baselines", "experiments"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"mine = {name!r}\n")
    return tmp_path


def test_the_wheel_has_one_name(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"wis", f"wis_graph-{wis.__version__}.dist-info"}
    with tarfile.open(sdist) as archive:
        assert {Path(name).parts[1] for name in archive.getnames() if "/" in name} >= {
            "wis",
            "baselines",
            "experiments",
        }
    expected = {
        "/".join(("wis", *path.relative_to(ROOT).parts)) if folder != "wis" else str(path.relative_to(ROOT))
        for folder in ("wis", "baselines", "experiments")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".html", ".css", ".typed") and "results" not in path.parts
    }
    assert expected - set(names) == set()


def test_it_runs_beside_folders_of_the_same_names(python: Path, user_folder: Path) -> None:
    program = """
import json, importlib.metadata
import baselines, experiments, numpy, wis
points = importlib.metadata.distribution("wis-graph").entry_points
for point in points:
    point.load()
print(json.dumps({
    "mine": [baselines.mine, experiments.mine],
    "file": wis.__file__,
    "loaded": [point.name for point in points],
    "methods": [record.name for record in wis.methods()],
    "kept": wis.sparsify(numpy.array([[0, 1, 1, 2], [1, 0, 2, 1]]), num_edges=1, method="random", seed=0).shape,
}))
"""
    found = json.loads(run(python, "-W", "error::RuntimeWarning", "-c", program, cwd=user_folder))
    assert found["mine"] == ["baselines", "experiments"]
    assert Path(found["file"]).is_relative_to(python.parents[1])
    assert found["methods"] == [record.name for record in wis.methods()]
    assert len(found["methods"]) >= 21
    assert set(found["loaded"]) == {"wis", *found["methods"]}
    assert found["kept"] == [2, 2]


def test_the_command_runs_beside_folders_of_the_same_names(python: Path, user_folder: Path) -> None:
    (user_folder / "graph.csv").write_text("0,1\n1,2\n2,0\n")
    command = python.with_name("wis")
    listed = run(command, "methods", cwd=user_folder)
    assert all(f"\n{record.name} " in f"\n{listed}" for record in wis.methods())
    assert run(command, "--version", cwd=user_folder) == f"wis {wis.__version__}\n"
    run(
        command,
        "sparsify",
        "graph.csv",
        "-o",
        "out.csv",
        "--num-edges",
        2,
        "--method",
        "random",
        "--seed",
        0,
        cwd=user_folder,
    )
    assert len((user_folder / "out.csv").read_text().splitlines()) == 2
    assert "digits" in run(command, "datasets", cwd=user_folder)
