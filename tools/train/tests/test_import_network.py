# SPDX-License-Identifier: Apache-2.0
"""A float network, brought in from each source, computes the same in its new form; the command says what it does."""

import contextlib
import importlib.util
import io
import json
import re
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests import networks, sample

import data
import dataset
import evaluate
import export
import float_layers as fl
import import_network
import layer_list
import lowering
import proof
import to_pixels
from float_layers import ImportFailure

PACKAGES = all(importlib.util.find_spec(name) for name in ("onnx", "cv2"))

LAYERS = [
    {"type": "convolution", "name": "conv1", "maps": 3, "kernel": 5, "stride": 2, "padding": 1},
    {"type": "batch_norm", "name": "norm1"},
    {"type": "activation", "name": "act1"},
    {"type": "average_pool", "name": "pool1", "window": 2, "stride": 2},
    {"type": "flatten", "name": "flatten"},
    {"type": "dense", "name": "fc1", "outputs": 8},
    {"type": "activation", "name": "act2"},
    {"type": "dense", "name": "fc2", "outputs": 10},
]

MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.second = nn.Linear(8, 10)  # registered in another order than applied
        self.first = nn.Linear(108, 8)
        self.conv = nn.Conv2d(1, 3, 5, 2, 1)

    def forward(self, x):
        x = nn.functional.avg_pool2d(self.conv(x) ** 2, 2)
        return self.second(self.first(torch.flatten(x, 1)) ** 2)
