"""How compiled functions are made and kept, and who is told when one must be compiled.

Every function that Numba compiles is decorated here. Numba keeps compiled code on disk and looks only at the file that
a function stands in, not at the functions it calls, whose code is compiled into it. Here the stamp of an entry is a
hash of all files that its code can come from: the *kernel files* (those that import a decorator from here) that its
file imports, directly or not. What a kernel takes from elsewhere in the project must therefore stand in a kernel file.

A compiled function must not return several arrays: Ctrl-C may raise while it hands the first one to Python, and it goes
on regardless. It fills arrays that its caller makes.

The cache is a convenience, in the user's cache folder for Numba: files of ours in the environment would stay where pip
uninstalls the package, and the folder that holds them would hide a checkout that is installed next. Where there is no
place for it, where the disk is full, or where an entry is damaged, functions are compiled in memory.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import overload, register_jitable

from wis.interrupts import check_interrupt, hold_interrupts, release_interrupts

_IMPORT = re.compile(r"^\s*from (wis[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
_KERNEL_FILE = re.compile(r"^from wis\.kernels import .*\b(compiled|inlined|kernel|chosen_by_class)\b", re.MULTILINE)
_DIGEST_BYTES = 32


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function with Numba when it is first called, to run without Python's lock, and keep it on disk.

    Parameters
    ----------
    function
        The function; None where the decorator is called with options first.
    **options
        Further options of ``numba.njit``.
    """
    if function is None:
        return functools.partial(compiled, **options)
    dispatcher = njit(nogil=True, **options)(function)
    try:
        dispatcher._cache = _Cache(function)
    except RuntimeError:  # no place for a cache can be written
        _warn_once("no folder for it can be written")
    return dispatcher


# Without this option Numba counts references to every array of a state up and down at every call of a small function,
# in atomic operations that take more time than the work. Functions that allocate need the count.
kernel = compiled(_nrt=False)

# The same for small functions that kernels call: passing the state would take longer than what they do. LLVM inlines
# them: Numba's own inlining compiles the same statements again in every caller. From Python they run as they stand.
inlined = register_jitable(_nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def chosen_by_class(functions: dict[type, Callable[..., Any]]) -> Any:
    """One of several compiled functions, by the class of the named tuple that is the first of at most three arguments.

    It is chosen when a kernel that calls it is compiled, so that the others are not compiled with it.
    """

    def call(first: Any, *others: Any) -> Any:
        return functions[type(first)](first, *others)

    @overload(call, jit_options={"_nrt": False, "forceinline": True}, strict=False)
    def _compile_call(first: Any, *others: Any) -> Callable[..., Any]:
        function = functions[first.instance_class]
        # Numba passes any number of arguments as a tuple, which takes time.
        by_number = (lambda s: function(s), lambda s, a: function(s, a), lambda s, a, b: function(s, a, b))
        return by_number[len(others)]

    return call


class _CacheFile(IndexDataCacheFile):
    """The files of one function: what is cut short or changed on disk counts as missing."""

    def _load_index(self) -> dict[Any, str]:
        try:
            return super()._load_index()
        except Exception:  # unpickling damaged bytes can raise anything
            return {}

    def _save_data(self, name: str, data: object) -> None:
        pickled = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(pickled).digest() + pickled)

    def _load_data(self, name: str) -> Any:
        data = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(data[_DIGEST_BYTES:]).digest() != data[:_DIGEST_BYTES]:
            raise OSError(f"{name} is damaged")  # Numba takes this for a missing file
        return pickle.loads(data[_DIGEST_BYTES:])


class _Place(FunctionCache._impl_class):
    """Where Numba would keep a function, but beside its file only if there is no other place."""

    _locator_classes = sorted(FunctionCache._impl_class._locator_classes, key=lambda place: "InTree" in place.__name__)


class _Cache(FunctionCache):
    """Numba's cache of one function, with the stamp of all files that its code comes from."""

    _impl_class = _Place

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = _stamp(Path(function.__code__.co_filename))
        self._cache_file = _CacheFile(self._cache_path, self._impl.filename_base, stamp)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn_once(str(error))


@functools.cache
def _stamp(file: Path) -> str:
    """Hash of the kernel files that the code of a file can come from, its own first."""
    found: dict[Path, str] = {}
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file in found or not _KERNEL_FILE.search(text := file.read_text(encoding="utf-8")):
            continue
        found[file] = text
        for module, names in _IMPORT.findall(text):
            waiting += filter(
                None, map(_file_of, [module, *(f"{module}.{name}" for name in re.findall(r"\w+", names))])
            )
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(found[file].encode())
    return digest.hexdigest()


@functools.cache
def _file_of(module: str) -> Path | None:
    """The file of a module of this project, found without importing it; None if there is none of that name."""
    package = max((name for name in ("wis", "wis.baselines") if f"{module}.".startswith(f"{name}.")), key=len)
    if package not in sys.modules:
        return None
    place = Path(sys.modules[package].__path__[0]).joinpath(*module.removeprefix(package).split(".")[1:])
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def _warn_once(reason: str) -> None:
    warnings.warn(
        f"compiled code cannot be kept: {reason}. Everything works, but is compiled anew in every process, for about "
        "a minute; set NUMBA_CACHE_DIR to a folder that can be written",
        stacklevel=2,
    )


@contextlib.contextmanager
def watch_compilation(begins: Callable[[], None]) -> Iterator[None]:
    """While the block runs, call ``begins`` before each function that Numba compiles because its cache lacks it."""
    with event.install_listener("numba:compile", _Listener(begins)):
        yield


class _Listener(event.Listener):
    """Calls functions when something that Numba reports starts and ends."""

    def __init__(self, starts: Callable[[], None], ends: Callable[[], None] = lambda: None) -> None:
        self._starts, self._ends = starts, ends

    def on_start(self, event: event.Event) -> None:
        self._starts()

    def on_end(self, event: event.Event) -> None:
        self._ends()


# While the compiler is at work, LLVM calls back into Python, where Ctrl-C must not raise. Between two functions it may.
event.register("numba:compiler_lock", _Listener(hold_interrupts, release_interrupts))
event.register("numba:compile", _Listener(check_interrupt))
