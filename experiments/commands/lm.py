"""``wis lm``: reward std, gradient bounds and the experiments on language models."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wis.experiments.commands.kl import app as kl
from wis.experiments.commands.output import command_line, print_end, print_table

if TYPE_CHECKING:
    from wis.experiments.lm.reward_files import Sample

app = typer.Typer(
    name="lm",
    help="Language models: reward std, gradient bounds, and the experiments on reinforcement finetuning.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
grue = typer.Typer(name="grue", help="The seven text-generation data sets of the paper.", no_args_is_help=True)
app.add_typer(grue)
app.add_typer(kl)

Out = Annotated[Path, typer.Option("--out", "-o", help="Output folder.")]
Support = Annotated[str | None, typer.Option(help="Lowest and highest possible reward, as '0,1'; for intervals.")]
Key = Annotated[
    str | None,
    typer.Option(help="Column that names the input.", show_default="the first of id, run, prompt, input"),
]
Reward = Annotated[
    str | None,
    typer.Option(
        help="Columns that make up the reward, with weights, as 'accuracy,format=0.5'.",
        show_default="score, or the only column of numbers",
    ),
]


@app.command()
def std(
    rewards: Annotated[
        Path,
        typer.Argument(
            help="A .npy or .csv matrix of inputs x samples, a .jsonl file, or a folder of TRL's completions "
            "(.parquet) or of verl's rollout_data_dir (.jsonl)."
        ),
    ],
    support: Support = None,
    binary: Annotated[
        bool, typer.Option("--binary", metavar="", help="The reward takes only the two ends of --support.")
    ] = False,
    thresholds: Annotated[str, typer.Option(help="Thresholds for the std, separated by commas.")] = "0.01,0.05,0.1,0.2",
    table: Annotated[Path | None, typer.Option(help="CSV to write: mean, std and interval of each input.")] = None,
    html: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    key: Key = None,
    reward: Reward = None,
) -> None:
    """Reward std of each input, from a file of rewards. Of several training steps an input's last visit counts.

    [bold]Examples[/bold]

      wis lm std rewards.npy --support 0,1
      wis lm std samples.jsonl --support 0,1 --binary --table inputs.csv --html std.html
      wis lm std out/completions --reward accuracy,format=0.5
      wis lm std rollouts --support 0,1 --key gts
    """
    from wis.experiments.lm.std import by_step, describe, write_inputs, write_report

    samples = _read(rewards, key, reward)
    limits = _numbers(thresholds, "--thresholds")
    tracker, summary = describe(samples, support=_pair(support), binary=binary, thresholds=limits)
    steps = by_step(samples)
    # Files first: a reader that has enough of the summary ends the command.
    if table is not None:
        write_inputs(tracker, table)
    if html is not None:
        write_report(tracker, summary, html, command_line())
    typer.echo(str(summary))
    if len(steps) > 1:
        typer.echo("")
        print_table(steps)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Rewards of the one function or model, as for 'wis lm std'.")],
    second: Annotated[Path, typer.Argument(help="Rewards of the other, for outputs of the same policy.")],
    key: Key = None,
    first_reward: Reward = None,
    second_reward: Reward = None,
    seed: Annotated[int, typer.Option(help="Of the resampling of inputs.")] = 0,
) -> None:
    """Two reward models by the std that they give a policy's own outputs: the higher, the more there is to learn from.

    [bold]Examples[/bold]

      wis lm compare small_model.npy large_model.npy
      wis lm compare out/completions out/completions --first-reward helpful --second-reward harmless
    """
    from wis.experiments.lm.std import track

    from wis.lm import compare_rewards

    trackers = [track(_read(*given)) for given in ((first, key, first_reward), (second, key, second_reward))]
    typer.echo(str(compare_rewards(*trackers, seed=seed)))


@app.command()
def bounds(
    model: Annotated[
        Path | None, typer.Option(help="Folder of a causal language model; without it, a tiny random GPT-2.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="The input: a text, or token ids as '3,1,4'.")] = "0,1",
    target: Annotated[str, typer.Option(help="Reward 1 for outputs that have this token id or text, else -1.")] = "2",
    length: Annotated[int, typer.Option(min=1, help="Tokens in an output.")] = 3,
    samples: Annotated[
        int | None, typer.Option(min=4, help="Sample so many outputs.", show_default="enumerate if they are few")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="HTML report to write.")] = None,
    seed: Annotated[int, typer.Option(help="Of the samples and the tiny model.")] = 0,
) -> None:
    """Gradient norm, its bounds and the reward std of one model, input and reward.

    [bold]Examples[/bold]

      wis lm bounds
      wis lm bounds --model my-gpt2 --prompt "The film was" --target " great" --length 8 --samples 64
    """
    from wis.experiments.lm.diagnosis import diagnose_input, write_report

    found, what = diagnose_input(model, prompt, target, length, samples, seed)
    if html is not None:  # before a reader of the numbers can end the command
        write_report(found, what, html, command_line())
    typer.echo(f"{what}\n{found}")


@app.command()
def theory(out: Out = Path("runs/lm/theory")) -> None:
    """Check both theorems: bounds on exact policies, families with std to 0, and the flows of Theorem 2.

    Takes two to three minutes on one core.
    """
    from wis.experiments.lm.theory import report_theory, run_theory

    start = time.perf_counter()
    tables = report_theory(out, run_theory(out), command_line())
    for _, table in tables:
        print_table(table)
    print_end(out / "report.html", start)


@app.command()
def controlled(
    out: Out = Path("runs/lm/controlled"),
    data: Annotated[str, typer.Option("--data", "-d", help="digits, mnist, cifar10 or stsb.")] = "digits",
    data_root: Annotated[
        Path | None, typer.Option(help="Folder with the files of mnist, cifar10 or stsb.", envvar="WIS_DATA_ROOT")
    ] = None,
    pretraining: Annotated[int | None, typer.Option(help="Epochs of pretraining, instead of the published.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of finetuning, instead of the published.")] = None,
    seed: Annotated[int, typer.Option(help="Of inputs, labels, weights and batches.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """RFT against SFT with exact expected gradients. Interrupted runs go on where they stopped.

    [bold]Examples[/bold]

      wis lm controlled
      wis lm controlled -d mnist --data-root data/mnist
    """
    from wis.experiments.lm.controlled import report_controlled, run_controlled

    start = time.perf_counter()
    rows = run_controlled(
        out, data, data_root=data_root, seed=seed, pretraining=pretraining, epochs=epochs, device=device
    )
    print_table(report_controlled(out, rows, data, command_line()))
    print_end(out / "report.html", start)


@app.command()
def small(
    out: Out = Path("runs/lm/small"),
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds; a larger one later adds runs.")] = 3,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 2,
) -> None:
    """The paper's claims on a tiny GPT-2 trained from scratch: prevalence, RFT and SFT, heuristics, few labels."""
    from wis.experiments.lm.small import Scale, run_small
    from wis.experiments.lm.small_report import report_small

    start = time.perf_counter()
    typer.echo("each seed's model is pretrained before its first run: minutes in which no run ends", err=True)
    tables = report_small(out, run_small(out, Scale(), seeds=seeds, workers=workers), command_line())
    for table in tables.values():
        print_table(table)
    print_end(out / "report.html", start)


