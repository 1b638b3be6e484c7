# SPDX-License-Identifier: Apache-2.0
"""The network as integers: what a `*.lacuna.json` holds, in numpy. See nn/model/model_format.md."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Convolution:
    name: str
    kernel: tuple
    stride: tuple
    padding: tuple
    weights: np.ndarray  # output channels x (input channels * kernel rows * kernel columns), int64
    bias: list  # Python integers

    kind = "convolution"


@dataclass
class Dense:
    name: str
    weights: np.ndarray  # outputs x inputs, int64
    bias: list

    kind = "dense"


@dataclass
class SumPool:
    name: str
    window: tuple
    stride: tuple
    padding: tuple = (0, 0)

    kind = "sum_pool"


@dataclass
class Activation:
    name: str
    coefficients: list  # Python integers, c0 first

    kind = "activation"


@dataclass
class Flatten:
    name: str

    kind = "flatten"


@dataclass
class IntegerModel:
    name: str
    input_shape: tuple  # channels, height, width
    thresholds: list  # of all elements, or a list for each channel or element
    layers: list
    output_scale: float = 1.0
    description: str = ""
    provenance: dict = field(default_factory=dict)
    low: list = None  # the numbers that pixels 0 and 255 stand for, of each channel or element; None: it takes pixels
    high: list = None

    def threshold_lists(self):
        """The thresholds of all elements as one list, or those of each channel or element."""
        return self.thresholds if self.thresholds and np.ndim(self.thresholds[0]) else [self.thresholds]

    def shapes(self):
        """The shape before each layer and after the last: len(layers) + 1 entries. ValueError where one misfits."""
        shapes = [tuple(self.input_shape)]
        for layer in self.layers:
            shapes.append(output_shape(layer, shapes[-1]))
        return shapes


def window_shape(shape, window, stride, padding):
    """Height and width after sliding a window."""
    size = [(shape[axis + 1] + 2 * padding[axis] - window[axis]) // stride[axis] + 1 for axis in (0, 1)]
    if min(size) < 1:
        raise ValueError(f"a window of {window} does not fit into {shape}")
    return tuple(size)


def output_shape(layer, shape):
    if layer.kind == "convolution":
        taps = shape[0] * layer.kernel[0] * layer.kernel[1]
        if layer.weights.shape[1] != taps:
            raise ValueError(f"{layer.name}: {layer.weights.shape[1]} weight columns for {taps} taps")
        return (len(layer.weights), *window_shape(shape, layer.kernel, layer.stride, layer.padding))
    if layer.kind == "sum_pool":
        return (shape[0], *window_shape(shape, layer.window, layer.stride, layer.padding))
    if layer.kind == "dense":
        if shape[1:] != (1, 1) or layer.weights.shape[1] != shape[0]:
            raise ValueError(f"{layer.name}: {layer.weights.shape[1]} weight columns for an input of shape {shape}")
        return (len(layer.weights), 1, 1)
    if layer.kind == "flatten":
        return (int(np.prod(shape)), 1, 1)
    return shape


def patches(values, window, stride, padding):
    """Windows of a C x H x W array of any dtype, padded with zeros: C x window rows x window columns x H' x W'."""
    channels, height, width = values.shape
    # Not np.pad: into an array of Python integers it would put numpy's zeros, whose arithmetic overflows.
    padded = np.zeros((channels, height + 2 * padding[0], width + 2 * padding[1]), values.dtype)
    padded[:, padding[0]:padding[0] + height, padding[1]:padding[1] + width] = values
    view = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(1, 2))
    return view[:, ::stride[0], ::stride[1]].transpose(0, 3, 4, 1, 2)
