# SPDX-License-Identifier: Apache-2.0
"""Differentially private gradient descent (Abadi et al., arXiv 1607.00133) for networks of dense layers.

What it spends is accountant.epsilon(rate, noise, steps, delta). Whatever is done to the weights afterwards without
the training data, quantisation and export included, spends nothing.
"""

import math

import torch
import torch.nn.functional as F

from network import Dense, RecipeError


class Sampler:
    """Poisson samples: every example is in a batch with probability `rate`, whatever the others do, so a batch may be
    of any size. That is what the accountant counts on; a shuffled pass over the data is not."""

    def __init__(self, examples, rate, generator):
        self.examples, self.rate, self.generator = examples, rate, generator

    def __call__(self):
        return torch.nonzero(torch.rand(self.examples, generator=self.generator) < self.rate).flatten()


def clipped_gradients(network, inputs, labels, clip):
    """The sum over examples of their gradients, each scaled down to norm `clip` at most: [(layer, of weight, of bias)].

    A dense layer's gradient for one example is the outer product of its output's gradient and its input, so the norm
    of all of them together needs no gradient of single examples (Goodfellow, arXiv 1510.01799).
    """
    passed, x = [], inputs
    for layer in network.layers:
        before, x = x, layer(x)
        if isinstance(layer, Dense):
            x.retain_grad()
            passed.append((layer, before.detach(), x))
        elif list(layer.parameters()):
            raise RecipeError(f"{layer.name}: gradients of single examples are known for dense layers alone")
    network.zero_grad()
    F.cross_entropy(x.flatten(1), labels, reduction="sum").backward()
    square = sum(after.grad.square().sum(1) * (before.square().sum(1) + 1) for _, before, after in passed)
    scale = clip / torch.clamp(square.sqrt(), min=clip)
    result = []
    for layer, before, after in passed:
        gradient = after.grad * scale[:, None]
        result.append((layer, gradient.T @ before, gradient.sum(0)))
    return result


def train(network, inputs, labels, *, rate, steps, clip, noise, learning_rate, seed):
    """Noisy gradient steps by Adam, whose rate falls like a cosine. inputs: examples x features, in the network's units.

    The noise's deviation is `noise` times `clip`. Sums are divided by the expected size of a batch, which tells nothing
    of the one that was drawn. The number of examples is taken as public. Whoever knows the seed can take the noise off
    again: for data that matter it has to come from the operating system and be forgotten.
    """
    generator = torch.Generator().manual_seed(seed)
    sampler = Sampler(len(labels), rate, generator)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    expected = rate * len(labels)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        chosen = sampler()
        gradients = clipped_gradients(network, inputs[chosen], labels[chosen], clip)
        for layer, of_weight, of_bias in gradients:
            for parameter, gradient in ((layer.weight, of_weight), (layer.bias, of_bias)):
                disturbance = torch.randn(gradient.shape, generator=generator) * (noise * clip)
                parameter.grad = (gradient + disturbance) / expected
        optimiser.step()
    return network
