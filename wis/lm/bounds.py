"""How large the expected gradient of one input can be, given the standard deviation of its reward.

For one input x, V(x; θ) = E[r(x, y)], outputs of L_out tokens and γ, the largest spectral norm over all prefixes of the
Jacobian of the logits by the parameters,

    Theorem 1   ‖∇V‖ ≤ 6 · L_out · γ · STD^(2/3)      form [paper], constant [2nd]; r in [-1, 1]
    ours        ‖∇V‖ ≤ L_out · γ · STD                [ours]; any r, tighter for STD ≤ 1
    PPO         ‖∇V_PPO‖ ≤ √2 · L_out · γ · max_l sqrt(E_old[ρ_l² 1{not clipped}]) · STD_old[r]   [ours]
                ("the same holds for the PPO gradient" [paper])

Ours is one step: ∇V = E[(r − V) Σ_l J_lᵀ (e_{y_l} − p_l)], Cauchy-Schwarz, and E‖e_y − p‖² = 1 − Σp² ≤ 1.

Source: Razin et al. (ICLR 2024, arXiv:2310.20703), Theorem 1. [2nd] marks what is known from a secondary source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wis.lm.policies import all_log_probs, all_prefixes, check_enumerable, sample_outputs, token_log_probs

Reward = Callable[[Tensor], Tensor]
_POWER_ITERATIONS = 30


def theorem1_bound(length: int, gamma: float, std: float) -> float:
    """``6 L_out γ STD^(2/3)``: form [paper], constant [2nd]; for rewards in [-1, 1]."""
    return 6 * length * gamma * std ** (2 / 3)


def linear_bound(length: int, gamma: float, std: float) -> float:
    """``L_out γ STD`` [ours]; for any rewards."""
    return length * gamma * std


def ppo_bound(length: int, gamma: float, old_std: float, ratio: float) -> float:
    """``√2 L_out γ ratio STD_old`` [ours], `ratio` as `ppo_gradient` gives it."""
    return math.sqrt(2) * length * gamma * ratio * old_std


def reward_moments(log_probs: Tensor, rewards: Tensor) -> tuple[float, float]:
    """Exact mean and standard deviation of the reward, for all outputs' log-probabilities and rewards ``[N]``."""
    p, r = log_probs.detach().double().exp(), rewards.double()
    value = (p * r).sum()
    return value.item(), (p * (r - value) ** 2).sum().clamp_min(0).sqrt().item()


def exact_gradient(policy: nn.Module, rewards: Tensor) -> Tensor:
    """∇V by enumeration, one flat vector.

    Parameters
    ----------
    policy
        See `wis.lm.policies`.
    rewards
        ``[V^L]``, in lexicographic order of the outputs.

    Raises
    ------
    ValueError
        If there are too many outputs, or rewards are not finite or of the wrong shape.
    """
    log_probs = all_log_probs(policy)
    check_rewards(rewards, len(log_probs))
    return _flat_gradient((log_probs.exp() * rewards).sum(), policy)


def ppo_gradient(policy: nn.Module, old: nn.Module, rewards: Tensor, clip: float = 0.2) -> tuple[Tensor, float]:
    """Gradient of PPO's clipped objective by enumeration, and the ratio that its bound needs.

    The objective is ``E_old[Σ_l min(ρ_l A, clip(ρ_l, 1 − clip, 1 + clip) A)]`` with ``A = r − V_old`` and the token
    ratio ``ρ_l``, no KL term.

    Returns
    -------
    gradient, ratio
        One flat vector, and ``max_l sqrt(E_old[ρ_l² 1{not clipped}])``.
    """
    check_enumerable(policy)
    outputs = all_prefixes(int(policy.num_tokens), int(policy.length))  # type: ignore[arg-type]
    check_rewards(rewards, len(outputs))
    with torch.no_grad():
        old_tokens = token_log_probs(old, outputs)
        weight = old_tokens.sum(1).exp()
        advantage = (rewards - (weight * rewards).sum())[:, None]
    rho = (token_log_probs(policy, outputs) - old_tokens).exp()
    surrogate = torch.minimum(rho * advantage, rho.clamp(1 - clip, 1 + clip) * advantage)
    gradient = _flat_gradient((weight[:, None] * surrogate).sum(), policy)
    with torch.no_grad():
        clipped = ((advantage > 0) & (rho > 1 + clip)) | ((advantage < 0) & (rho < 1 - clip))
        moments = (weight[:, None] * rho**2 * ~clipped).sum(0)
    return gradient, moments.max().sqrt().item()


