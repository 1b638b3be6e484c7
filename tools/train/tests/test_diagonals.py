# SPDX-License-Identifier: Apache-2.0
"""Diagonals of the packed packing, and pruning by tiles of them."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from tests import sample  # noqa: F401, finds the scripts

import diagonals
import export
import tile_prune
from network import Network, RecipeError

ROOT = Path(__file__).resolve().parents[3]
COMMAND = os.environ.get("LACUNA_COMMAND") or str(ROOT / "build" / "bin" / "lacuna")


def network(maps=4, hidden=16, kernel=4, stride=2, padding=1, inputs=(1, 12, 12)):
    torch.manual_seed(1)
    return Network({"name": "packed", "seed": 1, "thresholds": [128], "layers": [
        {"type": "convolution", "name": "conv1", "maps": maps, "kernel": kernel, "stride": stride, "padding": padding},
        {"type": "activation", "name": "square1"}, {"type": "flatten", "name": "flatten"},
        {"type": "dense", "name": "fc1", "outputs": hidden}, {"type": "activation", "name": "square2"},
        {"type": "dense", "name": "fc2", "outputs": 10}]}, inputs, normalised=False)


def run_by_diagonals(layer, of_layer, x, count, slots):
    """A dense layer, computed as the packing does: per slot, sums over diagonals of rotated inputs, then folded."""
    weights = layer.weight.detach().numpy()
    period = diagonals.period_of(len(weights), slots, False)
    result = np.zeros(slots)
    for number, (_, ciphertext, step) in enumerate(of_layer.diagonals):
        rotated = np.roll(x[ciphertext], -step)
        plain = np.zeros(slots)
        for row, column in zip(*np.nonzero(of_layer.keys == number)):
            places = [p for p in range(row, slots, period) if (p + step) % slots == count[column]]
            plain[places] += weights[row, column]
        result += rotated * plain
    return np.array([result[row::period].sum() for row in range(len(weights))])


class DiagonalsTest(unittest.TestCase):
    def test_dense_layer_is_the_sum_over_its_diagonals(self):
        net = network(maps=2, hidden=16)
        slots = 128
        found = diagonals.of_network(net, slots)
        _, layout = diagonals._of_convolution(net.weighted()[0], (1, 12, 12), slots)
        values = np.random.default_rng(1).normal(size=len(layout.slots))
        x = np.zeros((1, slots))
        x[0, layout.slots] = values
        layer = net.weighted()[1]
        self.assertEqual(set(layout.ciphertexts), {0})
        np.testing.assert_allclose(run_by_diagonals(layer, found["fc1"], x, layout.slots, slots),
                                   layer.weight.detach().numpy() @ values, atol=1e-5)

    def test_places_of_a_convolution_do_not_collide(self):
        for slots in (64, 128, 1024):
            _, layout = diagonals._of_convolution(network().weighted()[0], (1, 12, 12), slots)
            self.assertEqual(len(set(zip(layout.ciphertexts, layout.slots))), len(layout.slots))
            self.assertLess(layout.slots.max(), slots)

    def test_every_tap_of_a_convolution_has_one_step(self):
        # Tap and map say the step: the first tap of map 0 leads from its own block, so it needs no rotation.
        found = diagonals.of_network(network(), 256)["conv1"]
        self.assertEqual(found.diagonals[found.keys[0, 0]].tolist(), [0, 0, 0])

    @unittest.skipUnless(Path(COMMAND).is_file(), "needs the lacuna command (LACUNA_COMMAND)")
    def test_plan_counts_the_same(self):
        net = Network({"name": "packed", "seed": 1, "thresholds": [128], "layers": [
            {"type": "convolution", "name": "conv1", "maps": 10, "kernel": 6, "stride": 3, "padding": 1},
            {"type": "activation", "name": "square1"}, {"type": "flatten", "name": "flatten"},
            {"type": "dense", "name": "fc1", "outputs": 64}, {"type": "activation", "name": "square2"},
            {"type": "dense", "name": "fc2", "outputs": 10}]}, normalised=False)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.lacuna.json"
            for kept in ({}, {"conv1": 7, "fc1": 4}):
                for layer in net.weighted():
                    if layer.name in kept:
                        numbers = tile_prune.tile_numbers(net, 512, {"fc1": 8})[layer.name]
                        tile_prune.keep_largest(layer, numbers, kept[layer.name])
                export.save(net.to_integer(), file)
                for privacy in ([], ["--no-circuit-privacy"]):
                    answer = json.loads(subprocess.run(
                        [COMMAND, "plan", "--model", str(file), "--packing", "packed", "--json", *privacy], check=True,
                        capture_output=True, text=True).stdout)
                    slots = answer["client"]["parameters"]["plain_polynomials"][0]["power"]
                    planned = next(reason for reason in answer["reasons"] if reason.startswith("layout"))
                    counted = diagonals.count(net, slots)
                    self.assertIn(f" {sum(held for held, _ in counted.values())} diagonals", planned, (slots, counted))

    def test_errors(self):
        with self.assertRaisesRegex(RecipeError, "conv1: a phase of its input takes 49 slots"):
            diagonals.of_network(network(), 32)
        with self.assertRaisesRegex(RecipeError, "fc1: 100 rows do not fit 64 slots"):
            diagonals.of_network(network(hidden=100), 64)


class TilePruneTest(unittest.TestCase):
    def test_keeps_the_heaviest_tiles_whole(self):
        net = network()
        layer = net.weighted()[1]
        numbers = tile_prune.tile_numbers(net, 256, {"fc1": 4})["fc1"]
        with torch.no_grad():
            layer.weight.mul_(0.01)
            layer.weight[(numbers == 2) & (torch.arange(layer.weight.shape[1]) % 5 == 0)] = 1
            layer.mask.zero_()  # pruned before: expansion brings them back
        tile_prune.keep_largest(layer, numbers, 1)
        self.assertTrue(bool((layer.mask == (numbers == 2)).all()))

    def test_pruner_ends_with_the_tiles_asked_for(self):
        net = network()
        pruner = tile_prune.TilePruner(net, 256, {"conv1": 3, "fc1": 2}, {"fc1": 4}, 40, interval=10)
        kept = []
        for _ in range(60):
            pruner()
            kept.append(diagonals.count(net, 256)["fc1"][0])
        pruner.finish()
        self.assertEqual(kept, sorted(kept, reverse=True))
        self.assertEqual(diagonals.count(net, 256)["fc1"], (8, 16))
        found = diagonals.of_network(net, 256)["conv1"]
        held = np.unique(found.tiles(1)[found.keys[net.weighted()[0].integer_weights() != 0]])
        self.assertEqual(len(held), 3)
        self.assertTrue(bool((net.weighted()[1].weight[net.weighted()[1].mask == 0] == 0).all()))

    def test_permuting_gains_and_keeps_the_function(self):
        net = network()
        with torch.no_grad():
            net.weighted()[1].weight.mul_((torch.rand(net.weighted()[1].weight.shape) < 0.1).float())
        x = torch.rand(5, 1, 12, 12)
        before = net(x)
        share = tile_prune.permute(net, 256, {"fc1": 2}, {"fc1": 2})["fc1"]
        torch.testing.assert_close(net(x), before, rtol=1e-4, atol=1e-5)
        self.assertGreater(share[1], share[0])
        mask = tile_prune.tile_numbers(net, 256, {"fc1": 2})["fc1"]
        weight = net.weighted()[1].weight.detach()
        mass = torch.zeros(int(mask.max()) + 1).index_add_(0, mask.flatten(), weight.square().flatten())
        self.assertAlmostEqual(float(mass.topk(2).values.sum() / mass.sum()), share[1], places=4)

    def test_unknown_layers(self):
        with self.assertRaisesRegex(RecipeError, "fc7"):
            tile_prune.TilePruner(network(), 256, {"fc7": 1}, {}, 10)
