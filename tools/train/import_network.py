#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Brings a float network trained elsewhere into a *.lacuna.json: quantised after training.

Sources:
  network.onnx                        graph and weights in one file
  network.pt --module FILE.py:NAME    a PyTorch state_dict and the module it belongs to; FILE.py is run
  network.pt                          a TorchScript file, with --input-shape
  network.pt --layers layers.json     the tensors of either, and the layers in order

The network is followed from its output back to its input; what is not understood is refused by name. The import ends
with a proof: on at least 256 inputs, random and real, the imported float network gives what the original gives by
another runtime (OpenCV for ONNX, PyTorch else). Then weights, biases and inputs are rounded to integers, and the
accuracy after each step is printed where there are data.

The original network takes pixels divided by 255; --input-range, --mean, --std and tables of numbers change that.
"""

import argparse
import importlib.util
import io
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

# See run.py.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if __name__ == "__main__":
    import packages

    packages.require("numpy", "torch")

import numpy as np
import torch

import data
import dataset
import evaluate
import export
import layer_list
import lowering
import onnx_graph
import output_file
import proof
import quantise
import ranges
import replacement
import teacher
import training
from float_layers import FloatNetwork, ImportFailure
from network import Activation, Network, RecipeError


DEFAULT_SIZE = {"uniform": 63, "power": 4}
LARGEST_SIZE = {"uniform": export.WEIGHT_LIMIT, "power": export.WEIGHT_LIMIT.bit_length()}


@dataclass
class Original:
    """A network as it was read, and a runtime that computes it by itself."""

    network: FloatNetwork
    runtime: object

    @property
    def shape(self):
        return self.network.layers[0].shape


def from_onnx(file, output=None):
    reading = onnx_graph.read(file, output)
    return Original(reading.network, proof.OnnxRuntime(reading))


def canonical(shape):
    """--input-shape as C x H x W."""
    return {1: lambda: (shape[0], 1, 1), 2: lambda: (shape[0], 1, shape[1]), 3: lambda: tuple(shape)}[len(shape)]()


def from_list(file, layer_file, shape):
    """A state_dict or TorchScript file with its layers listed. A TorchScript module is its own proof; a list is held
    against PyTorch's own layers, applied as the list says."""
    entries = layer_list.read_list(layer_file)
    state, module = layer_list.read_state(file)
    taken = layer_list.assign(entries, state)
    network = layer_list.from_list(entries, taken, canonical(shape))
    if module is None:
        network.remarks.append(f"nothing but {layer_file.name} says in what order the layers are applied: check its "
                               f"accuracy, or pass --module")
        return Original(network, proof.TorchRuntime(layer_list.as_module(entries, taken, shape), shape))
    return Original(network, proof.TorchRuntime(module, shape))


def load_module(reference, file):
    """The module of FILE.py:NAME with the tensors of a state_dict."""
    path, _, name = reference.rpartition(":")
    if not path or not name.isidentifier():
        raise ImportFailure(f"--module {reference}: expected FILE.py:NAME")
    if not Path(path).is_file():
        raise ImportFailure(f"--module {reference}: {path} not found")
    state, script = layer_list.read_state(file)
    if script is not None:
        raise ImportFailure(f"{file}: is TorchScript, which needs no --module")
    specification = importlib.util.spec_from_file_location("imported_module", path)
    source = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(source)
        module = getattr(source, name)()
        module.load_state_dict(state)
    except Exception as problem:  # a user's code may raise anything
        raise ImportFailure(f"--module {reference}: {type(problem).__name__}: {problem}") from problem
    if not isinstance(module, torch.nn.Module):
        raise ImportFailure(f"--module {reference}: {name}() is no torch.nn.Module")
    return module.eval()


@torch.no_grad()
def _output_names(module, shape):
    """Where a module returns several tensors: names that say which is which."""
    answer = module(torch.zeros(1, *shape))
    return [f"output{number}" for number in range(len(answer))] if isinstance(answer, (list, tuple)) else None


