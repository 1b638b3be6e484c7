# SPDX-License-Identifier: Apache-2.0
"""Reads the float network out of an ONNX graph by following its edges from one output back to the input.

Every tensor is understood or refused. A tensor that depends on the input is an element-by-element function of the
output of one layer (a Value), so that a polynomial may be written out in any way; everything else is a constant and is
computed here. An operator, an attribute or a topology that is not understood is refused by the node's name.
"""

from dataclasses import dataclass

import numpy as np

try:
    import onnx
    import onnx.numpy_helper
    import onnx.shape_inference
except ImportError:
    onnx = None

import float_layers as fl
import onnx_constants
import onnx_excerpt
from float_layers import ImportFailure
from onnx_operators import OPERATORS, Attributes, Operators, Value, canonical

OPSETS = range(9, 18)  # below 9 OpenCV 4.6 misses constants; above 17 Debian's onnx cannot check a file
LARGEST_BATCH = 1024
DIMENSION, ELEMENTS = 4096, 2**20  # of an input, as the model format has them
FREE_BATCH = 16  # what stands for a batch size that the file leaves open

# What a user can do about the operators that networks often have and that have no exact form here.
ADVICE = {
    "ConvTranspose": "resample the images before the network instead",
    "InstanceNormalization": "use batch norm, whose scale is fixed after training",
    "LayerNormalization": "use batch norm, whose scale is fixed after training",
    "Concat": "let one layer compute all its channels",
    "ArgMax": "choose the tensor before it with --output; the class is the largest output anyway",
    "LSTM": "unroll it into dense layers with polynomial activations",
    "GRU": "unroll it into dense layers with polynomial activations",
    "RNN": "unroll it into dense layers with polynomial activations",
}


@dataclass
class Reading:
    network: fl.FloatNetwork
    input_name: str
    output_name: str  # the tensor of the logits
    batch: int
    input_shape: tuple  # as the graph has it, without the batch
    channels_last: bool  # the graph takes N x H x W x C where the network here takes N x C x H x W
    proto: object  # the part of the file that was followed, from input_name to output_name


