"""The files of a report folder that a report wrote, so that no other file is ever overwritten or removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from pathlib import Path

from wis.files import replace_file

MANIFEST_NAME = ".wis-report.json"


def check_folder(out: Path, patterns: Collection[str]) -> None:
    """Check that a report may be written into a folder; worth it before the work that fills the report begins.

    Parameters
    ----------
    out
        The folder; it need not be there.
    patterns
        Names that a report's files may have, as ``accuracy-*.svg``.

    Raises
    ------
    FileExistsError
        If the folder has files of these names that no report wrote, or that were changed since.
    """
    written = _read(out)
    names = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    foreign = [name for name in names if _is_one_of(name, patterns) and not _is_ours(out / name, written)]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise FileExistsError(
            f"{out} has files that no report of wis wrote, or that were changed since: {foreign[0]}{more}; a report "
            "would replace them. Write it elsewhere with `wis report RUN --out FOLDER`, or add --force"
        )


def write_files(out: Path, files: Mapping[str, str]) -> None:
    """Write files, each whole or not at all, and remove those of an earlier report that this one has not.

    Parameters
    ----------
    out
        The folder, made if it is not there.
    files
        Their text, by name; written in this order.
    """
    out.mkdir(parents=True, exist_ok=True)
    earlier = _read(out)
    new = {name: [_hash(text.encode())] for name, text in files.items()}
    # Both are listed while either may be there: what is killed half-way can be written again.
    _write(out, {name: earlier.get(name, []) + new.get(name, []) for name in {**earlier, **new}})
    for name, text in files.items():
        with replace_file(out / name) as path:
            path.write_bytes(text.encode())
    for name in earlier:
        if name not in files and _is_ours(out / name, earlier):
            (out / name).unlink()
    _write(out, new)


def _is_one_of(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _is_ours(path: Path, written: Mapping[str, list[str]]) -> bool:
    return path.is_file() and _hash(path.read_bytes()) in written.get(path.name, [])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(out: Path) -> dict[str, list[str]]:
    """Hashes of what was written, by the name of the file; a manifest that is not one of ours lists nothing."""
    try:
        found = json.loads((out / MANIFEST_NAME).read_text(encoding="utf-8"))
        return {name: [str(stamp) for stamp in stamps] for name, stamps in found.items() if Path(name).name == name}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(out: Path, written: Mapping[str, list[str]]) -> None:
    with replace_file(out / MANIFEST_NAME) as path:
        path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
