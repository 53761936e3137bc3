"""Documentation that cannot go stale: examples run, and docstrings name the parameters there are."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import wis

ROOT = Path(__file__).resolve().parents[1]
DOCTESTED = ["wis.api", "wis.progress", "wis.order", "wis.transforms"]
PUBLIC = [value for name in wis.__all__ if callable(value := getattr(wis, name)) and not isinstance(value, str)]


@pytest.mark.parametrize("name", DOCTESTED)
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_examples_in_the_readme() -> None:
    """All Python blocks of the README run, one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__name__)
def test_docstrings_name_every_parameter(item: object) -> None:
    documentation = inspect.getdoc(item) or ""
    assert documentation, f"{item} has no docstring"
    if inspect.isclass(item) and "Attributes\n----------" in documentation:
        return
    section = documentation.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    named = {name.strip(" *") for line in section.splitlines() if line[:1] not in ("", " ") for name in line.split(",")}
    expected = {name for name in inspect.signature(item).parameters if name not in ("self", "reading")}
    assert expected - {"args"} <= named | {"reading"}
