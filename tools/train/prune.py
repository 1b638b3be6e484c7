# SPDX-License-Identifier: Apache-2.0
"""Which weights stay: gradual magnitude pruning (Zhu and Gupta, arXiv 1710.01878) and dynamic network surgery (Guo,
Yao and Chen, arXiv 1608.04493), towards densities or a budget of homomorphic operations."""

import torch

import hops

# Dynamic network surgery: a weight leaves below 0.9 and returns above 1.1 of the cut, so that none flickers.
HYSTERESIS = 0.1


@torch.no_grad()
def importance(layer, scope):
    """What pruning sorts by: |w|, over several layers relative to the layer's root mean square."""
    size = layer.weight.abs()
    return size / size.square().mean().sqrt().clamp(min=1e-12) if scope == "global" else size


@torch.no_grad()
def cut(layers, densities, scope="layer", hysteresis=0.0):
    """Sets the masks so that the given densities are kept: per layer, or over all layers together."""
    groups = [layers] if scope == "global" else [[layer] for layer in layers]
    for group in groups:
        scores = []
        for layer in group:
            score = importance(layer, scope)
            if hysteresis:
                score = score * torch.where(layer.mask != 0, 1 + hysteresis, 1 - hysteresis)
            scores.append(score)
        everything = torch.cat([score.flatten() for score in scores])
        wanted = sum(densities[layer.name] * layer.weight.numel() for layer in group)
        keep = torch.zeros_like(everything)
        keep[everything.topk(max(1, int(round(wanted)))).indices] = 1
        start = 0
        for layer, score in zip(group, scores):
            layer.mask.copy_(keep[start:start + score.numel()].reshape(score.shape))
            layer.pruned = True
            start += score.numel()


def densities_for_budget(network, given, budget, scope="layer"):
    """Densities of all layers such that the network's HOPs stay within the budget: layers in `given` have theirs, the
    rest share what remains. ValueError if the given ones alone exceed it."""
    layers = network.weighted()
    masks = [layer.mask.clone() for layer in layers]

    def densities(rest):
        return {layer.name: given.get(layer.name, rest) for layer in layers}

    def cost(rest):
        apply(network, densities(rest), scope)
        return hops.total(network.to_integer()).total

    low, high = 0.0, 1.0
    if cost(low) > budget:
        raise ValueError(f"{cost(low)} HOPs with nothing but the given densities; the budget is {budget}")
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle)
    for layer, mask in zip(layers, masks):
        layer.mask.copy_(mask)
    return densities(low)


def apply(network, densities, scope="layer", hysteresis=0.0):
    """Masks for the given densities; under scope "global" all layers but those of fixed density compete."""
    cut(network.weighted(), densities, scope, hysteresis)


def schedule(target, progress):
    """Density after a share of the ramp: falls fast, then slowly (1710.01878, equation 1, from density 1)."""
    progress = min(max(progress, 0.0), 1.0)
    return target + (1 - target) * (1 - progress) ** 3


class Pruner:
    """Follows the schedule during training: call it after every step."""

    def __init__(self, network, densities, steps, method="magnitude", scope="layer", interval=50):
        self.network, self.densities, self.steps = network, densities, max(1, steps)
        self.method, self.scope, self.interval = method, scope, interval
        self.step = 0
        for layer in network.weighted():
            layer.surgery = method == "surgery"

    def __call__(self):
        self.step += 1
        ramping = self.step <= self.steps
        if self.step % self.interval and self.step != self.steps:
            return
        if not ramping and self.method != "surgery":
            return
        now = {name: schedule(target, self.step / self.steps) for name, target in self.densities.items()}
        apply(self.network, now, self.scope, HYSTERESIS if self.method == "surgery" else 0.0)

    def finish(self):
        """Pruned weights become 0 for good."""
        apply(self.network, self.densities, self.scope, HYSTERESIS if self.method == "surgery" else 0.0)
        with torch.no_grad():
            for layer in self.network.weighted():
                layer.surgery = False
                layer.weight.mul_(layer.mask)
