# SPDX-License-Identifier: Apache-2.0
"""Forms of a model for the packed packing, structure that training keeps, and the experiment with both on drawn digits."""

import contextlib
import csv
import io
import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from tests import sample

import data
import evaluate
import integer_model as im
import lenet
import packed_forms
import structure
from network import Convolution, Dense, RecipeError

ROOT = Path(__file__).resolve().parents[3]
COMMAND = os.environ.get("LACUNA_COMMAND") or str(ROOT / "build" / "bin" / "lacuna")


def pooled_model(size, padding=0, window=(2, 2), pools=None):
    generator = np.random.default_rng(1)

    def weights(rows, columns):
        return generator.integers(-3, 4, (rows, columns))

    pools = pools or (im.SumPool("pool1", window, window), im.SumPool("pool2", (2, 2), (2, 2)))
    layers = [im.Convolution("conv1", (3, 3), (1, 1), (padding, padding), weights(3, 9), [4, -1, 2]),
              im.Activation("square1", [3, 1, 1]), pools[0],
              im.Convolution("conv2", (2, 2), (1, 1), (0, 0), weights(2, 12), [1, 5]),
              im.Activation("square2", [0, 0, 1]), pools[1], im.Flatten("flatten")]
    model = im.IntegerModel("pooled", (1, size, size), [60, 120, 200], layers)
    layers.append(im.Dense("fc", weights(4, model.shapes()[-1][0]), [0, 7, 0, -7]))
    return model


class FormsTest(unittest.TestCase):
    def test_every_form_computes_the_same(self):
        for size, padding, window in ((12, 0, (2, 2)), (13, 1, (2, 2)), (15, 2, (3, 2))):
            model = pooled_model(size, padding, window)
            images = np.random.default_rng(2).integers(0, 256, (3, size, size)).astype(np.uint8)
            expected = evaluate.logits(model, images)
            self.assertEqual([str(x) for x in sample.naive_logits(model, images[0])], [str(x) for x in expected[0]])
            split, merged = packed_forms.split_pools(model), packed_forms.merge_pools(model)
            for form in (split, merged, packed_forms.split_pools(merged)):
                np.testing.assert_array_equal(evaluate.logits(form, images), expected)
            self.assertEqual([layer.kind for layer in split.layers].count("sum_pool"), 0)
            self.assertEqual([layer.name for layer in merged.layers], ["conv1", "square1", "pool1", "conv2", "square2",
                                                                       "flatten", "fc"])

    def test_pools_whose_windows_overlap_stay(self):
        model = pooled_model(12, pools=(im.SumPool("pool1", (2, 2), (1, 1)), im.SumPool("pool2", (2, 2), (2, 2), (1, 1))))
        for form in (packed_forms.split_pools(model), packed_forms.merge_pools(model)):
            self.assertEqual([layer.kind for layer in form.layers], [layer.kind for layer in model.layers])


def convolution(channels=8, maps=4):
    torch.manual_seed(1)
    return Convolution("conv", channels, maps, (3, 3), (1, 1), (0, 0), False, 0.0)


class StructureTest(unittest.TestCase):
    def test_groups_are_interleaved(self):
        layer = convolution()
        structure.interleave_groups(layer, 4)
        kept = layer.integer_weights().reshape(4, 8, 9).any(2)
        np.testing.assert_array_equal(kept, np.arange(4)[:, None] % 4 == np.arange(8) % 4)
        with self.assertRaisesRegex(RecipeError, "conv: 3 groups do not divide 8 channels and 4 maps"):
            structure.interleave_groups(convolution(), 3)

    def test_tiles_of_taps_go_and_groups_stay(self):
        layer = convolution()
        structure.interleave_groups(layer, 2)
        tiles = structure.tap_tiles(layer, 4)
        self.assertEqual(int(tiles.max()) + 1, 2 * 9)
        with torch.no_grad():
            layer.weight.mul_(0.01)
            layer.weight[:, :4, 1, 1] = 1  # tile 4
            layer.weight[:, 4:, 0, 2] = 1  # tile 9 + 2
        pruner = structure.TapPruner([(layer, 4)], 2 / 18, 10, interval=5)
        for _ in range(12):
            pruner()
        pruner.finish()
        allowed = torch.arange(4)[:, None] % 2 == torch.arange(8) % 2
        expected = ((tiles == 4) | (tiles == 11)) & allowed[:, :, None, None]
        self.assertTrue(bool(((layer.mask != 0) == expected).all()))
        self.assertTrue(bool((layer.weight[layer.mask == 0] == 0).all()))

    def test_circulant_is_the_nearest_one(self):
        torch.manual_seed(1)
        layer = Dense("fc", 8, 4, False, 0.0)
        before = layer.weight.detach().clone()
        circulant = structure.Circulant(layer, 4)
        circulant()
        weight = layer.weight.detach()
        for row in range(4):
            for column in range(8):
                block, value = column // 4, (column - row) % 4
                same = [float(before[r, 4 * block + (value + r) % 4]) for r in range(4)]
                self.assertAlmostEqual(float(weight[row, column]), sum(same) / 4, places=6)
        circulant()
        torch.testing.assert_close(layer.weight.detach(), weight)
        with self.assertRaisesRegex(RecipeError, "fc: blocks of 3 do not divide 4 x 8 weights"):
            structure.Circulant(layer, 3)


