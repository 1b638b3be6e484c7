# SPDX-License-Identifier: Apache-2.0
"""Pruning, quantisation, folding, and the pipeline as a whole on drawn digits."""

import contextlib
import io
import json
import lzma
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
import torch.nn.functional as F

from tests import sample

import curve
import data
import evaluate
import export
import hops
import prune
import quantise
import ranges
import run
import teacher
import tile_prune
import whitening
from network import Convolution, Network, RecipeError

SMALL = {
    "name": "small", "seed": 1, "thresholds": [64, 128, 192],
    "layers": [
        {"type": "convolution", "name": "conv1", "maps": 3, "kernel": 5, "stride": 2, "padding": 1},
        {"type": "activation", "name": "square1"},
        {"type": "flatten", "name": "flatten"},
        {"type": "dense", "name": "fc1", "outputs": 20},
        {"type": "activation", "name": "square2"},
        {"type": "dense", "name": "fc2", "outputs": 10},
    ],
}


def small_network():
    torch.manual_seed(1)
    return Network(SMALL)


def quantised_network(kind="power", size=3):
    network = small_network()
    with torch.no_grad():
        for layer in network.weighted():
            layer.bias.uniform_(-1, 1)
    network.fold()
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, kind, size)
    network.spread_units()
    for layer in network.weighted():
        quantise.settle(layer, 1.0)
    return network


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.input = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))

    def test_folding_keeps_the_function(self):
        network = small_network()
        for _ in range(3):
            network(self.input)
        network.eval()
        before = network(self.input)
        network.fold()
        torch.testing.assert_close(network(self.input), before, rtol=1e-4, atol=1e-4)

    def test_equalising_keeps_the_function(self):
        network = small_network()
        network.fold()
        with torch.no_grad():
            network.weighted()[0].weight[1] *= 9
        before = network(self.input)
        network.equalise()
        torch.testing.assert_close(network(self.input), before, rtol=1e-3, atol=1e-3)
        rows = network.weighted()[0].weight.flatten(1).square().mean(1).sqrt()
        torch.testing.assert_close(rows, torch.full_like(rows, float(rows[0])))

    def test_even_columns_keep_the_function(self):
        network = small_network()
        network.fold()
        with torch.no_grad():
            network.weighted()[1].weight.reshape(20, 3, -1)[:, 1] *= 9
        before = network(self.input)
        network.even_columns("fc1")
        torch.testing.assert_close(network(self.input), before, rtol=1e-3, atol=1e-3)
        columns = network.weighted()[1].weight.reshape(20, 3, -1).square().mean((0, 2)).sqrt()
        torch.testing.assert_close(columns, torch.full_like(columns, float(columns[0])))
        for wrong in ("conv1", "fc9"):
            with self.assertRaisesRegex(RecipeError, wrong):
                network.even_columns(wrong)

    def test_integers_are_the_float_network_in_units(self):
        for kind, size in (("power", 3), ("uniform", 31)):
            network = quantised_network(kind, size).eval()
            model = network.to_integer()
            images = np.random.default_rng(1).integers(0, 256, (4, 28, 28)).astype(np.uint8)
            levels = torch.from_numpy(data.quantise(images, SMALL["thresholds"]).astype(np.float32))
            real = network((levels / 3).unsqueeze(1)).detach().numpy()
            exact = evaluate.logits(model, images).astype(np.float64) * model.output_scale
            np.testing.assert_allclose(exact, real, rtol=1e-3, atol=1e-3 * np.abs(real).max())

    def test_bias_half_way_between_integers_is_exported_as_it_was_trained(self):
        layer = quantised_network().weighted()[0]
        with torch.no_grad():
            for steps in (0.5, 1.5, 2.5, 16.5, -3.5):
                layer.bias.fill_(steps * layer.output_unit)
                trained = layer.effective_bias() / layer.output_unit
                np.testing.assert_allclose(layer.integer_bias(), trained.numpy(), atol=1e-3)

    def test_smooth_range_is_near_the_proven_one(self):
        network = quantised_network()
        self.assertLess(abs(float(network.log_range()) + 1 - ranges.proven_bits(network.to_integer())), 2)


