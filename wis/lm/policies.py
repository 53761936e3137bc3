"""Autoregressive policies over few tokens and short outputs, whose expectations are exact sums.

A policy is a ``torch.nn.Module`` that maps prefixes, int64 ``[m, l]``, to the logits of the next token, ``[m, V]``,
and has ``num_tokens`` (V) and ``length`` (tokens in an output, L_out). The input x is part of the policy: every
statement of the paper is about one input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

MOST_OUTPUTS = 2**20
_SUM_TOLERANCE = 1e-6


class TabularPolicy(nn.Module):
    """A table of logits, one row a prefix. Its γ is 1: each logit is a parameter.

    Parameters
    ----------
    num_tokens, length
        V and L_out; the table has ``1 + V + … + V^(L_out - 1)`` rows.
    generator
        Draws the logits from a normal distribution; without it they are 0.
    scale
        Standard deviation of the logits drawn.
    """

    def __init__(
        self, num_tokens: int, length: int, *, generator: torch.Generator | None = None, scale: float = 1.0
    ) -> None:
        super().__init__()
        if num_tokens < 2 or length < 1:
            raise ValueError(f"a policy needs num_tokens >= 2 and length >= 1, got {num_tokens} and {length}")
        self.num_tokens, self.length = num_tokens, length
        check_enumerable(self)
        tables = [torch.zeros(num_tokens**level, num_tokens, dtype=torch.float64) for level in range(length)]
        if generator is not None:
            tables = [scale * torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in tables]
        self.tables = nn.ParameterList([nn.Parameter(table) for table in tables])

    @classmethod
    def from_probabilities(cls, conditionals: Sequence[Any]) -> TabularPolicy:
        """Make the policy with given probabilities of the next token.

        Parameters
        ----------
        conditionals
            For each position l an array ``[V^l, V]``: one row a prefix, in lexicographic order.

        Raises
        ------
        ValueError
            If a shape is wrong, or a row is not positive or does not sum to 1.
        """
        rows = [torch.as_tensor(table, dtype=torch.float64) for table in conditionals]
        num_tokens = int(rows[0].shape[-1])
        policy = cls(num_tokens, len(rows))
        for level, (table, row) in enumerate(zip(policy.tables, rows, strict=True)):
            if row.shape != table.shape:
                raise ValueError(f"position {level} needs probabilities {list(table.shape)}, got {list(row.shape)}")
            check_probabilities(row, f"the probabilities at position {level}")
            if not bool((row > 0).all()):
                raise ValueError(f"the probabilities at position {level} must be positive: a softmax gives no zero")
            table.data = row.log()
        return policy

    def forward(self, prefixes: Tensor) -> Tensor:
        """Logits of the next token after each prefix, ``[m, V]``."""
        index = torch.zeros(len(prefixes), dtype=torch.int64)
        for column in prefixes.unbind(1):
            index = index * self.num_tokens + column
        return self.tables[prefixes.shape[1]][index]


class CausalPolicy(nn.Module):
    """A causal language model of ``transformers`` after one prompt, for outputs of a fixed number of tokens.

    Parameters
    ----------
    model
        Any model whose output has ``logits``; it is put in evaluation mode, for dropout would make it random.
    prompt
        Token ids, int64 ``[n]``, at least one.
    length
        Tokens in an output. A model that ends earlier spends the rest on whatever its logits say.
    """

    def __init__(self, model: Any, prompt: Tensor, length: int) -> None:
        super().__init__()
        if prompt.ndim != 1 or not len(prompt):
            raise ValueError(f"prompt must be token ids of the shape [n], n >= 1, got {list(prompt.shape)}")
        self.model = model.eval()
        self.register_buffer("prompt", prompt.long())
        self.num_tokens, self.length = int(model.config.vocab_size), length

    def forward(self, prefixes: Tensor) -> Tensor:
        """Logits of the next token after the prompt and each prefix, ``[m, V]``."""
        prompt = self.get_buffer("prompt")
        tokens = torch.cat([prompt.expand(len(prefixes), -1), prefixes], dim=1)
        return self.model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits[:, -1]


def all_prefixes(num_tokens: int, length: int) -> Tensor:
    """All sequences of `length` tokens in lexicographic order, int64 ``[V^length, length]``."""
    if length == 0:
        return torch.zeros(1, 0, dtype=torch.int64)
    return torch.cartesian_prod(*[torch.arange(num_tokens)] * length).reshape(-1, length)


def token_log_probs(policy: nn.Module, outputs: Tensor) -> Tensor:
    """Log-probability of each token of each output given those before it, ``[N, L]``."""
    columns = [
        torch.log_softmax(policy(outputs[:, :level]), dim=-1).gather(1, outputs[:, level : level + 1])
        for level in range(outputs.shape[1])
    ]
    return torch.cat(columns, dim=1)


def all_log_probs(policy: nn.Module) -> Tensor:
    """Log-probability of every output, in lexicographic order, ``[V^L]``.

    One evaluation a prefix instead of one a prefix and output.

    Raises
    ------
    ValueError
        If there are more than `MOST_OUTPUTS`, or the probabilities do not sum to 1 (NaN logits, for example).
    """
    check_enumerable(policy)
    num_tokens, length = _sizes(policy)
    total = torch.zeros(1)
    for level in range(length):
        step = torch.log_softmax(policy(all_prefixes(num_tokens, level)), dim=-1)
        total = (total[:, None] + step).flatten()
    check_probabilities(total.detach().exp(), "the probabilities of the outputs")
    return total


def sample_outputs(policy: nn.Module, count: int, generator: torch.Generator) -> Tensor:
    """Draw outputs, int64 ``[count, L]``."""
    outputs = torch.zeros(count, 0, dtype=torch.int64)
    with torch.no_grad():
        for _ in range(_sizes(policy)[1]):
            step = torch.softmax(policy(outputs), dim=-1)
            outputs = torch.cat([outputs, torch.multinomial(step, 1, generator=generator)], dim=1)
    return outputs


def check_enumerable(policy: nn.Module) -> None:
    """Raise `ValueError` if the policy has more than `MOST_OUTPUTS` outputs."""
    num_tokens, length = _sizes(policy)
    if num_tokens**length > MOST_OUTPUTS:
        raise ValueError(
            f"{num_tokens} tokens and {length} steps make {num_tokens}^{length} outputs, too many to enumerate "
            f"(at most {MOST_OUTPUTS}); sample instead"
        )


def check_probabilities(probabilities: Tensor, what: str) -> None:
    """Raise `ValueError` unless the last dimension is a distribution."""
    if not bool(torch.isfinite(probabilities).all()):
        raise ValueError(f"{what} are not all finite")
    sums = probabilities.double().sum(-1)
    tolerance = max(_SUM_TOLERANCE, 20 * torch.finfo(probabilities.dtype).eps)
    if bool((probabilities < 0).any()) or bool(((sums - 1).abs() > tolerance).any()):
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        raise ValueError(f"{what} must be at least 0 and sum to 1; the worst sum is {worst:.6g}")


def _sizes(policy: nn.Module) -> tuple[int, int]:
    return int(policy.num_tokens), int(policy.length)  # type: ignore[arg-type]
