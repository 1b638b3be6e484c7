# SPDX-License-Identifier: Apache-2.0
"""Clipping, sampling and noise of differentially private training."""

import math
import unittest

import torch
import torch.nn.functional as F

from tests import sample  # noqa: F401, finds the scripts

import private_training
from network import Network, RecipeError

HEAD = {"name": "head", "seed": 1, "thresholds": [128],
        "layers": [{"type": "dense", "name": "fc1", "outputs": 6}, {"type": "activation", "name": "square1"},
                   {"type": "dense", "name": "fc2", "outputs": 3}]}


def head():
    torch.manual_seed(3)
    return Network(HEAD, (5, 1, 1), normalised=False)


def examples(count, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 5, generator=generator), torch.randint(0, 3, (count,), generator=generator)


class ClippingTest(unittest.TestCase):
    def test_sums_what_every_example_alone_would_give(self):
        network = head()
        inputs, labels = examples(40)
        norms, sums = [], [torch.zeros_like(p) for p in network.parameters()]
        for x, y in zip(inputs, labels):
            network.zero_grad()
            F.cross_entropy(network(x[None]), y[None]).backward()
            norm = math.sqrt(sum(float(p.grad.square().sum()) for p in network.parameters()))
            norms.append(norm)
            for total, p in zip(sums, network.parameters()):
                total += p.grad * min(1, 0.9 / norm)
        self.assertTrue(min(norms) < 0.9 < max(norms), (min(norms), max(norms)))
        found = [part for _, *parts in private_training.clipped_gradients(network, inputs, labels, 0.9) for part in parts]
        for expected, part in zip(sums, found):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)

    def test_one_example_moves_the_sum_by_the_clip_at_most(self):
        network = head()
        inputs, labels = examples(20)
        inputs[7] *= 1000
        with_it = private_training.clipped_gradients(network, inputs, labels, 0.5)
        rest = [i for i in range(20) if i != 7]
        without = private_training.clipped_gradients(network, inputs[rest], labels[rest], 0.5)
        moved = sum(float((a - b).square().sum()) for one, other in zip(with_it, without)
                    for a, b in zip(one[1:], other[1:]))
        self.assertAlmostEqual(math.sqrt(moved), 0.5, places=3)

    def test_an_empty_batch(self):
        for _, of_weight, of_bias in private_training.clipped_gradients(head(), *examples(0), 1.0):
            self.assertEqual((float(of_weight.abs().sum()), float(of_bias.abs().sum())), (0, 0))

    def test_convolutions_are_refused(self):
        recipe = dict(HEAD, layers=[{"type": "convolution", "name": "conv1", "maps": 2, "kernel": 2, "stride": 1,
                                     "padding": 0}, {"type": "flatten", "name": "flatten"}, HEAD["layers"][2]])
        network = Network(recipe, (1, 4, 4), normalised=False)
        with self.assertRaisesRegex(RecipeError, "conv1"):
            private_training.clipped_gradients(network, torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.long), 1.0)


class SamplerTest(unittest.TestCase):
    def test_every_example_by_itself(self):
        sampler = private_training.Sampler(200, 0.1, torch.Generator().manual_seed(1))
        counts, sizes = torch.zeros(200), []
        for _ in range(2000):
            chosen = sampler()
            self.assertEqual(len(set(chosen.tolist())), len(chosen))
            counts[chosen] += 1
            sizes.append(len(chosen))
        self.assertLess(float((counts / 2000 - 0.1).abs().max()), 5 * math.sqrt(0.09 / 2000))
        # Sizes are binomial: their variance is n q (1 - q).
        self.assertAlmostEqual(float(torch.tensor(sizes, dtype=torch.float).var()) / 18, 1, delta=0.15)


class TrainTest(unittest.TestCase):
    def train(self, **settings):
        network = head()
        inputs, _ = examples(300)
        labels = (inputs[:, 0] * 3).long()
        private_training.train(network, inputs, labels,
                               **{"rate": 0.2, "steps": 150, "clip": 1.0, "noise": 0.0, "learning_rate": 0.05, "seed": 1,
                                  **settings})
        return network, float((network(inputs).argmax(1) == labels).float().mean())

    def test_learns_without_noise_and_with_a_little(self):
        self.assertGreater(self.train()[1], 0.85)
        self.assertGreater(self.train(noise=1.0)[1], 0.7)

    def test_noise_has_the_deviation_it_is_asked_for(self):
        torch.manual_seed(3)
        network = Network(dict(HEAD, layers=[{"type": "dense", "name": "fc1", "outputs": 2}]), (20_000, 1, 1),
                          normalised=False)
        inputs = torch.zeros(4, 20_000)
        private_training.train(network, inputs, torch.zeros(4, dtype=torch.long), rate=0.5, steps=1, clip=0.5, noise=3.0,
                               learning_rate=0.0, seed=2)
        # Zero inputs have no gradient at the weights: what is there is noise, over the expected two examples.
        self.assertAlmostEqual(float(network.weighted()[0].weight.grad.std()) * 2, 1.5, delta=0.03)

    def test_same_seed_same_weights(self):
        first, second = self.train(noise=1.0)[0], self.train(noise=1.0)[0]
        for a, b in zip(first.parameters(), second.parameters()):
            self.assertTrue(bool((a == b).all()))