class PruneTest(unittest.TestCase):
    def test_schedule(self):
        self.assertEqual(prune.schedule(0.1, 0), 1)
        self.assertAlmostEqual(prune.schedule(0.1, 1), 0.1)
        self.assertGreater(prune.schedule(0.1, 0.3), prune.schedule(0.1, 0.4))

    def test_keeps_the_largest(self):
        layer = small_network().weighted()[2]
        prune.cut([layer], {"fc2": 0.25})
        self.assertEqual(int(layer.mask.sum()), 50)
        kept, gone = layer.weight[layer.mask == 1].abs(), layer.weight[layer.mask == 0].abs()
        self.assertGreaterEqual(float(kept.min()), float(gone.max()))

    def test_global_scope_meets_the_overall_density(self):
        network = small_network()
        prune.apply(network, {layer.name: 0.2 for layer in network.weighted()}, "global")
        kept = sum(float(layer.mask.sum()) for layer in network.weighted())
        self.assertEqual(round(kept), round(0.2 * sum(layer.mask.numel() for layer in network.weighted())))

    def test_hop_budget(self):
        network = small_network()
        densities = prune.densities_for_budget(network, {"conv1": 0.4, "fc2": 1.0}, 14000)
        prune.apply(network, densities)
        spent = hops.total(network.to_integer()).total
        self.assertLessEqual(spent, 14000)
        self.assertGreater(spent, 13900)
        with self.assertRaisesRegex(ValueError, "budget is 100"):
            prune.densities_for_budget(network, {"conv1": 0.5}, 100)

    def test_surgery_lets_a_weight_return(self):
        network = small_network()
        layer = network.weighted()[2]
        pruner = prune.Pruner(network, {"conv1": 1, "fc1": 1, "fc2": 0.5}, 1, "surgery", interval=1)
        pruner()
        lost = int((layer.mask.flatten() == 0).nonzero()[0])
        layer.effective_weight().sum().backward()
        self.assertEqual(float(layer.weight.grad.flatten()[lost]), 1)
        with torch.no_grad():
            layer.weight.view(-1)[lost] = 10
        pruner()
        self.assertEqual(float(layer.mask.flatten()[lost]), 1)
        pruner.finish()
        self.assertTrue(bool((layer.weight[layer.mask == 0] == 0).all()))


class QuantiseTest(unittest.TestCase):
    def test_power_grid_takes_the_nearest(self):
        grid = quantise.PowerGrid(0.5, 3)
        values = torch.linspace(-3, 3, 601)
        levels = torch.tensor([0, 0.5, 1, 2, -0.5, -1, -2])
        nearest = (values[:, None] - levels[None]).abs().min(1).values
        torch.testing.assert_close((grid.round(values) - values).abs(), nearest)

    def test_uniform_grid(self):
        grid = quantise.UniformGrid(0.25, 2)
        self.assertEqual(grid.round(torch.tensor([0.3, -0.9, 0.1])).tolist(), [0.25, -0.5, 0.0])

    def test_fit_finds_the_unit(self):
        layer = small_network().weighted()[1]
        with torch.no_grad():
            layer.weight.copy_(quantise.PowerGrid(0.07, 3).round(layer.weight))
        grid = quantise.fit_grid(layer, "power", 3)
        torch.testing.assert_close(grid.round(layer.weight), layer.weight, rtol=0.03, atol=0)

    def test_settling_in_portions(self):
        network = small_network()
        layer = network.weighted()[1]
        prune.cut([layer], {"fc1": 0.5})
        layer.grid = quantise.fit_grid(layer, "power", 4)
        quantise.settle(layer, 0.5)
        first = layer.settled.clone()
        self.assertEqual(int(layer.fixed.sum()), round(0.25 * layer.mask.numel()))
        self.assertGreaterEqual(float(layer.weight[layer.fixed].abs().max()),
                                float(layer.weight[~layer.fixed].abs().max()))
        with torch.no_grad():
            layer.weight += 0.01
        quantise.settle(layer, 1.0)
        self.assertTrue(bool((layer.settled[first != 0] == first[first != 0]).all()))
        weight = layer.effective_weight()
        torch.testing.assert_close(layer.grid.round(weight), weight)

    def test_fixed_weights_get_no_gradient(self):
        layer = small_network().weighted()[1]
        layer.grid = quantise.fit_grid(layer, "power", 4)
        quantise.settle(layer, 0.5)
        layer.effective_weight().sum().backward()
        self.assertTrue(bool((layer.weight.grad[layer.fixed] == 0).all()))
        self.assertTrue(bool((layer.weight.grad[~layer.fixed] == 1).all()))


