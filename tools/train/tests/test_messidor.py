# SPDX-License-Identifier: Apache-2.0
"""The private head, on drawn examinations."""

import contextlib
import csv
import io
import math
import tempfile
import unittest
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import numpy as np

from tests import sample  # noqa: F401, finds the scripts

import export
import messidor


def write(file, count=160):
    generator = np.random.default_rng(1)
    lines = ["@relation dr", *(f"@attribute {i} numeric" for i in range(20)), "", "@data"]
    for _ in range(count):
        label = int(generator.integers(0, 2))
        counts = np.sort(generator.integers(1, 60, 6) + 40 * label)[::-1]
        exudates = np.sort(generator.random(8) * 50)[::-1]
        row = [1, 1, *counts, *exudates, generator.uniform(0.4, 0.6), generator.uniform(0.05, 0.2), label, label]
        lines.append(",".join(f"{value:g}" for value in row))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


class MessidorTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.file = self.root / "features.arff"
        write(self.file)

    def run_main(self, *arguments):
        printed, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(failed):
            code = messidor.main([str(self.file), *map(str, arguments)])
        return code, printed.getvalue(), failed.getvalue()

    def test_pixels_keep_to_their_ranges(self):
        features = np.array([[1, 0, 151, 151, 60, 20, 5, 1, *[404.0, 100, 30, 10, 3, 1, 0.1, 0], 0.5, 0.3, 1],
                             [-5, 9, 0, 0, 0, 0, 0, 0, *[0.0] * 8, 0.1, 0, 0]])
        pixels = messidor.pixels(features)
        self.assertEqual(pixels.dtype, np.uint8)
        self.assertEqual(pixels[0, [0, 1, 3, 16, 17, 18]].tolist(), [255, 0, 0, 128, 255, 255])
        self.assertEqual(pixels[0, 2], 255)
        self.assertEqual(pixels[1].tolist(), [0, 255, *[0] * 17])

    def test_folds_part_the_rows(self):
        parts = messidor.folds(23, 5, 1)
        self.assertEqual(sorted(np.concatenate([tested for _, tested in parts]).tolist()), list(range(23)))
        for learned, tested in parts:
            self.assertEqual(sorted([*learned, *tested]), list(range(23)))

    def test_experiment_and_model(self):
        files = [self.root / name for name in ("table.csv", "plot.svg", "head.lacuna.json", "pixels.csv")]
        with mock.patch.object(messidor, "EPSILONS", (4.0, math.inf)), \
                mock.patch.dict(messidor.TRAINING, {"steps": 40}):
            code, printed, failed = self.run_main("--folds", 2, "--seeds", 2, "--table", files[0], "--plot", files[1],
                                                  "--model", files[2], "--pixels", files[3])
        self.assertEqual((code, failed), (0, ""))
        rows = list(csv.DictReader(io.StringIO(files[0].read_text(encoding="utf-8"))))
        self.assertEqual([row["epsilon"] for row in rows], ["4.0", "inf"])
        self.assertGreater(float(rows[1]["exact"]), 0.8, printed)
        self.assertEqual(float(rows[1]["noise"]), 0)
        self.assertEqual(ElementTree.parse(files[1]).getroot().tag, "{http://www.w3.org/2000/svg}svg")
        model = export.load(files[2])
        privacy = model.provenance["privacy"]
        self.assertLessEqual(privacy["epsilon"], 4)
        self.assertGreater(privacy["epsilon"], 3.99)
        self.assertEqual((privacy["delta"], privacy["steps"], privacy["examples"]), (1e-4, 40, 160))
        self.assertEqual(model.shapes()[0], (19, 1, 1))
        self.assertEqual(len(files[3].read_text(encoding="utf-8").splitlines()), 160)
        again = self.run_main("--table", files[0])
        self.assertEqual((again[0], "--force" in again[2]), (1, True))

    def test_errors(self):
        self.assertIn("--epsilon is one of 1, 2, 4, 8", self.run_main("--epsilon", 3)[2])
        self.assertIn("--folds", self.run_main("--folds", 1)[2])
        self.file.write_text("@data\n1,2,3\n", encoding="utf-8")
        self.assertIn("features.arff:2: expected 19 numbers and a class", self.run_main()[2])
        self.file.write_text("@data\n", encoding="utf-8")
        self.assertIn("no examinations", self.run_main()[2])
        self.file.unlink()
        self.assertIn("cannot be read", self.run_main()[2])
