"""A two-layer GPT-2 from scratch, generated tasks, and the three ways to train it: pretraining, SFT and RFT.

A prompt asks to copy, reverse or sort four letters; the answer is four letters. Pretraining sees lower-case letters
only. A chosen share of the finetuning prompts is asked, and must be answered, in upper case: an unseen format, which
is what makes the reward of an input almost constant, the case of Razin et al. (ICLR 2024, arXiv:2310.20703).
"""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from wis.lm import RewardTracker

LETTERS = 16
LENGTH = 4
TASKS = ("copy", "reverse", "sort")
_UPPER = LETTERS
_TASK = 2 * LETTERS
_END = _TASK + len(TASKS)
VOCABULARY = _END + 1
_EVALUATION_BATCH = 1024


class DivergedError(RuntimeError):
    """A loss or a parameter became NaN or infinite."""


@dataclass(frozen=True)
class Tuning:
    """How a finetuning phase goes.

    Attributes
    ----------
    steps, batch
        Number of updates, and of prompts in each.
    learning_rate
        Of Adam.
    samples
        Outputs a prompt in an update of RFT.
    temperature, entropy
        Sampling temperature, and coefficient of the entropy bonus, of RFT.
    """

    steps: int
    batch: int
    learning_rate: float
    samples: int = 4
    temperature: float = 1.0
    entropy: float = 0.0


@dataclass(frozen=True)
class Prompts:
    """Prompts int64 ``[n, LENGTH + 2]``, answers int64 ``[n, LENGTH]``, and which are in the unseen format."""

    prompts: Tensor
    answers: Tensor
    unseen: Tensor

    def __len__(self) -> int:
        return len(self.prompts)

    def take(self, index: Tensor) -> Prompts:
        """The prompts at `index`."""
        return Prompts(self.prompts[index], self.answers[index], self.unseen[index])


def make_prompts(count: int, unseen_share: float, rng: np.random.Generator) -> Prompts:
    """Draw prompts; exactly ``round(unseen_share * count)`` of them are in the unseen format."""
    letters = rng.integers(LETTERS, size=(count, LENGTH))
    task = rng.integers(len(TASKS), size=count)
    answer = np.select(
        [task[:, None] == 0, task[:, None] == 1], [letters, letters[:, ::-1]], default=np.sort(letters, axis=1)
    )
    unseen = np.arange(count) < round(unseen_share * count)
    shift = np.where(unseen, _UPPER, 0)[:, None]
    prompt = np.concatenate([task[:, None] + _TASK, letters + shift, np.full((count, 1), _END)], axis=1)
    order = rng.permutation(count)
    return Prompts(*(torch.from_numpy(part[order]) for part in (prompt, answer + shift, unseen)))


def token_f1(outputs: Tensor, answers: Tensor) -> Tensor:
    """F1 of the two bags of tokens, in [0, 1], float32 ``[n]``; both have LENGTH tokens, so it is the overlap share."""
    ours = functional.one_hot(outputs, VOCABULARY).sum(-2)
    theirs = functional.one_hot(answers, VOCABULARY).sum(-2)
    return torch.minimum(ours, theirs).sum(-1).float() / outputs.shape[-1]


