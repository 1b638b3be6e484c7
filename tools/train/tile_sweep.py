#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Accuracy against diagonals: a recipe with a stage of method "tiles", trained anew for every number of tiles.

  tools/train/tile_sweep.py faster-cryptonets-packed --tiles conv1=18,10,6 fc1=4,2 --epochs 20

Every combination takes the recipe's stages up to the first "float", with --epochs of that one, and is rounded without
retraining, which tells combinations apart sooner than whole recipes do. Products, rotations and nominal milliseconds
are `lacuna plan`'s, flooded and not.
"""

import argparse
import copy
import itertools
import os
import sys
from pathlib import Path

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import torch

import data
import experiment_command
import line_plot
import output_file
import packed_plan
import quantise
import ranges
import run
import stages
import teacher
import training
from network import Network, RecipeError

COLUMNS = ("tiles", "validation", "bent", "range_bits", "products", "rotations", "milliseconds", "flooded_products",
           "flooded_rotations", "flooded_milliseconds")


def combinations(texts):
    """[{layer: tiles}] from ["conv1=18,10", "fc1=4"]."""
    lists = []
    for text in texts:
        name, _, numbers = text.partition("=")
        if not name or not numbers or not all(number.isdigit() and int(number) for number in numbers.split(",")):
            raise ValueError(f"--tiles {text}: expected LAYER=NUMBER,NUMBER,...")
        lists.append([(name, int(number)) for number in numbers.split(",")])
    return [dict(one) for one in itertools.product(*lists)]


def shortened(recipe, tiles, epochs):
    """The recipe's stages up to the first float one, with these numbers of tiles and epochs."""
    kept = []
    for stage in recipe["stages"]:
        kept.append(dict(stage, tiles=tiles) if stage.get("method") == "tiles" else dict(stage))
        if stage["stage"] == "float":
            break
    if kept[-1]["stage"] != "float" or not any(stage.get("method") == "tiles" for stage in kept):
        raise RecipeError(f"{recipe['name']}: expected a stage of method \"tiles\" before the first stage \"float\"")
    kept[-1]["epochs"] = epochs
    return dict(recipe, stages=kept)


def rounded(network, sizes):
    """A copy on uniform grids, without retraining."""
    network = copy.deepcopy(network)
    network.equalise()
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, "uniform", sizes[layer.name])
    network.spread_units()
    for layer in network.weighted():
        quantise.settle(layer, 1.0)
    return network


def measure(recipe, course, command):
    torch.manual_seed(recipe["seed"])
    network = Network(recipe)
    for stage in recipe["stages"]:
        stages.STAGES[stage["stage"]](network, stage, course)
    final = rounded(network, {layer.name: 15 for layer in network.weighted()})
    model = final.to_integer()
    open_plan, flooded = (packed_plan.ask(command, model, privacy) for privacy in (False, True))
    tiles = next(stage["tiles"] for stage in recipe["stages"] if stage.get("method") == "tiles")
    return (" ".join(f"{name}={count}" for name, count in tiles.items()),
            round(training.accuracy(final, course.pixels, course.validation), 4),
            round(training.accuracy(final, course.pixels, course.bent), 4), ranges.proven_bits(model),
            open_plan.products, open_plan.rotations, round(open_plan.milliseconds, 2),
            flooded.products, flooded.rotations, round(flooded.milliseconds, 2))


def plot(rows):
    ordered = [sorted((row[column], 100 * row[2]) for row in rows) for column in (6, 9)]
    return line_plot.plot([("without flooding", ordered[0]), ("flooded", ordered[1])], "nominal ms, one thread",
                          "accuracy on bent images, %")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="name of a recipe, or a file (*.json)")
    parser.add_argument("--tiles", nargs="+", required=True, metavar="LAYER=N,N", help="numbers of tiles that stay")
    parser.add_argument("--epochs", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--mnist", help="folder with the files of the recipe's data set")
    parser.add_argument("--work", type=Path, default=Path("data/train"), help="as run.py's (default: %(default)s)")
    parser.add_argument("--lacuna", metavar="COMMAND", help="(default: build/bin/lacuna, else lacuna)")
    parser.add_argument("--tiny", action="store_true", help=f"{run.TINY_IMAGES} images: checks the script")
    parser.add_argument("--table", type=Path, metavar="FILE.csv")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--force", action="store_true", help="replace these files where they exist")
    return parser.parse_args(arguments)


def sweep_tiles(options):
    for file in (options.table, options.plot):
        if file:
            output_file.check(file, options.force)
    chosen = combinations(options.tiles)
    recipe = run.read_recipe(options.recipe)
    command = experiment_command.lacuna_command(options)
    torch.set_flush_denormal(True)
    if options.tiny:
        recipe = run.shrink(recipe)
    split, validation = data.load_training(data.locate(options.mnist, recipe["data"].get("set", "mnist")),
                                           run.TINY_IMAGES if options.tiny else None)
    pool = teacher.prepare(options.work, split, validation, recipe["data"], lambda line: print(line, flush=True))
    course = stages.Course(recipe, pool, validation, 1.0, data.bend(validation))
    rows = []
    print(f"{'tiles':24} {'validation':>10} {'bent':>7} {'T':>3}  products rotations  ms  (flooded)")
    for tiles in chosen:
        rows.append(measure(shortened(recipe, tiles, options.epochs), course, command))
        title, score, bent, bits, *costs = rows[-1]
        print(f"{title:24} {score:10.2%} {bent:7.2%} {bits:3}  {costs[0]} {costs[1]} {costs[2]:.2f}  "
              f"({costs[3]} {costs[4]} {costs[5]:.2f})", flush=True)
    experiment_command.write(options, COLUMNS, rows, lambda: plot(rows))


def main(arguments=None):
    return experiment_command.outcome("tile_sweep", lambda: sweep_tiles(parse(arguments)))


if __name__ == "__main__":
    sys.exit(main())
