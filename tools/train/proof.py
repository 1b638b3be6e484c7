# SPDX-License-Identifier: Apache-2.0
"""The proof that an import ends with: the imported float network against the original, computed by a runtime that
shares nothing with the import."""

import copy

import numpy as np
import torch

from float_layers import ImportFailure

INPUTS = 256
OPENCV_ADVICE = "export it with simpler operators or another opset, or bring its PyTorch module with --module"
TOLERANCE = 1e-4  # of what the outputs vary by
STEADY = 0.01  # outputs that vary by less, as a share of their size, are rounding errors in single precision


def random_pixels(shape, count=INPUTS, seed=1):
    """Noise of every brightness, a black and a white image: count x C x H x W, uint8."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, *shape)) * generator.random((count, 1, 1, 1))
    pixels[:count // 2] = generator.integers(0, 256, (count // 2, *shape))
    pixels[0], pixels[1] = 0, 255
    return pixels.astype(np.uint8)


class OnnxRuntime:
    """OpenCV's dnn module, which reads ONNX by itself."""

    title = "OpenCV"

    def __init__(self, reading):
        try:
            import cv2
        except ImportError as problem:
            raise ImportFailure("the proof of an ONNX import needs OpenCV (Debian: python3-opencv)") from problem
        self.batch, self.shape, self.channels_last = reading.batch, reading.input_shape, reading.channels_last
        cv2.setLogLevel(0)  # its messages come as exceptions
        try:
            self.net = cv2.dnn.readNetFromONNX(np.frombuffer(reading.proto.SerializeToString(), np.uint8))
            self.net.enableFusion(False)  # 4.6 fuses a convolution with sums that others read as well, wrongly
        except Exception as problem:  # cv2.error, and what its binding makes of C++ exceptions
            raise ImportFailure(f"OpenCV, which the import is compared with, does not read this network "
                                f"({_line(problem)}); {OPENCV_ADVICE}") from problem

    def __call__(self, inputs):
        count = len(inputs)
        if self.channels_last:
            inputs = inputs.transpose(0, 2, 3, 1)
        padded = np.concatenate([inputs, np.zeros((-count % self.batch, *inputs.shape[1:]))]).astype(np.float32)
        outputs = []
        for start in range(0, len(padded), self.batch):
            try:
                self.net.setInput(np.ascontiguousarray(
                    padded[start:start + self.batch].reshape(self.batch, *self.shape)))
                outputs.append(self.net.forward().reshape(self.batch, -1).copy())
            except Exception as problem:
                raise ImportFailure(f"OpenCV, which the import is compared with, fails on this network "
                                    f"({_line(problem)}); {OPENCV_ADVICE}") from problem
        return np.concatenate(outputs)[:count].astype(np.float64)


class TorchRuntime:
    """PyTorch, with a module of the user's."""

    title = "PyTorch"

    def __init__(self, module, shape, channels_last=False):
        """shape: of an input, without the batch; channels_last: the module takes N x H x W x C."""
        self.module, self.shape, self.channels_last = module.eval(), shape, channels_last

    @torch.no_grad()
    def __call__(self, inputs):
        outputs = []
        if self.channels_last:
            inputs = inputs.transpose(0, 2, 3, 1)
        for start in range(0, len(inputs), INPUTS):
            part = torch.from_numpy(inputs[start:start + INPUTS].astype(np.float32)).reshape(-1, *self.shape)
            try:
                answer = self.module(part)
            except Exception as problem:  # a user's code may raise anything
                raise ImportFailure(f"the PyTorch module fails on inputs of shape {tuple(part.shape)} "
                                    f"({_line(problem)}); state the right --input-shape") from problem
            if not isinstance(answer, torch.Tensor) or len(answer) != len(part):
                raise ImportFailure("the PyTorch module gives something else than one tensor of a row per input")
            outputs.append(answer.flatten(1).double().numpy())
        return np.concatenate(outputs)


def _line(problem):
    """What an exception says, in one line; OpenCV puts file and place around it."""
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text.partition("error: ")[2][:200] or text[:200]


def imported_outputs(network, pixels):
    """What the imported float network says of pixels, in the original's units."""
    exact = copy.deepcopy(network).double().eval()
    factor = network.recipe.get("output_factor", 1.0)
    with torch.no_grad():
        parts = [exact(torch.from_numpy(pixels[start:start + INPUTS].astype(np.float64) / 255)).numpy() * factor
                 for start in range(0, len(pixels), INPUTS)]
    return np.concatenate(parts)


def compare(ours, theirs, runtime, tolerance=TOLERANCE):
    """The largest difference, as a share of what the original's outputs vary by. ImportFailure above the tolerance."""
    if ours.shape != theirs.shape:
        raise ImportFailure(f"the imported network has {ours.shape[1]} outputs, {runtime} finds {theirs.shape[1]}")
    if not np.isfinite(theirs).all() or not np.isfinite(ours).all():
        raise ImportFailure(f"outputs that are not finite, by {runtime} or the import: state the inputs that the "
                            f"network was trained on (--input-range, --mean, --std)")
    size = np.abs(theirs).max()
    if size == 0:
        raise ImportFailure(f"by {runtime} every output is 0 for every input: nothing can be compared")
    spread = max(np.abs(theirs - theirs.mean(0)).max(), STEADY * size)
    difference = float(np.abs(ours - theirs).max() / spread)
    if difference > tolerance:
        raise ImportFailure(f"the imported network differs from the original as {runtime} computes it: by "
                            f"{difference:.2g} of what its outputs vary by, tolerance {tolerance:g}. Nothing was written; "
                            f"please report the network's layers")
    return difference
