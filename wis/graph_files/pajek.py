"""Pajek files: their sections, looked at before NetworkX reads them.

NetworkX's reader takes every line after the first edges for an edge, headers and comments too, counts lines to find
vertices, and makes one vertex of two with the same label. Here sections are told apart, and what a graph of NetworkX
cannot hold is refused by name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TOKEN = re.compile(r"""("[^"]*"|'[^']*'(?=\s|$)|\S+)""")
_LISTS = ("*edgeslist", "*arcslist")

# A file may leave labels out, and a wrong number of vertices must not fill the memory.
_MOST_WITHOUT_LABEL = 10_000_000


@dataclass
class _Section:
    """A header, and its lines with their numbers in the file."""

    number: int
    header: list[str]
    lines: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.header[0].lower()

    @property
    def relation(self) -> str:
        """What follows a colon in the header."""
        return " ".join(self.header).partition(":")[2]


def read(path: Path) -> Any:
    """Read a network as a NetworkX graph.

    Raises
    ------
    ValueError
        If it has vertices of the same label, both arcs and edges, or anything else that the graph would not have.
    """
    import networkx as nx

    sections = list(_sections(path.read_bytes().decode("utf-8-sig").splitlines()))
    if not any(section.kind == "*vertices" for section in sections):
        raise ValueError("it has no vertices")
    return nx.parse_pajek("\n".join(_plain(sections)))


def _sections(lines: Iterable[str]) -> Iterator[_Section]:
    section = None
    for number, line in enumerate(lines, 1):
        tokens = _TOKEN.findall(line)
        if not tokens or tokens[0].startswith("%"):
            continue
        if line.count('"') % 2:
            raise ValueError(f"line {number}: a quote is not closed: {line!r:.60}")
        if tokens[0].startswith("*"):
            if section is not None:
                yield section
            section = _Section(number, tokens)
        elif section is None:
            raise ValueError(f"line {number}: expected a section like *Vertices, got {line!r:.60}")
        else:
            section.lines.append((number, tokens))
    if section is not None:
        yield section


def _plain(sections: list[_Section]) -> Iterator[str]:
    """The lines of a network in the form in which NetworkX reads them as they are meant."""
    vertices: _Section | None = None
    edges: list[_Section] = []
    for section in sections:
        kind = section.kind
        if kind == "*network":
            yield " ".join(section.header)
        elif kind == "*vertices" and vertices is None:
            vertices = section
        elif re.match(r"\*(edges|arcs|matrix)", kind) and vertices is not None:
            edges.append(section)
        else:
            raise ValueError(
                f"line {section.number}: the section {section.header[0]} is not read here; keep one network, its "
                "*Vertices and then its *Edges or *Arcs, in the file"
            )
    assert vertices is not None
    labels = _labels(vertices)
    yield f"*Vertices {len(labels)}"
    listed = {tokens[0]: tokens for _, tokens in vertices.lines}
    for vertex in sorted(labels, key=int):  # the order of the rows of a matrix
        yield _line([vertex, labels[vertex]]) + " " + _line(listed.get(vertex, [])[2:])
    filled = [section for section in edges if section.lines] or edges[:1]
    if not filled:
        return
    _refuse_mixes(filled)
    yield _one_kind(filled[0])
    known = {*labels, *labels.values()}
    for section in filled:
        for number, tokens in section.lines:
            yield from _edges(section, number, tokens, known)


def _labels(vertices: _Section) -> dict[str, str]:
    """The label of each vertex by its number; a vertex that is not listed is called by its number."""
    if len(vertices.header) != 2 or not vertices.header[1].isdecimal():
        raise ValueError(
            f"line {vertices.number}: expected *Vertices and their number, got {' '.join(vertices.header)!r:.60}; "
            "networks of two modes are not read as such, leave the second number out"
        )
    count = int(vertices.header[1])
    if count - len(vertices.lines) > _MOST_WITHOUT_LABEL:
        raise ValueError(f"line {vertices.number}: it claims {count} vertices and lists {len(vertices.lines)}")
    labels: dict[str, str] = {}
    for number, tokens in vertices.lines:
        if not tokens[0].isdecimal() or not 1 <= int(tokens[0]) <= count:
            raise ValueError(f"line {number}: vertices are numbered from 1 to {count}, got {tokens[0]!r:.60}")
        if tokens[0] in labels:
            raise ValueError(f"line {number}: vertex {tokens[0]} is listed twice")
        labels[tokens[0]] = (_unquoted(tokens[1]) if len(tokens) > 1 else "") or tokens[0]
    if len(labels) < count:
        for vertex in map(str, range(1, count + 1)):
            labels.setdefault(vertex, vertex)
    first: dict[str, str] = {}
    for vertex, label in labels.items():
        if label in first:
            raise ValueError(
                f"the vertices {first[label]} and {vertex} are both called {label!r:.60}, and NetworkX calls vertices "
                "by their labels; make the labels different"
            )
        first[label] = vertex
    return labels


def _refuse_mixes(sections: list[_Section]) -> None:
    first = sections[0]
    for section in sections[1:]:
        if _one_kind(section) != _one_kind(first) or first.kind == "*matrix":
            raise ValueError(
                f"it has {first.header[0]} in line {first.number} and {section.header[0]} in line {section.number}, "
                "and a graph of NetworkX is directed or not; write each edge as two arcs, or all as edges"
            )
        if section.relation != first.relation:
            raise ValueError(
                f"the sections in line {first.number} and line {section.number} are two relations; keep one of them"
            )


def _one_kind(section: _Section) -> str:
    return "*Matrix" if section.kind == "*matrix" else "*Edges" if section.kind.startswith("*edges") else "*Arcs"


def _edges(section: _Section, number: int, tokens: list[str], known: set[str]) -> Iterator[str]:
    """A line of a section, or several where it lists the neighbors of a vertex."""
    if section.kind == "*matrix":
        yield _line(tokens)
        return
    is_list = section.kind in _LISTS
    for end in tokens if is_list else tokens[:2]:
        if _unquoted(end) not in known:
            raise ValueError(f"line {number}: it names the vertex {end!r:.60}, which is not among the *Vertices")
    if len(tokens) < 2:
        raise ValueError(f"line {number}: an edge has two ends, got {' '.join(tokens)!r:.60}")
    if is_list:
        yield from (_line([tokens[0], neighbor]) for neighbor in tokens[1:])
        return
    if len(tokens) > 2 and not _is_number(tokens[2]):
        raise ValueError(f"line {number}: the third value of an edge is its weight, a number, got {tokens[2]!r:.60}")
    yield _line(tokens)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _line(tokens: list[str]) -> str:
    """Values with the quotes that NetworkX undoes."""
    return " ".join(shlex.quote(_unquoted(token)) for token in tokens)


def _unquoted(token: str) -> str:
    return token[1:-1] if len(token) > 1 and token[0] == token[-1] and token[0] in "\"'" else token
