# SPDX-License-Identifier: Apache-2.0
"""Small networks and digits for the tests; nothing here needs MNIST.

python3 -m tests.sample DIR writes a small MNIST of drawn digits.
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import integer_model as im


def integer_model(generator, weight_limit=4, activation=(0, 0, 1)):
    """Every layer type, with a window that overlaps the border."""

    def weights(rows, columns):
        matrix = generator.integers(-weight_limit, weight_limit + 1, (rows, columns))
        return matrix * (generator.random((rows, columns)) < 0.6)

    def bias(count):
        return [int(b) for b in generator.integers(-9, 10, count)]

    layers = [
        im.Convolution("conv1", (3, 3), (2, 2), (1, 1), weights(2, 9), bias(2)),
        im.Activation("act1", list(activation)),
        im.SumPool("pool1", (2, 2), (1, 1)),
        im.Convolution("conv2", (2, 2), (1, 1), (1, 1), weights(3, 8), bias(3)),
        im.Flatten("flatten"),
        im.Dense("fc1", weights(6, 27), bias(6)),
        im.Activation("act2", list(activation)),
        im.Dense("fc2", weights(4, 6), bias(4)),
    ]
    return im.IntegerModel("sample", (1, 6, 6), [60, 120, 200], layers)


def naive_logits(model, image):
    """The definition of nn/model/model_format.md, loop by loop, in Python integers."""
    values = [[[sum(t <= int(pixel) for t in model.thresholds) for pixel in row] for row in image]]
    for layer in model.layers:
        if layer.kind in ("convolution", "sum_pool"):
            values = _slide(layer, values)
        elif layer.kind == "dense":
            flat = [row[0] for channel in values for row in channel]
            values = [[[sum(int(w) * x for w, x in zip(line, flat)) + b]]
                      for line, b in zip(layer.weights, layer.bias)]
        elif layer.kind == "activation":
            values = [[[sum(c * x**k for k, c in enumerate(layer.coefficients)) for x in row] for row in channel]
                      for channel in values]
        else:
            values = [[[x]] for channel in values for row in channel for x in row]
    return [channel[0][0] for channel in values]


def _slide(layer, values):
    pooled = layer.kind == "sum_pool"
    rows, columns = layer.window if pooled else layer.kernel
    height, width = len(values[0]), len(values[0][0])

    def tap(channel, y, x):
        return values[channel][y][x] if 0 <= y < height and 0 <= x < width else 0

    result = []
    for output in range(len(values) if pooled else len(layer.weights)):
        lines = []
        for top in range(-layer.padding[0], height + layer.padding[0] - rows + 1, layer.stride[0]):
            line = []
            for left in range(-layer.padding[1], width + layer.padding[1] - columns + 1, layer.stride[1]):
                total = 0 if pooled else layer.bias[output]
                for channel in [output] if pooled else range(len(values)):
                    for r in range(rows):
                        for c in range(columns):
                            weight = 1 if pooled else int(layer.weights[output][(channel * rows + r) * columns + c])
                            total += weight * tap(channel, top + r, left + c)
                line.append(total)
            lines.append(line)
        result.append(lines)
    return result


def digits(generator, count):
    """Crude classes: a bright bar whose row says which."""
    labels = generator.integers(0, 10, count)
    images = generator.integers(0, 60, (count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels):
        image[2 + 2 * label:5 + 2 * label, 4:24] = 230
    return images, labels.astype(np.uint8)


def write_mnist(directory, generator, training, testing):
    """The four IDX files with drawn digits."""
    for stems, count in ((("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), training),
                         (("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"), testing)):
        for stem, array in zip(stems, digits(generator, count)):
            header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            with gzip.open(Path(directory) / f"{stem}.gz", "wb", compresslevel=1) as stream:
                stream.write(header + array.tobytes())


def write_cifar(directory, generator, training, testing):
    """A training and a test file in CIFAR-10's form; a picture's colour says its class."""
    for name, count in (("data_batch_1.bin", training), ("test_batch.bin", testing)):
        labels = generator.integers(0, 10, count).astype(np.uint8)
        pixels = generator.integers(0, 100, (count, 3, 32, 32))
        pixels[np.arange(count), labels % 3] += (15 * labels[:, None, None]).astype(np.int64)
        records = np.concatenate([labels[:, None], pixels.reshape(count, -1).astype(np.uint8)], 1)
        (Path(directory) / name).write_bytes(records.tobytes())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_mnist(target, np.random.default_rng(1), 5700, 50)
