# SPDX-License-Identifier: Apache-2.0
"""The network in training: float weights that turn, stage by stage, into the integers of an IntegerModel.

Real and integer values differ by a unit: a real value is unit * integer. The input's unit is 1 / (number of
thresholds), a linear layer multiplies it by the unit of its weight grid, and the activation x^2 + c1 x + c0 squares
it: with x = u X, x^2 + c1 x + c0 = u^2 (X^2 + (c1 / u) X + c0 / u^2).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import integer_model


class RecipeError(Exception):
    """A recipe that cannot be followed; the message says why."""


class Weighted(nn.Module):
    """A convolution or dense layer whose weights may be masked (pruned), fixed, or rounded to a grid.

    mask        0 where a weight is pruned; looked at once `pruned` is set
    grid        None while float; afterwards the permitted values (quantise.py)
    fixed       weights that incremental quantisation has put on the grid for good, with their values in `settled`
    rounding    every weight and bias is rounded on the way forward, and the gradient passes straight through
    surgery     the gradient also reaches pruned weights, so that they may come back
    """

    def __init__(self, name, weight_shape, normalised, shift):
        super().__init__()
        self.name = name
        self.weight = nn.Parameter(torch.empty(weight_shape))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        self.bias = nn.Parameter(torch.zeros(weight_shape[0]))
        self.register_buffer("mask", torch.ones(weight_shape))
        self.register_buffer("fixed", torch.zeros(weight_shape, dtype=torch.bool))
        self.register_buffer("settled", torch.zeros(weight_shape))
        self.grid = None
        self.output_unit = None
        self.rounding = False
        self.surgery = False
        self.pruned = False
        self.norm = None
        if normalised:
            self.norm = nn.BatchNorm2d(weight_shape[0]) if len(weight_shape) == 4 else nn.BatchNorm1d(weight_shape[0])
            nn.init.constant_(self.norm.bias, shift)

    def effective_weight(self):
        if self.grid is None and not self.pruned:
            return self.weight
        weight = self.weight * self.mask
        if self.surgery:
            weight = self.weight + (weight - self.weight).detach()
        if self.rounding:
            weight = weight + (self.grid.round(weight) - weight).detach()
        return weight if self.rounding else torch.where(self.fixed, self.settled, weight)

    def effective_bias(self):
        if self.output_unit is None:
            return self.bias
        rounded = torch.round(self.bias / self.output_unit) * self.output_unit
        return self.bias + (rounded - self.bias).detach()

    def forward(self, x):
        x = self.linear(x, self.effective_weight(), self.effective_bias())
        return x if self.norm is None else self.norm(x)

    @torch.no_grad()
    def fold(self):
        """Moves the batch norm's scale and offset into weight and bias."""
        if self.norm is None:
            return
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        self.bias.copy_((self.bias - self.norm.running_mean) * scale + self.norm.bias)
        self.scale_rows(scale, with_bias=False)
        self.norm = None

    @torch.no_grad()
    def scale_rows(self, scale, with_bias=True):
        self.weight.mul_(scale.reshape(-1, *[1] * (self.weight.dim() - 1)))
        if with_bias:
            self.bias.mul_(scale)

    def integer_weights(self):
        """Rows x columns of grid steps, as int64. Before quantisation: 1 where a weight is left."""
        with torch.no_grad():
            if self.grid is None:
                return (self.mask != 0).long().flatten(1).numpy()
            steps = self.grid.round(self.effective_weight()).double() / self.grid.unit
            return torch.round(steps).long().flatten(1).numpy()

    def integer_bias(self):
        if self.output_unit is None:
            return [1] * len(self.bias)
        # As effective_bias() rounds, in single precision: in double precision a bias half-way between two integers, where
        # small ones like to settle, may go the other way. Beyond 2^22 single precision has no halves any more.
        trained = torch.round(self.bias.detach() / self.output_unit).tolist()
        exact = [round(b / self.output_unit) for b in self.bias.double().tolist()]
        return [int(t) if abs(t) < 2**22 else e for t, e in zip(trained, exact)]


def pair(extent):
    """A recipe's extent, one number or [vertical, horizontal], as (vertical, horizontal)."""
    return (extent, extent) if isinstance(extent, int) else tuple(extent)


class Convolution(Weighted):
    """kernel, stride, padding: (vertical, horizontal); padding on each of both sides."""

    def __init__(self, name, channels, maps, kernel, stride, padding, normalised, shift):
        super().__init__(name, (maps, channels, *kernel), normalised, shift)
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def linear(self, x, weight, bias):
        return F.conv2d(x, weight, bias, self.stride, self.padding)

    def bounds(self, low, high, weight, bias):
        """Per channel, for a position away from the border: every tap of a channel shares the channel's bounds."""
        return _interval(weight.clamp(min=0).sum((2, 3)), weight.clamp(max=0).sum((2, 3)), low, high, bias)

    def to_integer(self):
        return integer_model.Convolution(self.name, self.kernel, self.stride, self.padding, self.integer_weights(),
                                         self.integer_bias())


