# SPDX-License-Identifier: Apache-2.0
"""Homomorphic operations of encrypted inference, per layer, in the four columns of Chou et al. (arXiv 1811.09953).

A weight that is not zero and not over padding costs one PT-CT mult (+-1 included); a row of n terms n - 1 CT-CT adds;
a bias that is not zero one PT-CT add.
"""

from dataclasses import dataclass

import numpy as np

from integer_model import patches


@dataclass(frozen=True)
class Hops:
    pt_ct_adds: int = 0
    ct_ct_adds: int = 0
    pt_ct_mults: int = 0
    ct_ct_mults: int = 0

    @property
    def total(self):
        return self.pt_ct_adds + self.ct_ct_adds + self.pt_ct_mults + self.ct_ct_mults

    def __add__(self, other):
        return Hops(self.pt_ct_adds + other.pt_ct_adds, self.ct_ct_adds + other.ct_ct_adds,
                    self.pt_ct_mults + other.pt_ct_mults, self.ct_ct_mults + other.ct_ct_mults)


def _rows(terms, biases):
    """Rows of a linear map: the number of terms of each, and whether each has a bias."""
    terms = np.asarray(terms)
    return Hops(pt_ct_adds=int(np.sum(biases)), ct_ct_adds=int(np.maximum(terms - 1, 0).sum()),
                pt_ct_mults=int(terms.sum()))


def positions(shape, window, stride, padding):
    """Per tap, whether it lies inside the image at each output position: (C * rows * columns) x (H' * W'), 0 or 1."""
    inside = patches(np.ones(shape, np.int64), window, stride, padding)
    return inside.reshape(shape[0] * window[0] * window[1], -1)


def layer_hops(layer, shape):
    """The operations of one layer for an input of the given shape."""
    if layer.kind == "convolution":
        inside = positions(shape, layer.kernel, layer.stride, layer.padding)
        terms = (layer.weights != 0).astype(np.int64) @ inside
        return _rows(terms, np.array([b != 0 for b in layer.bias])[:, None] & np.ones(terms.shape, bool))
    if layer.kind == "dense":
        return _rows((layer.weights != 0).sum(1), [b != 0 for b in layer.bias])
    if layer.kind == "sum_pool":
        inside = patches(np.ones(shape, np.int64), layer.window, layer.stride, layer.padding)
        return Hops(ct_ct_adds=int(np.maximum(inside.sum((1, 2)) - 1, 0).sum()))
    if layer.kind == "activation":
        return _activation(layer.coefficients, int(np.prod(shape)))
    return Hops()


def _activation(coefficients, elements):
    """x^i is a product of x^(i/2) and x^(i - i/2), so only powers that are needed cost a CT-CT mult; a coefficient
    costs a PT-CT mult unless it is the 1 of a higher power."""
    degree = len(coefficients) - 1
    powers = [i for i in range(1, degree + 1) if coefficients[i] != 0]
    needed = set(powers)
    for i in range(degree, 1, -1):
        if i in needed:
            needed |= {i // 2, i - i // 2}
    return Hops(pt_ct_adds=elements * (coefficients[0] != 0), ct_ct_adds=elements * (len(powers) - 1),
                pt_ct_mults=elements * sum(1 for i in powers if i == 1 or coefficients[i] != 1),
                ct_ct_mults=elements * sum(1 for i in needed if i > 1))


def count(model):
    """[(layer name, Hops)] for the layers that cost anything."""
    counted = [(layer.name, layer_hops(layer, shape)) for layer, shape in zip(model.layers, model.shapes())]
    return [(name, hops) for name, hops in counted if hops.total]


def total(model):
    return sum((hops for _, hops in count(model)), Hops())
