# SPDX-License-Identifier: Apache-2.0
"""Imported networks under encryption: every logit is the integer network's. Needs the built command."""

import csv
import io
import os
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np
import torch

from tests import networks, sample
from tests.test_onnx_graph import PACKAGES

import evaluate
import export
import import_network
import proof

ROOT = Path(__file__).resolve().parent.parent.parent.parent
COMMAND = Path(os.environ.get("LACUNA_COMMAND") or ROOT / "build" / "bin" / "lacuna").resolve()


@unittest.skipUnless(PACKAGES and COMMAND.is_file(), "needs onnx, OpenCV and build/bin/lacuna (or LACUNA_COMMAND)")
class EncryptedTest(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def lacuna(self, *arguments):
        done = subprocess.run([COMMAND, *map(str, arguments)], cwd=self.root, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def encrypted_logits(self, file, count):
        self.lacuna("plan", "--model", file, "--batch", count, "--no-circuit-privacy", "--export-client", "client.json",
                    "--force")
        self.lacuna("keygen", "--client", "client.json", "--out", "keys", "--force")
        self.lacuna("encrypt", "--keys", "keys", "--images", "rows.csv", "--out", "upload.lct", "--force")
        self.lacuna("infer", "--model", file, "--keys", "keys/evaluation.keys", "--in", "upload.lct", "--out",
                    "reply.lct", "--no-circuit-privacy", "--force")
        rows = csv.DictReader(io.StringIO(self.lacuna("decrypt", "--keys", "keys", "--in", "reply.lct", "--csv")))
        return [[int(row[key]) for key in row if key.startswith("logit")] for row in rows]

    def test_encrypted_equals_the_integers(self):
        """What only an import makes: rectangular and extended kernels, identity layers, matrices for shapes, cubes, pairs."""
        for name in ("asymmetric padding", "batch norm, then padding", "image from a later vector", "cubic",
                     "one output", "residual"):
            with self.subTest(name):
                original, shape = networks.make(name)
                file = self.root / "network.onnx"
                file.write_bytes(networks.onnx_bytes(original, shape))
                network = import_network.bring_in(import_network.from_onnx(file), "imported", 3)
                import_network.quantise_stepwise(network, "uniform", [5] * len(network.weighted()), lambda step: None)
                export.save(network.to_integer(), self.root / "model.lacuna.json")
                model = export.load(self.root / "model.lacuna.json")
                pixels = proof.random_pixels(model.input_shape, 12)
                np.savetxt(self.root / "rows.csv", pixels.reshape(12, -1), "%d", ",")
                found = self.encrypted_logits("model.lacuna.json", 12)
                self.assertEqual(found, evaluate.logits(model, pixels).tolist())

    def test_the_example_of_a_table(self):
        """From training to decrypted answers, on drawn rows in the form of scikit-learn's table."""
        generator = np.random.default_rng(1)
        labels = generator.integers(0, 2, 240)
        features = generator.normal(size=(240, 30)) * generator.uniform(0.1, 50, 30) + labels[:, None] * 20
        lines = [",".join([*(f"{one:.5g}" for one in row), str(label)]) for row, label in zip(features, labels)]
        table = self.root / "table.csv"
        table.write_text("\n".join(["240,30,malignant,benign", *lines]) + "\n")
        self.assertIn("60 of 60 encrypted answers equal the plaintext network's in every logit",
                      self.example("table", table))

    def test_the_examples_of_pictures(self):
        """The same for convolutional networks, on drawn digits and colour pictures."""
        folder = self.root / "digits"
        folder.mkdir()
        sample.write_mnist(folder, np.random.default_rng(1), 300, 20)
        self.check_pictures("fashion", folder)
        self.assertIn("products instead of", self.check_pictures("cryptonets", folder))
        folder = self.root / "cifar"
        folder.mkdir()
        sample.write_cifar(folder, np.random.default_rng(1), 300, 20)
        self.assertIn("instead of Relu", self.check_pictures("cifar", folder))

    def check_pictures(self, name, folder):
        printed = self.example(name, folder, COUNT="2", IMAGES="200", EPOCHS="1")
        self.assertIn("2 of 2 encrypted answers equal the plaintext network's in every logit", printed)
        return printed

    def example(self, *arguments, **settings):
        done = subprocess.run([ROOT / "tools" / "train" / "examples" / "encrypted.sh", *arguments],
                              env=dict(os.environ, LACUNA=str(COMMAND), **settings), capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