def exact_gamma(policy: nn.Module) -> float:
    """Γ by enumeration: the largest singular value of the logits' Jacobian over all prefixes.

    Costs V backward passes for each of the ``1 + V + … + V^(L-1)`` prefixes.
    """
    check_enumerable(policy)
    num_tokens, length = int(policy.num_tokens), int(policy.length)  # type: ignore[arg-type]
    prefixes = (row[None] for level in range(length) for row in all_prefixes(num_tokens, level))
    return max(_spectral_norm(policy, prefix) for prefix in prefixes)


def estimate_gamma(
    policy: nn.Module, prefixes: Iterable[Tensor], *, iterations: int = _POWER_ITERATIONS, seed: int = 0
) -> float:
    """A lower bound on γ: power iteration on J Jᵀ over the given prefixes.

    Both halves of an iteration, JVP and VJP, cost about one training step; no Jacobian is formed. It can only be too
    small: for a prefix left out, or an iteration stopped early. So bounds made with it may fail.

    Parameters
    ----------
    policy
        See `wis.lm.policies`.
    prefixes
        int64 ``[1, l]`` each.
    iterations
        Power iterations a prefix.
    seed
        Of the vectors to start from.
    """
    generator = torch.Generator().manual_seed(seed)
    norms = [_power_iteration(policy, prefix, iterations, generator) for prefix in prefixes]
    if not norms:
        raise ValueError("prefixes is empty; give at least one")
    return max(norms)


@dataclass(frozen=True)
class Diagnosis:
    """What one input offers to reinforcement finetuning.

    Attributes
    ----------
    value, std
        Mean and standard deviation of the reward.
    std_low, std_high
        Interval of the standard deviation; equal to it where it is exact.
    gradient_norm
        ‖∇V‖ of this input alone; where sampled, the root of an unbiased estimate of its square, 0 if that is negative.
    gamma
        γ, a lower bound where estimated.
    length
        Tokens in an output.
    exact
        Whether outputs and prefixes were enumerated.
    in_range
        Whether all rewards are in [-1, 1], as Theorem 1 asks.
    """

    value: float
    std: float
    std_low: float
    std_high: float
    gradient_norm: float
    gamma: float
    length: int
    exact: bool
    in_range: bool

    @property
    def theorem1(self) -> float:
        """Theorem 1's bound, NaN if rewards leave [-1, 1]."""
        return theorem1_bound(self.length, self.gamma, self.std) if self.in_range else math.nan

    @property
    def linear(self) -> float:
        """Our bound."""
        return linear_bound(self.length, self.gamma, self.std)

    def __str__(self) -> str:
        how = "enumerated" if self.exact else f"sampled, 95% interval {self.std_low:.4g} to {self.std_high:.4g}"
        known = "over all prefixes" if self.exact else "a lower bound: power iteration over sampled prefixes"
        caveat = "" if self.exact else "\nBounds made with a sampled std and a lower bound on gamma may fail."
        outside = "" if self.in_range else " (rewards leave [-1, 1]: it does not apply)"
        return (
            f"reward mean {self.value:.4g}, std {self.std:.4g} ({how})\n"
            f"gamma {self.gamma:.4g} ({known}), output length {self.length}\n"
            f"gradient norm   {self.gradient_norm:.4g}\n"
            f"ours            {self.linear:.4g}   L gamma STD [ours]\n"
            f"Theorem 1       {self.theorem1:.4g}   6 L gamma STD^(2/3), form [paper], constant [2nd]{outside}{caveat}"
        )


def diagnose(policy: nn.Module, reward: Reward) -> Diagnosis:
    """Gradient norm, bounds and std of one input, exactly.

    Parameters
    ----------
    policy
        The model after the input (`wis.lm.policies`); few tokens and steps.
    reward
        Maps outputs, int64 ``[N, L]``, to rewards ``[N]``.
    """
    check_enumerable(policy)
    outputs = all_prefixes(int(policy.num_tokens), int(policy.length))  # type: ignore[arg-type]
    rewards = reward(outputs)
    gradient = exact_gradient(policy, rewards)
    value, std = reward_moments(all_log_probs(policy), rewards)
    return Diagnosis(
        value, std, std, std, gradient.norm().item(), exact_gamma(policy), outputs.shape[1], True, _in_range(rewards)
    )


