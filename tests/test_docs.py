"""Documentation that cannot go stale: examples run, links lead somewhere, docstrings name the parameters there are."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from wis.experiments.commands.app import app

import wis

ROOT = Path(__file__).resolve().parents[1]
DOCTESTED = ["wis.api", "wis.progress", "wis.order", "wis.transforms"]
PUBLIC = [value for name in wis.__all__ if callable(value := getattr(wis, name)) and not isinstance(value, str)]
FILES = sorted((ROOT / "wis").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"]
RESULTS = sorted((ROOT / "experiments" / "results").rglob("*.md"))
SOURCES = [path for folder in ("wis", "baselines", "experiments") for path in (ROOT / folder).rglob("*.py")]
COMMANDS = typer.main.get_command(app)
# A command of ours in backticks or at the beginning of a line, up to a comment.
COMMAND = re.compile(r"(?:`|&& |^ *)(?:\S+/bin/|\w+=\S+ )?wis ((?:--)?[a-z][^`\n#]*)", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("name", DOCTESTED)
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_pages(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All Python blocks of a page run, one after the other, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, page.name, "exec"), namespace)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_keep_no_output(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        assert cell["outputs"] == []
        exec(compile("".join(cell["source"]), path.name, "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, heading = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link}"
        assert not heading or heading in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("path", [*PAGES, *RESULTS, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_are_written_down_exist(path: Path) -> None:
    """Also in docstrings and messages: every `wis COMMAND --option` is one that there is."""
    for command in COMMAND.findall(path.read_text()):
        wrong = not_understood(command)
        assert not wrong, f"wis {command}: there is no {wrong}"


def not_understood(text: str) -> str:
    """The first word of a command that is no command or no option of it; empty if all are."""
    try:
        words = shlex.split(text)
    except ValueError:  # an apostrophe of the sentence that it stands in
        words = text.split()
    command: Any = COMMANDS
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands") and re.fullmatch(r"[a-z]\w*", words[0]):
        return words[0]
    options = {option for known in command.params for option in (*known.opts, *known.secondary_opts)} | {"--help"}
    named = (word.rstrip(".,;:").partition("=")[0] for word in words if re.match(r"--[a-z]", word))
    return next((name for name in named if name not in options and not name.startswith("--algo")), "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("lm kl bias --out FOLDER", ""), ("--version", ""), ("sweep -d graph.pt --estimate", ""),
        ("lm kl real", "real"), ("sparsfy graph.csv", "sparsfy"), ("sweep --keep 0.5", "--keep"),
    ],
)  # fmt: skip
def test_a_command_that_is_not_there_is_found(text: str, wrong: str) -> None:
    assert not_understood(text) == wrong


def anchors(page: Path) -> set[str]:
    """What headings are linked by: small letters, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_public_name_is_in_the_reference() -> None:
    import wis.lm
    import wis.lm.kl

    reference = "".join(path.read_text() for path in (ROOT / "docs" / "api").iterdir())
    documented = set(re.findall(r"^::: (\S+)$", reference, flags=re.MULTILINE))
    for module in (wis, wis.lm, wis.lm.kl):
        names = {f"{module.__name__}.{name}" for name in module.__all__} - {"wis.__version__"}
        assert names <= documented
    for name in documented:
        module_name, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module_name), attribute), name


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs")) in navigation


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_what_users_import_names_every_parameter(item: object) -> None:
    documentation = inspect.getdoc(item) or ""
    assert documentation, f"{item} has no docstring"
    if inspect.isclass(item) and "Attributes\n----------" in documentation:
        return
    expected = set(inspect.signature(item).parameters) - {"self", "args"}
    assert expected <= parameters_named(documentation)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_name_the_parameters_there_are(path: Path) -> None:
    """Every public name has a docstring, and one with a list of parameters lists those of the signature."""
    wrong = []
    for name, node, parameters in public_names(ast.parse(path.read_text())):
        documentation = ast.get_docstring(node) or ""
        named = parameters_named(documentation)
        if not documentation or (named and named != parameters):
            wrong.append(f"{name}: not in both docstring and signature: {sorted(named ^ parameters)}")
    assert not wrong, "\n".join(wrong)


def parameters_named(documentation: str) -> set[str]:
    """The names in the section Parameters, without asterisks."""
    section = documentation.partition("Parameters\n----------\n")[2]
    section = re.split(r"\n\n[A-Z]\w+\n-+\n", section)[0]
    lines = [line.partition(" : ")[0] for line in section.splitlines() if line[:1] not in ("", " ")]
    return {name.strip(" *") for line in lines for name in line.split(",")}


def public_names(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef | Function, set[str]]]:
    """Functions, classes and methods that are not private, with the names of their parameters."""
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, Function)) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield node.name, node, parameters_of_class(node)
            yield from ((f"{node.name}.{name}", *rest) for name, *rest in public_names(node))
        else:
            yield node.name, node, parameters_of(node)


def parameters_of(function: Function) -> set[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in every if argument} - {"self", "cls"}


def parameters_of_class(node: ast.ClassDef) -> set[str]:
    """Those of its constructor; for a record, its fields."""
    for item in node.body:
        if isinstance(item, Function) and item.name == "__init__":
            return parameters_of(item)
    return {
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
