# SPDX-License-Identifier: Apache-2.0
"""Brings a float network into the forms that the model format has, exactly: what the format lacks is folded into what
it has, or written out.

Between two layers the true tensor is scale * x + offset, with x what the layers written so far compute. Scale and
offset move on into the next weights, or back into the last ones. Where zeros are padded, an offset cannot move on,
because the padding would not have it: it settles in the layer before, or in an identity layer. Where scale or offset
differ from place to place, or the network reorders elements or gives a vector a new shape, the rest is written out as
dense layers: as many multiplications, without the sharing of weights.
"""

import math

import numpy as np
import torch

import float_layers as fl
import merging
import residual
from float_layers import ImportFailure
from network import Network

DENSE_WEIGHTS = 2**24  # entries of a matrix that a convolution or pool is written out as


def even_thresholds(levels):
    """Thresholds that round pixel / 255 * levels to the nearest integer."""
    return [-(-(2 * level - 1) * 255 // (2 * levels)) for level in range(1, levels + 1)]


def expanded_kernel(weight, dilation, groups):
    """maps x channels x rows x columns without groups and dilation: zeros stand where those left gaps."""
    maps, share, rows, columns = weight.shape
    full = np.zeros((maps, share * groups, (rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1))
    for group in range(groups):
        own = slice(group * maps // groups, (group + 1) * maps // groups)
        full[own, group * share:(group + 1) * share, ::dilation[0], ::dilation[1]] = weight[own]
    return full


def even_padding(kernel, begin, end):
    """(zeros before, zeros after, padding): what a kernel has to be extended by along an axis, so that equal padding on
    both sides, less than the kernel, does what `begin` and `end` do (negative ones crop).

    With u zeros before and v after, the window starts at -begin where the padding is begin + u; the number of windows
    agrees where u - v = end - begin; padding < kernel + u + v where v > begin - kernel.
    """
    after = max(0, begin - end, begin - kernel + 1, -end)
    return after + end - begin, after, after + end


class Lowering:
    def __init__(self, shape, scale=1.0, offset=0.0):
        """shape: of the input, C x H x W; the true input is scale * (pixel / 255) + offset."""
        self.input_shape = self.shape = tuple(shape)
        self.flat = False  # the layers see a vector, whatever the shape says
        self.entries, self.tensors = [], []
        self.scale, self.offset = fl.reduced(scale), fl.reduced(offset)
        self.order = None  # in a vector: the indices of its elements in the order that the shape has
        self.factor = 1.0  # times an output is what the network gives
        self.remarks = []  # what was merged, for the user

    # --- what is written ----------------------------------------------------------------------------------------------

    def _name(self, kind):
        number = sum(entry["type"] == kind for entry in self.entries) + 1
        return {"convolution": "conv", "dense": "fc", "sum_pool": "pool", "activation": "act",
                "flatten": "flatten"}[kind] + str(number)

    def _write(self, kind, **fields):
        self.entries.append({"type": kind, "name": self._name(kind), **fields})

    def _last_weighted(self):
        """The tensors of the last layer, where it has weights and nothing stands behind it."""
        kind = self.entries[-1]["type"] if self.entries else ""
        return self.tensors[-1] if kind in ("convolution", "dense") else None

    def _write_weights(self, kind, weight, bias, **fields):
        self._write(kind, **fields)
        self.tensors.append([weight, bias])
        self.scale, self.offset, self.order = fl.reduced(1.0), fl.reduced(0.0), None

    def _pending(self, full):
        """Scale and offset, stretched to `full`."""
        return np.broadcast_to(self.scale, full), np.broadcast_to(self.offset, full)

    def _settled(self):
        return self.order is None and not self.offset.any() and bool((self.scale == 1).all())

    def _varies(self):
        """Whether scale or offset differ from place to place within a channel."""
        return any(array.shape[1:] != (1, 1) for array in (self.scale, self.offset))

    def _flatten(self):
        if not self.flat:
            self._write("flatten")
            self.flat = True

    # --- layers -------------------------------------------------------------------------------------------------------

    def affine(self, scale, offset):
        scale, offset = fl.reduced(scale), fl.reduced(offset)
        last = self._last_weighted()
        plain = all(array.shape[1:] == (1, 1) for array in (scale, offset))
        if last is not None and self._settled() and (plain or self.flat):
            rows = (len(last[0]),)
            scale, offset = (np.broadcast_to(a, self.shape if self.flat else (*rows, 1, 1)).reshape(rows)
                             for a in (scale, offset))
            last[0] = last[0] * scale.reshape(-1, *[1] * (last[0].ndim - 1))
            last[1] = last[1] * scale + offset
            return
        self.offset = fl.reduced(self.offset * scale + offset)
        self.scale = fl.reduced(self.scale * scale)

    def settle_offset(self):
        """Makes the layers written so far compute the true tensor up to its scale."""
        if not self.offset.any():
            return
        if self.scale.size == 1 and self.offset.size == 1 and self.scale.any():
            activation, count = self._constant_before_pools()
            if activation is not None:
                activation["coefficients"][0] += float(self.offset.item() / self.scale.item()) / count
                self.offset = fl.reduced(0.0)
                return
        scale = self.scale
        if (scale == 0).any():
            self._identity(*self._pending(self._channels()))
            return
        self._identity(np.ones(self._channels()), np.broadcast_to(self.offset / scale, self._channels()))
        self.scale = scale

    def _constant_before_pools(self):
        """(the activation whose constant every element has as many times, that number), where all that was written behind
        it are sums over windows without padding; else (None, 0)."""
        count = 1
        for entry in reversed(self.entries):
            if entry["type"] == "activation":
                return entry, count
            if entry["type"] != "sum_pool" or any(entry["padding"]):
                break
            count *= math.prod(entry["window"])
        return None, 0

    def settle(self):
        """Makes the layers written so far compute the true tensor."""
        if not self._settled():
            self._identity(*self._pending(self._channels()))

    def _channels(self):
        if self.flat or self._varies():
            self._flatten()
            return self.shape
        return (self.shape[0], 1, 1)

    def _identity(self, scale, offset):
        """Writes a layer that multiplies each channel (each element of a vector) by a number and adds one."""
        scale, offset = scale.reshape(-1), offset.reshape(-1)
        self._check_size(len(scale) ** 2)
        weight = np.diag(scale)
        if self.flat:
            self._write_weights("dense", self._ordered(weight), offset.copy(), outputs=len(weight))
        else:
            self._write_weights("convolution", weight[:, :, None, None], offset.copy(), maps=len(weight), kernel=[1, 1],
                                stride=[1, 1], padding=[0, 0])

    def _check_size(self, weights):
        if weights > DENSE_WEIGHTS:
            raise ImportFailure(f"a layer has to be written out as a matrix of {weights:,} numbers, more than "
                                f"{DENSE_WEIGHTS:,}: avoid averages that leave out padding, offsets that differ from "
                                f"pixel to pixel, and vectors that become images again")

    def dense(self, weight, bias):
        scale, offset = (one.reshape(-1) for one in self._pending(self.shape))
        self._flatten()
        self._write_weights("dense", self._ordered(weight * scale), bias + weight @ offset, outputs=len(weight))
        self.shape = (len(weight), 1, 1)

    def convolution(self, layer):
        pads = layer.pads
        if not self.flat and self._varies():
            self._flatten()
        if self.flat:
            self._write_out(layer)
            return
        if any(pads):
            self.settle_offset()
        weight = expanded_kernel(layer.weight, layer.dilation, layer.groups)
        scale, offset = (one.reshape(-1) for one in self._pending((self.shape[0], 1, 1)))
        bias = layer.bias + weight.sum((2, 3)) @ offset
        weight = weight * scale[None, :, None, None]
        rows, columns = (even_padding(weight.shape[2 + axis], pads[axis], pads[axis + 2]) for axis in (0, 1))
        weight = np.pad(weight, ((0, 0), (0, 0), rows[:2], columns[:2]))
        self._write_weights("convolution", weight, bias, maps=len(weight), kernel=list(weight.shape[2:]),
                            stride=list(layer.stride), padding=[rows[2], columns[2]])
        self.shape = layer.shape

    def _write_out(self, layer):
        """A convolution, pool or padding as a dense layer."""
        inputs, outputs = int(np.prod(self.shape)), int(np.prod(layer.shape))
        self._check_size(inputs * outputs)
        self.dense(*fl.as_matrix([layer], self.shape))
        self.shape = layer.shape

    def pool(self, layer):
        """The sum over a window."""
        pads, window = layer.pads, layer.window
        if not self.flat and self._varies():
            self._flatten()
        if self.flat:
            self._write_out(layer)
            return
        if any(pads):
            self.settle_offset()
        if pads[:2] == pads[2:] and all(0 <= p < w for p, w in zip(pads, window)):
            self._write("sum_pool", window=list(window), stride=list(layer.stride), padding=list(pads[:2]))
            self.offset = self.offset * math.prod(window)
            self.shape = layer.shape
        else:
            channels = self.shape[0]
            self.convolution(fl.Convolution(layer.name, [], layer.shape, np.ones((channels, 1, *window)),
                                            np.zeros(channels), layer.stride, pads, (1, 1), channels))

    def padding(self, layer):
        channels = self.shape[0]
        self.convolution(fl.Convolution(layer.name, [], layer.shape, np.ones((channels, 1, 1, 1)), np.zeros(channels),
                                        (1, 1), layer.pads, (1, 1), channels))

    def polynomial(self, layer):
        coefficients = np.trim_zeros(np.asarray(layer.coefficients, np.float64), "b")
        if len(coefficients) < 2:
            raise ImportFailure(f"{layer.name}: an activation that is the same for every input; leave it out")
        degree = len(coefficients) - 1
        shared = self.scale.size == 1 and self.offset.size == 1
        pure = not coefficients[1:-1].any() and not self.offset.any()
        if not shared and not pure:
            self.settle()
            shared = True
        if degree == 1:
            self.affine(coefficients[1], coefficients[0])
            return
        if shared:
            coefficients = _substituted(coefficients, float(self.scale.item()), float(self.offset.item()))
            self.scale, self.offset = fl.reduced(1.0), fl.reduced(0.0)
        if len(coefficients) - 1 != degree or not np.isfinite(coefficients).all() or coefficients[-1] == 0:
            raise ImportFailure(f"{layer.name}: its leading coefficient vanishes against the others; scale its input")
        last = self._last_weighted()
        if last is not None and coefficients[-2]:
            # c_d (x + s)^d + ... without the power below: the bias before takes up s = c_(d-1) / (d c_d).
            shift = coefficients[-2] / (degree * coefficients[-1])
            last[1] = last[1] + shift
            coefficients = _substituted(coefficients, 1.0, -shift)
            coefficients[-2] = 0.0
        leading = coefficients[-1]
        monic = [0.0, *(float(c / leading) for c in coefficients[1:-1]), 1.0]
        self._write("activation", coefficients=monic)
        self.scale = fl.reduced(self.scale**degree * leading)
        self.offset = fl.reduced(coefficients[0])

    def _ordered(self, weight):
        """Columns in the order that the vector's elements have."""
        if self.order is None:
            return weight
        ordered = np.empty_like(weight)
        ordered[:, self.order] = weight
        return ordered

    def reorder(self, layer):
        full = [np.broadcast_to(one, self.shape).transpose(layer.axes) for one in (self.scale, self.offset)]
        self._flatten()
        order = np.arange(int(np.prod(self.shape))) if self.order is None else self.order
        self.order = order.reshape(self.shape).transpose(layer.axes).reshape(-1)
        self.scale, self.offset = (fl.reduced(one) for one in full)
        self.shape = layer.shape

    def view(self, layer):
        shape = layer.shape
        if not self.entries and not self.flat and self.scale.size == self.offset.size == 1 and shape[1:] != (1, 1):
            self.input_shape = self.shape = shape
            return
        full = [np.broadcast_to(one, self.shape).reshape(shape) for one in (self.scale, self.offset)]
        self._flatten()
        self.scale, self.offset = (fl.reduced(one) for one in full)
        self.shape = shape

    def finish(self, binary):
        if binary:
            # The first class is what the second is not: its logit is 0.
            if self._last_weighted() is None or not self._settled():
                self._identity(*self._pending(self._channels()))
            last = self.tensors[-1]
            last[0], last[1] = np.concatenate([0 * last[0], last[0]]), np.concatenate([0 * last[1], last[1]])
            self.entries[-1]["outputs" if self.entries[-1]["type"] == "dense" else "maps"] = 2
            return
        written = [entry["type"] for entry in self.entries]
        plain = self.scale.size == self.offset.size == 1 and self.scale.item() > 0 and not self.offset.any() and \
            self.order is None
        weighted = any(kind in ("convolution", "dense") for kind in written)
        if weighted and plain and [kind for kind in written if kind not in ("flatten", "sum_pool")][-1] != "activation":
            self.factor = float(self.scale.item())
        else:
            self._identity(*self._pending(self._channels()))


def _substituted(coefficients, scale, offset):
    """The coefficients of p(scale * x + offset)."""
    result = np.zeros(1)
    for coefficient in reversed(coefficients):
        result = np.polynomial.polynomial.polyadd(np.polynomial.polynomial.polymul(result, [offset, scale]),
                                                  [coefficient])
    return np.concatenate([result, np.zeros(len(coefficients) - len(result))])


def lower(network, scale=1.0, offset=0.0):
    """A FloatNetwork, written in the format's layers: a finished Lowering. The true input is scale * (pixel / 255) +
    offset: numbers, or arrays that broadcast over the input's C x H x W."""
    for layer in network.layers:
        if isinstance(layer, fl.Function) or (isinstance(layer, fl.Pool) and layer.largest):
            title, substitute = ("MaxPool", "an average over the same window") if isinstance(layer, fl.Pool) else \
                (layer.title, "a fitted polynomial")
            raise ImportFailure(f"{title} {layer.name!r}: encrypted inference computes sums and polynomials only; with "
                                f"--activation poly it is replaced by {substitute}, and --retrain DATA wins back what "
                                f"that costs")
    lowering = Lowering(network.layers[0].shape, scale, offset)
    chain, lowering.remarks = merging.merged(_chain(residual.unrolled(network)), lowering.shape, DENSE_WEIGHTS)
    for layer in chain:
        if isinstance(layer, fl.Dense):
            lowering.dense(layer.weight, layer.bias)
        elif isinstance(layer, fl.Convolution):
            lowering.convolution(layer)
        elif isinstance(layer, fl.Pool):
            lowering.pool(layer)
        elif isinstance(layer, fl.Affine):
            lowering.affine(layer.scale, layer.offset)
        elif isinstance(layer, fl.Polynomial):
            lowering.polynomial(layer)
        elif isinstance(layer, fl.Padding):
            lowering.padding(layer)
        elif isinstance(layer, fl.Reorder):
            lowering.reorder(layer)
        else:
            lowering.view(layer)
    lowering.finish(network.binary)
    return lowering


def _chain(network):
    """The layers behind the input, each reading the one before. ImportFailure where the way forks."""
    for layer in network.layers[:-1]:
        if len(network.readers(layer)) != 1:
            readers = ", ".join(reader.name for reader in network.readers(layer))
            raise ImportFailure(f"{layer.name}: read by several layers ({readers}); the model format is a chain of "
                                f"layers")
    return network.layers[1:]


@torch.no_grad()
def build(lowering, name, levels):
    """The Network of a finished Lowering, for pixels that are quantised to 0 ... levels."""
    network = Network({"name": name, "description": "Imported and quantised after training",
                       "thresholds": even_thresholds(levels), "layers": lowering.entries,
                       "output_factor": lowering.factor}, lowering.input_shape, normalised=False)
    for layer, (weight, bias) in zip(network.weighted(), lowering.tensors):
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return network.eval()
