# SPDX-License-Identifier: Apache-2.0
"""What the operators of ONNX mean for tensors that depend on the input: layers, and functions of a layer's output."""

from dataclasses import dataclass, field

import numpy as np
import torch

try:
    import onnx
except ImportError:
    onnx = None

import float_layers as fl
from float_layers import ImportFailure

DEGREE = 8  # of an activation in the model format
LARGEST_REACH = 4096  # of a kernel or a pad, in pixels

OPERATORS = frozenset((
    "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Conv", "Div", "Dropout", "Elu", "Erf",
    "Flatten", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu",
    "LogSoftmax", "MatMul", "MaxPool", "Mul", "Neg", "Pad", "Pow", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Selu",
    "Sigmoid", "Softmax", "Softplus", "Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze"))


@dataclass(eq=False)
class Value:
    """A tensor of the graph.

    layer: what it is computed from, element by element
    shape: as the graph has it, without the batch
    coefficients: the polynomial of the layer's output that it is, or None
    function: what it is where it is no polynomial; `culprit` names the node that made it so, `title` its operator
    inside: of a rising function, the tensor (name, Value) that it is taken of
    """

    layer: fl.Layer
    shape: tuple
    coefficients: tuple | None = (0.0, 1.0)
    function: object = None
    culprit: str = ""
    title: str = ""
    inside: tuple | None = None
    made: fl.Layer | None = field(default=None, repr=False)

    def is_layer(self):
        return self.coefficients == (0.0, 1.0)

    def apply(self, x):
        return fl.Polynomial("", [], None, self.coefficients).forward(x) if self.function is None else self.function(x)


def canonical(shape):
    return {1: lambda: (shape[0], 1, 1), 2: lambda: (shape[0], 1, shape[1]), 3: lambda: tuple(shape)}[len(shape)]()


class Attributes:
    """A node's attributes. What nobody has taken by the end is refused."""

    def __init__(self, node, values):
        self.node, self.values = node, values

    def take(self, name, default=None):
        return self.values.pop(name, default)

    def drop(self, *names):
        """For attributes that do not change what a trained network computes."""
        for name in names:
            self.values.pop(name, None)


