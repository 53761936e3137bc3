"""What the engines on an NVIDIA GPU share; every family has its own part in ``cuda.py``, beside its ``cpu.py``.

They share one method (:mod:`rounds <wis.engine.cuda.rounds>`) and differ in how an edge's losses are found. All of them
raise ``RuntimeError`` if there is no CUDA device and ``MemoryError`` if the graph does not fit
(:func:`wis.engine.cuda.host.greedy_order`). Nothing here imports CUDA before it is used.
"""

from __future__ import annotations

from wis.graphs.edge_list import EdgeList


def is_worth(edges: EdgeList, depth: int) -> bool:
    """Whether ``device="auto"`` should use the GPU for this graph.

    Always False as long as no speed has been measured on a GPU: the kernels have been run in CUDA's simulator only. The
    figures of ``python -m benchmarks.gpu`` are what may change this.

    Parameters
    ----------
    edges
        The candidate pairs.
    depth
        Depth ``L``.
    """
    return False
