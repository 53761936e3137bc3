"""``wis lm kl``: which objective a KL setting optimises, its bias and variance, and training with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wis.experiments.commands.output import command_line, print_end, print_table

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="kl",
    help="Which objective a KL setting really optimises.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Option("--out", "-o", help="Output folder.")]


@app.command(context_settings={"ignore_unknown_options": True})
def explain(
    settings: Annotated[
        list[str] | None, typer.Argument(help="name=value settings; YAML files; for OpenRLHF its command line.")
    ] = None,
    trl: Annotated[
        bool, typer.Option("--trl", metavar="", help="Settings of TRL's GRPO; of RLOO with trainer=rloo.")
    ] = False,
    verl: Annotated[
        bool, typer.Option("--verl", metavar="", help="Settings of verl: YAML files and overrides.")
    ] = False,
    openrlhf: Annotated[bool, typer.Option("--openrlhf", metavar="", help="A command line of OpenRLHF.")] = False,
    nemo_rl: Annotated[
        bool, typer.Option("--nemo-rl", metavar="", help="Settings of NeMo-RL: YAML files and overrides.")
    ] = False,
    skyrl: Annotated[
        bool, typer.Option("--skyrl", metavar="", help="Settings of SkyRL: YAML files and overrides.")
    ] = False,
    library_version: Annotated[
        str | None,
        typer.Option(help="Version of the library. Default: the newest that was read; of TRL, the installed."),
    ] = None,
) -> None:
    """Say which objective a KL setting optimises, what is ignored, and what to change.

    Without a library, settings are those of wis.lm.kl.KLConfiguration.

    [bold]Examples[/bold]

      wis lm kl explain --trl beta=0.04 loss_type=grpo
      wis lm kl explain --verl config.yaml actor_rollout_ref.actor.use_kl_loss=true
      wis lm kl explain --openrlhf "--algo.kl.use_loss --algo.kl.estimator k3"
      wis lm kl explain estimator=k3 ratio=prefix
    """
    chosen = {"trl": trl, "verl": verl, "openrlhf": openrlhf, "nemo-rl": nemo_rl, "skyrl": skyrl}
    libraries = [name for name, given in chosen.items() if given]
    if len(libraries) > 1:
        raise ValueError(f"give one library, got --{' and --'.join(libraries)}")
    if not libraries:
        typer.echo(_explain_configuration(settings or []))
        return
    from wis.lm.kl import advise
    from wis.lm.kl.libraries import find

    typer.echo(str(advise(libraries[0], find(libraries[0]).parse(settings or []), library_version)))


@app.command()
def bias(
    out: Out = Path("runs/lm/kl"),
    policies: Annotated[int, typer.Option(min=1, help="Random policies for the named configurations.")] = 60,
    installed: Annotated[
        bool, typer.Option("--installed/--no-installed", metavar="", help="Run the installed TRL's own loss too.")
    ] = True,
) -> None:
    """Bias and variance of KL gradients by enumeration, next to reference values. About five minutes."""
    from wis.experiments.kl.report import report_bias

    start = time.perf_counter()
    for table in report_bias(out, command_line(), policies=policies, installed=installed).values():
        print_table(table)
    print_end(out / "bias.html", start)


@app.command()
def train(
    out: Out = Path("runs/lm/kl"),
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds of each study, instead of 5, 4 and 3.")] = None,
) -> None:
    """Train with each KL penalty: bandit, tabular sequences, tiny GPT-2. About 20 minutes; goes on where it stopped."""
    from wis.experiments.kl.train import Scale, run_training

    start = time.perf_counter()
    scale = Scale() if seeds is None else Scale(bandit_seeds=seeds, sequence_seeds=seeds, transfer_seeds=seeds)
    _report(out, run_training(out, scale).path, start)


@app.command()
def report(out: Out = Path("runs/lm/kl")) -> None:
    """Make the tables, the figure and the page of the training runs that are there."""
    path = out / "training.jsonl"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; run 'wis lm kl train --out {out}' first")
    _report(out, path, time.perf_counter())


def _explain_configuration(words: list[str]) -> str:
    from wis.lm.kl import KLConfiguration
    from wis.lm.kl import explain as explain_configuration
    from wis.lm.kl.libraries import assignments

    return str(explain_configuration(KLConfiguration.from_settings(assignments(words))))


def _report(out: Path, path: Path, start: float) -> None:
    from wis.experiments.kl.report import report_training
    from wis.experiments.running.rows import read_rows

    for table in report_training(out, read_rows(path), command_line()).values():
        print_table(table)
    print_end(out / "training.html", start)
