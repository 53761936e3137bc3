"""The GPU itself: whether there is one, its size, and sorting by a library."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

# In the simulator every thread is a Python thread, and only one block can run at a time.
_SIMULATED_THREADS = 3
_THREADS = 128


def require_cuda() -> None:
    """Raise ``RuntimeError`` with the reason if no CUDA kernel can run here."""
    if importlib.util.find_spec("numba_cuda") is None:
        raise RuntimeError("device='cuda' needs numba-cuda: pip install 'wis-graph[numba-cuda]'")
    from numba import cuda

    if is_simulated():
        return
    if not cuda.is_available():
        raise RuntimeError("device='cuda': no CUDA device or driver was found; use device='cpu'")
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("device='cuda': this PyTorch has no CUDA, which sorts the edges; install a CUDA build of it")


def is_simulated() -> bool:
    """Whether kernels run in Numba's CUDA simulator (``NUMBA_ENABLE_CUDASIM=1``)."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)


def launch_shape(bytes_a_block: int, bytes_once: int) -> tuple[int, int]:
    """Blocks and threads of a cooperative launch: one block a multiprocessor, fewer if memory is short.

    Parameters
    ----------
    bytes_a_block
        Scratch memory of a block. One block more is counted.
    bytes_once
        Memory that is needed besides.

    Raises
    ------
    MemoryError
        If not even one block fits; the message says how much is needed and how much is free.
    """
    from numba import cuda

    if is_simulated():
        return 1, _SIMULATED_THREADS
    check_memory(bytes_once + 2 * bytes_a_block)
    that_fit = (free_bytes() - bytes_once) // max(bytes_a_block, 1) - 1
    return int(min(cuda.get_current_device().MULTIPROCESSOR_COUNT, that_fit)), _THREADS


def check_memory(need: int) -> None:
    """Raise ``MemoryError`` if fewer bytes of GPU memory than needed are free."""
    free = free_bytes()
    if need > free:
        raise MemoryError(
            f"device='cuda': this graph needs {need / 2**30:.1f} GiB of GPU memory, {free / 2**30:.1f} GiB are free; "
            "use device='cpu'"
        )


def free_bytes() -> int:
    """Free GPU memory in bytes; in the simulator, memory of this machine."""
    if is_simulated():
        import psutil

        return int(psutil.virtual_memory().available)
    from numba import cuda

    return int(cuda.current_context().get_memory_info().free)


def take_rows(keys: Any, chosen: np.ndarray) -> np.ndarray:
    """The rows ``chosen`` of a device array, copied to the host."""
    if is_simulated():
        return keys.copy_to_host()[chosen]
    import torch

    return torch.as_tensor(keys, device="cuda")[torch.as_tensor(chosen, device="cuda")].cpu().numpy()


def sort_edges(keys: Any, priority: Any, chosen: Any) -> Any:
    """Sort edges by key, best first, and by priority where keys are equal.

    Parameters
    ----------
    keys
        int64 device array ``[m, k]``, compared from the first column on; larger is better.
    priority
        int64 device array ``[m]``; smaller is better.
    chosen
        int32 device array: the edges to sort.

    Returns
    -------
    device array
        ``chosen``, sorted. One stable radix sort a column, by torch (by NumPy in the simulator).
    """
    from numba import cuda

    if is_simulated():
        picked = chosen.copy_to_host()
        rows = keys.copy_to_host()[picked]
        return cuda.to_device(picked[np.lexsort((priority.copy_to_host()[picked], *(-rows.T[::-1])))])
    import torch

    order = torch.as_tensor(chosen, device="cuda")
    rows, rank = torch.as_tensor(keys, device="cuda"), torch.as_tensor(priority, device="cuda")
    order = order[torch.argsort(rank[order], stable=True)]
    for column in reversed(range(rows.shape[1])):
        order = order[torch.argsort(rows[order, column], stable=True, descending=True)]
    torch.cuda.synchronize()
    return cuda.as_cuda_array(order.contiguous())
