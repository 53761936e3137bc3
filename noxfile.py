"""Everyday jobs: ``nox`` runs tests, lint, types and docs; ``nox -l`` lists all.

Sessions run in the environment that nox itself is in, which ``pip install -c constraints.txt -e '.[dev]'`` fills;
only ``lowest`` makes one of its own.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types", "docs"]
nox.options.default_venv_backend = "none"

TYPES = Path("build", "types")
PACKAGE = Path("build", "package")

# What the lowest versions must pass: the public functions, methods of every family, files, and the command line.
SMOKE = ("tests/wis/test_api.py", "tests/wis/commands", "tests/wis/graph_files", "tests/baselines/test_random.py")
LOWEST_EXTRAS = ("sweep", "networkit", "pyamg")


@nox.session
def tests(session: nox.Session) -> None:
    """The default tests, on two cores."""
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The default tests, with the lines that none of them runs; compiled kernels are not seen from Python."""
    session.run("pytest", "-n", "2", "--cov", "--cov-report=term-missing:skip-covered", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, of a plain copy of the installed package: checkers do not follow the editable one."""
    _copy_package(session, TYPES)
    session.run("mypy", env={"MYPYPATH": str(TYPES)})


def _copy_package(session: nox.Session, place: Path) -> None:
    for stale in Path("build").glob("[!_]*"):  # setuptools builds on what is there; __editable__ is a strict install
        shutil.rmtree(stale)
    session.run("pip", "install", "--quiet", "--no-deps", "--target", str(place), ".")


@nox.session
def docs(session: nox.Session) -> None:
    """Examples, docstrings, and links of the documents."""
    session.run("pytest", "-q", "tests/test_docs.py")


@nox.session
def site(session: nox.Session) -> None:
    """The site, in build/site; a warning is an error. Its API pages are read from a plain copy of the package."""
    _copy_package(session, PACKAGE)
    session.run("mkdocs", "build", "--quiet", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def benchmarks_smoke(session: nox.Session) -> None:
    """The quick form of the engine's benchmark."""
    session.run("python", "-m", "benchmarks.engine", "--quick")


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml allows."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    bounds = Path(session.create_tmp(), "lowest.txt")
    bounds.write_text("\n".join(lowest_versions(project)) + "\n")
    extras = ",".join(LOWEST_EXTRAS)
    session.install("-c", str(bounds), "-e", f".[{extras}]", "pytest", "hypothesis")
    session.run("python", "-m", "pytest", "-q", *SMOKE)


def lowest_versions(project: dict) -> list[str]:
    """The lower bound of each dependency of the extras tried, as pins."""
    wanted = [
        *project["dependencies"],
        *(
            line
            for name in ("pyg", "networkx", "files", "cli", *LOWEST_EXTRAS)
            for line in project["optional-dependencies"][name]
        ),
    ]
    bounds = [re.match(r"([\w-]+)>=([\w.]+)", line) for line in wanted]
    return sorted({f"{bound[1]}=={bound[2]}" for bound in bounds if bound})
