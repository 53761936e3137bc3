"""TRL's GRPO with any KL configuration, the unbiased ones among them.

>>> from wis.lm.kl import KLConfiguration                                        # doctest: +SKIP
>>> from wis.lm.kl.trainer import KLTrainer
>>> unbiased = KLConfiguration(estimator="k3", ratio="prefix", sampler="old-policy")
>>> trainer = KLTrainer(model, reward_funcs=my_reward, args=GRPOConfig(beta=0.04), kl=unbiased, train_dataset=data)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from trl import GRPOTrainer

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.micro_batch import kl_loss, mask_of


class KLTrainer(GRPOTrainer):
    """GRPO whose KL term is that of a configuration; all else is TRL's.

    Parameters
    ----------
    *args, **kwargs
        Those of ``GRPOTrainer``. Its ``args.beta`` is the coefficient, and must be above 0: TRL then holds a reference.
    kl
        The configuration; its coefficient is not read. Its penalty joins after TRL's own baseline and scaling of the
        rewards, so `baseline` and `scaling` must be ``"none"``. Its aggregation is over a micro-batch, in whose means
        over outputs those count that ``mask_truncated_completions`` leaves without tokens, as in TRL.

    Raises
    ------
    ValueError
        If there is no beta, or the configuration asks for what happens elsewhere.

    Notes
    -----
    Reads log-probabilities where TRL computes them, in two private methods: tests hold it to the installed version.
    """

    def __init__(self, *args: Any, kl: KLConfiguration, **kwargs: Any) -> None:
        if kl.baseline != "none" or kl.scaling != "none":
            raise ValueError(
                "kl must have baseline='none' and scaling='none': the penalty joins after TRL's own (scale_rewards), "
                f"got {kl.baseline!r} and {kl.scaling!r}"
            )
        if kl.estimator == "full":
            raise ValueError("kl cannot have estimator='full': TRL keeps the log-probabilities of sampled tokens only")
        super().__init__(*args, **kwargs)
        if not self.beta or self.args.use_liger_kernel:
            raise ValueError("args must have beta above 0, for a reference, and not use_liger_kernel")
        self._kl = replace(kl, coefficient=self.beta)
        self._log_probs: Tensor | None = None

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if torch.is_grad_enabled():
            self._log_probs = found[0]
        return found

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        beta, self.beta = self.beta, 0.0
        try:
            loss = super()._compute_loss(model, inputs)
        finally:
            self.beta = beta
        if self._log_probs is None:
            raise RuntimeError("TRL computed no log-probabilities with a gradient; this version is not served")
        mode = "train" if model.training else "eval"
        self._log_divergence(mode, self._log_probs.detach(), inputs)
        accumulated = self.current_gradient_accumulation_steps if mode == "train" else 1
        return loss + kl_loss(self._kl, self._log_probs, inputs) / accumulated

    def _log_divergence(self, mode: str, log_probs: Tensor, inputs: dict[str, Any]) -> None:
        """K1 of whole outputs, the mean over those that have tokens."""
        mask = mask_of(inputs)
        gap = torch.where(mask, log_probs - inputs["ref_per_token_logps"], 0.0)
        totals = torch.stack([gap.sum(), mask.any(1).sum().to(gap.dtype)])
        summed, outputs = self.accelerator.reduce(totals, reduction="sum").tolist()
        if outputs:
            self._metrics[mode]["kl"].append(summed / outputs)
