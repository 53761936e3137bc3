from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from wis.experiments.commands.app import app

# Typer's own.
GIVEN = {"help", "install_completion", "show_completion"}


def test_switches_ask_for_no_value_in_the_help() -> None:
    """Where an option is a switch, the column of what to give is empty."""
    switches = {option.name: option.metavar for option in options(typer.main.get_command(app)) if option.is_flag}
    assert {"dry_run", "html", "trl", "directed"} <= set(switches)
    assert {name for name, metavar in switches.items() if metavar != "" and name not in GIVEN} == set()


def options(command: Any) -> Iterator[Any]:
    """The options of a command and of those below it."""
    yield from (option for option in command.params if option.param_type_name == "option")
    for below in getattr(command, "commands", {}).values():
        yield from options(below)
