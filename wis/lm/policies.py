"""Autoregressive policies over few tokens and short outputs, whose expectations are exact sums.

A policy is a ``torch.nn.Module`` that maps prefixes, int64 ``[m, l]``, to the logits of the next token, ``[m, V]``,
and has ``num_tokens`` (V) and ``length`` (tokens in an output, L_out). The input x is part of the policy: every
statement of the paper is about one input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wis.checks import check_count, check_number, check_numbers
from wis.extras import needed_for

with needed_for("wis.lm.policies"):
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

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or there are too many outputs to enumerate.
    """

    def __init__(
        self, num_tokens: int, length: int, *, generator: torch.Generator | None = None, scale: float = 1.0
    ) -> None:
        super().__init__()
        if generator is not None:
            check_generator(generator)
        check_number("scale", scale, at_least=0)
        self.num_tokens, self.length = num_tokens, length
        num_tokens, length = check_enumerable(self)
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
            If there is no position, a shape is wrong, or a row is not positive or does not sum to 1.
        TypeError
            If `conditionals` is no list, or holds something else than numbers.
        """
        if isinstance(conditionals, str) or not isinstance(conditionals, Iterable):
            raise TypeError(f"conditionals must be a list of arrays, one a position, got {conditionals!r}")
        rows = [torch.from_numpy(check_numbers(f"conditionals[{i}]", table)) for i, table in enumerate(conditionals)]
        if not rows or rows[0].ndim != 2:
            raise ValueError("conditionals must be arrays [V^l, V], one for each position l from 0, at least one")
        policy = cls(rows[0].shape[1], len(rows))
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

    Raises
    ------
    TypeError
        If `model` is no such model, or the prompt is no tensor of integers.
    ValueError
        If the prompt is empty or has a token that the model does not have, or `length` is below 1.
    """

    def __init__(self, model: Any, prompt: Tensor, length: int) -> None:
        super().__init__()
        num_tokens = getattr(getattr(model, "config", None), "vocab_size", None)
        if not isinstance(model, nn.Module) or num_tokens is None:
            raise TypeError(f"model must be a causal language model of transformers, got {type(model).__name__}")
        self.num_tokens, self.length = int(num_tokens), check_count("length", length, at_least=1)
        check_tokens("prompt", prompt, self.num_tokens)
        if prompt.ndim != 1 or not len(prompt):
            raise ValueError(f"prompt must be token ids of the shape [n], n >= 1, got {list(prompt.shape)}")
        self.model = model.eval()
        self.register_buffer("prompt", prompt.long())

    def forward(self, prefixes: Tensor) -> Tensor:
        """Logits of the next token after the prompt and each prefix, ``[m, V]``."""
        prompt = self.get_buffer("prompt")
        tokens = torch.cat([prompt.expand(len(prefixes), -1), prefixes], dim=1)
        return self.model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits[:, -1]


def all_prefixes(num_tokens: int, length: int) -> Tensor:
    """All sequences of `length` tokens in lexicographic order, int64 ``[V^length, length]``.

    Raises
    ------
    TypeError, ValueError
        If an argument is no count, or there are more than `MOST_OUTPUTS`.
    """
    num_tokens, length = _check_few(check_count("num_tokens", num_tokens, at_least=1), check_count("length", length))
    if length == 0:
        return torch.zeros(1, 0, dtype=torch.int64)
    return torch.cartesian_prod(*[torch.arange(num_tokens)] * length).reshape(-1, length)


def token_log_probs(policy: nn.Module, outputs: Tensor) -> Tensor:
    """Log-probability of each token of each output given those before it, ``[N, L]``.

    Parameters
    ----------
    policy
        See the head of this module.
    outputs
        int64 ``[N, L]``.

    Raises
    ------
    TypeError, ValueError
        If `policy` is no policy, its logits are no logits, or `outputs` are not of its tokens and length.
    """
    num_tokens, length = check_policy(policy)
    check_tokens("outputs", outputs, num_tokens)
    if outputs.ndim != 2 or outputs.shape[1] != length:
        raise ValueError(f"outputs must have the shape [N, {length}], got {list(outputs.shape)}")
    columns = [
        torch.log_softmax(next_logits(policy, outputs[:, :level]), dim=-1).gather(1, outputs[:, level : level + 1])
        for level in range(length)
    ]
    return torch.cat(columns, dim=1)


