"""The labelled inputs of the controlled experiments, and the models for them.

Digits come with scikit-learn. MNIST (IDX files), CIFAR10 (the binary version) and STS-B (GLUE's tab-separated files)
are read from a folder of the user; nothing is downloaded and nothing is unpickled.
"""

from __future__ import annotations

import csv
import gzip
import re
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_IDX_BYTES = 0x08
_CIFAR_RECORD = 1 + 3 * 32 * 32
_STSB_CLASSES = 6
_STSB_WORDS = 8000
_STSB_LENGTH = 64
_PADDING, _UNKNOWN, _START, _SEPARATOR = range(4)


@dataclass(frozen=True)
class Labelled:
    """Inputs, ``[n, …]``, labels int64 ``[n]``, the number of classes, and a fresh model for them."""

    inputs: Tensor
    labels: Tensor
    classes: int
    model: Callable[[], nn.Module]


@dataclass(frozen=True)
class Setup:
    """A data set and the published settings for it [code].

    Attributes
    ----------
    load
        Reads the data from a folder.
    train
        Number of inputs used; None for all.
    labels
        K, labels an input in pretraining.
    sgd_rate
        Learning rate of SGD.
    pretraining, epochs
        Epochs of the two phases.
    note
        Where this differs from the published experiment.
    """

    load: Callable[[Path | None], Labelled]
    train: int | None
    labels: int = 5
    sgd_rate: float = 1e-2
    pretraining: int = 1000
    epochs: int = 5000
    note: str = ""


def load_digits(_: Path | None) -> Labelled:
    """scikit-learn's 1,797 digits of 8 × 8 pixels, each pixel standardised."""
    from sklearn import datasets

    pixels, labels = datasets.load_digits(return_X_y=True)
    inputs = torch.from_numpy(pixels).float()
    inputs = (inputs - inputs.mean(0)) / inputs.std(0).clamp_min(1e-3)  # some pixels are always 0
    return Labelled(inputs, torch.from_numpy(labels).long(), 10, lambda: mlp(pixels.shape[1], 10))


def load_mnist(folder: Path | None) -> Labelled:
    """MNIST from ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, each plain or ``.gz``."""
    root = _folder(folder, "mnist", "train-images-idx3-ubyte and train-labels-idx1-ubyte (.gz or not)")
    images = read_idx(_either(root, "train-images-idx3-ubyte"))
    labels = read_idx(_either(root, "train-labels-idx1-ubyte"))
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ValueError(f"{root}: images {list(images.shape)} and labels {list(labels.shape)} do not belong together")
    inputs = torch.from_numpy(images.reshape(len(images), -1).copy()).float() / 255
    return Labelled(inputs, torch.from_numpy(labels.astype(np.int64)), 10, lambda: mlp(inputs.shape[1], 10))


def load_cifar10(folder: Path | None) -> Labelled:
    """CIFAR10, binary version: ``data_batch_1.bin`` and so on, as many as there are."""
    root = _folder(folder, "cifar10", "the binary version's data_batch_1.bin, …")
    files = sorted(root.glob("data_batch_*.bin"))
    if not files:
        raise FileNotFoundError(f"{root} has no data_batch_*.bin; take the binary version of CIFAR10, not the pickles")
    parts = []
    for file in files:
        data = np.fromfile(file, dtype=np.uint8)
        if not len(data) or len(data) % _CIFAR_RECORD:
            raise ValueError(f"{file} is damaged: {len(data)} bytes are no multiple of {_CIFAR_RECORD}")
        parts.append(data.reshape(-1, _CIFAR_RECORD))
    records = np.concatenate(parts)
    inputs = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 255
    inputs = (inputs - inputs.mean((0, 2, 3), keepdim=True)) / inputs.std((0, 2, 3), keepdim=True)
    return Labelled(inputs, torch.from_numpy(records[:, 0].astype(np.int64)), 10, lambda: ResNet18(10))


