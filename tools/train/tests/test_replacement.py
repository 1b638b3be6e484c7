# SPDX-License-Identifier: Apache-2.0
"""The polynomial that replaces a function is the nearest one on the values that it meets."""

import unittest

import numpy as np
import torch

import replacement


class FitTest(unittest.TestCase):
    def test_a_polynomial_is_found_again(self):
        values = np.random.default_rng(1).normal(3, 0.5, 500)
        coefficients, error = replacement.fit(lambda x: 2 - x + 0.25 * x * x, values)
        np.testing.assert_allclose(coefficients, [2, -1, 0.25], atol=1e-9)
        self.assertLess(error, 1e-9)

    def test_no_other_parabola_is_nearer(self):
        values = np.random.default_rng(1).normal(0.5, 2, 2000)
        coefficients, error = replacement.fit(torch.relu, values)

        def distance(tried):
            return np.sqrt(np.mean((np.polynomial.polynomial.polyval(values, tried) - np.maximum(values, 0))**2))
        self.assertAlmostEqual(distance(coefficients), error)
        for step in np.eye(3):
            for size in (-0.01, 0.01):
                self.assertGreater(distance(coefficients + size * step), error)

    def test_values_that_hardly_differ(self):
        coefficients, error = replacement.fit(torch.relu, np.full(10, 2.0))
        self.assertTrue(np.isfinite(coefficients).all())
        self.assertAlmostEqual(float(np.polynomial.polynomial.polyval(2.0, coefficients)), 2.0)
        self.assertLess(error, 1e-9)


if __name__ == "__main__":
    unittest.main()
