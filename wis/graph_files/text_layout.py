"""The beginning of a text table: what it is, whether it has a header, and which columns it has."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wis.graph_files.columns import Columns, TableOptions, choose_columns, counts
from wis.graph_files.text_lines import LONGEST_LINE, shown, too_long
from wis.graphs.tables import find_ends, find_weight
from wis.notices import tell

# Rows that are looked at to tell a header from a row.
_LOOKED_AT = 20

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_THINGS = (
    (rb"\x1f\x8b", "a gzip file; give it the suffix .gz"),
    (rb"PK\x03\x04", "a ZIP archive, as of .xlsx or .npz; unpack it, or save it as a table"),
    (rb"PAR1", "a Parquet file; rename it to .parquet"),
    (rb"\xff\xfe|\xfe\xff|[^\n]{0,64}\x00", "binary, or text in UTF-16; save it as UTF-8"),
    (rb"\s*<(!doctype|html|\?xml|!--|graphml|gexf)", "HTML or XML; graphs in XML have the suffix .graphml or .gexf"),
    (rb'\s*(\{\s*["}\n]|\[\s*[\[{"\d])', "JSON; a graph in node-link form has the suffix .json"),
)  # fmt: skip
_KONECT_BIPARTITE = re.compile(rb"%\s*bip\b")

# Two vertices with blanks between, whatever follows: in 0 1 0,5 the comma is that of a number.
_BEGINS_WITH_BLANKS = re.compile(rb"\s*\d+[ \t]+\d+\s")

# A line that may be a row with a name like #a, where a comment as people write it has a blank.
_MAY_BE_A_ROW = re.compile(rb"[#%][^\s#%]")


@dataclass(frozen=True)
class Layout:
    """What stands before the rows, and what is in them.

    Attributes
    ----------
    start
        Everything before the first row: comments and header.
    names
        Names of the columns, in the header or in a comment right before the rows, or None.
    separator
        Between the values of a row; None: any blanks.
    width
        Number of columns.
    columns
        Where the ends and the weight are.
    named
        Whether vertices are names.
    bipartite
        Whether each of the two columns has vertices of its own.
    has_braces
        Whether rows of a list end in attributes in braces, as NetworkX writes them.
    """

    start: bytes
    names: list[str] | None
    separator: bytes | None
    width: int
    columns: Columns
    named: bool
    bipartite: bool
    has_braces: bool = False


def read_layout(
    path: Path, stream: IO[bytes], separator: bytes | None, options: TableOptions, *, is_list: bool
) -> Layout:
    """Look at the first rows of a table.

    Parameters
    ----------
    path
        The file, for messages.
    stream
        Its text, from the beginning.
    separator
        Between the values of a row; of a list it is looked for.
    options
        What is asked for.
    is_list
        Whether it is a list as SNAP and KONECT have them: blanks, tabs or commas, comments, no header as a rule.

    Raises
    ------
    ValueError
        If it is no table, or leaves open what is in it; the message says what to pass.
    """
    lines = _Lines(stream, has_comments=is_list)
    start, line = lines.first()
    _refuse_other_things(path, start + line)
    if options.header is False and not is_list:
        start, line = _with_rows_above(path, start, line, separator, lines)
    bipartite = bool(_KONECT_BIPARTITE.search(start)) if options.bipartite is None else options.bipartite
    if not line:
        return Layout(start, None, separator, 2, Columns(0, 1, None), options.names, bipartite)
    if is_list:
        separator = b"," if b"," in line.partition(b"{")[0] and not _BEGINS_WITH_BLANKS.match(line) else None
    first = split(path, line, separator)
    width = len(first)
    if width < 2:
        between = "blanks, tabs or commas" if is_list else repr((separator or b"").decode())
        hint = "; write commas in place of the semicolons" if b";" in line else ""
        raise ValueError(
            f"{path}, line {lines_before(start) + 1}: expected at least two columns separated by {between}, "
            f"got {shown(line)}{hint}"
        )
    following = lines.next(_LOOKED_AT)
    braces = [row for row in (line, *following) if is_list and b"{" in row]
    if any(b"{}" not in row for row in braces):
        tell(f"{path}: attributes in braces are copied, but not read; a weight needs a column of its own")
    rows = [row for row in (split(path, line, separator) for line in following) if len(row) == width]
    names = _names_in_comment(path, start, separator, first, options.header, is_list=is_list)
    header = options.header
    if names is not None:
        header = False
    elif header is None:
        header = _is_header(path, first, rows, is_list=is_list)
    if header:
        start, names = start + line, [name.strip() for name in first]
    else:
        rows.insert(0, first)
    kinds = [_kind([row[i] for row in rows]) for i in range(width)]
    if names is None and separator == b",":
        _tell_of_other_separators(path, rows, is_list=is_list)
    columns = choose_columns(path, names, kinds, options, counts_rows=counts([row[0].strip() for row in rows]))
    ends = [[row[columns.tail].strip(), row[columns.head].strip()] for row in rows]
    return Layout(start, names, separator, width, columns, options.names or _are_names(ends), bipartite, bool(braces))


def split(path: Path, line: bytes, separator: bytes | None) -> list[str]:
    """The values of a row; bytes that are no UTF-8 are marked."""
    text = line.decode(errors="replace").rstrip("\r\n")
    if separator is None:
        return text.partition("{")[0].split()
    try:
        return next(csv.reader([text], delimiter=separator.decode()), [""])
    except csv.Error:  # a carriage return or a null byte inside, or an endless field
        raise ValueError(f"{path}: every row must be one line that ends in a line feed") from None


def lines_before(start: bytes) -> int:
    """Number of lines in what stands before the rows."""
    return start.count(b"\n")


class _Lines:
    """The first lines of a stream, none of them endless; before the first row there may always be comments."""

    def __init__(self, stream: IO[bytes], *, has_comments: bool) -> None:
        self._stream = stream
        self._has_comments = has_comments
        self._given_back: list[bytes] = []

    def first(self) -> tuple[bytes, bytes]:
        """Comments and empty lines, and the first other line."""
        start, line = b"", self._line()
        if line.startswith(_BYTE_ORDER_MARK):
            start, line = _BYTE_ORDER_MARK, line.removeprefix(_BYTE_ORDER_MARK)
        while line[:1] in (b"#", b"%") or (line and not line.strip()):
            start += line
            line = self._line()
            if len(start) > LONGEST_LINE:
                raise too_long()
        return start, line

    def next(self, count: int) -> list[bytes]:
        """Some more rows."""
        found: list[bytes] = []
        while len(found) < count and (line := self._line()):
            if line.strip() and not (self._has_comments and line[:1] in (b"#", b"%")):
                found.append(line)
        return found

    def give_back(self, lines: list[bytes]) -> None:
        """Have these lines come next."""
        self._given_back = lines

    def _line(self) -> bytes:
        if self._given_back:
            return self._given_back.pop(0)
        line = self._stream.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise too_long()
        return line


def _refuse_other_things(path: Path, text: bytes) -> None:
    if not text.removeprefix(_BYTE_ORDER_MARK).strip():
        raise ValueError(
            f"{path} is empty; expected one edge a row, as source,target (a table without edges has its header)"
        )
    for pattern, what in _OTHER_THINGS:
        if re.match(pattern, text, re.IGNORECASE):
            raise ValueError(f"{path}: expected one edge a row, as source,target, but it is {what}")


def _tell_of_other_separators(path: Path, rows: Sequence[Sequence[str]], *, is_list: bool) -> None:
    """Say that values with semicolons inside, or in a list blanks, may be several, as where a comma is in a number."""
    for what, mark in (("semicolons", ";"), *((("blanks", " "), ("tabs", "\t")) if is_list else ())):
        if rows and all(any(mark in value.strip() for value in row) for row in rows):
            tell(
                f"{path}: its values are separated by commas, and in each row there are {what} in them, as in "
                f"{rows[0][0]!r:.60}; write commas between the values if {what} separate them"
            )
            return


def _with_rows_above(
    path: Path, start: bytes, line: bytes, separator: bytes | None, lines: _Lines
) -> tuple[bytes, bytes]:
    """What stands before the rows, and the first row: of a table without header it may begin as a comment does."""
    first = split(path, line, separator) if line else None
    if first is not None and all(_is_number(value) for value in first[:2]):
        return start, line  # vertices are numbers, and #a is none
    mark = _BYTE_ORDER_MARK if start.startswith(_BYTE_ORDER_MARK) else b""
    before = re.findall(rb"[^\n]*\n|[^\n]+", start.removeprefix(mark))
    rows: list[bytes] = []
    if first is None and before and _MAY_BE_A_ROW.match(before[-1]):
        first = split(path, before[-1], separator)
    width = max(2, len(first or ()))
    while before and _MAY_BE_A_ROW.match(before[-1]) and len(split(path, before[-1], separator)) == width:
        rows.insert(0, before.pop())
    if not rows:
        return start, line
    tell(
        f"{path}: the line {shown(rows[0])} is read as an edge, not as a comment, as there is no header; "
        "put a blank after its first character if it is a comment"
    )
    lines.give_back([*rows[1:], line] if line else rows[1:])
    return mark + b"".join(before), rows[0]


def _names_in_comment(
    path: Path, start: bytes, separator: bytes | None, first: Sequence[str], header: bool | None, *, is_list: bool
) -> list[str] | None:
    """The names of the columns where the comment right before the rows has them, as those of STRING; else None."""
    comment = start.rstrip(b"\r\n").rpartition(b"\n")[2].removeprefix(_BYTE_ORDER_MARK)
    if header is False or comment[:1] not in (b"#", b"%") or (find_ends(first) and header is not True):
        return None
    try:
        names = [name.strip() for name in split(path, comment.lstrip(b"#% "), separator)]
    except ValueError:  # of a comment no row must be made
        return None
    if len(names) != len(first) or len(names) < 2:
        return None
    if find_ends(names) and not find_ends(first):
        return names
    if is_list or not _MAY_BE_A_ROW.match(comment) or find_ends(first):
        return None
    if header or find_weight(names) is not None:
        tell(f"{path}: the comment {shown(comment)} is read as the header; put a blank after its # if it is none")
        return names
    tell(
        f"{path}: the line {shown(comment)} is read as a comment; "
        "pass header=True if it names the columns, or header=False if it is an edge"
    )
    return None


def _is_header(path: Path, first: Sequence[str], rows: Sequence[Sequence[str]], *, is_list: bool) -> bool:
    """Whether the first row names the columns."""
    vertices = {value for row in rows for value in row}
    if not first[0].strip() or (find_ends(first) and vertices.isdisjoint(first)):
        return True
    if list(first) == [str(i) for i in range(len(first))]:
        return _is_header_of_numbers(path, first, rows)
    if any(_is_number(value) for value in first):
        return False
    if any(_is_finite(value) for row in rows for value in row):
        if find_weight(first) is None and not _has_numbers(rows):
            row = f"its first row, {','.join(first)!r:.60}"
            tell(f"{path}: {row}, is read as a header; pass header=False if it is an edge")
        return True
    if is_list:
        return False
    raise ValueError(
        f"{path}: is its first row, {','.join(first)!r:.60}, a header or an edge? Pass header=True or header=False"
    )


def _has_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all rows, or one column of several, are numbers, so that a first row without numbers is none of them."""
    columns = [all(_is_finite(value) for value in column) for column in zip(*rows, strict=True)]
    return all(columns) or (len(rows) > 1 and any(columns))


def _is_header_of_numbers(path: Path, first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row, 0,1,…, is what pandas calls columns without names."""
    is_other = bool(rows) and any(not any(_is_number(row[i]) for row in rows) for i in range(len(first)))
    read_as, not_as = ("the header that pandas writes", "an edge") if is_other else ("an edge", "a header")
    tell(
        f"{path}: its first row, {','.join(first)}, is read as {read_as}; pass header={not is_other} if it is {not_as}"
    )
    return is_other


def _are_names(ends: Sequence[Sequence[str]]) -> bool:
    """Whether vertices are names: in the first row, if it is not the only one that has them."""
    is_named = [not all(_is_number(end) or not end for end in row) for row in ends]
    return bool(is_named) and is_named[0] and (len(is_named) == 1 or any(is_named[1:]))


def _kind(values: Sequence[str]) -> str:
    if all(re.fullmatch(r"\s*[+-]?\d+\s*", value) for value in values):
        return "integer"
    return "number" if all(_is_number(value) for value in values) else "text"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_finite(text: str) -> bool:
    """Whether it is a number, and not a name like nan, inf or 1_2, which Python takes for one."""
    return _is_number(text) and math.isfinite(float(text)) and "_" not in text
