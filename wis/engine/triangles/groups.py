"""Edges without triangles that share an end, and tie: only the first of them, by priority, has to be in the heap.

The key of an edge without triangles depends on the values of its two ends. So the edges of a vertex, the *hub*, whose
other ends have the same value have the same key, and they still have when the value of the hub falls. They form a
*group*: the first of them by priority stands in the heap for all. Its stored key bounds theirs, and where keys tie, it
goes first. Were all of them in the heap, every removal at a hub of ten thousand leaves would make as many keys stale.

A member may have fallen since it came, as its other end has; that is seen when its turn comes to stand for the group,
and then it leaves. A group is a skew heap by priority: the two children of a member are packed into one number, which
takes the place of the start of its list of triangles. There is one group at a vertex at a time.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangles.edge_table import BUCKET, COUNT, HEAD, HUB, PRIORITY, SNAPSHOT, STAMP, TAIL
from wis.engine.triangles.state import CHILDREN, IN_HEAP, TOKENS, WIDTH, State
from wis.kernels import inlined, kernel

_NONE = np.int64(-1)


@inlined
def first_of_group(s: State, e: int) -> np.int64:
    """The edge that stands for the group that an edge without triangles, and in no group, may join; else -1.

    Where its hub has none, it becomes the first of a new one.
    """
    hub, other = s.edge[e, TAIL], s.edge[e, HEAD]
    if s.value[other] > s.value[hub]:
        hub, other = other, hub
    s.key[e, CHILDREN] = _packed(_NONE, _NONE)
    s.edge[e, HUB] = -1
    first = np.int64(s.group[hub])
    if first < 0:
        s.group[hub] = e
        s.group_value[hub] = s.value[other]
        s.edge[e, HUB] = hub
        return _NONE
    # One that was taken out of the heap for a while stands for nobody.
    return first if s.group_value[hub] == s.value[other] and s.edge[first, BUCKET] == IN_HEAP else _NONE


@kernel
def join(s: State, e: int, first: int) -> np.int64:
    """Put an edge into the group that ``first`` stands for; the one that stands for it now."""
    hub = s.edge[first, HUB]
    s.edge[e, HUB] = hub
    root = _merge(s, np.int64(e), np.int64(first))
    s.group[hub] = root
    return root


@inlined
def stands_for_group(s: State, e: int) -> bool:
    """Whether an edge of the heap stands for a group."""
    return s.edge[e, COUNT] == 0 and s.edge[e, HUB] >= 0


@inlined
def is_misplaced(s: State, e: int) -> bool:
    """Whether an edge that stands for a group has fallen below the others, by its own end."""
    if not stands_for_group(s, e):
        return False
    hub = s.edge[e, HUB]
    other = s.edge[e, TAIL] + s.edge[e, HEAD] - hub
    return s.value[other] != s.group_value[hub]


@kernel
def successor(s: State, e: int) -> np.int64:
    """Take the edge that stands for a group out of it; the one that stands for it next, with its key, or -1."""
    hub = s.edge[e, HUB]
    children = s.key[e, CHILDREN]
    root = _merge(s, _left(children), _right(children))
    s.edge[e, HUB] = -1
    s.group[hub] = root
    if root >= 0:
        copy_key(s, e, root)
        # It is looked at before it goes.
        s.edge[root, STAMP] = -1
    return root


@inlined
def copy_key(s: State, e: int, to: int) -> None:
    """Have an edge bounded by the stored key of another one of its group."""
    for i in range(WIDTH):
        s.key[to, TOKENS + i] = s.key[e, TOKENS + i]
    s.edge[to, STAMP] = s.edge[e, STAMP]
    s.edge[to, SNAPSHOT] = -1


@inlined
def _packed(left: np.int64, right: np.int64) -> np.int64:
    return left << 32 | (right & np.int64(0xFFFFFFFF))


@inlined
def _left(children: np.int64) -> np.int64:
    return children >> 32


@inlined
def _right(children: np.int64) -> np.int64:
    return np.int64(np.int32(children & np.int64(0xFFFFFFFF)))


@kernel
def _merge(s: State, a: np.int64, b: np.int64) -> np.int64:
    """The root of two skew heaps in one: down their right spines, by priority, with the children exchanged."""
    if a < 0 or b < 0:
        return max(a, b)
    if s.edge[b, PRIORITY] < s.edge[a, PRIORITY]:
        a, b = b, a
    root = a
    while True:
        children = s.key[a, CHILDREN]
        left, right = _left(children), _right(children)
        if right < 0:
            s.key[a, CHILDREN] = _packed(b, left)
            return root
        if s.edge[b, PRIORITY] < s.edge[right, PRIORITY]:
            right, b = b, right
        # What is merged goes to the left, and what was there to the right.
        s.key[a, CHILDREN] = _packed(right, left)
        a = right
