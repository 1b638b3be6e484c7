#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SpENCNN's experiment (Ran et al., ICML 2023) in the packed packing, exactly: a LeNet on MNIST with squares, dense, with
grouped channels, with tiles of taps pruned as well, and with Falcon's block-circulant dense layer (Lou et al., NeurIPS 2020).

Every network is trained as long, rounded, and written to --models. Products with diagonals, rotations, memory and nominal
time are `lacuna plan`'s for one image with a flooded reply; accuracy is `lacuna evaluate`'s on the 10,000 test images; times
are of `lacuna mnist`, which also compares every logit with the plain network's, all networks by turns. lenet.md has more.
"""

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import numpy as np
import torch

import data
import experiment_command
import export
import line_plot
import output_file
import packed_forms
import packed_plan
import quantise
import ranges
import structure
import teacher
import training
from network import Network

LEVELS = [64, 128, 192]
WEIGHTS = {"conv1": 15, "conv2": 31, "fc1": 31, "fc2": 31}  # largest
RATE, DECAY, BATCH = 0.003, 0.03, 64
STRENGTH = 0.4  # of augmentation
MORE = 4  # images of the second run, beyond the first one's
COLUMNS = ("network", "weights", "validation", "test", "bits", "n", "log_qp", "slots", "products", "rotations", "megabytes",
           "nominal_ms", "products_as_written", "seconds", "processor_seconds", "peak_megabytes", "speed_up")
COSTS = ("network", "weights", "bits", "n", "log_qp", "slots", "products", "rotations", "megabytes", "nominal_ms")


def recipe(name, options):
    """conv1, square, pool, conv2, square, pool, then fc1, square and fc2, or fc2 alone: without the square the two would be
    one matrix."""
    layers = []
    for number in (1, 2):
        layers += [{"type": "convolution", "name": f"conv{number}", "maps": options.maps, "kernel": 5, "stride": 1,
                    "padding": 0},
                   {"type": "activation", "name": f"square{number}"},
                   {"type": "sum_pool", "name": f"pool{number}", "window": 2, "stride": 2}]
    layers.append({"type": "flatten", "name": "flatten"})
    if options.squares == 3:
        layers += [{"type": "dense", "name": "fc1", "outputs": options.hidden}, {"type": "activation", "name": "square3"}]
    layers.append({"type": "dense", "name": "fc2", "outputs": 10})
    return {"name": f"lenet-{name}", "seed": 1, "thresholds": LEVELS, "shift": 1.0, "layers": layers,
            "description": f"LeNet for one packed image of MNIST with {options.squares} squares: {name}"}


def layer_of(network, name):
    return next(layer for layer in network.weighted() if layer.name == name)


@dataclass
class Course:
    """What all networks are trained on."""

    pool: object
    validation: data.Split
    pixels: training.Pixels

    def train(self, network, epochs, title, after_step=None):
        training.train(network, self.pool, self.pixels, epochs, RATE, 1, title, after_step=after_step,
                       decay=DECAY, batch=min(BATCH, len(self.pool.labels)))

    def steps(self, epochs):
        return epochs * max(1, len(self.pool.labels) // BATCH)


@torch.no_grad()
def rounded(network, block=None):
    """A copy with integer weights. block: of a circulant fc1."""
    network = copy.deepcopy(network).eval()
    if block:
        # The square does not see a row's sign; rows that differ in it alone would be no circulant block.
        norm = layer_of(network, "fc1").norm
        sign = torch.where(norm.weight < 0, -1.0, 1.0)
        norm.weight.mul_(sign)
        norm.bias.mul_(sign)
    network.fold()
    network.equalise()
    if block:
        structure.Circulant(layer_of(network, "fc1"), block)()
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, "uniform", WEIGHTS[layer.name])
    network.spread_units()
    for layer in network.weighted():
        quantise.settle(layer, 1.0)
    return network


def integers(network):
    """(the model as written, the form for the packed packing)."""
    model = network.to_integer()
    model.provenance = {"command": "tools/train/lenet.py", "trained_on": [{"data": "mnist", "part": "train"}]}
    ranges.centre_logits(model)
    return model, packed_forms.split_pools(packed_forms.merge_pools(model))


def channels_together(slots, maps):
    """Channels of the convolutions' inputs that share a ciphertext of so many slots: the image, and blocks of a quarter of it
    after the pool."""
    return [1, min(maps, slots // (28 * 28 // 4))]


def train_networks(options, course, command, report):
    """Yields (name, network, block of a circulant fc1 or None)."""
    torch.manual_seed(1)
    epochs, more = options.epochs, options.more_epochs
    dense = Network(recipe("dense", options))
    course.train(dense, epochs, "dense")
    course.train(dense, more, "dense, longer")
    yield "dense", dense, None
    base = Network(recipe("grouped", options))
    structure.interleave_groups(layer_of(base, "conv2"), options.groups)
    course.train(base, epochs, "grouped")
    slots = None
    for share in [1.0, *options.kept]:
        network = copy.deepcopy(base)
        pruner = None
        if share < 1:
            network.recipe = recipe(f"grouped-pruned-{round(100 * share)}", options)
            together = channels_together(slots, options.maps)
            convolutions = [layer_of(network, name) for name in ("conv1", "conv2")]
            pruner = structure.TapPruner(list(zip(convolutions, together)), share, course.steps(more) // 2)
        course.train(network, more, network.recipe["name"], pruner)
        if pruner:
            pruner.finish()
        else:
            slots = options.slots or packed_plan.ask(command, integers(rounded(network))[1]).slots
            report(f"tiles of taps are made for ciphertexts of {slots} slots")
        yield network.recipe["name"].removeprefix("lenet-"), network, None
    if options.squares == 3:
        network = Network(recipe("grouped-circulant", options))
        structure.interleave_groups(layer_of(network, "conv2"), options.groups)
        circulant = structure.Circulant(layer_of(network, "fc1"), options.block)
        circulant()
        for part in (epochs, more):
            course.train(network, part, "grouped, circulant", circulant)
        yield "grouped-circulant", network, options.block


def answer(command, *arguments):
    """A command's JSON."""
    done = subprocess.run([command, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise packed_plan.PlanError(done.stderr.strip() or f"{command} {arguments[0]}: failed")
    return json.loads(done.stdout)


def infer(command, file, mnist, images):
    """(seconds of inference by the clock, processor seconds of the whole command, peak memory in bytes), encrypted, on one
    thread. The command fails where a logit is not the plain network's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = answer(command, "mnist", "--model", file, "--packing", "packed", "--images", images, "--threads", 1, "--mnist",
                   mnist)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found["seconds"]["infer"], used, found["peak_memory_bytes"]


def measured(command, files, mnist, runs, report):
    """{name: (least seconds, least processor seconds, peak bytes)} of one image: every network once a round, so that a
    machine that is slow for a while is so for all of them. Processor seconds are what MORE images more take, keys and
    set-up being the same; they include encryption and decryption."""
    found = {}
    for number in range(runs):
        for name, file in files.items():
            seconds, used, peak = infer(command, file, mnist, 1)
            more = infer(command, file, mnist, 1 + MORE)[1] - used
            once = seconds, max(more / MORE, 1e-6), peak  # the clock of processor time is no finer
            found[name] = tuple(map(min, found[name], once)) if name in found else once
            report(f"round {number + 1}: {name} {once[0]:.3f} s, {once[1]:.3f} s of processor time")
    return found


def describe(command, file, written, mnist):
    """What a model costs and is worth, as far as it can be said without running it encrypted."""
    row = costs(command, export.load(file), export.load(written))
    try:
        row["products_as_written"] = packed_plan.ask(command, export.load(written)).products
    except packed_plan.PlanError as refusal:
        row["products_as_written"] = f"refused: {refusal}"
    return row | {"validation": export.load(file).provenance.get("validation_accuracy"),
                  "test": answer(command, "evaluate", file, "--data", mnist, "--part", "test")["accuracy"]}


def costs(command, model, written):
    plan = packed_plan.ask(command, model)
    return {"network": model.name.removeprefix("lenet-"),
            "weights": sum(int(np.count_nonzero(layer.weights)) for layer in written.layers if hasattr(layer, "weights")),
            "bits": ranges.proven_bits(model), "n": plan.n, "log_qp": round(plan.log_qp), "slots": plan.slots,
            "products": plan.products, "rotations": plan.rotations, "megabytes": round(plan.memory / 1e6),
            "nominal_ms": round(plan.milliseconds, 1)}


def plot(rows):
    """Accuracy over time, a line through the pruned networks."""
    def points(prefix):
        return sorted((1000 * row["processor_seconds"], 100 * row["test"]) for row in rows if row["network"].startswith(prefix))

    pruned = [point for row in rows for point in points(row["network"])
              if row["network"] == "grouped" or "pruned" in row["network"]]
    series = [("dense", points("dense")), ("grouped, pruned", sorted(set(pruned))),
              ("block-circulant", points("grouped-circulant"))]
    return line_plot.plot([(name, line) for name, line in series if line], "ms of a processor, one encrypted image",
                          "accuracy on 10,000 test images, %", reference=98.69)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", help="folder with the MNIST files (default: $LACUNA_MNIST, else data/mnist)")
    parser.add_argument("--maps", type=int, default=10, help="of both convolutions (default: %(default)s)")
    parser.add_argument("--groups", type=int, default=5, help="of the second one (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=32, help="(default: %(default)s)")
    parser.add_argument("--squares", type=int, choices=(2, 3), default=3, help="(default: %(default)s)")
    parser.add_argument("--block", type=int, default=16, help="rows of a circulant block (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--more-epochs", type=int, default=2, help="while tiles go, and for the others too (default: "
                                                                   "%(default)s)")
    parser.add_argument("--kept", type=float, nargs="*", default=[0.5, 0.25], metavar="SHARE",
                        help="of the tiles of taps (default: %(default)s)")
    parser.add_argument("--copies", type=int, default=1, help="of the images, all but one augmented (default: %(default)s)")
    parser.add_argument("--slots", type=int, metavar="K", help="of a ciphertext, that tiles are made for (default: those of "
                                                               "the grouped network's plan)")
    parser.add_argument("--images", type=int, help="train on the first N images alone")
    parser.add_argument("--runs", type=int, default=3, help="rounds of encrypted images (default: %(default)s)")
    parser.add_argument("--models", type=Path, default=Path("data/train/lenet"),
                        help="folder for the models; those that it holds are measured, not trained (default: %(default)s)")
    parser.add_argument("--costs", action="store_true", help="no training and no encrypted image: what plans say of drawn "
                                                             "weights")
    parser.add_argument("--lacuna", metavar="COMMAND", help="(default: build/bin/lacuna, else lacuna)")
    parser.add_argument("--table", type=Path, metavar="FILE.csv")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--force", action="store_true", help="replace these files where they exist")
    return parser.parse_args(arguments)


def print_costs(options, command, report):
    """The costs of the networks as they are before training: they depend on places and sizes of weights alone."""
    empty = data.Split(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64))
    course = Course(teacher.Pool(empty.images[None], None, empty.labels), empty, training.Pixels(LEVELS))
    options.epochs = options.more_epochs = 0
    report(f"| {' | '.join(COSTS)} |\n|{'---|' * len(COSTS)}")
    rows = []
    for _, network, block in train_networks(options, course, command, report):
        written, packed = integers(rounded(network, block))
        rows.append(costs(command, packed, written))
        report(f"| {' | '.join(str(rows[-1][column]) for column in COSTS)} |")
    return rows


def make_models(options, command, directory, report):
    split, validation = data.load_training(directory, options.images)
    torch.set_flush_denormal(True)
    course = Course(teacher.build_pool(split, options.copies, 1, STRENGTH), validation, training.Pixels(LEVELS))
    for name, network, block in train_networks(options, course, command, report):
        final = rounded(network, block)
        score = training.accuracy(final, course.pixels, validation)
        report(f"{name}: validation {training.accuracy(network, course.pixels, validation):.2%}, as integers {score:.2%}")
        for model, folder in zip(integers(final), (options.models / "as-written", options.models)):
            model.provenance["validation_accuracy"] = score
            export.save(model, folder / f"{name}.lacuna.json")


def run(options):
    for file in (options.table, options.plot):
        if file:
            output_file.check(file, options.force)
    if not all(0 < share < 1 for share in options.kept) or options.runs < 1:
        raise ValueError("--kept: expected shares between 0 and 1; --runs: at least 1")
    command = experiment_command.lacuna_command(options)

    def report(line):
        print(line, flush=True)

    if options.costs:
        rows = print_costs(options, command, report)
        if options.table:
            output_file.write_csv(options.table, COSTS, [[row[column] for column in COSTS] for row in rows])
        return
    directory = data.locate(options.mnist)
    if not any(options.models.glob("*.lacuna.json")):
        make_models(options, command, directory, report)
    files = {file.name.removesuffix(".lacuna.json"): file for file in sorted(options.models.glob("*.lacuna.json"))}
    rows = [describe(command, file, options.models / "as-written" / file.name, directory) for file in files.values()]
    times = measured(command, files, directory, options.runs, report)
    slowest = times.get("dense", (0, 0))[1]
    for row in rows:
        seconds, used, peak = times[row["network"]]
        row |= {"seconds": round(seconds, 4), "processor_seconds": round(used, 4), "peak_megabytes": round(peak / 1e6),
                "speed_up": round(slowest / used, 2)}
    rows.sort(key=lambda row: -row["products"])
    report(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for row in rows:
        report(f"| {' | '.join(str(row[column]) for column in COLUMNS)} |")
    experiment_command.write(options, COLUMNS, [[row[column] for column in COLUMNS] for row in rows], lambda: plot(rows))


def main(arguments=None):
    return experiment_command.outcome("lenet", lambda: run(parse(arguments)))


if __name__ == "__main__":
    sys.exit(main())
