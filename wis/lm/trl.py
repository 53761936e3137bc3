"""Per-input reward std in the logs of TRL's GRPO and RLOO trainers.

>>> from wis.lm.trl import RewardRecorder                                        # doctest: +SKIP
>>> recorder = RewardRecorder(support=(0, 1))
>>> trainer = GRPOTrainer(model, reward_funcs=my_reward, args=config, train_dataset=data)
>>> recorder.attach(trainer)
>>> print(recorder.trained)
>>> trainer.train()
>>> print(recorder.tracker.summary())

What is recorded is what the trainer trains on: the rewards of all its functions, models and environments after they are
gathered, with its own weights and clipping. The training is not changed, and no random number is drawn. Where TRL logs
the std of a batch, and how many groups had none, this logs the 10th percentile over inputs, the fraction below
thresholds, zero apart from near-zero, and why groups gave nothing.
"""

from __future__ import annotations

import functools
import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wis.extras import needed_for
from wis.lm.dead_groups import REASONS, dead_groups
from wis.lm.rollout_queue import RecordedQueue, one_a_completion
from wis.lm.summary import RewardSummary
from wis.lm.tracker import DEFAULT_THRESHOLDS, Key, RewardTracker
from wis.lm.trained_reward import TrainedReward

with needed_for("wis.lm.trl", "lm"):
    from transformers import TrainerCallback

PREFIX = "input_reward_std"
STATE_FILE = "reward_tracker.npz"
# A summary of all inputs seen is made again once this share of them was visited, so that its cost stays that of visits.
_SHARE_REVISITED = 0.01
_Row = tuple[Key, str, bool]


