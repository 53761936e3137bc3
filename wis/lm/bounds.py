"""How large the expected gradient of one input can be, given the standard deviation of its reward.

For one input x, V(x; θ) = E[r(x, y)], outputs of L_out tokens and γ, the largest spectral norm over all prefixes of the
Jacobian of the logits by the parameters,

    Theorem 1   ‖∇V‖ ≤ 6 · L_out · γ · STD^(2/3)      form [paper], constant [2nd]; r in [-1, 1]
    ours        ‖∇V‖ ≤ γ · STD · √(L_out / 2)         [ours]; any r, tighter for STD ≤ 1, and attained
    PPO         ‖∇V_PPO‖ ≤ √2 · L_out · γ · max_l sqrt(E_old[ρ_l² 1{not clipped}]) · STD_old[r]   [ours]
                ("the same holds for the PPO gradient" [paper])

Ours: at a prefix with next-token probabilities p, let Q_i be the expected reward after token i. The gradient by the
logits there is (diag p − ppᵀ) Q. Its squared norm is at most λmax · Var Q, and λmax(diag p − ppᵀ) ≤ 1/2 (Gershgorin).
The variances along an output sum to that of the reward, Σ_l E Var(Q_l | prefix) = STD², so Cauchy-Schwarz over the
L_out positions gives √(L_out / 2). One weight shared by all positions attains it. For a model of many parameters γ is
so large that every such bound says little; there ‖∇V‖ / STD, which it bounds, is what to compare between inputs.

Source: Razin et al. (ICLR 2024, arXiv:2310.20703), Theorem 1. [2nd] marks what is known from a secondary source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wis.checks import check_count, check_number
from wis.extras import needed_for
from wis.lm.policies import (
    all_log_probs,
    all_prefixes,
    check_enumerable,
    check_policy,
    check_probabilities,
    check_tokens,
    next_logits,
    sample_outputs,
    token_log_probs,
)

with needed_for("wis.lm.bounds"):
    import torch
    from torch import Tensor, nn

Reward = Callable[[Tensor], Tensor]
_POWER_ITERATIONS = 30
_SEEDS = 2**64


def theorem1_bound(length: int, gamma: float, std: float) -> float:
    """``6 L_out γ STD^(2/3)``: form [paper], constant [2nd]; for rewards in [-1, 1].

    Parameters
    ----------
    length
        L_out, tokens in an output, at least 1.
    gamma
        γ, finite and at least 0.
    std
        Standard deviation of the reward, finite and at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is no number, or out of range.
    """
    return 6 * _scale(length, gamma) * check_number("std", std, at_least=0) ** (2 / 3)


def linear_bound(length: int, gamma: float, std: float) -> float:
    """``γ STD √(L_out / 2)`` [ours]; for any rewards. Arguments and errors are those of `theorem1_bound`."""
    return _scale(length, gamma) / math.sqrt(2 * length) * check_number("std", std, at_least=0)


def ppo_bound(length: int, gamma: float, old_std: float, ratio: float) -> float:
    """``√2 L_out γ ratio STD_old`` [ours], `ratio` as `ppo_gradient` gives it; the rest as in `theorem1_bound`."""
    old_std, ratio = check_number("old_std", old_std, at_least=0), check_number("ratio", ratio, at_least=0)
    return math.sqrt(2) * _scale(length, gamma) * ratio * old_std


def _scale(length: int, gamma: float) -> float:
    return check_count("length", length, at_least=1) * check_number("gamma", gamma, at_least=0)


def reward_moments(log_probs: Tensor, rewards: Tensor) -> tuple[float, float]:
    """Exact mean and standard deviation of the reward, for all outputs' log-probabilities and rewards ``[N]``.

    Raises
    ------
    TypeError, ValueError
        If one is no tensor, shapes disagree, a reward is not finite, or the probabilities do not sum to 1.
    """
    if not isinstance(log_probs, Tensor) or log_probs.ndim != 1:
        raise TypeError(f"log_probs must be a torch.Tensor of the shape [N], got {type(log_probs).__name__}")
    check_probabilities(log_probs.detach().exp(), "the exponentials of log_probs")
    p, r = log_probs.detach().double().exp(), check_rewards(rewards, len(log_probs))
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
        If there are too many outputs, nothing to train, or rewards are not finite or of the wrong shape.
    TypeError
        If `policy` is no policy, or rewards are no tensor of numbers.
    """
    log_probs = all_log_probs(policy)
    rewards = check_rewards(rewards, len(log_probs))
    return _flat_gradient((log_probs.exp() * rewards).sum(), policy)


