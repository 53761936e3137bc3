"""Finished runs of an experiment as lines of JSON, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd


class Rows:
    """The finished runs in a file, one JSON object a line.

    Parameters
    ----------
    path
        The ``.jsonl`` file. It is made on the first row.
    settings
        What the rows depend on. A file with other settings is refused.

    Raises
    ------
    ValueError
        If the file was made with other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        stamp = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self._rows: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with replace_file(path) as temporary:
                temporary.write_text(json.dumps({"settings": stamp}) + "\n")
            return
        lines = path.read_bytes().splitlines(keepends=True)
        if not lines or _parse(lines[0]) != {"settings": stamp}:
            raise ValueError(f"{path} holds runs with other settings; give another --out, or delete it to start over")
        whole = [line for line in lines if line.endswith(b"\n") and _parse(line) is not None]
        if len(whole) < len(lines):  # the machine stopped in the middle of a line
            with replace_file(path) as temporary:
                temporary.write_bytes(b"".join(whole))
        for line in whole[1:]:
            row = json.loads(line)
            self._rows[row["run"]] = row

    def __contains__(self, run: str) -> bool:
        return run in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows.values())

    def add(self, run: str, row: Mapping[str, Any]) -> None:
        """Store one finished run, flushed to disk; NaN and infinities become null.

        Raises
        ------
        OSError
            If it cannot be written, for instance to a full disk. The rows before it stay as they are.
        """
        record = {"run": run} | _plain(row)
        size = self.path.stat().st_size
        try:
            with self.path.open("a") as file:
                file.write(json.dumps(record, allow_nan=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.truncate(self.path, size)  # the next row would be glued to half a line
            raise
        self._rows[run] = record

    def frame(self) -> pd.DataFrame:
        """All rows as a table, in the order of their names."""
        import pandas as pd

        return pd.DataFrame([self._rows[run] for run in sorted(self._rows)])


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, whatever their settings; none if there is no file."""
    if not path.is_file():
        return []
    rows = (_parse(line) for line in path.read_bytes().splitlines()[1:])
    return [row for row in rows if row is not None]


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