def from_module(module, shape, output=None):
    """A PyTorch module of the user's: exported to ONNX in memory, and compared with itself."""
    onnx_graph.require_onnx()
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the export got wrong, the proof would find
            torch.onnx.export(module, torch.zeros(1, *shape), stream, opset_version=13,
                              output_names=_output_names(module, shape))
    except Exception as problem:
        raise ImportFailure(f"PyTorch cannot export the module with inputs of {shape} "
                            f"({(str(problem).strip() or type(problem).__name__).splitlines()[0]}); state the right "
                            f"--input-shape, or list its layers with --layers") from problem
    model = onnx_graph.onnx.load_model_from_string(stream.getvalue())
    outputs = [entry.name for entry in model.graph.output]
    reading = onnx_graph.read_model(model, output)
    # A softmax that fell away, or one of several outputs: the module itself does not give what the import computes.
    if outputs == [reading.output_name]:
        return Original(reading.network, proof.TorchRuntime(module, shape, reading.channels_last))
    return Original(reading.network, proof.OnnxRuntime(reading))


def read_original(options):
    if options.source.suffix.lower() == ".onnx":
        if options.layers or options.module:
            raise ImportFailure("an ONNX file describes itself: leave out --layers and --module")
        return from_onnx(options.source, options.tensor)
    if options.layers and options.module:
        raise ImportFailure("--layers and --module exclude each other")
    if options.tensor and options.layers:
        raise ImportFailure("--output is for ONNX files and modules; a list of layers ends with the output")
    shape = tuple(options.input_shape or (1, 28, 28))
    if options.layers:
        return from_list(options.source, options.layers, shape)
    if options.module:
        return from_module(load_module(options.module, options.source), shape, options.tensor)
    state, module = layer_list.read_state(options.source)
    if module is None:
        raise ImportFailure(f"{options.source}: a state_dict needs --module FILE.py:NAME or --layers FILE")
    return from_module(module, shape, options.tensor)


def prove(original, network, pixels, scale):
    """The largest difference between the imported network and the original on the pixels, as a share of what
    its outputs vary by. ImportFailure above the tolerance."""
    theirs = original.runtime(scale.original(pixels.reshape(len(pixels), *original.shape)))
    ours = proof.imported_outputs(network, pixels.reshape(len(pixels), *network.input_shape))
    if original.network.binary:
        ours = ours[:, 1:]
    return proof.compare(ours, theirs, original.runtime.title)


def prove_reading(original, pixels, scale):
    """The same for the network as it was read, where replacements follow."""
    inputs = scale.original(pixels.reshape(len(pixels), *original.shape))
    return proof.compare(original.network.forward(torch.from_numpy(inputs)).numpy(), original.runtime(inputs),
                         original.runtime.title)


def bring_in(original, name, levels, scale=dataset.InputScale()):
    """The Network, in the format's forms, of an original with nothing to replace; its `remarks` say what was merged."""
    lowered = lowering.lower(original.network, scale.scale, scale.offset)
    network = lowering.build(lowered, name, levels)
    network.remarks = lowered.remarks
    return network


def quantise_stepwise(network, grid, sizes, report):
    """Rounds layer after layer; `report` is called with what was done."""
    network.equalise()
    for layer, size in zip(network.weighted(), sizes):
        weights = layer.weight.abs()[layer.weight != 0]
        if len(weights) and bool((weights == weights[0]).all()):
            size = 1  # an identity layer: weights of +-1
        layer.grid = quantise.fit_grid(layer, grid, size)
        quantise.settle(layer, 1.0)
        report(f"{layer.name} on a {grid} grid of size {size}")
    finish_units(network)
    report("biases and coefficients to integers")


def finish_units(network):
    unit = network.input_unit
    for layer in network.layers:
        if isinstance(layer, Activation):
            layer.input_unit = unit
            layer.round_coefficients()
            unit **= layer.degree
        elif hasattr(layer, "grid"):
            unit *= layer.grid.unit
    network.spread_units()


