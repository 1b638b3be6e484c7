#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HE-PEx's experiment (Aharoni et al., arXiv 2207.03384) in the packed packing: a fully connected autoencoder on MNIST,
784 - H - 784 with one square, tiles of diagonals pruned step by step; squared error added against products with
diagonals, rotations, memory and time.

Errors are of the rounded network (weights up to 255) on the validation part, pixels being 0 ... 1. Products, rotations,
memory and time are `lacuna plan`'s, for one image.
"""

import argparse
import copy
import math
import os
import sys
from pathlib import Path

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import numpy as np
import torch
import torch.nn.functional as F

import data
import experiment_command
import line_plot
import output_file
import packed_plan
import quantise
import tile_prune
import training
from network import Network

WEIGHTS = 255
LEVELS = [64, 128, 192]
RUN = 8  # diagonals a tile
COLUMNS = ("kept", "error", "added", "products", "rotations", "megabytes", "milliseconds", "products_of_magnitude")


def recipe(hidden):
    # A square about 1 is half a line.
    return {"name": "autoencoder", "seed": 1, "thresholds": LEVELS, "shift": 1.0, "layers": [
        {"type": "flatten", "name": "flatten"}, {"type": "dense", "name": "encoder", "outputs": hidden},
        {"type": "activation", "name": "square"}, {"type": "dense", "name": "decoder", "outputs": 784}]}


def error(network, split, pixels):
    """Mean over images and pixels of the squared difference from the image itself."""
    network.eval()
    with torch.no_grad():
        total = sum(float((network(pixels(part.images)) - target(part.images)).square().sum())
                    for part in (split.part(start, start + 1000) for start in range(0, len(split), 1000)))
    network.train()
    return total / (len(split) * 784)


def target(images):
    return torch.from_numpy(images.reshape(len(images), -1).astype(np.float32)) / 255


def train(network, split, pixels, epochs, rate, seed, after_step=None):
    """Adam on the mean squared error, with a rate that falls like a cosine."""
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    batch = min(256, len(split))
    steps, step = epochs * (len(split) // batch), 0
    for _ in range(epochs):
        order = generator.permutation(len(split))
        for start in range(0, len(split) // batch * batch, batch):
            for group in optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps)) * min(1.0, (step + 1) / 100)
            images = split.images[np.sort(order[start:start + batch])]
            loss = F.mse_loss(network(pixels(images)), target(images))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            step += 1
            if after_step is not None:
                after_step()


def rounded(network):
    """A copy with integer weights."""
    network = copy.deepcopy(network).eval()
    network.fold()
    network.equalise()
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, "uniform", WEIGHTS)
    network.spread_units()
    for layer in network.weighted():
        quantise.settle(layer, 1.0)
    return network


def by_magnitude(network, share):
    """A copy that keeps that share of the weights, the largest, wherever they lie: how many diagonals they need says what
    pruning that knows nothing of the packing saves."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for layer in network.weighted():
            keep = torch.zeros(layer.weight.numel())
            keep[layer.weight.abs().flatten().topk(max(1, round(share * layer.weight.numel()))).indices] = 1
            layer.mask.copy_(keep.reshape(layer.weight.shape))
            layer.pruned = True
            layer.weight.mul_(layer.mask)
    return network


def experiment(split, validation, options, command, report):
    """Rows of COLUMNS, one for every share of tiles that is kept. All start from one trained network and train equally
    long after that, the one that is not pruned too."""
    torch.manual_seed(1)
    pixels = training.Pixels(LEVELS)
    dense, rows = Network(recipe(options.hidden)), []
    with torch.no_grad():
        dense.weighted()[1].weight.mul_(0.1)  # most pixels are black: what is drawn should start near that
    train(dense, split, pixels, options.epochs, 0.01, 1)
    steps = options.prune_epochs * (len(split) // min(256, len(split)))
    for share in options.kept:
        network, pruner = copy.deepcopy(dense), None
        if share < 1:
            runs = {"encoder": RUN, "decoder": RUN}
            numbers = tile_prune.tile_numbers(network, options.slots, runs)
            counts = {name: max(1, round(share * (int(tiles.max()) + 1))) for name, tiles in numbers.items()}
            pruner = tile_prune.TilePruner(network, options.slots, counts, runs, steps // 2)
        train(network, split, pixels, options.prune_epochs, 0.005, 2, pruner)
        if pruner:
            pruner.finish()
        final, single = rounded(network), rounded(by_magnitude(dense, share))
        planned, scattered = (packed_plan.ask(command, one.to_integer(), privacy=not options.no_circuit_privacy)
                              for one in (final, single))
        value = error(final, validation, pixels)
        rows.append((share, round(value, 6), round(value - (rows[0][1] if rows else value), 6), planned.products,
                     planned.rotations, round(planned.memory / 1e6, 1), round(planned.milliseconds, 3),
                     scattered.products))
        report(f"{share:.0%} of the tiles: error {value:.5f}, {planned.products} products, {planned.rotations} rotations, "
               f"{planned.memory / 1e6:.0f} MB, {planned.milliseconds:.2f} ms; as many single weights: "
               f"{scattered.products} products")
    return rows


def plot(rows):
    """What is left of each cost, in per cent of the unpruned network's, over the squared error added."""
    return line_plot.plot([(name, [(row[2], 100 * row[column] / rows[0][column]) for row in rows])
                           for name, column in (("products, memory", 3), ("rotations", 4), ("time", 6))],
                          "squared error added", "left of the unpruned network's cost, %")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", help="folder with the MNIST files (default: $LACUNA_MNIST, else data/mnist)")
    parser.add_argument("--hidden", type=int, default=32, metavar="H", help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=15, help="of dense training (default: %(default)s)")
    parser.add_argument("--prune-epochs", type=int, default=8, help="after that, for every share (default: %(default)s)")
    parser.add_argument("--kept", type=float, nargs="+", default=[1.0, 0.8, 0.6, 0.5, 0.4, 0.3], metavar="SHARE",
                        help="of the tiles, falling from 1 (default: %(default)s)")
    parser.add_argument("--images", type=int, help="train on the first N images alone")
    parser.add_argument("--slots", type=int, default=1024, help="that tiles are made for (default: %(default)s)")
    parser.add_argument("--no-circuit-privacy", action="store_true", help="plan without flooding")
    parser.add_argument("--lacuna", metavar="COMMAND", help="(default: build/bin/lacuna, else lacuna)")
    parser.add_argument("--table", type=Path, metavar="FILE.csv")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--force", action="store_true", help="replace these files where they exist")
    return parser.parse_args(arguments)


def run(options):
    for file in (options.table, options.plot):
        if file:
            output_file.check(file, options.force)
    if options.kept[0] != 1 or options.kept != sorted(set(options.kept), reverse=True) or options.kept[-1] <= 0:
        raise ValueError("--kept: expected shares that fall from 1, all above 0")
    command = experiment_command.lacuna_command(options)
    split, validation = data.load_training(data.locate(options.mnist), options.images)
    torch.set_flush_denormal(True)
    rows = experiment(split, validation, options, command, lambda line: print(line, flush=True))
    experiment_command.write(options, COLUMNS, rows, lambda: plot(rows))


def main(arguments=None):
    return experiment_command.outcome("autoencoder", lambda: run(parse(arguments)))


if __name__ == "__main__":
    sys.exit(main())
