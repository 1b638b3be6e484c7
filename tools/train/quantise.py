# SPDX-License-Identifier: Apache-2.0
"""Weight grids, and incremental network quantisation (INQ, Zhou et al., arXiv 1702.03044)."""

import torch


class PowerGrid:
    """0 and +-unit * 2^k for k = 0 ... exponents - 1."""

    def __init__(self, unit, exponents):
        self.unit, self.exponents = unit, exponents

    def round(self, weight):
        """The nearest value of the grid. Between 2^k and 2^(k + 1) the border is 1.5 * 2^k; below 1/2 lies 0."""
        steps = weight.abs() / self.unit
        # Comparisons, because a logarithm of every weight in every step would take a third of refinement's time.
        level = (steps >= 0.5).to(weight.dtype)
        for exponent in range(1, self.exponents):
            level.add_(steps >= 0.75 * 2**exponent, alpha=2 ** (exponent - 1))
        return torch.copysign(level * self.unit, weight)

    @property
    def reach(self):
        return 2 ** (self.exponents - 1)


class UniformGrid:
    """unit * k for |k| <= largest."""

    def __init__(self, unit, largest):
        self.unit, self.largest = unit, largest

    def round(self, weight):
        return torch.round(weight / self.unit).clamp(-self.largest, self.largest) * self.unit

    @property
    def reach(self):
        return self.largest


def make_grid(kind, size, unit):
    return PowerGrid(unit, size) if kind == "power" else UniformGrid(unit, size)


@torch.no_grad()
def fit_grid(layer, kind, size, power_of_two_unit=False):
    """The grid with the unit that leaves the least squared error on the layer's surviving weights."""
    weight = layer.weight[layer.mask != 0]
    largest = float(weight.abs().max())
    if largest == 0:
        raise ValueError(f"{layer.name}: every weight is 0, so no grid fits it")
    reach = make_grid(kind, size, 1.0).reach
    if power_of_two_unit:
        units = [2.0**k for k in range(-40, 20) if largest / 8 < 2.0**k * reach < largest * 8]
    else:
        units = [largest / reach * 2.0 ** (step / 40) for step in range(-80, 41)]

    def error(unit):
        return float((make_grid(kind, size, unit).round(weight) - weight).square().sum())

    return make_grid(kind, size, min(units, key=error))


@torch.no_grad()
def settle(layer, portion):
    """Fixes the given portion of the surviving weights on the grid: the largest first, as they matter most and the
    rest can make up for their rounding (INQ, section 3.1, "pruning-inspired" partition)."""
    alive = layer.mask != 0
    size = torch.where(alive, layer.weight.abs(), torch.zeros_like(layer.weight))
    size[layer.fixed] = float("inf")
    count = int(round(portion * int(alive.sum())))
    chosen = torch.zeros_like(layer.fixed).flatten()
    chosen[size.flatten().topk(count).indices] = True
    fresh = chosen.reshape(size.shape) & alive & ~layer.fixed
    layer.settled[fresh] = layer.grid.round(layer.weight)[fresh]
    layer.weight[fresh] = layer.settled[fresh]
    layer.fixed |= fresh


@torch.no_grad()
def release(layer):
    """Ends incremental quantisation: weights may move again, rounded on the way forward (straight-through)."""
    layer.weight.copy_(torch.where(layer.fixed, layer.settled, layer.weight))
    layer.fixed.zero_()
    layer.rounding = True