def new_model(seed: int) -> torch.nn.Module:
    """A GPT-2 with two layers of width 32, without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=2 * LENGTH + 2, n_embd=32, n_layer=2, n_head=4,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=_END, eos_token_id=_END,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def answer_logits(model: torch.nn.Module, prompts: Tensor, outputs: Tensor) -> Tensor:
    """Logits of the output tokens given all before them, ``[n, LENGTH, VOCABULARY]``."""
    tokens = torch.cat([prompts, outputs[:, :-1]], dim=1)
    return model(input_ids=tokens).logits[:, prompts.shape[1] - 1 :]


@torch.no_grad()
def sample(model: torch.nn.Module, prompts: Tensor, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
    """Draw one output a prompt, int64 ``[n, LENGTH]``."""
    tokens, past, outputs = prompts, None, []
    for _ in range(LENGTH):
        step = model(input_ids=tokens, past_key_values=past, use_cache=True, logits_to_keep=1)
        # Gumbel's trick: no multinomial, whose checks are slow on small batches.
        noise = -torch.log(-torch.log(torch.rand(len(prompts), VOCABULARY, generator=generator).clamp(1e-20, 1 - 1e-7)))
        tokens, past = (step.logits[:, -1] / temperature + noise).argmax(-1, keepdim=True), step.past_key_values
        outputs.append(tokens)
    return torch.cat(outputs, dim=1)


def sample_rewards(model: torch.nn.Module, data: Prompts, samples: int, seed: int) -> NDArray[np.float32]:
    """Rewards of independent outputs at temperature 1, float32 ``[inputs, samples]``."""
    generator = torch.Generator().manual_seed(seed)
    prompts, answers = (part.repeat_interleave(samples, 0) for part in (data.prompts, data.answers))
    parts = [
        token_f1(sample(model, prompts[i : i + _EVALUATION_BATCH], generator), answers[i : i + _EVALUATION_BATCH])
        for i in range(0, len(prompts), _EVALUATION_BATCH)
    ]
    return torch.cat(parts).view(len(data), samples).numpy()


def track(model: torch.nn.Module, data: Prompts, samples: int, seed: int) -> RewardTracker:
    """The sampling pass: a tracker over the inputs."""
    return RewardTracker.from_rewards(sample_rewards(model, data, samples, seed), support=(0, 1))


def pretrain(model: torch.nn.Module, steps: int, seed: int, *, batch: int = 128, learning_rate: float = 3e-3) -> None:
    """Supervised training on fresh prompts in the seen format."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        data = make_prompts(batch, 0.0, rng)
        _update(model, optimizer, _likelihood_loss(model, data))


@functools.lru_cache(maxsize=1)
def _pretrained(seed: int, steps: int) -> torch.nn.Module:
    model = new_model(seed)
    pretrain(model, steps, seed)
    return model


def pretrained(seed: int, steps: int) -> torch.nn.Module:
    """A copy of the model that `pretrain` makes; the last one is remembered."""
    return copy.deepcopy(_pretrained(seed, steps))


def supervised(model: torch.nn.Module, data: Prompts, tuning: Tuning, seed: int) -> None:
    """Supervised finetuning (SFT) on labelled prompts."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=tuning.learning_rate)
    for _ in range(tuning.steps):
        index = torch.randint(len(data), (tuning.batch,), generator=generator)
        _update(model, optimizer, _likelihood_loss(model, data.take(index)))


def reinforce(model: torch.nn.Module, data: Prompts, tuning: Tuning, seed: int) -> None:
    """Reinforcement finetuning (RFT): the policy gradient with a leave-one-out baseline.

    One on-policy update a batch, which is where PPO's clipping does nothing. The reward is not divided by its std.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=tuning.learning_rate)
    for _ in range(tuning.steps):
        index = torch.randint(len(data), (tuning.batch,), generator=generator).repeat_interleave(tuning.samples)
        batch = data.take(index)
        outputs = sample(model, batch.prompts, generator, tuning.temperature)
        reward = token_f1(outputs, batch.answers).view(-1, tuning.samples)
        others = (reward.sum(1, keepdim=True) - reward) / (tuning.samples - 1)
        advantage = (reward - others).flatten()
        log_p = functional.log_softmax(answer_logits(model, batch.prompts, outputs) / tuning.temperature, dim=-1)
        chosen = log_p.gather(-1, outputs[..., None])[..., 0].sum(1)
        loss = -(advantage * chosen).mean()
        if tuning.entropy:
            loss = loss - tuning.entropy * -(log_p.exp() * log_p).sum(-1).mean()
        _update(model, optimizer, loss)


def _likelihood_loss(model: torch.nn.Module, data: Prompts) -> Tensor:
    logits = answer_logits(model, data.prompts, data.answers)
    return functional.cross_entropy(logits.flatten(0, 1), data.answers.flatten())


def _update(model: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    if not math.isfinite(loss.item()):
        raise DivergedError(f"the loss became {loss.item()}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