def diagnose_sampled(
    policy: nn.Module,
    reward: Reward,
    *,
    samples: int = 64,
    prefixes: int = 8,
    support: tuple[float, float] = (-1.0, 1.0),
    seed: int = 0,
) -> Diagnosis:
    """The same for models too large to enumerate, from samples.

    Parameters
    ----------
    policy, reward
        As for `diagnose`.
    samples
        Outputs drawn, at least 4. The squared gradient norm is the product of the gradients of two independent halves,
        which is unbiased, unlike the square of one.
    prefixes
        Prefixes of these outputs that γ is estimated over.
    support
        Lowest and highest possible reward, for the interval.
    seed
        Of the samples.
    """
    from wis.lm.tracker import RewardTracker

    if samples < 4:
        raise ValueError(f"samples must be at least 4: two halves of two, got {samples}")
    if prefixes < 1:
        raise ValueError(f"prefixes must be at least 1, got {prefixes}")
    generator = torch.Generator().manual_seed(seed)
    outputs = sample_outputs(policy, samples, generator)
    rewards = reward(outputs).double()
    check_rewards(rewards, samples)
    tracker = RewardTracker.from_rewards(rewards[None], support=support)
    low, high = tracker.interval()
    halves = [_score_gradient(policy, outputs[part::2], rewards[part::2]) for part in range(2)]
    squared = (halves[0] * halves[1]).sum().item()
    length = outputs.shape[1]
    chosen = [outputs[i : i + 1, : i % length] for i in range(min(prefixes, samples))]
    return Diagnosis(
        value=float(tracker.mean()[0]),
        std=float(tracker.std()[0]),
        std_low=float(low[0]),
        std_high=float(high[0]),
        gradient_norm=math.sqrt(max(squared, 0.0)),
        gamma=estimate_gamma(policy, chosen, seed=seed),
        length=length,
        exact=False,
        in_range=_in_range(rewards),
    )


def check_rewards(rewards: Tensor, outputs: int) -> None:
    """Raise `ValueError` unless there is one finite reward an output."""
    if rewards.shape != (outputs,):
        raise ValueError(f"rewards must have the shape [{outputs}], one an output, got {list(rewards.shape)}")
    if not bool(torch.isfinite(rewards).all()):
        raise ValueError("rewards must be finite: one of them is NaN or infinite")


def _in_range(rewards: Tensor) -> bool:
    return bool((rewards.abs() <= 1).all())


def _flat_gradient(objective: Tensor, policy: nn.Module) -> Tensor:
    parameters = [p for p in policy.parameters() if p.requires_grad]
    parts = torch.autograd.grad(objective, parameters, allow_unused=True)
    flat = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, parts, strict=True)]
    return torch.cat([part.flatten() for part in flat])


def _score_gradient(policy: nn.Module, outputs: Tensor, rewards: Tensor) -> Tensor:
    """Unbiased estimate of ∇V: the score function with a leave-one-out baseline."""
    others = (rewards.sum() - rewards) / (len(rewards) - 1)
    log_probs = token_log_probs(policy, outputs).sum(1)
    return _flat_gradient(((rewards - others) * log_probs).mean(), policy)


def _spectral_norm(policy: nn.Module, prefix: Tensor) -> float:
    logits = policy(prefix)[0]
    parameters = [p for p in policy.parameters() if p.requires_grad]
    gram = torch.zeros(len(logits), len(logits), dtype=torch.float64)
    rows = [torch.autograd.grad(logit, parameters, retain_graph=True, allow_unused=True) for logit in logits]
    for column in zip(*rows, strict=True):
        used = [part for part in column if part is not None]
        if used:
            block = torch.stack([torch.zeros_like(used[0]) if part is None else part for part in column]).flatten(1)
            gram += (block @ block.T).double()
    return math.sqrt(max(torch.linalg.eigvalsh(gram)[-1].item(), 0.0))


def _power_iteration(policy: nn.Module, prefix: Tensor, iterations: int, generator: torch.Generator) -> float:
    from torch.func import functional_call, jvp, vjp
    from torch.nn.attention import SDPBackend, sdpa_kernel

    parameters = {name: p.detach() for name, p in policy.named_parameters() if p.requires_grad}

    def logits(values: dict[str, Tensor]) -> Tensor:
        return functional_call(policy, values, (prefix,))[0]

    norm = 0.0
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no forward-mode derivative
        output, pull, *_ = vjp(logits, parameters)
        u = torch.randn(output.shape, generator=generator, dtype=output.dtype).to(output.device)
        for _ in range(iterations):
            (back,) = pull(u / u.norm())
            norm = math.sqrt(sum(float((part**2).sum()) for part in back.values()))
            if norm == 0:
                return 0.0
            u = jvp(logits, (parameters,), (back,))[1]
    return norm