class Dense(Weighted):
    def __init__(self, name, inputs, outputs, normalised, shift):
        super().__init__(name, (outputs, inputs), normalised, shift)

    def linear(self, x, weight, bias):
        return F.linear(x, weight, bias)

    def bounds(self, low, high, weight, bias):
        return _interval(weight.clamp(min=0), weight.clamp(max=0), low, high, bias)

    def to_integer(self):
        return integer_model.Dense(self.name, self.integer_weights(), self.integer_bias())


def _interval(plus, minus, low, high, bias):
    return plus @ low + minus @ high + bias, plus @ high + minus @ low + bias


class SumPool(nn.Module):
    def __init__(self, name, window, stride, padding):
        super().__init__()
        self.name, self.window, self.stride, self.padding = name, window, stride, padding

    def forward(self, x):
        return F.avg_pool2d(x, self.window, self.stride, self.padding, divisor_override=1)

    def bounds(self, low, high):
        taps = self.window[0] * self.window[1]
        return low * taps, high * taps

    def to_integer(self):
        return integer_model.SumPool(self.name, self.window, self.stride, self.padding)


class Activation(nn.Module):
    """c0 + c1 x + ... + x^d, d at least 2. Of degree 2 a bare square loses nothing: x^2 + c1 x is (x + c1 / 2)^2 less a
    constant, and the biases before and after take up both (where the next layer pads with zeros, up to a constant over
    the padding)."""

    def __init__(self, name, coefficients):
        super().__init__()
        if len(coefficients) < 3 or coefficients[-1] != 1:
            raise RecipeError(f"{name}: coefficients [c0, c1, ..., 1] of degree 2 or more expected, found "
                              f"{list(coefficients)}")
        self.name, self.coefficients = name, [float(c) for c in coefficients]
        self.input_unit = None

    @property
    def degree(self):
        return len(self.coefficients) - 1

    @property
    def bare(self):
        return not any(self.coefficients[:-1])

    def forward(self, x):
        if self.bare:
            return x * x if self.degree == 2 else x**self.degree
        value = x + self.coefficients[-2]
        for coefficient in reversed(self.coefficients[:-2]):
            value = value * x + coefficient
        return value

    def bounds(self, low, high):
        if self.degree == 2:
            vertex = torch.minimum(torch.maximum(torch.full_like(low, -self.coefficients[1] / 2), low), high)
            ends = torch.stack([self(low), self(high), self(vertex)])
            return ends.amin(0), ends.amax(0)
        lows = highs = torch.zeros_like(low)
        for coefficient in reversed(self.coefficients):
            products = torch.stack([a * b for a in (lows, highs) for b in (low, high)])
            lows, highs = products.amin(0) + coefficient, products.amax(0) + coefficient
        return lows, highs

    def steps(self):
        """The coefficients in units: c_k / u^(d - k)."""
        return [c / self.input_unit ** (self.degree - k) for k, c in enumerate(self.coefficients)]

    def round_coefficients(self):
        """Each to the nearest that an integer stands for."""
        self.coefficients = [round(c) * self.input_unit ** (self.degree - k) for k, c in enumerate(self.steps())]
        self.coefficients[-1] = 1.0

    def to_integer(self):
        if self.bare or self.input_unit is None:
            return integer_model.Activation(self.name, [int(c != 0) for c in self.coefficients])
        coefficients = self.steps()
        if any(abs(c - round(c)) > 1e-9 * max(1.0, abs(c)) for c in coefficients):
            raise RecipeError(f"{self.name}: coefficients {coefficients[:-1]} are not integers; quantise the layers "
                              f"before it with \"power_of_two_units\"")
        return integer_model.Activation(self.name, [round(c) for c in coefficients])


class Flatten(nn.Module):
    def __init__(self, name, positions):
        super().__init__()
        self.name, self.positions = name, positions

    def forward(self, x):
        return x.flatten(1)

    def bounds(self, low, high):
        return low.repeat_interleave(self.positions), high.repeat_interleave(self.positions)

    def to_integer(self):
        return integer_model.Flatten(self.name)


