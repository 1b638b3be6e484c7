#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What depth costs an exact scheme: networks with one square after another, and what `lacuna plan` says of each.

The weights are drawn, not trained: range, ring and time depend on their sizes and places, not on what they know. Every
square doubles the bits of the range, and a plaintext modulus has to hold all of them. depth.md has the table.

--network vgg-5 and hefnet draw SpENCNN's networks for CIFAR-10 (Ran et al., ICML 2023; grouped, as in its repository) up to
a number of squares, behind which ten outputs follow.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import export
import integer_model as im
import output_file
import ranges

COLUMNS = ("squares", "packing", "range bits", "n", "log2 QP", "plaintext", "seconds", "refused")
IMAGE = (1, 28, 28)
THRESHOLDS = [64, 128, 192]
COLOUR_IMAGE = (3, 32, 32)
# SpENCNN's networks: (maps, kernel, padding, groups, pooled by 2 x 2) of every convolution, and the outputs of dense layers
# that a square follows.
PUBLISHED = {
    "vgg-5": ([(64, 3, 1, 1, True), (128, 3, 1, 8, False), (128, 3, 1, 8, True)], [4096, 4096]),
    "hefnet": ([(256, 3, 0, 1, False), (128, 3, 0, 8, True), (64, 3, 0, 8, True), (64, 3, 0, 8, True)], []),
}


def drawing(seed, density):
    """A function that draws rows x columns weights 0, +-1 and +-2, `density` of them not 0."""
    generator = np.random.default_rng(seed)

    def weights(rows, columns):
        sizes = 2 ** generator.integers(0, 2, (rows, columns)) * generator.choice([-1, 1], (rows, columns))
        return sizes * (generator.random((rows, columns)) < density)

    return weights


