# SPDX-License-Identifier: Apache-2.0
"""Writes residual connections, y = f(x) + g(x), out as the chain of layers that the model format has, exactly.

While f is computed, g(x) travels in channels of its own. Linear layers pass them on with weights of 1. An activation
c2 x^2 + c1 x + c0 applies to every channel, so s travels through it as the pair s + 1 and s - 1:
p(s + 1) - p(s - 1) = 4 c2 s + 2 c1, from which the next linear layer makes s again. The price is two squarings for
every element of g(x) and activation of f.
"""

import numpy as np

import float_layers as fl
from float_layers import ImportFailure

ADVICE = "train the network without the addition, or so that this is not needed"


def unrolled(network):
    """The network without additions of two tensors. ImportFailure names the addition that cannot be written out."""
    layers = network.copied().layers
    while True:
        total = next((layer for layer in layers if isinstance(layer, fl.Sum)), None)
        if total is None:
            return fl.FloatNetwork(layers, network.remarks, network.binary)
        layers = _without(fl.FloatNetwork(layers), total)


def _without(network, total):
    paths, forks = [], []
    for source in total.sources:
        path, layer = [], source
        while layer.sources and len(network.readers(layer)) == 1:
            path.insert(0, layer)
            layer = layer.sources[0]
        paths.append(path)
        forks.append(layer)
    fork = forks[0]
    if fork is not forks[1] or len(network.readers(fork)) != 2:
        raise ImportFailure(f"{total.name}: adds two tensors that do not come from one (a residual connection); "
                            f"{ADVICE}")
    polynomials = [sum(isinstance(layer, fl.Polynomial) for layer in path) for path in paths]
    if min(polynomials) > 0:
        raise ImportFailure(f"{total.name}: adds two tensors that both come from activations; one of them has to be "
                            f"linear in what they share: {ADVICE}")
    main = int(polynomials[1] > polynomials[0])
    block = Block(total, fork)
    block.start(_merged(paths[main]), _merged(paths[1 - main]))
    block.finish(total.signs[main], total.signs[1 - main])
    gone = {total, *paths[0], *paths[1]}
    position = network.layers.index(total)
    layers = [*network.layers[:position], *block.layers, *network.layers[position:]]
    for layer in layers:
        layer.sources = [block.layers[-1] if source is total else source for source in layer.sources]
    return [layer for layer in layers if layer not in gone]


def _merged(path):
    """A path on which convolutions pad by themselves."""
    merged = []
    for layer in path:
        before = merged[-1] if merged else None
        if isinstance(layer, fl.Convolution) and isinstance(before, fl.Padding) and min(before.pads) >= 0:
            pads = tuple(p + q for p, q in zip(layer.pads, before.pads))
            merged[-1] = fl.Convolution(layer.name, before.sources, layer.shape, layer.weight, layer.bias, layer.stride,
                                        pads, layer.dilation, layer.groups)
        else:
            merged.append(layer)
    return merged


