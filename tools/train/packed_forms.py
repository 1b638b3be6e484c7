# SPDX-License-Identifier: Apache-2.0
"""Other forms of an integer model, which compute the same and cost less in the packed packing.

There a pool leaves gaps: its output has a slot in use where its input had a window. So a convolution, a square and a pool
are written as a convolution with the pool's stride, which computes the values of every place of a window as maps of their
own, and a sum of these maps; nothing lies between the elements of the output, and more channels fit a ciphertext. A pool
before a dense layer is linear as that is, and becomes part of its matrix.
"""

from dataclasses import replace

import numpy as np

from integer_model import Activation, Convolution, Dense, Flatten, SumPool


def _tiles(pool):
    """Whether the windows lie side by side, none over padding."""
    return isinstance(pool, SumPool) and pool.window == pool.stride and pool.padding == (0, 0)


def _can_split(layers):
    return (len(layers) == 3 and isinstance(layers[0], Convolution) and layers[0].stride == (1, 1)
            and isinstance(layers[1], Activation) and _tiles(layers[2]))


def split_pools(model):
    """The model with every convolution of stride 1, activation and pool of tiles written by the places of a window: map
    p * C + c of C * P is channel c at place p."""
    layers, rest = [], list(model.layers)
    while rest:
        if _can_split(rest[:3]):
            layers += _split(*rest[:3])
            rest = rest[3:]
        else:
            layers.append(rest.pop(0))
    return replace(model, layers=layers)


def _split(convolution, activation, pool):
    maps = len(convolution.weights)
    (rows, columns), places = convolution.kernel, pool.window
    kernel = (rows + places[0] - 1, columns + places[1] - 1)
    taps = convolution.weights.reshape(maps, -1, rows, columns)
    wide = np.zeros((*places, maps, taps.shape[1], *kernel), np.int64)
    for y in range(places[0]):
        for x in range(places[1]):
            wide[y, x, :, :, y:y + rows, x:x + columns] = taps
    count = places[0] * places[1]
    first = Convolution(convolution.name, kernel, places, convolution.padding, wide.reshape(count * maps, -1),
                        list(convolution.bias) * count)
    total = Convolution(pool.name, (1, 1), (1, 1), (0, 0), np.tile(np.eye(maps, dtype=np.int64), (1, count)), [0] * maps)
    return [first, activation, total]


def merge_pools(model):
    """The model with pools of tiles that dense layers follow as part of their matrices: a column for every element of a
    window."""
    layers, shapes = [], model.shapes()
    position = 0
    while position < len(model.layers):
        here = model.layers[position:position + 3]
        if len(here) == 3 and _tiles(here[0]) and isinstance(here[1], Flatten) and isinstance(here[2], Dense):
            layers += [here[1], _merged(here[0], here[2], shapes[position], shapes[position + 1])]
            position += 3
        else:
            layers.append(here[0])
            position += 1
    return replace(model, layers=layers)


def _merged(pool, dense, before, after):
    columns = dense.weights.reshape(len(dense.weights), *after)
    wide = np.zeros((len(columns), *before), np.int64)
    height, width = after[1] * pool.window[0], after[2] * pool.window[1]  # what no window reaches weighs nothing
    wide[:, :, :height, :width] = columns.repeat(pool.window[0], 2).repeat(pool.window[1], 3)
    return Dense(dense.name, wide.reshape(len(columns), -1), list(dense.bias))
