# SPDX-License-Identifier: Apache-2.0
"""IntegerModel <-> `*.lacuna.json` (nn/model/model_format.md)."""

import json
import os
import re
from pathlib import Path

import numpy as np

from integer_model import Activation, Convolution, Dense, Flatten, IntegerModel, SumPool

WEIGHT_LIMIT = 2**30
BIAS_DIGITS = 100
INPUT_ENTRIES = 2**14  # lists of thresholds, or ranges, of an input
INPUT_THRESHOLDS = 2**16  # of all those lists
JSON_SAFE = 2**53  # larger integers are written as strings
NAME = re.compile(r"[a-z0-9_-]{1,64}")


class FormatError(Exception):
    """A model that the format cannot hold, or a file that does not hold a model."""


def check(model):
    """FormatError unless the format can hold the model."""
    _require(NAME.fullmatch(model.name), f"model name {model.name!r}: 1 to 64 characters of a-z 0-9 - _")
    _check_input(model)
    names = [layer.name for layer in model.layers]
    _require(1 <= len(names) <= 64 and len(set(names)) == len(names), "1 to 64 layers with different names expected")
    for layer in model.layers:
        _require(NAME.fullmatch(layer.name), f"layer name {layer.name!r}: 1 to 64 characters of a-z 0-9 - _")
        _check_layer(layer)
    try:
        model.shapes()
    except ValueError as problem:
        raise FormatError(str(problem)) from problem


def _check_input(model):
    lists = model.threshold_lists()
    for thresholds in map(list, lists):
        _require(thresholds and all(1 <= t <= 255 for t in thresholds) and thresholds == sorted(set(thresholds)),
                 f"thresholds {thresholds}: expected strictly rising integers in 1 ... 255")
    _require(sum(map(len, lists)) <= INPUT_THRESHOLDS, f"{sum(map(len, lists))} thresholds: at most {INPUT_THRESHOLDS}")
    if lists is model.thresholds:
        _check_entries(model, "lists of thresholds", len(lists))
    if model.low is not None or model.high is not None:
        low, high = (np.array(one, np.float64) for one in (model.low, model.high))
        _require(low.ndim == 1 and low.shape == high.shape, "a lowest and a highest number for each range expected")
        _check_entries(model, "ranges", len(low))
        _require(bool((np.isfinite(low) & np.isfinite(high) & np.isfinite(high - low) & (low < high)).all()),
                 "finite ranges expected, the lowest number below the highest")


def _check_entries(model, what, count):
    elements = int(np.prod(model.input_shape))
    _require(count in (model.input_shape[0], elements),
             f"{count} {what}: expected one for each of {model.input_shape[0]} channels or {elements} elements")
    _require(count <= INPUT_ENTRIES, f"{count} {what}: at most {INPUT_ENTRIES}; give one for each channel "
                                     f"(--input-range)")


def _check_layer(layer):
    if layer.kind in ("convolution", "dense"):
        _require(np.issubdtype(layer.weights.dtype, np.integer), f"{layer.name}: weights must be integers")
        largest = int(np.abs(layer.weights).max(initial=0))
        _require(largest <= WEIGHT_LIMIT, f"{layer.name}: weight {largest} exceeds 2^30")
        _require(len(layer.bias) == len(layer.weights), f"{layer.name}: one bias per row expected")
        _require(all(abs(b) < 10**BIAS_DIGITS for b in layer.bias), f"{layer.name}: bias beyond 100 digits")
    if layer.kind == "activation":
        degree = len(layer.coefficients) - 1
        _require(1 <= degree <= 8 and layer.coefficients[-1] != 0,
                 f"{layer.name}: degree 1 ... 8 and a leading coefficient that is not 0 expected")


def _require(condition, message):
    if not condition:
        raise FormatError(message)


def _number(value):
    value = int(value)
    return value if abs(value) < JSON_SAFE else str(value)


def _weights(matrix):
    """Sparse where that is shorter: a term costs its column as well."""
    rows, columns = matrix.shape
    if np.count_nonzero(matrix) * 2 > matrix.size:
        return {"rows": rows, "columns": columns, "values": matrix.tolist()}
    terms = [[[int(c), int(line[c])] for c in np.flatnonzero(line)] for line in matrix]
    return {"rows": rows, "columns": columns, "terms": terms}