def ppo_gradient(policy: nn.Module, old: nn.Module, rewards: Tensor, clip: float = 0.2) -> tuple[Tensor, float]:
    """Gradient of PPO's clipped objective by enumeration, and the ratio that its bound needs.

    The objective is ``E_old[Σ_l min(ρ_l A, clip(ρ_l, 1 − clip, 1 + clip) A)]`` with ``A = r − V_old`` and the token
    ratio ``ρ_l``, no KL term.

    Returns
    -------
    gradient, ratio
        One flat vector, and ``max_l sqrt(E_old[ρ_l² 1{not clipped}])``.

    Raises
    ------
    TypeError, ValueError
        As `exact_gradient`; also if `old` is no policy over the same outputs, or `clip` is no number of at least 0.
    """
    sizes = check_enumerable(policy)
    if check_policy(old, "old") != sizes:
        raise ValueError(f"old must have the tokens and length of policy, {sizes}, got {check_policy(old, 'old')}")
    check_number("clip", clip, at_least=0)
    outputs = all_prefixes(*sizes)
    rewards = check_rewards(rewards, len(outputs))
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

    Costs V backward passes for each of the ``1 + V + … + V^(L-1)`` prefixes. `TypeError` if `policy` is no policy,
    `ValueError` if it has too many outputs, nothing to train, or logits that are not finite.
    """
    num_tokens, length = check_enumerable(policy)
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

    Raises
    ------
    TypeError, ValueError
        If `policy` is no policy or has nothing to train, there is no prefix, one is not of its tokens and length, or
        an argument is no count.
    """
    check_count("iterations", iterations, at_least=1)
    generator = _seeded(seed)
    norms = [_power_iteration(policy, prefix, iterations, generator) for prefix in _check_prefixes(policy, prefixes)]
    if not all(map(math.isfinite, norms)):
        raise ValueError("gamma is not finite: the logits of the policy, or their gradients, are not all finite")
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

    @property
    def gradient_per_std(self) -> float:
        """‖∇V‖ / STD: what the input gives for its std, whatever γ is; NaN where the std is 0."""
        return self.gradient_norm / self.std if self.std else math.nan

    def __str__(self) -> str:
        how = "enumerated" if self.exact else f"sampled, 95% interval {self.std_low:.4g} to {self.std_high:.4g}"
        known = "over all prefixes" if self.exact else "a lower bound: power iteration over sampled prefixes"
        caveat = "" if self.exact else "\nBounds made with a sampled std and a lower bound on gamma may fail."
        outside = "" if self.in_range else " (rewards leave [-1, 1]: it does not apply)"
        return (
            f"reward mean {self.value:.4g}, std {self.std:.4g} ({how})\n"
            f"gamma {self.gamma:.4g} ({known}), output length {self.length}\n"
            f"gradient norm   {self.gradient_norm:.4g}\n"
            f"over STD        {self.gradient_per_std:.4g}   by it compare inputs of a model whose gamma is large\n"
            f"ours            {self.linear:.4g}   gamma STD sqrt(L/2) [ours]\n"
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

    Raises
    ------
    TypeError, ValueError
        As `exact_gradient`; also if `reward` is no function.
    """
    outputs = all_prefixes(*check_enumerable(policy))
    rewards = _rewards_of(reward, outputs)
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

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or a reward lies outside `support`.
    """
    from wis.lm.tracker import RewardTracker

    samples = check_count("samples", samples, at_least=4)
    prefixes = check_count("prefixes", prefixes, at_least=1)
    outputs = sample_outputs(policy, samples, _seeded(seed))
    rewards = _rewards_of(reward, outputs)
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


def check_rewards(rewards: Any, outputs: int) -> Tensor:
    """Return rewards as float64; `TypeError` or `ValueError` unless they are a tensor, one finite number an output."""
    if not isinstance(rewards, Tensor) or rewards.is_complex():
        raise TypeError(f"rewards must be a torch.Tensor of real numbers, got {type(rewards).__name__}")
    if rewards.shape != (outputs,):
        raise ValueError(f"rewards must have the shape [{outputs}], one an output, got {list(rewards.shape)}")
    if not bool(torch.isfinite(rewards).all()):
        raise ValueError("rewards must be finite: one of them is NaN or infinite")
    return rewards.detach().double()


def _rewards_of(reward: Reward, outputs: Tensor) -> Tensor:
    if not callable(reward):
        raise TypeError(f"reward must be a function from outputs to rewards, got {type(reward).__name__}")
    return check_rewards(reward(outputs), len(outputs))


def _check_prefixes(policy: nn.Module, prefixes: Iterable[Tensor]) -> list[Tensor]:
    num_tokens, length = check_policy(policy)
    if not isinstance(prefixes, Iterable):
        raise TypeError(f"prefixes must be a list of tensors, got {type(prefixes).__name__}")
    found = list(prefixes)
    if not found:
        raise ValueError("prefixes is empty; give at least one")
    for i, prefix in enumerate(found):
        check_tokens(f"prefixes[{i}]", prefix, num_tokens)
        if prefix.ndim != 2 or len(prefix) != 1 or prefix.shape[1] >= length:
            raise ValueError(f"prefixes[{i}] must have the shape [1, l] with l < {length}, got {list(prefix.shape)}")
    return found


def _seeded(seed: int) -> torch.Generator:
    if check_count("seed", seed) >= _SEEDS:
        raise ValueError(f"seed must be below 2**64, got {seed}")
    return torch.Generator().manual_seed(seed)


def _parameters(policy: nn.Module) -> dict[str, nn.Parameter]:
    """What the gradient is by."""
    found = {name: p for name, p in policy.named_parameters() if p.requires_grad}
    if not found:
        raise ValueError("policy has no parameter that requires a gradient; call policy.requires_grad_()")
    return found


def _in_range(rewards: Tensor) -> bool:
    return bool((rewards.abs() <= 1).all())


def _flat_gradient(objective: Tensor, policy: nn.Module) -> Tensor:
    parameters = list(_parameters(policy).values())
    parts = torch.autograd.grad(objective, parameters, allow_unused=True)
    flat = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, parts, strict=True)]
    return torch.cat([part.flatten() for part in flat])


def _score_gradient(policy: nn.Module, outputs: Tensor, rewards: Tensor) -> Tensor:
    """Unbiased estimate of ∇V: the score function with a leave-one-out baseline."""
    others = (rewards.sum() - rewards) / (len(rewards) - 1)
    log_probs = token_log_probs(policy, outputs).sum(1)
    return _flat_gradient(((rewards - others) * log_probs).mean(), policy)


def _spectral_norm(policy: nn.Module, prefix: Tensor) -> float:
    logits = next_logits(policy, prefix)[0]
    parameters = list(_parameters(policy).values())
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

    parameters = {name: p.detach() for name, p in _parameters(policy).items()}

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
