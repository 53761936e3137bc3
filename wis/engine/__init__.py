"""The walk-index engine: removal orders of Walk Index Sparsification, exactly those of the greedy algorithm.

:func:`wis.engine.rank.rank` is the method ``"wis"``: it checks the options (`options`), makes a `task` of them and
hands it to a *family*, a folder with one algorithm for some of the tasks. ``removal_order(task)`` in its ``cpu.py`` and
``cuda.py`` gives the same order.

================  =====================  ===========================  ==========================================
objective         graph                  depth                        family
================  =====================  ===========================  ==========================================
vertex            undirected             2 (1-WIS)                    `degrees`: levels, or local maxima
vertex            undirected             3 (2-WIS)                    `triangles`: listed, searched, or bits if dense
vertex            undirected, directed   4 and more; directed: any    `walks`; undirected 4 by levels
graph             undirected, directed   any                          `graph_walks`; undirected 2, 3 by levels
any, partitions   any                    any                          `partitions`, on the CPU
================  =====================  ===========================  ==========================================

Where the greedy rule stands by its definition: `partitions` evaluates it to the letter, and ``tests/naive.py`` once
more, with nothing shared. Why the families give the same order is told in ``docs/engine.md``.

Graphs on disk are ranked by `degrees` alone, in ``bands.py``.

Below the families: `walk_counts` (values of a whole graph, the overflow bound), `keys` (whole keys, for `walks` and
`graph_walks`), `sorting`, and `cuda`, what the GPU families share. `walks` and `graph_walks` have two loops, both in
`walks`: the general one (`greedy`), and that of `levels`, which is faster where levels never rise.

Words, each with one meaning:

value
    The walk index of a vertex, as the objective counts it; 0 without an edge (into it).
target
    A vertex whose value counts. The value of another is ``FREE`` where a family keeps it among the rest.
pair, edge
    What can be removed, by its position in the edge list. An undirected pair gives two *arcs*, a directed one its own.
key
    What a removal does to the tuple of values, as a signed count per value; *better* keys go first.
level
    The first value of a key, so the smallest value that a removal leaves behind; and the value that the work has come
    down to (in `degrees`, the degree that it belongs to). A level, or a bucket, is *open* while its edges are worked
    on, and these are its open edges.
bound
    No smaller than a level; what is stored of a key is a bound of it in the same sense: no worse than the truth.
bucket
    Edges filed under one bound, or a range of them.
floor
    The lowest level, or bucket, that was opened.
round
    One evaluation of the graph as it is, after which one edge or several are removed.
stale, checked
    Whether what is stored of an edge is of an earlier round, or of this one.
loss
    By how much a removal lowers the value of a vertex.
ball
    The vertices that an edge's removal may change.
apex
    The third vertex of a triangle, seen from an edge of it.
lowest
    Of the vertices that give a key its values, the one with the smallest value now; it gives a bound.
witness
    The edges of one walk that proves that a vertex loses walks with an edge.
reach
    The number of walks from a vertex to anywhere, of each length.
horizon
    The end of the values by which whole keys are compared first (`levels`).
token
    One entry of a key, a value and its count, packed into one integer (`triangles`).
word
    Sums of a key, eight bits each, packed into one integer (`graph_walks`).
snapshot
    The sorted values of all apexes of an edge when they were last needed (`triangles`).
band
    The edges that are in memory together, while all others of the graph are on disk (`degrees`).
pool
    On a GPU, the pairs whose keys are not those any more that they were sorted by.
owner, member
    At a level of `degrees`: a vertex that takes edges away, and a vertex of that degree, which loses at most one.
"""
