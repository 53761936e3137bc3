"""What a shell does with `wis`: pipes that close early, and completion."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WIS = f"{sys.executable} -m wis.experiments"


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")
@pytest.mark.parametrize("command", ["methods", "datasets", "claims", "--help", "sweep quick --dry-run"])
def test_a_reader_that_has_enough_ends_it_quietly(command: str) -> None:
    script = f"{{ {WIS} {command}; }} | head -c 1 > /dev/null"
    # The pipe is closed before most commands have written, however little they write.
    closed = f"{WIS} {command} | true"
    for line in (script, closed):
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=300, check=False)
        assert done.stderr == ""


def test_the_shell_completes_commands() -> None:
    environment = {**os.environ, "_WIS_COMPLETE": "complete_bash", "COMP_WORDS": "wis swe", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'wis'; from wis.experiments.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["sweep"]
