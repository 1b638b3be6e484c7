# SPDX-License-Identifier: Apache-2.0
"""ONNX files with one thing changed: a node dropped or of another kind, an attribute, an edge, a tensor."""

import copy

import onnx
from onnx import helper, numpy_helper

KINDS = ("Add", "Sub", "Mul", "Div", "Relu", "Identity", "Flatten", "Neg", "Softmax", "Conv", "Gemm", "MatMul",
         "AveragePool", "MaxPool", "GlobalAveragePool", "Transpose", "Squeeze", "Pow", "Sigmoid", "Reshape")
NEW_ATTRIBUTES = (("auto_pad", "SAME_UPPER"), ("auto_pad", "SAME_LOWER"), ("auto_pad", "VALID"), ("transA", 1),
                  ("transB", 0), ("alpha", 0.5), ("beta", 2.0), ("group", 2), ("dilations", [2, 2]), ("ceil_mode", 1),
                  ("count_include_pad", 1), ("axis", 2), ("axis", 0), ("pads", [1, 0, 0, 1]), ("strides", [2, 1]),
                  ("training_mode", 1), ("epsilon", 0.1), ("allowzero", 1), ("unheard_of", 1))


def _drop(graph, choose):
    node = choose(graph.node)
    if choose((True, False)):  # what read it reads what it read
        for other in graph.node:
            for index, name in enumerate(other.input):
                if name == node.output[0]:
                    other.input[index] = node.input[0] if node.input else ""
        for output in graph.output:
            if output.name == node.output[0] and node.input:
                output.name = node.input[0]
    graph.node.remove(node)


def _change_attribute(graph, choose):
    nodes = [node for node in graph.node if node.attribute]
    if not nodes:
        return
    attribute = choose(choose(nodes).attribute)
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i += choose((-2, -1, 1, 2))
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = attribute.f * choose((0.5, -1.0, 2.0)) + choose((0.0, 0.5))
    elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
        index = choose(range(len(attribute.ints)))
        attribute.ints[index] += choose((-1, 1, 2))
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = choose((b"SAME_UPPER", b"VALID", b"reflect", b"edge"))
    elif attribute.type == onnx.AttributeProto.TENSOR:
        array = numpy_helper.to_array(attribute.t).copy()
        if array.size:
            array.reshape(-1)[choose(range(array.size))] += choose((-1, 1))
            attribute.t.CopyFrom(numpy_helper.from_array(array, attribute.t.name))


def _add_attribute(graph, choose):
    name, value = choose(NEW_ATTRIBUTES)
    node = choose(graph.node)
    for attribute in list(node.attribute):
        if attribute.name == name:
            node.attribute.remove(attribute)
    node.attribute.append(helper.make_attribute(name, value))


def _remove_attribute(graph, choose):
    nodes = [node for node in graph.node if node.attribute]
    if nodes:
        node = choose(nodes)
        node.attribute.remove(choose(node.attribute))


def _swap_edges(graph, choose):
    edges = [(node, index) for node in graph.node for index in range(len(node.input))]
    (first, i), (second, j) = choose(edges), choose(edges)
    first.input[i], second.input[j] = second.input[j], first.input[i]


def _move_edge(graph, choose):
    edges = [(node, index) for node in graph.node for index in range(len(node.input))]
    node, index = choose(edges)
    names = [name for other in graph.node for name in (*other.input, *other.output)]
    node.input[index] = choose(names)


def _change_kind(graph, choose):
    choose(graph.node).op_type = choose(KINDS)


def _change_tensor(graph, choose):
    if not graph.initializer:
        return
    tensor = choose(graph.initializer)
    array = numpy_helper.to_array(tensor).copy()
    if choose((True, False)) and array.ndim > 1:
        array = array.swapaxes(0, 1)
    elif array.size:
        array = array.reshape(-1)[:max(1, array.size - choose((0, 1)))] if array.ndim < 2 else -array
    tensor.CopyFrom(numpy_helper.from_array(array.copy(), tensor.name))


def _choose_output(graph, choose):
    node = choose(graph.node)
    graph.output[0].name = node.output[0]
    del graph.output[0].type.tensor_type.shape.dim[:]


def _change_input(graph, choose):
    dimensions = graph.input[0].type.tensor_type.shape.dim
    choose(dimensions).dim_value += choose((-1, 1))


CHANGES = (_drop, _drop, _change_attribute, _change_attribute, _add_attribute, _remove_attribute, _swap_edges,
           _swap_edges, _move_edge, _change_kind, _change_tensor, _choose_output, _change_input)


def mutated(model, generator):
    """A copy of the model with one change, sometimes two; and their names."""
    model = copy.deepcopy(model)

    def choose(options):
        return options[int(generator.integers(len(options)))]

    names = []
    for _ in range(1 if generator.random() < 0.8 else 2):
        change = choose(CHANGES)
        if model.graph.node:
            change(model.graph, choose)
            names.append(change.__name__.strip("_"))
    return model, " and ".join(names)