class GraphReader(Operators):
    def __init__(self, model, output=None):
        self.graph = model.graph
        self.opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
        self.makers = {}
        for node in self.graph.node:
            for name in node.output:
                if name:
                    self.makers[name] = node
        self.constants = {proto.name: onnx.numpy_helper.to_array(proto) for proto in self.graph.initializer}
        self.values, self.layers, self.remarks, self.tail = {}, [], [], {}
        self.lower_pads = {}  # of SAME_LOWER, by the node's output
        self.channels_last = False
        self.output = self._output(output)
        self.order = self._order()
        self.node_names = {id(node): self._node_name(node) for node in self.order}
        self.input_name, self.batch = self._input()
        self.current = None

    # --- the way from the output back ---------------------------------------------------------------------------------

    def _node_name(self, node):
        return f"{node.op_type} {node.name!r}" if node.name else f"{node.op_type} (for {node.output[0]!r})"

    def _output(self, wanted):
        outputs = [entry.name for entry in self.graph.output]
        if wanted is None:
            if len(outputs) != 1:
                raise ImportFailure(f"the network has {len(outputs)} outputs; choose one with --output: "
                                    f"{', '.join(outputs)}")
            wanted = outputs[0]
        if wanted not in self.makers:
            raise ImportFailure(f"no node computes the output {wanted!r}; the network's outputs: {', '.join(outputs)}")
        return wanted

    def _order(self):
        """The nodes that the output needs, each after those that it reads."""
        order, state, stack = [], {}, [(self.makers[self.output], False)]
        while stack:
            node, done = stack.pop()
            if done:
                state[id(node)] = "done"
                order.append(node)
                continue
            if state.get(id(node)) == "done":
                continue
            state[id(node)] = "open"
            stack.append((node, True))
            for name in node.input:
                maker = self.makers.get(name)
                if maker is None or state.get(id(maker)) == "done":
                    continue
                if state.get(id(maker)) == "open":
                    raise ImportFailure(f"{self._node_name(maker)}: reads its own output over other nodes")
                stack.append((maker, False))
        return order

    def _input(self):
        known = {entry.name: entry for entry in self.graph.input if entry.name not in self.constants}
        needed = []
        for node in self.order:
            for name in node.input:
                if name and name not in self.makers and name not in self.constants and name not in needed:
                    if name not in known:
                        raise ImportFailure(f"{self.node_names[id(node)]}: reads {name!r}, which nothing computes")
                    needed.append(name)
        if len(needed) != 1:
            raise ImportFailure(f"one input is possible, this network reads {len(needed)}"
                                f"{': ' + ', '.join(needed) if needed else ''}; make the others constants")
        kind = known[needed[0]].type.tensor_type
        if kind.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            raise ImportFailure(f"input {needed[0]!r}: expected float32 or float64 numbers; export the network with a "
                                f"float input")
        sizes = [entry.dim_value if entry.HasField("dim_value") else None for entry in kind.shape.dim]
        if not 2 <= len(sizes) <= 4:
            raise ImportFailure(f"input {needed[0]!r}: expected N x features, N x C x length or N x C x H x W, found "
                                f"{len(sizes)} dimensions")
        if any(size is None or size < 1 for size in sizes[1:]):
            raise ImportFailure(f"input {needed[0]!r}: only the batch may be left open, found {sizes}; export the "
                                f"network for one input size")
        batch = sizes[0] if sizes[0] and sizes[0] > 0 else FREE_BATCH
        shape = tuple(sizes[1:])
        if batch > LARGEST_BATCH or max(shape) > DIMENSION or int(np.prod(shape)) > ELEMENTS:
            raise ImportFailure(f"input {needed[0]!r}: {sizes}; at most {LARGEST_BATCH} inputs a batch, and in each "
                                f"{DIMENSION:,} along a dimension and {ELEMENTS:,} numbers are possible")
        source = fl.Input("input", [], canonical(shape))
        self.layers.append(source)
        self.values[needed[0]] = Value(source, shape)
        self.graph_shape = shape
        return needed[0], batch

    # --- the nodes ----------------------------------------------------------------------------------------------------

    def read(self):
        for node in self.order:
            self.current = node
            if node.domain not in ("", "ai.onnx"):
                self.fail(f"operators of {node.domain!r} are not known; export with standard operators")
            attributes = Attributes(node, {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute})
            inputs = [self._operand(name) for name in node.input]
            while inputs and inputs[-1] is None:
                inputs.pop()
            values = [one for one in inputs if isinstance(one, Value)]
            if any(one.layer in self.tail for one in values if isinstance(one, Value)) and \
                    node.op_type not in ("Identity", "Dropout", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"):
                self.fail("reads a softmax; choose the logits with --output")
            if values and node.op_type != "Shape":
                handler = getattr(self, f"_{node.op_type.lower()}", None) if node.op_type in OPERATORS else None
                if handler is None:
                    self.fail(f"{node.op_type} is not supported; "
                              f"{ADVICE.get(node.op_type, 'replace it with layers that are (README, import)')}")
                result = handler(attributes, *inputs)
            else:
                full = (self.batch, *values[0].shape) if values else getattr(inputs[0], "shape", ()) if inputs else ()
                result = onnx_constants.evaluate(node, attributes, inputs, self.opset, full, self.fail)
            if attributes.values:
                self.fail(f"attribute {sorted(attributes.values)[0]!r} is not understood; export without it")
            for name in node.output[1:]:
                if name and any(name in other.input for other in self.order):
                    self.fail(f"its further output {name!r} is read; only the first one is known")
            if isinstance(result, Value):
                self.values[node.output[0]] = result
            else:
                self.constants[node.output[0]] = result
        return self._finish()

    def _operand(self, name):
        if not name:
            return None
        if name == self.input_name and self.channels_last:
            self.fail("reads the input, which another node has turned from N x H x W x C to N x C x H x W")
        return self.values[name] if name in self.values else self.constants[name]

    def _finish(self):
        if self.output not in self.values:
            raise ImportFailure(f"the output {self.output!r} does not depend on the input")
        name, value, binary = self.output, self.values[self.output], False
        while value.layer in self.tail:
            name, value, title = self.tail[value.layer]
            self.remarks.append(f"{title} at the end falls away: it keeps the order of the outputs")
        if value.inside is not None:
            title, (name, value) = value.title, value.inside
            binary = int(np.prod(value.shape)) == 1
            self.remarks.append(f"{title} at the end falls away: it rises with the output"
                                + (", whose sign chooses one of two classes" if binary else ""))
        self.current = self.makers[name] if name in self.makers else self.order[-1]
        last = self.layer_of(value)
        return Reading(fl.FloatNetwork(self._reachable(last), self.remarks, binary), self.input_name, name, self.batch,
                       self.graph_shape, self.channels_last, None)

    def _reachable(self, last):
        needed, stack = {self.layers[0], last}, [last]
        while stack:
            for source in stack.pop().sources:
                if source not in needed:
                    needed.add(source)
                    stack.append(source)
        return [layer for layer in self.layers if layer in needed]


def read(file, output=None):
    """The network of an ONNX file. ImportFailure names the file, and the node where there is one."""
    require_onnx()
    try:
        model = onnx.load(str(file), load_external_data=False)
    except FileNotFoundError as problem:
        raise ImportFailure(f"{file}: not found") from problem
    except Exception as problem:  # the protobuf library has no common class of errors
        raise ImportFailure(f"{file}: not an ONNX file ({_first_line(problem)})") from problem
    for tensor in onnx.external_data_helper._get_all_tensors(model):
        if onnx.external_data_helper.uses_external_data(tensor):
            # A path in a file that came from elsewhere may name any file of this machine.
            raise ImportFailure(f"{file}: the weights {tensor.name!r} lie in another file; save the network as one "
                                f"file")
    try:
        return read_model(model, output)
    except ImportFailure as problem:
        raise ImportFailure(f"{file}: {problem}") from problem


def _first_line(problem):
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def require_onnx():
    if onnx is None:
        raise ImportFailure("reading ONNX needs the onnx package (Debian: python3-onnx)")


def read_model(model, output=None):
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset not in OPSETS:
        raise ImportFailure(f"opset {opset}: expected {OPSETS[0]} ... {OPSETS[-1]}; export the network again with such "
                            f"an opset_version")
    try:
        onnx.checker.check_model(model)
    except Exception as problem:  # onnx's checker has no class of its own for errors
        raise ImportFailure(f"not a valid ONNX network: {_first_line(problem)}") from problem
    reader = GraphReader(model, output)
    reading = reader.read()
    reading.proto = onnx_excerpt.excerpt(model, reader, reading)
    try:
        # After our own reading, because a stride of 0 would end the process in here.
        inferred = onnx.shape_inference.infer_shapes(reading.proto, strict_mode=True, check_type=True)
    except Exception as problem:
        raise ImportFailure(f"its shapes do not fit: {_first_line(problem)}") from problem
    onnx_excerpt.compare_shapes(reader, inferred)
    onnx_excerpt.suit_opencv(reading.proto, reader)
    return reading