class Network(nn.Module):
    """The layers of a recipe, applied in order to quantised pixels divided by their largest value.

    normalised: with a batch norm after each layer with weights but the last, whose offset starts at the recipe's
    "shift": a square around 1 is half a line, a square around 0 is even.
    The recipe's "output_factor" times an output is what the network stands for (1 if absent).
    """

    def __init__(self, recipe, input_shape=(1, 28, 28), normalised=True):
        super().__init__()
        self.recipe = recipe
        self.input_shape = input_shape
        self.input_unit = 1.0 / len(recipe["thresholds"])
        self.layers = nn.ModuleList()
        shape = input_shape
        for entry in recipe["layers"]:
            # The logits go without a batch norm.
            layer = _build(entry, shape, normalised and entry is not recipe["layers"][-1], recipe.get("shift", 0.0))
            self.layers.append(layer)
            shape = integer_model.output_shape(layer.to_integer(), shape)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x.flatten(1)

    def weighted(self):
        return [layer for layer in self.layers if isinstance(layer, Weighted)]

    def fold(self):
        for layer in self.weighted():
            layer.fold()

    @torch.no_grad()
    def equalise(self):
        """Gives every row of a layer the same largest weight, so that one grid suits all of them.

        A row before a bare square may be scaled by s if what reads it is scaled by 1 / s^2 (cross-layer equalisation,
        arXiv 1906.04721, for squares; by 1 / s^d before x^d).
        """
        layers = self.weighted()
        for before, after in zip(layers, layers[1:]):
            between = list(self.layers)[list(self.layers).index(before) + 1:list(self.layers).index(after)]
            if not all(layer.bare for layer in between if isinstance(layer, Activation)):
                continue
            degree = int(np.prod([layer.degree for layer in between if isinstance(layer, Activation)]))
            rows = before.weight.flatten(1)
            size = rows.abs().mul(before.mask.flatten(1)).square().sum(1).div(
                before.mask.flatten(1).sum(1).clamp(min=1)).sqrt()
            scale = size[size > 0].log().mean().exp() / size.clamp(min=1e-12)
            scale[size <= 0] = 1
            before.scale_rows(scale)
            gain = scale**degree
            columns = after.weight.flatten(2) if after.weight.dim() == 4 else \
                after.weight.reshape(len(after.weight), len(scale), -1)
            after.weight.copy_((columns / gain.reshape(1, -1, 1)).reshape(after.weight.shape))

    @torch.no_grad()
    def even_columns(self, name):
        """Gives the columns of a layer that belong to one row of the layer before the same size, at the cost of rows of
        several sizes there. For a layer with many terms a row after one with few: its rounding errors add up to more."""
        layers = self.weighted()
        index = next((i for i, layer in enumerate(layers) if layer.name == name), 0)
        if index == 0:
            raise RecipeError(f"even columns: {name!r} is no layer with weights that another one comes before")
        before, after = layers[index - 1], layers[index]
        between = [layer for layer in list(self.layers)[list(self.layers).index(before):list(self.layers).index(after)]
                   if isinstance(layer, Activation)]
        if not all(layer.bare for layer in between):
            raise RecipeError(f"even columns: {name} comes after an activation that is no bare power")
        degree = int(np.prod([layer.degree for layer in between]))
        shape = (len(after.weight), len(before.weight), -1)
        columns, mask = after.weight.reshape(shape), after.mask.reshape(shape)
        size = (columns * mask).square().sum((0, 2)).div(mask.sum((0, 2)).clamp(min=1)).sqrt()
        gain = torch.where(size > 0, size / size[size > 0].mean(), torch.ones_like(size))
        before.scale_rows(gain ** (1 / degree))
        after.weight.copy_((columns / gain.reshape(1, -1, 1)).reshape(after.weight.shape))

    def spread_units(self):
        """Carries the units of the grids through the network, which turns biases and coefficients into integers."""
        unit = self.input_unit
        for layer in self.layers:
            if isinstance(layer, Weighted):
                unit *= layer.grid.unit
                layer.output_unit = unit
            if isinstance(layer, Activation):
                layer.input_unit = unit
                unit **= layer.degree

    def output_unit(self):
        return self.weighted()[-1].output_unit

    def log_range(self):
        """log2 of the proven range of the logits in units, smooth in the weights: what ranges.proven_bits() will
        find, but for borders (a border position sees fewer taps)."""
        low = torch.zeros(self.input_shape[0])
        high = torch.ones(self.input_shape[0])
        for layer in self.layers:
            if isinstance(layer, Weighted):
                low, high = layer.bounds(low, high, layer.effective_weight(), layer.effective_bias())
            else:
                low, high = layer.bounds(low, high)
        reach = torch.maximum(low.abs(), high.abs())
        # The 8-norm stands for the largest, so that every logit near the largest feels the penalty.
        largest = reach.detach().max()
        norm = ((reach / largest) ** 8).sum() ** 0.125 * largest
        return torch.log2(norm / (self.output_unit() or 1.0))

    def to_integer(self):
        """The IntegerModel as it would be exported now; before quantisation with weights 0 and 1, for its HOPs."""
        unit = self.output_unit()
        return integer_model.IntegerModel(
            self.recipe["name"], self.input_shape, list(self.recipe["thresholds"]),
            [layer.to_integer() for layer in self.layers],
            output_scale=(unit or 1.0) * self.recipe.get("output_factor", 1.0),
            description=self.recipe.get("description", ""))


def _build(entry, shape, normalised, shift):
    kind, name = entry["type"], entry["name"]
    if kind == "convolution":
        return Convolution(name, shape[0], entry["maps"], pair(entry["kernel"]), pair(entry["stride"]),
                           pair(entry["padding"]), normalised, shift)
    if kind == "dense":
        return Dense(name, int(np.prod(shape)), entry["outputs"], normalised, shift)
    if kind == "sum_pool":
        return SumPool(name, pair(entry["window"]), pair(entry["stride"]), pair(entry.get("padding", 0)))
    if kind == "activation":
        return Activation(name, entry.get("coefficients", [entry.get("constant", 0.0), entry.get("linear", 0.0), 1.0]))
    if kind == "flatten":
        return Flatten(name, shape[1] * shape[2])
    raise RecipeError(f"layer type {kind!r} is unknown")
