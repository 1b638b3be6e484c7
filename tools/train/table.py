#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the README's table: a row per model file, HOPs in four columns, density, proven T, test accuracy."""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    import packages

    packages.require("numpy")

import numpy as np

import data
import evaluate
import export
import hops
import ranges

HEADER = ("| model | PT-CT adds | CT-CT adds | PT-CT mults | CT-CT mults | total HOPs | density | T, bits | largest "
          "sum \\|w\\| | test accuracy |\n|---|---|---|---|---|---|---|---|---|---|")


def row(model, test):
    cost = hops.total(model)
    weights = [layer.weights for layer in model.layers if hasattr(layer, "weights")]
    density = sum(np.count_nonzero(w) for w in weights) / sum(w.size for w in weights)
    row_sum = max(int(np.abs(w).sum(1).max()) for w in weights)
    cells = [model.name, f"{cost.pt_ct_adds:,}", f"{cost.ct_ct_adds:,}", f"{cost.pt_ct_mults:,}",
             f"{cost.ct_ct_mults:,}", f"{cost.total:,}", f"{density:.1%}", ranges.proven_bits(model), row_sum,
             f"{evaluate.correct(model, test) / len(test):.2%}"]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="model files")
    parser.add_argument("--mnist", help="folder with the MNIST files (default: $LACUNA_MNIST, else data/mnist)")
    parser.add_argument("--fashion-mnist", help="folder with those of Fashion-MNIST (default: $LACUNA_FASHION_MNIST, else "
                                                "data/fashion-mnist)")
    parser.add_argument("--cifar10", help="folder with those of CIFAR-10 (default: $LACUNA_CIFAR10, else data/cifar10)")
    options = parser.parse_args(arguments)
    try:
        folders, tests = {"mnist": options.mnist, "fashion-mnist": options.fashion_mnist, "cifar10": options.cifar10}, {}
        print(HEADER)
        for file in options.models:
            model = export.load(file)
            chosen = data.set_of(model.provenance)
            if chosen is None:
                print(f"table: {file.name} is for other data: left out", file=sys.stderr)
                continue
            if chosen not in tests:
                tests[chosen] = data.load(data.locate(folders[chosen], chosen), "test")
            print(row(model, tests[chosen]), flush=True)
    except (data.DataError, export.FormatError) as problem:
        print(f"table: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
