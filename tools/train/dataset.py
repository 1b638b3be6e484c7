# SPDX-License-Identifier: Apache-2.0
"""Labelled inputs of any kind as pixels 0 ... 255, which is what the model format takes: IDX folders (MNIST,
Fashion-MNIST), arrays, tables, folders of pictures, CIFAR's binary files.

Numbers that are no pixels become pixels by a range per feature: pixel = 255 (x - low) / (high - low), rounded and cut
off at both ends. The network's first layer takes up the ranges, and the model file says them.
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import data
from data import DataError

PICTURES = (".png", ".pgm", ".ppm", ".bmp", ".jpg", ".jpeg")
HELD_OUT = 5000  # the last inputs of a training set, at most a tenth of it, which no training sees


@dataclass
class Dataset:
    """values: N x C x H x W, uint8 pixels or float64 numbers; labels: N, int64; title: for reports; unseen: no network
    is trained on these."""

    values: np.ndarray
    labels: np.ndarray
    title: str
    unseen: bool = False

    def __len__(self):
        return len(self.labels)

    def part(self, start, stop):
        return replace(self, values=self.values[start:stop], labels=self.labels[start:stop])

    def is_pixels(self):
        return self.values.dtype == np.uint8


@dataclass
class InputScale:
    """What the original network takes where the imported one takes pixels: (low + pixel / 255 (high - low) - mean) /
    deviation. Each a number or an array that broadcasts over C x H x W."""

    low: np.ndarray = 0.0
    high: np.ndarray = 1.0
    mean: np.ndarray = 0.0
    deviation: np.ndarray = 1.0

    @property
    def scale(self):
        return (self.high - self.low) / self.deviation

    @property
    def offset(self):
        return (self.low - self.mean) / self.deviation

    def original(self, pixels):
        return pixels.astype(np.float64) / 255 * self.scale + self.offset

    def pixels(self, dataset):
        """The data set's inputs as uint8 pixels."""
        if dataset.is_pixels():
            return dataset.values
        span = np.asarray(self.high - self.low, np.float64)
        relative = (dataset.values - self.low) / np.where(span == 0, 1.0, span)
        return np.round(relative.clip(0, 1) * 255).astype(np.uint8)