def load_stsb(folder: Path | None) -> Labelled:
    """STS-B from GLUE's ``train.tsv``: pairs of sentences, the score rounded to one of six classes [ours].

    Words are those of the training file, the 8,000 most frequent [ours].
    """
    path = _folder(folder, "stsb", "GLUE's train.tsv") / "train.tsv"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or not {"sentence1", "sentence2", "score"} <= set(rows[0]):
        raise ValueError(f"{path} must have the columns sentence1, sentence2 and score")
    pairs = [(_words(row["sentence1"]), _words(row["sentence2"])) for row in rows]
    frequent = Counter(word for pair in pairs for part in pair for word in part).most_common(_STSB_WORDS)
    index = {word: i + 4 for i, (word, _) in enumerate(frequent)}
    inputs = torch.full((len(rows), _STSB_LENGTH), _PADDING)
    for i, pair in enumerate(pairs):
        first, second = ([index.get(word, _UNKNOWN) for word in part] for part in pair)
        tokens = [_START, *first, _SEPARATOR, *second][:_STSB_LENGTH]
        inputs[i, : len(tokens)] = torch.tensor(tokens)
    labels = torch.tensor([round(float(row["score"])) for row in rows])
    return Labelled(inputs, labels, _STSB_CLASSES, lambda: BertMini(len(index) + 4, _STSB_CLASSES))


SETUPS = {
    "digits": Setup(load_digits, 1000, note="The data, embedded in scikit-learn, are no part of the paper [ours]."),
    "mnist": Setup(load_mnist, 1000),
    "cifar10": Setup(load_cifar10, 10_000),
    "stsb": Setup(load_stsb, None, labels=3, sgd_rate=1e-3, note="Six rounded classes and word tokens [ours]."),
}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, ``.gz`` or not.

    Raises
    ------
    ValueError
        If the file is something else, or shorter than its header says.
    """
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _IDX_BYTES:
        raise ValueError(f"{path} is not an IDX file of unsigned bytes")
    dimensions = data[3]
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise ValueError(f"{path} is damaged: its header is cut off")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != int(np.prod(shape)):
        raise ValueError(f"{path} is damaged: {len(data) - header} bytes for the shape {list(shape)}")
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)


def mlp(inputs: int, classes: int) -> nn.Module:
    """The published 250-100 MLP [code]."""
    return nn.Sequential(nn.Linear(inputs, 250), nn.ReLU(), nn.Linear(250, 100), nn.ReLU(), nn.Linear(100, classes))


class ResNet18(nn.Module):
    """ResNet18 for 32 × 32 images: a 3 × 3 first convolution, no pooling after it.

    Source: He et al., arXiv:1512.03385, with the usual change for CIFAR.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        widths = [64, 64, 128, 128, 256, 256, 512, 512]
        before = [64, *widths]
        self.blocks = nn.Sequential(*(_Block(b, w, 2 if b != w else 1) for b, w in zip(before, widths, strict=False)))
        self.head = nn.Linear(512, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[n, classes]`` of images ``[n, 3, h, w]``."""
        return self.head(self.blocks(self.stem(images)).mean((2, 3)))


class _Block(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip
        self.skip: nn.Module = nn.Identity()
        if stride > 1:
            self.skip = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.skip(x))


class BertMini(nn.Module):
    """BERT-mini (4 layers, width 256) from scratch, with a linear head."""

    def __init__(self, words: int, classes: int) -> None:
        super().__init__()
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=words, hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024,
            max_position_embeddings=_STSB_LENGTH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.body = BertModel(config)
        self.head = nn.Linear(256, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits ``[n, classes]`` of token ids ``[n, l]``, 0 for padding."""
        return self.head(self.body(input_ids=tokens, attention_mask=tokens != _PADDING).pooler_output)


def _folder(folder: Path | None, name: str, files: str) -> Path:
    if folder is None:
        raise ValueError(f"{name} is not embedded: give --data-root, a folder with {files}")
    if not folder.is_dir():
        raise FileNotFoundError(f"the data folder {folder} does not exist; {name} needs {files} there")
    return folder


def _either(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{root} has neither {name} nor {name}.gz")


def _words(sentence: Any) -> list[str]:
    return re.findall(r"\w+", str(sentence).lower())
