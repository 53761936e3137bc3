"""What the walk index says about a GNN, computed exactly: separation ranks and their bounds.

``rank`` and ``bounds`` hold the two public functions; ``values`` evaluates the GNN and ``elimination`` takes a rank,
both modulo the prime of ``modular``; ``network`` is the same GNN in PyTorch, to be trained.
"""
