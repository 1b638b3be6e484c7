# SPDX-License-Identifier: Apache-2.0
"""Puts polynomials and averages in place of what encrypted inference cannot compute: ReLU and its like, max pools."""

import numpy as np
import torch

import float_layers as fl

SAMPLES = 100_000


def replaceable(network):
    return [layer for layer in network.layers
            if isinstance(layer, fl.Function) or (isinstance(layer, fl.Pool) and layer.largest)]


def fit(function, values, degree=2):
    """The polynomial with the least squared error over the values."""
    with torch.no_grad():
        targets = function(torch.from_numpy(values)).numpy()
    centre, spread = values.mean(), max(values.std(), 1e-12)
    powers = np.vander((values - centre) / spread, degree + 1, increasing=True)
    solved = np.linalg.lstsq(powers, targets, rcond=None)[0]
    coefficients = np.zeros(1)
    for one in reversed(solved):
        coefficients = np.polynomial.polynomial.polyadd(
            np.polynomial.polynomial.polymul(coefficients, [-centre / spread, 1 / spread]), [one])
    coefficients = np.concatenate([coefficients, np.zeros(degree + 1 - len(coefficients))])
    return coefficients, float(np.sqrt(np.mean((powers @ solved - targets) ** 2)))


def replace_next(network, inputs):
    """Replaces the first layer that needs it; `inputs` (N x C x H x W) show what values it meets, behind the
    replacements before it. Says what was done."""
    layer = replaceable(network)[0]
    source = layer.sources[0]
    if isinstance(layer, fl.Pool):
        total, mean = fl.average_pool(layer.name, source, layer.window, layer.stride, layer.pads)
        network.layers.insert(network.layers.index(layer), total)
        network.exchange(layer, mean)
        return f"{layer.name}: average pool instead of a max pool"
    values = network.forward(inputs, stop=source).numpy().reshape(-1)
    if len(values) > SAMPLES:
        values = np.random.default_rng(1).choice(values, SAMPLES, replace=False)
    coefficients, error = fit(layer.function, values)
    network.exchange(layer, fl.Polynomial(layer.name, [source], layer.shape, tuple(map(float, coefficients))))
    shown = " + ".join(f"{c:.3g}{('', ' x', ' x^2')[k]}" for k, c in enumerate(coefficients))
    return f"{layer.name}: {shown} instead of {layer.title} (root mean square error {error:.2g})"
