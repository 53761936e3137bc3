"""GPT-2 and T5 behind one face: draw outputs, and give each token's log-probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from wis.experiments.lm.grue.config import Config, Generation


@dataclass(frozen=True)
class Outputs:
    """Sampled outputs: tokens ``[n, T]``, which of them count ``[n, T]`` (the first end token included), and texts."""

    tokens: Tensor
    mask: Tensor
    texts: list[str]


@dataclass(frozen=True)
class Scores:
    """Of each token: log-probability ``[n, T]``, entropy of its distribution ``[n, T]``, hidden state ``[n, T, d]``."""

    log_probs: Tensor
    entropy: Tensor
    hidden: Tensor


class LanguageModel:
    """A language model and its tokenizer.

    Parameters
    ----------
    model, tokenizer
        Of `transformers`. The model stays in evaluation mode also while it is trained: dropout would make the ratios
        of PPO random [ours].
    architecture
        ``"causal"`` or ``"seq2seq"``.
    prompt_tokens
        Tokens of a prompt at most; a causal model keeps the last ones, a T5 the first.
    """

    def __init__(self, model: Any, tokenizer: Any, architecture: str, prompt_tokens: int = 512) -> None:
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.model, self.tokenizer = model.eval(), tokenizer
        self.architecture, self.seq2seq = architecture, architecture == "seq2seq"
        self.prompt_tokens = prompt_tokens
        tokenizer.padding_side = "right" if self.seq2seq else "left"
        tokenizer.truncation_side = "right" if self.seq2seq else "left"

    @classmethod
    def load(cls, config: Config, name: str | None = None, device: str = "cpu") -> LanguageModel:
        """Read a model from a folder or the hub, by default the one of the data set."""
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

        name = name or config.model
        kind = AutoModelForSeq2SeqLM if config.architecture == "seq2seq" else AutoModelForCausalLM
        model = from_hub(kind, name).to(device)
        return cls(model, from_hub(AutoTokenizer, name), config.architecture, config.prompt_tokens)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def width(self) -> int:
        """Width of a hidden state."""
        return int(self.model.config.hidden_size)

    def save(self, folder: Any) -> None:
        """Write model and tokenizer as `transformers` does."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def encode(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids and mask of prompts, padded."""
        batch = self.tokenizer(
            list(prompts), padding=True, truncation=True, max_length=self.prompt_tokens, return_tensors="pt"
        )
        return {key: batch[key].to(self.device) for key in ("input_ids", "attention_mask")}

    @torch.no_grad()
    def generate(self, prompts: Sequence[str], generation: Generation, seed: int) -> Outputs:
        """Draw one output a prompt; the same seed gives the same outputs on the same machine."""
        batch = self.encode(prompts)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            whole = self.model.generate(
                **batch,
                do_sample=True,
                top_k=generation.top_k,
                temperature=generation.temperature,
                min_new_tokens=generation.min_new_tokens,
                max_new_tokens=generation.max_new_tokens,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        tokens = whole[:, 1:] if self.seq2seq else whole[:, batch["input_ids"].shape[1] :]
        return self.outputs(tokens)

    def outputs(self, tokens: Tensor) -> Outputs:
        """Outputs from tokens ``[n, T]`` that may go on with padding after the end token."""
        ended = (tokens == self.tokenizer.eos_token_id).cumsum(1)
        mask = (ended == 0) | ((ended == 1) & (tokens == self.tokenizer.eos_token_id))
        texts = self.tokenizer.batch_decode(
            [row[keep].tolist() for row, keep in zip(tokens, mask, strict=True)], skip_special_tokens=True
        )
        return Outputs(tokens, mask, texts)

    def targets(self, texts: Sequence[str], longest: int) -> Outputs:
        """Reference texts as outputs, each with an end token."""
        end = self.tokenizer.eos_token_id
        rows = [[*self.tokenizer(text, add_special_tokens=False)["input_ids"][: longest - 1], end] for text in texts]
        width = max(map(len, rows))
        tokens = torch.tensor([row + [end] * (width - len(row)) for row in rows], device=self.device)
        mask = torch.tensor([[i < len(row) for i in range(width)] for row in rows], device=self.device)
        return Outputs(tokens, mask, list(texts))

    def score(self, prompts: Sequence[str], outputs: Outputs) -> Scores:
        """Scores of the output tokens, with gradients; the distribution is the whole one, without top-k [ours]."""
        batch = self.encode(prompts)
        length = outputs.tokens.shape[1]
        if self.seq2seq:
            start = torch.full_like(outputs.tokens[:, :1], self.model.config.decoder_start_token_id)
            found = self.model(
                **batch, decoder_input_ids=torch.cat([start, outputs.tokens[:, :-1]], 1), output_hidden_states=True
            )
            logits, hidden = found.logits, found.decoder_hidden_states[-1]
        else:
            tokens = torch.cat([batch["input_ids"], outputs.tokens], 1)
            mask = torch.cat([batch["attention_mask"], outputs.mask.long()], 1)
            positions = (mask.cumsum(1) - 1).clamp_min(0)
            found = self.model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                output_hidden_states=True,
                use_cache=False,
            )
            logits, hidden = found.logits[:, -length - 1 : -1], found.hidden_states[-1][:, -length - 1 : -1]
        log_p = torch.log_softmax(logits.float(), dim=-1)
        chosen = log_p.gather(-1, outputs.tokens[..., None])[..., 0]
        return Scores(chosen * outputs.mask, -(log_p.exp() * log_p).sum(-1) * outputs.mask, hidden)


def from_hub(kind: Any, name: str) -> Any:
    """``kind.from_pretrained(name)``, with an error that says what to do.

    Raises
    ------
    RuntimeError
        If it is neither a folder nor to be had from the hub.
    """
    try:
        return kind.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RuntimeError(
            f"cannot load {name!r}: it is no folder with a model, and the hub did not give it ({reason}). "
            "Give a local folder instead."
        ) from error