def scale_of(model, dataset):
    """The InputScale by which a data set becomes the pixels that an imported IntegerModel takes: a table's features
    have the ranges that the model file holds; files of version 1 note them in their provenance."""
    if dataset.is_pixels():
        return InputScale()
    low, high = model.low, model.high
    size = int(np.prod(model.input_shape))
    if low is None:
        low, high = (model.provenance.get(key) for key in ("feature_low", "feature_high"))
        if not all(isinstance(one, list) and len(one) == size for one in (low, high)):
            raise DataError(f"{model.name}: notes no ranges for its {size} features, and {dataset.title} holds numbers "
                            f"that are no pixels; import the network with such data (--data, --retrain)")
    # One for each channel, or one for each element.
    return InputScale(*(np.repeat(np.array(one, np.float64), size // len(one)).reshape(model.input_shape)
                        for one in (low, high)))


def held_out(dataset):
    """(all but the last inputs, the last ones)."""
    cut = len(dataset) - min(HELD_OUT, max(1, len(dataset) // 10))
    if cut < 1:
        raise DataError(f"{dataset.title}: {len(dataset)} inputs are too few to train on and to hold some out")
    return dataset.part(0, cut), dataset.part(cut, None)


def read(paths, shape, training=False, label_column="last"):
    """The data set at the paths, for inputs of C x H x W.

    training: of a folder that has both, the training set instead of the test set
    label_column: of a table: "first", "last", a name of its header, or a number from 1 on
    """
    paths = [Path(path) for path in paths]
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: not found")
    first = paths[0]
    suffix = first.name.removesuffix(".xz").removesuffix(".gz").rpartition(".")[2].lower()
    if len(paths) == 1 and first.is_dir():
        dataset = _folder(first, shape, training)
    elif suffix == "npy":
        dataset = _arrays(paths, shape)
    elif suffix == "csv" and len(paths) == 1:
        dataset = _table(first, shape, label_column)
    elif suffix == "bin":
        dataset = _cifar(paths, shape)
    else:
        raise DataError(f"{', '.join(map(str, paths))}: expected a folder (IDX files, CIFAR's *.bin, or a folder of "
                        f"pictures per class), X.npy and Y.npy, one *.csv, or CIFAR's *.bin")
    if not len(dataset):
        raise DataError(f"{dataset.title}: holds no inputs")
    if dataset.labels.min() < 0:
        raise DataError(f"{dataset.title}: labels are classes from 0 on, found {dataset.labels.min()}")
    return dataset


def _text(shape):
    return " x ".join(map(str, shape))


def _shaped(values, shape, title):
    if int(np.prod(values.shape[1:])) != int(np.prod(shape)):
        raise DataError(f"{title}: inputs of {_text(values.shape[1:])}, the network takes {_text(shape)}; state the "
                        f"right --input-shape or other data")
    return values.reshape(len(values), *shape)


def _folder(folder, shape, training):
    files = {file.name for file in folder.iterdir() if file.is_file()}
    if any(stem in files or f"{stem}.gz" in files for pair in data.FILES.values() for stem in pair):
        split = data.load(folder, "train" if training else "test")
        title = f"{folder.name}, {'training' if training else 'test'} set"
        return Dataset(_shaped(split.images, shape, title), split.labels, title, not training)
    batches = sorted(name for name in files if ".bin" in name and
                     name.startswith(("data_batch", "train") if training else "test"))
    if batches:
        dataset = _cifar([folder / name for name in batches], shape)
        return replace(dataset, title=f"{folder.name}, {'training' if training else 'test'} set", unseen=not training)
    return _pictures(folder, shape)


def _pictures(folder, shape):
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise DataError(f"{folder}: expected IDX files, CIFAR's *.bin, or a folder of pictures per class")
    if shape[0] not in (1, 3):
        raise DataError(f"{folder}: pictures have 1 or 3 channels, the network takes {shape[0]}")
    try:
        import cv2
    except ImportError as problem:
        raise DataError("reading pictures needs OpenCV (Debian: python3-opencv)") from problem
    images, labels = [], []
    for label, entry in enumerate(classes):
        for file in sorted(entry.iterdir()):
            if file.suffix.lower() not in PICTURES:
                continue
            image = cv2.imread(str(file), cv2.IMREAD_COLOR if shape[0] == 3 else cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise DataError(f"{file}: not a picture that can be read")
            # OpenCV's order is blue, green, red.
            image = image[None] if shape[0] == 1 else image[:, :, ::-1].transpose(2, 0, 1)
            if image.shape != tuple(shape):
                raise DataError(f"{file}: {_text(image.shape)}, the network takes {_text(shape)}; resize the pictures "
                                f"as in training")
            images.append(image)
            labels.append(label)
    if not images:
        raise DataError(f"{folder}: its folders hold no pictures ({', '.join(PICTURES)})")
    return Dataset(np.stack(images).astype(np.uint8), np.array(labels, np.int64), folder.name)


def _array(file):
    try:
        return np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise DataError(f"{file}: not a NumPy array ({problem})") from problem


def _arrays(paths, shape):
    if len(paths) != 2 or any(path.suffix != ".npy" for path in paths):
        raise DataError(f"{paths[0]}: arrays come as two files, X.npy with the inputs and Y.npy with their classes")
    values, labels = (_array(path) for path in paths)
    if values.ndim < 2 or labels.ndim != 1 or len(values) != len(labels):
        raise DataError(f"{paths[0]}: inputs of shape {values.shape} and classes of shape {labels.shape}; expected N x "
                        f"... and N")
    if labels.dtype.kind not in "iu" and not (labels.dtype.kind == "f" and (labels == np.round(labels)).all()):
        raise DataError(f"{paths[1]}: classes of type {labels.dtype}; expected whole numbers from 0 on")
    return Dataset(_shaped(_numbers(values, paths[0]), shape, paths[0]), labels.astype(np.int64), paths[0].name)


def _numbers(values, file):
    if values.dtype.kind in "iu" and values.ndim > 2:
        if values.min() < 0 or values.max() > 255:
            raise DataError(f"{file}: whole numbers {values.min()} ... {values.max()}; pixels are 0 ... 255")
        return values.astype(np.uint8)
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise DataError(f"{file}: expected finite numbers, found {values.dtype}")
    return values.astype(np.float64)


def _table(file, shape, label_column):
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{file}: {problem}") from problem
    if not rows:
        raise DataError(f"{file}: holds no rows")
    header = [cell.strip() for cell in rows.pop(0)] if any(_is_text(cell) for cell in rows[0]) else None
    if not rows:
        raise DataError(f"{file}: holds a header and no rows")
    width = len(header or rows[0])
    table = np.empty((len(rows), width))
    for number, row in enumerate(rows, 1 + (header is not None)):
        if len(row) != width or not all(_is_number(cell) for cell in row):
            raise DataError(f"{file}: row {number}: expected {width} finite numbers, found {','.join(row)[:60]!r}")
        table[number - 1 - (header is not None)] = [float(cell) for cell in row]
    column = {"first": 0, "last": width - 1}.get(label_column)
    if column is None and header and label_column in header:
        column = header.index(label_column)
    if column is None and str(label_column).isdecimal() and 1 <= int(label_column) <= width:
        column = int(label_column) - 1
    if column is None:
        raise DataError(f"{file}: no column {label_column!r}; state first, last, a number 1 ... {width}"
                        f"{', or one of ' + ', '.join(header) if header else ''} as --label-column")
    labels = table[:, column]
    if (labels != np.round(labels)).any():
        raise DataError(f"{file}: column {column + 1} does not hold classes (whole numbers); state --label-column")
    return Dataset(_shaped(np.delete(table, column, 1), shape, file), labels.astype(np.int64), file.name)


def _is_text(cell):
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _is_number(cell):
    return not _is_text(cell) and bool(np.isfinite(float(cell)))


def _cifar(files, shape):
    split = data.read_cifar(files)
    return Dataset(_shaped(split.images, shape, files[0]), split.labels, files[0].parent.name)
