# SPDX-License-Identifier: Apache-2.0
"""A network that is read from ONNX is the network that is written there, or it is refused by the node's name."""

import importlib.util
import os
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tests import networks

import dataset
import import_network
import onnx_graph
import proof
import replacement
from float_layers import ImportFailure

PACKAGES = all(importlib.util.find_spec(name) for name in ("onnx", "cv2"))
if PACKAGES:
    import onnx
    from onnx import helper, numpy_helper

    from tests import mutation

MUTATIONS = int(os.environ.get("LACUNA_MUTATIONS", "1000"))


def model(nodes, tensors, shape, outputs=("y",), batch=1, opset=13):
    """A graph from "x" of batch x shape to the outputs."""
    graph = helper.make_graph(
        nodes, "graph", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, *shape])],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, []) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 7
    return made


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], name=f"the_{kind.lower()}", **attributes)


def bring_in(made, output=None):
    """(what was read, its Network)."""
    reading = onnx_graph.read_model(made, output)
    return reading, import_network.bring_in(import_network.Original(reading.network, None), "imported", 255)


def floats(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@unittest.skipUnless(PACKAGES, "onnx and OpenCV are optional")
class OnnxTest(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")  # PyTorch's exporter is talkative

    def holds(self, made, expected, output=None, runtime=True):
        """The import gives what `expected` gives of the same input, a batch of tensors; and so does OpenCV."""
        reading, network = bring_in(made, output)
        pixels = proof.random_pixels(reading.network.layers[0].shape, 32)
        inputs = torch.from_numpy(pixels / 255).float()
        with torch.no_grad():
            shape = inputs.shape[1:] if reading.channels_last else reading.input_shape
            wanted = expected(inputs.reshape(len(inputs), *shape)).flatten(1).double().numpy()
        images = pixels.reshape(len(pixels), *network.input_shape)
        proof.compare(proof.imported_outputs(network, images), wanted, "the test")
        proof.compare(reading.network.forward(pixels / 255).numpy(), wanted, "the test")  # still as it was read
        if runtime:
            import_network.prove(import_network.Original(reading.network, proof.OnnxRuntime(reading)), network, pixels,
                                 dataset.InputScale())
        return network

    def refused(self, made, message, output=None):
        with self.assertRaisesRegex(ImportFailure, message):
            bring_in(made, output)


class GraphTest(OnnxTest):
    """What was silently wrong while nodes were read in the file's order."""

    def heads(self, outputs):
        return model([node("Gemm", "x w b", "h"), node("Mul", "h h", "s"), node("Gemm", "h v", "aux"),
                      node("Gemm", "s v", "y")], {"w": floats(5, 4), "b": floats(4, seed=2), "v": floats(4, 3, seed=3)},
                     (5,), outputs)

    def main_head(self, x):
        return torch.square(x @ torch.tensor(floats(5, 4)) + torch.tensor(floats(4, seed=2))) @ torch.tensor(
            floats(4, 3, seed=3))

    def test_an_auxiliary_head_that_is_no_output_is_left_out(self):
        self.holds(self.heads(("y",)), self.main_head)

    def test_weights_in_other_files_are_refused(self):
        made = model([node("Gemm", "x w", "y")], {"w": floats(5, 4)}, (5,))
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="sub/../../secret")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.onnx"
            file.write_bytes(made.SerializeToString())
            with self.assertRaisesRegex(ImportFailure, "'w' lie in another file; save the network as one"):
                onnx_graph.read(file)

    def test_small_files_that_ask_for_much_memory_are_refused(self):
        self.refused(model([node("Conv", "x w", "y", dilations=[1000000] * 2)], {"w": floats(1, 1, 2, 2)}, (1, 4, 4)),
                     "expected at most 4096")
        self.refused(model([node("ConstantOfShape", "s", "w"), node("MatMul", "x w", "y")],
                           {"s": np.array([4096, 100000])}, (4096,)), "constants: expected at most 67108864")
        self.refused(model([node("Add", "a b", "w"), node("MatMul", "x w", "y")],
                           {"a": floats(4096, 1), "b": floats(1, 20000)}, (4096,)), "constants: expected at most")

    def test_of_two_outputs_one_has_to_be_chosen(self):
        made = self.heads(("aux", "y"))
        self.refused(made, "2 outputs; choose one with --output: aux, y")
        self.holds(made, self.main_head, "y")
        self.refused(made, "no node computes the output 'z'", "z")

    def test_an_earlier_tensor_is_squared(self):
        made = model([node("Gemm", "x w", "h"), node("Relu", "h", "r"), node("Gemm", "r v", "unused"),
                      node("Mul", "h h", "s"), node("Add", "s h", "t"), node("Gemm", "t v", "y")],
                     {"w": floats(5, 4), "v": floats(4, 3, seed=3)}, (5,))

        def expected(x):
            h = x @ torch.tensor(floats(5, 4))
            return (h * h + h) @ torch.tensor(floats(4, 3, seed=3))
        self.holds(made, expected)

    def test_nodes_may_stand_in_the_file_only_behind_what_they_read(self):
        made = self.heads(("y",))
        made.graph.node.insert(0, made.graph.node[-1])
        del made.graph.node[-1]
        self.refused(made, "not a valid ONNX network")

    def test_alpha_and_beta_of_gemm(self):
        for transposed in (0, 1):
            weight = floats(4, 4)
            made = model([node("Gemm", "x w b", "y", alpha=0.5, beta=-2.0, transB=transposed)],
                         {"w": weight, "b": floats(4, seed=2)}, (4,))
            weight = torch.tensor(weight.T if transposed else weight)
            self.holds(made, lambda x: 0.5 * x @ weight - 2 * torch.tensor(floats(4, seed=2)))

    def test_auto_pad(self):
        kernel = floats(3, 2, 4, 3)
        for mode, top, bottom, left, right in (("SAME_UPPER", 0, 1, 1, 1), ("SAME_LOWER", 1, 0, 1, 1),
                                               ("VALID", 0, 0, 0, 0)):
            with self.subTest(mode):
                made = model([node("Conv", "x w", "y", auto_pad=mode, strides=[3, 1])], {"w": kernel}, (2, 6, 5))
                self.holds(made, lambda x: F.conv2d(F.pad(x, (left, right, top, bottom)), torch.tensor(kernel),
                                                    stride=(3, 1)))

    def test_a_reshape_to_images_is_no_flatten(self):
        kernel = floats(3, 1, 3, 3)
        made = model([node("Reshape", "x s", "i"), node("Conv", "i w", "c"), node("Mul", "c c", "y")],
                     {"s": np.array([-1, 1, 28, 28]), "w": kernel}, (784,))
        network = self.holds(made, lambda x: F.conv2d(x.reshape(-1, 1, 28, 28), torch.tensor(kernel))**2)
        self.assertEqual(network.input_shape, (1, 28, 28))

    def test_a_reshape_that_mixes_images_is_refused(self):
        made = model([node("Reshape", "x s", "y")], {"s": np.array([-1, 28])}, (784,))
        self.refused(made, "Reshape 'the_reshape': .*mixes the images")

    def test_channels_last_as_tensorflow_has_them(self):
        made = model([node("Transpose", "x", "i", perm=[0, 3, 1, 2]), node("Conv", "i w", "c"), node("Mul", "c c", "s"),
                      node("Transpose", "s", "t", perm=[0, 2, 3, 1]), node("Reshape", "t n", "f"),
                      node("MatMul", "f v", "y")],
                     {"w": floats(3, 2, 3, 3), "n": np.array([-1, 36]), "v": floats(36, 4)}, (5, 6, 2))

        def expected(x):  # N x C x H x W, as pixels come
            image = torch.square(F.conv2d(x, torch.tensor(floats(3, 2, 3, 3))))
            return image.permute(0, 2, 3, 1).flatten(1) @ torch.tensor(floats(36, 4))
        network = self.holds(made, expected)
        self.assertEqual(network.input_shape, (2, 5, 6))
        made = model([node("Transpose", "x", "i", perm=[0, 3, 1, 2]), node("ReduceSum", "x a", "r"),
                      node("ReduceSum", "i a", "s"), node("Add", "r s", "y")], {"a": np.array([2, 3])}, (2, 2, 2))
        self.refused(made, "reads the input, which another node has turned")

    def test_a_tensor_is_viewed_in_the_order_that_it_has(self):
        made = model([node("Gemm", "x w", "h"), node("Mul", "h h", "q"), node("Reshape", "q s", "i"),
                      node("Conv", "i k", "c"), node("Flatten", "c", "f"), node("Gemm", "f v", "y")],
                     {"w": floats(5, 12), "s": np.array([0, 2, 3, 2]), "k": floats(2, 2, 2, 2), "v": floats(4, 3)},
                     (5,))

        def expected(x):
            h = (x @ torch.tensor(floats(5, 12)))**2
            return F.conv2d(h.reshape(-1, 2, 3, 2), torch.tensor(floats(2, 2, 2, 2))).flatten(1) @ torch.tensor(
                floats(4, 3))
        self.holds(made, expected)

    def test_constants_stretch_along_the_last_axis(self):
        """A constant of 3 numbers belongs to the columns of an image, not to its channels."""
        made = model([node("Add", "x c", "h"), node("Conv", "h w", "y")], {"c": floats(3), "w": floats(2, 3, 2, 2)},
                     (3, 3, 3))
        self.holds(made, lambda x: F.conv2d(x + torch.tensor(floats(3)), torch.tensor(floats(2, 3, 2, 2))))

    def test_averages_with_and_without_their_padding(self):
        for counts in (0, 1):
            made = model([node("AveragePool", "x", "y", kernel_shape=[3, 2], pads=[1, 1, 1, 0], strides=[2, 1],
                               count_include_pad=counts)], {}, (2, 5, 4))
            ones = torch.ones(1, 1, 5, 4)

            def expected(x):
                def total(image):
                    return F.avg_pool2d(F.pad(image, (1, 0, 1, 1)), (3, 2), (2, 1), divisor_override=1)
                return total(x) / (6 if counts else total(ones))
            self.holds(made, expected)

    def test_a_binary_answer_becomes_two_classes(self):
        network, shape = networks.make("one output")
        made = onnx.load_model_from_string(networks.onnx_bytes(network, shape))
        found = self.holds_two_classes(made)
        pixels = torch.rand(64, 9, 1, 1)
        self.assertTrue(torch.equal(found(pixels).argmax(1) == 1, network(pixels.flatten(1))[:, 0] > 0.5))

    def holds_two_classes(self, made):
        reading, network = bring_in(made)
        self.assertTrue(reading.network.binary)
        return network


class RefusalTest(OnnxTest):
    def test_every_refusal_names_its_node_and_what_to_do(self):
        image, vector = (2, 6, 6), (8,)
        kernel = {"w": floats(2, 2, 3, 3)}
        matrix = {"w": floats(8, 8)}
        cases = [
            ("no such operator", [node("LRN", "x", "y", size=3)], {}, image, "LRN 'the_lrn': LRN is not supported"),
            ("channels joined", [node("Conv", "x w", "h"), node("Concat", "h h", "y", axis=1)], kernel, image,
             "Concat 'the_concat': .*let one layer compute"),
            ("two tensors multiplied", [node("Gemm", "x w", "h"), node("Mul", "h x", "y")], matrix, vector,
             "Mul 'the_mul': multiplies two different tensors"),
            ("softmax inside", [node("Softmax", "x", "h", axis=1), node("Gemm", "h w", "y")], matrix, vector,
             "Gemm 'the_gemm': reads a softmax"),
            ("softmax over rows", [node("Softmax", "x", "y", axis=2)], {}, image, "not that of the classes"),
            ("transA", [node("Gemm", "x w", "y", transA=1)], {"w": floats(1, 8)}, vector, "transA"),
            ("training", [node("BatchNormalization", "x s s s s", "y", training_mode=1)], {"s": floats(2)}, image,
             "BatchNormalization.*evaluation mode"),
            ("negative variance", [node("BatchNormalization", "x s s s s", "y")],
             {"s": np.array([-1, -1], np.float32)}, image, "variance is negative"),
            ("reflected border", [node("Pad", "x p", "y", mode="reflect")], {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1])},
             image, "Pad 'the_pad': pads by 'reflect'"),
            ("border of ones", [node("Pad", "x p v", "y")],
             {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "v": np.float32(1)}, image, "only zeros"),
            ("images exchanged with channels", [node("Transpose", "x", "y", perm=[1, 0, 2, 3])], {}, image,
             "Transpose 'the_transpose': moves the batch"),
            ("batch reduced", [node("ReduceMean", "x", "y", axes=[0])], {}, image, "only a reduction over rows"),
            ("a weight that is computed", [node("Gemm", "x x", "y", transB=1)], {}, vector, "weight depends on"),
            ("kernel_shape", [node("Conv", "x w", "y", kernel_shape=[2, 2])], kernel, image, "disagree"),
            ("pads and auto_pad", [node("Conv", "x w", "y", auto_pad="SAME_UPPER", pads=[1, 1, 1, 1])], kernel, image,
             "both auto_pad"),
            ("stride 0", [node("Conv", "x w", "y", strides=[0, 1])], kernel, image, "strides .* positive"),
            ("kernel beyond the image", [node("Conv", "x w", "y", dilations=[4, 4])], kernel, image, "does not fit"),
            ("not whole", [node("Pow", "x p", "y")], {"p": np.float32(1.5)}, vector, "expected one whole number"),
            ("degree 16", [node("Pow", "x p", "h"), node("Mul", "h h", "y")], {"p": np.float32(8)}, vector,
             "degree 16; the model format has 8"),
            ("nothing left", [node("Sub", "x x", "y")], {}, vector, "same for every input"),
            ("rounded", [node("Cast", "x", "h", to=6), node("Cast", "h", "y", to=1)], {}, vector, "rounds"),
            ("infinite", [node("Gemm", "x w", "y")], {"w": np.full((8, 8), np.inf, np.float32)}, vector, "not finite"),
            ("argmax", [node("ArgMax", "x", "y", axis=1)], {}, vector, "choose the tensor before it with --output"),
            ("relu", [node("Relu", "x", "h"), node("Gemm", "h w", "y")], matrix, vector,
             "Relu 'the_relu': .*--activation poly"),
            ("max pool", [node("MaxPool", "x", "y", kernel_shape=[2, 2])], {}, image,
             "MaxPool 'the_maxpool': .*average over the same window"),
            ("residual over a cube", [node("Gemm", "x w", "h"), node("Pow", "h p", "s"), node("Gemm", "s w", "t"),
                                      node("Add", "t h", "y")], dict(matrix, p=np.float32(3)), vector,
             "the_add: .*of degree 3"),
            ("residual of two activations", [node("Gemm", "x w", "h"), node("Mul", "h h", "s"), node("Gemm", "s w", "t"),
                                             node("Gemm", "x w", "i"), node("Mul", "i i", "j"), node("Gemm", "j w", "k"),
                                             node("Add", "t k", "y")], matrix, vector, "both come from activations"),
            ("residual over a stride", [node("Conv", "x k", "h", pads=[1, 1, 1, 1]), node("Mul", "h h", "s"),
                                        node("Conv", "s k", "t", strides=[2, 2]), node("Conv", "x k", "i", strides=[2, 2]),
                                        node("Add", "t i", "y")], {"k": floats(2, 2, 3, 3)}, image,
             "the_add: .*changes height or width"),
            ("a tensor for two", [node("Gemm", "x w", "h"), node("Gemm", "h w", "i"), node("Gemm", "h w", "j"),
                                  node("Gemm", "h w", "k"), node("Add", "i j", "l"), node("Add", "k l", "y")], matrix,
             vector, "do not come from one"),
        ]
        for title, nodes, tensors, shape, message in cases:
            with self.subTest(title):
                self.refused(model(nodes, tensors, shape, opset=14 if title == "training" else 12), message)

    def test_an_attribute_that_nobody_knows(self):
        made = model([node("Flatten", "x", "h"), node("Gemm", "h w", "y")], {"w": floats(8, 8)}, (8,))
        made.graph.node[0].attribute.append(helper.make_attribute("axis", 5))
        self.refused(made, "not a valid|the shape|mixes|axis")
        made = model([node("AveragePool", "x", "y", kernel_shape=[2, 2])], {}, (2, 6, 6))
        made.graph.node[0].domain = "com.example"
        made.opset_import.append(helper.make_opsetid("com.example", 1))
        self.refused(made, "operators of 'com.example' are not known")

    def test_inputs_and_versions(self):
        gemm = [node("Gemm", "x w", "y")]
        made = model(gemm, {}, (8,))
        made.graph.input.append(helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [8, 3]))
        self.refused(made, "one input is possible, this network reads 2: x, w")
        self.refused(model(gemm, {"w": floats(8, 3)}, (8,), opset=8), "opset 8: expected 9")
        self.refused(model(gemm, {"w": floats(8, 3)}, ("height",)), "only the batch may be left open")
        self.refused(model(gemm, {"w": floats(2, 3)}, (1, 1, 1, 1, 2)), "expected N x features")


