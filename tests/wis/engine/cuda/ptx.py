"""Which barriers of a compiled kernel only some threads of a block may reach: a divergence analysis of PTX.

A register differs between threads if it is made from the thread's number, an atomic operation, or another register that
differs; or if it is set between a branch that differs and the place where its two ways meet again. Loads from addresses
that do not differ are taken not to differ either: that is what the barriers are for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import networkx as nx

_NO_RESULT = ("st", "red", "bar", "bra", "ret", "call", "membar", "fence", "prefetch", "trap", "exit")
_REGISTER = re.compile(r"%[a-z]+(?:\.[a-z]+)?\d*")
_PREDICATE = re.compile(r"@!?(%p\d+)\s+(.*)")
_BRANCH = re.compile(r"bra(?:\.uni)?\s+(\$[\w$]+)")
_START, _END = "start", "end"


def divergent_barriers(ptx: str) -> tuple[int, list[str]]:
    """Number of barriers of the kernel, block-wide and grid-wide, and the basic blocks of those that are in danger."""
    blocks = _basic_blocks(ptx)
    graph = _control_flow(blocks)
    regions = _differing_regions(blocks, graph)
    barriers = [name for name in graph if name != _END for line in blocks[name] if _is_barrier(line)]
    return len(barriers), [name for name in barriers if any(name in region for region in regions.values())]


def _is_barrier(line: str) -> bool:
    return "bar.sync" in line or "cudaCGSynchronize" in line


def _basic_blocks(ptx: str) -> dict[str, list[str]]:
    """Instructions between labels and jumps."""
    body = ptx[ptx.index("\n{", ptx.index(".visible .entry")) + 2 :]
    blocks: dict[str, list[str]] = {_START: []}
    name, rest = _START, ""
    for raw in body.splitlines():
        line = raw.partition("//")[0].strip()
        if label := re.match(r"(\$[\w$]+):$", line):
            name = label.group(1)
            blocks[name] = []
        elif line and not line.startswith(".") and line not in "{}()":
            rest = f"{rest} {line}".strip()
            if rest.endswith(";"):
                blocks[name].append(rest[:-1].replace("\t", " "))
                if re.search(r"\b(bra|ret|exit|trap)\b", rest):
                    name = f"after jump {len(blocks)}"
                    blocks[name] = []
                rest = ""
    return blocks


def _control_flow(blocks: dict[str, list[str]]) -> nx.DiGraph:
    graph = nx.DiGraph()
    names = [*blocks, _END]
    for name, following in itertools.pairwise(names):
        last = blocks[name][-1] if blocks[name] else ""
        if jump := _BRANCH.search(last):
            graph.add_edge(name, jump.group(1))
        elif ends := re.search(r"\b(ret|exit|trap)\b", last):
            graph.add_edge(name, _END)
        if not (jump or ends) or last.startswith("@"):
            graph.add_edge(name, following)
    return graph.subgraph(nx.descendants(graph, _START) | {_START}).copy()


def _definitions(blocks: dict[str, list[str]], names: nx.DiGraph) -> Iterator[tuple[str, str, list[str], set[str]]]:
    """Block, operation, registers set and registers read of every instruction with a result."""
    for name in names:
        constant: set[str] = set()
        for line in blocks.get(name, ()):
            guard, text = match.groups() if (match := _PREDICATE.match(line)) else (None, line)
            operation, _, operands = text.partition(" ")
            match = re.match(r"\s*(\{[^}]*\}|[^,]+),?(.*)", operands)
            if operation.startswith(_NO_RESULT) or not match:
                continue
            read = set(_REGISTER.findall(match.group(2))) - constant
            if guard:
                read.add(guard)
            written = _REGISTER.findall(match.group(1))
            # Constants pass through registers of other variables on their way.
            constant = constant.union(written) if operation.startswith("mov") and not read else constant - {*written}
            yield name, operation, written, read


def _differing_regions(blocks: dict[str, list[str]], graph: nx.DiGraph) -> dict[str, set[str]]:
    """For each branch that differs, the blocks that only some threads may pass."""
    meeting = nx.immediate_dominators(graph.reverse(), _END)
    guards = {name: _PREDICATE.match(blocks[name][-1]) for name in graph if name != _END and blocks[name]}
    definitions = list(_definitions(blocks, graph))
    differs = {"%tid.x", "%laneid"}
    regions: dict[str, set[str]] = {}
    while True:
        before = len(differs), len(regions)
        inside = set().union(*regions.values())
        for name, operation, written, read in definitions:
            is_set_by_some = operation.startswith("mov") and name in inside
            if operation.startswith("atom") or is_set_by_some or not differs.isdisjoint(read):
                differs.update(written)
        for name, guard in guards.items():
            if guard and guard.group(1) in differs and name not in regions and "bra" in guard.group(2):
                regions[name] = _between(graph, name, meeting[name])
        if before == (len(differs), len(regions)):
            return regions


def _between(graph: nx.DiGraph, branch: str, meeting: str) -> set[str]:
    """Blocks on the ways from a branch to the block where they all meet."""
    found: set[str] = set()
    todo = list(graph.successors(branch))
    while todo:
        name = todo.pop()
        if name != meeting and name not in found:
            found.add(name)
            todo.extend(graph.successors(name))
    return found
