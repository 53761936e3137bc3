"""The walk-index engine on an NVIDIA GPU: the names, signatures and results of the CPU engine.

``degrees``, ``triangles``, ``walks`` and ``graph_walks`` each have ``removal_order``. They share one method
(:mod:`rounds <wis.engine.cuda.rounds>`) and differ in how an edge's losses are found. Nothing here imports CUDA before
it is used.
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
