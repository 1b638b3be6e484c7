# SPDX-License-Identifier: Apache-2.0
"""A float network, brought in from each source, computes the same in its new form."""

import contextlib
import importlib.util
import io
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests import sample

import data
import export
import import_network


class Square(nn.Module):
    def forward(self, x):
        return x * x


class Quadratic(nn.Module):
    def forward(self, x):
        return 0.125 * x * x + 0.5 * x + 0.25


LAYERS = [
    {"type": "convolution", "name": "conv1", "maps": 3, "kernel": 5, "stride": 2, "padding": 1},
    {"type": "activation", "name": "act1"},
    {"type": "average_pool", "name": "pool1", "window": 2, "stride": 2},
    {"type": "flatten", "name": "flatten"},
    {"type": "dense", "name": "fc1", "outputs": 8},
    {"type": "activation", "name": "act2"},
    {"type": "dense", "name": "fc2", "outputs": 10},
]


def float_network(activation):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 3, 5, 2, 1), nn.BatchNorm2d(3), activation(), nn.AvgPool2d(2), nn.Flatten(),
                            nn.Linear(108, 8), activation(), nn.Linear(8, 10))
    network(torch.rand(50, 1, 28, 28))
    return network.eval()


def with_coefficients(layers, coefficients):
    return [dict(entry, coefficients=coefficients) if entry["type"] == "activation" else entry for entry in layers]


class ImportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.input = torch.rand(5, 1, 28, 28)
        self.layer_file = self.root / "layers.json"
        self.layer_file.write_text(json.dumps(LAYERS))

    def compare(self, layers, original):
        network = import_network.build(layers, "imported", 255).eval()
        torch.testing.assert_close(network(self.input), original(self.input), rtol=1e-4, atol=1e-5)
        return network

    def test_state_dict(self):
        original = float_network(Square)
        torch.save(original.state_dict(), self.root / "network.pt")
        self.compare(import_network.from_state(self.root / "network.pt", self.layer_file), original)

    def test_torchscript(self):
        original = float_network(Square)
        torch.jit.script(original).save(str(self.root / "network.pt"))
        self.compare(import_network.from_state(self.root / "network.pt", self.layer_file), original)

    def test_squares_are_completed(self):
        original = float_network(Quadratic)
        torch.save(original.state_dict(), self.root / "network.pt")
        self.layer_file.write_text(json.dumps(with_coefficients(LAYERS, [0.25, 0.5, 0.125])))
        network = self.compare(import_network.from_state(self.root / "network.pt", self.layer_file), original)
        self.assertTrue(network.layers[1].bare)

    @unittest.skipUnless(importlib.util.find_spec("onnx"), "the onnx package is optional")
    def test_onnx(self):
        original = float_network(Square)
        torch.onnx.export(original, self.input, str(self.root / "network.onnx"))
        self.compare(import_network.from_onnx(self.root / "network.onnx"), original)

    def test_even_thresholds_round(self):
        for levels in (1, 3, 15, 255):
            pixels = np.arange(256, dtype=np.uint8)
            found = data.quantise(pixels, import_network.even_thresholds(levels))
            np.testing.assert_array_equal(found, np.floor(pixels / 255 * levels + 0.5))

    def test_command(self):
        sample.write_mnist(self.root, np.random.default_rng(1), data.VALIDATION + 10, 10)
        torch.save(float_network(Square).state_dict(), self.root / "network.pt")
        output = self.root / "out.lacuna.json"
        arguments = [str(self.root / "network.pt"), str(output), "--layers", str(self.layer_file), "--mnist",
                     str(self.root), "--grid", "power", "--size", "4"]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(import_network.main(arguments), 0)
        for step in ("float network", "pixels", "conv1 on", "fc1 on", "fc2 on", "biases", "evaluated exactly"):
            self.assertIn(step, printed.getvalue())
        self.assertEqual(export.load(output).name, "imported")

    def test_refusals(self):
        torch.save({"0.weight": torch.zeros(2, 2)}, self.root / "wrong.pt")
        (self.root / "text.pt").write_text("no network")
        for source, message in (("wrong.pt", "no weights for it|shape"), ("text.pt", "neither"), ("none.onnx", "ONNX")):
            with self.subTest(source), contextlib.redirect_stderr(io.StringIO()) as printed:
                code = import_network.main([str(self.root / source), str(self.root / "out.json"), "--layers",
                                            str(self.layer_file)])
                self.assertEqual(code, 1)
                self.assertRegex(printed.getvalue(), message)


if __name__ == "__main__":
    unittest.main()
