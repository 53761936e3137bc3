from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from wis.experiments.running.executors import Serial, choose_executor
from wis.experiments.running.processes import Processes

# Those that tests of sweeps need: the first pool of a process decides.
from wis.experiments.sweep.sweep import LIBRARIES

PARENT = """
import time
from wis.experiments.running.executors import choose_executor

if __name__ == "__main__":
    with choose_executor(2) as executor:
        for task, _ in executor.map(time.sleep, [0, 0, 600, 600]):
            print(task, flush=True)
"""


PRELOADED = """
import sys
from wis.experiments.running.processes import Processes

def loaded(name):
    return name in sys.modules

if __name__ == "__main__":
    with Processes(1, ["xml.dom.pulldom", "not_installed"]) as executor:
        print(*(outcome for _, outcome in executor.map(loaded, ["xml.dom.pulldom", "tabnanny"])))
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no fork server")
def test_workers_start_with_their_libraries(tmp_path):
    (tmp_path / "libraries.py").write_text(PRELOADED)
    done = subprocess.run([sys.executable, tmp_path / "libraries.py"], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


ENDED = """
import sys
from wis.experiments.running.processes import Processes

def threads(_):
    import numba
    return numba.get_num_threads()

if __name__ == "__main__":
    with Processes(1) as executor:
        print(*(outcome for _, outcome in executor.map(threads, [0])))
"""


def test_workers_that_used_numbas_threads_leave_nothing_behind(tmp_path):
    (tmp_path / "ended.py").write_text(ENDED)
    done = subprocess.run([sys.executable, tmp_path / "ended.py"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_workers_have_the_environment_of_their_time(monkeypatch):
    for value in ("a", "b"):
        monkeypatch.setenv("WIS_DATA_ROOT", value)
        with Processes(1, LIBRARIES) as executor:
            found = dict(executor.map(os.getenv, ["WIS_DATA_ROOT", "OMP_NUM_THREADS"]))
        assert found == {"WIS_DATA_ROOT": value, "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize(("workers", "kind"), [(1, Serial), (2, Processes)])
def test_every_task_comes_back_with_its_outcome(workers, kind):
    with choose_executor(workers, LIBRARIES) as executor:
        assert isinstance(executor, kind)
        assert sorted(executor.map(abs, [-3, 2, -1])) == [(-3, 3), (-1, 1), (2, 2)]


def test_a_worker_that_dies_is_an_error_where_nobody_takes_what_is_lost():
    with choose_executor(2, LIBRARIES) as executor, pytest.raises(RuntimeError, match="a worker process died"):
        list(executor.map(os._exit, [1]))


def square_or_die(task):
    """``("die once", flag)`` kills the process the first time, ``("die", flag)`` always, once that has begun."""
    kind, value = task
    if kind == "die":
        while not value.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "die once" and not value.exists():
        value.touch()
        time.sleep(60)  # the other one dies meanwhile, and the pool ends this process with it
        return "its pool did not see that a process died"
    return value**2 if kind == "square" else "came back"


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_killed_worker_loses_only_what_kills_it_again(tmp_path, place, caplog):
    tasks = [("square", i) for i in range(8)]
    tasks[place:place] = [("die", tmp_path / "flag"), ("die once", tmp_path / "flag")]
    with Processes(2, LIBRARIES) as executor:
        outcomes = list(executor.map(square_or_die, tasks, "lost: {}".format))
    assert [task for task, _ in outcomes] != []
    assert sorted(map(str, (task for task, _ in outcomes))) == sorted(map(str, tasks))  # none lost, none twice
    found = {str(task): outcome for task, outcome in outcomes}
    assert all(found[str(("square", i))] == i**2 for i in range(8))
    assert found[str(("die once", tmp_path / "flag"))] == "came back"
    assert found[str(("die", tmp_path / "flag"))].startswith("lost: its process was killed twice")
    assert "the rest with 1 worker" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_killed_parent_leaves_no_worker(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    process = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["0\n", "0\n"]
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    process.stdout.close()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_leaving_early_ends_the_work_in_flight():
    start = time.monotonic()
    with choose_executor(2, LIBRARIES) as executor:
        outcomes = executor.map(time.sleep, [0, 600])
        assert next(outcomes) == (0, None)
        outcomes.close()
    assert time.monotonic() - start < 300
