"""The stages of one data set: sample from the pretrained model; finetune by SFT, RFT or both; sample again."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from wis.experiments.lm.grue.config import Config
from wis.experiments.lm.grue.data import choose, load_examples
from wis.experiments.lm.grue.models import LanguageModel
from wis.experiments.lm.grue.ppo import finetune_ppo
from wis.experiments.lm.grue.rewards import Reward, make_reward
from wis.experiments.lm.grue.sampling import sampling_pass
from wis.experiments.lm.grue.sft import finetune_supervised
from wis.experiments.running.rows import Rows

from wis.lm import RewardTracker

STAGES = ("pretrained", "sft", "rft", "sft+rft")


@dataclass(frozen=True)
class Inputs:
    """Where examples, the model to start from and WordNet come from; None is the hub, or NLTK's own folders."""

    file: Path | None = None
    model: str | None = None
    wordnet: Path | None = None
    synonyms: bool = True
    device: str = "cpu"


def run_stage(config: Config, stage: str, out: Path, inputs: Inputs, *, progress: bool = True) -> RewardTracker:
    """Do one stage and its sampling pass on the same train inputs; what is done already is not done again.

    Parameters
    ----------
    config
        The data set and its settings.
    stage
        ``"pretrained"`` (only the sampling pass), ``"sft"``, ``"rft"``, or ``"sft+rft"``: an SFT phase as
        ``config.sft`` says, with few labels and steps if it does, and then RFT.
    out
        Folder; the stage writes into ``out / config.name / stage``: ``samples.jsonl``, ``phases.jsonl`` with its
        settings and the losses or rewards of each phase of training, and ``model``.
    inputs
        Local files instead of the hub.
    progress
        Whether to show how far it is.
    """
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}; choose from {', '.join(STAGES)}")
    folder = out / config.name / stage
    settings = json.loads(json.dumps({"config": asdict(config), "inputs": asdict(inputs)}, default=str))
    phases = Rows(folder / "phases.jsonl", settings)
    if "settings" not in phases:
        phases.add("settings", settings)
    examples = load_examples(config, "train", inputs.file)
    reward = make_reward(config, wordnet=inputs.wordnet, synonyms=inputs.synonyms, device=inputs.device)
    trained = folder / "model"
    if stage == "pretrained" or not trained.is_dir():
        model = LanguageModel.load(config, inputs.model, inputs.device)
    if stage != "pretrained":
        if not trained.is_dir():
            _train(model, stage, config, examples, reward, phases, progress)
        model = LanguageModel.load(config, str(trained), inputs.device)
    measured = choose(examples, config.inputs, config.seed)
    name = f"{inputs.model or config.model} {stage}"
    return sampling_pass(model, measured, config, reward, folder / "samples.jsonl", model_name=name, progress=progress)


def _train(
    model: LanguageModel, stage: str, config: Config, examples: list, reward: Reward, phases: Rows, progress: bool
) -> None:
    folder = phases.path.parent
    first = folder / "after_sft"  # so that an interrupted RFT phase does not repeat the SFT phase
    if "sft" in stage:
        if first.is_dir():
            model = LanguageModel.load(config, str(first), str(model.device))
        else:
            losses = finetune_supervised(model, examples, config, seed=config.seed, progress=progress)
            phases.add("sft", {"losses": losses})
            _save_model(model, first)
    if "rft" in stage:
        iterations = finetune_ppo(
            model, examples, config, reward, seed=config.seed, checkpoint=folder / "interrupted.pt", progress=progress
        )
        phases.add("rft", {"iterations": iterations})
    _save_model(model, folder / "model")
    shutil.rmtree(first, ignore_errors=True)


def _save_model(model: LanguageModel, folder: Path) -> None:
    """Write the model beside its place and move it there, so that a folder that exists is whole."""
    partial = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    model.save(partial)
    partial.rename(folder)
