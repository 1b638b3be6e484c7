#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brings a float network trained elsewhere into a *.lacuna.json: quantised after training, with no gradient step.

Sources:
  network.onnx                       graph and weights in one file (needs python3-onnx)
  network.pt --layers layers.json    a PyTorch state_dict, and the layers as a recipe's "layers" lists them
  network.pt --layers layers.json    a TorchScript file: its state_dict is used in the same way

The float network takes pixels divided by 255 and consists of convolutions, dense layers, average or sum pools, batch
norms (each right after a layer with weights) and activations a2 x^2 + a1 x + a0. The accuracy after each step of the
quantisation is printed.
"""

import argparse
import json
import os
import sys
from pathlib import Path

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

import data
import evaluate
import export
import quantise
import ranges
import training
from network import Activation, Convolution, Network, RecipeError, SumPool, Weighted


class ImportFailure(Exception):
    """A network that cannot be brought in; the message says why."""


def even_thresholds(levels):
    """Thresholds that round pixel / 255 * levels to the nearest integer."""
    return [-(-(2 * level - 1) * 255 // (2 * levels)) for level in range(1, levels + 1)]


def folded(weight, bias, norm, epsilon):
    """Weight and bias of a layer and the batch norm after it (scale, offset, mean, variance)."""
    scale, offset, mean, variance = norm
    factor = scale / torch.sqrt(variance + epsilon)
    return weight * factor.reshape(-1, *[1] * (weight.dim() - 1)), (bias - mean) * factor + offset


# --- PyTorch: the layers come from a list, the tensors from the state, in the same order -------------------------------


def read_state(file):
    """The tensors of a state_dict or a TorchScript file."""
    try:
        state = torch.jit.load(str(file)).state_dict()
    except (RuntimeError, ValueError):
        try:
            state = torch.load(file, map_location="cpu")
        except Exception as problem:
            raise ImportFailure(f"{file}: neither TorchScript nor a state_dict ({problem})") from problem
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ImportFailure(f"{file}: expected a dictionary of tensors")
    return state


def from_state(file, layer_file):
    """The listed layers, each that has weights with its "tensors": (weight, bias)."""
    try:
        layers = json.loads(layer_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ImportFailure(f"{layer_file}: {problem}") from problem
    modules = {}
    for key, tensor in read_state(file).items():
        module, _, parameter = key.rpartition(".")
        modules.setdefault(module, {})[parameter] = tensor.float()
    waiting = [entry for entry in layers if entry["type"] in ("convolution", "dense")]
    current = None
    for name, tensors in modules.items():
        if "running_mean" in tensors:
            if current is None:
                raise ImportFailure(f"{name}: a batch norm before any layer with weights")
            mean, variance = tensors["running_mean"], tensors["running_var"]
            norm = (tensors.get("weight", torch.ones_like(mean)), tensors.get("bias", torch.zeros_like(mean)),
                    mean, variance)
            current["tensors"] = folded(*current["tensors"], norm, 1e-5)
            continue
        if not waiting or "weight" not in tensors:
            raise ImportFailure(f"{name}: no layer of the list takes its tensors {sorted(tensors)}")
        current = waiting.pop(0)
        weight = tensors["weight"]
        current["tensors"] = (weight, tensors.get("bias", torch.zeros(len(weight))))
    if waiting:
        raise ImportFailure(f"{waiting[0]['name']}: the state holds no weights for it")
    return layers


# --- ONNX --------------------------------------------------------------------------------------------------------------


def from_onnx(file):
    """The graph's layers. Known nodes: Conv, Gemm, MatMul and Add, BatchNormalization, AveragePool, Flatten, Reshape,
    Mul of a value with itself, Pow 2."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as problem:
        raise ImportFailure("reading ONNX needs the onnx package (Debian: python3-onnx)") from problem
    try:
        graph = onnx.load(str(file)).graph
    except Exception as problem:
        raise ImportFailure(f"{file}: not an ONNX file ({problem})") from problem

    def tensor(proto):
        return torch.from_numpy(numpy_helper.to_array(proto).copy())

    constants = {proto.name: tensor(proto) for proto in graph.initializer}
    layers = []
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = tensor(attributes["value"])
        elif node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
        else:
            known = [constants[name] for name in node.input if name in constants]
            _add_onnx_node(layers, node, attributes, known)
    return layers


