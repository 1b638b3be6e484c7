# SPDX-License-Identifier: Apache-2.0
"""Neural networks on encrypted data.

Four objects run a model on encrypted images; Client and Session exchange nothing but bytes:

    model = lacuna.Model.shipped("faster-cryptonets")        # or Model.load("mine.lacuna.json")
    plan = lacuna.plan(model)                                 # print(plan) says what it will do and cost
    client = lacuna.Client(plan.client)                       # holds the secret key, never sees the model
    session = lacuna.Session(model, plan, client.evaluation_keys)   # holds the model, never sees a secret
    logits = client.decrypt(session.infer(client.encrypt(images)))

Parameters, Context, KeyGenerator, Encryptor, Evaluator and Ciphertext are the scheme by itself.
"""

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
)

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
]

# They are known by the names that they are imported by; pickles of models and plans name them so, too.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
