"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from wis.interrupts import check_interrupt, interrupts_held

if sys.platform != "win32":  # what a killed run leaves there stays
    import fcntl

# What NumPy, zipfile and json raise at a damaged ``.npz`` with a header in JSON, once it is open.
DAMAGED_NPZ = (
    ValueError, TypeError, KeyError, IndexError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_ANY_WRITE_BIT = 0o222


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place only if the block succeeds.

    A reader of ``path`` sees the old file or the whole new one, never a part: the new bytes are written to a hidden
    file in the same folder, flushed to disk and renamed. On any exception (Ctrl-C and a full disk too) the temporary
    file is removed and ``path`` is left as it was. What a killed process left when it wrote the same file is removed
    before.

    Parameters
    ----------
    path
        The file to write. Its folder must exist. The temporary file keeps the suffixes of ``path``, so that writers
        that look at them (NumPy, pandas, matplotlib) behave the same. Where ``path`` is a link, the file that it
        points to is replaced and the link stays. A file that was there keeps its mode.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As :func:`check_place`.
    """
    check_place(path)
    path = Path(os.path.realpath(path))
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
    _remove_stale(path)
    temporary, handle = None, -1
    try:
        with interrupts_held():
            temporary, handle = _make_temporary(path)
        yield temporary
        temporary.chmod(mode)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        check_interrupt()
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _NO_SPACE and error.filename is None:
            error.filename = str(path)  # a failed write does not know its file
        raise
    finally:
        if handle != -1:
            os.close(handle)


def check_place(path: str | os.PathLike[str]) -> None:
    """Check that a file can be written here; worth it before the work that fills the file begins.

    Raises
    ------
    FileNotFoundError
        If the folder of ``path`` does not exist; of a link, the folder of the file that it points to.
    IsADirectoryError
        If ``path`` is a folder.
    PermissionError
        If its folder cannot be written, or it is a file that is read-only or no regular file.
    """
    given, path = path, Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {given}: it is a folder; give a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {given}: the folder {path.parent} does not exist")
    if path.exists() and not path.is_file():
        raise PermissionError(f"cannot write {given}: it is a device or pipe, which cannot be replaced; give a file")
    # The bits, since the administrator may write whatever they say.
    if path.exists() and not (path.stat().st_mode & _ANY_WRITE_BIT and os.access(path, os.W_OK)):
        raise PermissionError(f"cannot write {given}: the file is read-only; remove it or give another")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot write {given}: no permission to write into {path.parent}")


def _make_temporary(path: Path) -> tuple[Path, int]:
    """An empty hidden file beside ``path``, and a handle that holds a lock on it as long as this process lives."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix="".join(path.suffixes[-2:]))
    if sys.platform == "win32":
        os.close(handle)
        return Path(name), -1
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    if os.fstat(handle).st_nlink:
        return Path(name), handle
    os.close(handle)  # another process took it for a leftover before it was locked
    return _make_temporary(path)


def _remove_stale(path: Path) -> None:
    """Remove the temporary files of ``path`` that no living process holds a lock on."""
    if sys.platform == "win32":
        return
    for stale in path.parent.glob(f"{_prefix(path)}*"):
        with contextlib.suppress(OSError), stale.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stale.unlink()


def _prefix(path: Path) -> str:
    """How the names of temporary files of ``path`` begin."""
    return f".part-{hashlib.sha256(path.name.encode(errors='surrogateescape')).hexdigest()[:12]}-"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