class Block:
    """The layers in place of one addition. The tensor has the channels of f first; `rows` and `constants` say what g(x)
    is of the others."""

    def __init__(self, total, fork):
        self.total, self.fork, self.layers = total, fork, []

    def fail(self, layer):
        raise ImportFailure(f"{self.total.name}: {layer.name} changes height or width between x and the addition f(x) "
                            f"+ g(x), or is no layer of sums; {ADVICE}")

    # --- linear layers ------------------------------------------------------------------------------------------------

    def start(self, main, short):
        """f and g up to the addition: g's layers first, then f's. Their first convolutions are one layer, so that both
        may have a stride."""
        channels = self.fork.shape[0]
        first, second = (self._kernel(path[0], channels) if path and not isinstance(path[0], fl.Polynomial) else None
                         for path in (main, short))
        identity = (np.eye(channels)[:, :, None, None], np.zeros(channels), (1, 1), (0, 0, 0, 0), self.fork.shape)
        if first is None or (second or identity)[4][1:] != first[4][1:] or (second or identity)[2] != first[2]:
            first, second = identity, identity
        else:
            main = main[1:]
            second, short = (identity, short) if second is None else (second, short[1:])
        self._joint(first, second)
        self.count = len(first[1])
        self.rows, self.constants = np.eye(len(second[1])), np.zeros(len(second[1]))
        for layer in short:
            self._linear(layer, False)
        for layer in main:
            if isinstance(layer, fl.Polynomial):
                self._polynomial(layer)
            else:
                self._linear(layer, True)

    def _kernel(self, layer, channels):
        """(kernel, bias, stride, pads, output shape) of a layer as a convolution without groups and dilation."""
        if isinstance(layer, fl.Convolution):
            share = layer.weight.shape[1]
            weight = np.zeros((len(layer.weight), channels, *((k - 1) * d + 1 for k, d in
                                                              zip(layer.weight.shape[2:], layer.dilation))))
            for group in range(layer.groups):
                own = slice(group * len(weight) // layer.groups, (group + 1) * len(weight) // layer.groups)
                weight[own, group * share:(group + 1) * share, ::layer.dilation[0], ::layer.dilation[1]] = \
                    layer.weight[own]
            return weight, layer.bias, layer.stride, layer.pads, layer.shape
        if isinstance(layer, fl.Dense):
            return layer.weight[:, :, None, None], layer.bias, (1, 1), (0, 0, 0, 0), layer.shape
        if isinstance(layer, fl.Pool) and not layer.largest:
            weight = np.eye(channels)[:, :, None, None] * np.ones((1, 1, *layer.window))
            return weight, np.zeros(channels), layer.stride, layer.pads, layer.shape
        if isinstance(layer, fl.Affine) and all(one.shape[1:] == (1, 1) for one in (layer.scale, layer.offset)):
            scale, offset = (np.broadcast_to(one, (channels, 1, 1)).reshape(-1) for one in (layer.scale, layer.offset))
            return np.diag(scale)[:, :, None, None], offset, (1, 1), (0, 0, 0, 0), layer.shape
        return self.fail(layer)

    def _joint(self, first, second):
        """Both kernels over x at once, set into a window that holds both."""
        top, left, bottom, right = (max(p, q) for p, q in zip(first[3], second[3]))
        rows, columns = (max(begin - kernel[3][axis] + kernel[0].shape[2 + axis] for kernel in (first, second))
                         for axis, begin in ((0, top), (1, left)))
        weight = np.zeros((len(first[1]) + len(second[1]), first[0].shape[1], rows, columns))
        start = 0
        for kernel, bias, _, pads, _ in (first, second):
            y, x = top - pads[0], left - pads[1]
            weight[start:start + len(bias), :, y:y + kernel.shape[2], x:x + kernel.shape[3]] = kernel
            start += len(bias)
        size = first[4][1:]
        inside = self.fork.shape[1:]
        # Padding at the end so that as many windows fit as each kernel had by itself.
        ends = [(size[axis] - 1) * first[2][axis] + (rows, columns)[axis] - inside[axis] - (top, left)[axis]
                for axis in (0, 1)]
        self._emit(weight, np.concatenate([first[1], second[1]]), first[2], (top, left, *ends), size)

    def _linear(self, layer, in_main):
        """A layer of f, or of g, while the other is passed on. g's layers come before any activation."""
        source = self.layers[-1].shape
        weight, bias, stride, pads, shape = self._kernel(layer, self.count if in_main else len(self.rows))
        rows, columns = weight.shape[2:]
        top, left = pads[:2]  # the tap over an output's own place
        if stride != (1, 1) or shape[1:] != source[1:] or not (0 <= top < rows and 0 <= left < columns):
            self.fail(layer)
        main, short = (len(bias), len(self.rows)) if in_main else (self.count, len(bias))
        whole = np.zeros((main + short, source[0], rows, columns))
        if in_main:
            whole[:main, :self.count] = weight
            whole[main:, self.count:, top, left] = self.rows
            bias = np.concatenate([bias, self.constants])
        else:
            whole[:main, :main, top, left] = np.eye(main)
            whole[main:, main:] = weight
            bias = np.concatenate([np.zeros(main), bias])
        self._emit(whole, bias, (1, 1), pads, shape[1:])
        self.count, self.rows, self.constants = main, np.eye(short), np.zeros(short)

    def _emit(self, weight, bias, stride, pads, size):
        before = self.layers[-1] if self.layers else None
        if isinstance(before, fl.Convolution) and weight.shape[2:] == (1, 1) and stride == (1, 1) and not any(pads):
            matrix = weight[:, :, 0, 0]
            before.bias = matrix @ before.bias + bias
            before.weight = np.tensordot(matrix, before.weight, 1)
            before.shape = (len(bias), *size)
            return
        source = before or self.fork
        self.layers.append(fl.Convolution(f"{self.total.name} (part {len(self.layers) + 1})", [source],
                                          (len(bias), *size), weight, bias, stride, pads))

    # --- activations and the end --------------------------------------------------------------------------------------

    def _mapped(self, matrix, bias):
        """A 1 x 1 convolution."""
        self._emit(matrix[:, :, None, None], bias, (1, 1), (0, 0, 0, 0), self.layers[-1].shape[1:])

    def _polynomial(self, layer):
        if len(layer.coefficients) != 3:
            raise ImportFailure(f"{self.total.name}: beside {layer.name}, of degree {len(layer.coefficients) - 1}, "
                                f"nothing can be passed on; use activations of degree 2, or {ADVICE}")
        count, short = self.count, len(self.rows)
        pair = np.zeros((count + 2 * short, self.layers[-1].shape[0]))
        pair[:count, :count] = np.eye(count)
        pair[count:, count:] = np.concatenate([self.rows, self.rows])
        self._mapped(pair, np.concatenate([np.zeros(count), self.constants + 1, self.constants - 1]))
        source = self.layers[-1]
        self.layers.append(fl.Polynomial(layer.name, [source], source.shape, layer.coefficients))
        _, linear, square = layer.coefficients
        self.rows = np.concatenate([np.eye(short), -np.eye(short)], 1) / (4 * square)
        self.constants = np.full(short, -linear / (2 * square))

    def finish(self, main_sign, short_sign):
        self._mapped(np.concatenate([main_sign * np.eye(self.count), short_sign * self.rows], 1),
                     short_sign * self.constants)