def _layer_json(layer):
    entry = {"type": layer.kind, "name": layer.name}
    if layer.kind == "convolution":
        entry |= {"kernel": list(layer.kernel), "stride": list(layer.stride), "padding": list(layer.padding)}
    if layer.kind == "sum_pool":
        entry |= {"window": list(layer.window), "stride": list(layer.stride), "padding": list(layer.padding)}
    if layer.kind in ("convolution", "dense"):
        entry |= {"weights": _weights(layer.weights), "bias": [_number(b) for b in layer.bias]}
    if layer.kind == "activation":
        entry["coefficients"] = [_number(c) for c in layer.coefficients]
    return entry


def _version(model):
    return 2 if model.low is not None or model.threshold_lists() is model.thresholds else 1


def _input_json(model):
    lists = [[int(t) for t in one] for one in model.threshold_lists()]
    entry = {"shape": list(model.input_shape),
             "thresholds": lists if model.threshold_lists() is model.thresholds else lists[0]}
    if model.low is not None:
        entry |= {"low": [float(x) for x in model.low], "high": [float(x) for x in model.high]}
    return entry


def to_json(model):
    """The file's text: a line per layer, so that a reader and a diff can find their way."""
    check(model)

    def compact(value):
        return json.dumps(value, separators=(",", ":"))

    head = {
        "format": "lacuna-model",
        "version": _version(model),
        "name": model.name,
        "description": model.description,
        "provenance": model.provenance,
        "input": _input_json(model),
    }
    lines = ["{"]
    lines += [f"{compact(key)}:{compact(value)}," for key, value in head.items()]
    lines.append('"layers":[')
    lines.append(",\n".join(compact(_layer_json(layer)) for layer in model.layers))
    lines.append("],")
    lines.append(f'"output":{{"scale":{float(model.output_scale)!r}}}')
    lines.append("}")
    return "\n".join(lines) + "\n"


def save(model, file):
    """Writes beside the file, then renames: a reader never sees half a model."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(to_json(model), encoding="utf-8")
    os.replace(temporary, file)


def _matrix(entry):
    if "values" in entry:
        return np.array(entry["values"], np.int64).reshape(entry["rows"], entry["columns"])
    matrix = np.zeros((entry["rows"], entry["columns"]), np.int64)
    for row, terms in enumerate(entry["terms"]):
        for column, weight in terms:
            matrix[row, column] = weight
    return matrix


def _layer(entry):
    kind, name = entry["type"], entry["name"]
    if kind == "convolution":
        return Convolution(name, tuple(entry["kernel"]), tuple(entry["stride"]), tuple(entry["padding"]),
                           _matrix(entry["weights"]), [int(b) for b in entry["bias"]])
    if kind == "dense":
        return Dense(name, _matrix(entry["weights"]), [int(b) for b in entry["bias"]])
    if kind == "sum_pool":
        return SumPool(name, tuple(entry["window"]), tuple(entry["stride"]), tuple(entry["padding"]))
    if kind == "activation":
        return Activation(name, [int(c) for c in entry["coefficients"]])
    if kind == "flatten":
        return Flatten(name)
    raise FormatError(f"layer type {kind!r} is unknown")


def load(file):
    """Reads what save() writes. FormatError names the file."""
    try:
        entry = json.loads(Path(file).read_text(encoding="utf-8"))
        if entry["format"] != "lacuna-model" or entry["version"] not in (1, 2):
            raise FormatError("expected format lacuna-model, version 1 or 2")
        model = IntegerModel(entry["name"], tuple(entry["input"]["shape"]), entry["input"]["thresholds"],
                             [_layer(layer) for layer in entry["layers"]], entry.get("output", {}).get("scale", 1.0),
                             entry.get("description", ""), entry.get("provenance", {}),
                             entry["input"].get("low"), entry["input"].get("high"))
        check(model)
    except (OSError, ValueError, KeyError, TypeError, IndexError, FormatError) as problem:
        raise FormatError(f"{file}: {problem}") from problem
    return model
