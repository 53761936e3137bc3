import gzip
import math
import struct

import numpy as np
import pytest
import torch
from wis.experiments.lm import controlled
from wis.experiments.lm.controlled import ARMS, Arm, make_task, measure, report_controlled, run_controlled
from wis.experiments.lm.controlled_data import SETUPS, load_cifar10, load_digits, load_mnist, load_stsb, read_idx


def _write_mnist(folder, count=40):
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    pixels = struct.pack(">BBBBIII", 0, 0, 8, 3, count, 28, 28) + images.tobytes()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(pixels))
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, count) + labels.tobytes())
    return images, labels


def _write_cifar(folder, count=12):
    rng = np.random.default_rng(0)
    records = rng.integers(256, size=(count, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(count) % 10
    for i, part in enumerate(np.split(records, 2), 1):
        (folder / f"data_batch_{i}.bin").write_bytes(part.tobytes())
    return records


def _write_stsb(folder, count=12):
    lines = ["index\tgenre\tsentence1\tsentence2\tscore"]
    lines += [f'{i}\tnews\tA "man {i} walks.\tA dog runs\t{(i % 6) * 0.98:.2f}' for i in range(count)]
    (folder / "train.tsv").write_text("\n".join(lines) + "\n")


def test_mnist_is_read_byte_by_byte(tmp_path):
    images, labels = _write_mnist(tmp_path)
    data = load_mnist(tmp_path)
    assert data.inputs.shape == (40, 784)
    assert data.inputs[3, 100].item() == pytest.approx(images[3].ravel()[100] / 255)
    assert data.labels.tolist() == labels.tolist()
    assert data.model()(data.inputs[:2]).shape == (2, 10)


def test_cifar_is_read_and_standardised(tmp_path):
    records = _write_cifar(tmp_path)
    data = load_cifar10(tmp_path)
    assert data.labels.tolist() == records[:, 0].tolist()
    torch.testing.assert_close(data.inputs.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    red = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)[:, 0].astype(np.float32))
    torch.testing.assert_close(data.inputs[:, 0], (red - red.mean()) / red.std(), atol=1e-4, rtol=1e-4)
    model = data.model()
    assert model(data.inputs[:2]).shape == (2, 10)
    assert sum(p.numel() for p in model.parameters()) == 11_173_962  # the usual ResNet18 for CIFAR10


def test_stsb_is_read_and_padded(tmp_path):
    _write_stsb(tmp_path)
    data = load_stsb(tmp_path)
    assert data.labels.tolist() == [0, 1, 2, 3, 4, 5] * 2
    assert data.inputs[0, 0] == 2
    assert (data.inputs[0] == 3).sum() == 1
    assert data.model()(data.inputs[:2]).shape == (2, 6)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("train-images-idx3-ubyte", b"\x80\x04pickle", "not an IDX file"),
        ("train-images-idx3-ubyte", struct.pack(">BBBBIII", 0, 0, 8, 3, 9, 28, 28), "damaged: 0 bytes"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x03\0", "header is cut off"),
    ],
)
def test_damaged_idx(tmp_path, name, write, message):
    (tmp_path / name).write_bytes(write)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / name)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(ValueError, match="--data-root"):
        load_mnist(None)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_cifar10(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="binary version"):
        load_cifar10(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"123")
    with pytest.raises(ValueError, match="no multiple"):
        load_cifar10(tmp_path)
    with pytest.raises(FileNotFoundError, match="neither"):
        load_mnist(tmp_path)
    (tmp_path / "train.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(ValueError, match="sentence1"):
        load_stsb(tmp_path)


def test_the_task_is_the_published_one():
    task = make_task(load_digits(None), SETUPS["digits"], seed=0)
    assert len(task.labels) == 1000
    assert task.modified.sum() == 100
    assert ((task.targets > 0).sum(1) == 5).all()
    chosen = task.targets.gather(1, task.labels[:, None])[:, 0]
    assert (chosen[task.modified] == 0).all()
    torch.testing.assert_close(chosen[~task.modified], torch.full((900,), 0.2))
    own = load_digits(None).labels[torch.randperm(1797, generator=torch.Generator().manual_seed(0))[:1000]]
    assert (task.labels[~task.modified] == own[~task.modified]).all()
    for label in range(10):  # the set belongs to the class
        assert len(task.targets[own == label].unique(dim=0)) == 1
    rewards = task.rewards(0.5)
    assert (rewards.gather(1, task.labels[:, None]) == 1).all()
    assert rewards[task.modified].sum(1).unique().tolist() == [1 + 9 * 0.5]
    assert rewards[~task.modified].sum(1).unique().tolist() == [1 - 9]


def test_measure_of_a_uniform_model():
    task = make_task(load_digits(None), SETUPS["digits"], seed=0)
    model = torch.nn.Linear(64, 10)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    found = measure(model, task, Arm("RFT", "Adam"), "unmodified")
    # p = 1/10: reward 0.1 - 0.9, std 2 sqrt(0.09).
    assert found["reward"] == pytest.approx(-0.8, abs=1e-6)
    assert found["std"] == pytest.approx(0.6, abs=1e-6)
    weights = task.inputs[~task.modified]
    error = torch.eye(10)[task.labels[~task.modified]] - 0.1
    expected = [2 * 0.1 * (error.T @ weights) / 900, 2 * 0.1 * error.mean(0)]
    assert found["gradient"] == pytest.approx(math.sqrt(sum(float((g**2).sum()) for g in expected)), rel=1e-4)


def test_run_resume_and_report(tmp_path):
    rows = run_controlled(tmp_path / "a", pretraining=2, epochs=4, progress=False)
    table = report_controlled(tmp_path / "a", rows, "digits", "wis lm controlled")
    assert table.arm.tolist() == [arm.name for arm in ARMS]
    assert (tmp_path / "a" / "report.html").read_text().count("<svg") == 1
    assert not (tmp_path / "a" / "interrupted.pt").exists()
    again = run_controlled(tmp_path / "a", pretraining=2, epochs=4, progress=False)
    assert list(again) == list(rows)
    with pytest.raises(ValueError, match="other settings"):
        run_controlled(tmp_path / "a", pretraining=2, epochs=5, progress=False)


def test_an_interrupted_arm_goes_on_to_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setattr(controlled, "ARMS", ARMS[:1])
    whole = next(iter(run_controlled(tmp_path / "whole", pretraining=2, epochs=25, progress=False)))
    train, count = controlled._train_epoch, 0

    def stop(*arguments):
        nonlocal count
        count += 1
        if count > 23:
            raise KeyboardInterrupt
        train(*arguments)

    monkeypatch.setattr(controlled, "_train_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        run_controlled(tmp_path / "parts", pretraining=2, epochs=25, progress=False)
    count = -100
    parts = next(iter(run_controlled(tmp_path / "parts", pretraining=2, epochs=25, progress=False)))
    assert count == -100 + 5  # epochs 20 to 24 only
    assert parts | {"seconds": 0} == whole | {"seconds": 0}


@pytest.mark.parametrize(("name", "write"), [("mnist", _write_mnist), ("cifar10", _write_cifar), ("stsb", _write_stsb)])
def test_the_other_data_sets_run(name, write, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setattr(controlled, "ARMS", ARMS[:2])
    rows = run_controlled(tmp_path / "out", name, data_root=tmp_path, pretraining=1, epochs=1, progress=False)
    assert [row["diverged"] for row in rows] == [False, False]


def test_divergence_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(controlled, "ARMS", (Arm("SFT", "SGD"),))
    monkeypatch.setitem(SETUPS, "digits", controlled.Setup(load_digits, 1000, sgd_rate=1e30))
    rows = run_controlled(tmp_path, pretraining=1, epochs=5, progress=False)
    assert [row["diverged"] for row in rows] == [True]


@pytest.mark.parametrize(
    ("options", "message"), [({"name": "svhn"}, "unknown data set"), ({"epochs": 0}, "at least 1")]
)
def test_bad_input(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        run_controlled(tmp_path, **options)
