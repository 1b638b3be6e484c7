# SPDX-License-Identifier: Apache-2.0
"""Small float networks over everything that an import understands, as PyTorch writes them."""

import io

import torch
from torch import nn


class Square(nn.Module):
    def forward(self, x):
        return x * x


class Written(nn.Module):
    """A function of a tensor, or of a tensor and layers of its own."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.own = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.own)


def _head(inputs, outputs=3):
    return [nn.Flatten(), nn.Linear(inputs, outputs)]


def _norm(channels, kind=nn.BatchNorm2d):
    norm = kind(channels)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.uniform_(-0.5, 0.5)
        norm.running_mean.uniform_(-0.3, 0.3)
        norm.running_var.uniform_(0.5, 2.0)
    return norm


IMAGE = (2, 7, 6)

# name: (shape of an input, a function that makes the layers)
NETWORKS = {
    "convolution": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), *_head(60)]),
    "stride and padding": (IMAGE, lambda: [nn.Conv2d(2, 3, 3, 2, 1), Square(), *_head(36)]),
    "rectangular kernel": (IMAGE, lambda: [nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 0)), Square(), *_head(60)]),
    "grouped": (IMAGE, lambda: [nn.Conv2d(2, 4, 3, groups=2), Square(), *_head(80)]),
    "depthwise": (IMAGE, lambda: [nn.Conv2d(2, 2, 3, padding=1, groups=2), nn.Conv2d(2, 3, 1), Square(), *_head(126)]),
    "dilated": (IMAGE, lambda: [nn.Conv2d(2, 3, 3, dilation=(2, 1), padding=(2, 1)), Square(), *_head(126)]),
    "asymmetric padding": (IMAGE, lambda: [nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(2, 3, 3), Square(), *_head(168)]),
    "padding after a layer": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Square(), nn.ZeroPad2d((2, 0, 1, 0)), *_head(147)]),
    "cropping": (IMAGE, lambda: [nn.ZeroPad2d((-1, 0, 0, -2)), nn.Conv2d(2, 3, 2), Square(), *_head(48)]),
    "batch norm before": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), _norm(3), Square(), *_head(60)]),
    "batch norm after": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), _norm(3), *_head(60)]),
    "batch norm, then padding": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), _norm(3), nn.Conv2d(3, 2, 3, 1, 1),
                                                 Square(), *_head(40)]),
    "batch norm of the input": (IMAGE, lambda: [_norm(2), nn.Conv2d(2, 3, 3, 1, 1), Square(), *_head(126)]),
    "batch norm of a vector": ((9,), lambda: [nn.Linear(9, 6), _norm(6, nn.BatchNorm1d), Square(), nn.Linear(6, 3)]),
    "average pool": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Square(), nn.AvgPool2d(2, (2, 1)), *_head(36)]),
    "padded average pool": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Square(), nn.AvgPool2d(3, 2, 1), *_head(27)]),
    "average without its padding": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Square(), nn.AvgPool2d(
        3, 2, 1, count_include_pad=False), nn.Conv2d(3, 2, 2), Square(), *_head(8)]),
    "rounded-up average pool": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Square(), nn.AvgPool2d(2, 2, ceil_mode=True),
                                                *_head(27)]),
    "polynomial, pool, then padding": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Written(lambda x: x * x + 0.5 * x + 0.3),
                                                       nn.AvgPool2d(2), nn.Conv2d(3, 2, 3, 1, 1), Square(),
                                                       *_head(12)]),
    "linear layers in a row": (IMAGE, lambda: [nn.Conv2d(2, 2, 3), Square(), nn.AvgPool2d(3, 1, 1), nn.Conv2d(2, 6, 3),
                                               nn.AvgPool2d(3, 1, 1), nn.Flatten(), nn.Linear(36, 5), Square(),
                                               nn.Linear(5, 3)]),
    "pool before the square": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), nn.AvgPool2d(2), Square(), *_head(18)]),
    "global average pool": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), nn.AdaptiveAvgPool2d(1), *_head(3)]),
    "ends with a pool": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), nn.Conv2d(3, 4, 2), nn.AdaptiveAvgPool2d(1),
                                         nn.Flatten()]),
    "polynomial": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Written(lambda x: 0.125 * x**2 + 0.5 * x + 0.25),
                                   nn.Conv2d(3, 2, 3, 1, 1), Written(lambda x: x * (1 - 0.5 * x)), *_head(40)]),
    "cubic": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), _norm(3), Written(lambda x: 0.1 * x * x * x + 0.5 * x + 0.2),
                              *_head(60)]),
    "square of a polynomial": ((9,), lambda: [nn.Linear(9, 5), Written(lambda x: torch.pow(x * x + 1, 2)),
                                              nn.Linear(5, 3)]),
    "constants around layers": (IMAGE, lambda: [Written(lambda x: (x - 0.3) / 0.7), nn.Conv2d(2, 3, 3, 1, 1), Written(
        lambda x: 0.5 - x), Square(), *_head(126), Written(lambda x: 2 * x + 1)]),
    "convolution, then Add": (IMAGE, lambda: [nn.Conv2d(2, 3, 3, bias=False), Written(
        lambda x: x + torch.tensor([0.1, -0.2, 0.3]).reshape(1, 3, 1, 1)), Square(), *_head(60)]),
    "a mean image": (IMAGE, lambda: [Written(lambda x: x - torch.linspace(0, 1, 84).reshape(1, 2, 7, 6)),
                                     nn.Conv2d(2, 3, 3, 2, 1), Square(), *_head(36)]),
    "columns before rows": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), Written(
        lambda x: x.permute(0, 2, 3, 1)), *_head(60)]),
    "reordered, then a convolution": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Written(
        lambda x: (x * x + 0.3).permute(0, 3, 1, 2) - torch.linspace(0, 1, 5)), nn.Conv2d(4, 2, 2),
                                                      Square(), *_head(16)]),
    "classifier's ending": ((9,), lambda: [nn.Linear(9, 6), Square(), nn.Dropout(0.5), nn.Linear(6, 3), nn.Identity(),
                                           nn.LogSoftmax(1)]),
    "batch from the shape": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Square(), Written(
        lambda x: x.view(x.size(0), -1)), nn.Linear(60, 3), nn.Softmax(-1)]),
    "image from a vector": ((84,), lambda: [Written(lambda x: x.reshape(-1, 2, 7, 6)), nn.Conv2d(2, 3, 3), Square(),
                                            *_head(60)]),
    "image from a later vector": ((9,), lambda: [nn.Linear(9, 12), Square(), Written(lambda x: x.reshape(-1, 3, 2, 2)),
                                                 nn.Conv2d(3, 2, 2, 1, 1), Square(), *_head(18)]),
    "one-dimensional": ((2, 11), lambda: [nn.Conv1d(2, 3, 4, 2, 1), nn.BatchNorm1d(3), Square(), nn.AvgPool1d(2),
                                          *_head(6)]),
    "one output": ((9,), lambda: [nn.Linear(9, 4), Square(), nn.Linear(4, 1), nn.Sigmoid()]),
    "matrix product": ((9,), lambda: [Written(lambda x, one: x @ one.weight.T + one.bias, nn.Linear(9, 4)), Square(),
                                      nn.Linear(4, 3, bias=False)]),
    "residual": (IMAGE, lambda: [nn.Conv2d(2, 3, 3), Written(
        lambda x, a, n, b: b(torch.square(n(a(x)))) + x, nn.Conv2d(3, 4, 3, 1, 1), _norm(4), nn.Conv2d(4, 3, 3, 1, 1)),
                                 Square(), *_head(60)]),
    "residual with a stride": (IMAGE, lambda: [nn.Conv2d(2, 3, 2), Written(
        lambda x, a, b, s, n: n(s(x)) - b(torch.square(a(x))), nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 5, 3, 1, 1),
        nn.Conv2d(3, 5, 1, 2), _norm(5)), Square(), *_head(45)]),
    "residual over two activations": (IMAGE, lambda: [nn.Conv2d(2, 2, 3), Square(), Written(
        lambda x, a, b: torch.square(b(0.5 * torch.square(a(x)) + a(x))) + x, nn.Conv2d(2, 2, 3, 1, 1),
        nn.Conv2d(2, 2, 1)), *_head(40)]),
    "residual of a vector, twice": ((9,), lambda: [nn.Linear(9, 5), *(Written(
        lambda x, a, b: x + b(torch.square(a(x))), nn.Linear(5, 4), nn.Linear(4, 5)) for _ in range(2)), Square(),
        nn.Linear(5, 3)]),
    "residual of linear layers": (IMAGE, lambda: [Written(lambda x, a, b: a(x) + b(x), nn.Conv2d(2, 3, 3, 1, 1),
                                                          nn.Conv2d(2, 3, 1)), Square(), *_head(126)]),
    "deep": (IMAGE, lambda: [nn.Conv2d(2, 2, 3, 1, 1), _norm(2), Square(), nn.Conv2d(2, 3, 3, 1, 1), _norm(3), Square(),
                             nn.AvgPool2d(2), nn.Conv2d(3, 4, 2), _norm(4), Square(), *_head(16)]),
}


def make(name):
    """(the network in evaluation mode, the shape of an input): the same at every call."""
    shape, layers = NETWORKS[name]
    torch.manual_seed(sorted(NETWORKS).index(name))
    return nn.Sequential(*layers()).eval(), shape


def onnx_bytes(network, shape, free_batch=False, folded=False, opset=13):
    """The network as PyTorch exports it; batch norms are folded into the weights by PyTorch, or left to the import."""
    stream = io.BytesIO()
    mode = torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE
    axes = {"input": {0: "batch"}} if free_batch else None
    torch.onnx.export(network, torch.zeros(1, *shape), stream, training=mode, opset_version=opset,
                      input_names=["input"], dynamic_axes=axes)
    return stream.getvalue()
