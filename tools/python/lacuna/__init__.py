# SPDX-License-Identifier: Apache-2.0
"""Neural networks on encrypted data.

Four objects run a model on encrypted images; Client and Session exchange nothing but bytes:

    model = lacuna.Model.shipped("faster-cryptonets")           # or Model.load("mine.lacuna.json")
    plan = lacuna.plan(model)                                   # print(plan) says what it will do and cost
    client = lacuna.Client(plan.client)                         # holds the secret key, never sees the model
    session = lacuna.Session(model, plan, client.evaluation_keys)   # holds the model, never sees a secret
    logits = client.decrypt(session.infer(client.encrypt(images)))

RemoteClient asks a server (`lacuna serve`) instead, LacunaClassifier trains a network and has scikit-learn's habits,
and Parameters, Context, KeyGenerator, Encryptor, Evaluator and Ciphertext are the scheme by itself.
"""

from . import _lacuna
from ._lacuna import (
    BatchEncoder,
    Ciphertext,
    Client,
    ClientPlan,
    CoefficientEncoder,
    CompiledModel,
    Context,
    Decryptor,
    Encryptor,
    Error,
    Evaluator,
    GaloisKeys,
    InputError,
    KeyGenerator,
    Model,
    OperationCounts,
    Parameters,
    Plaintext,
    Plan,
    PlanStep,
    PublicKey,
    RelinKeys,
    SecretKey,
    Session,
    __version__,
    kernel,
    plan,
    shipped_models,
)
from .classifier import LacunaClassifier

__all__ = [
    "BatchEncoder",
    "Ciphertext",
    "Client",
    "ClientPlan",
    "CoefficientEncoder",
    "CompiledModel",
    "Context",
    "Decryptor",
    "Encryptor",
    "Error",
    "Evaluator",
    "GaloisKeys",
    "InputError",
    "KeyGenerator",
    "LacunaClassifier",
    "Model",
    "OperationCounts",
    "Parameters",
    "Plaintext",
    "Plan",
    "PlanStep",
    "PublicKey",
    "RelinKeys",
    "SecretKey",
    "Session",
    "__version__",
    "kernel",
    "plan",
    "shipped_models",
]

if hasattr(_lacuna, "RemoteClient"):  # where the service is built
    from ._lacuna import RemoteClient, RemoteReport

    __all__ += ["RemoteClient", "RemoteReport"]

# They are known by the names that they are imported by; pickles of models and plans name them so, too.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