class NetworksTest(OnnxTest):
    """Networks over everything that is understood, as PyTorch exports them."""

    # OpenCV 4.6 cannot crop by negative pads nor pool one-dimensionally: the command refuses these, unless PyTorch's own
    # module is there to be compared with.
    BEYOND_OPENCV = ("cropping", "one-dimensional")

    def test_imported_equals_the_original(self):
        for name in networks.NETWORKS:
            for free_batch, folded in ((False, False), (True, True)):
                with self.subTest(name, free_batch=free_batch, folded=folded):
                    network, shape = networks.make(name)
                    made = onnx.load_model_from_string(networks.onnx_bytes(network, shape, free_batch, folded))
                    if isinstance(network[-1], (torch.nn.Softmax, torch.nn.LogSoftmax, torch.nn.Sigmoid)):
                        network = network[:-1]
                    if name == "one output":
                        self.two_classes(made, network)
                    else:
                        self.holds(made, network, runtime=name not in self.BEYOND_OPENCV)

    def test_every_version_of_the_operators(self):
        for opset in (9, 11, 14, 16):
            for name in ("asymmetric padding", "average pool", "constants around layers", "batch from the shape"):
                with self.subTest(name, opset=opset):
                    network, shape = networks.make(name)
                    made = onnx.load_model_from_string(networks.onnx_bytes(network, shape, opset=opset))
                    self.holds(made, network[:-1] if name == "batch from the shape" else network)

    def test_what_a_polynomial_may_replace_is_read_as_it_is(self):
        nn = torch.nn
        functions = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(), nn.SELU(), nn.SiLU(), nn.GELU(), nn.Sigmoid(),
                     nn.Tanh(), nn.Softplus(), nn.Hardswish(), nn.Hardsigmoid(), nn.MaxPool2d(2),
                     nn.MaxPool2d((3, 2), 1, 1), nn.AdaptiveMaxPool2d(1)]
        for function in functions:
            with self.subTest(str(function)):
                torch.manual_seed(1)
                network = nn.Sequential(nn.Conv2d(2, 3, 3), function, nn.Conv2d(3, 2, 1)).eval()
                made = onnx.load_model_from_string(networks.onnx_bytes(network, networks.IMAGE, opset=14))
                reading = onnx_graph.read_model(made)
                inputs = proof.random_pixels(networks.IMAGE, 32) / 255 * 8 - 4
                with torch.no_grad():
                    wanted = network(torch.from_numpy(inputs).float()).flatten(1).double().numpy()
                proof.compare(reading.network.forward(inputs).numpy(), wanted, "PyTorch")
                with self.assertRaisesRegex(ImportFailure, "--activation poly"):
                    bring_in(made)
                network = reading.network
                while replacement.replaceable(network):
                    replacement.replace_next(network, torch.from_numpy(inputs))
                brought = import_network.bring_in(import_network.Original(network, None), "imported", 255)
                pixels = proof.random_pixels(networks.IMAGE, 32)
                proof.compare(proof.imported_outputs(brought, pixels), network.forward(pixels / 255).numpy(),
                              "its own layers")

    def two_classes(self, made, network):
        reading, imported = bring_in(made)
        pixels = proof.random_pixels((9, 1, 1), 32)
        import_network.prove(import_network.Original(reading.network, proof.OnnxRuntime(reading)), imported, pixels,
                             dataset.InputScale())
        found = proof.imported_outputs(imported, pixels)
        wanted = network(torch.from_numpy(pixels / 255).float().flatten(1)).detach().numpy()
        np.testing.assert_allclose(found[:, 1:] - found[:, :1], wanted, rtol=1e-4, atol=1e-5)

    def test_mutated_files_are_refused_or_equal(self):
        """LACUNA_MUTATIONS=8000 tries more."""
        generator = np.random.default_rng(1)
        names = sorted(networks.NETWORKS)
        originals = {}
        for name in names:
            network, shape = networks.make(name)
            originals[name] = onnx.load_model_from_string(networks.onnx_bytes(network, shape))
        equal = 0
        for number in range(MUTATIONS):
            name = names[number % len(names)]
            made, change = mutation.mutated(originals[name], generator)
            with self.subTest(name, number=number, change=change):
                try:
                    reading, network = bring_in(made)
                    runtime = proof.OnnxRuntime(reading)
                    pixels = proof.random_pixels(reading.network.layers[0].shape, 32)
                    theirs = runtime(dataset.InputScale().original(pixels))
                except ImportFailure:
                    continue
                # Not proof.prove: it would refuse what is wrong, and nothing wrong should get so far.
                ours = proof.imported_outputs(network, pixels.reshape(len(pixels), *network.input_shape))
                proof.compare(ours[:, int(reading.network.binary):], theirs, runtime.title)
                equal += 1
        self.assertGreater(equal, MUTATIONS // 10)


if __name__ == "__main__":
    unittest.main()
