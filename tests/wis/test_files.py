"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from wis.files import check_place, replace_file
from wis.interrupts import remember_interrupts


def test_success_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_text("old")
    with replace_file(path) as temporary:
        assert temporary.name.endswith(".csv.gz")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_failure_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with replace_file(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"),
        replace_file(tmp_path / "nowhere" / "a.txt"),
    ):
        pass


def test_a_place_is_checked_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_place(tmp_path / "a.txt")
    with pytest.raises(IsADirectoryError, match="is a folder; give a file"):
        check_place(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match="no permission to write into"):
        check_place(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.txt'"), replace_file(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_just_as_the_temporary_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*arguments: Any, **options: Any) -> tuple[int, str]:
        made = mkstemp(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return made

    mkstemp = tempfile.mkstemp
    monkeypatch.setattr("wis.files.tempfile.mkstemp", make)
    with remember_interrupts(), pytest.raises(KeyboardInterrupt), replace_file(tmp_path / "a.txt"):
        pytest.fail("the work has begun")
    assert list(tmp_path.iterdir()) == []
