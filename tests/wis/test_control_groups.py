"""What control groups leave of the memory, on trees of files as Linux shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wis import control_groups, machine
from wis.control_groups import memory_left

NO_LIMIT = str((1 << 63) - 4096)


def group(folder: Path, limit: str, used: int, cache: int, version: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    # The group's own figures stand beside those with its children in version 1.
    total = f"total_inactive_file {cache}\n" if version == 1 else ""
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {7 if version == 1 else cache}\n{total}")


@pytest.fixture
def proc(tmp_path):
    def write(*lines: str) -> Path:
        path = tmp_path / "self"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def test_a_limit_leaves_what_is_not_used_and_the_cache_that_is_given_back(proc, tmp_path) -> None:
    group(tmp_path / "job", "1000", used=700, cache=200)
    assert memory_left(proc("0::/job"), tmp_path) == 500


def test_the_tightest_of_the_groups_above_counts(proc, tmp_path) -> None:
    group(tmp_path / "slurm", "900", used=850, cache=0)
    group(tmp_path / "slurm/job/step", "max", used=10, cache=0)
    group(tmp_path / "slurm/job", "1000", used=100, cache=50)
    assert memory_left(proc("0::/slurm/job/step"), tmp_path) == 50


def test_version_1_has_a_mount_of_its_own_and_sums_with_children(proc, tmp_path) -> None:
    group(tmp_path / "memory/docker/abc", "1000", used=700, cache=200, version=1)
    group(tmp_path / "memory", NO_LIMIT, used=5000, cache=0, version=1)
    lines = ("5:cpu,cpuacct:/docker/abc", "4:memory:/docker/abc", "0::/")
    assert memory_left(proc(*lines), tmp_path) == 500


def test_in_a_container_the_root_is_its_own_group(proc, tmp_path) -> None:
    # Named as on the machine, mounted at the root.
    group(tmp_path / "memory", "1000", used=900, cache=0, version=1)
    assert memory_left(proc("4:memory:/docker/abc"), tmp_path) == 100
    # Seen from inside a namespace of groups, a process outside it has such a name.
    assert memory_left(proc("0::/../other"), tmp_path) is None


@pytest.mark.parametrize("lines", [(), ("0::/",), ("0::/user.slice", "1:name=systemd:/")])
def test_no_limit(proc, tmp_path, lines) -> None:
    group(tmp_path / "user.slice", "max", used=10, cache=0)
    assert memory_left(proc(*lines), tmp_path) is None


def test_more_used_than_allowed_leaves_nothing(proc, tmp_path) -> None:
    group(tmp_path, "1000", used=1200, cache=0)
    assert memory_left(proc("0::/"), tmp_path) == 0


def test_a_system_without_groups(tmp_path) -> None:
    assert memory_left(tmp_path / "missing", tmp_path) is None


def test_free_memory_is_no_more_than_the_group_leaves(monkeypatch) -> None:
    monkeypatch.setattr(machine, "memory_left", lambda: None)
    whole = machine.free_memory()
    monkeypatch.setattr(machine, "memory_left", lambda: 1000)
    assert machine.free_memory() == 1000
    monkeypatch.setattr(machine, "memory_left", lambda: 1 << 62)
    assert 1000 < machine.free_memory() < 2 * whole


def test_this_machine_is_read_without_error() -> None:
    left = control_groups.memory_left()
    assert left is None or left >= 0
