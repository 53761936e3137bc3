import functools
import math
import pickle
import queue
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("trl")
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from wis.lm import RewardTracker
from wis.lm.rollout_queue import RecordedQueue
from wis.lm.trl import PREFIX, STATE_FILE, RewardRecorder

WORDS = ["<pad>", "<eos>", "a", "b", "c", "d", "e", "f"]


def _tokenizer():
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<eos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", padding_side="left"
    )


def _reward(completions, prompts, **kwargs):
    # "a b" never gets anything: its std is 0.
    return [0.0 if prompt == "a b" else float("c" in text) for prompt, text in zip(prompts, completions, strict=True)]


def _length(completions, **kwargs):
    return [min(len(text), 9) / 9 for text in completions]


def _config():
    return GPT2Config(
        vocab_size=8, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1, pad_token_id=0
    )


def _trainer(kind, out, reward_funcs, recorder=None, steps=2, data=None, more=None, model=None, **options):
    config, trainer_class = {"grpo": (GRPOConfig, GRPOTrainer), "rloo": (RLOOConfig, RLOOTrainer)}[kind]
    torch.manual_seed(0)
    settings = {
        "output_dir": str(out), "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 3,
        "max_steps": steps, "logging_steps": 1, "save_steps": 1, "learning_rate": 1e-3, "report_to": "none",
        "use_cpu": True, "bf16": False, "seed": 3, "beta": 0.0,
    }  # fmt: skip
    data = Dataset.from_dict(data or {"prompt": ["a b", "c d"], "row": [10, 20]})
    trainer = trainer_class(
        model=model or GPT2LMHeadModel(_config()), reward_funcs=reward_funcs, args=config(**(settings | options)),
        train_dataset=data, eval_dataset=data, processing_class=_tokenizer(), **(more or {}),
    )  # fmt: skip
    if recorder is not None:
        recorder.attach(trainer)
    return trainer


def _train(kind, out, reward_funcs, recorder=None, resume=None, **options):
    trainer = _trainer(kind, out, reward_funcs, recorder, **options)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def _weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def _lines(trainer, name="zero"):
    return [line for line in trainer.state.log_history if f"{PREFIX}/{name}" in line]


@pytest.mark.parametrize("kind", ["grpo", "rloo"])
def test_recording_logs_and_does_not_change_training(kind, tmp_path):
    plain = _train(kind, tmp_path / "plain", [_reward])
    recorder = RewardRecorder(support=(0, 1), binary=True, key="row")
    recorded = _train(kind, tmp_path / "recorded", [_reward], recorder)
    torch.testing.assert_close(_weights(plain), _weights(recorded), rtol=0, atol=0)

    lines = _lines(recorded)
    assert len(lines) == 2
    assert [line[f"{PREFIX}/seen/inputs"] for line in lines] == [2, 2]
    assert "rewards/_reward/mean" in lines[0]
    assert sorted(recorder.tracker.keys) == [10, 20]
    stuck = recorder.tracker.keys.index(10)
    assert recorder.tracker.is_zero()[stuck]
    assert recorder.tracker.counts.tolist() == [4, 4]
    # TRL's own batch-level numbers of the last step, from the same rewards.
    assert recorder.tracker.mean().mean() == pytest.approx(lines[-1]["reward"])
    assert lines[-1][f"{PREFIX}/dead"] == lines[-1]["frac_reward_zero_std"]
    saved = RewardTracker.load(tmp_path / "recorded" / "checkpoint-2" / STATE_FILE)
    np.testing.assert_array_equal(saved.std(), recorder.tracker.std())


def test_visits_between_two_log_lines_are_not_pooled(tmp_path):
    calls = iter([0.0, 1.0])
    recorder = RewardRecorder(support=(0, 1))

    def reward(completions, **kwargs):  # all 0 at the first step, all 1 at the second
        value = next(calls)
        return [value] * len(completions)

    (line,) = _lines(_train("grpo", tmp_path, [reward], recorder, logging_steps=2))
    assert line["frac_reward_zero_std"] == 1
    assert line[f"{PREFIX}/zero"] == line[f"{PREFIX}/dead"] == 1
    assert line[f"{PREFIX}/inputs"] == 4  # visits
    assert recorder.tracker.mean().tolist() == [1, 1]
    assert recorder.tracker.counts.tolist() == [4, 4]