class RoundedTest(unittest.TestCase):
    def test_circulant_blocks_stay_when_norms_are_folded_and_weights_rounded(self):
        options = lenet.parse(["--maps", "5", "--hidden", "32"])
        torch.manual_seed(1)
        network = lenet.Network(lenet.recipe("circulant", options))
        fc1 = lenet.layer_of(network, "fc1")
        structure.Circulant(fc1, 16)()
        with torch.no_grad():
            network(torch.rand(64, 1, 28, 28))  # statistics of the norms
            for layer in network.weighted()[:-1]:
                layer.norm.weight.uniform_(-1, 1)
        network.eval()
        written, packed = lenet.integers(lenet.rounded(network, 16))
        blocks = next(layer for layer in written.layers if layer.name == "fc1").weights.reshape(2, 16, 5, 16)
        for row in range(16):
            np.testing.assert_array_equal(np.roll(blocks[:, 0], row, 2), blocks[:, row])
        images = np.random.default_rng(3).integers(0, 256, (2, 28, 28)).astype(np.uint8)
        np.testing.assert_array_equal(evaluate.logits(written, images), evaluate.logits(packed, images))


# Answers as the command does; the plan's products are the bytes of the model's file.
FAKE = """#!/bin/sh
case $1 in
plan) echo '{"client": {"parameters": {"plain_polynomials": [{"power": 1024, "base": 156}]}},
 "params": {"n": 16384, "log_qp": 261.4}, "nominal_nanoseconds": 67000000, "reasons": ["layout: an image is 1 ciphertext;
 '$(wc -c < "$3")' diagonals, prepared in 487 MB; 50 rotations that share digits, 23 of sums, 5 that add parts up"]}' | tr -d '\\n' ;;
evaluate) echo '{"accuracy": 0.9869}' ;;
mnist) echo '{"seconds": {"infer": 0.5}, "peak_memory_bytes": 1000000000}' ;;
esac
"""


class ExperimentTest(unittest.TestCase):
    def run_main(self, *arguments):
        printed, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(failed):
            code = lenet.main([*map(str, arguments)])
        self.assertEqual((code, failed.getvalue()), (0, ""))
        return printed.getvalue()

    def test_models_table_and_plot(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "lacuna").write_text(FAKE, encoding="utf-8")
            (folder / "lacuna").chmod(0o755)
            sample.write_mnist(folder, np.random.default_rng(1), data.VALIDATION + 200, 50)
            arguments = ["--mnist", folder, "--images", 100, "--maps", 5, "--epochs", 1, "--more-epochs", 1, "--kept", 0.4,
                         "--runs", 1, "--models", folder / "models", "--lacuna", folder / "lacuna", "--table",
                         folder / "t.csv", "--plot", folder / "t.svg"]
            self.run_main(*arguments)
            rows = list(csv.DictReader(io.StringIO((folder / "t.csv").read_text(encoding="utf-8"))))
            self.assertEqual({row["network"] for row in rows},
                             {"dense", "grouped", "grouped-pruned-40", "grouped-circulant"})
            products = {row["network"]: int(row["products"]) for row in rows}
            self.assertGreater(products["dense"], products["grouped"])
            self.assertGreater(products["grouped"], products["grouped-pruned-40"])
            self.assertTrue(all((row["test"], row["rotations"], row["n"]) == ("0.9869", "78", "16384") for row in rows))
            self.assertTrue((folder / "t.svg").read_text(encoding="utf-8").startswith("<svg"))
            written = (folder / "models" / "dense.lacuna.json").read_bytes()
            self.run_main(*arguments, "--force")  # measures again
            self.assertEqual((folder / "models" / "dense.lacuna.json").read_bytes(), written)

    @unittest.skipUnless(Path(COMMAND).is_file(), "needs the lacuna command (LACUNA_COMMAND)")
    def test_costs_fall(self):
        with tempfile.TemporaryDirectory() as name:
            table = Path(name) / "costs.csv"
            self.run_main("--costs", "--maps", 5, "--squares", 2, "--kept", 0.4, "--lacuna", COMMAND, "--table", table)
            rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
            self.assertEqual([row["network"] for row in rows], ["dense", "grouped", "grouped-pruned-40"])
            for column in ("products", "nominal_ms"):
                values = [float(row[column]) for row in rows]
                self.assertEqual(values, sorted(values, reverse=True), column)


if __name__ == "__main__":
    unittest.main()
