# SPDX-License-Identifier: Apache-2.0
"""The nodes of an ONNX graph that depend on no image: weights, and arithmetic with shapes."""

import math

import numpy as np

try:
    import onnx
    import onnx.mapping
    import onnx.numpy_helper
except ImportError:
    onnx = None

LARGEST_CONSTANT = 2**26  # elements; the largest weights that a model may have are about as many


def evaluate(node, attributes, inputs, opset, full_shape, fail):
    """The array that a node gives.

    inputs: arrays; of a Shape node also one of the network's tensors, whose shape with the batch is full_shape
    fail: raises, with the node's name before the text
    """
    kind = node.op_type
    take = attributes.take

    def axes(position):
        given = take("axes")
        return given if given is not None or len(inputs) <= position else inputs[position].reshape(-1).tolist()

    def gathered():
        return np.take(inputs[0], np.asarray(inputs[1], np.int64), int(take("axis", 0)))

    def sliced():
        if opset < 10:
            starts, ends, steps = take("starts"), take("ends"), None
            along = take("axes")
        else:
            starts, ends, along, steps = (list(inputs[1:]) + [None] * 2)[:4]
        along = range(len(starts)) if along is None else along
        steps = [1] * len(starts) if steps is None else steps
        index = [slice(None)] * inputs[0].ndim
        for start, end, axis, step in zip(starts, ends, along, steps):
            index[int(axis)] = slice(int(start), None if int(end) > 2**60 or int(end) < -2**60 else int(end),
                                     int(step))
        return inputs[0][tuple(index)]

    def divided():
        whole = inputs[0].dtype.kind in "iu"
        return np.trunc(inputs[0] / inputs[1]).astype(inputs[0].dtype) if whole else inputs[0] / inputs[1]

    def shaped():
        return np.array(full_shape[take("start", 0):take("end", len(full_shape))], np.int64)

    def reshaped():
        if take("allowzero", 0):
            fail("allowzero is not supported")
        sizes = inputs[1].reshape(-1).tolist()
        return inputs[0].reshape([inputs[0].shape[i] if s == 0 else s for i, s in enumerate(sizes)])

    def unsqueezed():
        array = inputs[0]
        for axis in sorted(int(a) for a in axes(1)):
            array = np.expand_dims(array, axis)
        return array

    def squeezed():
        gone = axes(1)
        return np.squeeze(inputs[0], None if gone is None else tuple(int(a) for a in gone))

    def valued():
        value = take("value")
        if value is None:
            fail("only a constant with a tensor as its value is known")
        return onnx.numpy_helper.to_array(value)

    def filled():
        value = take("value")
        array = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
        shape = [int(size) for size in inputs[0].reshape(-1)]
        if math.prod(shape) > LARGEST_CONSTANT:
            fail(f"{' x '.join(map(str, shape))} constants: expected at most {LARGEST_CONSTANT}")
        return np.full(inputs[0].reshape(-1).tolist(), array.reshape(-1)[0])

    def cast():
        return inputs[0].astype(onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[take("to")])

    known = {
        "Constant": valued, "ConstantOfShape": filled, "Shape": shaped, "Gather": gathered, "Slice": sliced,
        "Cast": cast, "Reshape": reshaped, "Unsqueeze": unsqueezed, "Squeeze": squeezed, "Div": divided,
        "Concat": lambda: np.concatenate(inputs, int(take("axis"))), "Identity": lambda: inputs[0],
        "Transpose": lambda: np.transpose(inputs[0], take("perm")), "Add": lambda: inputs[0] + inputs[1],
        "Sub": lambda: inputs[0] - inputs[1], "Mul": lambda: inputs[0] * inputs[1], "Neg": lambda: -inputs[0],
        "Sqrt": lambda: np.sqrt(inputs[0]), "Exp": lambda: np.exp(inputs[0]),
    }
    if kind not in known:
        fail(f"{kind} of constants is not supported; export the network with constants folded")
    if kind in ("Add", "Sub", "Mul", "Div") and len(inputs) == 2:
        try:
            count = math.prod(np.broadcast_shapes(inputs[0].shape, inputs[1].shape))
        except ValueError as problem:
            fail(f"cannot be computed from its constants ({problem})")
        if count > LARGEST_CONSTANT:
            fail(f"{count} constants: expected at most {LARGEST_CONSTANT}")
    try:
        return np.asarray(known[kind]())
    except (TypeError, ValueError, IndexError, AttributeError, KeyError) as problem:
        fail(f"cannot be computed from its constants ({problem})")
