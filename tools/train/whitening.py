# SPDX-License-Identifier: Apache-2.0
"""A start for the first convolution that knows what neighbouring pixels have in common.

Pixels of a patch are nearly equal, so that filters drawn at random all see its mean colour and little else. Rotated into
the patches' principal axes and divided by their deviations (Coates, Lee and Ng, AISTATS 2011), patches have no such
favourite direction; filters drawn there, and brought back to pixels, start with outputs that tell images apart.
"""

import torch
import torch.nn.functional as F

PATCHES = 100_000
IMAGES = 4000
LEAST = 0.01  # of the mean variance: axes below it hold hardly more than rounding


def patches(pixels, kernel, stride):
    """N x C x H x W -> at most PATCHES x (C * kernel), drawn with torch's generator."""
    columns = F.unfold(pixels, kernel, stride=stride).transpose(1, 2).flatten(0, 1)
    return columns[torch.randperm(len(columns))[:PATCHES]]


@torch.no_grad()
def start(layer, pixels):
    """Sets a convolution's weights by the patches of some inputs; rows as orthogonal in the whitened space as can be."""
    found = patches(pixels, layer.kernel, layer.stride)
    found = found - found.mean(0)
    variances, axes = torch.linalg.eigh((found.T @ found / len(found)).double())
    whiten = axes / torch.sqrt(variances.clamp(min=0) + LEAST * variances.mean()) @ axes.T
    rows = torch.nn.init.orthogonal_(torch.empty(layer.weight.flatten(1).shape))
    layer.weight.copy_((rows.double() @ whiten).reshape(layer.weight.shape))
