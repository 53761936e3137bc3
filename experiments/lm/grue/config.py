"""What each of the seven data sets needs, from ``datasets.yaml`` or a file of the same form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

ARCHITECTURES = ("causal", "seq2seq")
REWARDS = ("rouge_l", "bleu", "bleu_intl", "meteor", "classifier")
_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Generation:
    """Sampling of outputs; `top_k` 0 means no truncation."""

    top_k: int = 0
    min_new_tokens: int = 1
    max_new_tokens: int = 50
    temperature: float = 1.0


@dataclass(frozen=True)
class PPOSettings:
    """PPO's settings; the first seven from the published code [code], the others ours.

    Attributes
    ----------
    rollout_tokens
        Tokens collected before each round of updates: steps × 10 environments [code].
    batch
        Outputs in an update. The published 64 counts single tokens; ours counts outputs.
    """

    learning_rate: float = 2e-6
    rollout_tokens: int = 2560
    iterations: int = 100
    kl_coefficient: float = 0.001
    kl_target: float = 1.0
    epochs: int = 5
    clip: float = 0.2
    batch: int = 64
    entropy: float = 0.0
    discount: float = 0.99
    gae: float = 0.95
    value_weight: float = 0.5
    gradient_clip: float = 0.5


@dataclass(frozen=True)
class SFTSettings:
    """Supervised finetuning, as published for NarrativeQA [code]; `max_steps` None means all."""

    learning_rate: float = 1e-5
    batch: int = 64
    epochs: int = 5
    weight_decay: float = 0.01
    max_steps: int | None = None
    labels: float = 1.0


@dataclass(frozen=True)
class Config:
    """One data set with its model, reward and settings.

    Attributes
    ----------
    name
        What it is called.
    model
        A folder, or a name on the hub.
    architecture
        ``"causal"`` (GPT-2) or ``"seq2seq"`` (T5).
    reward
        One of `REWARDS`.
    hub
        Arguments of ``datasets.load_dataset``; None where only local files are read.
    prompt, references, dialogue
        How a row becomes examples (`wis.experiments.lm.grue.data`).
    prompt_tokens
        Tokens of a prompt at most.
    reward_model
        The classifier's folder or hub name.
    inputs, samples, seed
        Of the sampling pass: train inputs, outputs an input, and the seed that chooses both [code].
    """

    name: str
    model: str
    architecture: str
    reward: str
    hub: Mapping[str, Any] | None = None
    prompt: str = "{prompt}"
    references: str = "references"
    dialogue: str | None = None
    prompt_tokens: int = 512
    reward_model: str | None = None
    inputs: int = 5000
    samples: int = 10
    seed: int = 7
    generation: Generation = field(default_factory=Generation)
    ppo: PPOSettings = field(default_factory=PPOSettings)
    sft: SFTSettings = field(default_factory=SFTSettings)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"{self.name}: architecture must be one of {', '.join(ARCHITECTURES)}, got {self.architecture!r}"
            )
        if self.reward not in REWARDS:
            raise ValueError(f"{self.name}: unknown reward {self.reward!r}; choose from {', '.join(REWARDS)}")
        if self.reward == "classifier" and not self.reward_model:
            raise ValueError(f"{self.name}: the reward 'classifier' needs reward_model")
        if self.samples < 2:
            raise ValueError(f"{self.name}: samples must be at least 2 for a standard deviation, got {self.samples}")


def load_configs(path: Path | None = None) -> dict[str, Config]:
    """Read the configurations of a YAML file, by default the seven of GRUE."""
    import yaml

    path = path or Path(__file__).parent / "datasets.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"there is no configuration file {path}")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} must map names of data sets to settings")
    return {name: _config(name, settings) for name, settings in content.items()}


def _config(name: str, settings: Any) -> Config:
    if not isinstance(settings, dict):
        raise ValueError(f"{name}: settings must be a mapping, got {type(settings).__name__}")
    parts: dict[str, type[Any]] = {"generation": Generation, "ppo": PPOSettings, "sft": SFTSettings}
    known = {key: value for key, value in settings.items() if key not in parts}
    nested: dict[str, Any] = {key: _build(kind, settings.get(key, {}), f"{name}.{key}") for key, kind in parts.items()}
    return _build(Config, {"name": name} | known | nested, name)


def _build(kind: type[_Settings], settings: Any, where: str) -> _Settings:
    allowed = [entry.name for entry in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(settings) - set(allowed))
    if unknown:
        raise ValueError(f"{where}: unknown setting {unknown[0]!r}; choose from {', '.join(allowed)}")
    try:
        return kind(**settings)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error