def test_evaluation_is_left_out(tmp_path):
    recorder = RewardRecorder(support=(0, 1))
    trainer = _trainer("grpo", tmp_path, [_reward], recorder, eval_strategy="steps", eval_steps=1)
    trainer.evaluate()
    assert len(recorder.tracker) == 0
    trainer.train()
    evaluations = [line for line in trainer.state.log_history if "eval_reward" in line]
    assert len(evaluations) == 2
    assert not any(name.startswith(PREFIX) for line in evaluations for name in line)
    assert len(_lines(trainer)) == 2
    assert recorder.tracker.counts.tolist() == [4, 4]


class _Async:
    __name__ = "judge"

    async def __call__(self, completions, scale=1.0, **kwargs):
        return [scale * min(len(text), 9) / 9 for text in completions]


@pytest.mark.parametrize("reward", [_Async(), functools.partial(_Async(), scale=0.5)], ids=["object", "partial"])
def test_asynchronous_objects_and_partials_of_them(reward, tmp_path):
    recorder = RewardRecorder(support=(0, 1))
    trainer = _train("grpo", tmp_path, [reward], recorder, steps=1)
    assert recorder.tracker.mean().mean() == pytest.approx(trainer.state.log_history[0]["reward"], rel=1e-5)


def _part(completions, **kwargs):
    # NaN from one of two functions: TRL sums the other.
    return [None if i % 4 == 0 else math.nan if i % 4 == 1 else 2.0 for i in range(len(completions))]


@pytest.mark.parametrize("kind", ["grpo", "rloo"])
def test_several_functions_are_summed_as_the_trainer_does(kind, tmp_path):
    recorder = RewardRecorder()
    trainer = _train(kind, tmp_path, [_length, _part], recorder, steps=1, reward_weights=[1.0, 3.0])
    line = trainer.state.log_history[0]
    assert recorder.tracker.mean().mean() == pytest.approx(line["reward"], rel=1e-5)
    assert recorder.trained.weights == (1, 3)
    assert str(recorder.trained).startswith("Trained on 1 _length + 3 _part, in groups of 4.")
    assert line[f"{PREFIX}/_part/zero"] == 1
    assert line[f"{PREFIX}/_length/inputs"] == 2
    assert recorder.dropped == 0


def test_completions_that_no_function_scores(tmp_path):
    recorder = RewardRecorder()

    def reward(completions, **kwargs):
        return [None] * 3 + [1.0] + [0.0, None, 1.0, 1.0]

    (line,) = _lines(_train("grpo", tmp_path, [reward], recorder, steps=1), "dead")
    assert recorder.dropped == line[f"{PREFIX}/dropped"] == 4
    assert sorted(recorder.tracker.counts.tolist()) == [1, 3]
    assert line[f"{PREFIX}/dead"] == line[f"{PREFIX}/dead/unscorable"] == 0.5


def _other(completions, **kwargs):
    return [1 - length for length in _length(completions)]


def _rise(completions, **kwargs):
    return [float(i) for i in range(len(completions))]


def _fall(completions, **kwargs):
    return [-float(i) for i in range(len(completions))]


def test_functions_normalised_apart_decide_apart(tmp_path):
    # The sum always ties; GDPO trains on the parts, which do not.
    recorder = RewardRecorder()
    with pytest.warns(UserWarning, match="std of each function decides"):
        trainer = _trainer(
            "grpo", tmp_path / "apart", [_rise, _fall], recorder, steps=1, reward_weights=[1.0, 0.5],
            multi_objective_aggregation="normalize_then_sum",
        )  # fmt: skip
    trainer.train()
    (line,) = _lines(trainer)
    assert (line[f"{PREFIX}/dead"], line[f"{PREFIX}/_rise/zero"]) == (0, 0)
    together = RewardRecorder()
    (line,) = _lines(_train("grpo", tmp_path / "together", [_rise, _fall], together, steps=1))
    assert line[f"{PREFIX}/dead"] == line["frac_reward_zero_std"] == 1


