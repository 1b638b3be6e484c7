# SPDX-License-Identifier: Apache-2.0
"""Structure that weights keep while they are trained: groups of channels (Ran et al., SpENCNN, ICML 2023), tiles of taps,
and circulant blocks (Lou et al., Falcon, NeurIPS 2020). Each is called after every step of training.

Channels of a group are interleaved: group g has the channels c = g modulo the number of groups. Where that number divides
the channels of a ciphertext, a channel and its partner of the same group stand whole multiples of it apart, so that only
every such difference of blocks has diagonals; groups of neighbouring channels would have them at nearly all.
"""

import numpy as np
import torch

import prune
import tile_prune
from network import RecipeError


@torch.no_grad()
def interleave_groups(layer, groups):
    """Masks a convolution down to `groups` interleaved groups of channels."""
    maps, channels = layer.weight.shape[:2]
    if maps % groups or channels % groups:
        raise RecipeError(f"{layer.name}: {groups} groups do not divide {channels} channels and {maps} maps")
    same = torch.arange(maps)[:, None] % groups == torch.arange(channels) % groups
    layer.mask.mul_(same.float()[:, :, None, None])
    layer.pruned = groups > 1
    layer.weight.mul_(layer.mask)
    layer.weight.mul_(groups ** 0.5)  # a sum has so many times fewer terms


def tap_tiles(layer, channels_together):
    """Per weight of a convolution the number of its tile: one tap of the channels that share a ciphertext, whatever map it
    leads to. These read the input by one rotation."""
    channels, rows, columns = layer.weight.shape[1:]
    ciphertext = torch.arange(channels) // channels_together
    taps = torch.arange(rows * columns).reshape(rows, columns)
    return (ciphertext[:, None, None] * rows * columns + taps).expand(layer.weight.shape).contiguous()


class TapPruner:
    """Takes tiles of taps away along prune.schedule(), the smallest sums of squares first."""

    def __init__(self, layers, share, steps, interval=50):
        """layers: [(convolution, channels of its input that share a ciphertext)]. share: of the tiles that stay."""
        self.layers = [(layer, tap_tiles(layer, together), layer.mask.clone()) for layer, together in layers]
        self.share, self.steps, self.interval, self.step = share, max(1, steps), interval, 0

    def __call__(self):
        self.step += 1
        if self.step <= self.steps and (self.step % self.interval == 0 or self.step == self.steps):
            self._cut(self.step / self.steps)

    @torch.no_grad()
    def _cut(self, progress):
        for layer, tiles, allowed in self.layers:
            total = int(tiles.max()) + 1
            tile_prune.keep_largest(layer, tiles, max(1, round(prune.schedule(self.share, progress) * total)))
            layer.mask.mul_(allowed)

    @torch.no_grad()
    def finish(self):
        self._cut(1.0)
        for layer, _, _ in self.layers:
            layer.weight.mul_(layer.mask)


class Circulant:
    """Keeps a dense layer's matrix in circulant blocks: row r and column c of a block hold its value number c - r modulo
    the block's size."""

    def __init__(self, layer, block):
        rows, columns = layer.weight.shape
        if rows % block or columns % block:
            raise RecipeError(f"{layer.name}: blocks of {block} do not divide {rows} x {columns} weights")
        self.layer, self.block = layer, block
        place = np.arange(block)
        self.gather = torch.from_numpy((place[None, :] + place[:, None]) % block)  # [r, value] -> column
        self.scatter = torch.from_numpy((place[None, :] - place[:, None]) % block)  # [r, c] -> value

    @torch.no_grad()
    def __call__(self):
        """The nearest matrix of that kind: every value the mean over its places."""
        size, weight = self.block, self.layer.weight
        blocks = weight.reshape(weight.shape[0] // size, size, -1, size).transpose(1, 2)
        index = self.gather.expand(blocks.shape)
        values = blocks.gather(3, index).mean(2, keepdim=True).expand(blocks.shape)
        weight.copy_(values.gather(3, self.scatter.expand(blocks.shape)).transpose(1, 2).reshape(weight.shape))
