"""Gradient norm, bounds and std of one input, for the command line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.experiments.pages.page import Section, write_page

if TYPE_CHECKING:
    from torch import Tensor

    from wis.lm.bounds import Diagnosis

_MOST_ENUMERATED = 4096
_DEFAULT_SAMPLES = 64


def diagnose_input(
    model: Path | None, prompt: str, target: str, length: int, samples: int | None, seed: int
) -> tuple[Diagnosis, str]:
    """Diagnose a model (a folder, or None for a tiny random GPT-2) after `prompt`.

    The reward is 1 for outputs that have the target token, or whose text has the target text, and −1 for the others.
    Returns the diagnosis and one line on what was diagnosed.
    """
    import torch

    from wis.lm.bounds import diagnose, diagnose_sampled
    from wis.lm.policies import CausalPolicy

    network, tokenizer = _load(model, seed)
    start = _ids(prompt, tokenizer)
    room = getattr(network.config, "max_position_embeddings", math.inf) - len(start)
    if length > room:
        raise ValueError(f"--length must be at most {room}, what the model reads after the prompt, got {length}")
    policy = CausalPolicy(network, torch.tensor(start), length)
    wanted = _ids(target, None) if target.replace(",", "").strip().isdigit() else None
    if wanted is None and tokenizer is None:
        raise ValueError(f"the target must be a token id for a model without a tokenizer, got {target!r}")
    beyond = [token for token in (*start, *(wanted or ())) if not 0 <= token < policy.num_tokens]
    if beyond:
        raise ValueError(f"the model's token ids are 0 to {policy.num_tokens - 1}, got {beyond[0]}")

    def reward(outputs: Tensor) -> Tensor:
        if wanted is not None:
            hit = torch.isin(outputs, torch.tensor(wanted)).any(1)
        else:
            hit = torch.tensor([target in text for text in tokenizer.batch_decode(outputs)])
        return 2 * hit.double() - 1

    name = "a tiny random GPT-2" if model is None else str(model)
    what = f"{name} after {prompt!r}, reward 1 for {target!r} and -1 otherwise"
    if samples is None and policy.num_tokens**length <= _MOST_ENUMERATED:
        return diagnose(policy, reward), what
    return diagnose_sampled(policy, reward, samples=samples or _DEFAULT_SAMPLES, seed=seed), what


def write_report(found: Diagnosis, what: str, path: Path, command: str) -> None:
    """Write the page."""
    import pandas as pd

    table = pd.DataFrame(
        [
            ("gradient norm", found.gradient_norm, "[ours]"),
            ("gradient norm over STD", found.gradient_per_std, "[ours]"),
            ("our bound, γ STD √(L/2)", found.linear, "[ours]"),
            ("Theorem 1, 6 L γ STD^(2/3)", found.theorem1, "form [paper], constant [2nd]"),
            ("STD", found.std, f"interval {found.std_low:.4g} to {found.std_high:.4g}"),
            ("γ", found.gamma, "over all prefixes" if found.exact else "a lower bound"),
        ],
        columns=["quantity", "value", "note"],
    )
    write_page(path, "Gradient of one input", command, [Section(what, str(found).replace("\n", "\n\n"), [table])])


def _load(model: Path | None, seed: int) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel
    from wis.experiments.lm.grue.models import from_hub

    if model is not None:
        return from_hub(AutoModelForCausalLM, str(model)), from_hub(AutoTokenizer, str(model))
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=8, n_positions=32, n_embd=32, n_layer=1, n_head=2, initializer_range=0.3, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    return GPT2LMHeadModel(config), None


def _ids(text: str, tokenizer: Any) -> list[int]:
    if tokenizer is not None and not text.replace(",", "").strip().isdigit():
        return list(tokenizer(text)["input_ids"])
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"a model without a tokenizer needs token ids as '3,1,4', got {text!r}") from None
