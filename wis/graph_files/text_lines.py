"""Lines of text tables as bytes: where rows begin and end, and what stays of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

# What is read at a time, and the longest line: one row of a packed file may be as long as the memory.
BLOCK_BYTES = 1 << 21
LONGEST_LINE = 1 << 24

_COMMENTS = b"#%"
_BLANK_LINE = re.compile(rb"^[ \t]+\r?$", re.MULTILINE)


def whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a stream in blocks that end at the end of a line.

    Raises
    ------
    ValueError
        If a line is too long.
    """
    left = b""
    while part := stream.read(BLOCK_BYTES):
        end = part.rfind(b"\n") + 1
        if end == 0:
            left += part
            if len(left) > LONGEST_LINE:
                raise too_long()
            continue
        yield left + part[:end]
        left = part[end:]
    if left:
        yield left


def too_long() -> ValueError:
    """The error for a line that is no row."""
    return ValueError(
        f"a line is longer than {LONGEST_LINE >> 20} MiB; every row must be one line that ends in a line feed"
    )


def row_lines(raw: bytes, *, comments: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where each row begins and ends, its line feed included; empty lines, and comments where they are, are no rows."""
    text = np.frombuffer(raw, dtype=np.uint8)
    ends = np.flatnonzero(text == 10) + 1
    if not raw.endswith(b"\n"):
        ends = np.append(ends, len(raw))
    starts = np.concatenate([[0], ends[:-1]])
    full = ends - starts > 2
    # With comments come blanks around the values, so that a longer line may be empty.
    for i in np.flatnonzero(~full | np.isin(text[starts], np.frombuffer(b" \t", np.uint8)) if comments else ~full):
        full[i] = bool(raw[starts[i] : ends[i]].strip(None if comments else b"\r\n"))
    if comments:
        full &= ~np.isin(text[starts], np.frombuffer(_COMMENTS, np.uint8))
    return starts[full], ends[full]


def without(raw: bytes, starts: np.ndarray, ends: np.ndarray) -> bytes:
    """The text without some of its lines, byte by byte as it is."""
    # A step up where a line that goes begins, a step down where it ends.
    step = np.zeros(len(raw) + 1, dtype=np.int8)
    step[starts] += 1
    step[ends] -= 1
    outside = np.cumsum(step[:-1], dtype=np.int8) == 0
    return np.frombuffer(raw, dtype=np.uint8)[outside].tobytes()


def rows_alone(raw: bytes) -> bytes:
    """The lines of a list that are not empty and do not begin with ``#`` or ``%``."""
    if not (b"#" in raw or b"%" in raw or _BLANK_LINE.search(raw)):
        return raw
    return b"".join(line for line in raw.splitlines(keepends=True) if line.strip() and line[:1] not in (b"#", b"%"))


def with_single_blanks(raw: bytes) -> bytes:
    """The rows of a list with one blank between values, without attributes in braces as NetworkX writes them."""
    raw = raw.translate(bytes.maketrans(b"\t\r", b"  "))
    if b"{" in raw:
        raw = re.sub(rb" *\{[^\n]*", b"", raw)
    if raw[:1] != b" " and not any(run in raw for run in (b"  ", b" \n", b"\n ")) and raw[-1:] != b" ":
        return raw
    text = np.frombuffer(raw, dtype=np.uint8)
    blank = text == 32
    before = np.concatenate([[True], blank[:-1] | (text[:-1] == 10)])
    text = text[~(blank & before)]
    after = np.append(text[1:] == 10, True)
    return text[~((text == 32) & after)].tobytes()


def weighted(
    raw: bytes,
    rows: tuple[np.ndarray, np.ndarray],
    stays: np.ndarray,
    factors: np.ndarray,
    weight: int | None,
    separator: bytes | None,
    *,
    has_braces: bool,
) -> Iterator[bytes]:
    """The text with the rows that stay, their weights multiplied or a weight appended; other lines as they are.

    Of rows with attributes in braces, as NetworkX writes them, the weight goes into these.
    """
    left = iter(factors.tolist())
    end = 0
    for start, stop, stay in zip(rows[0].tolist(), rows[1].tolist(), stays.tolist(), strict=True):
        yield raw[end:start]
        end = stop
        if stay:
            line = raw[start:stop]
            text = line.rstrip(b"\r\n")
            factor = next(left)
            if has_braces and weight is None:
                yield _with_attribute(text, factor, separator) + line[len(text) :]
            else:
                yield _with_weight(text, factor, weight, separator) + line[len(text) :]
    yield raw[end:]


def _with_attribute(text: bytes, factor: float, separator: bytes | None) -> bytes:
    """A row with the weight in its braces multiplied, or put there."""
    ends, brace, rest = text.partition(b"{")
    if not brace:
        ends, brace, rest = text.rstrip() + (separator or b" "), b"{", b"}"
    try:
        attributes = ast.literal_eval((brace + rest).decode().strip())
        attributes["weight"] = float(attributes.get("weight", 1.0)) * factor
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
        raise ValueError(
            f"the attributes of the row {shown(text)} are no dict to put a weight into; "
            "pass a method that does not reweight, or leave the braces out"
        ) from None
    return ends + repr(attributes).encode()


def _with_weight(text: bytes, factor: float, weight: int | None, separator: bytes | None) -> bytes:
    if weight is None:
        return text + (separator or (b"\t" if b"\t" in text else b" ")) + repr(factor).encode()
    start, end = _field(text, weight, separator)
    value = float(text[start:end].strip(b' "'))
    return text[:start] + repr(value * factor).encode() + text[end:]


def _field(text: bytes, number: int, separator: bytes | None) -> tuple[int, int]:
    """Where a value of a row begins and ends."""
    if separator is None:
        return [found.span() for found in re.finditer(rb"[^ \t]+", text)][number]
    # As Arrow and csv.reader read it: quotes are quotes at the beginning of a value only.
    pattern = rb'"(?:[^"]|"")*"[^%b]*|[^%b]*' % (re.escape(separator), re.escape(separator))
    start = 0
    for _ in range(number):
        start = _match_end(pattern, text, start) + 1
    return start, _match_end(pattern, text, start)


def _match_end(pattern: bytes, text: bytes, start: int) -> int:
    found = re.compile(pattern).match(text, start)
    return start if found is None else found.end()


def shown(line: bytes, values: Sequence[int] = (60, 57)) -> str:
    """A line as it is shown in errors."""
    text = line[: 4 * values[0]].decode(errors="replace").rstrip("\r\n")
    return repr(text if len(text) <= values[0] else text[: values[1]] + "...")
