"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
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


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    target, link, dangling = tmp_path / "store" / "a.txt", tmp_path / "a.txt", tmp_path / "b.txt"
    target.write_text("old")
    link.symlink_to(target)
    dangling.symlink_to(Path("store") / "b.txt")
    for path in (link, dangling):
        with replace_file(path) as temporary:
            assert temporary.parent == target.parent
            temporary.write_text("new")
        assert path.is_symlink()
        assert path.read_text() == "new"
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_a_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    with replace_file(path) as temporary:
        temporary.write_text("new")
    assert path.stat().st_mode & 0o7777 == mode


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"a\.txt: the file is read-only; remove it or give another"):
        check_place(path)
    with pytest.raises(PermissionError, match="read-only"), replace_file(path):
        pytest.fail("the work has begun")
    assert path.read_text() == "old"


def test_a_device_is_refused() -> None:
    with pytest.raises(PermissionError, match="it is a device or pipe, which cannot be replaced; give a file"):
        check_place("/dev/null")


KILLED = """
import os, signal, sys
from pathlib import Path
from wis.files import replace_file
with replace_file(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    for out in (path, other):
        assert subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with replace_file(path) as temporary:
        temporary.write_text("new")
        with replace_file(path) as second:  # a file that is being written is no leftover
            second.write_text("newer")
        assert temporary.exists()
    assert path.read_text() == "new"
    assert len(list(tmp_path.glob(".part-*"))) == 1  # that of b.txt
    with replace_file(other) as temporary:
        temporary.write_text("new")
    assert sorted(tmp_path.iterdir()) == [path, other]
