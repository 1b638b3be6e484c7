# SPDX-License-Identifier: Apache-2.0
"""Gradient descent, with distillation from a teacher (Hinton, Vinyals and Dean, arXiv 1503.02531)."""

import copy
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import data

BATCH = 128


class Progress:
    """One line on a terminal's stderr with the time left; silent elsewhere."""

    def __init__(self, title, steps):
        self.title, self.steps, self.begin = title, steps, time.monotonic()
        self.shown = 0.0
        self.terminal = sys.stderr.isatty()

    def __call__(self, step):
        now = time.monotonic()
        if not self.terminal or now - self.shown < 0.5:
            return
        self.shown = now
        left = (now - self.begin) / max(step, 1) * (self.steps - step)
        print(f"\r{self.title}: {step / self.steps:4.0%}, {left:4.0f} s left ", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Pixels:
    """uint8 images (N x H x W, or N x C x H x W) -> the network's input: levels divided by their number."""

    def __init__(self, thresholds):
        levels = data.quantise(np.arange(256, dtype=np.uint8), thresholds)
        self.table = torch.from_numpy(levels.astype(np.float32) / len(thresholds))

    def __call__(self, images):
        values = self.table[torch.from_numpy(images.astype(np.int64))]
        return values.unsqueeze(1) if images.ndim == 3 else values


def input_shape(images):
    """(channels, height, width) of what Pixels makes of images."""
    return (1, *images.shape[1:]) if images.ndim == 3 else tuple(images.shape[1:])


@torch.no_grad()
def accuracy(network, pixels, split, batch=1000):
    """Share of correct answers of the float evaluation."""
    network.eval()
    right = 0
    for start in range(0, len(split), batch):
        part = split.part(start, start + batch)
        right += int((network(pixels(part.images)).argmax(1).numpy() == part.labels).sum())
    network.train()
    return right / len(split)


def loss(outputs, labels, teacher, distillation):
    """Cross entropy with the labels, mixed with the divergence from the teacher's answer.

    The teacher's logits are multiplied by "sharpness" (it was trained with smoothed labels) and the student's are not
    softened: at a high temperature it would have to reproduce the size of the teacher's logits, and squares, which do
    not saturate, are bad at that (README, what was tried).
    """
    plain = F.cross_entropy(outputs, labels, label_smoothing=distillation.get("smoothing", 0.0))
    share = distillation.get("share", 0.0)
    if share == 0 or teacher is None:
        return plain
    answer = F.log_softmax(teacher * distillation.get("sharpness", 1.0), 1)
    soft = F.kl_div(F.log_softmax(outputs, 1), answer, reduction="batchmean", log_target=True)
    return (1 - share) * plain + share * soft


def train(network, pool, pixels, epochs, rate, seed, title, distillation=None, after_step=None, penalty=0.0,
          validation=None, keep_best=False, decay=0.0, first_copy=0, batch=BATCH, after_epoch=None):
    """Adam with a cosine rate over `epochs` passes; each pass sees another augmented copy of the pool.

    penalty: weight of the proven range's log2 in the loss.
    keep_best: end with the state of the best epoch on `validation` instead of the last.
    after_epoch: called with the number of finished epochs, the epoch's mean loss and the accuracy on `validation`.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    steps_per_epoch = max(1, len(pool.labels) // batch)
    steps = epochs * steps_per_epoch
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    progress = Progress(title, steps)
    best, best_state = -1.0, None
    network.train()
    step = 0
    for epoch in range(epochs):
        images, answers = pool.copy(first_copy + epoch)
        order = generator.permutation(len(pool.labels))
        total = 0.0
        for start in range(0, steps_per_epoch * batch, batch):
            chosen = np.sort(order[start:start + batch])
            # A warm-up of 200 steps keeps squares of badly scaled sums from exploding.
            factor = 0.5 * (1 + math.cos(math.pi * step / steps)) * min(1.0, (step + 1) / 200)
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
            labels = torch.from_numpy(pool.labels[chosen])
            teacher = None if answers is None else torch.from_numpy(answers[chosen])
            value = loss(network(pixels(images[chosen])), labels, teacher, distillation or {})
            if penalty:
                value = value + penalty * network.log_range()
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            if decay:
                with torch.no_grad():
                    for parameter in network.parameters():
                        if parameter.dim() > 1:
                            parameter.mul_(1 - decay * rate * factor)
            if after_step is not None:
                after_step()
            step += 1
            total += float(value.detach())
            progress(step)
        score = None if validation is None else accuracy(network, pixels, validation)
        if keep_best and score is not None and score >= best:
            best, best_state = score, copy.deepcopy(network.state_dict())
        if after_epoch is not None:
            after_epoch(epoch + 1, total / steps_per_epoch, score)
    progress.close()
    if best_state is not None:
        network.load_state_dict(best_state)
    return network
