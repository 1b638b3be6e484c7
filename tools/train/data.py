# SPDX-License-Identifier: Apache-2.0
"""MNIST, Fashion-MNIST and CIFAR-10: reading, the split, input quantisation, augmentation."""

import gzip
import lzma
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

# The last images of the training set serve every choice; the test set serves none.
VALIDATION = 5000

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR_FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
CIFAR_PIXELS = 3 * 32 * 32
# A recipe's "set" -> its name, and the environment variable that names its folder.
SETS = {"mnist": ("MNIST", "LACUNA_MNIST"), "fashion-mnist": ("Fashion-MNIST", "LACUNA_FASHION_MNIST"),
        "cifar10": ("CIFAR-10", "LACUNA_CIFAR10")}


class DataError(Exception):
    """A data set that is absent or malformed; the message says what to do."""


@dataclass
class Split:
    """Images (uint8, N x 28 x 28 grey or N x 3 x 32 x 32 in colour) and their classes (N, int64)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def part(self, start, stop):
        return Split(self.images[start:stop], self.labels[start:stop])


def locate(directory=None, chosen="mnist"):
    """The folder with a set's files: the argument, else the set's variable, else data/<set>."""
    name, variable = SETS[chosen]
    path = Path(directory or os.environ.get(variable) or Path("data") / chosen)
    if not path.is_dir():
        holding = f"{CIFAR_FILES['train'][0]} (also .xz, .gz) and its five companions" if chosen == "cifar10" else \
            f"{FILES['train'][0]}.gz and its three companions"
        raise DataError(f"{name} folder {path} not found: pass --mnist DIR or set {variable} to the folder "
                        f"that holds {holding}")
    return path


def set_of(provenance):
    """The set that a model's provenance names: MNIST where it names none, None where it is another than in SETS."""
    name = provenance.get("data", SETS["mnist"][0])
    return next((chosen for chosen, (known, _) in SETS.items() if known == name), None)


def read_idx(file):
    """An unsigned-byte IDX array, gzipped or not."""
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError) as problem:
        raise DataError(f"{file}: cannot be read ({problem})") from problem
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise DataError(f"{file}: expected an IDX file of unsigned bytes")
    rank = content[3]
    header = 4 + 4 * rank
    if len(content) < header:
        raise DataError(f"{file}: truncated within its header")
    shape = struct.unpack(f">{rank}I", content[4:header])
    if len(content) - header != int(np.prod(shape)):
        raise DataError(f"{file}: expected {int(np.prod(shape))} bytes of data, found {len(content) - header}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_cifar(files):
    """CIFAR's records of a label byte (CIFAR-100: two, of which the second is the finer one) and 3 x 32 x 32 pixels,
    compressed or not."""
    images, labels = [], []
    for file in files:
        opener = {".xz": lzma.open, ".gz": gzip.open}.get(file.suffix, open)
        try:
            with opener(file, "rb") as stream:
                content = np.frombuffer(stream.read(), np.uint8)
        except (OSError, EOFError, lzma.LZMAError) as problem:
            raise DataError(f"{file}: cannot be read ({problem})") from problem
        width = next((extra + CIFAR_PIXELS for extra in (1, 2)
                      if len(content) and len(content) % (extra + CIFAR_PIXELS) == 0), None)
        if width is None:
            raise DataError(f"{file}: {len(content)} bytes are no records of 3,073 (CIFAR-10) or 3,074 (CIFAR-100)")
        records = content.reshape(-1, width)
        images.append(records[:, -CIFAR_PIXELS:])
        labels.append(records[:, width - CIFAR_PIXELS - 1])
    return Split(np.concatenate(images).reshape(-1, 3, 32, 32), np.concatenate(labels).astype(np.int64))


def _find(directory, stem, endings):
    """The first of stem + ending that the folder holds."""
    candidates = [directory / f"{stem}{ending}" for ending in endings]
    file = next((c for c in candidates if c.is_file()), None)
    if file is None:
        raise DataError(f"{candidates[0]}: not found")
    return file


def is_cifar(directory):
    return any(directory.glob(f"{CIFAR_FILES['train'][0]}*")) or any(directory.glob(f"{CIFAR_FILES['test'][0]}*"))


def load(directory, part):
    """The `train` or `test` part of the set in a folder that locate() found."""
    if is_cifar(directory):
        return read_cifar([_find(directory, stem, (".xz", ".gz", "")) for stem in CIFAR_FILES[part]])
    arrays = []
    for stem in FILES[part]:
        arrays.append(read_idx(_find(directory, stem, (".gz", ""))))
    images, labels = arrays
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"{directory}: images {images.shape} and labels {labels.shape} do not belong together")
    return Split(images, labels.astype(np.int64))