class RewardRecorder(TrainerCallback):
    """Logs what the rewards of a TRL trainer say about each input; itself the trainer's callback.

    Parameters
    ----------
    support, binary, level
        Those of `RewardTracker`, for the reward that is trained on: the weighted sum of all functions, clipped where
        the trainer clips it.
    key
        What names an input: ``"prompt"``, or a column of the data set that holds strings or integers.
    thresholds, near_zero
        Those of `RewardTracker.summary`.

    Attributes
    ----------
    tracker
        The last visit to every input seen, over all processes; it is saved with each checkpoint and read on resume.
    trained
        How the trainer turns the rewards of its functions into what it trains on; in words when printed. None before
        `attach`, and where the trainer does not say.
    dropped
        Completions without a finite reward so far; they are left out.

    Notes
    -----
    In each log line of training, under ``input_reward_std/``: the numbers of `RewardSummary.metrics` over the visits to
    inputs since the last line; the same under ``seen/``, over the last visit to every input, once a hundredth of them
    was visited; ``dead``, the share of groups without advantage since the last line, and that share by reason (see
    `wis.lm.dead_groups`); and for several reward functions the numbers of each under its name.
    """

    def __init__(
        self,
        *,
        support: tuple[float, float] | None = None,
        binary: bool = False,
        level: float = 0.95,
        key: str = "prompt",
        thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
        near_zero: float = 0.01,
    ) -> None:
        self._new_tracker = functools.partial(RewardTracker, support=support, binary=binary, level=level)
        self.tracker = self._new_tracker()
        self.trained: TrainedReward | None = None
        self.dropped = 0
        self._key = key
        self._summary_options: dict[str, Any] = {"thresholds": tuple(thresholds), "near_zero": near_zero}
        self._trainer: Any = None
        self._checkpoint: Path | None = None
        self._stopped = False
        self._unsummed = 0
        self._clear()

    def attach(self, trainer: Any) -> None:
        """Record a ``GRPOTrainer``, ``RLOOTrainer`` or ``AsyncGRPOTrainer``, and read what it trains on.

        This becomes a callback before all others, so that every logger sees what it adds. A warning says where the
        weighted sum of rewards is not all that is trained on.

        Raises
        ------
        TypeError
            If it is another trainer.
        ValueError
            If the data set has no column `key`, or its prompts hold images and `key` names no column.
        """
        queued = hasattr(trainer, "rollout_queue")
        if not queued and not hasattr(trainer, "_calculate_rewards"):
            raise TypeError(
                f"trainer must be TRL's GRPOTrainer, RLOOTrainer or AsyncGRPOTrainer, got {type(trainer).__name__}; "
                "elsewhere, give rewards to RewardTracker.update"
            )
        _check_key(self._key, getattr(trainer.train_dataset, "column_names", None))
        self._trainer = trainer
        if queued and trainer.rollout_queue is not None:
            trainer.rollout_queue = RecordedQueue(trainer.rollout_queue, self._see_group)
        if not queued:
            self.trained = TrainedReward.of(trainer)
            if self.trained.each_normalised or self.trained.penalty:
                warnings.warn(str(self.trained), stacklevel=2)
            trainer._calculate_rewards = self._see_rewards(trainer._calculate_rewards)
        trainer.train = self._see_resume(trainer.train)
        trainer.callback_handler.callbacks.insert(0, self)

    def summary(self) -> RewardSummary:
        """Summary of the last visit to every input seen."""
        return self.tracker.summary(**self._summary_options)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Read what the checkpoint resumed from had recorded."""
        if self._trainer is None:
            warnings.warn("nothing is recorded: call recorder.attach(trainer), not callbacks=[recorder]", stacklevel=2)
        elif state.global_step:
            self._guarded(self._resume, self._checkpoint or _checkpoint_of(args, state))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Add the numbers to a log line of training."""
        if logs is None or self._trainer is None or not self._trainer.model.training:
            return
        found: dict[str, float] = {}
        self._guarded(lambda: found.update(self._metrics()))
        logs.update(found)
        if state.log_history:
            state.log_history[-1].update(found)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Save the tracker into the checkpoint."""
        folder = _checkpoint_of(args, state)
        if state.is_world_process_zero and folder.is_dir():
            self._guarded(self.tracker.save, folder / STATE_FILE)

    def _clear(self) -> None:
        self._recent = self._new_tracker()
        self._functions: dict[str, RewardTracker] = {}
        self._visits = self._groups = 0
        self._dead: Counter[str] = Counter()

    def _see_rewards(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def seen(inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any, *rest: Any) -> Any:
            rewards = original(inputs, prompts, completions, completion_ids_list, *rest)
            if self._trainer.model.training and not self._stopped:
                self._stopped = not self._guarded(self._see_batch, rewards, inputs, prompts, completion_ids_list)
            return rewards

        return seen

    def _see_resume(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def train(resume_from_checkpoint: Any = None, *args: Any, **kwargs: Any) -> Any:
            named = resume_from_checkpoint and not isinstance(resume_from_checkpoint, bool)
            self._checkpoint = Path(resume_from_checkpoint) if named else None
            return original(resume_from_checkpoint, *args, **kwargs)

        return train

    def _guarded(self, work: Callable[..., Any], *args: Any) -> bool:
        """Do the work and say whether it went well: a diagnostic must not end a training run."""
        try:
            work(*args)
        except Exception as error:
            warnings.warn(f"rewards are no longer recorded: {error}", stacklevel=3)
            return False
        return True

    def _resume(self, checkpoint: Path) -> None:
        path = checkpoint / STATE_FILE
        if not path.exists():
            warnings.warn(f"{checkpoint} has no {STATE_FILE}: the recorder starts without what was seen", stacklevel=2)
            return
        saved = RewardTracker.load(path)
        if (saved.support, saved.binary) == (self.tracker.support, self.tracker.binary):
            self.tracker = saved
            return
        warnings.warn(
            f"{path} has rewards with support {saved.support}, binary {saved.binary}, and this recorder has "
            f"{self.tracker.support}, {self.tracker.binary}: it starts without what was seen",
            stacklevel=2,
        )

    def _see_batch(self, rewards: Any, inputs: Any, prompts: Any, completion_ids: Any) -> None:
        rows = _gather(lambda: self._rows(inputs, prompts, completion_ids))
        self.trained = TrainedReward.of(self._trainer)  # weights may follow a schedule
        self._record(self.trained, rewards.detach().float().cpu().numpy(), rows)

    def _see_group(self, samples: Sequence[Any]) -> None:
        """Record a group of Async GRPO, which sums its functions without weights and divides by the group's std."""
        if not self._stopped:
            self._stopped = not self._guarded(self._see_samples, samples)

    def _see_samples(self, samples: Sequence[Any]) -> None:
        samples = one_a_completion(samples, self._trainer.args.num_generations)
        names = tuple(name.removeprefix("rewards/") for name in samples[0].metrics if name.startswith("rewards/"))
        rewards = np.array([[s.metrics[f"rewards/{name}"] for name in names] for s in samples], dtype=np.float32)
        ends = set(self._trainer.eos_token_ids)
        rows = [(_fingerprint(s.prompt), _fingerprint(s.completion), int(s.input_ids[-1]) not in ends) for s in samples]
        self.trained = TrainedReward(names, (1.0,) * len(names), False, "group", None, 0.0, len(samples))
        self._record(self.trained, rewards, rows)

    def _rows(self, inputs: Any, prompts: Any, completion_ids: Any) -> list[_Row]:
        """Of each completion: the name of its input, what tells its text from others, and whether it was cut."""
        ends = {*self._trainer.eos_token_ids, self._trainer._tokenizer.pad_token_id}
        by_prompt = self._key == "prompt"
        keys = [_fingerprint(p) for p in prompts] if by_prompt else [row[self._key] for row in inputs]
        return [
            (key, _digest(np.asarray(ids, dtype=np.int64).tobytes()), not len(ids) or ids[-1] not in ends)
            for key, ids in zip(keys, completion_ids, strict=True)
        ]

    def _record(self, trained: TrainedReward, rewards: NDArray[np.float32], rows: Sequence[_Row]) -> None:
        """Add one batch, all of it drawn from one policy."""
        keys, texts, truncated = (list(column) for column in zip(*rows, strict=True))
        totals = trained.totals(rewards)
        use = np.isfinite(totals)
        kept = [key for key, used in zip(keys, use, strict=True) if used]
        self.tracker.update(kept, totals[use], restart=True)
        visits = _numbered(keys, self._visits)
        self._visits = max(visits) + 1
        self._recent.update(visits[use], totals[use])
        self._unsummed += len(set(keys))
        self.dropped += int((~use).sum())
        self._groups += len(rewards) // trained.group_size
        self._dead += dead_groups(trained, rewards, texts, truncated, self.tracker.support)
        if len(trained.functions) > 1:
            self._record_functions(trained, rewards, visits)

    def _record_functions(self, trained: TrainedReward, rewards: NDArray[np.float32], visits: NDArray[Any]) -> None:
        for name, column in zip(trained.functions, rewards.T, strict=True):
            use = np.isfinite(column)
            self._functions.setdefault(name, RewardTracker()).update(visits[use], column[use])

    def _metrics(self) -> dict[str, float]:
        if not self._groups:
            return {}
        found = self._summed(self._recent, PREFIX, mixture=False)  # too few inputs for one
        if self._unsummed >= _SHARE_REVISITED * len(self.tracker):
            self._unsummed = 0
            found |= self._summed(self.tracker, f"{PREFIX}/seen")
        for name, tracker in self._functions.items():
            found |= self._summed(tracker, f"{PREFIX}/{name}")
        found[f"{PREFIX}/dead"] = self._dead.total() / self._groups
        found |= {f"{PREFIX}/dead/{reason}": self._dead[reason] / self._groups for reason in REASONS}
        if self.dropped:
            found[f"{PREFIX}/dropped"] = float(self.dropped)
        self._clear()
        return found

    def _summed(self, tracker: RewardTracker, prefix: str, *, mixture: bool = True) -> dict[str, float]:
        if not (tracker.counts >= 2).any():
            return {}
        return tracker.summary(**self._summary_options, intervals=False, mixture=mixture).metrics(prefix)


