# SPDX-License-Identifier: Apache-2.0
import json
import pickle
import unittest

import lacuna
from samples import four_pixels


class Plan(unittest.TestCase):
    def test_the_figures_are_those_of_the_printed_plan(self):
        plan = lacuna.plan(four_pixels(), batch=3, packing="slots", circuit_privacy=False)
        document = json.loads(plan.to_json())
        text = str(plan)
        self.assertIn(f"n = {plan.n}, log2 Q = {plan.log_q:.1f}, log2 QP = {plan.log_qp:.1f}", text)
        self.assertIn(f"{plan.operations.total}", text)
        self.assertEqual([step.name for step in plan.steps], [step["name"] for step in document["steps"]])
        for step in plan.steps:
            self.assertIn(step.name, text)
            self.assertGreater(step.budget_bits, 0)
        for reason in plan.reasons:
            self.assertIn(reason, text)
        self.assertEqual((plan.packing, plan.model, plan.classes), ("slots", "four-pixels", 2))
        self.assertGreaterEqual(plan.batch, 3)
        self.assertEqual(plan.range, 25)
        self.assertGreater(plan.reply_budget_bits, 0)
        self.assertGreater(min(plan.upload_bytes, plan.reply_bytes), 0)
        self.assertGreater(plan.estimated_seconds(), 0)
        self.assertEqual(plan.parameters.n, plan.n)

    def test_circuit_privacy_is_that_of_the_command_unless_said(self):
        model = four_pixels()
        self.assertEqual(lacuna.plan(model, packing="slots").circuit_privacy, 40)
        self.assertEqual(lacuna.plan(model, packing="slots", circuit_privacy=30).circuit_privacy, 30)
        self.assertEqual(lacuna.plan(model, packing="radix", circuit_privacy=0).circuit_privacy, 0)
        self.assertEqual(lacuna.plan(model, packing="radix").circuit_privacy, 40)
        with self.assertRaisesRegex(lacuna.InputError, "circuit privacy is not offered"):
            lacuna.plan(model, packing="radix", plain_moduli=1)

    def test_wrong_requests_are_value_errors(self):
        for request, text in (({"packing": "boxes"}, "packing: expected auto, slots"), ({"batch": 0}, "expected"),
                              ({"security": 100}, "expected"), ({"circuit_privacy": 1000}, "expected 0 ... 128")):
            with self.subTest(request), self.assertRaisesRegex(ValueError, text):
                lacuna.plan(four_pixels(), **request)

    def test_the_clients_half_travels(self):
        plan = lacuna.plan(four_pixels(), packing="slots", circuit_privacy=False)
        for again in (lacuna.ClientPlan.load(plan.client.to_bytes()), pickle.loads(pickle.dumps(plan.client))):
            self.assertEqual(again, plan.client)
            self.assertEqual((again.id, again.batch, again.plain_moduli), (plan.client.id, plan.batch, plan.plain_moduli))
        self.assertNotIn(b"weights", plan.client.to_bytes())

    def test_the_servers_plan_is_kept_for_its_model(self):
        model = four_pixels()
        plan = lacuna.plan(model, packing="slots", circuit_privacy=False)
        again = lacuna.Plan.load(plan.to_bytes(), model)
        self.assertEqual(again.client, plan.client)
        self.assertEqual(again.to_json(), plan.to_json())
        with self.assertRaisesRegex(lacuna.InputError, "expected"):
            lacuna.Plan.load(plan.to_bytes(), lacuna.Model.shipped("lola"))


if __name__ == "__main__":
    unittest.main()