# --- data -------------------------------------------------------------------------------------------------------------


def evaluation_data(options, shape):
    """The data set to report accuracies on, or None."""
    if options.data:
        found = dataset.read(options.data, shape, options.part == "train", options.label_column)
    elif shape == (1, 28, 28):
        try:
            folder = data.locate(options.mnist)
        except data.DataError:
            if options.mnist:
                raise
            return None
        if options.part == "validation":
            split = data.load_training(folder)[1]
            found = dataset.Dataset(split.images[:, None], split.labels,
                                    f"{folder.name}, the last {data.VALIDATION} of its training set")
        else:
            found = dataset.read([folder], shape, options.part == "train")
    else:
        if options.mnist:
            raise ImportFailure(f"--mnist: the network takes {shape}, MNIST's images are 1 x 28 x 28")
        return None
    if options.unseen:
        found.unseen = True
    return found


def input_scale(options, shape, datasets):
    """Where the original's inputs lie. A table's features have the ranges of the first data set there is."""
    low, high = options.input_range or (0.0, 1.0)
    tables = [one for one in datasets if one is not None and not one.is_pixels()]
    if tables and options.input_range is None:
        values = tables[0].values
        low, high = values.min(0), values.max(0)
        high = np.where(high > low, high, low + 1)  # a feature that is always the same
        print(f"pixels 0 ... 255 stand for the range that each feature has in {tables[0].title}")
    mean, deviation = (_per_channel(values, shape, what) for values, what in
                       ((options.mean, "--mean"), (options.std, "--std")))
    if deviation is not None and (deviation <= 0).any():
        raise ImportFailure("--std: expected numbers above 0")
    return dataset.InputScale(np.asarray(low, float), np.asarray(high, float), 0.0 if mean is None else mean,
                              1.0 if deviation is None else deviation)


def _per_channel(values, shape, what):
    if values is None:
        return None
    if len(values) not in (1, shape[0]):
        raise ImportFailure(f"{what}: {len(values)} numbers for {shape[0]} channels; expected one or one each")
    return np.array(values).reshape(-1, 1, 1)


class Judge:
    """Prints accuracies, and what they are worth."""

    def __init__(self, found, scale, retraining):
        self.found = found
        if found is None:
            print("no data: accuracy is not measured (--data, or --mnist for digits)")
            if np.size(scale.low) == 1:
                print(f"inputs are pixels 0 ... 255, which stand for {float(scale.low):g} ... {float(scale.high):g} of the "
                      f"network's; a table needs the ranges of its features, which --data or --retrain shows")
            return
        self.split = data.Split(scale.pixels(found), found.labels)
        seen = "" if found.unseen else \
            ": the network may have been trained on these, so expect less on new ones (--part test, --unseen)"
        if found is retraining:
            seen = ": held out of the retraining, but the network may have been trained on these before"
        print(f"accuracy on {len(found):,} inputs, {found.title}{seen}")

    def outputs(self, outputs_of, title):
        if self.found is not None:
            self.say(float((outputs_of(self.split.images).argmax(1) == self.split.labels).mean()), title)

    def network(self, network, title, pixels):
        if self.found is not None:
            images = self.split.images.reshape(len(self.split), *network.input_shape)
            self.say(training.accuracy(network, pixels, data.Split(images, self.split.labels)), title)
        else:
            print(f"         {title}")

    def model(self, model, title):
        if self.found is not None:
            images = self.split.images.reshape(len(self.split), *model.input_shape)
            self.say(evaluate.correct(model, data.Split(images, self.split.labels)) / len(self.split), title)

    def say(self, share, title):
        print(f"{share:7.2%}  {title}", flush=True)


