"""Every argument of the public functions of wis.lm, given what it is not: a TypeError or ValueError that names it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from wis.lm import (
    RewardTracker,
    binary_std_interval,
    bounded_std_interval,
    bounds,
    compare_rewards,
    fit_mixture,
    policies,
)

HALVES = torch.full((4,), 0.25, dtype=torch.float64)
POLICY = policies.TabularPolicy(2, 2)

# What no argument here may be, whatever it is for.
NEVER: dict[str, Any] = {
    "complex": 1j,
    "function": len,
    "module": torch.nn.Linear(2, 2),
    "list of text": ["x", "y"],
    "array of text": np.array(["x", "y"]),
    "masked array": np.ma.array([0.0, 1.0], mask=[0, 1]),
}
NUMBER = {"None": None, "text": "x", "list": [1, 2], "array": np.ones(2), "tensor": torch.ones(2), "bool": True}
RANGE = {"NaN": math.nan, "negative": -1.0, "infinite": math.inf}
COUNT = NUMBER | RANGE | {"float": 1.5}
TENSOR = {"None": None, "text": "x", "list": [1.0, 2.0], "array": np.ones(4), "number": 1.0, "short": torch.ones(3)}
OBJECT = NUMBER | {"empty": {}}
ARRAY = {"None": None, "text": "x", "NaN": [math.nan], "negative": -1.0, "dictionary": {}}
LIST = {"None": None, "text": "x", "number": 1, "dictionary of text": {"x": 1}}


def _tracker() -> RewardTracker:
    tracker = RewardTracker(support=(0, 1))
    tracker.update(["a", "b"], [[0, 1], [0, 0]])
    return tracker


def _of_tracker(name: str) -> Callable[..., Any]:
    return lambda **arguments: getattr(_tracker(), name)(**arguments)


def _reward(outputs: torch.Tensor) -> torch.Tensor:
    return outputs[:, 0].double()


class _Model(torch.nn.Module):
    """Looks like a language model of transformers."""

    config = type("Config", (), {"vocab_size": 3})()


# For each function its arguments: one that is right, and what is wrong besides NEVER.
FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, tuple[Any, dict[str, Any]]]]] = {
    "theorem1_bound": (
        bounds.theorem1_bound,
        {"length": (3, COUNT), "gamma": (1.0, NUMBER | RANGE), "std": (0.1, NUMBER | RANGE)},
    ),
    "linear_bound": (
        bounds.linear_bound,
        {"length": (3, COUNT), "gamma": (1.0, NUMBER | RANGE), "std": (0.1, NUMBER | RANGE)},
    ),
    "ppo_bound": (
        bounds.ppo_bound,
        {
            "length": (3, COUNT),
            "gamma": (1.0, NUMBER | RANGE),
            "old_std": (0.1, NUMBER | RANGE),
            "ratio": (1.0, NUMBER | RANGE),
        },
    ),
    "reward_moments": (bounds.reward_moments, {"log_probs": (HALVES.log(), TENSOR), "rewards": (HALVES, TENSOR)}),
    "exact_gradient": (bounds.exact_gradient, {"policy": (POLICY, OBJECT), "rewards": (HALVES, TENSOR)}),
    "ppo_gradient": (
        bounds.ppo_gradient,
        {
            "policy": (POLICY, OBJECT),
            "old": (POLICY, OBJECT | {"other": policies.TabularPolicy(2, 3)}),
            "rewards": (HALVES, TENSOR),
            "clip": (0.2, NUMBER | RANGE),
        },
    ),
    "exact_gamma": (bounds.exact_gamma, {"policy": (POLICY, OBJECT)}),
    "estimate_gamma": (
        bounds.estimate_gamma,
        {
            "policy": (POLICY, OBJECT),
            "prefixes": (
                [torch.tensor([[1]])],
                LIST | {"empty": [], "beyond": [torch.tensor([[2]])], "long": [torch.tensor([[1, 1]])]},
            ),
            "iterations": (3, COUNT),
            "seed": (0, COUNT | {"large": 2**70}),
        },
    ),
    "diagnose": (bounds.diagnose, {"policy": (POLICY, OBJECT), "reward": (_reward, NUMBER)}),
    "diagnose_sampled": (
        bounds.diagnose_sampled,
        {
            "policy": (POLICY, OBJECT),
            "reward": (_reward, NUMBER),
            "samples": (8, COUNT | {"few": 3}),
            "prefixes": (2, COUNT | {"none": 0}),
            "support": ((-1.0, 1.0), {"text": "x", "number": 1, "backward": (1, -1), "NaN": (0, math.nan)}),
            "seed": (0, COUNT | {"large": 2**70}),
        },
    ),
    "TabularPolicy": (
        policies.TabularPolicy,
        {
            "num_tokens": (2, COUNT | {"one": 1}),
            "length": (2, COUNT | {"none": 0}),
            "generator": (torch.Generator(), {"text": "x", "number": 1}),
            "scale": (1.0, NUMBER | RANGE),
        },
    ),
    "TabularPolicy.from_probabilities": (
        policies.TabularPolicy.from_probabilities,
        {"conditionals": ([[[0.5, 0.5]]], LIST | {"empty": [], "flat": [[0.5, 0.5]], "NaN": [[[0.5, math.nan]]]})},
    ),
    "CausalPolicy": (
        policies.CausalPolicy,
        {
            "model": (_Model(), OBJECT),
            "prompt": (torch.tensor([1]), TENSOR | {"beyond": torch.tensor([3]), "empty": torch.zeros(0).long()}),
            "length": (2, COUNT | {"none": 0}),
        },
    ),
    "all_prefixes": (
        policies.all_prefixes,
        {"num_tokens": (2, COUNT), "length": (2, COUNT)},
    ),
    "token_log_probs": (
        policies.token_log_probs,
        {
            "policy": (POLICY, OBJECT),
            "outputs": (torch.zeros(3, 2).long(), TENSOR | {"beyond": torch.full((3, 2), 2), "one": torch.zeros(3, 1)}),
        },
    ),
    "all_log_probs": (policies.all_log_probs, {"policy": (POLICY, OBJECT)}),
    "sample_outputs": (
        policies.sample_outputs,
        {"policy": (POLICY, OBJECT), "count": (3, COUNT), "generator": (torch.Generator(), NUMBER)},
    ),
    "binary_std_interval": (
        binary_std_interval,
        {
            "successes": (3, ARRAY | {"part": 1.5, "many": 6}),
            "samples": (5, ARRAY | {"part": 5.5, "infinite": math.inf}),
            "level": (0.95, NUMBER | RANGE | {"percent": 95}),
            "width": (1.0, NUMBER | RANGE | {"none": 0}),
        },
    ),
    "bounded_std_interval": (
        bounded_std_interval,
        {
            "mean": (0.3, {name: value for name, value in ARRAY.items() if name != "negative"}),
            "variance": (0.1, ARRAY),
            "samples": (5, ARRAY | {"one": 1, "infinite": math.inf}),
            "support": ((0, 1), LIST | {"backward": (1, 0), "NaN": (0, math.nan)}),
            "level": (0.95, NUMBER | RANGE),
        },
    ),
    "fit_mixture": (
        fit_mixture,
        {
            "successes": ([1, 3], ARRAY | {"part": [0.5, 1], "many": [9, 1]}),
            "samples": ([8, 8], ARRAY | {"part": [0.5, 8], "infinite": math.inf}),
        },
    ),
    "compare_rewards": (
        compare_rewards,
        {"first": (_tracker(), OBJECT), "second": (_tracker(), OBJECT), "seed": (0, COUNT)},
    ),
    "RewardTracker": (
        RewardTracker,
        {
            "support": ((0, 1), {"text": "x", "number": 1, "three": (0, 1, 2)}),
            "binary": (False, {"None": None, "text": "x", "number": 1, "tensor": torch.ones(2)}),
            "level": (0.9, NUMBER | RANGE),
        },
    ),
    "RewardTracker.update": (
        _of_tracker("update"),
        {
            "keys": (
                ["a", "b"],
                {"None": None, "text": "ab", "number": 1, "floats": [0.5, 1.5], "bools": [True, False]},
            ),
            "rewards": ([[0, 1], [1, 0]], ARRAY | {"infinite": [[0, math.inf], [0, 1]], "outside": [[0, 2], [0, 1]]}),
            "restart": (False, {"None": None, "text": "x", "tensor": torch.ones(2)}),
        },
    ),
    "RewardTracker.merge": (
        _of_tracker("merge"),
        {"other": (_tracker(), OBJECT), "restart": (False, {"None": None, "text": "x", "array": np.ones(2)})},
    ),
    "RewardTracker.zero_group_probability": (
        _of_tracker("zero_group_probability"),
        {"group_size": (2, COUNT | {"one": 1})},
    ),
    "RewardTracker.summary": (
        _of_tracker("summary"),
        {
            "thresholds": ([0.1], LIST | {"negative": [-0.1], "NaN": [math.nan]}),
            "near_zero": (0.01, NUMBER | RANGE),
            "group_sizes": ([2], LIST | {"one": [1], "float": [2.0]}),
            "intervals": (True, {"None": None, "text": "x", "tensor": torch.ones(2)}),
            "mixture": (True, {"None": None, "text": "x", "tensor": torch.ones(2)}),
        },
    ),
}
# Words that messages use for an argument that is one of several values.
NAMES = {"thresholds": "threshold", "group_sizes": "group.size", "keys": "key", "rewards": "reward"}
# What NEVER has and these take.
TAKES = {"reward": ("module", "function"), "keys": ("list of text", "array of text")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_wrong_arguments_are_named(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    right = {argument: value for argument, (value, _) in arguments.items()}
    function(**right)
    for argument, (_, wrong) in arguments.items():
        for what, value in (NEVER | wrong).items():
            if what in TAKES.get(argument, ()):
                continue
            print(f"{name}({argument}={what})")  # shown if it is not refused
            with pytest.raises((TypeError, ValueError), match=NAMES.get(argument, argument)):
                function(**(right | {argument: value}))


@pytest.mark.parametrize("module", [bounds, policies])
def test_no_function_is_left_out(module: Any) -> None:
    for name, function in vars(module).items():
        public = inspect.isfunction(function) and function.__module__ == module.__name__ and name[0] != "_"
        if public and not name.startswith("check_") and name != "next_logits":
            assert set(FUNCTIONS[name][1]) == set(inspect.signature(function).parameters)


class _Odd(torch.nn.Module):
    """A policy that answers what it is told to."""

    num_tokens, length = 2, 1

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, prefixes: torch.Tensor) -> Any:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (None, TypeError, "a policy must give logits"),
        (np.zeros((1, 2)), TypeError, "a policy must give logits"),
        (torch.zeros(1, 2).long(), TypeError, "a policy must give logits"),
        (torch.zeros(1, 3), ValueError, r"of the shape \[1, 2\], got \[1, 3\]"),
        (torch.tensor([[0.0, math.nan]]), ValueError, "not all finite"),
        (torch.tensor([[0.0, math.inf]]), ValueError, "not all finite"),
        (torch.zeros(1, 2), ValueError, "no parameter that requires a gradient"),
    ],
)
def test_answers_of_policies_are_checked(answer: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bounds.exact_gamma(_Odd(answer))
    if "parameter" not in message:
        with pytest.raises(error, match=message):
            policies.sample_outputs(_Odd(answer), 1, torch.Generator())


def test_a_token_that_never_comes() -> None:
    logits = torch.tensor([[0.0, -math.inf]])
    assert policies.all_log_probs(_Odd(logits)).exp().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("length", [21, 10**12])
def test_more_outputs_than_can_be_enumerated(length: int) -> None:
    for make in (policies.TabularPolicy, policies.all_prefixes):
        with pytest.raises(ValueError, match=f"2 tokens and {length} steps make .* too many to enumerate"):
            make(2, length)


def test_rewards_that_are_true_or_false() -> None:
    found = bounds.diagnose(POLICY, lambda outputs: outputs[:, 0] == 1)
    assert found.value == pytest.approx(0.5)
    assert found.in_range
