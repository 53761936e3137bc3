"""Rewards of a text given its references, all in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wis.experiments.lm.grue.config import REWARDS, Config
from wis.experiments.lm.grue.data import Example

SUPPORT = (0.0, 1.0)
Reward = Callable[[Sequence[Example], Sequence[str]], list[float]]


def make_reward(config: Config, *, wordnet: Path | None = None, synonyms: bool = True, device: str = "cpu") -> Reward:
    """The reward function of a data set: examples and one text for each, to rewards.

    Parameters
    ----------
    config
        Names the reward.
    wordnet
        Folder of NLTK data that holds ``corpora/wordnet``, for METEOR.
    synonyms
        Whether METEOR matches synonyms. Without them it needs no WordNet, and gives other numbers.
    device
        Where the classifier runs.

    Raises
    ------
    ValueError
        If the reward is unknown.
    RuntimeError
        If WordNet or the classifier cannot be found.
    """
    makers: dict[str, Callable[[], Callable[[str, Sequence[str]], float]]] = {
        "rouge_l": _rouge_l,
        "bleu": lambda: _bleu("13a"),
        "bleu_intl": lambda: _bleu("intl"),
        "meteor": lambda: _meteor(wordnet, synonyms),
    }
    if config.reward == "classifier":
        return _classifier(config, device)
    if config.reward not in makers:
        raise ValueError(f"unknown reward {config.reward!r}; choose from {', '.join(REWARDS)}")
    score = makers[config.reward]()

    def reward(examples: Sequence[Example], texts: Sequence[str]) -> list[float]:
        return _checked([score(text, example.references) for example, text in zip(examples, texts, strict=True)])

    return reward


def _rouge_l() -> Callable[[str, Sequence[str]], float]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return lambda text, references: max(scorer.score(reference, text)["rougeL"].fmeasure for reference in references)


def _bleu(tokenizer: str) -> Callable[[str, Sequence[str]], float]:
    from sacrebleu.metrics import BLEU

    metric = BLEU(tokenize=tokenizer, effective_order=True)
    return lambda text, references: metric.sentence_score(text, list(references)).score / 100


def _meteor(wordnet: Path | None, synonyms: bool) -> Callable[[str, Sequence[str]], float]:
    import nltk
    from nltk.translate.meteor_score import meteor_score

    lexicon: Any = _NoSynonyms()
    if synonyms:
        lexicon = nltk.corpus.wordnet
        if wordnet is not None:
            nltk.data.path.insert(0, str(wordnet))
        try:
            lexicon.ensure_loaded()
        except LookupError as error:
            where = f" in {wordnet}" if wordnet is not None else ""
            raise RuntimeError(
                f"METEOR needs WordNet and there is none{where}: give the folder that holds corpora/wordnet "
                "(--wordnet), or leave synonyms out (--no-synonyms), which gives other numbers"
            ) from error
    return lambda text, references: meteor_score([r.split() for r in references], text.split(), wordnet=lexicon)


class _NoSynonyms:
    """A WordNet without words."""

    @staticmethod
    def synsets(_: str) -> list[Any]:
        return []


def _classifier(config: Config, device: str) -> Reward:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from wis.experiments.lm.grue.models import from_hub

    name = str(config.reward_model)
    tokenizer = from_hub(AutoTokenizer, name)
    model = from_hub(AutoModelForSequenceClassification, name).to(device).eval()

    @torch.no_grad()
    def reward(examples: Sequence[Example], texts: Sequence[str]) -> list[float]:
        whole = [example.prompt + text for example, text in zip(examples, texts, strict=True)]
        batch = tokenizer(whole, padding=True, truncation=True, max_length=512, return_tensors="pt").to(device)
        return _checked(model(**batch).logits.softmax(-1)[:, 1].tolist())

    return reward


def _checked(rewards: list[float]) -> list[float]:
    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("a reward is NaN or infinite")
    return [min(max(reward, 0.0), 1.0) for reward in rewards]
