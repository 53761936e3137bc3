"""The shape of the code, read from its imports: layers, no circles, few rooms, and libraries that are declared.

A room is a file or a folder seen as one. Imports inside functions count; those for type checkers only do not.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Folder in the repository, and the name that it is imported by.
PACKAGES = {"wis": "wis", "baselines": "wis.baselines", "experiments": "wis.experiments", "benchmarks": "benchmarks"}

# From the ground up: what stands on a floor imports from its own floor and from those below.
FLOORS = (
    (
        "wis._version",
        "wis.checks",
        "wis.control_groups",
        "wis.extras",
        "wis.files",
        "wis.interrupts",
        "wis.kernels",
        "wis.machine",
        "wis.notices",
        "wis.own_code",
        "wis.progress",
        "wis.threads",
    ),
    ("wis.graphs", "wis.budget"),
    ("wis.engine", "wis.registry", "wis.lm", "wis.interactions"),
    ("wis.calls",),
    ("wis.order",),
    ("wis.api",),
    ("wis.transforms", "wis.graph_files"),
    ("wis.commands", "wis", "wis.warm"),
    ("wis.baselines",),
    ("wis.experiments",),
    ("benchmarks",),
)

# Libraries that are imported by another name than that of their package.
OTHER_NAMES = {"sklearn": "scikit_learn", "yaml": "pyyaml"}

# Their readers are reached only by a user's own graph of theirs, so they are there.
BROUGHT_BY_USERS = {"dgl", "polars"}


def modules() -> dict[str, Path]:
    """Every module's name and file."""
    found = {}
    for folder, name in PACKAGES.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([name, *parts]).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without blocks for type checkers."""
    for child in ast.iter_child_nodes(node):
        if is_for_types(child):
            continue
        yield child
        yield from walk(child)


def imported(path: Path) -> Iterator[str]:
    """The full names that a file imports: of modules, and of what is taken from them."""
    for node in walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """The module of the project that a name is, or is taken from."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def imports() -> nx.DiGraph:
    """Module to module, by import; loading a package by its name's first parts alone is no import of it."""
    graph = nx.DiGraph()
    graph.add_nodes_from(MODULES)
    for name, path in MODULES.items():
        graph.add_edges_from(
            (name, target) for other in imported(path) if (target := module_of(other)) and target != name
        )
    return graph


IMPORTS = imports()


def floor_of(module: str) -> int:
    """The floor with the longest name that the module begins with."""
    fits = [
        (len(room), floor)
        for floor, rooms in enumerate(FLOORS)
        for room in rooms
        if f"{module}.".startswith(f"{room}.")
    ]
    return max(fits)[1]


def shown(edges: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(sorted(" imports ".join(edge[:2]) for edge in edges))


def test_every_module_has_a_floor_of_its_own_name() -> None:
    top = {name for name in MODULES if name.startswith("wis.") and name.count(".") == 1}
    assert top <= {room for rooms in FLOORS for room in rooms}


def test_no_import_runs_upward() -> None:
    upward = [(a, b) for a, b in IMPORTS.edges if floor_of(a) < floor_of(b)]
    assert not upward, shown(upward)


def test_no_circle_of_files() -> None:
    circle = find_circle(IMPORTS)
    assert not circle, shown(circle)


@pytest.mark.parametrize("folder", sorted({name for module in MODULES for name in [module.rpartition(".")[0]] if name}))
def test_no_circle_of_rooms(folder: str) -> None:
    """Files and folders side by side in a folder, each folder with all that is in it."""
    rooms = nx.DiGraph()
    for a, b in IMPORTS.edges:
        if a.startswith(f"{folder}.") and b.startswith(f"{folder}."):
            first, second = (name.removeprefix(f"{folder}.").partition(".")[0] for name in (a, b))
            if first != second:
                rooms.add_edge(first, second, why=(a, b))
    circle = find_circle(rooms)
    assert not circle, f"in {folder}:\n" + shown(rooms.edges[edge]["why"] for edge in circle)


def find_circle(graph: nx.DiGraph) -> list[tuple[str, str]]:
    try:
        return [edge[:2] for edge in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return []


def test_the_engine_has_at_most_twelve_rooms() -> None:
    rooms = {name.split(".")[2] for name in MODULES if name.startswith("wis.engine.")}
    assert len(rooms) <= 12, sorted(rooms)


def test_what_is_imported_is_declared() -> None:
    """Every library that a file imports is a dependency or in an extra, by its own name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.split(r"[^\w-]", line)[0].lower().replace("-", "_") for line in lines}
    declared |= {library for library, package in OTHER_NAMES.items() if package in declared}
    libraries = {name.partition(".")[0] for path in MODULES.values() for name in imported(path)}
    assert libraries - set(sys.stdlib_module_names) - {"wis", "benchmarks", "tests"} - declared <= BROUGHT_BY_USERS
