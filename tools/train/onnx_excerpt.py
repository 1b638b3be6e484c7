# SPDX-License-Identifier: Apache-2.0
"""The part of an ONNX file that an import followed, for ONNX's shape inference and for another runtime."""

import numpy as np

try:
    import onnx
    import onnx.numpy_helper
except ImportError:
    onnx = None

from float_layers import ImportFailure


def compare_shapes(reader, inferred):
    """ONNX's own shape inference has to agree with ours, wherever it knows a size."""
    for entry in [*inferred.graph.value_info, *inferred.graph.output]:
        value = reader.values.get(entry.name)
        if value is None or not entry.type.tensor_type.HasField("shape"):
            continue
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in entry.type.tensor_type.shape.dim]
        ours = (reader.batch, *value.shape)
        if len(sizes) != len(ours) or any(theirs not in (None, size) for theirs, size in zip(sizes, ours)):
            raise ImportFailure(f"{entry.name!r}: the file's shape inference gives {sizes}, the graph {list(ours)}; "
                                f"export the network again")


def excerpt(model, reader, reading):
    """The file with no other nodes than those of the way from the input to the logits, for another runtime."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    graph = part.graph
    needed, wanted = set(), [reading.output_name]
    while wanted:
        node = reader.makers.get(wanted.pop())
        if node is not None and id(node) not in needed:
            needed.add(id(node))
            wanted.extend(node.input)
    kept = [node for node in reader.order if id(node) in needed]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.value_info[:]
    del graph.output[:]
    shape = reader.values[reading.output_name].shape
    graph.output.append(onnx.helper.make_tensor_value_info(reading.output_name, onnx.TensorProto.FLOAT,
                                                           [reading.batch, *shape]))
    read_names = {name for node in kept for name in node.input}
    inputs = [entry for entry in graph.input if entry.name in read_names]
    inputs = [onnx.ValueInfoProto.FromString(entry.SerializeToString()) for entry in inputs]
    for entry in inputs:
        if entry.name == reading.input_name:
            entry.type.tensor_type.shape.dim[0].dim_value = reading.batch
    del graph.input[:]
    graph.input.extend(inputs)
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in read_names:
            del graph.initializer[index]
    return part


def suit_opencv(part, reader):
    """OpenCV 4.6 takes SAME_LOWER for SAME_UPPER and a constant of n columns for one of n channels, ignores Gemm's
    alpha, beta and transB, decides by the producer, not by count_include_pad, whether an average counts the padding, and wants
    kernel_shape, and names that no other node has. Says the same in a way that it understands."""
    averages = [node for node in part.graph.node if node.op_type == "AveragePool"]
    counts = any(a.name == "count_include_pad" and a.i for node in averages for a in node.attribute)
    part.producer_name = "pytorch" if counts else ""
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in part.graph.initializer}
    for number, node in enumerate(part.graph.node):
        node.name = f"node{number}"
        weight = tensors.get(node.input[1]) if node.op_type == "Conv" else None
        if weight is not None and not any(a.name == "kernel_shape" for a in node.attribute):
            node.attribute.append(onnx.helper.make_attribute("kernel_shape", weight.shape[2:]))
        full = next(((reader.batch, *reader.values[name].shape) for name in node.input if name in reader.values), ())
        for index, name in enumerate(node.input) if node.op_type in ("Add", "Sub", "Mul", "Div") else ():
            array = reader.constants.get(name)
            if array is not None and array.size > 1 and array.ndim < len(full) > 2:
                node.input[index] = f"operand {index} of node {number}"
                part.graph.initializer.append(onnx.numpy_helper.from_array(
                    np.broadcast_to(array, full).copy(), node.input[index]))
        if node.output[0] in reader.lower_pads:
            node.attribute.remove(next(a for a in node.attribute if a.name == "auto_pad"))
            node.attribute.append(onnx.helper.make_attribute("pads", reader.lower_pads[node.output[0]]))
        if node.op_type != "Gemm":
            continue
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if any(name not in tensors for name in node.input[1:]):
            continue
        weight = tensors[node.input[1]] * np.float32(given.get("alpha", 1.0))
        operands = [weight if given.get("transB", 0) else weight.T]
        operands += [tensors[name] * np.float32(given.get("beta", 1.0)) for name in node.input[2:]]
        for index, array in enumerate(operands, 1):
            node.input[index] = f"operand {index} of node {number}"
            part.graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(array), node.input[index]))
        del node.attribute[:]
        node.attribute.append(onnx.helper.make_attribute("transB", 1))
