# SPDX-License-Identifier: Apache-2.0
"""Data of every kind arrive as the same pixels, and what is malformed gives one clear error."""

import importlib.util
import lzma
import tempfile
import unittest
from pathlib import Path

import numpy as np

from tests import sample

import dataset
from data import DataError


class DatasetTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.generator = np.random.default_rng(1)

    def refused(self, message, paths, shape=(2, 1, 1), **options):
        with self.assertRaisesRegex(DataError, message):
            dataset.read(paths, shape, **options)

    def write(self, name, text):
        (self.root / name).write_text(text)
        return [self.root / name]

    def test_idx_folder(self):
        sample.write_mnist(self.root, self.generator, 30, 10)
        test, training = (dataset.read([self.root], (1, 28, 28), one) for one in (False, True))
        self.assertEqual((len(test), len(training)), (10, 30))
        self.assertEqual((test.unseen, training.unseen), (True, False))
        self.assertEqual(test.values.shape[1:], (1, 28, 28))
        self.refused("inputs of 28 x 28, the network takes 3 x 32 x 32", [self.root], (3, 32, 32))

    def test_arrays(self):
        pixels, classes = self.root / "x.npy", self.root / "y.npy"
        values = self.generator.integers(0, 256, (5, 3, 4, 2))
        np.save(pixels, values)
        np.save(classes, np.arange(5))
        found = dataset.read([pixels, classes], (3, 4, 2))
        np.testing.assert_array_equal(dataset.InputScale().pixels(found), values)
        np.save(pixels, values + 1000)
        self.refused("pixels are 0 ... 255", [pixels, classes], (3, 4, 2))
        np.save(pixels, values * np.nan)
        self.refused("expected finite numbers", [pixels, classes], (3, 4, 2))
        np.save(classes, np.arange(4))
        self.refused("expected N x ... and N", [pixels, classes], (3, 4, 2))
        self.refused("X.npy with the inputs and Y.npy", [pixels])
        pixels.write_text("no array")
        self.refused("not a NumPy array", [pixels, classes])

    def test_table(self):
        for title, text, column in (("no header", "1.5,2,0\n3,4e1,1\n", "last"), ("header", "a,b,c\n1.5,2,0\n3,40,1\n",
                                                                                   "c"),
                                    ("first", "class,a,b\n0,1.5,2\n1,3,40\n", "first"),
                                    ("by number", "1.5,0,2\n3,1,40\n\n", "2")):
            with self.subTest(title):
                found = dataset.read(self.write("table.csv", text), (2, 1, 1), label_column=column)
                np.testing.assert_array_equal(found.values.reshape(2, 2), [[1.5, 2], [3, 40]])
                np.testing.assert_array_equal(found.labels, [0, 1])
        self.refused("row 3: expected 3 finite numbers, found '3,x,1'", self.write("t.csv", "a,b,c\n1,2,0\n3,x,1\n"))
        self.refused("row 2: expected 3", self.write("t.csv", "1,2,0\n3,1\n"))
        self.refused("row 1: expected 3 finite|holds no", self.write("t.csv", "nan,2,0\n"))
        self.refused("does not hold classes", self.write("t.csv", "1,2,0.5\n3,1,1\n"))
        self.refused("no column 'd'; state first, last, a number 1 ... 3, or one of a, b, c",
                     self.write("t.csv", "a,b,c\n1,2,0\n"), label_column="d")
        self.refused("classes from 0 on, found -1", self.write("t.csv", "1,2,-1\n"))
        self.refused("inputs of 2, the network takes 3 x 1 x 1", self.write("t.csv", "1,2,0\n"), (3, 1, 1))
        self.refused("holds no", self.write("t.csv", ""))

    @unittest.skipUnless(importlib.util.find_spec("cv2"), "OpenCV is optional")
    def test_folder_of_pictures(self):
        import cv2
        images = self.generator.integers(0, 256, (4, 6, 5, 3)).astype(np.uint8)
        for index, image in enumerate(images):
            folder = self.root / ("cat" if index < 1 else "dog")
            folder.mkdir(exist_ok=True)
            cv2.imwrite(str(folder / f"{index}.png"), image[:, :, ::-1])
        (self.root / "dog" / "notes.txt").write_text("not a picture")
        found = dataset.read([self.root], (3, 6, 5))
        np.testing.assert_array_equal(found.values, images.transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(found.labels, [0, 1, 1, 1])
        self.assertEqual(dataset.read([self.root], (1, 6, 5)).values.shape, (4, 1, 6, 5))
        self.refused("resize the pictures", [self.root], (3, 6, 6))
        (self.root / "dog" / "9.png").write_text("broken")
        self.refused("9.png: not a picture", [self.root], (3, 6, 5))

    def test_cifar(self):
        records = self.generator.integers(0, 10, (4, 3073)).astype(np.uint8)
        (self.root / "data_batch_1.bin").write_bytes(records[:3].tobytes())
        (self.root / "test_batch.bin.xz").write_bytes(lzma.compress(records[3:].tobytes()))
        training = dataset.read([self.root], (3, 32, 32), True)
        np.testing.assert_array_equal(training.labels, records[:3, 0])
        np.testing.assert_array_equal(training.values.reshape(3, -1), records[:3, 1:])
        self.assertEqual(len(dataset.read([self.root], (3, 32, 32))), 1)
        np.testing.assert_array_equal(dataset.read([self.root / "test_batch.bin.xz"], (3, 32, 32)).labels, records[3:, 0])
        (self.root / "wrong.bin").write_bytes(b"12345")
        self.refused("5 bytes are no records", [self.root / "wrong.bin"], (3, 32, 32))

    def test_what_is_no_data(self):
        self.refused("none: not found", [self.root / "none"])
        self.refused("expected IDX files", [self.root])
        self.refused("expected a folder", self.write("notes.txt", "text"))

    def test_features_become_pixels_and_back(self):
        values = self.generator.normal(size=(50, 3, 1, 1)) * [[[1]], [[10]], [[0.1]]]
        found = dataset.Dataset(values, np.zeros(50, np.int64), "numbers")
        scale = dataset.InputScale(values.min(0), values.max(0))
        step = (scale.high - scale.low) / 255
        self.assertTrue((np.abs(scale.original(scale.pixels(found)) - values) <= step / 2 + 1e-12).all())
        beyond = dataset.Dataset(values * 2, found.labels, "larger numbers")
        self.assertEqual((scale.pixels(beyond).min(), scale.pixels(beyond).max()), (0, 255))

    def test_what_is_held_out_is_not_trained_on(self):
        whole = dataset.Dataset(np.arange(100).reshape(100, 1, 1, 1), np.arange(100), "numbers")
        training, held = dataset.held_out(whole)
        self.assertEqual((len(training), len(held)), (90, 10))
        self.assertFalse(set(training.labels) & set(held.labels))
        with self.assertRaisesRegex(DataError, "too few"):
            dataset.held_out(whole.part(0, 1))


if __name__ == "__main__":
    unittest.main()