def test_the_clipped_reward_is_recorded(tmp_path):
    recorder = RewardRecorder(support=(0, 2))
    (line,) = _lines(_train("rloo", tmp_path, [_rise], recorder, steps=1, reward_clip_range=(0, 2)))
    # Groups 0 1 2 3 and 4 5 6 7 become 0 1 2 2 and 2 2 2 2.
    assert sorted(recorder.tracker.mean().tolist()) == [1.25, 2]
    assert line[f"{PREFIX}/dead"] == line["frac_reward_zero_std"] == 0.5
    assert line[f"{PREFIX}/dead/identical"] + line[f"{PREFIX}/dead/clipped"] == 0.5
    assert "clipped to [0, 2]" in str(recorder.trained)


def test_a_penalty_inside_the_reward_is_said(tmp_path):
    GPT2LMHeadModel(_config()).save_pretrained(tmp_path)  # TRL makes its reference from there
    with pytest.warns(UserWarning, match="0.1 times a KL penalty, which is not recorded"):
        _trainer("rloo", tmp_path, [_length], RewardRecorder(), beta=0.1, model=str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("grpo", {}, "noise is scaled up to full size"),
        ("grpo", {"scale_rewards": "batch"}, "divided by the std of the batch"),
        ("grpo", {"scale_rewards": False}, "not divided"),
        ("rloo", {"normalize_advantages": True}, "divided by the std of the batch"),
        ("rloo", {}, "not divided"),
    ],
)
def test_what_advantages_are_divided_by_is_said(kind, options, sentence, tmp_path):
    recorder = RewardRecorder()
    _trainer(kind, tmp_path, [_length], recorder, **options)
    assert sentence in str(recorder.trained)


def test_reward_models_are_recorded(tmp_path):
    torch.manual_seed(1)
    config = _config()
    config.num_labels = 1
    recorder = RewardRecorder()
    trainer = _train(
        "grpo", tmp_path, GPT2ForSequenceClassification(config), recorder, steps=1,
        more={"reward_processing_classes": _tokenizer()},
    )  # fmt: skip
    assert recorder.tracker.mean().mean() == pytest.approx(trainer.state.log_history[0]["reward"], rel=1e-4)


def test_a_wrong_range_stops_recording_and_not_training(tmp_path):
    recorder = RewardRecorder(support=(0, 1))
    with pytest.warns(UserWarning, match="no longer recorded: a reward must be between 0 and 1"):
        trainer = _train("grpo", tmp_path, [_rise], recorder)
    assert trainer.state.global_step == 2
    assert not _lines(trainer)


def test_prompts_without_a_name_stop_recording_and_not_training(tmp_path):
    recorder = RewardRecorder()
    trainer = _trainer("grpo", tmp_path, [_reward], recorder, steps=1)
    seen = trainer._calculate_rewards
    trainer._calculate_rewards = lambda inputs, prompts, *rest: seen(inputs, [object()] * len(prompts), *rest)
    with pytest.warns(UserWarning, match="a prompt holds a object, which has no name; set key="):
        trainer.train()
    assert trainer.state.global_step == 1


def test_a_resumed_run_remembers_wherever_it_resumes_from(tmp_path):
    first = RewardRecorder(support=(0, 1), key="row")
    _train("grpo", tmp_path / "a", [_reward], first, steps=1)
    once = {"prompt": ["c d", "e f"], "row": [20, 30]}
    again = RewardRecorder(support=(0, 1), key="row")
    _train("grpo", tmp_path / "b", [_reward], again, resume=str(tmp_path / "a" / "checkpoint-1"), data=once)
    assert sorted(again.tracker.keys) == [10, 20, 30]
    another = RewardRecorder(support=(0, 2), key="row")
    with pytest.warns(UserWarning, match=r"support \(0.0, 1.0\), binary False.*starts without"):
        trainer = _train(
            "grpo", tmp_path / "c", [_reward], another, resume=str(tmp_path / "a" / "checkpoint-1"), data=once
        )
    assert trainer.state.global_step == 2
    assert sorted(another.tracker.keys) == [20, 30]
    (tmp_path / "a" / "checkpoint-1" / STATE_FILE).write_bytes(b"cut")
    with pytest.warns(UserWarning, match="is not a saved RewardTracker"):
        _train("grpo", tmp_path / "a", [_reward], RewardRecorder(), resume=True)