def _check_key(key: str, columns: Any) -> None:
    if not isinstance(columns, Sequence):
        return  # a stream does not know its columns
    if key == "prompt" and {"image", "images"} & set(columns):
        raise ValueError(
            f"key='prompt' cannot name prompts with images; name a column of strings or integers: {list(columns)}"
        )
    if key not in columns:
        raise ValueError(f"key={key!r} is no column of the data set; there are {list(columns)}")


def _gather(make: Callable[[], list[_Row]]) -> list[_Row]:
    """The rows of all processes in their order, or the fault of any in all, so that none waits for one that stopped."""
    from accelerate import PartialState
    from accelerate.utils import gather_object

    try:
        local: list[_Row] | str = make()
    except Exception as error:
        local = str(error)
    parts: list[list[_Row] | str] = [local] if PartialState().num_processes == 1 else gather_object([local])
    rows: list[_Row] = []
    for part in parts:
        if isinstance(part, str):
            raise ValueError(part)
        rows += part
    return rows


def _numbered(keys: Sequence[Key], first: int) -> NDArray[np.int64]:
    """A number for each key, the same for the same, from `first`."""
    place = {key: i for i, key in enumerate(dict.fromkeys(keys), first)}
    return np.array([place[key] for key in keys], dtype=np.int64)


def _fingerprint(prompt: Any) -> str:
    return _digest(
        (prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True, default=_nameless)).encode()
    )


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _nameless(value: Any) -> Any:
    raise TypeError(f"a prompt holds a {type(value).__name__}, which has no name; set key= to a column of the data set")


def _checkpoint_of(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
