"""What a shell does with `wis`: pipes that close early, and completion."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

WIS = (sys.executable, "-m", "wis.experiments")
# What a command returns whose reader has left, as other programs in Python do.
LEFT = 1
SWEEP = "sweep -d digits -m random --removed 0.5 --seeds 1 --epochs 2 --workers 1 -o run"
# The shell is named then, not looked for among the processes above.
NO_DETECTION = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
# The command under its own name, which stands in the scripts.
AS_WIS = (sys.executable, "-c", "import sys; sys.argv[0] = 'wis'; from wis.experiments.__main__ import run; run()")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """The end that one writes to of a pipe whose other end is closed."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a graph and rewards."""
    (tmp_path / "graph.csv").write_text("0,1\n1,2\n2,0\n2,3\n")
    np.save(tmp_path / "rewards.npy", np.eye(4))
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "methods", "datasets", pytest.param("claims", marks=pytest.mark.slow), "--help", "--version",
        "sweep quick --dry-run", "lm --help", "interactions rank --help", "lm compare rewards.npy rewards.npy",
        "lm kl explain --trl beta=0.04", "lm grue datasets",
    ],
)  # fmt: skip
def test_a_command_without_a_reader_ends_quietly(command: str, closed_pipe: int, folder: Path) -> None:
    done = run(command, folder, closed_pipe)
    assert (done.returncode, done.stderr) == (LEFT, "")


@pytest.mark.parametrize(
    ("command", "files"),
    [
        pytest.param(
            "claims --html -o out",
            ["out/claims.csv", "out/claims.html", "out/claims.md"],
            marks=pytest.mark.slow,
        ),
        ("lm std rewards.npy --support 0,1 --table std.csv --html std.html", ["std.csv", "std.html"]),
        pytest.param("lm bounds --length 1 --html bounds.html", ["bounds.html"], marks=pytest.mark.slow),
        pytest.param(
            "interactions rank --vertices 3 -o out", ["out/report.html", "out/summary.csv"], marks=pytest.mark.slow
        ),
        (SWEEP, ["run/results.sqlite", "run/report/index.html", "run/report/runs.csv"]),
    ],
)
def test_a_command_without_a_reader_has_written_its_files(
    command: str, files: list[str], closed_pipe: int, folder: Path
) -> None:
    done = run(command, folder, closed_pipe)
    assert done.returncode == LEFT
    assert "rror" not in done.stderr, done.stderr
    assert [name for name in files if not (folder / name).is_file()] == []


def test_commands_that_only_write_a_file_need_no_reader(closed_pipe: int, folder: Path) -> None:
    done = run("sparsify graph.csv -o half.csv --method random --seed 0", folder, closed_pipe)
    assert done.returncode == 0
    assert len((folder / "half.csv").read_text().splitlines()) == 2


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    line = f"set -o pipefail; {shlex.join(WIS)} methods | head -n 1"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_the_shell_completes_commands() -> None:
    environment = {**os.environ, "_WIS_COMPLETE": "complete_bash", "COMP_WORDS": "wis swe", "COMP_CWORD": "1"}
    done = subprocess.run(AS_WIS, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["sweep"]


@pytest.mark.parametrize(
    ("shell", "place"),
    [("bash", ".bash_completions/wis.sh"), ("zsh", ".zfunc/_wis"), ("fish", ".config/fish/completions/wis.fish")],
)
def test_completion_is_installed_in_the_home_folder_and_shown(shell: str, place: str, tmp_path: Path) -> None:
    environment = {**os.environ, **NO_DETECTION, "HOME": str(tmp_path)}
    done, shown = (
        subprocess.run([*AS_WIS, option, shell], env=environment, capture_output=True, text=True, check=False)
        for option in ("--install-completion", "--show-completion")
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path / place) in done.stdout
    script = (tmp_path / place).read_text()
    assert f"complete_{shell}" in script
    assert shown.stdout.strip() == script.strip()
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written - {place, ".bashrc", ".zshrc"} == set()


def run(command: str, folder: Path, out: int) -> subprocess.CompletedProcess[str]:
    """A command in a folder, writing into a file descriptor."""
    return subprocess.run(
        [*WIS, *shlex.split(command)],
        cwd=folder,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
