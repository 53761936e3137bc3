"""What the engines on an NVIDIA GPU share; every family has its own part in ``cuda.py``, beside its ``cpu.py``.

They share one method (:mod:`rounds <wis.engine.cuda.rounds>`) and differ in how an edge's losses are found. All of them
raise ``RuntimeError`` if there is no CUDA device and ``MemoryError`` if the graph does not fit
(:func:`wis.engine.cuda.host.greedy_order`). Nothing here imports CUDA before it is used.
"""