def _equal(node, values, default):
    """The one value of an attribute that may differ per direction in ONNX but not here."""
    values = set(values or [default])
    if len(values) != 1:
        raise ImportFailure(f"{node.name or node.op_type}: {sorted(values)} differ between directions")
    return int(values.pop())


def _add_onnx_node(layers, node, attributes, known):
    kind, name = node.op_type, node.name or node.op_type
    last = layers[-1] if layers else {}
    number = len(layers) + 1
    if kind == "Conv":
        if attributes.get("group", 1) != 1 or _equal(node, attributes.get("dilations"), 1) != 1:
            raise ImportFailure(f"{name}: grouped or dilated convolutions are not supported")
        layers.append({"type": "convolution", "name": f"conv{number}", "maps": len(known[0]),
                       "kernel": _equal(node, attributes.get("kernel_shape"), known[0].shape[2]),
                       "stride": _equal(node, attributes.get("strides"), 1),
                       "padding": _equal(node, attributes.get("pads"), 0),
                       "tensors": (known[0], known[1] if len(known) > 1 else torch.zeros(len(known[0])))})
    elif kind in ("Gemm", "MatMul"):
        weight = known[0] if kind == "Gemm" and attributes.get("transB", 0) else known[0].T
        layers.append({"type": "dense", "name": f"fc{number}", "outputs": len(weight),
                       "tensors": (weight, known[1] if len(known) > 1 else torch.zeros(len(weight)))})
    elif kind == "Add" and known and last.get("type") == "dense":
        last["tensors"] = (last["tensors"][0], last["tensors"][1] + known[0].reshape(-1))
    elif kind == "BatchNormalization" and "tensors" in last:
        last["tensors"] = folded(*last["tensors"], known, attributes.get("epsilon", 1e-5))
    elif kind == "AveragePool" and _equal(node, attributes.get("pads"), 0) == 0:
        layers.append({"type": "average_pool", "name": f"pool{number}",
                       "window": _equal(node, attributes["kernel_shape"], 1),
                       "stride": _equal(node, attributes.get("strides"), 1)})
    elif kind == "Pad" and known and not known[0].any():
        pass  # PyTorch writes one before every average pool
    elif kind in ("Flatten", "Reshape"):
        layers.append({"type": "flatten", "name": f"flatten{number}"})
    elif (kind == "Mul" and node.input[0] == node.input[1]) or (kind == "Pow" and known and float(known[0]) == 2):
        layers.append({"type": "activation", "name": f"square{number}"})
    else:
        raise ImportFailure(f"{name}: {kind} is not supported here (as an activation, only the square is)")


# --- The float network -------------------------------------------------------------------------------------------------


@torch.no_grad()
def build(layers, name, levels):
    """A Network that computes what the layers do, in the forms the model format has: an average pool becomes a sum
    pool and a2 x^2 + a1 x + a0 becomes x^2 + (a1 / a2) x + a0 / a2, and the factors go into the next weights."""
    plain, tensors, factor = [], [], 1.0
    for entry in layers:
        entry = dict(entry)
        if entry["type"] == "average_pool":
            entry["type"] = "sum_pool"
            factor /= entry["window"] ** 2
        elif entry["type"] == "activation":
            if factor != 1.0:
                raise ImportFailure(f"{entry['name']}: an activation right after an average pool is not supported")
            a0, a1, a2 = entry.pop("coefficients", (0.0, 0.0, 1.0))
            if a2 == 0:
                raise ImportFailure(f"{entry['name']}: coefficients [a0, a1, a2] need a square term")
            entry |= {"linear": a1 / a2, "constant": a0 / a2}
            factor = a2
        elif entry["type"] in ("convolution", "dense"):
            weight, bias = entry.pop("tensors")
            tensors.append((weight * factor, bias))
            factor = 1.0
        plain.append(entry)
    if factor != 1.0:
        raise ImportFailure("the last layer must be a convolution or dense layer")
    network = Network({"name": name, "description": "Imported and quantised after training",
                       "thresholds": even_thresholds(levels), "layers": plain}, normalised=False)
    for layer, (weight, bias) in zip(network.weighted(), tensors):
        if weight.shape != layer.weight.shape:
            raise ImportFailure(f"{layer.name}: weights of shape {tuple(layer.weight.shape)} expected, found "
                                f"{tuple(weight.shape)}")
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    complete_squares(network)
    return network


