#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands for your own training script: convolutional networks for images, in plain PyTorch.

  cryptonets  the shape that CryptoNets published for MNIST: convolution, square, mean pool, convolution, mean pool,
              dense, square, dense
  fashion     two convolutions with batch norm and squares for Fashion-MNIST
  cifar       ReLU and max pools on 3 x 32 x 32, for the import to replace

Writes the trained network as network.onnx into the folder DIR.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import data
import dataset

BATCH = 64


class Square(nn.Module):
    def forward(self, x):
        return x * x


def cryptonets():
    return nn.Sequential(
        nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(1, 5, 5, 2), nn.BatchNorm2d(5), Square(), nn.AvgPool2d(3, 1, 1),
        nn.Conv2d(5, 50, 5, 2), nn.AvgPool2d(3, 1, 1), nn.Flatten(), nn.Linear(1250, 100), nn.BatchNorm1d(100),
        Square(), nn.Linear(100, 10))


def fashion():
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, 3, 1), nn.BatchNorm2d(8), Square(), nn.Conv2d(8, 12, 3, 2), nn.BatchNorm2d(12), Square(),
        nn.Flatten(), nn.Linear(192, 10), nn.LogSoftmax(1))


def cifar():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10))


SHAPES = {"cryptonets": (cryptonets, (1, 28, 28)), "fashion": (fashion, (1, 28, 28)), "cifar": (cifar, (3, 32, 32))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=SHAPES)
    parser.add_argument("data", help="folder of the data set: IDX files, or CIFAR's *.bin")
    parser.add_argument("folder", type=Path, metavar="DIR", help="existing folder to write into")
    parser.add_argument("--images", type=int, default=10000, help="to train on (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=4, help="(default: %(default)s)")
    options = parser.parse_args()
    make, shape = SHAPES[options.network]
    try:
        training, test = (dataset.read([options.data], shape, one) for one in (True, False))
    except data.DataError as problem:
        print(f"train_images: {problem}", file=sys.stderr)
        return 1
    training = training.part(0, options.images)
    torch.manual_seed(1)
    network = make()
    images = torch.from_numpy(training.values)
    labels = torch.from_numpy(training.labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.002)
    for epoch in range(options.epochs):
        for chosen in torch.randperm(len(images)).split(BATCH):
            if len(chosen) < 2:
                continue  # batch norm needs two
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images[chosen] / 255), labels[chosen]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        print(f"epoch {epoch + 1} of {options.epochs}", flush=True)
    network.eval()
    with torch.no_grad():
        answers = torch.cat([network(part / 255).argmax(1) for part in torch.from_numpy(test.values).split(500)])
    right = float((answers == torch.from_numpy(test.labels)).float().mean())
    print(f"trained in PyTorch: {right:.2%} of {len(test)} test images")
    torch.onnx.export(network, torch.zeros(1, *shape), str(options.folder / "network.onnx"), opset_version=13)
    return 0


if __name__ == "__main__":
    sys.exit(main())
