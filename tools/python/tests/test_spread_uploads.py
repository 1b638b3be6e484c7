# SPDX-License-Identifier: Apache-2.0
"""The Dask example, with a worker that is killed at work."""

import importlib.util
import os
import signal
import sys
import time
import unittest
from pathlib import Path

import numpy as np

import lacuna
from samples import four_pixels

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
DASK = importlib.util.find_spec("distributed") is not None


@unittest.skipUnless(DASK, "needs Dask: apt install python3-distributed")
class SpreadUploads(unittest.TestCase):
    def test_a_worker_dies_and_every_upload_is_answered(self):
        from distributed import Client, LocalCluster, as_completed

        sys.path.insert(0, str(EXAMPLES))
        self.addCleanup(sys.path.remove, str(EXAMPLES))
        os.environ["PYTHONPATH"] = str(EXAMPLES)  # of the workers
        self.addCleanup(os.environ.pop, "PYTHONPATH")
        import spread_uploads

        model = four_pixels()
        plan = lacuna.plan(model, packing="slots", circuit_privacy=False)
        client = lacuna.Client(plan.client)
        images = np.random.default_rng(1).integers(0, 256, (24, 1, 2, 2), np.uint8)
        uploads = [client.encrypt(image) for image in images]
        workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with workers, Client(workers) as cluster:
            cluster.register_worker_plugin(spread_uploads.HeldModel(model, plan, client.evaluation_keys))
            pids = cluster.run(os.getpid)
            futures = spread_uploads.spread(cluster, uploads)
            next(iter(as_completed(futures)))
            address, victim = next((address, pid) for address, pid in pids.items() if cluster.processing()[address])
            os.kill(victim, signal.SIGKILL)
            replies = cluster.gather(futures)
            self.assertFalse(self.is_alive(victim))
            self.assertNotIn(address, {worker for who in cluster.who_has(futures).values() for worker in who})
        logits = np.concatenate([client.decrypt(reply) for reply in replies])
        self.assertEqual(logits.tolist(), model.evaluate(images).tolist())

    @staticmethod
    def is_alive(pid):
        """Its parent may take a moment to notice."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.05)
        return True


if __name__ == "__main__":
    unittest.main()
