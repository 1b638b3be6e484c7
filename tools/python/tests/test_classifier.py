# SPDX-License-Identifier: Apache-2.0
import importlib.util
import pickle
import unittest

import numpy as np

import lacuna


def rings(count, seed):
    """Points within and around a circle, one feature that says nothing and one that never changes."""
    generator = np.random.default_rng(seed)
    values = np.column_stack([generator.normal(0, 1, count), generator.normal(50, 10, count),
                              generator.normal(0, 1, count), np.full(count, 3.0)])
    inside = values[:, 0] ** 2 + ((values[:, 1] - 50) / 10) ** 2 < 1.4
    return values, np.where(inside, "inside", "outside")


class Untrained(unittest.TestCase):
    def test_parameters_are_scikit_learns(self):
        classifier = lacuna.LacunaClassifier(hidden=(4,), epochs=3)
        again = lacuna.LacunaClassifier(**classifier.get_params())
        self.assertEqual(repr(again), repr(classifier))
        self.assertEqual(again.set_params(epochs=5).epochs, 5)
        with self.assertRaisesRegex(ValueError, "set_params: expected one of hidden, .* found 'depth'"):
            again.set_params(depth=3)

    def test_it_has_to_be_fitted(self):
        for call in (lambda one: one.predict([[1, 2]]), lambda one: one.compile()):
            with self.assertRaisesRegex(lacuna.InputError, "that fit\\(\\) has trained"):
                call(lacuna.LacunaClassifier())

    def test_wrong_data_is_a_value_error(self):
        values, classes = rings(20, 1)
        for wrong, labels, text in ((values[:, 0], classes, "rows of numbers"), (values, classes[:3], "a class for each"),
                                    (values[:5], classes[:5], "at least 10 rows"), (values * np.nan, classes, "finite"),
                                    (values, np.zeros(20), "two classes"), (classes[:, None], classes, "rows of numbers")):
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                lacuna.LacunaClassifier().fit(wrong, labels)


@unittest.skipUnless(importlib.util.find_spec("torch"), "needs PyTorch")
class Trained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.classifier = lacuna.LacunaClassifier(hidden=(8,), epochs=20).fit(*rings(600, 1))
        cls.values, cls.classes = rings(200, 2)

    def test_it_learns_and_answers_alike_under_encryption(self):
        self.assertEqual(self.classifier.classes_.tolist(), ["inside", "outside"])
        self.assertEqual(self.classifier.n_features_in_, 4)
        self.assertGreater(self.classifier.score(self.values, self.classes), 0.8)
        with self.assertRaisesRegex(lacuna.InputError, "expected compile"):
            self.classifier.predict(self.values, encrypted=True)
        self.classifier.compile(batch=64, circuit_privacy=False)
        plain = self.classifier.decision_function(self.values)
        self.assertTrue((self.classifier.decision_function(self.values, encrypted=True) == plain).all())
        self.assertEqual(self.classifier.predict(self.values, encrypted=True).tolist(),
                         self.classifier.predict(self.values).tolist())
        again = pickle.loads(pickle.dumps(self.classifier))
        self.assertEqual(again.predict(self.values).tolist(), self.classifier.predict(self.values).tolist())
        self.assertFalse(hasattr(again, "client_"))  # keys stay here
        with self.assertRaisesRegex(lacuna.InputError, "expected 4 features, found 3"):
            self.classifier.predict(self.values[:, :3])


if __name__ == "__main__":
    unittest.main()
