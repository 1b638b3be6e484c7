# SPDX-License-Identifier: Apache-2.0
"""Uploads answered by several processes, here or on other machines: spread_uploads.py [SCHEDULER_ADDRESS]

Needs Dask (Debian: python3-distributed). Every worker compiles the model once, and answers any number of uploads; an
upload whose worker dies goes to another one. Workers see what a server sees: the model, evaluation keys, ciphertexts.
"""
import sys

import numpy as np
from distributed import Client, LocalCluster, WorkerPlugin, get_worker

import lacuna

TRIES = 3


class HeldModel(WorkerPlugin):
    """On every worker, also on those that come later: a model, its plan, and one client's evaluation keys."""

    name = "lacuna-model"

    def __init__(self, model, plan, evaluation_keys):
        self.parts = model.to_bytes(), plan.to_bytes(), evaluation_keys

    def setup(self, worker):
        model_bytes, plan_bytes, evaluation_keys = self.parts
        model = lacuna.Model.load(model_bytes)
        plan = lacuna.Plan.load(plan_bytes, model)
        worker.lacuna_session = lacuna.CompiledModel(model, plan).session(evaluation_keys)


def answer(upload):
    return get_worker().lacuna_session.infer(upload, threads=get_worker().state.nthreads)


def spread(cluster, uploads):
    """A future of the reply to each upload, in their order."""
    return [cluster.submit(answer, upload, pure=False, retries=TRIES) for upload in uploads]


def main():
    model = lacuna.Model.shipped("faster-cryptonets-small")
    plan = lacuna.plan(model, packing="packed")
    client = lacuna.Client(plan.client)
    images = np.random.default_rng(1).integers(0, 256, (6, 1, 28, 28), np.uint8)
    uploads = [client.encrypt(image) for image in images]
    own = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with Client(sys.argv[1] if len(sys.argv) > 1 else LocalCluster(**own)) as cluster:
        cluster.register_worker_plugin(HeldModel(model, plan, client.evaluation_keys))
        replies = cluster.gather(spread(cluster, uploads))
        workers = len(cluster.scheduler_info()["workers"])
    logits = np.concatenate([client.decrypt(reply) for reply in replies])
    assert (logits == model.evaluate(images)).all()
    print(f"{len(uploads)} uploads, {workers} workers, every answer as without encryption")


if __name__ == "__main__":
    main()
