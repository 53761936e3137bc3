"""The CUDA kernels compiled for an H200, which needs no GPU but the compiler's libraries, NVVM and NVRTC."""

from __future__ import annotations

import types as python_types

import numpy as np
import pytest

from tests.wis.engine.cuda.ptx import divergent_barriers

pytestmark = pytest.mark.slow

KERNELS = ("degrees", "triangles", "walks", "graph_walks")


@pytest.fixture(scope="module")
def to_ptx():
    """Compile a kernel for arguments as they are on the device."""
    pytest.importorskip("numba_cuda")
    from numba import cuda
    from numba.cuda import dispatcher, types
    from numba.cuda.typing.typeof import typeof

    def compile_kernel(kernel, *arguments) -> str:
        signature = types.void(*map(typeof, map(as_arrays, arguments)))
        return cuda.compile_ptx(getattr(kernel, "py_func", kernel), signature, cc=(9, 0))[0]

    with pytest.MonkeyPatch.context() as patch:
        h200 = python_types.SimpleNamespace(compute_capability=(9, 0))
        patch.setattr(dispatcher, "get_current_device", lambda: h200)
        try:
            compile_kernel(lambda array: None, np.zeros(1))
        except Exception as error:  # the libraries are looked for in many ways
            pytest.skip(f"no NVVM or NVRTC here: {type(error).__name__}")
        yield compile_kernel


def as_arrays(value):
    if isinstance(value, int):
        return value
    return type(value)(*map(as_arrays, value)) if isinstance(value, tuple) else np.asarray(value)


@pytest.fixture(scope="module")
def arguments():
    """Graph, scratch memory and queue of the smallest graph."""
    import torch

    from tests.strategies import edge_list, task
    from wis.engine.cuda import host, pool
    from wis.engine.walks import cuda as walks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host.device, "is_simulated", lambda: True)  # everything on the CPU
        family = walks._FAMILY._replace(fill_values=lambda graph, scratch: None)
        run = host._prepare(task(edge_list(2, [[0], [1]]), 4), family, torch.device("cpu"))
    return run.graph, run.scratch, pool.make_queue(run.keys, run.priority, 2, 1, 8, 1)


@pytest.mark.parametrize("name", KERNELS)
def test_rounds_compile_without_barriers_that_threads_miss(name, to_ptx, arguments):
    import importlib

    family = importlib.import_module(f"wis.engine.{name}.cuda")._FAMILY
    graph, scratch, queue = arguments
    for kernel, given in (
        (family.evaluate, (graph, scratch, queue.chosen, queue.touched, queue.keys)),
        (family.run_rounds, (graph, scratch, queue, 4096, 4096)),
    ):
        check(to_ptx(kernel, *given), has_barriers=True)


def test_other_kernels_compile(to_ptx, arguments):
    from wis.engine.degrees import cuda as degrees
    from wis.engine.graph_walks import cuda as graph_walks
    from wis.engine.triangles import cuda as triangles
    from wis.engine.walks import cuda as walks

    graph, scratch, _ = arguments
    check(to_ptx(walks._closed_walks, graph, scratch), has_barriers=True)
    for kernel, given in (
        (degrees._values, (graph,)),
        (triangles._add_edges, (graph,)),
        (triangles._add_triangles, (graph,)),
        (triangles._count_triangles, (graph.ends, graph.start, graph.to, graph.value)),
        (triangles._store_triangles, (graph.ends, graph.start, graph.to, graph.pair, graph.start, graph.ends)),
        (graph_walks._step_reach, (graph, 2)),
    ):
        check(to_ptx(kernel, *given), has_barriers=False)


def check(ptx: str, has_barriers: bool) -> None:
    assert ".target sm_90" in ptx
    assert ".f32" not in ptx  # counts are whole numbers all the way
    assert ".f64" not in ptx
    assert ".local" not in ptx  # no memory of a thread's own
    number, in_danger = divergent_barriers(ptx)
    assert (number > 0) == has_barriers
    assert in_danger == []


def test_barriers_that_threads_miss_are_found(to_ptx):
    from numba import cuda

    @cuda.jit(device=True)
    def add_one(array, i):
        cuda.syncthreads()
        array[i] += 1

    def by_thread(array):
        for i in range(cuda.threadIdx.x, 100, 32):
            add_one(array, i)

    def by_what_a_thread_reads(array):
        for i in range(array[0]):
            add_one(array, i)
            if array[cuda.threadIdx.x] == 7:
                break

    def by_all(array):
        for i in range(array[0]):
            add_one(array, i)

    found = [
        bool(divergent_barriers(to_ptx(kernel, np.zeros(4, dtype=np.int64)))[1])
        for kernel in (by_thread, by_what_a_thread_reads, by_all)
    ]
    assert found == [True, True, False]
