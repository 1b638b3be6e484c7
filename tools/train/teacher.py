# SPDX-License-Identifier: Apache-2.0
"""The float network that answers for the augmented images, and the pool of images with its answers."""

import json
import os
import zlib

import numpy as np
import torch
from torch import nn

import data
import training


class Teacher(nn.Module):
    """A plain convolutional network with ReLU: no part of it is ever encrypted."""

    def __init__(self, width=32):
        super().__init__()

        def block(inputs, outputs):
            return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.layers = nn.Sequential(
            *block(1, width // 2), nn.MaxPool2d(2), *block(width // 2, width), *block(width, width), nn.MaxPool2d(2),
            *block(width, 2 * width), *block(2 * width, 2 * width), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(2 * width * 9, 10))

    def forward(self, x):
        return self.layers(x.contiguous(memory_format=torch.channels_last))


class Pool:
    """Augmented copies of the training images, copy 0 the images themselves; with a teacher, its answers."""

    def __init__(self, images, answers, labels):
        self.images, self.answers, self.labels = images, answers, labels

    def copy(self, index):
        index %= len(self.images)
        return self.images[index], None if self.answers is None else self.answers[index]


def build_pool(split, copies, seed, strength, mirror=False, shift=0):
    """A pool in memory, without answers."""
    generator = torch.Generator().manual_seed(seed)
    images = np.empty((copies, *split.images.shape), np.uint8)
    images[0] = split.images
    progress = training.Progress("augmentation", copies)
    for index in range(1, copies):
        for start in range(0, len(split), 1000):
            images[index, start:start + 1000] = data.augment(split.images[start:start + 1000], generator, strength, mirror,
                                                             shift)
        progress(index)
    progress.close()
    return Pool(images, None, split.labels)


@torch.no_grad()
def answers(teacher, pixels, pool):
    """The teacher's logits for every image of the pool."""
    teacher.eval()
    result = np.empty((*pool.images.shape[:2], 10), np.float32)
    progress = training.Progress("teacher's answers", len(pool.images))
    for index, images in enumerate(pool.images):
        for start in range(0, len(images), 200):
            result[index, start:start + 200] = teacher(pixels(images[start:start + 200])).numpy()
        progress(index + 1)
    progress.close()
    return result


def prepare(folder, split, validation, setting, report, gentle=None):
    """The pool for a recipe's "data" setting; made once, kept in `folder`, shared by all recipes of equal setting.

    setting: copies, strength, seed, and optionally teacher_epochs (0 or absent: no teacher).
    gentle: copies and strength of another pool, answered by the teacher that was trained on the first one.
    """
    base = _folder(folder, [setting, len(split)])
    pool = _images(base, split, setting, setting)
    if setting.get("teacher_epochs"):
        pixels = training.Pixels(range(1, 256))
        teacher_file = base / "teacher.pt"
        if not teacher_file.is_file():
            save(lambda stream: torch.save(train_teacher(pool, pixels, setting), stream), teacher_file)
            report(f"teacher: validation {training.accuracy(torch.load(teacher_file), pixels, validation):.2%} "
                   f"(float, ReLU)")
    if gentle:
        base = _folder(folder, [setting, len(split), gentle])
        pool = _images(base, split, setting, gentle)
    if setting.get("teacher_epochs"):
        answer_file = base / "answers.npy"
        if not answer_file.is_file():
            save(lambda stream: np.save(stream, answers(torch.load(teacher_file), pixels, pool)), answer_file)
        pool.answers = np.load(answer_file, mmap_mode="r")
    return pool


def _folder(folder, basis):
    base = folder / f"pool-{zlib.crc32(json.dumps(basis, sort_keys=True).encode()):08x}"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _images(base, split, setting, copying):
    file = base / "images.npy"
    if not file.is_file():
        pool = build_pool(split, copying["copies"], setting["seed"], copying["strength"],
                          copying.get("mirror", False), copying.get("shift", 0))
        save(lambda stream: np.save(stream, pool.images), file)
    return Pool(np.load(file, mmap_mode="r"), None, split.labels)


def train_teacher(pool, pixels, setting):
    torch.manual_seed(setting["seed"])
    teacher = Teacher(setting.get("teacher_width", 32)).to(memory_format=torch.channels_last)
    return training.train(teacher, pool, pixels, setting["teacher_epochs"], 0.003, setting["seed"], "teacher",
                          {"smoothing": 0.05})


def save(write, file):
    """Calls write(stream) on a temporary file, then renames it: an interruption leaves no half file."""
    temporary = file.with_name(file.name + ".tmp")
    with open(temporary, "wb") as stream:
        write(stream)
    os.replace(temporary, file)
