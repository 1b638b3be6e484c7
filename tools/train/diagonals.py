# SPDX-License-Identifier: Apache-2.0
"""The generalised diagonals that a layer's weights lie on in the packed packing.

A diagonal is all weights that lead from slots s + d of one ciphertext to slots s of another, whatever s. One that holds
a weight costs a product with a plaintext, however many it holds; an empty one costs nothing. This file follows
nn/packing/packed_network.cpp for one convolution of the input, a square, and dense layers.
"""

from dataclasses import dataclass

import numpy as np

from integer_model import output_shape
from network import Convolution, Dense, RecipeError


@dataclass(frozen=True)
class Layout:
    """Of a tensor: the ciphertext and the slot of every element, channel-major."""

    ciphertexts: np.ndarray
    slots: np.ndarray


@dataclass(frozen=True)
class LayerDiagonals:
    """keys: per weight (rows x columns) the number of its diagonal; diagonals: per number (output's ciphertext, input's
    ciphertext, slots by which the input is rotated); giants: per number the part of those slots that one rotation of a
    sum can make up for: a convolution's differences of blocks, 0 of dense layers."""

    keys: np.ndarray
    diagonals: np.ndarray
    giants: np.ndarray

    def tiles(self, run):
        """Per diagonal the number of its tile: diagonals that share a rotation. Of a convolution all taps that lead from
        blocks to others equally far; of a dense layer `run` neighbours."""
        parts = np.column_stack([self.diagonals[:, :2], self.giants,
                                 np.zeros_like(self.giants) if self.giants.any() else self.diagonals[:, 2] // run])
        return np.unique(parts, axis=0, return_inverse=True)[1]


def _number(triples, giants):
    """Numbers (output, input, step) triples, an array (..., 3), in their order: LayerDiagonals."""
    distinct, first, keys = np.unique(triples.reshape(-1, 3), axis=0, return_index=True, return_inverse=True)
    return LayerDiagonals(keys.reshape(triples.shape[:-1]), distinct, giants.reshape(-1)[first])


def _blocks(shape, convolution, slots):
    """Rows and blocks of slots for an image that is convolved: the phases of the stride apart, so that one rotation
    lines up the same tap of every window."""
    height, width = output_shape(convolution.to_integer(), shape)[1:]
    (pad_y, pad_x), (step_y, step_x) = convolution.padding, convolution.stride
    row = max((shape[2] - 1 + pad_x) // step_x + 1, width)
    block = row * max((shape[1] - 1 + pad_y) // step_y + 1, height)
    if slots < block:
        raise RecipeError(f"{convolution.name}: a phase of its input takes {block} slots, a ciphertext has {slots}")
    return row, block, slots // block


def _of_convolution(layer, shape, slots):
    """Diagonals of a convolution of the input, and the layout of its output."""
    row, block, blocks = _blocks(shape, layer, slots)
    maps, channels, kernel_y, kernel_x = layer.weight.shape
    (step_y, step_x), phases = layer.stride, layer.stride[0] * layer.stride[1]
    total = channels * phases
    period = max(total, maps)
    doubled = period + total <= blocks  # the input is there twice, so that differences of blocks count modulo period
    triples = np.empty((maps, channels, kernel_y, kernel_x, 3), np.int64)
    giants = np.empty(triples.shape[:-1], np.int64)
    for channel in range(channels):
        for y in range(kernel_y):
            for x in range(kernel_x):
                source = channel * phases + (y % step_y) * step_x + x % step_x
                shift = (y // step_y) * row + x // step_x
                for target in range(maps):
                    difference = source % blocks - target % blocks
                    if doubled and difference < 0:
                        difference += period
                    triples[target, channel, y, x] = (target // blocks, source // blocks,
                                                      (difference * block + shift) % slots)
                    giants[target, channel, y, x] = difference * block
    _, height, width = output_shape(layer.to_integer(), shape)
    place = np.arange(maps)[:, None, None]
    inside = np.arange(height)[:, None] * row + np.arange(width)
    layout = Layout(np.broadcast_to(place // blocks, (maps, height, width)).reshape(-1).copy(),
                    (place % blocks * block + inside).reshape(-1))
    return _number(triples.reshape(maps, -1, 3), giants), layout


def period_of(rows, slots, last):
    """Diagonals that a dense layer folds its columns to. The last layer's has to divide the number of slots: its answer
    is then in every part, and no slot holds sums of some."""
    power = 1 << max(rows - 1, 0).bit_length()
    return power if last or slots % rows else rows


def _of_dense(layer, layout, slots, last):
    rows = layer.weight.shape[0]
    period = period_of(rows, slots, last)
    if period > slots:
        raise RecipeError(f"{layer.name}: {rows} rows do not fit {slots} slots")
    steps = (layout.slots[None, :] - np.arange(rows)[:, None]) % period
    triples = np.stack([np.zeros_like(steps), np.broadcast_to(layout.ciphertexts, steps.shape), steps], -1)
    return _number(triples, np.zeros_like(steps)), Layout(np.zeros(rows, np.int64), np.arange(rows))


def _has_copies(layer, layout, slots):
    """Whether the fold of a dense layer leaves every sum in every part of a row: its inputs lie in all of them."""
    rows = layer.weight.shape[0]
    period = period_of(rows, slots, False)
    parts = layout.slots.max() // period - (layout.slots.min() - rows + 1) // period + 1
    return slots % period == 0 and parts >= slots // period


def _last_products(weights, copies, slots):
    """Diagonals of the last layer where its inputs, one after the other, are there every `copies` slots and the client
    adds up the parts of a row: the steps that reach most of the weights that are missing, until none is."""
    def steps(period):
        missing = np.zeros((len(weights), copies), bool)  # no element is behind the last one
        missing[:, :weights.shape[1]] = weights != 0
        rows = np.arange(len(weights))[:, None]
        slot = rows + np.arange(slots // period) * period
        elements = (slot + np.arange(slots)[:, None, None]) % slots % copies  # [step, row, part]
        taken = 0
        while missing.any():
            best = int(missing[rows, elements].sum((1, 2)).argmax())
            missing[rows, elements[best]] = False
            taken += 1
        return taken
    count = len(weights)
    return min(steps(period) for period in {count, 1 << max(count - 1, 0).bit_length()})


def of_network(network, slots, layouts=None):
    """{layer name: LayerDiagonals} of a network: a convolution that comes first, squares, dense layers. layouts: takes
    {layer name: Layout of its inputs}, of dense layers."""
    shape, layout, found = network.input_shape, None, {}
    weighted = network.weighted()
    layouts = {} if layouts is None else layouts
    for layer in network.layers:
        if isinstance(layer, Convolution):
            if layout is not None:
                raise RecipeError(f"{layer.name}: diagonals are known for a convolution of the input alone")
            found[layer.name], layout = _of_convolution(layer, shape, slots)
        elif isinstance(layer, Dense):
            if layout is None:
                count = int(np.prod(shape))
                layout = Layout(np.arange(count) // slots, np.arange(count) % slots)
            layouts[layer.name] = layout
            found[layer.name], layout = _of_dense(layer, layout, slots, layer is weighted[-1])
        shape = output_shape(layer.to_integer(), shape)
    return found


def count(network, slots):
    """{layer name: (diagonals that hold a weight, diagonals there are)}."""
    found, layouts, weighted = {}, {}, network.weighted()
    for name, of_layer in of_network(network, slots, layouts).items():
        weights = next(layer for layer in weighted if layer.name == name).integer_weights()
        found[name] = (len(np.unique(of_layer.keys[weights != 0])), len(of_layer.diagonals))
    if len(weighted) > 1 and all(isinstance(layer, Dense) for layer in weighted[-2:]):
        before, last = weighted[-2:]
        if _has_copies(before, layouts[before.name], slots):
            copies = period_of(before.weight.shape[0], slots, False)
            weights = last.integer_weights()
            found[last.name] = (_last_products(weights, copies, slots),
                                _last_products(np.ones_like(weights), copies, slots))
        else:
            # The client adds parts up at any distance: one of as many slots as there are rows will do.
            rows = last.weight.shape[0]
            steps = (layouts[last.name].slots[None, :] - np.arange(rows)[:, None]) % rows
            found[last.name] = min(found[last.name],
                                   (len(np.unique(steps[last.integer_weights() != 0])), len(np.unique(steps))))
    return found
