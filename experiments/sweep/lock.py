"""Who is at work in a run folder: a file with the owner, so that two sweeps do not write over each other."""

from __future__ import annotations

import datetime
import json
import logging
import os
import platform
import socket
from pathlib import Path
from typing import Any

from wis.files import replace_file

LOCK_NAME = "lock.json"
_log = logging.getLogger("wis")


def take(folder: Path) -> None:
    """Note that this process is at work in a folder; take over from one that has ended.

    Not for two processes at the same time: call it inside a transaction.

    Raises
    ------
    RuntimeError
        If another one is at work there, or may be.
    """
    path = folder / LOCK_NAME
    if path.exists():
        owner = _read(path)
        if _may_live(owner):
            raise RuntimeError(_refusal(folder, owner))
        _log.warning("taking over %s from a sweep that has ended: %s", folder, _describe(owner))
    pid = os.getpid()
    facts = {"pid": pid, "host": socket.gethostname(), "process_began": _began(pid), "since": _now().isoformat()}
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(facts) + "\n")


def release(folder: Path) -> None:
    """Let go of a folder that this process has taken."""
    path = folder / LOCK_NAME
    if _read(path).get("pid") == os.getpid():  # else somebody has deleted it, and another sweep taken its place
        path.unlink()


def _read(path: Path) -> dict[str, Any]:
    """The owner; nothing is known of one whose file is damaged."""
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _may_live(owner: dict[str, Any]) -> bool:
    """Whether the process is still there, as far as this machine can tell; another one's are taken to be."""
    if owner.get("host") != socket.gethostname():
        return bool(owner)
    return isinstance(owner.get("pid"), int) and _began(owner["pid"]) == owner.get("process_began")


def _began(pid: int) -> str:
    """When a process began, as the system counts: numbers of processes are used again. Empty if it is not there."""
    if platform.system() == "Linux":
        try:
            state, *facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if state == "Z" else facts[18]
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ""


def _refusal(folder: Path, owner: dict[str, Any]) -> str:
    advice = "wait for it, or give another --out"
    if owner.get("host") != socket.gethostname():
        advice += f"; if it has ended, delete {folder / LOCK_NAME}"
    return f"a sweep is running in {folder}: {_describe(owner)}; {advice}"


def _describe(owner: dict[str, Any]) -> str:
    if not owner:
        return "nothing is known of it"
    return f"process {owner.get('pid')} on {owner.get('host')}, since {owner.get('since')}{_age(owner.get('since'))}"


def _age(since: Any) -> str:
    try:
        return f" ({str(_now() - datetime.datetime.fromisoformat(since)).partition('.')[0]} hours ago)"
    except (TypeError, ValueError):
        return ""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
