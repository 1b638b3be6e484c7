# SPDX-License-Identifier: Apache-2.0
"""Export, exact evaluation, ranges and HOP counts, each against its plain definition."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

from tests import sample

import evaluate
import export
import hops
import integer_model as im
import ranges


class ExportTest(unittest.TestCase):
    def setUp(self):
        self.model = sample.integer_model(np.random.default_rng(1))
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = Path(self.folder.name) / "sample.lacuna.json"

    def test_round_trip(self):
        self.model.layers[-1].bias[0] = -(10**40)
        export.save(self.model, self.file)
        loaded = export.load(self.file)
        self.assertEqual(export.to_json(loaded), export.to_json(self.model))
        self.assertEqual(loaded.layers[-1].bias, self.model.layers[-1].bias)
        np.testing.assert_array_equal(loaded.layers[0].weights, self.model.layers[0].weights)

    def test_features_make_it_version_two(self):
        self.assertEqual(json.loads(export.to_json(self.model))["version"], 1)
        self.model.low, self.model.high = [-0.1], [1 / 3]
        for thresholds in ([60, 120, 200], [[60, 120]], [[1 + i, 200] for i in range(36)]):
            self.model.thresholds = thresholds
            text = export.to_json(self.model)
            self.assertEqual(json.loads(text)["version"], 2)
            export.save(self.model, self.file)
            loaded = export.load(self.file)
            self.assertEqual(export.to_json(loaded), text)
            self.assertEqual((loaded.thresholds, loaded.low, loaded.high), (thresholds, [-0.1], [1 / 3]))

    def test_large_integers_are_strings(self):
        self.model.layers[-1].bias[:2] = [2**53 - 1, 2**53]
        bias = json.loads(export.to_json(self.model))["layers"][-1]["bias"]
        self.assertEqual(bias[:2], [2**53 - 1, str(2**53)])

    def test_sparse_rows_become_rising_terms(self):
        self.model.layers[5].weights[:] = 0
        self.model.layers[5].weights[0, [3, 20]] = [4, -1]
        entry = json.loads(export.to_json(self.model))["layers"][5]["weights"]
        self.assertEqual(entry["terms"], [[[3, 4], [20, -1]], [], [], [], [], []])

    def test_refusals(self):
        def broken(change):
            model = sample.integer_model(np.random.default_rng(1))
            change(model)
            return model

        changes = {
            "name": lambda m: setattr(m, "name", "Not A Name"),
            "thresholds": lambda m: setattr(m, "thresholds", [128, 128]),
            "lists of thresholds": lambda m: setattr(m, "thresholds", [[1], [2]]),
            "strictly rising": lambda m: setattr(m, "thresholds", [[1, 1]]),
            "a lowest and a highest": lambda m: setattr(m, "low", [0]),
            "below the highest": lambda m: (setattr(m, "low", [2]), setattr(m, "high", [1])),
            "2^30": lambda m: m.layers[0].weights.__setitem__((0, 0), 2**30 + 1),
            "different names": lambda m: setattr(m.layers[0], "name", "fc1"),
            "degree": lambda m: m.layers[1].coefficients.__setitem__(2, 0),
            "one bias per row": lambda m: m.layers[0].bias.pop(),
            "weight columns": lambda m: setattr(m, "input_shape", (2, 6, 6)),
        }
        for message, change in changes.items():
            with self.subTest(message), self.assertRaisesRegex(export.FormatError, message.replace("^", r"\^")):
                export.to_json(broken(change))

    def test_a_file_that_is_no_model(self):
        self.file.write_text("{}")
        with self.assertRaisesRegex(export.FormatError, "sample.lacuna.json"):
            export.load(self.file)


class EvaluationTest(unittest.TestCase):
    def test_equals_the_definition(self):
        generator = np.random.default_rng(2)
        for activation in ((0, 0, 1), (3, -2, 1), (1, 2), (0, 1, 0, 2)):
            model = sample.integer_model(generator, activation=activation)
            images = generator.integers(0, 256, (3, 6, 6)).astype(np.uint8)
            exact = evaluate.logits(model, images)
            for row, image in zip(exact, images):
                self.assertEqual(list(row), sample.naive_logits(model, image))

    def test_elements_with_thresholds_of_their_own(self):
        generator = np.random.default_rng(3)
        model = sample.integer_model(generator)
        lists = [sorted(generator.choice(range(1, 256), 1 + i % 3, replace=False).tolist()) for i in range(36)]
        model.thresholds = lists
        images = generator.integers(0, 256, (4, 6, 6)).astype(np.uint8)
        for image, found in zip(images, evaluate.levels(model, images)):
            flat = [sum(t <= int(p) for t in own) for own, p in zip(lists, image.flat)]
            self.assertEqual(found.ravel().tolist(), flat)
        # The same network with its levels as pixels.
        plain = sample.integer_model(np.random.default_rng(3))
        plain.thresholds = [1, 2, 3]
        np.testing.assert_array_equal(evaluate.logits(model, images),
                                      evaluate.logits(plain, evaluate.levels(model, images).astype(np.uint8)))
        self.assertLessEqual(ranges.proven_bits(model), ranges.proven_bits(plain))

    def test_exact_beyond_any_machine_word(self):
        generator = np.random.default_rng(3)
        model = sample.integer_model(generator, weight_limit=5000)
        model.layers[-1].bias[1] = 10**50
        images = generator.integers(0, 256, (2, 6, 6)).astype(np.uint8)
        self.assertGreater(ranges.proven_bits(model), 100)
        for row, image in zip(evaluate.logits(model, images), images):
            self.assertEqual(list(row), sample.naive_logits(model, image))

    def test_lowest_index_wins_a_tie(self):
        model = im.IntegerModel("tie", (1, 1, 1), [128],
                                [im.Flatten("flatten"), im.Dense("fc", np.array([[0], [1], [1]]), [0, 0, 0])])
        self.assertEqual(list(evaluate.predictions(model, np.array([[[255]], [[0]]], np.uint8))), [1, 0])


class RangeTest(unittest.TestCase):
    def test_contains_every_value(self):
        generator = np.random.default_rng(4)
        for activation in ((0, 0, 1), (3, -5, 1), (0, 1, 0, -2)):
            model = sample.integer_model(generator, activation=activation)
            _, low, high = ranges.intervals(model)[-1]
            images = generator.integers(0, 256, (50, 6, 6)).astype(np.uint8)
            exact = evaluate.logits(model, images)
            self.assertLessEqual(low, exact.min())
            self.assertGreaterEqual(high, exact.max())

    def test_is_reached_by_a_linear_layer(self):
        weights = np.array([[3, -2, 0], [-1, -1, 4]])
        model = im.IntegerModel("linear", (1, 1, 3), [50, 100],
                                [im.Flatten("flatten"), im.Dense("fc", weights, [1, -7])])
        low, high = ranges.layer_interval(model.layers[1], *(np.full((3, 1, 1), bound, object) for bound in (0, 2)))
        self.assertEqual([list(low.flatten()), list(high.flatten())], [[-3, -11], [7, 1]])

    def test_quadratic_over_integers(self):
        for coefficients in ([0, 0, 1], [1, 3, 1], [5, -7, 2], [2, 3, -1]):
            for low in range(-4, 4):
                for high in range(low, 5):
                    found = ranges.polynomial_interval(coefficients, np.array([low], object), np.array([high], object))
                    values = [sum(c * x**k for k, c in enumerate(coefficients)) for x in range(low, high + 1)]
                    self.assertEqual((found[0][0], found[1][0]), (min(values), max(values)))

    def test_centring_keeps_the_classes(self):
        generator = np.random.default_rng(5)
        model = sample.integer_model(generator)
        model.layers[-1].bias = [b - 10**9 for b in model.layers[-1].bias]
        images = generator.integers(0, 256, (50, 6, 6)).astype(np.uint8)
        before, bits = evaluate.predictions(model, images), ranges.proven_bits(model)
        ranges.centre_logits(model)
        np.testing.assert_array_equal(evaluate.predictions(model, images), before)
        _, low, high = ranges.intervals(model)[-1]
        self.assertLessEqual(abs(low + high), 1)
        self.assertLessEqual(ranges.proven_bits(model), bits)

    def test_bits(self):
        for bias, bits in ((0, 1), (1, 2), (-2, 3), (2**20, 22)):
            model = im.IntegerModel("bits", (1, 1, 1), [9],
                                    [im.Flatten("flatten"), im.Dense("fc", np.array([[0]]), [bias])])
            self.assertEqual(ranges.proven_bits(model), bits)


class HopsTest(unittest.TestCase):
    def test_dense(self):
        layer = im.Dense("fc", np.array([[1, 0, -4], [0, 0, 0], [0, 2, 0]]), [0, 5, 1])
        self.assertEqual(hops.layer_hops(layer, (3, 1, 1)), hops.Hops(2, 1, 3, 0))

    def test_convolution_skips_padding(self):
        layer = im.Convolution("conv", (3, 3), (1, 1), (1, 1), np.ones((1, 9), np.int64), [1])
        # On 2 x 2 pixels every window covers all four pixels and five padding taps.
        self.assertEqual(hops.layer_hops(layer, (1, 2, 2)), hops.Hops(4, 12, 16, 0))

    def test_cryptonets_convolution(self):
        layer = im.Convolution("conv", (5, 5), (2, 2), (1, 1), np.ones((5, 25), np.int64), [0] * 5)
        self.assertEqual(hops.layer_hops(layer, (1, 28, 28)).pt_ct_mults, 20480)

    def test_activation(self):
        shape = (5, 13, 13)
        self.assertEqual(hops.layer_hops(im.Activation("a", [0, 0, 1]), shape), hops.Hops(0, 0, 0, 845))
        self.assertEqual(hops.layer_hops(im.Activation("a", [4, 2, 1]), shape), hops.Hops(845, 845, 845, 845))
        self.assertEqual(hops.layer_hops(im.Activation("a", [0, 1]), (2, 1, 1)), hops.Hops(0, 0, 2, 0))
        # x^4 from x^2 alone, x^3 needs x^2 as well.
        self.assertEqual(hops.layer_hops(im.Activation("a", [0, 0, 0, 0, 1]), (1, 1, 1)), hops.Hops(0, 0, 0, 2))
        self.assertEqual(hops.layer_hops(im.Activation("a", [0, 0, 0, 3]), (1, 1, 1)), hops.Hops(0, 0, 1, 2))

    def test_pool(self):
        self.assertEqual(hops.layer_hops(im.SumPool("p", (2, 2), (2, 2)), (3, 4, 4)), hops.Hops(0, 36, 0, 0))


if __name__ == "__main__":
    unittest.main()