class CurveTest(unittest.TestCase):
    ROWS = [("1 float", 1, 0.5, 0.9, None), ("1 float", 2, 0.25, 0.95, None), ("2 refine", 1, 0.125, 0.9375, 34)]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "net.csv"

    def test_reads_what_run_writes(self):
        run.write_curve([tuple("" if cell is None else cell for cell in row) for row in self.ROWS], self.file)
        self.assertEqual(curve.read(self.file), self.ROWS)

    def test_table_and_plot(self):
        run.write_curve([tuple("" if cell is None else cell for cell in row) for row in self.ROWS], self.file)
        picture = self.file.with_suffix(".svg")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(curve.main([str(self.file), "--plot", str(picture)]), 0)
        self.assertIn("34", printed.getvalue().splitlines()[-1])
        self.assertEqual(ElementTree.parse(picture).getroot().tag, "{http://www.w3.org/2000/svg}svg")

    def test_another_file(self):
        self.file.write_text("epoch,loss\n", encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()) as failed:
            self.assertEqual(curve.main([str(self.file)]), 1)
        self.assertIn("columns", failed.getvalue())


class DataTest(unittest.TestCase):
    def test_bent_copies_keep_their_classes(self):
        images, labels = sample.digits(np.random.default_rng(1), 20)
        bent = data.bend(data.Split(images, labels), copies=2)
        self.assertEqual(bent.images.shape, (40, 28, 28))
        self.assertEqual(bent.labels.tolist(), labels.tolist() * 2)
        self.assertTrue((bent.images == data.bend(data.Split(images, labels), copies=2).images).all())
        self.assertFalse((bent.images[:20] == images).all())


    def test_colours(self):
        """CIFAR's files, compressed as they come, augmented a channel like the others."""
        generator = np.random.default_rng(1)
        with tempfile.TemporaryDirectory() as folder:
            records = generator.integers(0, 256, (12, 3073)).astype(np.uint8)
            records[:, 0] %= 10
            for number in range(1, 6):
                with lzma.open(Path(folder) / f"data_batch_{number}.bin.xz", "wb") as stream:
                    stream.write(records.tobytes())
            split = data.load(Path(folder), "train")
            self.assertEqual(split.images.shape, (60, 3, 32, 32))
            self.assertTrue((split.images[12] == records[0, 1:].reshape(3, 32, 32)).all())
            self.assertEqual(split.labels[:12].tolist(), records[:, 0].tolist())
            with self.assertRaisesRegex(data.DataError, "test_batch.bin"):
                data.load(Path(folder), "test")
        grey = np.repeat(split.images[:, :1], 3, 1)
        bent = data.augment(grey, torch.Generator().manual_seed(1), 0.5, True)
        self.assertEqual(bent.shape, grey.shape)
        self.assertFalse((bent == grey).all())
        self.assertTrue((bent[:, 0] == bent[:, 2]).all())

    def test_shifted_copies(self):
        images = np.random.default_rng(1).integers(0, 256, (40, 3, 9, 8)).astype(np.uint8)
        moved = data.augment(images, torch.Generator().manual_seed(1), 0.0, False, 2)
        padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)), "edge")
        places = set()
        for original, image in zip(padded, moved):
            found = [(y, x) for y in range(5) for x in range(5) if (original[:, y:y + 9, x:x + 8] == image).all()]
            self.assertEqual(len(found), 1)
            places.add(found[0])
        self.assertGreater(len(places), 10)

    def test_whitened_start(self):
        """Neighbours that are nearly equal, as in pictures, and yet outputs of one size that do not go together."""
        torch.manual_seed(1)
        pixels = F.avg_pool2d(torch.rand(200, 1, 20, 20), 5, 1, 2)
        layer = Convolution("conv1", 1, 8, (4, 4), (2, 2), (0, 0), False, 0.0)
        whitening.start(layer, pixels)
        outputs = layer(pixels).detach().transpose(0, 1).flatten(1)
        size = outputs.std(1)
        self.assertLess(float(size.max() / size.min()), 1.5)
        together = torch.corrcoef(outputs) - torch.eye(8)
        self.assertLess(float(together.abs().max()), 0.3)

    def test_mirrored_copies(self):
        images = np.zeros((40, 28, 28), np.uint8)
        images[:, 8:20, 2:10] = 255  # everything is on the left
        generator = torch.Generator().manual_seed(1)
        for mirror, expected in ((False, {True}), (True, {True, False})):
            moved = data.augment(images, generator, 0.2, mirror).astype(int)
            left = moved[:, :, :14].sum((1, 2)) > moved[:, :, 14:].sum((1, 2))
            self.assertEqual(set(left.tolist()), expected)

    def test_folders_of_the_sets(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(data.locate(folder, "fashion-mnist"), Path(folder))
        for chosen, variable in (("mnist", "LACUNA_MNIST"), ("fashion-mnist", "LACUNA_FASHION_MNIST"),
                                 ("cifar10", "LACUNA_CIFAR10")):
            with self.assertRaisesRegex(data.DataError, variable):
                data.locate("/nowhere", chosen)


class PoolTest(unittest.TestCase):
    def test_gentle_pool_has_the_same_teacher(self):
        images, labels = sample.digits(np.random.default_rng(1), 200)
        split = data.Split(images, labels.astype(np.int64))
        setting = {"copies": 2, "strength": 0.7, "seed": 1, "teacher_epochs": 1, "teacher_width": 8}
        with tempfile.TemporaryDirectory() as folder:
            pools = [teacher.prepare(Path(folder), split, split, setting, lambda line: None, gentle)
                     for gentle in (None, {"copies": 3, "strength": 0.2})]
            self.assertEqual([pool.images.shape[0] for pool in pools], [2, 3])
            self.assertTrue((pools[0].copy(0)[1] == pools[1].copy(0)[1]).all())
            self.assertEqual(len(list(Path(folder).glob("*/teacher.pt"))), 1)


class PipelineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = Path(cls.folder.name)
        (cls.root / "mnist").mkdir()
        sample.write_mnist(cls.root / "mnist", np.random.default_rng(1), data.VALIDATION + 700, 50)

    def run_recipe(self, *arguments):
        printed, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(failed):
            code = run.main([*arguments, "--mnist", str(self.root / "mnist"), "--work", str(self.root / "work")])
        return code, printed.getvalue(), failed.getvalue()

    def test_tiny_run_exports_a_network_of_powers_of_two(self):
        code, printed, failed = self.run_recipe("faster-cryptonets", "--tiny", "--test")
        self.assertEqual((code, failed), (0, ""))
        model = export.load(self.root / "work" / "faster-cryptonets-tiny" / "faster-cryptonets.lacuna.json")
        for layer in model.layers:
            if hasattr(layer, "weights"):
                size = np.abs(layer.weights[layer.weights != 0])
                self.assertTrue(bool((size & (size - 1) == 0).all()))
        for word in ("validation", "density", "|w|", "HOPs", "T ", "test set"):
            self.assertIn(word, printed)
        file = self.root / "logits.json"
        with contextlib.redirect_stdout(io.StringIO()):
            exported = self.root / "work" / "faster-cryptonets-tiny" / "faster-cryptonets.lacuna.json"
            self.assertEqual(evaluate.main([str(exported), "--mnist", str(self.root / "mnist"),
                                            "--logits", str(file)]), 0)
        written = json.loads(file.read_text(encoding="utf-8"))
        images = np.array(written["images"], np.uint8).reshape(-1, 28, 28)
        self.assertEqual([[int(x) for x in row] for row in written["logits"]],
                         evaluate.logits(model, images).tolist())
        rows = curve.read(self.root / "work" / "faster-cryptonets-tiny" / "curve.csv")
        self.assertEqual([part for part, _ in curve.parts(rows)][0], "1 float")
        self.assertGreater(rows[-1][4], 0)
        checkpoints = sorted((self.root / "work" / "checkpoints").glob("*.pt"))
        written = [file.stat().st_mtime_ns for file in checkpoints]
        _, again, _ = self.run_recipe("faster-cryptonets", "--tiny", "--test")
        self.assertEqual(again.splitlines()[-6:], printed.splitlines()[-6:])
        self.assertEqual([file.stat().st_mtime_ns for file in checkpoints], written)

    def test_tiny_run_of_a_packed_recipe(self):
        code, printed, failed = self.run_recipe("fashion-mnist", "--tiny")
        self.assertEqual((code, failed), (0, ""))
        model = export.load(self.root / "work" / "fashion-mnist-tiny" / "fashion-mnist.lacuna.json")
        self.assertEqual(model.provenance["data"], "Fashion-MNIST")
        recipe = run.read_recipe("fashion-mnist")
        network = Network(recipe)
        stage = next(stage for stage in recipe["stages"] if stage.get("method") == "tiles")
        tiles = tile_prune.tile_numbers(network, stage["slots"], stage["run"])
        for name, kept in stage["tiles"].items():
            weights = next(layer.weights for layer in model.layers if layer.name == name)
            self.assertLessEqual(len(np.unique(tiles[name].flatten(1).numpy()[weights != 0])), kept)

    def test_errors(self):
        code, _, failed = self.run_recipe("no-such-recipe")
        self.assertEqual((code, "known: " in failed), (1, True))
        with contextlib.redirect_stderr(io.StringIO()) as stream:
            self.assertEqual(run.main(["faster-cryptonets", "--mnist", str(self.root / "absent")]), 1)
        self.assertIn("LACUNA_MNIST", stream.getvalue())

    def test_slips_in_a_recipe(self):
        whole = run.read_recipe("faster-cryptonets")
        file = self.root / "slip.json"
        layers, steps = whole["layers"], whole["stages"]
        bare = [{key: value for key, value in layers[0].items() if key != "maps"}, *layers[1:]]
        for slip, message in (({"name": "../elsewhere"}, "name '../elsewhere': 1 to 64"), ({"layers": {}}, "'layers' is"),
                              ({"layers": bare}, "layer 'conv1': 'maps' is missing"), ({"seed": "1"}, "'seed' is '1'"),
                              ({"data": {"copies": 1, "seed": 1}}, "\"data\": 'strength' is missing"),
                              ({"data": {"set": "letters", "copies": 1, "strength": 1, "seed": 1}}, "set 'letters'"),
                              ({"stages": [{"stage": "prune", "epochs": 1, "method": "tiles"}]}, "needs \"slots\""),
                              ({"stages": [{"stage": "float"}]}, "\"epochs\" is None"),
                              ({"stages": [dict(steps[0]), {"stage": "quantise", "epochs": 1}]}, "no entry for conv1"),
                              ({"stages": [1]}, "has to be an object")):
            with self.subTest(message):
                file.write_text(json.dumps(whole | slip))
                before = sorted(self.root.rglob("*"))
                code, _, failed = self.run_recipe(str(file), "--tiny")
                self.assertEqual((code, message in failed, failed.count("\n")), (1, True, 1), failed)
                self.assertEqual(sorted(self.root.rglob("*")), before)

    def test_a_checkpoint_that_cannot_be_read(self):
        file = self.root / "3-prune-0123.pt"
        file.write_bytes(b"half a file")
        with self.assertRaisesRegex(RecipeError, "3-prune-0123.pt: not a checkpoint .*remove it"):
            run.load_checkpoint(file)

    def test_nothing_is_replaced_unasked(self):
        file = self.root / "precious"
        file.write_text("kept")
        code, _, failed = self.run_recipe("faster-cryptonets", "--tiny", "--output", str(file))
        self.assertEqual((code, "--force" in failed, file.read_text()), (1, True, "kept"))
        for command, arguments in ((evaluate, ["model", "--logits"]), (curve, ["curve.csv", "--plot"])):
            with contextlib.redirect_stderr(io.StringIO()) as stream:
                self.assertEqual(command.main([*arguments, str(file)]), 1)
            self.assertEqual(("--force" in stream.getvalue(), file.read_text()), (True, "kept"))

    def test_every_recipe_is_well_formed(self):
        for file in sorted(run.RECIPES.glob("*.json")):
            with self.subTest(file.stem):
                recipe = run.read_recipe(file.stem)
                self.assertEqual(recipe["name"], file.stem)
                Network(recipe)
                json.dumps(recipe)

    def test_truncated_idx(self):
        file = self.root / "broken"
        file.write_bytes(b"\0\0\x08\x01\0\0\0\x05abc")
        with self.assertRaisesRegex(data.DataError, "expected 5 bytes"):
            data.read_idx(file)


if __name__ == "__main__":
    unittest.main()
