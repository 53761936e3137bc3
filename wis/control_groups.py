"""What the control groups of Linux leave this process of the memory: containers, Slurm and systemd set their limits so.

``/proc/meminfo`` tells the memory of the whole machine in a container, too; what goes beyond the limit is killed.
A group may use no more than any of the groups above it. Sources: the kernel's documentation, *Control Group v2* (memory
interface files) and *Memory Resource Controller* for version 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class _Files(NamedTuple):
    """Names of the files of a group, and of what the system takes back from its cache before it kills."""

    limit: str
    used: str
    reclaimable: str


_VERSION_1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_VERSION_2 = _Files("memory.max", "memory.current", "inactive_file")


def memory_left(proc: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that this process may still take by the limits of its groups; None where no group has one.

    Parameters
    ----------
    proc
        The file that names the groups of the process.
    mount
        Where they are mounted.
    """
    left = [found for files, group in _groups(proc, mount) if (found := _left_in(files, group)) is not None]
    return min(left, default=None)


def _groups(proc: Path, mount: Path) -> Iterator[tuple[_Files, Path]]:
    """The groups of memory of the process, from its own up."""
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            files, root = _VERSION_2, mount
        elif "memory" in controllers.split(","):
            files, root = _VERSION_1, mount / "memory"
        else:
            continue
        # In a container its own group may be mounted as the root, while the name is still that of the machine: what
        # is not there is passed over.
        group = root / path.lstrip("/")
        while group.is_relative_to(root) and ".." not in group.parts:
            yield files, group
            group = group.parent


def _left_in(files: _Files, group: Path) -> int | None:
    """Bytes left in one group; None if it has no limit."""
    try:
        limit = (group / files.limit).read_text().strip()
        used = int((group / files.used).read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    if limit == "max":
        return None
    # Version 1 writes the largest number there is for no limit; then what is left is no bound either.
    return max(int(limit) - used + int(statistics.get(files.reclaimable, 0)), 0)
