# SPDX-License-Identifier: Apache-2.0
"""Linear layers that follow each other, as the one matrix that they are, where that is fewer products. CryptoNets (Gilad-
Bachrach et al., ICML 2016) ran so: of its published layers the two pools, the second convolution and the first dense
layer are one matrix of 100 x 845."""

import numpy as np

import float_layers as fl


def products(layer):
    """Products with weights, and terms of sums without them."""
    if isinstance(layer, fl.Convolution):
        return int(np.count_nonzero(layer.weight)) * int(np.prod(layer.shape[1:]))
    if isinstance(layer, fl.Dense):
        return int(np.count_nonzero(layer.weight))
    if isinstance(layer, fl.Pool):
        return int(np.prod(layer.shape)) * int(np.prod(layer.window))
    return 0


def is_linear(layer):
    if isinstance(layer, fl.Pool):
        return not layer.largest
    return isinstance(layer, (fl.Convolution, fl.Dense, fl.Affine, fl.Padding, fl.View, fl.Reorder))


def merged(chain, shape, largest):
    """The chain of layers on an input of C x H x W with its runs of linear layers merged where the matrix has fewer
    entries that are not 0 than the layers have products, and at most `largest` entries; and what was done, in words. Only
    runs that end with a vector: a matrix in place of an image's layer would keep those behind it from sharing
    weights."""
    result, remarks, begin = [], [], 0
    shapes = [shape, *(layer.shape for layer in chain)]
    while begin < len(chain):
        end = begin
        while end < len(chain) and is_linear(chain[end]):
            end += 1
        run = chain[begin:end]
        if run and run[-1].shape[1:] == (1, 1) and not any(_is_image(layer) for layer in chain[end:]):
            run = _shortened(run, shapes[begin:end + 1], largest, remarks)
        result += [*run, *chain[end:end + 1]]
        begin = end + 1
    return result, remarks


def _is_image(layer):
    return layer.shape[1:] != (1, 1)


def _shortened(run, shapes, largest, remarks):
    """The run with as many of its last layers merged as saves most."""
    best, least, found = run, sum(map(products, run)), None
    for start in range(len(run) - 1):
        rest = run[start:]
        size = int(np.prod(shapes[start])) * int(np.prod(shapes[-1]))
        if sum(products(layer) > 0 for layer in rest) < 2 or not products(rest[0]) or size > largest:
            continue
        weight, bias = fl.as_matrix(rest, shapes[start])
        count = sum(map(products, run[:start])) + int(np.count_nonzero(weight))
        if count < least:
            flat = fl.View(f"{rest[0].name} (flat)", [], (weight.shape[1], 1, 1))
            dense = fl.Dense(rest[-1].name, [], (len(weight), 1, 1), weight, bias)
            best, least, found = [*run[:start], flat, dense], count, rest
    if found:
        remarks.append(f"{found[0].name} ... {found[-1].name}: linear layers that follow each other become one of "
                       f"{least - sum(map(products, best[:-2])):,} products instead of {sum(map(products, found)):,}")
    return best