def next_logits(policy: nn.Module, prefixes: Tensor) -> Tensor:
    """What `policy` says of the next token, ``[m, V]``, checked: a tensor of this shape without NaN or +infinity.

    A logit of −infinity is a token that never comes.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    logits, shape = policy(prefixes), (len(prefixes), int(policy.num_tokens))  # type: ignore[arg-type]
    if not isinstance(logits, Tensor) or not logits.is_floating_point():
        raise TypeError(f"a policy must give logits, a tensor of floats, got {type(logits).__name__}")
    if logits.shape != shape:
        raise ValueError(f"a policy must give logits of the shape {list(shape)}, got {list(logits.shape)}")
    if not bool((logits < torch.inf).all()):  # NaN is neither
        raise ValueError("the logits of the policy are not all finite")
    return logits


def all_log_probs(policy: nn.Module) -> Tensor:
    """Log-probability of every output, in lexicographic order, ``[V^L]``.

    One evaluation a prefix instead of one a prefix and output.

    Raises
    ------
    ValueError
        If there are more than `MOST_OUTPUTS`, logits are NaN, or the probabilities do not sum to 1.
    TypeError
        If `policy` is no policy.
    """
    num_tokens, length = check_enumerable(policy)
    total = torch.zeros(1)
    for level in range(length):
        step = torch.log_softmax(next_logits(policy, all_prefixes(num_tokens, level)), dim=-1)
        total = (total[:, None] + step).flatten()
    check_probabilities(total.detach().exp(), "the probabilities of the outputs")
    return total


def sample_outputs(policy: nn.Module, count: int, generator: torch.Generator) -> Tensor:
    """Draw outputs, int64 ``[count, L]``; `TypeError` or `ValueError` if an argument does not fit."""
    _, length = check_policy(policy)
    check_generator(generator)
    outputs = torch.zeros(check_count("count", count), 0, dtype=torch.int64)
    with torch.no_grad():
        for _ in range(length):
            step = torch.softmax(next_logits(policy, outputs), dim=-1)
            outputs = torch.cat([outputs, torch.multinomial(step, 1, generator=generator)], dim=1)
    return outputs


def check_policy(policy: Any, name: str = "policy") -> tuple[int, int]:
    """Return V and L_out of a policy; `TypeError` or `ValueError` if it is none."""
    if not isinstance(policy, nn.Module) or not (hasattr(policy, "num_tokens") and hasattr(policy, "length")):
        raise TypeError(
            f"{name} must be a policy, a torch.nn.Module with num_tokens and length such as those of wis.lm.policies, "
            f"got {type(policy).__name__}"
        )
    return (
        check_count("num_tokens", policy.num_tokens, at_least=2),
        check_count("length", policy.length, at_least=1),
    )


def check_enumerable(policy: nn.Module) -> tuple[int, int]:
    """Return V and L_out of a policy; also `ValueError` if it has more than `MOST_OUTPUTS` outputs."""
    return _check_few(*check_policy(policy))


def check_tokens(name: str, tokens: Any, num_tokens: int) -> None:
    """Raise `TypeError` or `ValueError` unless this is a tensor of integers from 0 to ``num_tokens - 1``."""
    if not isinstance(tokens, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of token ids, got {type(tokens).__name__}")
    if not tokens.numel():
        return
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, token ids, got {tokens.dtype}")
    wrong = tokens[(tokens < 0) | (tokens >= num_tokens)]
    if wrong.numel():
        raise ValueError(f"{name} has the token {int(wrong[0])}; tokens are numbered from 0 to {num_tokens - 1}")


def check_generator(generator: Any) -> None:
    """Raise `TypeError` unless this is torch's source of random numbers."""
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, got {type(generator).__name__}")


def check_probabilities(probabilities: Tensor, what: str) -> None:
    """Raise `TypeError` if these are no floats, `ValueError` unless the last dimension is a distribution."""
    if not isinstance(probabilities, Tensor) or not probabilities.is_floating_point():
        raise TypeError(f"{what} must be a tensor of floats, got {type(probabilities).__name__}")
    if not bool(torch.isfinite(probabilities).all()):
        raise ValueError(f"{what} are not all finite")
    sums = probabilities.double().sum(-1)
    tolerance = max(_SUM_TOLERANCE, 20 * torch.finfo(probabilities.dtype).eps)
    if bool((probabilities < 0).any()) or bool(((sums - 1).abs() > tolerance).any()):
        worst = sums.flatten()[(sums - 1).abs().argmax()].item()
        raise ValueError(f"{what} must be at least 0 and sum to 1; the worst sum is {worst:.6g}")


def _check_few(num_tokens: int, length: int) -> tuple[int, int]:
    # The power of large numbers is not computed: it could take for ever.
    if num_tokens > 1 and (length >= MOST_OUTPUTS.bit_length() or num_tokens**length > MOST_OUTPUTS):
        raise ValueError(
            f"{num_tokens} tokens and {length} steps make {num_tokens}^{length} outputs, too many to enumerate "
            f"(at most {MOST_OUTPUTS}); sample instead"
        )
    return num_tokens, length
