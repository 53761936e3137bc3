"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from wis.interrupts import check_interrupt, interrupts_held

# What NumPy, zipfile and json raise at a damaged ``.npz`` with a header in JSON, once it is open.
DAMAGED_NPZ = (
    ValueError, TypeError, KeyError, IndexError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place only if the block succeeds.

    A reader of ``path`` sees the old file or the whole new one, never a part: the new bytes are written to a hidden
    file in the same folder, flushed to disk and renamed. On any exception (Ctrl-C and a full disk too) the temporary
    file is removed and ``path`` is left as it was.

    Parameters
    ----------
    path
        The file to write. Its folder must exist. The temporary file keeps the suffixes of ``path``, so that writers
        that look at them (NumPy, pandas, matplotlib) behave the same.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As :func:`check_place`.
    """
    path = Path(path)
    check_place(path)
    temporary = None
    try:
        with interrupts_held():
            temporary = _make_temporary(path)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        check_interrupt()
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _NO_SPACE and error.filename is None:
            error.filename = str(path)  # a failed write does not know its file
        raise


def check_place(path: str | os.PathLike[str]) -> None:
    """Check that a file can be written here; worth it before the work that fills the file begins.

    Raises
    ------
    FileNotFoundError
        If the folder of ``path`` does not exist.
    IsADirectoryError
        If ``path`` is a folder.
    PermissionError
        If its folder cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot write {path}: no permission to write into {path.parent}")


def _make_temporary(path: Path) -> Path:
    """An empty hidden file beside ``path``."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix="".join(path.suffixes[-2:]))
    os.close(handle)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
