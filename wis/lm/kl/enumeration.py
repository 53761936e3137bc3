"""Expected gradients of a KL configuration by enumeration: all outputs of a tabular policy, with their probabilities.

A case has its tables as logits, one row a prefix, so that a gradient is a table too. Outputs may end early: token 0
ends them, and what would follow is padding. The sampler, the old policy and the policy may differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.objective import Batch, objective
from wis.lm.policies import all_prefixes

END = 0


@dataclass(frozen=True)
class Case:
    """Tabular policies over the same outputs.

    Attributes
    ----------
    policy, reference, old, rollout
        Logits, float64 ``[R, V]``, a row for each of the ``1 + V + … + V^(T-1)`` prefixes. Rollout draws the outputs.
    outputs, rows
        int64 ``[N, T]``: all outputs, and the row that each of their tokens is drawn from.
    mask
        bool ``[N, T]``, False behind the end of an output.
    rewards
        float64 ``[N]``.
    """

    policy: Tensor
    reference: Tensor
    old: Tensor
    rollout: Tensor
    outputs: Tensor
    rows: Tensor
    mask: Tensor
    rewards: Tensor

    def token_log_probs(self, logits: Tensor) -> Tensor:
        """Log-probability of each token of each output under a table, ``[N, T]``."""
        return torch.log_softmax(logits, -1)[self.rows, self.outputs]

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probability of each row of `outputs` under a table, ``[N]``; they sum to 1."""
        return self.token_log_probs(logits).sum(1).exp()


@dataclass(frozen=True)
class Expectation:
    """What a configuration does to a case in expectation.

    Attributes
    ----------
    gradient
        ``[R, V]``, of the loss by the policy's logits.
    variance
        Trace of the covariance of one output's gradient.
    samples
        ``[N, T, V]``, each output's contribution to the gradient, its probability included.
    """

    gradient: Tensor
    variance: float
    samples: Tensor


def make_case(
    seed: int,
    *,
    num_tokens: int = 3,
    length: int = 3,
    ends: bool = True,
    scale: float = 1.0,
    drift: float = 0.0,
    mismatch: float = 0.0,
) -> Case:
    """Draw a case: logits and rewards from normal distributions.

    Parameters
    ----------
    seed
        Of everything drawn.
    num_tokens, length
        V and T; there are V^T outputs.
    ends
        Whether token 0 ends an output, so that lengths differ.
    scale
        Standard deviation of the logits of policy and reference.
    drift, mismatch
        Standard deviation of old − policy and of rollout − old; 0 is on policy.
    """
    generator = torch.Generator().manual_seed(seed)
    outputs = all_prefixes(num_tokens, length)
    rows, start = torch.zeros_like(outputs), 0
    for level in range(length):
        index = torch.zeros(len(outputs), dtype=torch.int64)
        for column in outputs[:, :level].unbind(1):
            index = index * num_tokens + column
        rows[:, level] = start + index
        start += num_tokens**level

    def draw(deviation: float) -> Tensor:
        return deviation * torch.randn(start, num_tokens, generator=generator, dtype=torch.float64)

    policy, reference = draw(scale), draw(scale)
    old = policy + draw(drift)
    ended = (outputs == END).cumsum(1) - (outputs == END).long() > 0
    mask = ~ended if ends else torch.ones_like(ended)
    rewards = torch.randn(len(outputs), generator=generator, dtype=torch.float64)
    return Case(policy, reference, old, old + draw(mismatch), outputs, rows, mask, _same_where_padded(rewards, mask))


def expect(configuration: KLConfiguration, case: Case, *, rewards: Tensor | None = None) -> Expectation:
    """Run a configuration over all outputs of a case, each with its probability under the sampler.

    A group is one of infinitely many outputs: baselines and standard deviations are exact, and the mean over all
    tokens divides by the expected length. O(V^T T V).

    Parameters
    ----------
    configuration, case
        What is run, and on what.
    rewards
        ``[N]``; by default 0, so that the gradient is the penalty's alone.
    """
    weights = case.probabilities(case.rollout)
    samples = _samples(configuration, case, (torch.zeros_like(weights) if rewards is None else rewards)[None])[0]
    gradient = _by_row(case, samples)
    second = (samples.flatten(1).square().sum(1) / weights).sum()
    return Expectation(gradient, float(second - gradient.square().sum()), samples)


def expect_inputs(configuration: KLConfiguration, case: Case, rewards: Tensor) -> Tensor:
    """Expected gradients of several inputs that share a batch, and so the standard deviation of a batch.

    Parameters
    ----------
    configuration, case
        What is run, and on what: the inputs differ in their rewards alone.
    rewards
        ``[I, N]``, of every output for each input.

    Returns
    -------
    Tensor
        ``[I, R, V]``, each as if its input were all there is, but for the standard deviation.
    """
    return torch.stack([_by_row(case, samples) for samples in _samples(configuration, case, rewards)])


