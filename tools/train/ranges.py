# SPDX-License-Identifier: Apache-2.0
"""The proven range of every value: interval arithmetic over the integers, element by element."""

import numpy as np

from integer_model import patches


def layer_interval(layer, low, high):
    """Bounds of a layer's outputs from those of its inputs: arrays of Python integers, channel-major."""
    if layer.kind == "convolution":
        outputs = []
        shape = None
        windows = []
        for bound in (low, high):
            view = patches(bound, layer.kernel, layer.stride, layer.padding)
            shape = (len(layer.weights), *view.shape[3:])
            windows.append(view.reshape(layer.weights.shape[1], -1))
        for bound in _matrix(layer.weights, *windows):
            outputs.append((bound + _column(layer.bias)).reshape(shape))
        return tuple(outputs)
    if layer.kind == "dense":
        bounds = _matrix(layer.weights, low.reshape(-1, 1), high.reshape(-1, 1))
        return tuple((bound + _column(layer.bias)).reshape(-1, 1, 1) for bound in bounds)
    if layer.kind == "sum_pool":
        return tuple(patches(bound, layer.window, layer.stride, layer.padding).sum((1, 2)) for bound in (low, high))
    if layer.kind == "activation":
        return polynomial_interval(layer.coefficients, low, high)
    return low.reshape(-1, 1, 1), high.reshape(-1, 1, 1)


def _column(bias):
    return np.array(bias, object).reshape(-1, 1)


def _matrix(weights, low, high):
    """Rows times intervals: a positive weight takes the bound as it is, a negative one swaps the two."""
    lows = np.zeros((len(weights), low.shape[1]), object)
    highs = np.zeros_like(lows)
    for row, line in enumerate(weights):
        plus, minus = np.flatnonzero(line > 0), np.flatnonzero(line < 0)
        up, down = line[plus].astype(object), line[minus].astype(object)
        lows[row] = up @ low[plus] + down @ high[minus]
        highs[row] = up @ high[plus] + down @ low[minus]
    return lows, highs


def polynomial_interval(coefficients, low, high):
    """The exact range of the polynomial over the integers of each interval, for degree 2; for others Horner's rule on
    intervals, which contains it."""
    if len(coefficients) == 3:
        return _quadratic_interval(coefficients, low, high)
    lows = highs = np.zeros_like(low)
    for coefficient in reversed(coefficients):
        products = [a * b for a in (lows, highs) for b in (low, high)]
        lows = np.minimum.reduce(products) + coefficient
        highs = np.maximum.reduce(products) + coefficient
    return lows, highs


def _quadratic_interval(coefficients, low, high):
    c0, c1, c2 = coefficients

    def value(x):
        return (c2 * x + c1) * x + c0

    # The vertex -c1 / 2 c2 need not be an integer: its two neighbours hold the extremum over the integers.
    vertex = -c1 // (2 * c2)
    candidates = [value(low), value(high)]
    candidates += [value(np.minimum(np.maximum(vertex + step, low), high)) for step in (0, 1)]
    return np.minimum.reduce(candidates), np.maximum.reduce(candidates)


def intervals(model):
    """[(layer name, lowest, highest)] over all elements of each layer's output."""
    low = np.zeros(model.input_shape, object)
    counts = np.array([len(one) for one in model.threshold_lists()], object)
    high = np.repeat(counts, low.size // len(counts)).reshape(model.input_shape)
    bounds = []
    for layer in model.layers:
        low, high = layer_interval(layer, low, high)
        bounds.append((layer.name, int(low.min()), int(high.max())))
    return bounds


def proven_bits(model):
    """T: the bits of 2 max|logit| + 1, which the plaintext modulus (or the product of several) must reach."""
    _, low, high = intervals(model)[-1]
    return (2 * max(-low, high, 0) + 1).bit_length()


def centre_logits(model):
    """Adds one integer to the biases of all logits, which changes no class, so that the range of all of them lies
    even about zero: up to a bit of T for nothing."""
    _, low, high = intervals(model)[-1]
    last = model.layers[-1]
    if last.kind in ("convolution", "dense"):
        last.bias = [b - (low + high) // 2 for b in last.bias]
