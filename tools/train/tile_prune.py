# SPDX-License-Identifier: Apache-2.0
"""Pruning for the packed packing: whole tiles of generalised diagonals go, and within those that stay every weight may
live (Aharoni et al., HE-PEx, arXiv 2207.03384: prune, permute, expand)."""

import numpy as np
import torch

import diagonals
import prune
from network import Dense, RecipeError


def tile_numbers(network, slots, runs):
    """{layer name: per weight the number of its tile, an int64 tensor of the weight's shape}."""
    found = diagonals.of_network(network, slots)
    return {layer.name: torch.from_numpy(found[layer.name].tiles(runs.get(layer.name, 1))[found[layer.name].keys])
            .reshape(layer.weight.shape) for layer in network.weighted()}


@torch.no_grad()
def keep_largest(layer, tiles, count):
    """Expands the mask to all of the `count` tiles of largest sum of squares, and clears it elsewhere."""
    mass = torch.zeros(int(tiles.max()) + 1).index_add_(0, tiles.flatten(), layer.weight.square().flatten())
    kept = torch.zeros_like(mass)
    kept[mass.topk(min(count, len(mass))).indices] = 1
    layer.mask.copy_(kept[tiles])
    layer.pruned = True


class TilePruner:
    """Takes tiles away along prune.schedule(): call it after every step."""

    def __init__(self, network, slots, kept, runs, steps, interval=50):
        """kept: {layer name: tiles that stay}; layers without an entry keep all. runs: {dense layer: diagonals a tile}."""
        self.layers = [layer for layer in network.weighted() if layer.name in kept]
        unknown = set(kept) - {layer.name for layer in self.layers}
        if unknown:
            raise RecipeError(f"prune: \"tiles\" names {', '.join(sorted(unknown))}, which no layer with weights is")
        self.tiles = tile_numbers(network, slots, runs)
        self.kept, self.steps, self.interval, self.step = kept, max(1, steps), interval, 0

    def __call__(self):
        self.step += 1
        if self.step > self.steps or (self.step % self.interval and self.step != self.steps):
            return
        self._cut(self.step / self.steps)

    def _cut(self, progress):
        for layer in self.layers:
            tiles = self.tiles[layer.name]
            total = int(tiles.max()) + 1
            share = prune.schedule(self.kept[layer.name] / total, progress)
            keep_largest(layer, tiles, max(1, round(share * total)))

    def finish(self):
        self._cut(1.0)
        with torch.no_grad():
            for layer in self.layers:
                layer.weight.mul_(layer.mask)


@torch.no_grad()
def permute(network, slots, kept, runs, rounds=20):
    """Orders the neurons of every dense layer but the last so that the tiles that will stay hold more of the squared
    weights; the next layer's columns follow, so the network computes the same. Returns {layer name: (share before,
    share after)}.

    Like k-means: the best tiles for an order, then the best order for these tiles, by swaps, until neither helps.
    """
    layers, shares = network.weighted(), {}
    for layer, after in zip(layers, layers[1:]):
        if not isinstance(layer, Dense) or not isinstance(after, Dense) or layer.name not in kept:
            continue
        numbers = tile_numbers(network, slots, runs)[layer.name].numpy()
        squares = layer.effective_weight().square().numpy()
        masses = _masses(squares, numbers)
        order = np.arange(len(squares))
        before = best = _kept_mass(masses, order, kept[layer.name])[0]
        for _ in range(rounds):
            chosen = _kept_mass(masses, order, kept[layer.name])[1]
            order = _assign(masses[:, :, chosen].sum(2), order)
            now = _kept_mass(masses, order, kept[layer.name])[0]
            if now <= best * (1 + 1e-9):
                break
            best = now
        for tensor in (layer.weight, layer.bias, layer.mask, layer.fixed, layer.settled):
            tensor.copy_(tensor[torch.from_numpy(order)].clone())
        for tensor in (after.weight, after.mask, after.fixed, after.settled):
            tensor.copy_(tensor[:, torch.from_numpy(order)].clone())
        shares[layer.name] = (float(before / squares.sum()), float(best / squares.sum()))
    return shares


def _masses(squares, numbers):
    """neuron x place x tile: what the neuron would add to a tile if it were at that place."""
    count = len(squares)
    masses = np.zeros((count, count, numbers.max() + 1), np.float64)
    for place in range(count):
        for neuron in range(count):
            masses[neuron, place] = np.bincount(numbers[place], squares[neuron], masses.shape[2])
    return masses


def _kept_mass(masses, order, count):
    """(mass, tiles) of the largest tiles where place p holds neuron order[p]."""
    of_tile = masses[order, np.arange(len(order))].sum(0)
    chosen = np.argsort(-of_tile, kind="stable")[:count]
    return of_tile[chosen].sum(), chosen


def _assign(gains, order):
    """An order that no swap of two neurons improves; gains: neuron x place."""
    order = order.copy()
    while True:
        at = gains[order]  # at[p, q]: what the neuron of place p gives at place q
        here = np.diag(at)
        change = at + at.T - here[:, None] - here[None, :]
        first, second = np.unravel_index(np.argmax(change), change.shape)
        if change[first, second] <= 1e-12 * max(1.0, float(here.sum())):
            return order
        order[first], order[second] = order[second], order[first]
