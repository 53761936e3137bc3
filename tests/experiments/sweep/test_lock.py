"""A folder has one owner at a time, and those that have ended leave it."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys

import pytest
from wis.experiments.sweep import lock


def write(folder, **changes):
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "process_began": lock._began(os.getpid())}
    facts["since"] = "2026-01-01T00:00:00+00:00"
    (folder / lock.LOCK_NAME).write_text(json.dumps(facts | changes))


def test_take_and_release(tmp_path):
    lock.take(tmp_path)
    assert json.loads((tmp_path / lock.LOCK_NAME).read_text())["pid"] == os.getpid()
    with pytest.raises(RuntimeError, match=rf"a sweep is running in .*: process {os.getpid()} on .* hours ago\); wait"):
        lock.take(tmp_path)
    lock.release(tmp_path)
    assert list(tmp_path.iterdir()) == []
    lock.release(tmp_path)


def test_of_one_that_has_ended_it_is_taken_over_with_a_line(tmp_path, caplog):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    for changes in ({"pid": int(ended.stdout)}, {"process_began": "0"}, {"pid": "x"}):
        write(tmp_path, **changes)
        with caplog.at_level(logging.WARNING, "wis"):
            lock.take(tmp_path)
        assert f"taking over {tmp_path} from a sweep that has ended: process" in caplog.messages[-1]
        assert "since 2026-01-01T00:00:00+00:00" in caplog.messages[-1]
    (tmp_path / lock.LOCK_NAME).write_text("[")
    with caplog.at_level(logging.WARNING, "wis"):
        lock.take(tmp_path)
    assert caplog.messages[-1].endswith("nothing is known of it")


def test_of_another_machine_it_is_left_alone(tmp_path):
    write(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(RuntimeError, match=r"process 1 on elsewhere.*; if it has ended, delete .*lock\.json"):
        lock.take(tmp_path)
    lock.release(tmp_path)
    assert (tmp_path / lock.LOCK_NAME).exists()
