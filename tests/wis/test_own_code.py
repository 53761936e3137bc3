"""Code of users' own, by its place."""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path

import pytest

from wis.own_code import file_fingerprint, load_own


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("own_functions", "broken_functions"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "own_functions.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "broken_functions.py").write_text("1 / 0\n")
    return tmp_path


def test_modules_of_the_current_folder_are_found(folder: Path) -> None:
    double = load_own("own_functions:double", "function")
    assert double(3) == 6
    assert file_fingerprint(double) == hashlib.sha256((folder / "own_functions.py").read_bytes()).hexdigest()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("no_such_functions:double", "ModuleNotFoundError: No module named 'no_such_functions'"),
        ("own_functions:triple", "AttributeError: module 'own_functions' has no attribute 'triple'"),
        ("broken_functions:double", "ZeroDivisionError: division by zero"),
        ("own_functions:", "AttributeError"),
    ],
)
def test_what_cannot_be_imported_says_why(place: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"method 'mine' cannot be imported: {reason}"):
        load_own(place, "method 'mine'")


def test_the_file_is_that_of_the_function_itself() -> None:
    def plain() -> None: ...

    @functools.wraps(plain)
    def wrapped() -> None: ...

    assert file_fingerprint(wrapped) == file_fingerprint(plain)
    assert file_fingerprint(functools.partial(plain)) == file_fingerprint(len) == ""
