# SPDX-License-Identifier: Apache-2.0
import _thread
import signal
import threading
import unittest
from pathlib import Path

import numpy as np

import lacuna

MODELS = Path(__file__).resolve().parents[3] / "nn/models"


class Interrupt(unittest.TestCase):
    def test_a_signal_stops_work_while_other_threads_run(self):
        # A shell starts what runs in the background with the signal ignored, and Python leaves it so.
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        model = lacuna.Model.load(MODELS / "faster-cryptonets-small.lacuna.json")
        images = np.zeros((200000, 784), np.uint8)
        deep = lacuna.Model.load(MODELS / "cifar10.lacuna.json")
        # Each is many seconds of work.
        for work in (lambda: model.evaluate(images, threads=1), lambda: lacuna.plan(deep)):
            # The timer's thread gets to run only where the GIL is released.
            timer = threading.Timer(0.3, _thread.interrupt_main)
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                work()
            timer.join()


if __name__ == "__main__":
    unittest.main()
