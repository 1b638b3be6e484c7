# SPDX-License-Identifier: Apache-2.0
"""A classifier with scikit-learn's habits that answers under encryption."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from . import _lacuna

TRAINING = Path(__file__).resolve().parent / "train"  # the scripts of tools/train, beside this file when installed
BATCH = 64


class LacunaClassifier:
    """A multi-layer perceptron with square activations, as integers.

    fit() trains it in PyTorch and has tools/train/import_network.py quantise and retrain it; compile() plans its
    encrypted inference and makes keys; predict(X, encrypted=True) encrypts, infers and decrypts. What it then predicts
    is to the last bit what it predicts without encryption.

    hidden: units of each hidden layer
    epochs, learning_rate: of the float training; half as many epochs follow with rounded numbers
    weight_limit: weights become integers of at most this absolute value
    input_levels: a feature becomes 0 ... input_levels; its range is that of the training data
    random_state: seed of everything that is drawn
    """

    _estimator_type = "classifier"

    def __init__(self, hidden: Sequence[int] = (16,), *, epochs: int = 30, learning_rate: float = 0.01,
                 weight_limit: int = 31, input_levels: int = 15, random_state: int = 0):
        self.hidden = hidden
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_limit = weight_limit
        self.input_levels = input_levels
        self.random_state = random_state

    # --- scikit-learn's habits ----------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self).__init__).parameters
                if name != "self"}

    def set_params(self, **params: Any) -> LacunaClassifier:
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise _lacuna.InputError(f"set_params: expected one of {', '.join(known)}, found {name!r}")
            setattr(self, name, value)
        return self

    def score(self, X: Any, y: Any, encrypted: bool = False) -> float:
        """The share of right predictions."""
        return float((self.predict(X, encrypted=encrypted) == np.asarray(y)).mean())

    def __repr__(self) -> str:
        return f"LacunaClassifier({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def __getstate__(self) -> dict[str, Any]:
        """Without keys and what works with them: compile() makes new ones."""
        return {name: value for name, value in self.__dict__.items() if name not in ("plan_", "client_", "session_")}

    # --- training -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> LacunaClassifier:
        """X: rows of numbers, or images; y: their classes, of any kind. Sets model_, classes_, n_features_in_."""
        values = _rows(X)
        labels = np.asarray(y)
        if labels.shape != (len(values),):
            raise _lacuna.InputError(f"fit: expected a class for each of {len(values)} rows, found an array of shape "
                                     f"{labels.shape}")
        if len(values) < 10:
            raise _lacuna.InputError(f"fit: expected at least 10 rows, of which a tenth is held out, found "
                                     f"{len(values)}")
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise _lacuna.InputError(f"fit: expected at least two classes, found {len(self.classes_)}")
        self.n_features_in_ = values.shape[1]
        order = np.random.default_rng(self.random_state).permutation(len(values))  # its end is held out
        values, numbers = values[order], numbers[order]
        layers, state = self._train(values, numbers)
        self.model_ = self._quantise(layers, state, values, numbers)
        for name in ("plan_", "client_", "session_"):  # of an earlier fit
            self.__dict__.pop(name, None)
        return self

    def _train(self, values, labels):
        """(list of layers, their tensors) of the float network. layers.json is described in tools/train/README.md."""
        try:
            import torch
        except ImportError as problem:
            raise ImportError("LacunaClassifier.fit() needs PyTorch; on Debian: apt install python3-torch") from problem
        layers = []
        for number, units in enumerate(self.hidden, 1):
            layers += [{"type": "dense", "name": f"fc{number}", "outputs": units},
                       {"type": "batch_norm", "name": f"norm{number}"},
                       {"type": "activation", "name": f"square{number}", "coefficients": [0, 0, 1]}]
        layers.append({"type": "dense", "name": "logits", "outputs": len(self.classes_)})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            network, inputs = torch.nn.ModuleDict(), values.shape[1]
            for layer in layers:
                if layer["type"] == "dense":
                    network[layer["name"]] = torch.nn.Linear(inputs, layer["outputs"])
                    inputs = layer["outputs"]
                elif layer["type"] == "batch_norm":
                    network[layer["name"]] = torch.nn.BatchNorm1d(inputs)
            mean, deviation = values.mean(0), values.std(0)
            deviation[deviation == 0] = 1  # a feature that is always the same
            _descend(network, layers, torch.from_numpy((values - mean) / deviation).float(), torch.from_numpy(labels),
                     self.epochs, self.learning_rate)
            _take_up(network[layers[0]["name"]], torch.from_numpy(mean), torch.from_numpy(deviation))
        return layers, network.state_dict()

    def _quantise(self, layers, state, values, labels):
        import torch

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            torch.save(state, folder / "network.pt")
            (folder / "layers.json").write_text(json.dumps(layers), encoding="utf-8")
            np.save(folder / "X.npy", values)
            np.save(folder / "Y.npy", labels.astype(np.int64))
            command = [sys.executable, TRAINING / "import_network.py", folder / "network.pt", folder / "model.lacuna.json",
                       "--layers", folder / "layers.json", "--input-shape", values.shape[1], "--name", "classifier",
                       "--retrain", folder / "X.npy", folder / "Y.npy", "--epochs", max(1, self.epochs // 2),
                       "--rate", self.learning_rate / 10, "--seed", self.random_state,
                       "--size", self.weight_limit, "--input-levels", self.input_levels]
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                                  env={**os.environ, "PYTHONWARNINGS": "ignore"})
            if done.returncode != 0:
                lines = done.stderr.strip().splitlines() or ["it said nothing"]
                raise _lacuna.Error(f"fit: the network could not be quantised: {lines[-1]}")
            self.training_log_ = done.stdout
            return _lacuna.Model.load(folder / "model.lacuna.json")

    # --- inference ----------------------------------------------------------------------------------------------------

    def compile(self, *, batch: int = 1, packing: str = "auto", circuit_privacy: bool | int = True,
                security: int = 128, threads: int | None = None) -> LacunaClassifier:
        """Plans encrypted inference of `batch` rows at a time, compiles the model and makes keys: plan_, client_ and
        session_. Whoever has the rows keeps client_; session_ holds no secret."""
        self._check_fitted()
        self.plan_ = _lacuna.plan(self.model_, batch=batch, packing=packing, circuit_privacy=circuit_privacy,
                                  security=security)
        self.client_ = _lacuna.Client(self.plan_.client, threads=threads)
        self.session_ = _lacuna.Session(self.model_, self.plan_, self.client_.evaluation_keys)
        return self

    def decision_function(self, X: Any, encrypted: bool = False) -> np.ndarray:
        """The logits of each row, (rows, classes)."""
        self._check_fitted()
        values = _rows(X)
        if values.shape[1] != self.n_features_in_:
            raise _lacuna.InputError(f"X: expected {self.n_features_in_} features, found {values.shape[1]}")
        if not encrypted:
            return self.model_.evaluate(values) * self.model_.output_scale
        if not hasattr(self, "session_"):
            raise _lacuna.InputError("encrypted=True: expected compile() before, which plans and makes keys")
        parts = []
        for start in range(0, len(values), self.plan_.batch):
            upload = self.client_.encrypt(values[start:start + self.plan_.batch])
            parts.append(self.client_.decrypt(self.session_.infer(upload)))
        return np.concatenate(parts) * self.model_.output_scale

    def predict(self, X: Any, encrypted: bool = False) -> np.ndarray:
        """The class of each row."""
        logits = self.decision_function(X, encrypted)
        return self.classes_[logits.argmax(1)]

    def _check_fitted(self):
        if not hasattr(self, "model_"):
            raise _lacuna.InputError("expected a classifier that fit() has trained, found a new one")


def _rows(X):
    """X as rows of float64. InputError unless it is an array of finite numbers."""
    values = np.asarray(X)
    if values.dtype.kind not in "biuf" or values.ndim < 2 or not len(values):
        raise _lacuna.InputError(f"X: expected rows of numbers, found an array of {values.dtype} of shape "
                                 f"{values.shape}")
    values = values.reshape(len(values), -1).astype(np.float64)
    if not np.isfinite(values).all():
        raise _lacuna.InputError("X: expected finite numbers, found others")
    return values


def _take_up(layer, mean, deviation):
    """Makes the first layer take features as they are, where it has learnt of (feature - mean) / deviation."""
    import torch

    with torch.no_grad():
        weight = layer.weight.double() / deviation
        layer.bias.sub_((weight @ mean).float())
        layer.weight.copy_(weight.float())


def _descend(network, layers, inputs, labels, epochs, rate):
    """Trains the modules, applied in the order of the layers, and leaves them in evaluation mode."""
    import torch

    def logits(values):
        for layer in layers:
            values = values.square() if layer["type"] == "activation" else network[layer["name"]](values)
        return values

    batches = max(1, round(len(inputs) / BATCH))
    optimiser = torch.optim.Adam(network.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * batches)
    for _ in range(epochs):
        for part in torch.randperm(len(inputs)).tensor_split(batches):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(logits(inputs[part]), labels[part]).backward()
            optimiser.step()
            schedule.step()
    network.eval()
