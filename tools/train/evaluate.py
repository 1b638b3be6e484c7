#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Exact evaluation of an integer model, as encrypted inference does it: modulo several primes, joined by CRT.

A layer modulo p is a float64 matrix product of centred residues (|r| <= p / 2) with integer weights: it is exact as
long as p / 2 times the largest sum |w| of a row stays below 2^53, which decides how long the primes may be. The proven
range T (ranges.py) decides how many are needed, so the result is exact at any width.
"""

import argparse
import json
import sys
from math import prod
from pathlib import Path

if __name__ == "__main__":
    import packages

    packages.require("numpy")

import numpy as np

import data
import dataset
import export
import hops
import output_file
import ranges

EXACT_FLOAT_BITS = 53
LOGITS = 50  # images that --logits writes
LONGEST_PRIME_BITS = 31  # products of two residues fit an int64


def _is_prime(number):
    """Miller-Rabin with the bases that are exact below 3.4e14 (Jaeschke 1993)."""
    if number < 2:
        return False
    for small in (2, 3, 5, 7, 11, 13, 17):
        if number % small == 0:
            return number == small
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17):
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def primes_for(model):
    """Primes whose product exceeds the proven range of the logits."""
    row_sum = 1
    for layer in model.layers:
        if layer.kind in ("convolution", "dense"):
            row_sum = max(row_sum, int(np.abs(layer.weights).sum(1).max()))
        if layer.kind == "sum_pool":
            row_sum = max(row_sum, layer.window[0] * layer.window[1])
    bits = min(LONGEST_PRIME_BITS, EXACT_FLOAT_BITS - row_sum.bit_length())
    if bits < 12:
        raise export.FormatError(f"{model.name}: a row with sum |w| = {row_sum} is too heavy for exact evaluation")
    chosen, candidate = [], 2**bits
    needed = 2**ranges.proven_bits(model)
    while prod(chosen) <= needed:
        candidate -= 1
        if _is_prime(candidate):
            chosen.append(candidate)
    return chosen


def _centre(values, prime):
    values = values % prime
    return np.where(values > prime // 2, values - prime, values)


def _windows(values, window, stride, padding):
    """N x C x H x W -> N x (C * window) x (H' * W')."""
    padded = np.pad(values, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    view = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(2, 3))
    view = view[:, :, ::stride[0], ::stride[1]].transpose(0, 1, 4, 5, 2, 3)
    return view.reshape(len(values), -1, view.shape[4] * view.shape[5])


def _layer(layer, values, shape, prime):
    if layer.kind in ("convolution", "dense"):
        weights = layer.weights.astype(np.float64)
        bias = np.array([b % prime for b in layer.bias], np.int64).reshape(1, -1, 1)
        columns = values.reshape(len(values), -1, 1) if layer.kind == "dense" else \
            _windows(values, layer.kernel, layer.stride, layer.padding)
        products = (weights @ columns.astype(np.float64)).astype(np.int64)
        return _centre(products + bias, prime).reshape(len(values), *shape)
    if layer.kind == "sum_pool":
        windows = _windows(values, layer.window, layer.stride, layer.padding)
        size = layer.window[0] * layer.window[1]
        sums = windows.reshape(len(values), shape[0], size, -1).sum(2)
        return _centre(sums, prime).reshape(len(values), *shape)
    if layer.kind == "activation":
        result = np.zeros_like(values)
        for coefficient in reversed(layer.coefficients):
            result = _centre(result * values + coefficient % prime, prime)
        return result
    return values.reshape(len(values), *shape)


def levels(model, images):
    """The levels of N inputs of uint8 pixels: N x C x H x W, int64."""
    lists = model.threshold_lists()
    pixels = images.reshape(len(images), len(lists), -1)
    quantised = [data.quantise(pixels[:, i], one) for i, one in enumerate(lists)]
    return np.stack(quantised, 1).astype(np.int64).reshape(len(images), *model.input_shape)


def logits(model, images, batch=500):
    """Exact logits of uint8 images (N x H x W): an N x classes array of Python integers."""
    shapes = model.shapes()
    primes = primes_for(model)
    modulus = prod(primes)
    rows = []
    for start in range(0, len(images), batch):
        pixels = levels(model, images[start:start + batch])
        joined = 0
        for prime in primes:
            values = pixels
            for layer, shape in zip(model.layers, shapes[1:]):
                values = _layer(layer, values, shape, prime)
            others = modulus // prime
            joined = joined + values.reshape(len(pixels), -1).astype(object) * (others * pow(others, -1, prime))
        joined = joined % modulus
        rows.append(np.where(joined > modulus // 2, joined - modulus, joined))
    return np.concatenate(rows)


def predictions(model, images):
    """The class of each image: the index of its largest logit, the lowest on a tie."""
    return np.array([int(np.argmax(row)) for row in logits(model, images)])


def write_logits(model, images, file):
    """The pixels of some images and their exact logits, as decimals: what another implementation has to arrive at."""
    rows = [[str(value) for value in row] for row in logits(model, images)]
    file.write_text(json.dumps({"images": images.reshape(len(images), -1).tolist(), "logits": rows}) + "\n",
                    encoding="utf-8")


def correct(model, split):
    return int((predictions(model, split.images) == split.labels).sum())


def table(model):
    """The model's HOPs and ranges, a line per layer."""
    bounds = {name: (low, high) for name, low, high in ranges.intervals(model)}
    lines = [f"{'layer':10} {'PT-CT adds':>11} {'CT-CT adds':>11} {'PT-CT mults':>12} {'CT-CT mults':>12} "
             f"{'total':>9} {'density':>8} {'sum |w|':>8}  range"]
    counted = dict(hops.count(model))
    for layer in model.layers:
        if layer.name not in counted:
            continue
        cost = counted[layer.name]
        weights = getattr(layer, "weights", None)
        density = "" if weights is None else f"{np.count_nonzero(weights) / weights.size:.2%}"
        row_sum = "" if weights is None else int(np.abs(weights).sum(1).max())
        low, high = bounds[layer.name]
        lines.append(f"{layer.name:10} {cost.pt_ct_adds:11,} {cost.ct_ct_adds:11,} {cost.pt_ct_mults:12,} "
                     f"{cost.ct_ct_mults:12,} {cost.total:9,} {density:>8} {row_sum:>8}  {low} ... {high}")
    cost = hops.total(model)
    lines.append(f"{'total':10} {cost.pt_ct_adds:11,} {cost.ct_ct_adds:11,} {cost.pt_ct_mults:12,} "
                 f"{cost.ct_ct_mults:12,} {cost.total:9,}   T = {ranges.proven_bits(model)} bits")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Evaluates a *.lacuna.json exactly and prints what it costs.")
    parser.add_argument("model", type=Path, help="model file")
    parser.add_argument("--mnist", help="folder with the files of the model's data set (default: $LACUNA_MNIST, else "
                                        "data/mnist; of Fashion-MNIST $LACUNA_FASHION_MNIST, else data/fashion-mnist; of "
                                        "CIFAR-10 $LACUNA_CIFAR10, else data/cifar10)")
    parser.add_argument("--data", nargs="+", help="other data, as --data of import_network.py")
    parser.add_argument("--label-column", default="last", metavar="COLUMN", help="of a *.csv (default: %(default)s)")
    parser.add_argument("--part", choices=("validation", "test"), default="validation",
                        help="images to classify (default: the validation part of the training set)")
    parser.add_argument("--logits", type=Path, metavar="FILE.json",
                        help=f"also write the first {LOGITS} images of that part and their logits")
    parser.add_argument("--force", action="store_true", help="replace that file where it exists")
    options = parser.parse_args(arguments)
    try:
        if options.logits:
            output_file.check(options.logits, options.force)
        model = export.load(options.model)
        split, title, unseen = _split(options, model)
        print(table(model))
        right = correct(model, split)
        if options.logits:
            write_logits(model, split.images[:LOGITS], options.logits)
    except (data.DataError, export.FormatError, output_file.OutputError) as problem:
        print(f"evaluate: {problem}", file=sys.stderr)
        return 1
    seen = "" if unseen or "import" not in str(model.provenance.get("command", "")) else \
        "; the imported network may have been trained on these"
    print(f"{title}: {right} of {len(split)} correct, {right / len(split):.2%}{seen}")
    return 0


def _split(options, model):
    """(images, title, whether no network is trained on them)."""
    if options.data:
        found = dataset.read(options.data, tuple(model.input_shape), label_column=options.label_column)
        return data.Split(dataset.scale_of(model, found).pixels(found), found.labels), found.title, found.unseen
    chosen = data.set_of(model.provenance)
    if chosen is None:
        raise data.DataError(f"{model.name} is for {model.provenance['data']}, which is none of the known sets; state --data")
    directory = data.locate(options.mnist, chosen)
    split = data.load(directory, "test") if options.part == "test" else data.load_training(directory)[1]
    if split.images[0].size != model.input_shape[0] * model.input_shape[1] * model.input_shape[2]:
        raise data.DataError(f"{model.name} takes {model.input_shape}, MNIST's images are 1 x 28 x 28; state --data")
    return split, options.part, options.part == "test"


if __name__ == "__main__":
    sys.exit(main())