def load_training(directory, limit=None):
    """(training part, validation part); `limit` keeps only that many images of each, for quick runs."""
    everything = load(directory, "train")
    cut = len(everything) - VALIDATION
    training, validation = everything.part(0, cut), everything.part(cut, None)
    return training.part(0, limit), validation.part(0, limit)


def bend(split, copies=6, strength=0.4, seed=7):
    """Augmented copies of a split: more images to judge a network on, hard enough to tell good networks apart."""
    generator = torch.Generator().manual_seed(seed)
    images = [augment(split.images[start:start + 1000], generator, strength)
              for _ in range(copies) for start in range(0, len(split), 1000)]
    return Split(np.concatenate(images), np.tile(split.labels, copies))


def quantise(images, thresholds):
    """Pixel -> number of thresholds that are <= pixel (nn/model/model_format.md), as uint8."""
    levels = np.zeros(256, np.uint8)
    for threshold in thresholds:
        levels[threshold:] += 1
    return levels[images]


def shifted(images, generator, most):
    """Copies of uint8 images (N x H x W, or N x C x H x W) moved by up to `most` whole pixels each way, the border
    repeated: nothing is resampled, which blurs and would teach a network blurred images."""
    count, (height, width) = len(images), images.shape[-2:]
    planes = images.reshape(count, -1, height, width)
    padded = np.pad(planes, ((0, 0), (0, 0), (most, most), (most, most)), "edge")
    top, left = (torch.randint(0, 2 * most + 1, (count, 1), generator=generator).numpy() for _ in range(2))
    rows, columns = top + np.arange(height), left + np.arange(width)
    moved = padded[np.arange(count)[:, None, None, None], np.arange(planes.shape[1])[None, :, None, None],
                   rows[:, None, :, None], columns[:, None, None, :]]
    return moved.reshape(images.shape)


def augment(images, generator, strength=1.0, mirror=False, shift=0):
    """Randomly rotated, scaled, sheared, shifted and elastically bent copies of uint8 images (N x H x W, or N x C x H x
    W); with `mirror` every other one left for right as well; with `shift` moved by up to so many whole pixels.

    The elastic field is the idea of Simard, Steinkraus and Platt (ICDAR 2003), drawn on a coarse grid and
    interpolated, which costs less than smoothing a fine one.
    """
    count = len(images)
    if shift:
        images = shifted(images, generator, shift)

    def uniform(half_width):
        return (torch.rand(count, generator=generator) * 2 - 1) * half_width * strength

    angle, shear = uniform(0.21), uniform(0.15)
    zoom_x, zoom_y = 1 + uniform(0.12), 1 + uniform(0.12)
    shift_x, shift_y = uniform(2.0 / 14), uniform(2.0 / 14)
    cos, sin = torch.cos(angle), torch.sin(angle)
    affine = torch.stack([
        torch.stack([zoom_x * cos, shear - sin, shift_x], 1),
        torch.stack([sin + shear, zoom_y * cos, shift_y], 1),
    ], 1)
    source = torch.from_numpy(images.astype(np.float32))
    source = source if images.ndim == 4 else source.unsqueeze(1)
    grid = F.affine_grid(affine, list(source.shape), align_corners=False)
    coarse = torch.randn(count, 2, 6, 6, generator=generator) * 0.055 * strength
    bend = F.interpolate(coarse, size=images.shape[-2:], mode="bicubic", align_corners=True)
    grid = grid + bend.permute(0, 2, 3, 1)
    if mirror:
        grid[..., 0] *= torch.randint(0, 2, (count, 1, 1), generator=generator) * 2 - 1
    moved = F.grid_sample(source, grid, align_corners=False)
    return moved.reshape(images.shape).round().clamp(0, 255).to(torch.uint8).numpy()
