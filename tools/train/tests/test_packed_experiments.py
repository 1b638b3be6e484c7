# SPDX-License-Identifier: Apache-2.0
"""Accuracy and squared error against diagonals, on drawn digits, with the plans of the lacuna command."""

import contextlib
import csv
import io
import os
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from tests import sample

import autoencoder
import data
import packed_plan
import tile_sweep

ROOT = Path(__file__).resolve().parents[3]
COMMAND = os.environ.get("LACUNA_COMMAND") or str(ROOT / "build" / "bin" / "lacuna")


class SettingsTest(unittest.TestCase):
    def test_combinations(self):
        self.assertEqual(tile_sweep.combinations(["conv1=3,2", "fc1=4"]),
                         [{"conv1": 3, "fc1": 4}, {"conv1": 2, "fc1": 4}])
        for wrong in ("conv1", "conv1=", "conv1=0", "=3", "conv1=a"):
            with self.assertRaisesRegex(ValueError, "LAYER=NUMBER"):
                tile_sweep.combinations([wrong])

    def test_layouts_of_one_and_of_two_ciphertexts_are_read(self):
        for text, found in (("layout: an image is 1 ciphertext; 190 diagonals, prepared in 39 MB; 30 rotations that share "
                             "digits, 12 of sums, 14 that add parts up", ("1", "190")),
                            ("layout: an image is 2 ciphertexts; 1,613 diagonals, prepared in 2.1 GB; 51 rotations that "
                             "share digits, 24 of sums, 8 that add parts up; more", ("2", "1,613"))):
            self.assertEqual(packed_plan.LAYOUT.match(text).groups()[:2], found)

    def test_error_is_the_mean_square(self):
        images, labels = sample.digits(np.random.default_rng(1), 30)

        class Grey:
            def eval(self):
                pass

            def train(self):
                pass

            def __call__(self, x):
                return autoencoder.target(images) * 0 + 0.5

        expected = float(((images.reshape(30, -1) / 255 - 0.5)**2).mean())
        self.assertAlmostEqual(autoencoder.error(Grey(), data.Split(images, labels), lambda part: part), expected, places=6)


@unittest.skipUnless(Path(COMMAND).is_file(), "needs the lacuna command (LACUNA_COMMAND)")
class ExperimentsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "mnist").mkdir()
        sample.write_mnist(self.root / "mnist", np.random.default_rng(1), data.VALIDATION + 700, 50)

    def run_main(self, main, *arguments):
        printed, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(failed):
            code = main([*map(str, arguments), "--mnist", str(self.root / "mnist"), "--lacuna", COMMAND])
        self.assertEqual((code, failed.getvalue()), (0, ""))

    def rows(self, name):
        self.assertEqual(ElementTree.parse(self.root / f"{name}.svg").getroot().tag, "{http://www.w3.org/2000/svg}svg")
        return list(csv.DictReader(io.StringIO((self.root / f"{name}.csv").read_text(encoding="utf-8"))))

    def test_fewer_tiles_fewer_products(self):
        self.run_main(tile_sweep.main, "faster-cryptonets-packed", "--tiny", "--tiles", "conv1=18,4", "fc1=4",
                      "--epochs", 1, "--work", self.root / "work", "--table", self.root / "tiles.csv", "--plot",
                      self.root / "tiles.svg")
        rows = self.rows("tiles")
        self.assertEqual([row["tiles"] for row in rows], ["conv1=18 fc1=4", "conv1=4 fc1=4"])
        for column in ("products", "milliseconds", "flooded_products", "flooded_milliseconds"):
            self.assertLess(float(rows[1][column]), float(rows[0][column]))

    def test_autoencoder(self):
        self.run_main(autoencoder.main, "--images", 300, "--hidden", 8, "--epochs", 2, "--prune-epochs", 1, "--kept", 1, 0.3,
                      "--no-circuit-privacy", "--table", self.root / "auto.csv", "--plot", self.root / "auto.svg")
        rows = self.rows("auto")
        self.assertEqual(float(rows[0]["added"]), 0)
        self.assertLess(int(rows[1]["products"]), 0.4 * int(rows[0]["products"]))
        self.assertGreater(int(rows[1]["products_of_magnitude"]), 0.9 * int(rows[0]["products"]))
