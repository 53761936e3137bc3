"""What the KL term of a running TRL job does, in its logs.

>>> from wis.lm.kl.live import KLMonitor                                         # doctest: +SKIP
>>> monitor = KLMonitor()
>>> trainer = GRPOTrainer(model, reward_funcs=my_reward, args=GRPOConfig(beta=0.04), train_dataset=data)
>>> monitor.attach(trainer)
>>> trainer.train()

The training is not changed: no random number is drawn, and no gradient is left behind.
"""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import TrainerCallback

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.divisors import divisors
from wis.lm.kl.libraries import trl
from wis.lm.kl.micro_batch import kl_loss, mask_of
from wis.lm.trained_reward import TrainedReward

PREFIX = "kl_objective"
GROUP, DEAD = f"{PREFIX}_group", f"{PREFIX}_dead"  # columns that travel with TRL's batches
CLAMP = 10.0  # verl's, NeMo-RL's and SkyRL's bound on K3


class KLMonitor(TrainerCallback):
    """Logs the sequence KL with its interval, and what the KL gradient is made of.

    Parameters
    ----------
    every
        Optimiser steps between two measurements of gradients, each a forward and two backward passes of `outputs` rows.
    outputs
        Rows of a micro-batch that gradients are measured on.

    Attributes
    ----------
    seconds
        Time spent here so far.

    Notes
    -----
    In each log line of training, under ``kl_objective/``:

    ``sequence``, ``sequence_low``, ``sequence_high``
        KL(π ‖ ref) of whole outputs since the last line, the mean of the sum of K3 over tokens, with its 95% interval.
        Outputs of one group, which are alike, count as one cluster in it: Student's t with as many degrees of freedom
        as there are groups less one; infinite for a single group. Outputs that ``mask_truncated_completions`` leaves
        without tokens are in neither.
    ``cosine``, ``ratio``
        The run's KL gradient against the unbiased one of the same outputs (K3 times the prefix ratio): a sample of the
        direction and of the size, not their expectation.
    ``dead_share``
        Share of the KL gradient, by its size at the tokens' log-probabilities, from inputs whose rewards give no
        advantage: all tie, or fewer than two outputs have one.
    ``effective_beta_p10``, ``effective_beta_median``
        Over inputs, β times what their rewards are divided by: the std of the group or of the generated batch, as
        ``scale_rewards`` says, or 1. With ``multi_objective_aggregation="normalize_then_sum"``, the std of the group's
        weighted sum of rewards over that of its advantages. Inputs with fewer than two rewards are left out.
    ``beyond_clamp``
        Share of tokens whose K3 is above 10, where other trainers clamp it.
    """

    def __init__(self, *, every: int = 50, outputs: int = 4) -> None:
        self.seconds = 0.0
        self._every, self._outputs = every, outputs
        self._trainer: Any = None
        self._rewards: Tensor | None = None
        self._seen_groups = 0
        self._log_probs: Tensor | None = None
        self._probed = -1
        self._stopped = False
        self._clear()

    def attach(self, trainer: Any) -> None:
        """Watch a ``GRPOTrainer``.

        Raises
        ------
        TypeError
            If it is another trainer: RLOO's KL is in its reward, see `wis.lm.kl.advise`.
        ValueError
            If there is no KL term, or it is computed where it cannot be seen.
        """
        if (
            not hasattr(trainer, "_compute_loss")
            or "beta" not in vars(trainer.args)
            or "RLOO" in type(trainer).__name__
        ):
            raise TypeError(f"trainer must be a GRPOTrainer, got {type(trainer).__name__}")
        if getattr(trainer.args, "use_liger_kernel", False):
            raise ValueError("trainer.args.use_liger_kernel computes the KL term out of sight; turn it off")
        terms = trl.read(trl.settings_of(trainer.args)).terms
        if not terms:
            raise ValueError("trainer.args.beta is 0: there is no KL term to watch")
        self._trainer, self._configuration = trainer, getattr(trainer, "_kl", terms[0])
        for name, wrap in (
            ("_calculate_rewards", self._see_rewards),
            ("_generate_and_score_completions", self._see_generation),
            ("_get_per_token_logps_and_entropies", self._see_log_probs),
            ("_compute_loss", self._see_loss),
        ):
            setattr(trainer, name, wrap(getattr(trainer, name)))
        trainer.callback_handler.callbacks.insert(0, self)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Add the numbers to a log line of training."""
        if logs is None or not self._divergences or not self._trainer.model.training:
            return
        found = {f"{PREFIX}/{name}": value for name, value in self._summary().items()}
        self._clear()
        logs.update(found)
        if state.log_history:
            state.log_history[-1].update(found)

    def _clear(self) -> None:
        self._divergences: list[Tensor] = []
        self._groups: list[Tensor] = []
        self._beyond: list[Tensor] = []
        self._divisors: list[NDArray[np.float64]] = []
        self._gradients: dict[str, float] = {}

    def _summary(self) -> dict[str, float]:
        divergences = torch.cat(self._divergences).double().numpy()
        mean, margin = float(divergences.mean()), half_interval(divergences, torch.cat(self._groups).numpy())
        found = {"sequence": mean, "sequence_low": mean - margin, "sequence_high": mean + margin}
        beyond, tokens = torch.stack(self._beyond).sum(0).tolist()
        found["beyond_clamp"] = beyond / tokens
        divided = np.concatenate([np.zeros(0), *self._divisors])
        divided = divided[~np.isnan(divided)]
        if len(divided):
            low, middle = np.quantile(self._trainer.beta * divided, (0.1, 0.5)).tolist()
            found |= {"effective_beta_p10": low, "effective_beta_median": middle}
        return found | self._gradients

    def _see_rewards(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def seen(*args: Any, **kwargs: Any) -> Any:
            self._rewards = original(*args, **kwargs)
            return self._rewards

        return seen

    def _see_generation(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def seen(*args: Any, **kwargs: Any) -> Any:
            batch = original(*args, **kwargs)
            self._guarded(lambda: self._tag(batch))
            return batch

        return seen

    def _see_log_probs(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def seen(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            if torch.is_grad_enabled():
                self._log_probs = found[0].detach()
            return found

        self._compute_log_probs = original
        return seen

    def _see_loss(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def seen(model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            loss = original(model, inputs, *args, **kwargs)
            if self._trainer.model.training:
                self._guarded(lambda: self._measure(inputs))
            return loss

        return seen

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do the work and time it; a diagnostic must not end a training run."""
        if self._stopped:
            return
        start = time.perf_counter()
        try:
            work()
        except Exception as error:
            self._stopped = True
            warnings.warn(f"the KL term is no longer watched: {error}", stacklevel=3)
        self.seconds += time.perf_counter() - start

    def _tag(self, batch: dict[str, Any]) -> None:
        """Give each row the number of its group and whether that is dead, which then travel through TRL's shuffling."""
        trainer = self._trainer
        if not trainer.model.training or self._rewards is None:
            return
        trained = TrainedReward.of(trainer)  # weights may follow a schedule
        rewards = self._rewards.detach().float().cpu().numpy()
        groups = np.arange(len(rewards)) // trained.group_size
        dead = np.array([not trained.has_spread(rewards[groups == group]) for group in range(groups[-1] + 1)])
        local, device = len(batch["completion_ids"]), batch["completion_ids"].device
        start = trainer.accelerator.process_index * local
        own = groups[start : start + local]
        batch[GROUP] = torch.from_numpy(own + self._seen_groups).to(device)
        batch[DEAD] = torch.from_numpy(dead[own]).to(device)
        self._seen_groups += len(dead)
        self._divisors.append(divisors(trained, rewards))

    def _measure(self, inputs: dict[str, Any]) -> None:
        if self._log_probs is None:
            return
        mask = mask_of(inputs)
        kept = mask.any(1)
        if not bool(kept.any()):
            return
        gap = torch.where(mask, self._log_probs - inputs["ref_per_token_logps"], 0.0).float()
        k3 = torch.expm1(-gap) + gap
        self._divergences.append(k3.sum(1)[kept].cpu())
        self._groups.append(inputs[GROUP][kept].cpu())
        self._beyond.append(torch.stack([(k3 > CLAMP).sum(), mask.sum()]).cpu())
        step = self._trainer.state.global_step
        if step % self._every == 0 and step != self._probed:
            self._probed = step
            some = torch.nonzero(kept)[: self._outputs, 0]
            self._probe({name: _rows(value, some) for name, value in inputs.items()})

    def _probe(self, inputs: dict[str, Any]) -> None:
        """Gradients of the run's KL term and of the unbiased one, on a few rows."""
        trainer = self._trainer
        model = trainer.accelerator.unwrap_model(trainer.model)
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
        attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
        devices = [ids.device] if ids.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.enable_grad():  # dropout draws numbers
            log_probs = self._compute_log_probs(model, ids, attention, inputs["completion_ids"].shape[1])[0]
        plain = replace(self._configuration, baseline="none", scaling="none")
        run = kl_loss(plain, log_probs, inputs)
        unbiased = kl_loss(_unbiased(plain), log_probs, inputs)
        (at_tokens,) = torch.autograd.grad(run, log_probs, retain_graph=True)
        size = at_tokens.abs().sum(1)
        self._gradients["dead_share"] = float(size[inputs[DEAD]].sum() / size.sum().clamp_min(1e-30))
        parameters = [p for p in model.parameters() if p.requires_grad]
        first = torch.autograd.grad(run, parameters, retain_graph=True, allow_unused=True)
        second = torch.autograd.grad(unbiased, parameters, allow_unused=True)
        pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
        dot, aa, bb = (sum(float((x * y).sum()) for x, y in rows) for rows in _products(pairs))
        self._gradients["cosine"] = dot / math.sqrt(max(aa * bb, 1e-30))
        self._gradients["ratio"] = math.sqrt(aa / max(bb, 1e-30))


def half_interval(values: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Half of the 95% interval of the mean of `values`, of which those of one group depend on each other."""
    from scipy.special import stdtrit

    _, index = np.unique(groups, return_inverse=True)
    off = np.bincount(index, values - values.mean())
    count = len(off)
    if count < 2:
        return math.inf
    deviation = math.sqrt(count / (count - 1) * float((off**2).sum())) / len(values)
    return float(stdtrit(count - 1, 0.975)) * deviation


def _unbiased(configuration: KLConfiguration) -> KLConfiguration:
    """K3 times the prefix ratio, aggregated as the run does if that is unbiased."""
    biased = configuration.aggregation == "sequence-mean-token-mean"
    return KLConfiguration(
        coefficient=configuration.coefficient,
        estimator="k3",
        ratio="prefix",
        aggregation="token-mean" if biased else configuration.aggregation,
        constant_length=configuration.constant_length,
        sampler="rollout-engine",
    )


def _products(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[tuple[Tensor, Tensor]], ...]:
    return pairs, [(a, a) for a, _ in pairs], [(b, b) for _, b in pairs]


def _rows(value: Any, rows: Tensor) -> Any:
    return value[rows] if isinstance(value, Tensor) and value.ndim else value
