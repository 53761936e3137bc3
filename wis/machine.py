"""The machine: its cores, its memory, its processor, and whether there is a GPU."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from wis.control_groups import memory_left
from wis.extras import needed_for

if TYPE_CHECKING:
    import torch


def usable_cores() -> int:
    """Number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Name of the processor."""
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those of the packages that are installed."""
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def total_memory() -> int:
    """Bytes of main memory."""
    return _memory("MemTotal", "total")


def free_memory() -> int:
    """Bytes of main memory that are free, or that the system gives up when they are asked for.

    In a container, and wherever else a control group limits this process, no more than what that leaves.
    """
    free = _memory("MemAvailable", "available")
    left = memory_left()
    return free if left is None else min(free, left)


def _memory(linux_name: str, psutil_name: str) -> int:
    """A figure of the system's memory in bytes: Linux gives it in a file, elsewhere psutil knows how to ask."""
    if sys.platform == "linux":
        found = re.search(rf"^{linux_name}:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    import psutil

    return int(getattr(psutil.virtual_memory(), psutil_name))


def free_bytes(device: torch.device) -> int:
    """Free memory of a GPU in bytes, what torch keeps for later tensors included; for the CPU, free main memory."""
    if device.type != "cuda":
        return free_memory()
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def check_memory(need: int, device: torch.device) -> None:
    """Raise ``MemoryError`` if fewer bytes of memory than needed are free on the device."""
    free = free_bytes(device)
    if need > free:
        raise MemoryError(
            f"device='cuda': this graph needs {need / 2**30:.1f} GiB of GPU memory, {free / 2**30:.1f} GiB are free; "
            "use device='cpu'"
        )


def peak_bytes() -> int | None:
    """The largest resident memory that this process has had, in bytes; None where the system keeps no such mark."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


class PeakMemory:
    """The largest resident memory of this process since the object was made.

    Linux lets a process reset its own high-water mark. Where that is not possible, the mark of the whole process is
    returned, which is an upper bound; where there is no mark at all, None.
    """

    _STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            self._RESET.write_text("5")

    def bytes(self) -> int | None:
        """The peak in bytes."""
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", self._STATUS.read_text())
            if found:
                return int(found[1]) * 1024
        return peak_bytes()


def require_cuda() -> None:
    """Raise ``RuntimeError`` with the reason if there is no usable CUDA device."""
    with needed_for("device='cuda'"):
        import torch

    if not torch.cuda.is_available():
        built = "sees no GPU" if torch.version.cuda else "is a CPU build"
        raise RuntimeError(f"device='cuda' was asked for, but this PyTorch ({torch.__version__}) {built}")


def find_device(device: str | torch.device) -> torch.device:
    """Return the device asked for; ``"auto"`` is CUDA where there is one.

    Raises
    ------
    ValueError
        If it is neither the CPU nor CUDA.
    RuntimeError
        If CUDA is asked for and there is none.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if str(device).partition(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {str(device)!r}")
    chosen = torch.device(device)
    if chosen.type == "cuda":
        require_cuda()
    return chosen
