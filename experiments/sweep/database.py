"""SQLite for a store: one way to write, one that never writes, and its errors in one line that says what and where."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SECONDS_TO_WAIT = 60
_GO_ON = "what has finished is kept, and the same command goes on from there"


@contextlib.contextmanager
def errors_in_words(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into those of Python, which name the file and what to do.

    Raises
    ------
    ValueError
        If the file is damaged, or not of this kind.
    OSError
        If it cannot be opened, read or written; ``PermissionError`` where that is not allowed.
    RuntimeError
        If another process does not let go of it.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):  # the caller's mistake, and nobody else's
        raise
    except sqlite3.Error as error:
        raise _in_words(path, error) from error


def _in_words(path: Path, error: sqlite3.Error) -> Exception:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return OSError(f"cannot write {path}: no space is left on the disk; {_GO_ON} once there is room")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return PermissionError(f"cannot write {path}: no permission; {_GO_ON} once there is")
    if code == sqlite3.SQLITE_CANTOPEN:
        return PermissionError(f"cannot open {path}: no permission to read it, or to write into its folder")
    if code == sqlite3.SQLITE_IOERR:
        return OSError(f"cannot read or write {path}: {error}; {_GO_ON} once the disk is well")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RuntimeError(f"{path} has been in use by another process for {_SECONDS_TO_WAIT} seconds; {_GO_ON}")
    if code == sqlite3.SQLITE_NOTADB:
        return ValueError(f"{path} is not a results file: {error}")
    return ValueError(f"{path} is damaged: {error}; restore it from a copy, or give another run folder")


def _code(error: sqlite3.Error) -> int:
    """The first byte of SQLite's code says what went wrong, the rest where. 0 if the error is Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing. Other processes wait meanwhile."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has ended it already
            database.execute("ROLLBACK")
        raise


def connect_to_write(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open a file to write, and make its tables if it is new.

    Parameters
    ----------
    path
        The file. Made if it is not there.
    schema
        The statements that make its tables.
    version
        Version of the schema.

    Raises
    ------
    ValueError
        If the file has other tables or another version. It is left as it is.
    OSError, RuntimeError
        As :func:`errors_in_words`.
    """
    with errors_in_words(path):
        database = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, isolation_level=None)
        try:
            # SQLite's default, the rollback journal, works on every file system; FULL waits until a row is on the disk.
            database.execute("PRAGMA synchronous = FULL")
            # Looked at and made in one transaction: two processes may open a new file at the same time.
            with transaction(database):
                if is_empty(database):
                    _make(database, schema, version)
            _check_tables(database, path, schema, version)
        except BaseException:
            database.close()
            raise
    return database


@contextlib.contextmanager
def connect_to_read(path: Path, schema: str, version: int) -> Iterator[sqlite3.Connection]:
    """Open a file to read, all of it as it was at one moment. Nothing is written, in a folder that may be read-only.

    Parameters and errors are those of :func:`connect_to_write`. A new file without tables is read as it is.
    """
    with errors_in_words(path), contextlib.ExitStack() as stack:
        path.open("rb").close()  # the system's own words say more than SQLite's
        database = _open_to_read(path, stack)
        if not is_empty(database):
            _check_tables(database, path, schema, version)
        yield database


def _open_to_read(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    try:
        return _begin_to_read(path, stack)
    except sqlite3.OperationalError as error:
        journal = path.with_name(f"{path.name}-journal")
        if _code(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) or not journal.exists():
            raise
        # Left by a process that was killed while it wrote. To undo that half row is to write, so a copy is mended.
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wis-")))
        for file in (path, journal):
            shutil.copyfile(file, scratch / file.name)
        sqlite3.connect(scratch / path.name).execute("SELECT count(*) FROM sqlite_master").connection.close()
        return _begin_to_read(scratch / path.name, stack)


def _begin_to_read(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    database = sqlite3.connect(uri, uri=True, timeout=_SECONDS_TO_WAIT, isolation_level=None)
    stack.callback(database.close)
    database.execute("BEGIN")
    is_empty(database)  # the moment that is read begins with the first look
    return database


def is_empty(database: sqlite3.Connection) -> bool:
    """Whether there is nothing in it yet."""
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return tables == 0 and _version(database) == 0


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _make(database: sqlite3.Connection, schema: str, version: int) -> None:
    for statement in filter(str.strip, schema.split(";")):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {version}")


def _check_tables(database: sqlite3.Connection, path: Path, schema: str, version: int) -> None:
    """Raise ``ValueError`` unless the tables of the schema are there with all their columns."""
    if _version(database) not in (0, version):
        raise ValueError(f"{path} has format {_version(database)}, this version reads {version}; give another folder")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        _make(model, schema, version)
        wanted = _columns(model)
    found = _columns(database)
    for table, columns in wanted.items():
        if missing := columns - found.get(table, set()):
            what = f"column {min(missing)!r} in its table {table!r}" if table in found else f"table {table!r}"
            raise ValueError(f"{path} is not a results file: there is no {what}")
    if _version(database) == 0:
        raise ValueError(f"{path} is not a results file: it has no format")


def _columns(database: sqlite3.Connection) -> dict[str, set[str]]:
    query = """
        SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table'  -- a view may count for ever
    """
    found: dict[str, set[str]] = {}
    for table, column in database.execute(query):
        found.setdefault(table, set()).add(column)
    return found
