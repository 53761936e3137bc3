"""Per-input reward std in the logs of TRL's GRPO and RLOO trainers.

>>> from wis.lm.trl import RewardRecorder                                        # doctest: +SKIP
>>> recorder = RewardRecorder(support=(0, 1))
>>> trainer = GRPOTrainer(model, reward_funcs=recorder.wrap(my_reward), args=config, train_dataset=data)
>>> recorder.attach(trainer)
>>> trainer.train()
>>> print(recorder.tracker.summary())

The training is not changed: the reward functions are called as before and return the same, and no random number is
drawn. Where TRL logs the std of a batch, and how many groups had none, this logs the 10th percentile over inputs, the
fraction below thresholds, and zero apart from near-zero, over the inputs since the last log line and over all seen.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import math
import warnings
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from wis.extras import needed_for
from wis.lm.summary import RewardSummary
from wis.lm.tracker import DEFAULT_THRESHOLDS, Key, RewardTracker

with needed_for("wis.lm.trl", "lm"):
    from transformers import TrainerCallback

PREFIX = "input_reward_std"
STATE_FILE = "reward_tracker.npz"


class RewardRecorder(TrainerCallback):
    """Wraps reward functions and logs what their rewards say about each input; itself the trainer's callback.

    Parameters
    ----------
    support, binary, level
        Those of `RewardTracker`, for the weighted sum of all reward functions wrapped.
    key
        What names an input: ``"prompt"``, or a column of the data set that holds strings or integers.
    weights
        Weight of each reward function, in the order of wrapping, as in TRL's ``reward_weights``; by default 1.
    thresholds, near_zero
        Those of `RewardTracker.summary`.

    Attributes
    ----------
    tracker
        The last visit to every input seen, over all processes; it is saved with each checkpoint and read on resume.
    dropped
        Rewards that were NaN or infinite; they are left out, and logged. None, TRL's "does not apply", is no fault.
    """

    def __init__(
        self,
        *,
        support: tuple[float, float] | None = None,
        binary: bool = False,
        level: float = 0.95,
        key: str = "prompt",
        weights: Sequence[float] | None = None,
        thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
        near_zero: float = 0.01,
    ) -> None:
        self._new_tracker = functools.partial(RewardTracker, support=support, binary=binary, level=level)
        self.tracker = self._new_tracker()
        self.dropped = 0
        self._key = key
        self._weights = None if weights is None else [float(weight) for weight in weights]
        self._summary_options: dict[str, Any] = {"thresholds": tuple(thresholds), "near_zero": near_zero}
        self._wrapped = 0
        self._waiting: dict[int, Sequence[float | None]] = {}
        self._recent = self._new_tracker()
        self._model: Any = None
        self._stopped = False

    def wrap(self, reward: Callable[..., Any]) -> Callable[..., Any]:
        """The same reward function, its rewards recorded.

        Wrap each of the trainer's reward functions once, in the trainer's order; with several, what is recorded is
        their weighted sum. Asynchronous ones stay so.

        Raises
        ------
        TypeError
            If it is a reward model, or the name of one: TRL runs those itself, so there is no function to wrap.
        ValueError
            If there are more functions than `weights`.
        """
        if not callable(reward) or hasattr(reward, "parameters"):
            raise TypeError(
                f"wrap() takes a reward function, got {type(reward).__name__}; "
                "for a reward model, write a function that calls it"
            )
        index = self._wrapped
        if self._weights is not None and index >= len(self._weights):
            raise ValueError(f"weights names {len(self._weights)} reward functions, and this is one more")
        self._wrapped += 1
        if inspect.iscoroutinefunction(reward):
            return self._wrap_async(reward, index)

        @functools.wraps(reward)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            rewards = reward(*args, **kwargs)
            self._receive(index, rewards, kwargs)
            return rewards

        return _named(recorded, reward)

    def attach(self, trainer: Any) -> None:
        """Make this a callback of the trainer, before all others, so that every logger sees what it adds."""
        trainer.callback_handler.callbacks.insert(0, self)

    def summary(self) -> RewardSummary:
        """Summary of the last visit to every input seen up to the last log line."""
        return self.tracker.summary(**self._summary_options)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read what the checkpoint resumed from had recorded."""
        self._model = kwargs.get("model")
        path = _state_path(args, state)
        if state.global_step and path.exists():
            self.tracker = RewardTracker.load(path)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Add the numbers to a log line of training."""
        recent = self._gather()
        self._recent = self._new_tracker()
        if logs is None or not len(recent):
            return
        self.tracker.merge(recent, restart=True)
        found = self._metrics(recent, PREFIX) | self._metrics(self.tracker, f"{PREFIX}/seen")
        if self.dropped:
            found[f"{PREFIX}/dropped"] = float(self.dropped)
        logs.update(found)
        if state.log_history:
            state.log_history[-1].update(found)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Save the tracker into the checkpoint."""
        whole = RewardTracker.from_state_dict(self.tracker.state_dict())
        whole.merge(self._gather(), restart=True)
        path = _state_path(args, state)
        if state.is_world_process_zero and path.parent.is_dir():
            whole.save(path)

    def _wrap_async(self, reward: Callable[..., Awaitable[Any]], index: int) -> Callable[..., Any]:
        @functools.wraps(reward)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            rewards = await reward(*args, **kwargs)
            self._receive(index, rewards, kwargs)
            return rewards

        return _named(recorded, reward)

    def _receive(self, index: int, rewards: Sequence[float | None], kwargs: dict[str, Any]) -> None:
        if self._stopped or (self._model is not None and not self._model.training):
            return  # evaluation is not training's business
        self._waiting[index] = list(rewards)
        if len(self._waiting) < self._wrapped:
            return
        parts = [self._waiting[i] for i in range(self._wrapped)]
        self._waiting = {}
        weights = self._weights or [1.0] * self._wrapped
        pairs = zip(self._keys(kwargs), _weighted_sums(parts, weights), strict=True)
        known = [(key, total) for key, total in pairs if total is not None]
        finite = [(key, total) for key, total in known if math.isfinite(total)]
        self.dropped += len(known) - len(finite)
        try:
            self._recent.update([key for key, _ in finite], [total for _, total in finite])
        except (TypeError, ValueError) as error:  # a diagnostic must not end a training run
            self._stopped = True
            warnings.warn(f"rewards are no longer recorded: {error}", stacklevel=3)

    def _keys(self, kwargs: dict[str, Any]) -> list[Key]:
        if self._key != "prompt":
            if self._key not in kwargs:
                raise ValueError(f"key={self._key!r} is no column of the data set; there are {sorted(kwargs)}")
            return list(kwargs[self._key])
        return [_fingerprint(prompt) for prompt in kwargs["prompts"]]

    def _gather(self) -> RewardTracker:
        """What all processes recorded since the last log line; a group may be spread over several of them."""
        from accelerate import PartialState
        from accelerate.utils import gather_object

        if PartialState().num_processes == 1:
            return self._recent
        merged = self._new_tracker()
        for state in gather_object([self._recent.state_dict()]):
            merged.merge(RewardTracker.from_state_dict(state))
        return merged

    def _metrics(self, tracker: RewardTracker, prefix: str) -> dict[str, float]:
        if not (tracker.counts >= 2).any():
            return {}
        return tracker.summary(**self._summary_options, intervals=False).metrics(prefix)


def _weighted_sums(parts: Sequence[Sequence[float | None]], weights: Sequence[float]) -> list[float | None]:
    """TRL's total: None counts as nothing, and all None as None."""
    totals: list[float | None] = []
    for row in zip(*parts, strict=True):
        given = [weight * float(reward) for weight, reward in zip(weights, row, strict=True) if reward is not None]
        totals.append(sum(given) if given else None)
    return totals


def _fingerprint(prompt: Any) -> str:
    text = prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _named(wrapper: Callable[..., Any], reward: Callable[..., Any]) -> Callable[..., Any]:
    wrapper.__name__ = getattr(reward, "__name__", type(reward).__name__)  # what TRL calls it in its logs
    return wrapper


def _state_path(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / STATE_FILE