def test_a_recorder_that_is_not_attached_says_so(tmp_path):
    recorder = RewardRecorder()
    trainer = _trainer("grpo", tmp_path, [_reward], steps=1, more={"callbacks": [recorder]})
    with pytest.warns(UserWarning, match=r"nothing is recorded: call recorder.attach\(trainer\)"):
        trainer.train()
    assert not _lines(trainer)


def test_what_cannot_be_recorded_is_refused_before_training(tmp_path):
    with pytest.raises(TypeError, match="GRPOTrainer, RLOOTrainer or AsyncGRPOTrainer, got int"):
        RewardRecorder().attach(3)
    with pytest.raises(ValueError, match=r"key='id' is no column of the data set; there are \['prompt', 'row'\]"):
        _trainer("grpo", tmp_path, [_reward], RewardRecorder(key="id"))
    images = SimpleNamespace(_calculate_rewards=len, train_dataset=SimpleNamespace(column_names=["prompt", "image"]))
    with pytest.raises(ValueError, match="cannot name prompts with images; name a column"):
        RewardRecorder().attach(images)


def _sample(group, text, reward, last):
    return SimpleNamespace(
        prompt=f"prompt {group}", completion=[{"role": "assistant", "content": text}], group_id=group,
        input_ids=np.array([3, 4, last]), metrics={"reward": reward, "rewards/_reward": reward},
    )  # fmt: skip


def _async_trainer():
    """As much of Async GRPO's trainer as it takes without its server."""
    rollouts = queue.Queue()
    return SimpleNamespace(
        rollout_queue=rollouts, train_dataset=None, eos_token_ids=[1], train=lambda resume: None,
        args=SimpleNamespace(num_generations=2), model=SimpleNamespace(training=True),
        callback_handler=SimpleNamespace(callbacks=[]),
    )  # fmt: skip


def test_asynchronous_training_is_recorded_from_its_queue():
    assert pickle.loads(pickle.dumps(_reward)) is _reward  # what goes to the other process is the user's own
    trainer, recorder = _async_trainer(), RewardRecorder(support=(0, 1))
    recorder.attach(trainer)
    rows = [(0, "x", 0.0, 1), (0, "y", 1.0, 1), (1, "x", 0.0, 5), (1, "y", 0.0, 5), (1, "y", 0.0, 5), (2, "x", 1.0, 1)]
    for row in rows:
        trainer.rollout_queue.put(_sample(*row))
    assert [trainer.rollout_queue.get().group_id for _ in rows] == [0, 0, 1, 1, 1, 2]
    assert trainer.rollout_queue.qsize() == 0
    assert recorder.tracker.mean().tolist() == [0.5, 0]
    assert recorder.tracker.counts.tolist() == [2, 2]  # a conversation cut into two rows counts once
    logs = {}
    recorder.on_log(None, SimpleNamespace(log_history=[]), None, logs)
    assert (logs[f"{PREFIX}/dead"], logs[f"{PREFIX}/dead/truncated"]) == (0.5, 0.5)
    assert recorder.trained.scaling == "group"


def test_the_queue_of_the_installed_trainer():
    """Async GRPO reads what it trains on by these names."""
    trainer = pytest.importorskip("trl.experimental.async_grpo.async_grpo_trainer")
    names = trainer.AsyncGRPOTrainer.get_train_dataloader.__code__.co_names
    assert "rollout_queue" in names
    sample = trainer.RolloutSample.__dataclass_fields__
    assert {"prompt", "completion", "input_ids", "group_id", "metrics"} <= set(sample)
    seen = []
    rollouts = queue.Queue()
    data = trainer.RolloutQueueDataset(
        rollout_queue=RecordedQueue(rollouts, seen.append), model_version_fn=lambda: 0, check_health_fn=len,
        stale_after_s=1.0, metrics={name: [] for name in ("sample/rollout_queue_size", "sample/staleness_mean",
        "sample/staleness_max")}, max_staleness=1,
    )  # fmt: skip
    for group in (0, 0, 1):
        rollouts.put(trainer.RolloutSample(
            prompt=[], completion=[], input_ids=np.zeros(1), completion_mask=np.zeros(1), old_log_probs=np.zeros(1),
            advantage=0.0, model_version=0, group_id=group, metrics={"reward": 0.0},
        ))  # fmt: skip
    rows = iter(data)
    assert [next(rows)["group_id"] for _ in range(3)] == [0, 0, 1]
    assert [len(group) for group in seen] == [2]
