# SPDX-License-Identifier: Apache-2.0
"""Tests of bench/report.py: what it merges, what it keeps apart, and which time it prints."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "report.py"
CONTEXT = {"date": "2026-01-01", "executable": "build/bench/he/he_bench", "host_name": "a", "num_cpus": 2,
           "load_avg": [1.0], "machine": "AMD EPYC, family 26 model 2", "kernel": "avx512ifma",
           "compiler": "gcc 12.2.0", "build": "Release -O3", "seal": "SEAL 4.4.3 with Intel HEXL"}


def entry(name, cpu, real=None, unit="us", **more):
    return {"name": name, "run_type": "iteration", "cpu_time": cpu, "real_time": cpu if real is None else real,
            "time_unit": unit, **more}


def report(*documents):
    """The finished process of report.py over these (context, entries)."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, document in enumerate(documents):
            path = pathlib.Path(folder) / f"{i}.json"
            text = document if isinstance(document, str) else json.dumps(
                {"context": document[0], "benchmarks": document[1]})
            path.write_text(text, encoding="utf-8")
            files.append(str(path))
        return subprocess.run([sys.executable, str(REPORT), *files], capture_output=True, text=True, check=False)


def rows(output):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in output.splitlines()
            if line.startswith("|")]


class ReportTest(unittest.TestCase):
    def test_prints_cpu_time_and_the_fastest_repetition(self):
        result = report((CONTEXT, [entry("add/lacuna/8192", 30, 90), entry("add/lacuna/8192", 20, 80),
                                   entry("add/seal/8192", 0.04, 0.05, unit="ms"),
                                   entry("add/lacuna/8192", 1, run_type="aggregate")]))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(rows(result.stdout)[-1], ["add", "8192", "20.00", "seal (SEAL 4.4.3 with Intel HEXL)", "40.00",
                                                     "0.50"])

    def test_says_machine_compiler_build_and_peers(self):
        output = report((CONTEXT, [entry("square_unscaled/lacuna/8192", 1),
                                   entry("square_unscaled/seal_bgv/8192", 2)])).stdout
        for text in ("AMD EPYC, family 26 model 2", "avx512ifma", "gcc 12.2.0", "Release -O3"):
            self.assertIn(text, output)
        self.assertEqual(rows(output)[-1][3], "seal_bgv (SEAL 4.4.3 with Intel HEXL)")

    def test_merges_runs_of_one_machine_and_build(self):
        later = {**CONTEXT, "date": "2026-01-02", "executable": "./he_bench", "load_avg": [3.0]}
        output = report((CONTEXT, [entry("add/lacuna/8192", 30)]), (later, [entry("add/seal/8192", 60)])).stdout
        self.assertEqual(output.count("## "), 1)
        self.assertEqual(rows(output)[-1][-1], "0.50")

    def test_keeps_other_machines_kernels_and_builds_apart(self):
        for key, value in (("executable", "build/bench/rns/rns_bench"), ("machine", "AMD EPYC, family 25 model 17"),
                           ("host_name", "b"), ("kernel", "avx2"),
                           ("compiler", "clang 14"), ("build", "Debug"), ("seal", "SEAL 4.4.3 without Intel HEXL")):
            output = report((CONTEXT, [entry("add/lacuna/8192", 30)]),
                            ({**CONTEXT, key: value}, [entry("add/seal/8192", 60)])).stdout
            self.assertEqual(output.count("## "), 2, key)
            self.assertNotIn("0.50", output, key)  # no ratio across runs

    def test_keeps_the_order_of_the_program(self):
        output = report((CONTEXT, [entry("square/lacuna/8192", 1, family_index=2),
                                   entry("add/seal/8192", 1, family_index=9),
                                   entry("add/lacuna/8192", 1, family_index=1)])).stdout
        self.assertEqual([row[0] for row in rows(output)[2:]], ["add", "square"])

    def test_divides_by_parts(self):
        output = report((CONTEXT, [entry("sparse_term/lacuna/8192", 1600, parts=160)])).stdout
        self.assertEqual(rows(output)[-1][2], "10.00")

    def test_names_what_was_set_for_a_benchmark_no_size(self):
        output = report((CONTEXT, [entry("infer_slots/lacuna/lola/process_time", 5)])).stdout
        self.assertEqual(rows(output)[-1][:2], ["infer_slots", "lola"])

    def test_warns_of_a_busy_machine(self):
        self.assertIn("busy", report((CONTEXT, [entry("add/lacuna/8192", 10, 20)])).stdout)
        self.assertNotIn("busy", report((CONTEXT, [entry("add/lacuna/8192", 10, 10.1)])).stdout)

    def test_lists_what_failed(self):
        output = report((CONTEXT, [entry("infer_radix/lacuna/lola", 0, error_occurred=True,
                                         error_message="no room")])).stdout
        self.assertIn("Not measured: infer_radix/lacuna/lola: no room", output)

    def test_refuses_what_is_no_report(self):
        for text in ("not json", "[]", "{}", '{"context": {}, "benchmarks": [{"name": "a/b/c"}]}'):
            result = report(text)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("expected Google Benchmark's JSON", result.stderr)


if __name__ == "__main__":
    unittest.main()
