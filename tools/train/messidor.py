#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Retinopathy or not, from 19 public features of an eye examination, by a head that was trained with differential
privacy on others' examinations: accuracy against epsilon, and a *.lacuna.json.

Data: Messidor features (Antal and Hajdu, Knowledge-Based Systems 60, 2014; UCI Machine Learning Repository). The
features come from public image processing that the client runs in the clear; only the head runs encrypted.
"""

import argparse
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import numpy as np
import torch

import accountant
import data
import evaluate
import export
import line_plot
import output_file
import private_training
import quantise
import ranges
from network import Network

COUNTED, WEIGHED = slice(2, 8), slice(8, 16)  # microaneurysms at six confidences, exudates at eight
# The least and the largest value of every prepared feature, as round numbers that were not computed from the data: a
# largest value of private data would tell of one person.
RANGES = ((0, 1), (0, 1), (0, 5), *((0, 1),) * 5, (0, 9), *((0, 5),) * 7, (0.3, 0.7), (0, 0.25), (0, 1))
RECIPE = {
    "name": "messidor-private", "seed": 1, "thresholds": list(range(1, 256)),
    "layers": [{"type": "dense", "name": "fc1", "outputs": 8}, {"type": "activation", "name": "square1"},
               {"type": "dense", "name": "fc2", "outputs": 2}],
}
TRAINING = {"rate": 0.5, "steps": 200, "clip": 0.5, "learning_rate": 0.1}
DELTA = 1e-4  # a ninth of one examination
WEIGHTS = 63  # largest integer weight
EPSILONS = (1.0, 2.0, 4.0, 8.0, math.inf)
COLUMNS = ("epsilon", "delta", "noise", "float", "exact", "deviation", "runs")


def read(file):
    """(features as pixels, uint8, N x 19; classes) of messidor_features.arff."""
    rows = []
    try:
        for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.lstrip()[0] in "@%":
                continue
            row = [float(cell) for cell in line.split(",")]
            if len(row) != len(RANGES) + 1 or row[-1] not in (0, 1) or not all(map(math.isfinite, row)):
                raise data.DataError(f"{file}:{number}: expected {len(RANGES)} numbers and a class, 0 or 1")
            rows.append(row)
    except (OSError, ValueError) as problem:
        raise data.DataError(f"{file}: cannot be read ({problem})") from problem
    if not rows:
        raise data.DataError(f"{file}: no examinations found")
    table = np.array(rows)
    return pixels(table[:, :-1]), table[:, -1].astype(np.int64)


def pixels(features):
    """The client's half of the preparation: features (N x 19) to 0 ... 255 by the public ranges.

    Counts at rising confidence are nearly the same number over again, which gradients of bounded size learn slowly from:
    the first one stays, of the others the logarithm of the ratio to the one before.
    """
    prepared = features.astype(np.float64).copy()
    for columns, scale in ((COUNTED, 1), (WEIGHED, 20)):
        logs = np.log1p(scale * np.maximum(features[:, columns], 0))
        prepared[:, columns] = np.column_stack([logs[:, 0], logs[:, :-1] - logs[:, 1:]])
    low, high = np.array(RANGES, np.float64).T
    return np.round(255 * (np.clip(prepared, low, high) - low) / (high - low)).astype(np.uint8)


def folds(count, parts, seed):
    """[(rows to train on, rows to test on)]."""
    order = np.random.default_rng(seed).permutation(count)
    return [(np.sort(np.concatenate([order[start::parts] for start in range(parts) if start != part])),
             np.sort(order[part::parts])) for part in range(parts)]


def train(images, labels, noise, seed):
    """A head, trained on pixels that are centred by a public constant, which its first layer then takes up."""
    torch.manual_seed(seed)
    network = Network(RECIPE, (images.shape[1], 1, 1), normalised=False)
    first = network.weighted()[0]
    with torch.no_grad():
        first.weight.mul_(0.3)
        first.bias.fill_(1.0)  # a square about 1 is half a line
    inputs = torch.from_numpy(images.astype(np.float32)) / 127.5 - 1
    private_training.train(network, inputs, torch.from_numpy(labels), noise=noise, seed=seed, **TRAINING)
    with torch.no_grad():
        first.bias.sub_(first.weight.sum(1))
        first.weight.mul_(2)
    return network.eval()


def accuracy(network, images, labels):
    inputs = torch.from_numpy(images.astype(np.float32)) / 255
    with torch.no_grad():
        return float((network(inputs).argmax(1).numpy() == labels).mean())


def to_integer(network):
    """Rounded to integer weights without another look at the data, which would have to be paid for in epsilon."""
    network.equalise()
    for layer in network.weighted():
        layer.grid = quantise.fit_grid(layer, "uniform", WEIGHTS)
    network.spread_units()
    for layer in network.weighted():
        quantise.settle(layer, 1.0)
    model = network.to_integer()
    ranges.centre_logits(model)
    return model


def cross_validate(images, labels, noise, parts, seeds):
    """[(float, exact) accuracy] of every fold of every seed."""
    scores = []
    for seed in seeds:
        for fold, (learned, tested) in enumerate(folds(len(labels), parts, seed)):
            network = train(images[learned], labels[learned], noise, 1000 * seed + fold)
            score = accuracy(network, images[tested], labels[tested])
            split = data.Split(images[tested].reshape(-1, images.shape[1], 1, 1), labels[tested])
            scores.append((score, evaluate.correct(to_integer(network), split) / len(split)))
    return scores


def experiment(images, labels, parts, seeds, report):
    """A row of COLUMNS per epsilon."""
    rows = []
    for epsilon in EPSILONS:
        noise = accountant.noise_for(epsilon, TRAINING["rate"], TRAINING["steps"], DELTA)
        scores = np.array(cross_validate(images, labels, noise, parts, seeds))
        # Of means over whole cross-validations: what another seed may change.
        spread = scores[:, 1].reshape(len(seeds), parts).mean(1).std(ddof=1) if len(seeds) > 1 else 0.0
        rows.append((epsilon, DELTA, round(noise, 4), *(round(float(mean), 4) for mean in scores.mean(0)),
                     round(float(spread), 4), len(scores)))
        report(f"epsilon {epsilon:g}: noise {noise:.3f}, float {scores[:, 0].mean():.2%}, exact "
               f"{scores[:, 1].mean():.2%} +- {spread:.2%}")
    return rows


def plot(rows, majority):
    """An SVG: accuracy over epsilon; the dashed line is the larger class's share."""
    names = [f"{row[0]:g}" if math.isfinite(row[0]) else "no noise" for row in rows]
    return line_plot.plot([("exact integers", [(place, 100 * row[4]) for place, row in enumerate(rows)]),
                           ("float", [(place, 100 * row[3]) for place, row in enumerate(rows)])],
                          f"epsilon at delta = {DELTA:g}", "accuracy, %", ticks=list(enumerate(names)),
                          reference=100 * majority)