Configs = Annotated[Path | None, typer.Option("--configs", help="YAML of the form of the packaged one.")]


@grue.command("datasets")
def grue_datasets(configs: Configs = None) -> None:
    """List the data sets and what is run on them."""
    import pandas as pd
    from wis.experiments.lm.grue.config import load_configs

    print_table(
        pd.DataFrame(
            {
                "data set": config.name, "model [code]": config.model, "reward [code]": config.reward,
                "learning rate [code]": config.ppo.learning_rate, "tokens a round [code]": config.ppo.rollout_tokens,
                "iterations [code]": config.ppo.iterations, "KL coefficient [code]": config.ppo.kl_coefficient,
                "KL target [code]": config.ppo.kl_target,
            }
            for config in load_configs(configs).values()
        )
    )  # fmt: skip


@grue.command("run")
def grue_run(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="See 'wis lm grue datasets'.")],
    stage: Annotated[str, typer.Argument(help="pretrained (sampling pass only), sft, rft or sft+rft.")] = "pretrained",
    out: Out = Path("runs/lm/grue"),
    data: Annotated[Path | None, typer.Option(help="JSON-lines file of examples, instead of the hub.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name of the model, instead of the published.")
    ] = None,
    wordnet: Annotated[Path | None, typer.Option(help="Folder with corpora/wordnet, for METEOR.")] = None,
    synonyms: Annotated[bool, typer.Option(metavar="", help="Whether METEOR matches synonyms (needs WordNet).")] = True,
    inputs: Annotated[int | None, typer.Option(help="Train inputs of the sampling pass.")] = None,
    labels: Annotated[float, typer.Option(min=0, max=1, help="Share of the labels that SFT sees.")] = 1.0,
    sft_steps: Annotated[int | None, typer.Option(help="SFT steps at most.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="PPO's learning rate.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature.")] = None,
    entropy: Annotated[float | None, typer.Option(help="PPO's entropy coefficient.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    configs: Configs = None,
) -> None:
    """Run one stage on one data set: finetune, and sample ten outputs of every input. It resumes.

    [bold]Examples[/bold]

      wis lm grue run narrativeqa pretrained --device cuda
      wis lm grue run narrativeqa sft+rft --labels 0.01 --sft-steps 160 --device cuda
      wis lm grue run imdb rft --data imdb.jsonl --model models/gpt2-imdb
    """
    from dataclasses import replace

    from wis.experiments.lm.grue.config import load_configs
    from wis.experiments.lm.grue.pipeline import Inputs, run_stage

    known = load_configs(configs)
    if name not in known:
        raise ValueError(f"unknown data set {name!r}; choose from {', '.join(known)}")
    config = known[name]
    ppo = _given(learning_rate=learning_rate, entropy=entropy)
    config = replace(
        config,
        **_given(inputs=inputs),
        ppo=replace(config.ppo, **ppo),
        generation=replace(config.generation, **_given(temperature=temperature)),
        sft=replace(config.sft, labels=labels, **_given(max_steps=sft_steps)),
    )
    where = Inputs(data, model, wordnet, synonyms, device)
    typer.echo(str(run_stage(config, stage, out, where).summary()))


@grue.command("findings")
def grue_findings(out: Out = Path("runs/lm/grue")) -> None:
    """Make the tables of the three findings from the stages that have been run."""
    from wis.experiments.lm.grue.findings import report_findings

    start = time.perf_counter()
    for table in report_findings(out, command_line()).values():
        print_table(table)
    print_end(out / "report.html", start)


def _read(path: Path, key: str | None, reward: str | None) -> list[Sample]:
    from wis.experiments.lm.reward_files import Columns, parse_weights, read_rewards

    return read_rewards(path, Columns(key, parse_weights(reward)))


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _pair(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    numbers = _numbers(text, "--support")
    if len(numbers) != 2:
        raise ValueError(f"--support needs two numbers, as '0,1', got {text!r}")
    return numbers[0], numbers[1]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option} needs numbers separated by commas, got {text!r}") from None
