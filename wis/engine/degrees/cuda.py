"""1-WIS (depth 2) of an undirected graph on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from wis.engine.cuda import device
from wis.engine.cuda.graph import Graph, Scratch
from wis.engine.cuda.host import Family, greedy_order
from wis.engine.cuda.keys import is_cut_off
from wis.engine.cuda.rounds import build_kernels
from wis.engine.task import Task


def removal_order(task: Task) -> np.ndarray:
    """Exact greedy order of 1-WIS, the same as that of :mod:`wis.engine.degrees.cpu`."""
    task.require(2)
    return greedy_order(task, _FAMILY)


@cuda.jit(device=True)
def _list_losses(graph: Graph, scratch: Scratch, row: int, e: int) -> None:
    cuda.syncthreads()
    i = cuda.threadIdx.x
    if i < 2:
        scratch.vertex[row, i] = graph.ends[e, i]
        scratch.loss[row, i] = 2 if is_cut_off(graph, scratch, row, i) else 1
    if i == 0:
        scratch.size[row] = 2
    cuda.syncthreads()


@cuda.jit(device=True)
def _list_risen(graph: Graph, scratch: Scratch, row: int, e: int, risen: Any, counters: Any) -> None:
    """Degrees only fall, and keys with them."""


@cuda.jit
def _values(graph: Graph) -> None:
    for t in range(cuda.grid(1), len(graph.value), cuda.gridsize(1)):
        graph.value[t] = graph.degree[t] + 1 if graph.degree[t] > 0 else 0


def _fill_values(graph: Graph, scratch: Scratch) -> None:
    device.launch(_values, device.enough_blocks(len(graph.value)), device.THREADS, graph)


_FAMILY = Family(*build_kernels(_list_losses, _list_risen), _fill_values, threads=32)
