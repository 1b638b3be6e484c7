#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages of tools/suite in the order and the folders of the benchmark's harness.

suite_test.py LACUNA [--sizes 0 1] [--mnist DIR]: on MNIST's test images where a folder is given, else on the digits
that the project ships. Prints what every stage took; fails where a stage does, or where answers are worse than asked.
"""

import argparse
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NAMES = ["single", "small", "medium", "large"]
COUNTS = [1, 15, 1000, 10000]
STAGES = ["client_preprocess_input", "client_encode_encrypt_input", "server_encrypted_compute",
          "client_decrypt_decode", "client_postprocess"]


def read_digits(mnist):
    """Pixels of every image and their labels."""
    folder = pathlib.Path(mnist) if mnist else SOURCE / "tools/digits"
    prefix = "t10k-" if mnist else ""
    images = gzip.decompress((folder / f"{prefix}images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / f"{prefix}labels-idx1-ubyte.gz").read_bytes())[8:]
    return [images[i:i + 784] for i in range(0, len(images), 784)], list(labels)


def write_pixels(file, images):
    """As the harness writes them: floats from 0 to 1 with six digits, 784 a line."""
    texts = [f"{value / 255:.6f}" for value in range(256)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(" ".join(texts[value] for value in image) + "\n" for image in images))


class Harness:
    def __init__(self, lacuna, root):
        self.environment = {**os.environ, "LACUNA": str(lacuna)}
        self.root = root

    def run(self, stage, *arguments):
        start = time.monotonic()
        result = subprocess.run([SOURCE / "tools/suite" / stage, *arguments], cwd=self.root, env=self.environment,
                                capture_output=True, text=True)
        return result, time.monotonic() - start

    def stage(self, stage, *arguments):
        result, seconds = self.run(stage, *arguments)
        if result.returncode != 0:
            sys.exit(f"{stage}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        print(f"  {stage:30} {seconds:8.3f} s")


def check_refusals(harness):
    """One clear line each, and nothing made."""
    for arguments, parts in [((), "expected a size"), (("4",), "expected a size"), (("x",), "expected a size")]:
        result, _ = harness.run("client_preprocess_input", *arguments)
        if result.returncode == 0 or parts not in result.stderr:
            sys.exit(f"client_preprocess_input {arguments}: {result.returncode} {result.stderr}")
    pixels = harness.root / "datasets/single/intermediate/test_pixels.txt"
    pixels.parent.mkdir(parents=True)
    for text, part in [("0.5 0.5\n", "expected 784 numbers"), ("1.5 " * 784 + "\n", "from 0 to 1"),
                       ("nan " * 784 + "\n", "from 0 to 1")]:
        pixels.write_text(text)
        result, _ = harness.run("client_preprocess_input", "0")
        if result.returncode == 0 or part not in result.stderr:
            sys.exit(f"client_preprocess_input of {text[:20]!r}: {result.returncode} {result.stderr}")
        if (harness.root / "io/single/intermediate/test_pixels.csv").exists():
            sys.exit("client_preprocess_input: a file of wrong pixels")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lacuna", type=pathlib.Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--mnist", default=None)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    images, labels = read_digits(arguments.mnist)
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(arguments.lacuna.resolve(), pathlib.Path(folder))
        check_refusals(harness)
        for size in arguments.sizes:
            name, count = NAMES[size], min(COUNTS[size], len(images))
            print(f"size {size}: {count} images")
            (harness.root / "io" / name).mkdir(parents=True, exist_ok=True)
            harness.stage("client_key_generation", str(size))
            harness.stage("server_preprocess_model")
            for _ in range(arguments.runs):
                write_pixels(harness.root / "datasets" / name / "intermediate/test_pixels.txt", images[:count])
                for stage in STAGES:
                    harness.stage(stage, str(size))
                answers = (harness.root / "io" / name / "encrypted_model_predictions.txt").read_text().split()
                right = sum(int(answer) == label for answer, label in zip(answers, labels))
                print(f"  {right} of {count} right")
                if len(answers) != count or right < 0.9 * count:
                    sys.exit(f"size {size}: expected {count} answers, 90 % of them right, found {len(answers)}, "
                             f"{right} of them right")


if __name__ == "__main__":
    main()
