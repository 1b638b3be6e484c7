# SPDX-License-Identifier: Apache-2.0
"""Epsilon against published values, and against integrals of the definition."""

import math
import unittest

import numpy as np

from tests import sample  # noqa: F401, finds the scripts

import accountant


def integrated(rate, noise, order):
    """The divergence from its definition: log E_{x from N(0, noise^2)} [((1 - q) + q N(1)/N(0))^order] / (order - 1)."""
    x = np.linspace(-60 * noise, 60 * noise + order, 2_000_001)
    log_base = -x**2 / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi))
    log_ratio = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * x - 1) / (2 * noise**2))
    logs = log_base + order * log_ratio
    largest = logs.max()
    return (largest + math.log(np.exp(logs - largest).sum() * (x[1] - x[0]))) / (order - 1)


class AccountantTest(unittest.TestCase):
    # TensorFlow Privacy, compute_dp_sgd_privacy_test.py (commit 2cd46dbb): n, batch, noise, epochs, delta, epsilon, order.
    PUBLISHED = ((60_000, 150, 1.3, 15, 1e-5, 0.7242234026109595, 19),
                 (100_000, 100, 1.0, 30, 1e-7, 1.4154988495444842, 13))
    # The same before that library took the newer conversion (epsilon = divergence + log(1 / delta) / (a - 1)).
    EARLIER = (0.941870567, 1.70928734)
    # Its tutorial's table (tutorials/README.md), MNIST in batches of 256, delta 1e-5: noise, epochs, epsilon.
    TUTORIAL = ((1.12, 60, 2.92), (0.6, 30, 9.74), (1.2, 10, 1.20))

    def test_published_epsilons(self):
        for examples, batch, noise, epochs, delta, epsilon, order in self.PUBLISHED:
            found = accountant.epsilon(batch / examples, noise, math.ceil(epochs * examples / batch), delta)
            self.assertAlmostEqual(found[0], epsilon, places=7)
            self.assertEqual(found[1], order)

    def earlier(self, rate, noise, steps, delta):
        return min(steps * accountant.renyi(rate, noise, a) + math.log(1 / delta) / (a - 1) for a in accountant.ORDERS)

    def test_published_epsilons_of_the_earlier_conversion(self):
        for (examples, batch, noise, epochs, delta, _, _), epsilon in zip(self.PUBLISHED, self.EARLIER):
            steps = math.ceil(epochs * examples / batch)
            self.assertAlmostEqual(self.earlier(batch / examples, noise, steps, delta), epsilon, places=7)

    def test_tutorial(self):
        for noise, epochs, epsilon in self.TUTORIAL:
            steps = epochs * 60_000 // 256
            found = self.earlier(256 / 60_000, noise, steps, 1e-5)
            # Fractional orders, which the tutorial has between 1 and 10, gain a percent where the best one is small.
            self.assertLess(abs(found / epsilon - 1), 0.02)
            self.assertLess(accountant.epsilon(256 / 60_000, noise, steps, 1e-5)[0], epsilon)

    def test_divergence_is_the_integral(self):
        for rate, noise, order in ((0.01, 1.0, 2), (0.1, 0.8, 5), (0.3, 2.0, 16), (0.9, 4.0, 40)):
            self.assertAlmostEqual(accountant.renyi(rate, noise, order) / integrated(rate, noise, order), 1, places=6)

    def test_whole_batches_are_the_gaussian_mechanism(self):
        self.assertEqual(accountant.renyi(1, 2.0, 8), 1.0)
        self.assertAlmostEqual(accountant.renyi(1 - 1e-12, 2.0, 8), 1.0, places=9)

    def test_noise_for_an_epsilon(self):
        for target in (1, 2, 4, 8):
            noise = accountant.noise_for(target, 0.1, 200, 1e-4)
            self.assertLessEqual(accountant.epsilon(0.1, noise, 200, 1e-4)[0], target)
            self.assertGreater(accountant.epsilon(0.1, noise * 0.999, 200, 1e-4)[0], target)
        self.assertEqual(accountant.noise_for(math.inf, 0.1, 200, 1e-4), 0)

    def test_no_noise_is_no_privacy(self):
        self.assertEqual(accountant.epsilon(0.1, 0, 1, 1e-4)[0], math.inf)
        self.assertEqual(accountant.epsilon(0.1, 1, 0, 1e-4)[0], 0)

    def test_errors(self):
        for call, word in ((lambda: accountant.renyi(0, 1, 2), "rate"), (lambda: accountant.renyi(0.1, 1, 2.5), "order"),
                           (lambda: accountant.epsilon(0.1, 1, 1, 0), "delta"),
                           (lambda: accountant.epsilon(0.1, -1, 1, 0.1), "noise"),
                           (lambda: accountant.epsilon(0.1, 1, 1.5, 0.1), "steps"),
                           (lambda: accountant.noise_for(0, 0.1, 1, 0.1), "epsilon")):
            with self.assertRaisesRegex(ValueError, word):
                call()
