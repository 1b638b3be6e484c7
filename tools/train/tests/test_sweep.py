# SPDX-License-Identifier: Apache-2.0
"""A sweep measures what import_network.py would write, and picks what the targets ask for."""

import contextlib
import io
import json
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests import networks

import sweep
from float_layers import ImportFailure


class PickTest(unittest.TestCase):
    settings = [sweep.Setting(1, "power", 2, 0.90, 20, 100, 0.1), sweep.Setting(3, "power", 3, 0.95, 30, 200, 0.2),
                sweep.Setting(3, "uniform", 7, 0.95, 28, 250, 0.4), sweep.Setting(15, "uniform", 63, 0.96, 42, 300, 0.3)]

    def pick(self, bits=None, loss=None):
        return self.settings.index(sweep.pick(self.settings, 0.96, bits, loss))

    def test_the_most_accurate_within_a_range(self):
        self.assertEqual([self.pick(bits) for bits in (42, 41, 20)], [3, 2, 0])

    def test_the_cheapest_within_a_loss(self):
        self.assertEqual([self.pick(loss=loss) for loss in (0, 1, 10)], [3, 1, 0])

    def test_both(self):
        self.assertEqual(self.pick(29, 1), 2)

    def test_a_target_out_of_reach(self):
        with self.assertRaisesRegex(ImportFailure, "least range is 20 bits, the best accuracy 96.00%"):
            self.pick(19)


class SweepTest(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        generator = np.random.default_rng(1)
        features = generator.normal(size=(200, 4))
        table = np.column_stack([features, features[:, 0] * features[:, 1] > 0])
        np.savetxt(self.root / "table.csv", table, "%.6g", ",")
        torch.manual_seed(1)
        network = nn.Sequential(nn.Linear(4, 6), networks.Square(), nn.Linear(6, 2))
        torch.save(network.state_dict(), self.root / "network.pt")
        (self.root / "layers.json").write_text(json.dumps(
            [{"type": "dense", "name": "fc1", "outputs": 6}, {"type": "activation", "name": "act1"},
             {"type": "dense", "name": "fc2", "outputs": 2}]))

    def sweep(self, *arguments):
        given = [self.root / "network.pt", "--layers", self.root / "layers.json", "--input-shape", 4, *arguments]
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as failed:
            code = sweep.main([str(one) for one in given])
        return code, printed.getvalue(), failed.getvalue()

    def test_command(self):
        plot = self.root / "sweep.svg"
        data = ("--data", self.root / "table.csv")
        code, printed, failed = self.sweep(*data, "--levels", 3, 15, "--sizes", 2, 4, "--range", 30, "--plot", plot)
        self.assertEqual((code, failed), (0, ""))
        rows = [line.split() for line in printed.splitlines() if line.split()[1:2] in (["uniform"], ["power"])]
        self.assertEqual(len(rows), 8)
        self.assertEqual(sum(row[-1] == "<" for row in rows), 1)
        self.assertIn("import it with --input-levels", printed)
        self.assertIn("may have been trained on these", printed)
        drawn = xml.dom.minidom.parse(str(plot))
        panels = 3 if "no times" not in printed else 2  # the built command may be there
        self.assertEqual((len(drawn.getElementsByTagName("circle")), len(drawn.getElementsByTagName("rect"))),
                         (4 * panels, 4 * panels + 1))
        for message, *arguments in (("exists; --force", *data, "--plot", plot), ("measures accuracy",),
                                    ("no setting meets", *data, "--sizes", 2, "--levels", 1, "--range", 1),
                                    ("--levels are 1 ... 255", *data, "--levels", 0),
                                    ("--lacuna none: not found", *data, "--lacuna", "none")):
            with self.subTest(message):
                code, _, failed = self.sweep(*arguments)
                self.assertEqual(code, 1)
                self.assertIn(message, failed)


if __name__ == "__main__":
    unittest.main()
