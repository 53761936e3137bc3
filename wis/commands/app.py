"""The command line of ``wis``: what all commands share, and the commands on graph files.

:mod:`wis.experiments.commands.app` adds the commands of the experiments.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from wis.commands.messages import as_options
from wis.commands.methods import methods
from wis.commands.order import order
from wis.commands.sparsify import sparsify
from wis.commands.warm import warm
from wis.extras import needed_for
from wis.interrupts import exit_code, remember_interrupts, was_interrupted

# What a user can cause. Anything else is a fault of ours and keeps its traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, RuntimeError, ImportError, OverflowError, MemoryError)


class OneLineErrors(TyperGroup):
    """Shows errors that a user can cause in one line, with exit code 1, and Ctrl-C with 130."""

    extra: str | None = None
    """The extra that brings what all commands of the group need, if it is one."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments."""
        try:
            return super().make_context(*arguments, **options)
        except KeyboardInterrupt:
            _stop()

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with remember_interrupts():
            try:
                with needed_for(ctx.command_path, self.extra):
                    return super().invoke(ctx)
            except (typer.Exit, typer.Abort, BrokenPipeError):  # the last: `wis … | head` has read enough
                raise
            except BaseException as error:
                # A Ctrl-C may be lost on its way and leave another error behind.
                if isinstance(error, KeyboardInterrupt) or was_interrupted():
                    _stop()
                if not isinstance(error, _USER_ERRORS):
                    raise
                if ctx.params.get("show_traceback"):
                    traceback.print_exc()
                message = as_options(" ".join(str(error).split())) or type(error).__name__
                typer.echo(f"wis: error: {message}", err=True)
                raise typer.Exit(1) from error


def _stop() -> NoReturn:
    typer.echo("\nwis: stopped", err=True)
    raise typer.Exit(exit_code()) from None


app = typer.Typer(
    name="wis",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from wis import __version__

        typer.echo(f"wis {__version__}")
        raise typer.Exit


@app.callback()
def main(
    show_traceback: Annotated[
        bool, typer.Option("--traceback", metavar="", help="Show the traceback of an error, for a bug report.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Walk Index Sparsification: keep the edges that matter to a GNN.

    Rank the edges of a graph, keep the best of them, and compare ways to do so
    by the accuracy of the models trained on what is left.

    [bold]Start here[/bold]

      wis sweep                           compare sparsifiers, with a report
      wis sparsify graph.csv -o half.csv  keep the best half of the edges
      wis COMMAND --help                  every command has examples
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


for command in (sparsify, order, methods, warm):
    app.command()(command)
