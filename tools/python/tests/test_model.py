# SPDX-License-Identifier: Apache-2.0
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import lacuna
from samples import CASES, LOGITS, four_pixels


class Model(unittest.TestCase):
    def test_images_in_every_form_give_the_logits(self):
        model = four_pixels()
        for images in (CASES, CASES.reshape(3, 2, 2), CASES.reshape(3, 1, 2, 2), CASES.astype(np.int64),
                       CASES.tolist(), CASES[:, ::-1][:, ::-1], np.asfortranarray(CASES)):
            logits = model.evaluate(images)
            self.assertEqual(logits.tolist(), LOGITS)
            self.assertEqual(logits.dtype, np.int64)
        for image in (CASES[0], CASES[0].reshape(2, 2), CASES[0].reshape(1, 2, 2)):
            self.assertEqual(model.evaluate(image).tolist(), LOGITS[:1])
        self.assertEqual(model.classify(CASES).tolist(), [0, 0, 0])

    def test_what_is_no_image_is_a_value_error(self):
        model = four_pixels()
        for images, text in (
            (CASES / 255, "expected whole numbers, found an array of float64"),
            (CASES[:, :3], r"expected an array of shape \(images, 1, 2, 2\), .* found shape \(3, 3\)"),
            (np.zeros((0, 4), np.uint8), r"found shape \(0, 4\)"),
            (np.full(4, 256), "expected pixels 0 ... 255, found 256"),
            (np.full(4, -1), "expected pixels 0 ... 255, found -1"),
            (np.full(4, 2**63, np.uint64), "fit 64 bits"),
            (object(), "expected whole numbers"),
            ("four", "expected whole numbers"),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, text) as raised:
                model.evaluate(images)
            self.assertIsInstance(raised.exception, lacuna.Error)

    def test_numbers_become_pixels_by_the_models_ranges(self):
        ranges = {"shape": [1, 2, 2], "thresholds": [128], "low": [-1.0, 0, 0, 0], "high": [1.0, 1, 1, 2]}
        model = four_pixels(version=2, input=ranges)
        self.assertEqual(model.input_ranges, [(-1, 1), (0, 1), (0, 1), (0, 2)])
        rows = np.array([[0.9, 0.4, 1.5, 0.5], [-0.1, 0, 0, 0.9]])
        self.assertEqual(model.evaluate(rows).tolist(), [LOGITS[0], LOGITS[1]])
        self.assertEqual(model.evaluate(CASES).tolist(), LOGITS)  # bytes are pixels already
        with self.assertRaises(lacuna.InputError):
            model.evaluate(np.full(4, np.nan))

    def test_logits_beyond_64_bits_are_pythons_integers(self):
        layers = json.loads(four_pixels().to_bytes())["layers"]
        layers[3]["bias"] = [str(10**30), -1]
        logits = four_pixels(layers=layers).evaluate(CASES)
        self.assertEqual(logits.dtype, object)
        self.assertEqual(logits.tolist(), [[10**30 + a, b - 1] for a, b in LOGITS])

    def test_attributes(self):
        model = four_pixels()
        self.assertEqual((model.name, model.description, model.provenance), ("four-pixels", "counts", {"by": "hand"}))
        self.assertEqual((model.input_shape, model.classes, model.thresholds), ((1, 2, 2), 2, [128]))
        self.assertEqual(model.layers, ["flatten", "sums", "square", "last"])
        self.assertEqual(model.ranges()[0], ("input", (0, 1)))
        self.assertEqual(model.ranges()[-1], ("last", (-16, 25)))
        self.assertEqual({name: counts.total for name, counts in model.operations()},
                         {"flatten": 0, "sums": 8 + 6 + 1, "square": 2, "last": 2})
        self.assertEqual(repr(model), "Model('four-pixels': flatten, sums, square, last)")

    def test_bytes_and_files(self):
        model = four_pixels()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.lacuna.json"
            file.write_bytes(model.to_bytes())
            for source in (file, str(file), bytearray(model.to_bytes()), memoryview(model.to_bytes())):
                self.assertEqual(lacuna.Model.load(source).to_bytes(), model.to_bytes())
            file.write_text("{}")
            with self.assertRaisesRegex(lacuna.Error, str(file)):
                lacuna.Model.load(file)
        with self.assertRaisesRegex(lacuna.InputError, "expected bytes or a path .* found int"):
            lacuna.Model.load(7)

    def test_shipped_models_come_along(self):
        self.assertIn("faster-cryptonets", lacuna.shipped_models())
        self.assertEqual(lacuna.Model.shipped("faster-cryptonets").name, "faster-cryptonets")
        with self.assertRaisesRegex(lacuna.InputError, "expected one of .*lola.* found 'lol'"):
            lacuna.Model.shipped("lol")


if __name__ == "__main__":
    unittest.main()