class Operators:
    """A method per operator: it takes the node's attributes and operands (a Value, an array, or None) and returns a
    Value. What they share with the reader of the graph: current (the node), node_names, opset, batch, values, layers, tail."""

    def fail(self, text):
        raise ImportFailure(f"{self.node_names[id(self.current)]}: {text}")

    # --- values and layers --------------------------------------------------------------------------------------------

    def title(self):
        node = self.current
        return node.name or node.output[0]

    def add(self, layer, shape):
        self.layers.append(layer)
        return Value(layer, tuple(shape))

    def layer_of(self, value):
        """The layer whose output the tensor is, made where it is a function of another layer's."""
        if value.is_layer():
            return value.layer
        if value.made is None:
            source = value.layer
            if value.function is not None:
                value.made = fl.Function(value.culprit, [source], source.shape, value.function, value.title)
            elif len(value.coefficients) == 2:
                offset, scale = value.coefficients
                value.made = fl.Affine(self.title(), [source], source.shape, fl.reduced(scale), fl.reduced(offset))
            else:
                value.made = fl.Polynomial(self.title(), [source], source.shape, value.coefficients)
            self.layers.append(value.made)
        return value.made

    def constant(self, operand, what):
        if isinstance(operand, Value):
            self.fail(f"its {what} depends on the input; only constants are possible there")
        return operand

    def data(self, operand, what="first input"):
        if not isinstance(operand, Value):
            self.fail(f"its {what} is a constant; only the network's tensors are possible there")
        return operand

    def numbers(self, operand, what):
        array = np.asarray(self.constant(operand, what))
        if array.dtype.kind != "f":
            self.fail(f"its {what} is of type {array.dtype}; expected float32 or float64")
        if not np.isfinite(array).all():
            self.fail(f"its {what} holds numbers that are not finite")
        return array.astype(np.float64)

    def polynomial(self, value, coefficients):
        coefficients = np.trim_zeros(np.asarray(coefficients, np.float64), "b")
        if len(coefficients) < 2:
            self.fail("its result is the same for every input; leave it out")
        if len(coefficients) > DEGREE + 1:
            self.fail(f"it makes a polynomial of degree {len(coefficients) - 1}; the model format has {DEGREE} at most")
        return Value(value.layer, value.shape, tuple(float(c) for c in coefficients))

    def function(self, value, function, rising=False):
        name = self.current.input[0]
        inner = value.apply
        culprit = value.culprit or self.title()
        title = value.title or self.current.op_type
        return Value(value.layer, value.shape, None, lambda x: function(inner(x)), culprit, title,
                     (name, value) if rising and value.function is None else None)

    # --- layers with weights ------------------------------------------------------------------------------------------

    def _window(self, attributes, count, name, default):
        values = list(attributes.take(name) or [default] * count)
        if len(values) != count or min(values) < 1:
            self.fail(f"{name} {values}: expected {count} positive numbers")
        return tuple(int(v) for v in ([1] + values if count == 1 else values))

    def _pads(self, attributes, shape, window, stride, dilation, count):
        mode = attributes.take("auto_pad", b"NOTSET").decode()
        given = list(attributes.take("pads") or [])
        if mode == "NOTSET":
            pads = given or [0] * (2 * count)
            if len(pads) != 2 * count or min(pads) < 0:
                self.fail(f"pads {pads}: expected {2 * count} numbers from 0 on")
            return tuple(int(p) for p in ([0, pads[0], 0, pads[1]] if count == 1 else pads))
        if any(given):
            self.fail(f"has both auto_pad {mode} and pads {given}; give one of them")
        if mode == "VALID":
            return (0, 0, 0, 0)
        if mode not in ("SAME_UPPER", "SAME_LOWER"):
            self.fail(f"auto_pad {mode!r} is not known")
        pads = fl.same_pads(shape, window, stride, dilation, mode == "SAME_UPPER")
        if mode == "SAME_LOWER":
            self.lower_pads[self.current.output[0]] = pads[1::2] if count == 1 else pads
        return pads

    def _image(self, value, least=2):
        if len(value.shape) not in (2, 3) or len(value.shape) < least:
            self.fail(f"expected an image N x C x H x W, found N x {' x '.join(map(str, value.shape))}")
        return len(value.shape) - 1

    def _spatial(self, value, channels, size):
        return (channels, size[1]) if len(value.shape) == 2 else (channels, *size)

    def _conv(self, attributes, x, weight, bias=None):
        x = self.data(x)
        count = self._image(x)
        weight = self.numbers(weight, "weight")
        if weight.ndim != count + 2:
            self.fail(f"weights of {weight.ndim} dimensions for an image of {count}")
        if count == 1:
            weight = weight[:, :, None]
        window = weight.shape[2:]
        shown = attributes.take("kernel_shape")
        if shown is not None and tuple(shown) != window[2 - count:]:
            self.fail(f"kernel_shape {list(shown)} and weights of {window[2 - count:]} disagree")
        groups = int(attributes.take("group", 1))
        stride = self._window(attributes, count, "strides", 1)
        dilation = self._window(attributes, count, "dilations", 1)
        layer = self.layer_of(x)
        pads = self._pads(attributes, layer.shape, window, stride, dilation, count)
        layer, more = fl.unpadded(layer)
        pads = tuple(p + q for p, q in zip(pads, more))
        bias = np.zeros(len(weight)) if bias is None else self.numbers(bias, "bias")
        if groups < 1 or len(weight) % groups or layer.shape[0] != weight.shape[1] * groups or \
                bias.shape != (len(weight),):
            self.fail(f"weights {weight.shape}, bias {bias.shape} and {groups} groups do not fit {layer.shape[0]} "
                      f"channels")
        reach = tuple((k - 1) * d + 1 for k, d in zip(window, dilation))
        if max(*reach, *pads) > LARGEST_REACH:
            self.fail(f"a kernel of {reach} and pads {pads}: expected at most {LARGEST_REACH}")
        size = fl.slide(layer.shape, reach, stride, pads)
        if min(size) < 1:
            self.fail(f"a kernel of {reach} does not fit into {layer.shape} with pads {pads}")
        made = fl.Convolution(self.title(), [layer], (len(weight), *size), weight, bias, stride, pads, dilation, groups)
        return self.add(made, self._spatial(x, len(weight), size))

    def _dense(self, x, weight, bias):
        if any(size != 1 for size in x.shape[:-1]):
            self.fail(f"a matrix product of N x {' x '.join(map(str, x.shape))} works on every row by itself; only "
                      f"N x features is possible: flatten before it, or use a 1 x 1 convolution")
        if weight.ndim != 2 or weight.shape[1] != x.shape[-1]:
            self.fail(f"weights for {weight.shape[-1]} inputs, found {x.shape[-1]}")
        made = fl.Dense(self.title(), [self.layer_of(self._viewed(x, (x.shape[-1],)))], (len(weight), 1, 1), weight,
                        bias)
        return self.add(made, (*x.shape[:-1], len(weight)))

    def _gemm(self, attributes, x, weight, bias=None):
        x = self.data(x)
        if attributes.take("transA", 0):
            self.fail("transA turns the batch into features; export without it")
        if len(x.shape) != 1:
            self.fail(f"expected N x features, found N x {' x '.join(map(str, x.shape))}")
        weight = self.numbers(weight, "weight")
        if weight.ndim != 2:
            self.fail(f"weights of {weight.ndim} dimensions; expected 2")
        weight = weight if attributes.take("transB", 0) else weight.T
        alpha, beta = float(attributes.take("alpha", 1.0)), float(attributes.take("beta", 1.0))
        offset = np.zeros(len(weight))
        if bias is not None:
            bias = self.numbers(bias, "bias")
            if bias.ndim > 2 or (bias.ndim == 2 and len(bias) != 1) or bias.size not in (1, len(weight)):
                self.fail(f"a bias of shape {bias.shape} for {len(weight)} outputs")
            offset = offset + beta * bias.reshape(-1)
        return self._dense(x, alpha * weight, offset)

    def _matmul(self, attributes, x, weight):
        x = self.data(x)
        weight = self.numbers(weight, "weight")
        if weight.ndim != 2:
            self.fail(f"weights of {weight.ndim} dimensions; expected 2")
        return self._dense(x, weight.T, np.zeros(weight.shape[1]))

    def _batchnormalization(self, attributes, x, scale, offset, mean, variance):
        x = self.data(x)
        epsilon = float(attributes.take("epsilon", 1e-5))
        attributes.drop("momentum")
        if attributes.take("training_mode", 0):
            self.fail("training_mode is on; export the network in evaluation mode")
        arrays = [self.numbers(one, what) for one, what in
                  ((scale, "scale"), (offset, "offset"), (mean, "mean"), (variance, "variance"))]
        channels = x.shape[0]
        if any(array.shape != (channels,) for array in arrays):
            self.fail(f"expected {channels} numbers of each kind, one a channel")
        if (arrays[3] + epsilon <= 0).any():
            self.fail("a variance is negative")
        factor = arrays[0] / np.sqrt(arrays[3] + epsilon)
        layer = self.layer_of(x)
        return self.add(fl.Affine(self.title(), [layer], layer.shape, factor.reshape(-1, 1, 1),
                                  (arrays[1] - arrays[2] * factor).reshape(-1, 1, 1)), x.shape)

    # --- windows ------------------------------------------------------------------------------------------------------

    def _pool(self, attributes, x, make):
        x = self.data(x)
        count = self._image(x)
        if attributes.values.get("kernel_shape") is None:
            self.fail("kernel_shape is missing")
        window = self._window(attributes, count, "kernel_shape", 1)
        stride = self._window(attributes, count, "strides", 1)
        layer = self.layer_of(x)
        if any(d != 1 for d in attributes.take("dilations") or [1]):
            self.fail("a dilated pool is not supported; use one without dilations")
        pads = self._pads(attributes, layer.shape, window, stride, (1, 1), count)
        if any(p >= w for p, w in zip(pads, window * 2)):
            self.fail(f"pads {pads} reach beyond the window {window}")
        made = make(layer, window, stride, pads)
        self.layers.extend(made)
        return Value(made[-1], self._spatial(x, made[-1].shape[0], made[-1].shape[1:]))

    def _averagepool(self, attributes, x):
        counts, ceil = bool(attributes.take("count_include_pad", 0)), bool(attributes.take("ceil_mode", 0))

        def make(layer, window, stride, pads):
            layer, padded = fl.unpadded(layer)
            return fl.average_pool(self.title(), layer, window, stride, pads, counts, ceil, padded)
        return self._pool(attributes, x, make)

    def _maxpool(self, attributes, x):
        if attributes.take("ceil_mode", 0):
            self.fail("ceil_mode is not supported in a max pool; choose a window that fits")
        attributes.drop("storage_order")

        def make(layer, window, stride, pads):
            size = fl.slide(layer.shape, window, stride, pads)
            if min(size) < 1:
                self.fail(f"a window of {window} does not fit into {layer.shape}")
            return [fl.Pool(self.title(), [layer], (layer.shape[0], *size), window, stride, pads, largest=True)]
        return self._pool(attributes, x, make)

    def _global(self, x, keep=True, mean=True, largest=False):
        x = self.data(x)
        self._image(x)
        layer = self.layer_of(x)
        shape, window = (layer.shape[0], 1, 1), layer.shape[1:]
        made = [fl.Pool(self.title(), [layer], shape, window, (1, 1), (0, 0, 0, 0), largest)]
        if mean:
            made.append(fl.Affine(self.title(), [made[0]], shape, fl.reduced(1 / np.prod(window)), fl.reduced(0.0)))
        self.layers.extend(made)
        return Value(made[-1], (shape[0], *[1] * (len(x.shape) - 1)) if keep else shape[:1])

    def _globalaveragepool(self, attributes, x):
        return self._global(x)

    def _globalmaxpool(self, attributes, x):
        return self._global(x, mean=False, largest=True)

    def _reduce(self, attributes, x, axes, mean):
        x = self.data(x)
        given = attributes.take("axes")
        if axes is not None:
            given = self.constant(axes, "axes").tolist()
        attributes.drop("noop_with_empty_axes")
        rank = len(x.shape) + 1
        if given is None or sorted(axis % rank for axis in given) != list(range(2, rank)) or rank < 3:
            self.fail(f"axes {given}: only a reduction over rows and columns is possible")
        return self._global(x, bool(attributes.take("keepdims", 1)), mean)

    def _reducemean(self, attributes, x, axes=None):
        return self._reduce(attributes, x, axes, True)

    def _reducesum(self, attributes, x, axes=None):
        return self._reduce(attributes, x, axes, False)

    def _pad(self, attributes, x, pads=None, value=None, axes=None):
        x = self.data(x)
        mode = attributes.take("mode", b"constant").decode()
        given = attributes.take("pads")
        filling = attributes.take("value", 0.0) if value is None else self.constant(value, "value")
        pads = [int(p) for p in (given if pads is None else self.constant(pads, "pads").reshape(-1))]
        rank = len(x.shape) + 1
        if axes is not None:
            self.fail("pads along chosen axes are not supported; state them for all")
        if len(pads) != 2 * rank:
            self.fail(f"{len(pads)} pads for {rank} dimensions")
        if not any(pads):
            return x
        if mode != "constant" or np.any(np.asarray(filling) != 0):
            self.fail(f"pads by {mode!r} with value {np.asarray(filling).tolist()}; only zeros are possible")
        if rank < 3 or any(pads[0:2]) or any(pads[rank:rank + 2]):
            self.fail(f"pads {pads}: only rows and columns can be padded")
        begin, end = pads[2:rank], pads[rank + 2:]
        pads = tuple([0, *begin, 0, *end] if rank == 3 else [*begin, *end])
        layer = self.layer_of(x)
        size = fl.slide(layer.shape, (1, 1), (1, 1), pads)
        if min(size) < 1:
            self.fail(f"pads {pads} leave nothing of {layer.shape}")
        return self.add(fl.Padding(self.title(), [layer], (layer.shape[0], *size), pads),
                        self._spatial(x, layer.shape[0], size))

    # --- shapes -------------------------------------------------------------------------------------------------------

    def _viewed(self, value, shape):
        """The same elements under another shape."""
        if tuple(shape) == value.shape:
            return value
        if int(np.prod(shape)) != int(np.prod(value.shape)) or not 1 <= len(shape) <= 3:
            self.fail(f"the shape N x {' x '.join(map(str, shape))} is not possible for N x "
                      f"{' x '.join(map(str, value.shape))}: one to three dimensions beside the batch")
        old, new = canonical(value.shape), canonical(shape)
        if old == new:
            return Value(value.layer, tuple(shape), value.coefficients, value.function, value.culprit, value.title,
                         value.inside, value.made)
        if value.layer in self.tail:  # it falls away anyway
            return Value(value.layer, tuple(shape))
        return self.add(fl.View(self.title(), [self.layer_of(value)], new), shape)

    def _view(self, value, full):
        """`full` with the batch."""
        full = [int(size) for size in full]
        if not full or full[0] != self.batch:
            self.fail(f"makes a tensor of {full} from a batch of {self.batch}: it mixes the images of a batch")
        return self._viewed(value, tuple(full[1:]))

    def _flatten(self, attributes, x):
        x = self.data(x)
        axis = int(attributes.take("axis", 1))
        axis = axis + len(x.shape) + 1 if axis < 0 else axis
        full = (self.batch, *x.shape)
        return self._view(x, (int(np.prod(full[:axis])), int(np.prod(full[axis:]))))

    def _reshape(self, attributes, x, shape=None):
        x = self.data(x)
        if attributes.take("allowzero", 0):
            self.fail("allowzero is not supported")
        wanted = attributes.take("shape") if shape is None else self.constant(shape, "shape").reshape(-1)
        full = (self.batch, *x.shape)
        wanted = [int(size) for size in wanted]
        if any(size == 0 and index >= len(full) for index, size in enumerate(wanted)) or wanted.count(-1) > 1 or \
                any(size < -1 for size in wanted):
            self.fail(f"the shape {wanted} has no meaning for {list(full)}")
        sizes = [full[index] if size == 0 else size for index, size in enumerate(wanted)]
        if -1 in sizes:
            known = int(np.prod([size for size in sizes if size != -1]))
            sizes[sizes.index(-1)] = int(np.prod(full)) // known
        if int(np.prod(sizes)) != int(np.prod(full)):
            self.fail(f"the shape {wanted} does not hold {list(full)}")
        return self._view(x, sizes)

    def _axes(self, attributes, axes, rank):
        given = attributes.take("axes") if axes is None else self.constant(axes, "axes").reshape(-1)
        return None if given is None else sorted(int(axis) % rank for axis in given)

    def _squeeze(self, attributes, x, axes=None):
        x = self.data(x)
        full = [self.batch, *x.shape]
        gone = self._axes(attributes, axes, len(full))
        gone = [index for index, size in enumerate(full) if size == 1] if gone is None else gone
        if any(full[axis] != 1 for axis in gone):
            self.fail(f"axes {gone} of {full} are not of size 1")
        if 0 in gone:
            self.fail("takes away the batch; squeeze other axes only")
        return self._view(x, [size for index, size in enumerate(full) if index not in gone])

    def _unsqueeze(self, attributes, x, axes=None):
        x = self.data(x)
        full = [self.batch, *x.shape]
        fresh = self._axes(attributes, axes, len(full) + len(axes if axes is not None else
                                                             attributes.values.get("axes", [])))
        for axis in fresh:
            full.insert(axis, 1)
        return self._view(x, full)

    def _transpose(self, attributes, x):
        x = self.data(x)
        full = [self.batch, *x.shape]
        order = [int(axis) for axis in attributes.take("perm") or reversed(range(len(full)))]
        if order and order[0] != 0:
            self.fail(f"moves the batch by {order}")
        if sorted(order) != list(range(len(full))):
            self.fail(f"perm {order} is no order of {len(full)} dimensions")
        kept = [axis for axis in order if full[axis] != 1 or axis == 0]
        if kept == sorted(kept):
            return self._view(x, [full[axis] for axis in order])
        if len(full) != 4:
            self.fail(f"reorders {len(full)} dimensions by {order}; only images can be reordered")
        shape = tuple(full[axis] for axis in order[1:])
        if isinstance(x.layer, fl.Input) and x.is_layer() and order == [0, 3, 1, 2] and not self.channels_last:
            # Rows, columns, channels, as TensorFlow has them: ours come with the channels first.
            self.channels_last = True
            x.layer.shape = shape
            return Value(x.layer, shape)
        layer = self.layer_of(x)
        return self.add(fl.Reorder(self.title(), [layer], shape, tuple(axis - 1 for axis in order[1:])), shape)

    # --- element by element -------------------------------------------------------------------------------------------

    def _identity(self, attributes, x):
        return self.data(x)

    def _dropout(self, attributes, x, ratio=None, training=None):
        attributes.drop("ratio", "seed")
        if training is not None and np.any(self.constant(training, "training mode")):
            self.fail("training mode is on; export the network in evaluation mode")
        return self.data(x)

    def _cast(self, attributes, x):
        kind = attributes.take("to")
        if kind not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            self.fail("casts to a type that is not float32 or float64, which rounds; leave it out")
        return self.data(x)

    def _softmax(self, attributes, x):
        x = self.data(x)
        axis = int(attributes.take("axis", -1 if self.opset >= 13 else 1))
        axis = axis + len(x.shape) + 1 if axis < 0 else axis
        over = x.shape[axis - 1:axis] if self.opset >= 13 else x.shape[axis - 1:]
        if axis == 0 or int(np.prod(over)) != int(np.prod(x.shape)):
            self.fail(f"axis {axis} of N x {' x '.join(map(str, x.shape))} is not that of the classes")
        marker = fl.Layer(self.title(), [], canonical(x.shape))
        self.tail[marker] = (self.current.input[0], x, self.current.op_type)
        return Value(marker, x.shape)

    _logsoftmax = _softmax

    def _aligned(self, array, value):
        """A constant operand stretched to the value's shape."""
        full = (self.batch, *value.shape)
        try:
            stretched = np.broadcast_shapes(array.shape, full)
        except ValueError:
            stretched = None
        if stretched != full:
            self.fail(f"a constant of shape {array.shape} does not fit {list(full)}")
        if array.ndim == len(full):
            if array.shape[0] != 1:
                self.fail("a constant that differs from image to image of a batch; make it the same for all")
            array = array[0]
        return fl.reduced(np.broadcast_to(array, value.shape).reshape(canonical(value.shape)))

    def _shifted(self, value, scale, offset):
        """scale * value + offset, arrays that stretch to the value's shape."""
        scale, offset = self._aligned(scale, value), self._aligned(offset, value)
        if scale.size == 1 and offset.size == 1:
            scale, offset = float(scale.reshape(())), float(offset.reshape(()))
            if value.function is None:
                return self.polynomial(value, np.polynomial.polynomial.polyadd(
                    np.multiply(value.coefficients, scale), [offset]))
            if scale == 0:
                self.fail("its result is the same for every input; leave it out")
            inner = value.function
            return Value(value.layer, value.shape, None, lambda x: inner(x) * scale + offset, value.culprit,
                         value.title)
        layer = self.layer_of(value)
        return self.add(fl.Affine(self.title(), [layer], layer.shape, scale, offset), value.shape)

    def _pairwise(self, a, b, signs):
        """signs[0] * a + signs[1] * b."""
        if isinstance(a, Value) and isinstance(b, Value):
            if a.shape != b.shape:
                self.fail(f"adds tensors of N x {a.shape} and N x {b.shape}; only equal shapes are possible")
            if a.layer is b.layer:
                if a.function is None and b.function is None:
                    return self.polynomial(a, np.polynomial.polynomial.polyadd(
                        np.multiply(a.coefficients, signs[0]), np.multiply(b.coefficients, signs[1])))
                return self._joined(a, b, lambda x, y: signs[0] * x + signs[1] * y)
            sources = [self.layer_of(a), self.layer_of(b)]
            return self.add(fl.Sum(self.title(), sources, sources[0].shape, tuple(signs)), a.shape)
        if isinstance(a, Value):
            return self._shifted(a, np.float64(signs[0]), signs[1] * self.numbers(b, "second input"))
        return self._shifted(b, np.float64(signs[1]), signs[0] * self.numbers(a, "first input"))

    def _joined(self, a, b, operation):
        first, second = a.apply, b.apply
        culprit = a if a.function is not None else b
        return Value(a.layer, a.shape, None, lambda x: operation(first(x), second(x)), culprit.culprit, culprit.title)

    def _add(self, attributes, a, b):
        return self._pairwise(a, b, (1.0, 1.0))

    def _sub(self, attributes, a, b):
        return self._pairwise(a, b, (1.0, -1.0))

    def _sum(self, attributes, *operands):
        total = operands[0]
        for operand in operands[1:]:
            if isinstance(total, Value) or isinstance(operand, Value):
                total = self._pairwise(total, operand, (1.0, 1.0))
            else:
                total = total + operand
        return total

    def _neg(self, attributes, x):
        return self._shifted(self.data(x), np.float64(-1), np.float64(0))

    def _mul(self, attributes, a, b):
        if isinstance(a, Value) and isinstance(b, Value):
            if a.layer is not b.layer or a.shape != b.shape:
                self.fail("multiplies two different tensors; only a polynomial of one tensor is possible: use "
                          "convolutions, dense layers and polynomial activations")
            if a.function is None and b.function is None:
                return self.polynomial(a, np.polynomial.polynomial.polymul(a.coefficients, b.coefficients))
            return self._joined(a, b, lambda x, y: x * y)
        value, other = (a, b) if isinstance(a, Value) else (b, a)
        return self._shifted(value, self.numbers(other, "factor"), np.float64(0))

    def _div(self, attributes, a, b):
        a = self.data(a)
        divisor = self.numbers(self.constant(b, "divisor"), "divisor")
        if (divisor == 0).any():
            self.fail("divides by 0")
        return self._shifted(a, 1 / divisor, np.float64(0))

    def _pow(self, attributes, x, exponent):
        x = self.data(x)
        exponent = np.asarray(self.constant(exponent, "exponent"))
        power = float(exponent.reshape(-1)[0]) if exponent.size == 1 else -1.0
        if power != int(power) or not 1 <= power <= DEGREE:
            self.fail(f"exponent {exponent.tolist()}: expected one whole number, 1 ... {DEGREE}")
        if x.function is not None:
            return self.function(x, lambda y: y ** int(power))
        return self.polynomial(x, np.polynomial.polynomial.polypow(x.coefficients, int(power)))

    def _relu(self, attributes, x):
        return self.function(self.data(x), torch.relu)

    def _leakyrelu(self, attributes, x):
        alpha = float(attributes.take("alpha", 0.01))
        return self.function(self.data(x), lambda y: torch.where(y < 0, alpha * y, y))

    def _elu(self, attributes, x):
        alpha = float(attributes.take("alpha", 1.0))
        return self.function(self.data(x), lambda y: torch.where(y < 0, alpha * torch.expm1(y), y))

    def _selu(self, attributes, x):
        alpha = float(attributes.take("alpha", 1.67326319217681884765625))
        gamma = float(attributes.take("gamma", 1.05070102214813232421875))
        return self.function(self.data(x), lambda y: gamma * torch.where(y < 0, alpha * torch.expm1(y), y))

    def _sigmoid(self, attributes, x):
        return self.function(self.data(x), torch.sigmoid, rising=True)

    def _tanh(self, attributes, x):
        return self.function(self.data(x), torch.tanh)

    def _softplus(self, attributes, x):
        return self.function(self.data(x), torch.nn.functional.softplus)

    def _erf(self, attributes, x):
        return self.function(self.data(x), torch.erf)

    def _abs(self, attributes, x):
        return self.function(self.data(x), torch.abs)

    def _hardsigmoid(self, attributes, x):
        alpha, beta = float(attributes.take("alpha", 0.2)), float(attributes.take("beta", 0.5))
        return self.function(self.data(x), lambda y: (alpha * y + beta).clamp(0, 1))

    def _hardswish(self, attributes, x):
        return self.function(self.data(x), lambda y: y * (y / 6 + 0.5).clamp(0, 1))

    def _clip(self, attributes, x, low=None, high=None):
        low = attributes.take("min") if low is None else float(self.numbers(low, "least value"))
        high = attributes.take("max") if high is None else float(self.numbers(high, "largest value"))
        if low is None and high is None:
            return self.data(x)
        return self.function(self.data(x), lambda y: y.clamp(low, high))