# --- the command ------------------------------------------------------------------------------------------------------


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="*.onnx, or a PyTorch file")
    parser.add_argument("output", type=Path, help="model file to write (*.lacuna.json)")
    add_network_options(parser)
    parser.add_argument("--force", action="store_true", help="replace the model file where it exists")
    parser.add_argument("--input-levels", type=int, default=15, metavar="N",
                        help="a pixel becomes 0 ... N, N at most 255 (default: %(default)s)")
    parser.add_argument("--grid", choices=("power", "uniform"), default="uniform",
                        help="weights 0 and +-2^k, or all integers up to a limit (default: %(default)s)")
    parser.add_argument("--size", type=int, nargs="+", metavar="S",
                        help="one for all layers, or one per layer: the number of exponents (power, default: 4) or the "
                             "largest weight (uniform, default: 63); sweep.py shows what others cost")
    return parser.parse_args(arguments)


def add_network_options(parser):
    """The options that say what the network is and what it takes, for this command and for sweep.py."""
    parser.add_argument("--layers", type=Path, help="JSON list of layers (README, import)")
    parser.add_argument("--module", metavar="FILE.py:NAME", help="the PyTorch module of a state_dict; FILE.py is run")
    parser.add_argument("--output", dest="tensor", metavar="NAME",
                        help="the tensor of the logits, where the network has several outputs")
    parser.add_argument("--name", default="imported", help="the model's name (default: %(default)s)")
    parser.add_argument("--input-shape", type=int, nargs="+", metavar="S",
                        help="of a PyTorch network: features, or C H W (default: 1 28 28)")
    parser.add_argument("--input-range", type=float, nargs=2, metavar=("LOW", "HIGH"),
                        help="what the original takes for pixels 0 and 255 (default: 0 1; tables: each feature's least "
                             "and largest value)")
    parser.add_argument("--mean", type=float, nargs="+", help="subtracted before the network: one, or one per channel")
    parser.add_argument("--std", type=float, nargs="+", help="divided by after that: one, or one per channel")
    parser.add_argument("--activation", choices=("refuse", "poly"), default="refuse",
                        help="what to do about ReLU and its like and about max pools: refuse them, or put fitted "
                             "polynomials and average pools in their place (default: %(default)s)")
    parser.add_argument("--retrain", nargs="+", metavar="DATA",
                        help="train the network on these data (as --data), before and after it is quantised")
    parser.add_argument("--epochs", type=int, default=5, help="of retraining (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=0.001, help="of retraining (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of retraining (default: %(default)s)")
    parser.add_argument("--data", nargs="+", metavar="DATA",
                        help="data to measure accuracy on: a folder (IDX files, CIFAR's *.bin, or a folder of pictures "
                             "per class), X.npy Y.npy, a *.csv, CIFAR's *.bin")
    parser.add_argument("--label-column", default="last", metavar="COLUMN",
                        help="of a *.csv: first, last, a number from 1 on, or a name (default: %(default)s)")
    parser.add_argument("--mnist", help="folder with the MNIST files (default: $LACUNA_MNIST, else data/mnist)")
    parser.add_argument("--part", choices=("train", "validation", "test"),
                        help="of MNIST: the last training images or the test set; of a folder with both sets, train or "
                             "test (default: validation of MNIST, test of --data)")
    parser.add_argument("--unseen", action="store_true", help="the network was not trained on these data")


def check_options(options):
    """What can be refused before any work is done."""
    if not export.NAME.fullmatch(options.name):
        raise ImportFailure(f"--name {options.name!r}: 1 to 64 characters of a-z 0-9 - _")
    if options.part == "validation" and options.data:
        raise ImportFailure("--part validation is for MNIST alone; --data has train and test")
    if options.part and options.data and not Path(options.data[0]).is_dir():
        raise ImportFailure("--part chooses between the sets of a folder; that a network was not trained on other data "
                            "is said by --unseen")
    if options.data is None and options.part is None:
        options.part = "validation"
    if options.epochs < 1 or options.rate <= 0:
        raise ImportFailure("--epochs: expected at least 1, and --rate above 0")
    shape = options.input_shape
    if shape is not None and (not 1 <= len(shape) <= 3 or min(shape) < 1):
        raise ImportFailure("--input-shape: expected one to three positive numbers: features, or channels height width")
    if options.input_range and options.input_range[0] >= options.input_range[1]:
        raise ImportFailure("--input-range: expected LOW below HIGH")


def check_sizes(grid, sizes):
    if min(sizes) < 1 or max(sizes) > LARGEST_SIZE[grid]:
        raise ImportFailure(f"sizes {sizes} of a {grid} grid: expected 1 ... {LARGEST_SIZE[grid]:,}")


@dataclass
class Prepared:
    """The imported float network, ready to be quantised."""

    network: Network
    scale: dataset.InputScale
    judge: Judge
    numbers: bool = False  # whether data came as numbers that are no pixels
    training_pool: object = None


def prepare(options, levels):
    """Reads, proves, replaces and retrains, and prints each."""
    for kind in (np.float32, np.float64):
        np.finfo(kind)  # NumPy looks at its numbers once, and would complain when the smallest ones are gone
    torch.set_flush_denormal(True)
    original = read_original(options)
    shape = original.shape
    if options.input_shape and int(np.prod(options.input_shape)) != int(np.prod(shape)):
        raise ImportFailure(f"--input-shape {options.input_shape}: the network takes {shape}")
    training_set = held = None
    if options.retrain:
        training_set, held = dataset.held_out(dataset.read(options.retrain, shape, True, options.label_column))
    found = evaluation_data(options, shape) if options.data or options.mnist or held is None else held
    scale = input_scale(options, shape, [training_set, found])
    for remark in original.network.remarks:
        print(remark)
    pixels = proof.random_pixels(shape)
    if found is not None:
        pixels = np.concatenate([pixels, scale.pixels(found)[:proof.INPUTS]])
    needed = replacement.replaceable(original.network)
    if not needed or options.activation == "refuse":
        network = bring_in(original, options.name, levels, scale)
        difference = prove(original, network, pixels, scale)
    else:
        difference = prove_reading(original, pixels, scale)
    print(f"proof: {len(pixels)} inputs, largest difference from the original as {original.runtime.title} computes it "
          f"{difference:.1e} of what its outputs vary by")
    judge = Judge(found, scale, held)
    judge.outputs(lambda images: _binary(original, original.runtime(scale.original(images))), "original network")
    if needed and options.activation == "poly":
        network = replace_all(original, options, levels, scale, judge, training_set or found)
    for remark in network.remarks:
        print(remark)
    numbers = any(one is not None and not one.is_pixels() for one in (training_set, found))
    prepared = Prepared(network, scale, judge, numbers)
    quantised = training.Pixels(network.recipe["thresholds"])
    judge.network(network, "imported float network", training.Pixels(range(1, 256)))
    judge.network(network, f"inputs in 0 ... {levels}", quantised)
    if training_set is not None:
        images = scale.pixels(training_set).reshape(len(training_set), *network.input_shape)
        classes = network(quantised(images[:1])).shape[1]
        if training_set.labels.max() >= classes:
            raise ImportFailure(f"{training_set.title}: classes up to {training_set.labels.max()}, the network has "
                                f"{classes}")
        prepared.training_pool = teacher.Pool(images[None], None, training_set.labels)
        retrain(prepared, options, options.epochs)
        judge.network(network, f"retrained for {_epochs(options.epochs)}", quantised)
    return prepared


def _binary(original, outputs):
    return np.concatenate([0 * outputs, outputs], 1) if original.network.binary else outputs


def replace_all(original, options, levels, scale, judge, examples):
    """The Network of an original whose functions and max pools are replaced one after another."""
    network = original.network.copied()
    pixels = proof.random_pixels(original.shape, 500) if examples is None else scale.pixels(examples)[:500]
    if examples is None:
        print("the polynomials are fitted to what random pixels give; --data or --retrain would show the real values")
    inputs = torch.from_numpy(scale.original(pixels))

    def outputs(images):
        parts = [network.forward(torch.from_numpy(scale.original(images[start:start + 500])), dtype=torch.float32)
                 for start in range(0, len(images), 500)]
        return _binary(original, torch.cat(parts).numpy())

    while replacement.replaceable(network):
        judge.outputs(outputs, replacement.replace_next(network, inputs))
    built = bring_in(Original(network, original.runtime), options.name, levels, scale)
    shown = proof.random_pixels(original.shape)
    ours = proof.imported_outputs(built, shown.reshape(-1, *built.input_shape))[:, int(network.binary):]
    proof.compare(ours, network.forward(torch.from_numpy(scale.original(shown))).numpy(), "its own layers")
    return built


def _epochs(count):
    return f"{count} epoch{'' if count == 1 else 's'}"


def retrain(prepared, options, epochs):
    network = prepared.network
    pool = prepared.training_pool
    training.train(network, pool, training.Pixels(network.recipe["thresholds"]), epochs, options.rate, options.seed,
                   "retraining", batch=min(training.BATCH, len(pool.labels)))
    if not all(bool(torch.isfinite(one).all()) for one in network.parameters()):
        raise ImportFailure(f"retraining went astray: the weights are not finite; lower --rate ({options.rate})")
    network.eval()


def round_network(prepared, options, grid, sizes, report):
    """Quantises, and trains on where there are data to."""
    network = prepared.network
    if len(sizes) == 1:
        sizes = sizes * len(network.weighted())
    if len(sizes) != len(network.weighted()):
        raise ImportFailure(f"{len(sizes)} sizes for {len(network.weighted())} layers with weights: "
                            f"{', '.join(layer.name for layer in network.weighted())}")
    quantise_stepwise(network, grid, sizes, report)
    if prepared.training_pool is not None:
        for layer in network.weighted():
            quantise.release(layer)
        epochs = max(1, options.epochs // 2)
        retrain(prepared, options, epochs)
        report(f"retrained for {_epochs(epochs)} with rounded weights")
    model = network.to_integer()
    ranges.centre_logits(model)
    return model


def provenance(options):
    choices = [f"--input-levels {options.input_levels} --grid {options.grid}", "--size", *map(str, options.size)]
    if options.activation != "refuse":
        choices.append(f"--activation {options.activation}")
    if options.retrain:
        choices.append(f"--epochs {options.epochs} --rate {options.rate} --seed {options.seed}")
    facts = {"command": f"tools/train/import_network.py {options.source.name} {' '.join(choices)}"}
    if options.retrain:
        facts["retrained_on"] = [Path(one).name for one in options.retrain]
    return facts


def note_ranges(model, prepared):
    """What encrypts numbers that are no pixels has to make pixels of them first: by these ranges."""
    if prepared.numbers:
        entries = model.input_shape[0] if np.size(prepared.scale.low) == 1 else int(np.prod(model.input_shape))
        model.low, model.high = (np.broadcast_to(np.reshape(one, -1), entries).tolist()
                                 for one in (prepared.scale.low, prepared.scale.high))


def run(options):
    check_options(options)
    output_file.check(options.output, options.force)
    options.size = options.size or [DEFAULT_SIZE[options.grid]]
    if not 1 <= options.input_levels <= 255:
        raise ImportFailure("--input-levels: expected 1 ... 255")
    check_sizes(options.grid, options.size)
    prepared = prepare(options, options.input_levels)
    network, judge = prepared.network, prepared.judge
    quantised = training.Pixels(network.recipe["thresholds"])
    model = round_network(prepared, options, options.grid, options.size,
                          lambda step: judge.network(network, step, quantised))
    model.provenance = provenance(options)
    note_ranges(model, prepared)
    export.save(model, options.output)
    model = export.load(options.output)
    judge.model(model, f"{options.output.name}, evaluated exactly")
    print(evaluate.table(model))
    print(f"written: {options.output}")


def main(arguments=None):
    try:
        run(parse(arguments))
    except (ImportFailure, RecipeError, data.DataError, export.FormatError, output_file.OutputError, ValueError,
            OSError, MemoryError) as problem:
        print(f"import_network: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
