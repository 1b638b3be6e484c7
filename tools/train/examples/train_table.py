#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands for your own training script: a perceptron with one hidden layer for a table of numbers, in plain PyTorch.

Reads scikit-learn's breast-cancer table (569 tumours, 30 features, malignant or benign) from where Debian's
python3-sklearn has it, or another table of the same form; writes training.csv and test.csv into the folder DIR, and
the trained network as network.onnx. The features are standardised inside the network, as its first layer.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

TABLE = Path("/usr/lib/python3/dist-packages/sklearn/datasets/data/breast_cancer.csv")


class Standardise(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.register_buffer("mean", values.mean(0))
        self.register_buffer("deviation", values.std(0))

    def forward(self, x):
        return (x - self.mean) / self.deviation


class Square(nn.Module):
    def forward(self, x):
        return x * x


def read(file):
    with open(file, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]  # the first line counts rows and features, and names the classes
    return np.array(rows, float)


def write(file, rows):
    names = [f"feature{number}" for number in range(1, rows.shape[1])]
    with open(file, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*names, "class"])
        writer.writerows([*(repr(float(one)) for one in row[:-1]), int(row[-1])] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="existing folder to write into")
    parser.add_argument("--table", type=Path, default=TABLE, help="the table (default: %(default)s)")
    options = parser.parse_args()
    if not options.table.is_file():
        print(f"train_table: {options.table} not found: install python3-sklearn, or name a table (--table; encrypted.sh "
              f"table TABLE.csv)", file=sys.stderr)
        return 1
    written = [options.folder / name for name in ("training.csv", "test.csv")]
    for file in written:
        if file.exists():
            print(f"train_table: {file}: exists; name an empty folder", file=sys.stderr)
            return 1
    torch.manual_seed(1)
    rows = read(options.table)[np.random.default_rng(1).permutation(len(read(options.table)))]
    training, test = rows[:-len(rows) // 4], rows[-len(rows) // 4:]
    write(written[0], training)
    write(written[1], test)

    features, labels = torch.from_numpy(training[:, :-1]).float(), torch.from_numpy(training[:, -1]).long()
    network = nn.Sequential(Standardise(features), nn.Linear(features.shape[1], 8), Square(), nn.Linear(8, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.005, weight_decay=0.01)
    for _ in range(400):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(features), labels).backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        answers = network(torch.from_numpy(test[:, :-1]).float()).argmax(1).numpy()
    print(f"trained in PyTorch: {np.mean(answers == test[:, -1]):.2%} of {len(test)} test rows")
    torch.onnx.export(network, features[:1], str(options.folder / "network.onnx"), opset_version=13)
    return 0


if __name__ == "__main__":
    sys.exit(main())
