#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares decrypted answers (lacuna decrypt --csv) with the plaintext network's, logit by logit, and with labels."""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import evaluate
import export


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="model file")
    parser.add_argument("pixels", type=Path, help="what was encrypted: a CSV file of pixels")
    parser.add_argument("answers", type=Path, help="what lacuna decrypt --csv printed")
    parser.add_argument("labels", type=Path, help="the true classes, one a line")
    options = parser.parse_args()
    model = export.load(options.model)
    pixels = np.loadtxt(options.pixels, np.uint8, delimiter=",", ndmin=2)
    labels = np.loadtxt(options.labels, int, ndmin=1)
    with open(options.answers, encoding="utf-8", newline="") as stream:
        answers = [[int(row[key]) for key in row if key.startswith("logit")] for row in csv.DictReader(stream)]
    wanted = evaluate.logits(model, pixels).tolist()
    same = sum(one == other for one, other in zip(answers, wanted))
    right = sum(int(np.argmax(one)) == label for one, label in zip(answers, labels))
    print(f"{same} of {len(wanted)} encrypted answers equal the plaintext network's in every logit; "
          f"{right} of {len(labels)} are right")
    return 0 if same == len(wanted) == len(answers) else 1


if __name__ == "__main__":
    sys.exit(main())