@torch.no_grad()
def complete_squares(network):
    """x^2 + c1 x + c0 = (x + c1 / 2)^2 + c0 - c1^2 / 4: the biases before and after take up all but the square. Not
    where the next layer pads, as its border does not see the constant, nor after a pool."""
    layers = list(network.layers)
    for index, layer in enumerate(layers):
        if not isinstance(layer, Activation) or layer.bare:
            continue
        before = layers[index - 1]
        after = next(one for one in layers[index:] if isinstance(one, Weighted))
        if not isinstance(before, Weighted) or (isinstance(after, Convolution) and after.padding):
            continue
        pools = [one.window**2 for one in layers[index:layers.index(after)] if isinstance(one, SumPool)]
        constant = layer.constant - layer.linear**2 / 4
        for size in pools:
            constant *= size
        before.bias.add_(layer.linear / 2)
        after.bias.add_(after.weight.flatten(1).sum(1) * constant)
        layer.linear = layer.constant = 0.0


def quantise_stepwise(network, grid, sizes, report):
    """Rounds layer after layer; `report` is called with what was done."""
    network.equalise()
    bare = all(layer.bare for layer in network.layers if isinstance(layer, Activation))
    for layer, size in zip(network.weighted(), sizes):
        layer.grid = quantise.fit_grid(layer, grid, size, power_of_two_unit=not bare)
        quantise.settle(layer, 1.0)
        report(f"{layer.name} on a {grid} grid of size {size}")
    network.spread_units()
    report("biases to integers")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="*.onnx, or a PyTorch file with --layers")
    parser.add_argument("output", type=Path, help="model file to write (*.lacuna.json)")
    parser.add_argument("--layers", type=Path,
                        help="JSON list of layers, as in a recipe; an activation may have \"coefficients\": "
                             "[a0, a1, a2], and a layer may be an \"average_pool\"")
    parser.add_argument("--name", default="imported", help="the model's name (default: %(default)s)")
    parser.add_argument("--input-levels", type=int, default=15, metavar="N",
                        help="a pixel becomes 0 ... N, N at most 255 (default: %(default)s)")
    parser.add_argument("--grid", choices=("power", "uniform"), default="uniform",
                        help="weights 0 and +-2^k, or all integers up to a limit (default: %(default)s)")
    parser.add_argument("--size", type=int, nargs="+", default=[63], metavar="S",
                        help="one for all layers, or one per layer: the number of exponents (power) or the largest "
                             "weight (uniform) (default: 63)")
    parser.add_argument("--mnist", help="folder with the MNIST files (default: $LACUNA_MNIST, else data/mnist)")
    return parser.parse_args(arguments)


def bring_in(options):
    if not 1 <= options.input_levels <= 255 or min(options.size) < 1:
        raise ImportFailure("--input-levels must be 1 ... 255 and every --size at least 1")
    if options.source.suffix == ".onnx":
        layers = from_onnx(options.source)
    elif options.layers is None:
        raise ImportFailure("a PyTorch file needs --layers FILE")
    else:
        layers = from_state(options.source, options.layers)
    network = build(layers, options.name, options.input_levels)
    sizes = options.size * len(network.weighted()) if len(options.size) == 1 else options.size
    if len(sizes) != len(network.weighted()):
        raise ImportFailure(f"{len(sizes)} sizes for {len(network.weighted())} layers with weights")
    validation = data.load_training(data.locate(options.mnist))[1]

    def report(step, pixels=training.Pixels(network.recipe["thresholds"])):
        print(f"{training.accuracy(network, pixels, validation):7.2%}  {step}", flush=True)

    print("validation accuracy after each step")
    report("float network", training.Pixels(range(1, 256)))
    report(f"pixels in 0 ... {options.input_levels}")
    quantise_stepwise(network, options.grid, sizes, report)
    model = network.to_integer()
    ranges.centre_logits(model)
    model.provenance = {"command": f"tools/train/import_network.py {options.source.name}"}
    export.save(model, options.output)
    right = evaluate.correct(export.load(options.output), validation)
    print(f"{right / len(validation):7.2%}  {options.output.name}, evaluated exactly")
    print(evaluate.table(model))


def main(arguments=None):
    try:
        bring_in(parse(arguments))
    except (ImportFailure, RecipeError, data.DataError, export.FormatError, ValueError, KeyError) as problem:
        print(f"import_network: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