def _samples(configuration: KLConfiguration, case: Case, rewards: Tensor) -> Tensor:
    """Each output's contribution to the gradient of its input, ``[I, N, T, V]``, from rewards ``[I, N]``."""
    inputs, count = rewards.shape

    def repeated(values: Tensor) -> Tensor:
        return values.repeat(inputs, *[1] * (values.ndim - 1))

    logits = repeated(case.policy[case.rows]).requires_grad_()
    every = torch.log_softmax(logits, -1)
    batch = Batch(
        log_probs=every.gather(-1, repeated(case.outputs)[..., None])[..., 0],
        reference=repeated(case.token_log_probs(case.reference)),
        mask=repeated(case.mask),
        rewards=rewards.flatten(),
        old=repeated(case.token_log_probs(case.old)),
        rollout=repeated(case.token_log_probs(case.rollout)),
        vocabulary=every,
        reference_vocabulary=repeated(torch.log_softmax(case.reference, -1)[case.rows]),
        group_size=count,
        weights=repeated(case.probabilities(case.rollout)) / inputs,
    )
    (samples,) = torch.autograd.grad(objective(configuration, batch).loss, logits, allow_unused=True)
    return inputs * samples.view(inputs, count, *logits.shape[1:])


def aggregation_factor(configuration: KLConfiguration, case: Case) -> float:
    """What the aggregation makes of one unit a token, over the mean length: the size of every gradient through it."""
    weights = case.probabilities(case.rollout)
    length = float((weights * case.mask.sum(1)).sum())
    if configuration.aggregation == "sum":
        return 1.0
    if configuration.aggregation == "constant":
        return 1 / (configuration.constant_length or case.mask.shape[1])
    return 1 / length


def value_gradient(case: Case) -> Tensor:
    """∇E[r] under the policy, ``[R, V]``."""
    return _table_gradient(case, lambda table: (case.probabilities(table) * case.rewards).sum())


def objectives(case: Case) -> dict[str, Tensor]:
    """Gradients of the objectives that have a name, ``[R, V]`` each, by the policy's logits.

    ``reverse`` KL(π ‖ ref), ``forward`` KL(ref ‖ π) and ``variation`` ½ Σ |π − ref| are of whole outputs. The
    ``partial`` ones sum a divergence of single tokens over the prefixes that the sampler draws: what a token does to
    the prefixes behind it is left out.
    """

    def log_ratio(table: Tensor) -> Tensor:
        difference = case.token_log_probs(table) - case.token_log_probs(case.reference)
        return (difference * case.mask).sum(1)

    reference = case.probabilities(case.reference)
    visits = torch.zeros(len(case.policy), dtype=torch.float64)
    share = (case.probabilities(case.rollout)[:, None] * case.mask).flatten()
    visits.index_add_(0, case.rows.flatten(), share)
    log_q = torch.log_softmax(case.reference, -1)

    def partial(divergence):  # type: ignore[no-untyped-def]
        return lambda table: (visits[:, None] * divergence(torch.log_softmax(table, -1))).sum()

    found = {
        "reverse": lambda table: (case.probabilities(table) * log_ratio(table)).sum(),
        "forward": lambda table: -(reference * log_ratio(table)).sum(),
        # Padding has the reference's probability on both sides: it adds nothing.
        "variation": lambda table: (reference * (log_ratio(table).exp() - 1).abs()).sum() / 2,
        "partial reverse": partial(lambda log_p: log_p.exp() * (log_p - log_q)),
        "partial forward": partial(lambda log_p: log_q.exp() * (log_q - log_p)),
        "partial variation": partial(lambda log_p: (log_p.exp() - log_q.exp()).abs() / 2),
    }
    return {name: _table_gradient(case, function) for name, function in found.items()}


def _table_gradient(case: Case, function) -> Tensor:  # type: ignore[no-untyped-def]
    table = case.policy.clone().requires_grad_()
    return torch.autograd.grad(function(table), table)[0]


def _by_row(case: Case, samples: Tensor) -> Tensor:
    gradient = torch.zeros_like(case.policy)
    return gradient.index_add_(0, case.rows.flatten(), samples.flatten(0, 1))


def _same_where_padded(rewards: Tensor, mask: Tensor) -> Tensor:
    """One reward for all rows that are the same output, told apart by padding only: that of the first of them."""
    behind = (~mask).sum(1)
    index = torch.arange(len(rewards))
    size = round(len(rewards) ** (1 / mask.shape[1])) ** behind
    return rewards[index - index % size]
