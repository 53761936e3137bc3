"""``wis methods``."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated

import typer

from wis.commands.messages import print_list

if TYPE_CHECKING:
    from wis.registry import Method


def methods(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="All about one method; also package.module:function of your own."),
    ] = None,
) -> None:
    """List the sparsification methods with their options and sources, or say all about one.

    Write a method with options as name:option=value, as in wis:depth=2,ties=random.
    Every method has the option keep_connected=True: a spanning forest goes last.

    [bold]Examples[/bold]

      wis methods
      wis methods spectral
    """
    from wis import registry

    if name is None:
        print_list(_entry(record) for record in registry.methods())
        return
    record = registry.find_method(registry.split_method(name)[0])
    print_list([(*_entry(record), *_more(record))])
    typer.echo(_plain(inspect.getdoc(record.function) or "").partition("\n")[2].strip())


def _entry(record: Method) -> tuple[str, ...]:
    summary = _plain(record.summary)
    if record.kind == "select":
        summary += " (one budget at a time: no order)"
    options = ", ".join(f"{name}={value}" for name, value in record.options.items())
    weights = f"edge weights: {'read' if record.reads_weights else 'not read'}"
    return record.name, summary, f"options: {options or 'none'}", weights, f"source: {record.source}"


def _more(record: Method) -> tuple[str, ...]:
    """What the list of all methods has no room for."""
    return (
        f"draws at random: {'yes' if record.uses_seed({}) else 'no'}, with the options left as they are",
        f"labelled data: {'needed' if record.learns else 'not needed'}",
        f"devices: {', '.join(record.devices)}",
    )


def _plain(text: str) -> str:
    """A docstring without marks of code and of links."""
    return re.sub(r":\w+:`~?([^`]+)`", r"\1", text).replace("``", "")