def private_model(images, labels, epsilon, seed, command, scores=None):
    """The model for all rows, its provenance included."""
    noise = accountant.noise_for(epsilon, TRAINING["rate"], TRAINING["steps"], DELTA)
    spent, order = accountant.epsilon(TRAINING["rate"], noise, TRAINING["steps"], DELTA)
    model = to_integer(train(images, labels, noise, seed))
    model.description = (f"Retinopathy or not, from 19 public features; a head trained on {len(labels):,} examinations "
                         f"with differential privacy")
    model.provenance = {
        "command": command, "seed": seed, "data": "Messidor",
        "source": "Messidor features, Antal and Hajdu 2014, UCI Machine Learning Repository, CC BY 4.0",
        "privacy": {"epsilon": round(spent, 4), "delta": DELTA, "noise": round(noise, 4), **TRAINING,
                    "examples": len(labels), "neighbours": "one example more or less", "accountant":
                    f"Renyi, order {order}"}}
    if scores:
        model.provenance["cross_validated_accuracy"] = scores
    return model


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("arff", type=Path, help="messidor_features.arff")
    parser.add_argument("--folds", type=int, default=5, help="of the cross-validation (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="cross-validations (default: %(default)s)")
    parser.add_argument("--table", type=Path, metavar="FILE.csv", help="write accuracy against epsilon")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw it")
    parser.add_argument("--model", type=Path, metavar="FILE.lacuna.json", help="train on all rows and write the model")
    parser.add_argument("--epsilon", type=float, default=4.0, help="of that model, one of the table's "
                                                                   "(default: %(default)s)")
    parser.add_argument("--pixels", type=Path, metavar="FILE.csv",
                        help="write what `lacuna encrypt` takes: a row of 19 pixels per examination")
    parser.add_argument("--force", action="store_true", help="replace these files where they exist")
    return parser.parse_args(arguments)


def run(options):
    outputs = [file for file in (options.table, options.plot, options.model, options.pixels) if file]
    for file in outputs:
        output_file.check(file, options.force)
    if options.folds < 2 or options.seeds < 1:
        raise ValueError("--folds is at least 2, --seeds at least 1")
    if options.epsilon not in EPSILONS or math.isinf(options.epsilon):
        raise ValueError(f"--epsilon is one of {', '.join(f'{epsilon:g}' for epsilon in EPSILONS if epsilon < math.inf)}")
    images, labels = read(options.arff)
    majority = max(labels.mean(), 1 - labels.mean())
    print(f"{len(labels):,} examinations, the larger class has {majority:.2%}", flush=True)
    if options.pixels:
        np.savetxt(options.pixels, images, fmt="%d", delimiter=",")
    if not (options.table or options.plot or options.model):
        return
    rows = experiment(images, labels, options.folds, range(1, options.seeds + 1), lambda line: print(line, flush=True))
    if options.table:
        output_file.write_csv(options.table, COLUMNS, rows)
    if options.plot:
        options.plot.write_text(plot(rows, majority), encoding="utf-8")
    if options.model:
        score = next(row[4] for row in rows if row[0] == options.epsilon)
        model = private_model(images, labels, options.epsilon, 1,
                              f"tools/train/messidor.py messidor_features.arff --epsilon {options.epsilon:g}", score)
        export.save(model, options.model)
        print(evaluate.table(model))


def main(arguments=None):
    try:
        run(parse(arguments))
    except (data.DataError, export.FormatError, output_file.OutputError, ValueError, OSError) as problem:
        print(f"messidor: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
