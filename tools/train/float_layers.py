# SPDX-License-Identifier: Apache-2.0
"""The layers of a float network as its author wrote them, before they take the forms that the model format has.

A tensor is C x H x W; a vector of n is n x 1 x 1. A layer names the layers that it reads. Arrays are float64.
"""

import copy
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F


class ImportFailure(Exception):
    """A network that cannot be brought in; the message says why, where, and what to do."""


@dataclass(eq=False, repr=False)
class Layer:
    name: str
    sources: list
    shape: tuple = None  # of its output, C x H x W

    def __repr__(self):
        return f"{type(self).__name__} {self.name!r}"


@dataclass(eq=False, repr=False)
class Input(Layer):
    pass


@dataclass(eq=False, repr=False)
class Convolution(Layer):
    """Cross-correlation. weight: maps x channels / groups x rows x columns; pads: top, left, bottom, right, of zeros,
    negative where they crop."""

    weight: np.ndarray = None
    bias: np.ndarray = None
    stride: tuple = (1, 1)
    pads: tuple = (0, 0, 0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1

    def forward(self, x):
        top, left, bottom, right = self.pads
        return F.conv2d(F.pad(x, (left, right, top, bottom)), _tensor(self.weight, x), _tensor(self.bias, x),
                        self.stride, 0, self.dilation, self.groups)


@dataclass(eq=False, repr=False)
class Dense(Layer):
    """weight: outputs x inputs."""

    weight: np.ndarray = None
    bias: np.ndarray = None

    def forward(self, x):
        return F.linear(x.flatten(1), _tensor(self.weight, x), _tensor(self.bias, x)).reshape(len(x), -1, 1, 1)


@dataclass(eq=False, repr=False)
class Pool(Layer):
    """The sum or the largest value of each channel's window. Padding counts as 0 in a sum, and not at all otherwise."""

    window: tuple = (1, 1)
    stride: tuple = (1, 1)
    pads: tuple = (0, 0, 0, 0)
    largest: bool = False

    def forward(self, x):
        top, left, bottom, right = self.pads
        padded = F.pad(x, (left, right, top, bottom), value=float("-inf") if self.largest else 0.0)
        if self.largest:
            return F.max_pool2d(padded, self.window, self.stride)
        return F.avg_pool2d(padded, self.window, self.stride, divisor_override=1)


@dataclass(eq=False, repr=False)
class Affine(Layer):
    """scale * x + offset, arrays that broadcast over C x H x W."""

    scale: np.ndarray = None
    offset: np.ndarray = None

    def forward(self, x):
        return x * _tensor(self.scale, x) + _tensor(self.offset, x)


@dataclass(eq=False, repr=False)
class Polynomial(Layer):
    """coefficients[0] + coefficients[1] x + ..., element by element."""

    coefficients: tuple = ()

    def forward(self, x):
        value = torch.zeros_like(x)
        for coefficient in reversed(self.coefficients):
            value = value * x + coefficient
        return value


@dataclass(eq=False, repr=False)
class Function(Layer):
    """What is no polynomial, element by element."""

    function: object = None
    title: str = ""  # the operator, for messages

    def forward(self, x):
        return self.function(x)


@dataclass(eq=False, repr=False)
class Padding(Layer):
    """pads: top, left, bottom, right, of zeros, negative where they crop."""

    pads: tuple = (0, 0, 0, 0)

    def forward(self, x):
        top, left, bottom, right = self.pads
        return F.pad(x, (left, right, top, bottom))


@dataclass(eq=False, repr=False)
class View(Layer):
    """The same elements in the same order under another shape."""

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


@dataclass(eq=False, repr=False)
class Reorder(Layer):
    """The elements in another order: C x H x W seen with its axes exchanged, as the shape says."""

    axes: tuple = (0, 1, 2)  # of the source, in the order of the output's

    def forward(self, x):
        return x.permute(0, *(axis + 1 for axis in self.axes))


@dataclass(eq=False, repr=False)
class Sum(Layer):
    """The sum of two earlier tensors, `signs` times each: a residual connection."""

    signs: tuple = (1.0, 1.0)

    def forward(self, x, y):
        return self.signs[0] * x + self.signs[1] * y


@dataclass
class FloatNetwork:
    """What was read. `layers` stand after those that they read; the last one gives the logits.

    remarks: what fell away, for the user
    binary: the one output is the logit of the second of two classes
    """

    layers: list
    remarks: list = field(default_factory=list)
    binary: bool = False

    @torch.no_grad()
    def forward(self, x, stop=None, dtype=torch.float64):
        """N x outputs; x: N x C x H x W. With `stop` the output of that layer as it is."""
        values = {}
        for layer in self.layers:
            if isinstance(layer, Input):
                values[layer] = torch.as_tensor(x, dtype=dtype).reshape(len(x), *layer.shape)
            else:
                values[layer] = layer.forward(*[values[source] for source in layer.sources])
            if layer is stop:
                return values[layer]
        return values[self.layers[-1]].flatten(1)

    def copied(self):
        """The same with layers of its own, which share the arrays."""
        twins = {layer: copy.copy(layer) for layer in self.layers}
        for twin in twins.values():
            twin.sources = [twins[source] for source in twin.sources]
        return replace(self, layers=list(twins.values()))

    def readers(self, layer):
        return [other for other in self.layers if layer in other.sources]

    def exchange(self, old, new):
        """Puts `new`, which reads what `old` read, in its place; both have the same shape."""
        self.layers[self.layers.index(old)] = new
        for layer in self.layers:
            layer.sources = [new if source is old else source for source in layer.sources]


def _tensor(array, like):
    return torch.as_tensor(np.asarray(array), dtype=like.dtype)


def slide(shape, window, stride, pads):
    """Height and width after a window has slid over padded C x H x W; a dimension below 1 where it does not fit."""
    return tuple((shape[axis + 1] + pads[axis] + pads[axis + 2] - window[axis]) // stride[axis] + 1 for axis in (0, 1))


def same_pads(shape, window, stride, dilation, more_at_end):
    """The pads of auto_pad SAME_UPPER (more_at_end) and SAME_LOWER: an output of ceil(size / stride)."""
    begin, end = [], []
    for axis in (0, 1):
        size, reach = shape[axis + 1], (window[axis] - 1) * dilation[axis] + 1
        total = max((-(-size // stride[axis]) - 1) * stride[axis] + reach - size, 0)
        begin.append(total // 2 if more_at_end else total - total // 2)
        end.append(total - begin[-1])
    return (*begin, *end)


def ceil_pads(shape, window, stride, pads):
    """How much further a pool reaches, at the bottom and on the right, when its output is rounded up. A last window
    that would start in that addition is left out."""
    more = []
    for axis in (0, 1):
        padded = shape[axis + 1] + pads[axis] + pads[axis + 2]
        count = -(-(padded - window[axis]) // stride[axis]) + 1
        if (count - 1) * stride[axis] >= shape[axis + 1] + pads[axis]:
            count -= 1
        more.append(max((count - 1) * stride[axis] + window[axis] - padded, 0))
    return tuple(more)


def window_counts(shape, window, stride, pads, inside):
    """1 x H' x W': how many elements of each window count: those of the image, and of the pads `inside`."""
    lengths = []
    for axis in (0, 1):
        marks = np.zeros(shape[axis + 1] + pads[axis] + pads[axis + 2])
        marks[pads[axis] - inside[axis]:pads[axis] + shape[axis + 1] + inside[axis + 2]] = 1
        view = np.lib.stride_tricks.sliding_window_view(marks, window[axis])[::stride[axis]]
        lengths.append(view.sum(1))
    return np.outer(*lengths)[None]


@torch.no_grad()
def as_matrix(layers, shape):
    """(weight, bias) of the dense layer that does what these linear layers do, one after the other, with an input of
    C x H x W: outputs x inputs."""

    def through(x):
        for layer in layers:
            x = layer.forward(x)
        return x.reshape(len(x), -1)

    inputs = int(np.prod(shape))
    zero = through(torch.zeros((1, *shape), dtype=torch.float64))
    unit = torch.eye(inputs, dtype=torch.float64).reshape(inputs, *shape)
    columns = torch.cat([through(part) - zero for part in unit.split(256)])
    return columns.T.numpy(), zero.reshape(-1).numpy()


def unpadded(layer):
    """The layer before a padding with zeros that what reads it can do itself, and those pads."""
    if isinstance(layer, Padding) and min(layer.pads) >= 0:
        return layer.sources[0], layer.pads
    return layer, (0, 0, 0, 0)


def reduced(array):
    """The array (C x H x W or less of it) with every axis along which it is constant cut to length 1."""
    array = np.asarray(array, np.float64)
    array = array.reshape((1,) * (3 - array.ndim) + array.shape)
    for axis in range(3):
        first = array.take([0], axis)
        if (array == first).all():
            array = first
    return array


def average_pool(name, source, window, stride, pads, counts_pads=True, ceil=False, padded=(0, 0, 0, 0)):
    """The layers of an average pool: a sum and its division. `padded`: zeros that stand around the source already and
    always count."""
    shape = source.shape
    more = ceil_pads(shape, window, stride, tuple(p + q for p, q in zip(pads, padded))) if ceil else (0, 0)
    inside = tuple(p + q for p, q in zip(pads, padded)) if counts_pads else padded
    every = tuple(p + q + m for p, q, m in zip(pads, padded, (0, 0, *more)))
    size = slide(shape, window, stride, every)
    if min(size) < 1:
        raise ImportFailure(f"{name}: a window of {window} does not fit into {shape} with pads {every}")
    counts = window_counts(shape, window, stride, every, inside)
    if (counts == 0).any():
        raise ImportFailure(f"{name}: a window lies over padding alone, and its average is 0 / 0; use smaller pads")
    total = Pool(f"{name} (sum)", [source], (shape[0], *size), window, stride, every)
    return [total, Affine(name, [total], total.shape, reduced(1 / counts), reduced(0.0))]
