# SPDX-License-Identifier: Apache-2.0
"""A network from PyTorch tensors (a state_dict) and a list of its layers (layers.json), which says in what order they
are applied: a state_dict does not."""

import json

import numpy as np
import torch
from torch import nn

import float_layers as fl
from float_layers import ImportFailure

# type: (fields that it must have, fields that it may have)
FIELDS = {
    "convolution": (("maps", "kernel"), ("stride", "padding", "dilation", "groups", "module")),
    "dense": (("outputs",), ("module",)),
    "batch_norm": ((), ("epsilon", "module")),
    "average_pool": (("window",), ("stride", "padding")),
    "sum_pool": (("window",), ("stride", "padding")),
    "max_pool": (("window",), ("stride", "padding")),
    "global_average_pool": ((), ()),
    "zero_pad": (("padding",), ()),
    "activation": ((), ("coefficients", "linear", "constant", "function")),
    "flatten": ((), ()),
    "dropout": ((), ()),
}
FUNCTIONS = {"relu": torch.relu, "silu": nn.functional.silu, "gelu": nn.functional.gelu, "sigmoid": torch.sigmoid,
             "tanh": torch.tanh, "softplus": nn.functional.softplus}


def read_list(file):
    """The entries of layers.json, checked. ImportFailure names the file and the layer."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ImportFailure(f"{file}: {problem}") from problem
    try:
        return check_list(entries)
    except ImportFailure as problem:
        raise ImportFailure(f"{file}: {problem}") from problem


def check_list(entries):
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ImportFailure("expected a list of layers, each an object with \"type\" and \"name\"")
    names = set()
    for number, entry in enumerate(entries, 1):
        kind, name = entry.get("type"), entry.get("name")
        if not isinstance(name, str) or not name:
            raise ImportFailure(f"layer {number}: \"name\" is missing")
        if name in names:
            raise ImportFailure(f"layer {number}: the name {name!r} is taken; every layer needs its own")
        names.add(name)
        if kind not in FIELDS:
            raise ImportFailure(f"{name}: type {kind!r} is unknown; known are {', '.join(FIELDS)}")
        required, optional = FIELDS[kind]
        for field in required:
            if field not in entry:
                raise ImportFailure(f"{name}: {field!r} is missing")
        for field in entry:
            if field not in ("type", "name", *required, *optional):
                raise ImportFailure(f"{name}: a {kind} has no {field!r}; it has "
                                    f"{', '.join((*required, *optional)) or 'no further fields'}")
        _check_values(entry)
    return entries


def _check_values(entry):
    name = entry["name"]
    for field, least, lengths in (("kernel", 1, (2,)), ("stride", 1, (2,)), ("window", 1, (2,)), ("dilation", 1, (2,)),
                                  ("padding", 0, (2, 4)), ("maps", 1, ()), ("outputs", 1, ()), ("groups", 1, ())):
        if field not in entry:
            continue
        value = entry[field]
        numbers = value if isinstance(value, list) and len(value) in lengths else [value]
        if not all(isinstance(one, int) and not isinstance(one, bool) and one >= least for one in numbers):
            shapes = ["a number"] + [f"{length} numbers" for length in lengths]
            raise ImportFailure(f"{name}: {field!r} is {value!r}; expected {' or '.join(shapes)} from {least} on")
    if not isinstance(entry.get("module", ""), str):
        raise ImportFailure(f"{name}: \"module\" is a name in the state_dict, found {entry['module']!r}")
    numbers = [entry.get(field, 1.0) for field in ("linear", "constant", "epsilon")]
    coefficients = entry.get("coefficients", [0.0, 0.0, 1.0])
    if not isinstance(coefficients, list) or not 2 <= len(coefficients) <= 9 or not all(
            isinstance(one, (int, float)) and not isinstance(one, bool) and np.isfinite(one)
            for one in [*numbers, *coefficients]):
        raise ImportFailure(f"{name}: expected \"coefficients\" [a0, a1, a2, ...], 2 to 9 numbers")
    if "function" in entry and entry["function"] not in FUNCTIONS:
        raise ImportFailure(f"{name}: function {entry['function']!r} is unknown; known are {', '.join(FUNCTIONS)}")
    if len({"coefficients", "function"} & entry.keys()) == 2 or \
            ({"coefficients", "function"} & entry.keys() and {"linear", "constant"} & entry.keys()):
        raise ImportFailure(f"{name}: give one of coefficients, function, or linear and constant")


def read_state(file):
    """(the tensors of a state_dict or a TorchScript file, the TorchScript module or None)."""
    if not file.is_file():
        raise ImportFailure(f"{file}: not found")
    try:
        module = torch.jit.load(str(file), map_location="cpu").eval()
        return module.state_dict(), module
    except (RuntimeError, ValueError):
        pass
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)  # a pickle may hold any code
    except Exception as problem:  # pickle raises what it likes
        if "Unsupported class" in str(problem):
            raise ImportFailure(f"{file}: a pickled object of other classes than tensors, which could run any code when "
                                f"it is read; save its tensors (torch.save(model.state_dict(), ...)), or the network as "
                                f"ONNX") from problem
        raise ImportFailure(f"{file}: neither TorchScript nor a state_dict "
                            f"({(str(problem).strip() or type(problem).__name__).splitlines()[0]})") from problem
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]  # as training frameworks wrap it
    if not isinstance(state, dict) or not state or \
            not all(isinstance(value, torch.Tensor) for value in state.values()):
        found = sorted(state)[:5] if isinstance(state, dict) else type(state).__name__
        raise ImportFailure(f"{file}: expected a dictionary of tensors (torch.save(model.state_dict(), ...)), found "
                            f"{found}")
    for key, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ImportFailure(f"{file}: {key} holds numbers that are not finite")
    return state, None


def assign(entries, state):
    """{layer name: its tensors by parameter}: the layers with weights and the batch norms of the list take the modules
    of the state in order, or the one that their "module" names."""
    modules = {}
    for key, tensor in state.items():
        module, _, parameter = key.rpartition(".")
        modules.setdefault(module, {})[parameter] = tensor
    waiting, taken = dict(modules), {}
    named = {entry["module"] for entry in entries if "module" in entry}
    for entry in entries:
        kind, name = entry["type"], entry["name"]
        if kind not in ("convolution", "dense", "batch_norm"):
            continue
        module = entry.get("module") or next((one for one in waiting if one not in named), None)
        if module not in waiting:
            raise ImportFailure(f"{name}: the state has no weights for it"
                                + (f" under {module!r}; it has {', '.join(modules)}" if module else ""))
        tensors = waiting.pop(module)
        is_norm = "running_mean" in tensors
        if is_norm != (kind == "batch_norm"):
            found, wanted = ("a batch norm", "weights") if is_norm else ("weights", "a batch norm")
            raise ImportFailure(f"{name}: a {kind} takes {wanted}, but {module!r} of the state is {found}"
                                + ("; list it as {\"type\": \"batch_norm\"} where it is applied" if is_norm else ""))
        if not is_norm and "weight" not in tensors:
            raise ImportFailure(f"{name}: {module!r} of the state has no weight, only {sorted(tensors)}")
        unknown = set(tensors) - ({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"} if is_norm
                                  else {"weight", "bias"})
        if unknown:
            raise ImportFailure(f"{name}: {module!r} of the state also has {sorted(unknown)}, which a {kind} has not")
        taken[name] = {key: tensor.double() for key, tensor in tensors.items()}
    if waiting:
        module, tensors = next(iter(waiting.items()))
        hint = "; list the batch norm as {\"type\": \"batch_norm\"} where it is applied" \
            if "running_mean" in tensors else ""
        raise ImportFailure(f"no layer of the list takes the state's {module!r} ({', '.join(sorted(tensors))}){hint}")
    return taken


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _pads(value):
    value = _pair(value)
    return value if len(value) == 4 else value * 2


def from_list(entries, taken, shape):
    """The FloatNetwork of checked entries with assigned tensors, for inputs of C x H x W."""
    layers = [fl.Input("input", [], tuple(shape))]

    def extend(*made):
        layers.extend(made)

    for entry in entries:
        kind, name, source = entry["type"], entry["name"], layers[-1]
        inside = source.shape
        tensors = taken.get(name, {})
        if kind == "convolution":
            window, stride, dilation = (_pair(entry.get(key, 1)) for key in ("kernel", "stride", "dilation"))
            groups = entry.get("groups", 1)
            source, zeros = fl.unpadded(source)
            if source is not layers[-1]:
                layers.pop()
            pads = tuple(map(sum, zip(_pads(entry.get("padding", 0)), zeros)))
            inside = source.shape
            weight = _array(tensors["weight"], (entry["maps"], inside[0] // groups, *window), name, "weight")
            if inside[0] % groups or entry["maps"] % groups:
                raise ImportFailure(f"{name}: {groups} groups do not divide {inside[0]} channels and {entry['maps']} "
                                    f"maps")
            bias = _array(tensors.get("bias", torch.zeros(len(weight))), (len(weight),), name, "bias")
            reach = tuple((k - 1) * d + 1 for k, d in zip(window, dilation))
            size = _size(name, inside, reach, stride, pads)
            extend(fl.Convolution(name, [source], (len(weight), *size), weight, bias, stride, pads, dilation, groups))
        elif kind == "dense":
            if inside[1:] != (1, 1):
                raise ImportFailure(f"{name}: reads {' x '.join(map(str, inside))}; a flatten has to stand before it")
            weight = _array(tensors["weight"], (entry["outputs"], inside[0]), name, "weight")
            bias = _array(tensors.get("bias", torch.zeros(len(weight))), (len(weight),), name, "bias")
            extend(fl.Dense(name, [source], (len(weight), 1, 1), weight, bias))
        elif kind == "batch_norm":
            one, zero = torch.ones(inside[0]), torch.zeros(inside[0])
            scale, offset, mean, variance = (_array(tensors.get(key, default), (inside[0],), name, key) for key, default
                                             in (("weight", one), ("bias", zero), ("running_mean", zero),
                                                 ("running_var", one)))
            factor = scale / np.sqrt(variance + entry.get("epsilon", 1e-5))
            extend(fl.Affine(name, [source], inside, factor.reshape(-1, 1, 1),
                             (offset - mean * factor).reshape(-1, 1, 1)))
        elif kind.endswith("pool"):
            window = inside[1:] if kind == "global_average_pool" else _pair(entry["window"])
            stride, pads = _pair(entry.get("stride", list(window))), _pads(entry.get("padding", 0))
            size = _size(name, inside, window, stride, pads)
            if kind.endswith("average_pool"):
                extend(*fl.average_pool(name, source, window, stride, pads))
            else:
                extend(fl.Pool(name, [source], (inside[0], *size), window, stride, pads, kind == "max_pool"))
        elif kind == "zero_pad":
            pads = _pads(entry["padding"])
            extend(fl.Padding(name, [source], (inside[0], *_size(name, inside, (1, 1), (1, 1), pads)), pads))
        elif kind == "activation" and "function" in entry:
            extend(fl.Function(name, [source], inside, FUNCTIONS[entry["function"]], entry["function"]))
        elif kind == "activation":
            default = [entry.get("constant", 0.0), entry.get("linear", 0.0), 1.0]
            extend(fl.Polynomial(name, [source], inside, tuple(map(float, entry.get("coefficients", default)))))
        elif kind == "flatten":
            extend(fl.View(name, [source], (int(np.prod(inside)), 1, 1)))
    return fl.FloatNetwork(layers)


def _array(tensor, shape, name, what):
    if tuple(tensor.shape) != tuple(shape):
        raise ImportFailure(f"{name}: {what} of shape {tuple(shape)} expected, found {tuple(tensor.shape)}")
    return tensor.double().numpy()


def _size(name, shape, window, stride, pads):
    size = fl.slide(shape, window, stride, pads)
    if min(size) < 1:
        raise ImportFailure(f"{name}: a window of {window} does not fit into {' x '.join(map(str, shape))}")
    return size


class Polynomial(nn.Module):
    def __init__(self, coefficients):
        super().__init__()
        self.coefficients = coefficients

    def forward(self, x):
        return sum(c * x**k for k, c in enumerate(self.coefficients))


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def as_module(entries, taken, shape):
    """The list in PyTorch's own layers, with nothing folded, for inputs of `shape`: what the import is compared with.
    It shares the reading of the list with from_list, and nothing behind that."""
    steps, images = [], len(shape) == 3
    for entry in entries:
        kind, tensors = entry["type"], taken.get(entry["name"], {})
        pads = _pads(entry.get("padding", 0))
        if kind in ("convolution", "average_pool", "sum_pool", "max_pool", "zero_pad") and any(pads):
            outside = float("-inf") if kind == "max_pool" else 0.0
            steps.append(nn.ConstantPad2d((pads[1], pads[3], pads[0], pads[2]), outside))
        if kind == "convolution":
            weight = tensors["weight"]
            step = nn.Conv2d(weight.shape[1] * entry.get("groups", 1), len(weight), tuple(weight.shape[2:]),
                             _pair(entry.get("stride", 1)), 0, _pair(entry.get("dilation", 1)),
                             entry.get("groups", 1), "bias" in tensors)
        elif kind == "dense":
            step = nn.Linear(tensors["weight"].shape[1], len(tensors["weight"]), "bias" in tensors)
        elif kind == "batch_norm":
            step = (nn.BatchNorm2d if images else nn.BatchNorm1d)(
                len(tensors["running_mean"]), entry.get("epsilon", 1e-5), affine="weight" in tensors)
        elif kind == "flatten":
            step, images = nn.Flatten(), False
        elif kind == "global_average_pool":
            step = nn.AdaptiveAvgPool2d(1)
        elif kind == "max_pool":
            step = nn.MaxPool2d(_pair(entry["window"]), _pair(entry.get("stride", entry["window"])))
        elif kind in ("average_pool", "sum_pool"):
            step = nn.AvgPool2d(_pair(entry["window"]), _pair(entry.get("stride", entry["window"])),
                                divisor_override=1 if kind == "sum_pool" else None)
        elif kind == "activation" and "function" in entry:
            step = Apply(FUNCTIONS[entry["function"]])
        elif kind == "activation":
            step = Polynomial(entry.get("coefficients", [entry.get("constant", 0.0), entry.get("linear", 0.0), 1.0]))
        else:
            continue
        if tensors:
            step.load_state_dict({key: tensor.float() for key, tensor in tensors.items()}, strict=False)
        steps.append(step)
    return nn.Sequential(*steps).eval()
