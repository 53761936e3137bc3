"""The GPU itself: whether there is one, and how torch and Numba share it.

torch holds all memory, copies and sorts; Numba's kernels get views of torch's tensors and run on torch's current
stream, one after the other with torch's own work. So nothing has to wait but the copies to the host, and a tensor may
be given up as soon as the kernel that reads it is launched: torch hands its memory out again on the same stream only.
In the simulator the tensors are on the CPU, and everything else is the same.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wis.graphs.csr import check_size
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList

if TYPE_CHECKING:
    import torch

# In the simulator every thread is a Python thread, and only one block can run at a time.
_SIMULATED_THREADS = 3

# Threads of a block where each works for itself.
THREADS = 128


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
    _require_compiler()


@functools.cache
def _require_compiler() -> None:
    """Raise ``RuntimeError`` if numba-cuda lacks a part of the CUDA toolkit, which only its own extras bring along."""
    from numba import cuda
    from numba.cuda.cudadrv import libs

    try:
        cuda.compile_ptx(lambda: None, (), cc=(8, 0))
        libs.check_static_lib(libs.get_cudalib("cudadevrt", static=True))
    except Exception as error:  # the parts are looked for in many ways
        raise RuntimeError(
            "device='cuda': numba-cuda cannot compile kernels here; pip install 'numba-cuda[cu13]', or [cu12] if that "
            f"is what the driver supports ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
        ) from error


def is_simulated() -> bool:
    """Whether kernels run in Numba's CUDA simulator (``NUMBA_ENABLE_CUDASIM=1``)."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)


def place_of(edges: EdgeList) -> torch.device:
    """The GPU that a graph is on; torch's current one if it is on the host; the CPU in the simulator."""
    import torch

    if is_simulated():
        return torch.device("cpu")
    if isinstance(edges, DeviceEdgeList) and edges.tensor.is_cuda:
        return edges.tensor.device
    return torch.device("cuda", torch.cuda.current_device())


def pairs_on(edges: EdgeList, place: torch.device) -> torch.Tensor:
    """The pairs, int64 ``[2, m]``, on a device: no copy where they are there already."""
    import torch

    if isinstance(edges, DeviceEdgeList):
        return edges.tensor.to(place)
    # A copy on the host: torch takes no arrays that cannot be written.
    return torch.from_numpy(edges.pairs.copy()).to(place)


@contextlib.contextmanager
def at(place: torch.device) -> Iterator[None]:
    """Make a GPU the current one of torch and of Numba, which each keep their own.

    Memory is checked before it is taken, but what is free may be in pieces, or gone to another process meanwhile: then
    torch's error becomes a ``MemoryError``.
    """
    import torch

    with contextlib.ExitStack() as stack:
        if place.type == "cuda":
            from numba import cuda

            stack.enter_context(torch.cuda.device(place))
            stack.enter_context(cuda.gpus[place.index])
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise MemoryError(f"device='cuda': {error}; use device='cpu'") from error


def launch(kernel: Any, blocks: int, threads: int, *args: Any) -> None:
    """Run a kernel after what torch has been asked to do so far; returns before it is done.

    Parameters
    ----------
    kernel
        A Numba kernel.
    blocks, threads
        Size of the grid and of a block.
    *args
        Tensors, integers, and named tuples of these.
    """
    if is_simulated():
        kernel[blocks, min(threads, _SIMULATED_THREADS)](*map(_to_numba, args))
        return
    import torch
    from numba import cuda

    # torch's default stream is the old default one, 0; Numba may be set up to take 0 for another, the thread's own.
    pointer = torch.cuda.current_stream().cuda_stream
    stream = cuda.external_stream(pointer) if pointer else cuda.legacy_default_stream()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Grid size")  # Numba's advice on small grids; small graphs need no larger
        configured = kernel[blocks, threads, stream]
    configured(*map(_to_numba, args))


def resident_blocks(kernel: Any, threads: int, *args: Any) -> int:
    """How many blocks of a kernel the device holds at once, by its registers and shared memory: 1 in the simulator.

    A grid that waits for itself must not be larger. The arguments tell the types only.
    """
    if is_simulated():
        return 1
    compiled = kernel.compile(tuple(kernel.typeof_pyval(_to_numba(arg)) for arg in args))
    return int(compiled.max_cooperative_grid_blocks(threads))


def _to_numba(value: Any) -> Any:
    """Views of tensors, on their own and in named tuples, as arrays of Numba; integers as they are."""
    if isinstance(value, int):
        return value
    if isinstance(value, tuple):
        return type(value)(*map(_to_numba, value))
    if is_simulated():
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        return FakeCUDAArray(value.numpy())
    from numba import cuda

    return cuda.as_cuda_array(value)


def enough_blocks(num_items: int) -> int:
    """Blocks of ``THREADS`` for a thread an item; more items than that take turns."""
    return max(1, min(-(-num_items // THREADS), 1 << 16))


def sort_edges(keys: torch.Tensor, priority: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Sort edges by key, best first, and by priority where keys are equal.

    Parameters
    ----------
    keys
        int64 ``[m, k]``, compared from the first column on; larger is better.
    priority
        int64 ``[m]``; smaller is better.
    chosen
        int32: the edges to sort.

    Returns
    -------
    torch.Tensor
        ``chosen``, sorted. One stable radix sort a column.
    """
    order = chosen[priority[chosen].argsort(stable=True)]
    for column in reversed(range(keys.shape[1])):
        order = order[keys[order, column].argsort(stable=True, descending=True)]
    return order


def build_csr(pairs: torch.Tensor, num_nodes: int, *, both: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arcs of a graph, grouped by the vertex where they begin, as :func:`wis.graphs.csr.build_csr` gives them.

    Parameters
    ----------
    pairs
        int64 ``[2, m]`` on any device, pairs of one tail in order of their heads.
    num_nodes
        Number of vertices ``n``.
    both
        Whether a pair gives two arcs, or its own only.

    Returns
    -------
    tuple
        ``start`` int64 ``[n + 1]``, ``head`` int32 and ``pair`` int32 ``[arcs]``. One stable sort.
    """
    import torch

    m = pairs.shape[1]
    check_size(num_nodes, m)
    tail, head = pairs.int()
    if both:
        # Smaller neighbours first: pairs are sorted, so the arcs of every vertex come out sorted.
        tail, head = torch.cat([head, tail]), torch.cat([tail, head])
    tail, order = tail.sort(stable=True)
    start = torch.searchsorted(tail, torch.arange(num_nodes + 1, dtype=torch.int32, device=pairs.device))
    return start, head[order], (order % max(m, 1)).int()