"""


class Quadratic(nn.Module):
    def forward(self, x):
        return 0.125 * x * x + 0.5 * x + 0.25


def float_network(activation=networks.Square, norm_last=False):
    torch.manual_seed(1)
    block = [activation(), nn.BatchNorm2d(3)] if norm_last else [nn.BatchNorm2d(3), activation()]
    network = nn.Sequential(nn.Conv2d(1, 3, 5, 2, 1), *block, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(108, 8),
                            activation(), nn.Linear(8, 10))
    network(torch.rand(50, 1, 28, 28))
    return network.eval()


def with_coefficients(layers, coefficients):
    return [dict(entry, coefficients=coefficients) if entry["type"] == "activation" else entry for entry in layers]


def list_of(network):
    """layers.json for a network of modules, or None where it has others."""
    entries = []
    for number, module in enumerate(network):
        entry = {"name": f"layer{number}", "module": str(number)}
        if isinstance(module, nn.Conv2d):
            entry |= {"type": "convolution", "maps": module.out_channels, "kernel": list(module.kernel_size),
                      "stride": list(module.stride), "padding": list(module.padding), "dilation": list(module.dilation),
                      "groups": module.groups}
        elif isinstance(module, nn.Linear):
            entry |= {"type": "dense", "outputs": module.out_features}
        elif isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
            entry |= {"type": "batch_norm", "epsilon": module.eps}
        elif isinstance(module, networks.Square):
            entry |= {"type": "activation"}
        elif isinstance(module, nn.AvgPool2d) and module.count_include_pad and not module.ceil_mode:
            entry |= {"type": "average_pool", "window": list(layer_list._pair(module.kernel_size)),
                      "stride": list(layer_list._pair(module.stride)), "padding": module.padding}
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            entry |= {"type": "global_average_pool"}
        elif isinstance(module, nn.ZeroPad2d) and min(module.padding) >= 0:
            left, right, top, bottom = module.padding
            entry |= {"type": "zero_pad", "padding": [top, left, bottom, right]}
        elif isinstance(module, nn.Flatten):
            entry |= {"type": "flatten"}
        elif isinstance(module, (nn.Dropout, nn.Identity)):
            entry |= {"type": "dropout"}
        else:
            return None
        if not list(module.parameters()):
            del entry["module"]
        entries.append(entry)
    return entries


class SourceTest(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.layer_file = self.root / "layers.json"
        self.layer_file.write_text(json.dumps(LAYERS))
        self.network_file = self.root / "network.pt"


class ImportTest(SourceTest):
    def compare(self, original, module, shape=(1, 28, 28), scale=dataset.InputScale()):
        """The network of what was read, held against the module and against the runtime that the command would use."""
        network = import_network.bring_in(original, "imported", 255, scale)
        pixels = proof.random_pixels(original.shape, 64)
        with torch.no_grad():
            wanted = module(torch.from_numpy(scale.original(pixels)).float().reshape(-1, *shape)).flatten(1)
        proof.compare(proof.imported_outputs(network, pixels.reshape(-1, *network.input_shape)),
                      wanted.double().numpy(), "the test")
        import_network.prove(original, network, pixels, scale)
        return network

    def from_list(self, original, layers=None, shape=(1, 28, 28)):
        torch.save(original.state_dict(), self.network_file)
        if layers is not None:
            self.layer_file.write_text(json.dumps(layers))
        return import_network.from_list(self.network_file, self.layer_file, shape)

    def test_state_dict(self):
        self.compare(self.from_list(float_network()), float_network())

    def test_torchscript(self):
        original = float_network()
        torch.jit.script(original).save(str(self.network_file))
        found = import_network.from_list(self.network_file, self.layer_file, (1, 28, 28))
        self.assertIsInstance(found.runtime.module, torch.jit.ScriptModule)
        self.compare(found, original)

    def test_squares_are_completed(self):
        layers = with_coefficients(LAYERS, [0.25, 0.5, 0.125])
        network = self.compare(self.from_list(float_network(Quadratic), layers), float_network(Quadratic))
        self.assertTrue(network.layers[1].bare)

    def test_batch_norm_after_a_square(self):
        original = float_network(norm_last=True)
        layers = [LAYERS[0], LAYERS[2], LAYERS[1], *LAYERS[3:]]
        self.compare(self.from_list(original, layers), original)

    def test_a_batch_norm_that_the_list_does_not_place_is_refused(self):
        with self.assertRaisesRegex(ImportFailure, "fc1: a dense takes weights, but '1' of the state is a batch norm; "
                                                   "list it as .*where it is applied"):
            self.from_list(float_network(), [entry for entry in LAYERS if entry["type"] != "batch_norm"])
        with self.assertRaisesRegex(ImportFailure, "no layer of the list takes the state's 'norm'.*list the batch norm"):
            layer_list.assign(LAYERS[:1], {"conv.weight": torch.zeros(3, 1, 5, 5), "norm.running_mean": torch.zeros(3),
                                           "norm.running_var": torch.ones(3)})

    def test_networks_as_lists(self):
        done = 0
        for name in networks.NETWORKS:
            original, shape = networks.make(name)
            layers = list_of(original)
            if layers is None:
                continue
            with self.subTest(name):
                found = self.from_list(original, layers, shape)
                self.compare(found, original, shape)
                done += 1
        self.assertGreaterEqual(done, 18)

    @unittest.skipUnless(PACKAGES, "onnx and OpenCV are optional")
    def test_networks_as_modules(self):
        """With a module PyTorch itself is what they are compared with, so those pass too that OpenCV cannot read."""
        for name in ("cropping", "one-dimensional", "polynomial", "image from a later vector"):
            original, shape = networks.make(name)
            with self.subTest(name):
                self.compare(import_network.from_module(original, shape), original, shape)
        plain, _ = networks.make("convolution")
        original = nn.Sequential(networks.Written(lambda x: x.permute(0, 3, 1, 2)), plain).eval()
        found = import_network.from_module(original, (7, 6, 2))
        self.assertEqual(found.shape, (2, 7, 6))
        self.compare(found, plain, (2, 7, 6))

    @unittest.skipUnless(PACKAGES, "onnx and OpenCV are optional")
    def test_one_of_a_modules_outputs_is_chosen_by_its_number(self):
        torch.manual_seed(4)
        body, heads = nn.Linear(6, 5), (nn.Linear(5, 2), nn.Linear(5, 3))
        module = networks.Written(lambda x, *own: tuple(head(own[0](x)**2) for head in own[1:]), body, *heads).eval()
        with self.assertRaisesRegex(ImportFailure, "choose one with --output: output0, output1"):
            import_network.from_module(module, (6,))
        self.compare(import_network.from_module(module, (6,), "output1"),
                     nn.Sequential(body, networks.Square(), heads[1]), (6,))

    @unittest.skipUnless(PACKAGES, "onnx and OpenCV are optional")
    def test_onnx(self):
        original = float_network()
        (self.root / "network.onnx").write_bytes(networks.onnx_bytes(original, (1, 28, 28)))
        self.compare(import_network.from_onnx(self.root / "network.onnx"), original)

    @unittest.skipUnless(PACKAGES, "onnx and OpenCV are optional")
    def test_state_dict_with_its_module(self):
        (self.root / "net.py").write_text(MODULE)
        specification = importlib.util.spec_from_file_location("net", self.root / "net.py")
        source = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(source)
        torch.manual_seed(3)
        original = source.Net().eval()
        torch.save(original.state_dict(), self.network_file)
        module = import_network.load_module(f"{self.root / 'net.py'}:Net", self.network_file)
        self.compare(import_network.from_module(module, (1, 28, 28)), original)
        for reference, message in (("net.py", "expected FILE.py:NAME"), (f"{self.root / 'none.py'}:Net", "not found"),
                                   (f"{self.root / 'net.py'}:Other", "no attribute 'Other'")):
            with self.assertRaisesRegex(ImportFailure, message):
                import_network.load_module(reference, self.network_file)

    def test_the_proof_refuses_another_network(self):
        found = self.from_list(float_network())
        network = import_network.bring_in(found, "imported", 255)
        with torch.no_grad():
            network.weighted()[1].weight[0, 0] += 1
        with self.assertRaisesRegex(ImportFailure, "differs from the original as PyTorch computes it"):
            import_network.prove(found, network, proof.random_pixels((1, 28, 28)), dataset.InputScale())

    def test_input_scales_fold_into_the_first_layer(self):
        original = float_network()
        for scale in (dataset.InputScale(mean=np.full((1, 1, 1), 0.13), deviation=np.full((1, 1, 1), 0.31)),
                      dataset.InputScale(np.float64(-1), np.float64(1))):
            self.compare(self.from_list(float_network()), original, scale=scale)
        # By feature, and as many identity layers as that takes: none.
        torch.manual_seed(1)
        original = nn.Sequential(nn.Linear(4, 3), networks.Square(), nn.Linear(3, 2)).eval()
        layers = [{"type": "dense", "name": "fc1", "outputs": 3}, {"type": "activation", "name": "act1"},
                  {"type": "dense", "name": "fc2", "outputs": 2}]
        low, high = np.array([0.0, -3, 2, 1]), np.array([1.0, 5, 2.5, 9])
        scale = dataset.InputScale(low.reshape(4, 1, 1), high.reshape(4, 1, 1))
        network = self.compare(self.from_list(original, layers, (4,)), original, (4,), scale)
        self.assertEqual(len(network.weighted()), 2)

    def kinds(self, name):
        original, shape = networks.make(name)
        network = self.compare(self.from_list(original, list_of(original), shape), original, shape)
        return [entry["type"] for entry in network.recipe["layers"]], network

    def test_linear_layers_in_a_row_become_one_where_that_is_less_work(self):
        kinds, network = self.kinds("linear layers in a row")
        self.assertEqual(kinds, ["convolution", "activation", "flatten", "dense", "activation", "dense"])
        self.assertEqual(network.weighted()[1].weight.shape, (5, 40))
        self.assertRegex(network.remarks[0], r"layer2 \(sum\) ... layer6: .* one of 200 products instead of 1,512")
        # A dense layer behind a pool has fewer products than without it, and layers of images share their weights.
        for name in ("average pool", "depthwise"):
            kinds, network = self.kinds(name)
            self.assertEqual((len(kinds), network.remarks), (5, []), name)

    def test_a_padding_of_zeros_is_the_convolutions_own(self):
        self.assertEqual(self.kinds("asymmetric padding")[0], ["convolution", "activation", "flatten", "dense"])

    def test_a_constant_before_padding_settles_in_the_activation_over_pools(self):
        original, shape = networks.make("polynomial, pool, then padding")
        pooled = import_network.bring_in(import_network.from_module(original, shape), "imported", 255)
        self.assertEqual([entry["type"] for entry in pooled.recipe["layers"]],
                         ["convolution", "activation", "sum_pool", "convolution", "activation", "flatten", "dense"])

    def test_even_thresholds_round(self):
        for levels in (1, 3, 15, 255):
            pixels = np.arange(256, dtype=np.uint8)
            found = data.quantise(pixels, lowering.even_thresholds(levels))
            np.testing.assert_array_equal(found, np.floor(pixels / 255 * levels + 0.5))


class PaddingTest(unittest.TestCase):
    def test_even_padding_is_what_the_format_has_and_does_the_same(self):
        generator = torch.Generator().manual_seed(1)
        for kernel in range(1, 5):
            weight = torch.rand(1, 1, 1, kernel, generator=generator)
            image = torch.rand(1, 1, 1, 6, generator=generator)
            for begin in range(-2, 6):
                for end in range(-2, 6):
                    if 6 + begin + end < kernel:
                        continue
                    before, after, padding = lowering.even_padding(kernel, begin, end)
                    self.assertTrue(0 <= padding < kernel + before + after and before >= 0 and after >= 0)
                    for stride in (1, 2):
                        plain = nn.functional.conv2d(nn.functional.pad(image, (begin, end)), weight, stride=stride)
                        even = nn.functional.conv2d(image, nn.functional.pad(weight, (before, after)), stride=stride,
                                                    padding=(0, padding))
                        torch.testing.assert_close(even, plain)


class IntegerTest(unittest.TestCase):
    """The exported integers compute what the rounded float network computes."""

    def test_integers_equal_the_rounded_network(self):
        for name in ("convolution", "rectangular kernel", "asymmetric padding", "batch norm, then padding", "cubic",
                     "pool before the square", "average without its padding", "square of a polynomial"):
            with self.subTest(name):
                original, shape = networks.make(name)
                layers = fl.FloatNetwork(self.layers(original, shape))
                network = import_network.bring_in(import_network.Original(layers, None), "imported", 15)
                import_network.quantise_stepwise(network, "uniform", [31] * len(network.weighted()), lambda step: None)
                model = network.to_integer()
                export.check(model)
                pixels = proof.random_pixels(model.input_shape, 20)
                levels = torch.from_numpy(data.quantise(pixels, model.thresholds) / 15).double()
                with torch.no_grad():
                    wanted = network.double()(levels).numpy()
                found = evaluate.logits(model, pixels).astype(float) * model.output_scale
                np.testing.assert_allclose(found, wanted * network.recipe["output_factor"], rtol=1e-4,
                                           atol=1e-4 * np.abs(found).max())

    def layers(self, original, shape):
        """Read by hand, so that this needs no ONNX."""
        layers = [fl.Input("input", [], import_network.canonical(shape))]
        for number, module in enumerate(original):
            source = layers[-1]
            size = tuple(module(torch.rand(2, *self.plain(source.shape, module))).shape[1:])
            size = (*size, 1, 1)[:3]
            name = f"layer{number}"
            if isinstance(module, nn.Conv2d):
                top, left = module.padding
                layers.append(fl.Convolution(name, [source], size, module.weight.detach().double().numpy(),
                                             module.bias.detach().double().numpy(), module.stride,
                                             (top, left, top, left)))
            elif isinstance(module, nn.Linear):
                layers.append(fl.Dense(name, [source], size, module.weight.detach().double().numpy(),
                                       module.bias.detach().double().numpy()))
            elif isinstance(module, nn.BatchNorm2d):
                factor = (module.weight / torch.sqrt(module.running_var + module.eps)).detach().double().numpy()
                offset = module.bias.detach().double().numpy() - module.running_mean.double().numpy() * factor
                layers.append(fl.Affine(name, [source], size, factor.reshape(-1, 1, 1), offset.reshape(-1, 1, 1)))
            elif isinstance(module, nn.AvgPool2d):
                kernel, stride = (layer_list._pair(one) for one in (module.kernel_size, module.stride))
                layers += fl.average_pool(name, source, kernel, stride, (module.padding,) * 4, module.count_include_pad)
            elif isinstance(module, nn.ZeroPad2d):
                left, right, top, bottom = module.padding
                layers.append(fl.Padding(name, [source], size, (top, left, bottom, right)))
            elif isinstance(module, nn.Flatten):
                layers.append(fl.View(name, [source], size))
            elif isinstance(module, networks.Square):
                layers.append(fl.Polynomial(name, [source], size, (0.0, 0.0, 1.0)))
            elif not isinstance(module, nn.BatchNorm1d):
                points = torch.linspace(-1, 1, 9).double()
                degree = 3 if module(torch.tensor(2.0)) < 5 else 4
                coefficients = np.polynomial.polynomial.polyfit(points, module(points), degree)
                layers.append(fl.Polynomial(name, [source], size, tuple(np.round(coefficients, 9))))
        return layers

    def plain(self, shape, module):
        return shape[:1] if isinstance(module, nn.Linear) else shape


class CommandTest(SourceTest):
    def run_command(self, *arguments):
        """(exit code, standard output, standard error)."""
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as failed:
            code = import_network.main([str(one) for one in arguments])
        return code, printed.getvalue(), failed.getvalue()

    def refused(self, message, *arguments):
        before = sorted(self.root.rglob("*"))
        code, _, failed = self.run_command(*arguments)
        self.assertEqual(code, 1)
        self.assertRegex(failed, message)
        self.assertEqual(failed.count("\n"), 1, failed)
        self.assertEqual(sorted(self.root.rglob("*")), before)

    def test_command(self):
        sample.write_mnist(self.root, np.random.default_rng(1), data.VALIDATION + 10, 10)
        torch.save(float_network().state_dict(), self.network_file)
        output = self.root / "out.lacuna.json"
        arguments = [self.network_file, output, "--layers", self.layer_file, "--mnist", self.root, "--grid", "power",
                     "--size", 4]
        code, printed, failed = self.run_command(*arguments)
        self.assertEqual((code, failed), (0, ""))
        for step in ("512 inputs, largest difference", "may have been trained on these", "original network",
                     "imported float network", "inputs in 0 ... 15", "conv1 on", "fc1 on", "fc2 on", "biases",
                     "evaluated exactly"):
            self.assertIn(step, printed)
        self.assertEqual(export.load(output).name, "imported")
        self.refused("exists; --force", *arguments)
        _, printed, _ = self.run_command(*arguments, "--force", "--part", "test")
        self.assertIn("test set\n", printed)
        self.assertNotIn("may have been trained", printed)

    def test_a_table_from_import_to_pixels(self):
        generator = np.random.default_rng(1)
        features = generator.normal(size=(60, 4)) * [1, 10, 100, 0.1]
        table = self.root / "table.csv"
        rows = [",".join([*map(str, row), str(int(row[0] > 0))]) for row in features.tolist()]
        table.write_text("\n".join(["a,b,c,d,class", *rows]) + "\n")
        self.layer_file.write_text(json.dumps([{"type": "dense", "name": "fc1", "outputs": 2}]))
        network = nn.Linear(4, 2)
        torch.save({f"fc.{key}": value for key, value in network.state_dict().items()}, self.network_file)
        out, pixels, labels = (self.root / name for name in ("out.json", "pixels.csv", "labels.txt"))
        code, printed, failed = self.run_command(self.network_file, out, "--layers", self.layer_file, "--input-shape", 4,
                                                 "--data", table, "--input-levels", 255, "--size", 1000)
        self.assertEqual((code, failed), (0, ""))
        self.assertIn("the range that each feature has in table.csv", printed)
        exact = float(re.search(r"([\d.]+)%  out.json, evaluated exactly", printed)[1])
        for command, arguments, message in (
                (to_pixels, [table, "--out", pixels, "--labels", labels], "60 inputs of 4 pixels"),
                (evaluate, ["--data", table], f"{exact:.2f}%; the imported network may have been trained on these")):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                self.assertEqual(command.main([str(one) for one in (out, *arguments)]), 0)
            self.assertIn(message, printed.getvalue())
        self.assertEqual(json.loads(out.read_text())["version"], 2)
        written = np.loadtxt(pixels, delimiter=",")
        low, high = features.min(0), features.max(0)
        np.testing.assert_array_equal(written, np.round((features - low) / (high - low) * 255))
        np.testing.assert_array_equal(np.loadtxt(labels), features[:, 0] > 0)
        with contextlib.redirect_stderr(io.StringIO()) as stream:
            self.assertEqual(to_pixels.main([str(out), str(table), "--out", str(pixels)]), 1)
            model = export.load(out)
            model.provenance = {}
            model.low = model.high = None
            export.save(model, out)
            self.assertEqual(evaluate.main([str(out), "--data", str(table)]), 1)
        # A file of version 1 has the ranges in its provenance.
        model.provenance = {"feature_low": low.tolist(), "feature_high": high.tolist()}
        export.save(model, out)
        self.assertEqual(json.loads(out.read_text())["version"], 1)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(evaluate.main([str(out), "--data", str(table)]), 0)
        self.assertIn(f"{exact:.2f}%", printed.getvalue())
        self.assertRegex(stream.getvalue(), "exists; --force(.|\n)*notes no ranges for its 4 features")

    def test_refusals(self):
        out = self.root / "out.json"
        torch.save({"0.weight": torch.zeros(2, 2)}, self.root / "wrong.pt")
        torch.save([1, 2], self.root / "list.pt")
        torch.save(float_network(), self.root / "whole.pt")
        (self.root / "text.pt").write_text("no network")
        (self.root / "text.onnx").write_text("no network")
        torch.save(float_network().state_dict(), self.network_file)
        with_list = ("--layers", self.layer_file)
        for source, message in (("wrong.pt", "no weights for it|shape"), ("text.pt", "neither"),
                                ("whole.pt", "run any code.*model.state_dict"),
                                ("list.pt", "found list"), ("none.pt", "not found")):
            with self.subTest(source):
                self.refused(message, self.root / source, out, *with_list)
        if PACKAGES:
            self.refused("text.onnx: not an ONNX file", self.root / "text.onnx", out)
            self.refused("none.onnx: not found", self.root / "none.onnx", out)
        for message, *arguments in (
                ("needs --module FILE.py:NAME or --layers",),
                ("exclude each other", *with_list, "--module", "net.py:Net"),
                ("1 to 64 characters of a-z", *with_list, "--name", "My Model"),
                ("1 ... 255", *with_list, "--input-levels", 256),
                (r"sizes \[63\] of a power grid: expected 1 ... 31", *with_list, "--grid", "power", "--size", 63),
                ("--unseen", *with_list, "--part", "test", "--data", self.network_file),
                ("2 sizes for 3 layers with weights: conv1, fc1, fc2", *with_list, "--size", 3, 4),
                ("--mean: 2 numbers for 1 channels", *with_list, "--mean", 1, 2),
                ("--std: expected numbers above 0", *with_list, "--std", 0),
                ("none: not found", *with_list, "--data", self.root / "none"),
                ("--input-shape", *with_list, "--input-shape", 0),
                ("LOW below HIGH", *with_list, "--input-range", 1, 0)):
            with self.subTest(message):
                self.refused(message, self.network_file, out, *arguments)
        self.refused("no such folder", self.network_file, self.root / "new" / "out.json", *with_list)
        self.refused("is a folder", self.network_file, self.root, *with_list)

    def test_every_slip_in_a_list_of_layers(self):
        torch.save(float_network().state_dict(), self.network_file)
        for slip, message in (
                ("{", "layers.json: .*Expecting"), ({}, "a list of layers"), ([], "a list of layers"),
                ([1], "a list of layers"), ([{"type": "flatten"}], "layer 1: \"name\" is missing"),
                ([LAYERS[4], LAYERS[4]], "the name 'flatten' is taken"),
                ([{"type": "conv", "name": "a"}], "type 'conv' is unknown; known are convolution"),
                ([{"type": "dense", "name": "a"}], "a: 'outputs' is missing"),
                ([{"type": "dense", "name": "a", "outputs": "10"}], "a: 'outputs' is '10'; expected a number"),
                ([dict(LAYERS[0], kernal=5)], "a convolution has no 'kernal'"),
                ([dict(LAYERS[0], stride=[1, 2, 3])], "'stride' is .*2 numbers from 1 on"),
                ([dict(LAYERS[0], padding=-1)], "'padding' is -1"),
                ([{"type": "activation", "name": "a", "coefficients": [1, "x"]}], "a: expected \"coefficients\""),
                ([{"type": "activation", "name": "a", "function": "sin"}], "function 'sin' is unknown"),
                ([dict(LAYERS[0], maps=4), *LAYERS[1:]], r"conv1: weight of shape \(4, 1, 5, 5\) expected, found \(3,"),
                ([LAYERS[0], LAYERS[1], *LAYERS[5:]], "fc1: reads 3 x 13 x 13; a flatten"),
                (LAYERS[:-1], "no layer of the list takes the state's '7'"),
                ([*LAYERS, {"type": "dense", "name": "fc3", "outputs": 2}], "fc3: the state has no weights for it"),
                ([dict(LAYERS[0], module="9"), *LAYERS[1:]], "conv1: .* under '9'; it has 0, 1")):
            with self.subTest(message):
                self.layer_file.write_text(slip if isinstance(slip, str) else json.dumps(slip))
                self.refused(message, self.network_file, self.root / "out.json", "--layers", self.layer_file)

    def test_relu_and_max_pool_are_refused_or_replaced_and_retrained(self):
        generator = np.random.default_rng(1)
        values = generator.integers(0, 256, (1500, 1, 6, 6)).astype(np.uint8)
        np.save(self.root / "x.npy", values)
        np.save(self.root / "y.npy", (values[:, 0, :3].mean((1, 2)) > values[:, 0, 3:].mean((1, 2))).astype(np.int64))
        layers = [{"type": "convolution", "name": "conv1", "maps": 3, "kernel": 3, "padding": 1},
                  {"type": "activation", "name": "act1", "function": "relu"},
                  {"type": "max_pool", "name": "pool1", "window": 2}, {"type": "flatten", "name": "flatten"},
                  {"type": "dense", "name": "fc1", "outputs": 2}]
        torch.manual_seed(1)
        original = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                 nn.Linear(27, 2)).eval()
        torch.save(original.state_dict(), self.network_file)
        self.layer_file.write_text(json.dumps(layers))
        out = self.root / "out.json"
        arguments = [self.network_file, out, "--layers", self.layer_file, "--input-shape", 1, 6, 6]
        self.refused("relu 'act1': .*--activation poly .*--retrain DATA", *arguments)
        code, printed, failed = self.run_command(*arguments, "--activation", "poly", "--epochs", 20, "--rate", 0.01,
                                                 "--retrain", self.root / "x.npy", self.root / "y.npy")
        self.assertEqual((code, failed), (0, ""))
        for step in ("act1: .*instead of relu", "pool1: average pool instead", "retrained for 20 epochs\n",
                     "retrained for 10 epochs with rounded weights", "held out of the retraining"):
            self.assertRegex(printed, step)
        shares = {title: float(share) for share, title in re.findall(r"^ *([\d.]+)%  (.*)$", printed, re.MULTILINE)}
        self.assertGreater(shares["out.json, evaluated exactly"], shares["original network"] + 15)
        model = export.load(out)
        self.assertEqual([layer.kind for layer in model.layers],
                         ["convolution", "activation", "sum_pool", "flatten", "dense"])


if __name__ == "__main__":
    unittest.main()