def network(squares, maps=4, kernel=3, density=0.5, seed=1):
    """A 5 x 5 convolution of stride 2, convolutions of kernel x kernel, a square after each, and ten outputs."""
    weights = drawing(seed, density)
    layers, channels = [], 1
    for number in range(1, squares + 1):
        size, stride, padding = (5, 2, 1) if number == 1 else (kernel, 1, kernel // 2)
        layers.append(im.Convolution(f"conv{number}", (size, size), (stride, stride), (padding, padding),
                                     weights(maps, channels * size * size), [1] * maps))
        layers.append(im.Activation(f"square{number}", [0, 0, 1]))
        channels = maps
    layers.append(im.Flatten("flatten"))
    model = im.IntegerModel(f"depth-{squares}", IMAGE, THRESHOLDS, layers)
    layers.append(im.Dense("fc", weights(10, int(np.prod(model.shapes()[-1]))), [0] * 10))
    return model


def published(name, squares, density=0.5, seed=1):
    """A network of PUBLISHED up to its square number `squares`, with its pool, and ten outputs."""
    weights = drawing(seed, density)
    convolutions, dense = PUBLISHED[name]
    layers, channels = [], COLOUR_IMAGE[0]
    model = im.IntegerModel(f"{name}-{squares}", COLOUR_IMAGE, THRESHOLDS, layers)
    for number, (maps, size, padding, groups, pooled) in enumerate(convolutions[:squares], 1):
        drawn = weights(maps, channels * size * size).reshape(maps, channels, -1)
        drawn[np.arange(maps)[:, None] % groups != np.arange(channels) % groups] = 0
        layers += [im.Convolution(f"conv{number}", (size, size), (1, 1), (padding, padding), drawn.reshape(maps, -1),
                                  [1] * maps), im.Activation(f"square{number}", [0, 0, 1])]
        if pooled:
            layers.append(im.SumPool(f"pool{number}", (2, 2), (2, 2)))
        channels = maps
    layers.append(im.Flatten("flatten"))
    for number, outputs in enumerate(dense[:max(0, squares - len(convolutions))], 1):
        layers += [im.Dense(f"fc{number}", weights(outputs, int(np.prod(model.shapes()[-1]))), [1] * outputs),
                   im.Activation(f"square{len(convolutions) + number}", [0, 0, 1])]
    layers.append(im.Dense("fc", weights(10, int(np.prod(model.shapes()[-1]))), [0] * 10))
    return model


def squares_of(name):
    return sum(map(len, PUBLISHED[name]))


def channel_bits(model):
    """T by intervals of whole channels, as if every place of a channel saw all taps: what ranges.proven_bits() finds where
    there is no padding, hardly more where there is, in a thousandth of the time. Up to 1000 bits."""
    low = np.zeros(model.input_shape[0])
    high = np.full(model.input_shape[0], float(len(THRESHOLDS)))
    for layer in model.layers:
        if layer.kind in ("convolution", "dense"):
            taps = layer.weights.reshape(len(layer.weights), len(low), -1)
            plus, minus = taps.clip(min=0).sum(2, dtype=float), taps.clip(max=0).sum(2, dtype=float)
            bias = np.array(layer.bias, float)
            low, high = plus @ low + minus @ high + bias, plus @ high + minus @ low + bias
        elif layer.kind == "sum_pool":
            low, high = (bound * np.prod(layer.window) for bound in (low, high))
        elif layer.kind == "activation":
            inside = (low <= 0) & (high >= 0)
            squares = low * low, high * high
            low, high = np.where(inside, 0, np.minimum(*squares)), np.maximum(*squares)
    return int(np.floor(np.log2(2 * max(-low.min(), high.max()) + 1))) + 1


def ask(command, model, packing, batch, bits=None):
    """A row of the table: what the command plans, or why it does not. bits: of the range, where they are known."""
    row = {"squares": sum(layer.kind == "activation" for layer in model.layers), "packing": packing,
           "range bits": bits or ranges.proven_bits(model)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.lacuna.json"
        export.save(model, file)
        done = subprocess.run([command, "plan", "--model", str(file), "--packing", packing, "--batch", str(batch), "--json"],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return row | {"refused": done.stderr.strip()}
    answer = json.loads(done.stdout)
    parameters = answer["client"]["parameters"]
    binomials = parameters.get("plain_polynomials") or []
    plaintext = [f"x^{t['power']} - {t['base']}" for t in binomials] or [f"{len(parameters['plain_moduli'])} primes"]
    return row | {"n": answer["params"]["n"], "log2 QP": round(answer["params"]["log_qp"]), "plaintext": " ".join(plaintext),
                  "seconds": round(answer["nominal_nanoseconds"] * 1e-9, 3)}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lacuna", default="build/bin/lacuna", help="the command (default: %(default)s)")
    parser.add_argument("--network", choices=sorted(PUBLISHED), help="one of SpENCNN's instead of one map size throughout")
    parser.add_argument("--squares", type=int, nargs="+", metavar="N",
                        help="depths to plan (default: 1 to 6, or all that the network of --network has)")
    parser.add_argument("--maps", type=int, default=4, help="of every convolution (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8192, help="images together, in the slots (default: %(default)s)")
    parser.add_argument("--table", type=Path, metavar="FILE.csv", help="also write the rows there")
    parser.add_argument("--force", action="store_true", help="replace that file where it exists")
    options = parser.parse_args(arguments)
    try:
        if options.table:
            output_file.check(options.table, options.force)
        most = squares_of(options.network) if options.network else 6
        depths = options.squares or range(1, most + 1)
        if options.network and not all(1 <= depth <= most for depth in depths):
            raise ValueError(f"--squares: {options.network} has 1 to {most}")
        rows = []
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
        for squares in depths:
            model = published(options.network, squares) if options.network else network(squares, options.maps)
            bits = channel_bits(model) if options.network else ranges.proven_bits(model)
            for packing, batch in (("packed", 1), ("slots", options.batch)):
                row = ask(options.lacuna, model, packing, batch, bits)
                rows.append([row.get(column, "") for column in COLUMNS])
                print(f"| {' | '.join(map(str, rows[-1]))} |", flush=True)
        if options.table:
            output_file.write_csv(options.table, COLUMNS, rows)
    except (OSError, ValueError, output_file.OutputError, export.FormatError) as problem:
        print(f"depth: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
