#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpirun -n N lacuna infer against lacuna infer: ranks_test.py LACUNA MPIRUN

Without circuit privacy and shares of zero the replies are the same bytes; with them the same logits. What moved is
what the plan says. A rank that is killed leaves no reply. Ranks may be more than there are cores, and more than there
is work.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

LACUNA, MPIRUN = sys.argv[1:]
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "OMPI_MCA_hwloc_base_binding_policy": "none",
               # Containers forbid the system call that copies between processes, and isolate nothing to talk over.
               "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_btl": "self,vader",
               "OMPI_MCA_plm_rsh_agent": "false"}
ROOT = ["--allow-run-as-root"] if os.getuid() == 0 else []

# Windows that overlap, an activation with lower powers, a last layer with fewer outputs than inputs.
ONES = [[1] * 9, [1, 0, -1] * 3, [0, 2, 0] * 3]
MODEL = {
    "format": "lacuna-model", "version": 1, "name": "windows",
    "input": {"shape": [1, 5, 5], "thresholds": [64, 128, 192]},
    "layers": [
        {"type": "convolution", "name": "windows", "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1],
         "weights": {"rows": 3, "columns": 9, "values": ONES}, "bias": [1, 0, -2]},
        {"type": "activation", "name": "square", "coefficients": [1, 2, 1]},
        {"type": "sum_pool", "name": "pool", "window": [2, 2], "stride": [1, 1], "padding": [0, 0]},
        {"type": "flatten", "name": "flatten"},
        {"type": "dense", "name": "sums",
         "weights": {"rows": 5, "columns": 48, "values": [[(r * c) % 3 - 1 for c in range(48)] for r in range(5)]},
         "bias": [3, -4, 0, 0, 1]},
    ],
}


def fail(text):
    sys.exit(f"ranks_test: {text}")


def expect(condition, text):
    if not condition:
        fail(text)


def run(command, expected_code=0):
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    if result.returncode != expected_code:
        fail(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def mpirun(ranks):
    return [MPIRUN, *ROOT, "-n", str(ranks)]


class Setting:
    """A plan, keys, and uploads of one model, with the answer of one process."""

    def __init__(self, folder, name, plan, images=1, uploads=1, model=MODEL):
        self.folder = folder / name
        self.folder.mkdir()
        self.model = self.folder / "model.lacuna.json"
        self.model.write_text(json.dumps(model))
        run([LACUNA, "plan", "--model", self.model, *plan, "--export-client", self.folder / "client.json", "--out",
             self.folder / "server.plan"])
        self.keys = self.folder / "keys"
        run([LACUNA, "keygen", "--client", self.folder / "client.json", "--out", self.keys])
        channels, height, width = model["input"]["shape"]
        size = channels * height * width
        rows = [",".join(str((37 * i + 11 * p) % 256) for p in range(size)) for i in range(images * uploads)]
        self.upload = self.folder / "upload.lct"
        parts = []
        for u in range(uploads):
            table = self.folder / f"rows{u}.csv"
            table.write_text("\n".join(rows[u * images:(u + 1) * images]) + "\n")
            part = self.folder / f"part{u}.lct"
            run([LACUNA, "encrypt", "--keys", self.keys, "--data", table, "--out", part])
            parts.append(part.read_bytes())
        self.upload.write_bytes(b"".join(parts))
        self.reply = self.folder / "reply.lct"
        run([LACUNA, *self.arguments(self.reply)])
        self.logits = self.decrypted(self.reply)

    def arguments(self, reply, upload=None, more=()):
        return ["infer", "--model", self.model, "--plan", self.folder / "server.plan", "--keys",
                self.keys / "evaluation.keys", "--in", upload or self.upload, "--out", reply, "--threads", "1", *more]

    def decrypted(self, reply):
        return run([LACUNA, "decrypt", "--keys", self.keys, "--in", reply, "--csv"]).stdout

    def check(self, ranks, same_bytes=True, moves=(), stays=(), more=()):
        reply = self.folder / f"reply{ranks}.lct"
        result = run([*mpirun(ranks), LACUNA, *self.arguments(reply, more=["--json", "--force", *more])])
        document = json.loads(result.stdout)
        expect(self.decrypted(reply) == self.logits, f"{self.folder.name}, {ranks} ranks: other logits")
        if same_bytes:
            expect(reply.read_bytes() == self.reply.read_bytes(), f"{self.folder.name}, {ranks} ranks: other bytes")
        expect(document["ranks"] == ranks, f"{document}")
        expect(len(document["peak_memory_bytes_of_ranks"]) == ranks, f"{document}")
        moved = {}
        for row in document["moved"][0]:
            expect(row["bytes"] == row["predicted"], f"{self.folder.name}, {ranks} ranks: moved {row}")
            moved[row["what"]] = row["bytes"]
        expect(all(moved[what] > 0 for what in moves) and all(moved[what] == 0 for what in stays),
               f"{self.folder.name}, {ranks} ranks: expected {moves} to move, and not {stays}, found {moved}")
        print(f"  {self.folder.name}, {ranks} ranks: same; moved {moved}")


def check_kill(setting, victim):
    """A rank of a running job is killed: an exit code, an error, no reply and no temporary file."""
    reply = setting.folder / f"killed{victim}.lct"
    before = set(os.listdir(setting.folder))
    # The upload comes from a folder of its own, many times over, so that there is time to be killed in.
    upload = setting.folder / "many.lct"
    upload.write_bytes(setting.upload.read_bytes() * 300)
    job = subprocess.Popen([*mpirun(2), LACUNA, *setting.arguments(reply, upload)], env=ENVIRONMENT,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        pids = {}
        while time.monotonic() < end and not (len(pids) == 2 and list(setting.folder.glob(f".killed{victim}*.tmp"))):
            pids = ranks_of(job.pid)
            time.sleep(0.01)
        expect(len(pids) == 2, f"expected two ranks, found {pids}")
        time.sleep(0.1)  # at work
        os.kill(pids[victim], signal.SIGKILL)
        output, errors = job.communicate(timeout=60)
    finally:
        job.kill()
    expect(job.returncode != 0, "a job with a killed rank ended with exit code 0")
    expect("signal 9" in errors or "Killed" in errors or "lacuna:" in errors, f"no clear error: {errors}")
    own = [line for line in errors.splitlines() if line.startswith("lacuna:")]
    expect(len(own) <= 1 and (victim == 0 or len(own) == 1), f"expected one error of lacuna's, found: {errors}")
    expect(not reply.exists(), "a reply although a rank died")
    upload.unlink()
    left = set(os.listdir(setting.folder)) - before
    # Of rank 0 a crash may leave its temporary file, which the next run removes; nothing has the reply's name.
    expect(all(name.endswith(".tmp") for name in left) and (victim == 0 or not left), f"left behind: {left}")
    print(f"  rank {victim} killed: {own or errors.splitlines()[:4]}")


def ranks_of(parent):
    """Process ids by rank, of the children of mpirun that are lacuna-mpi already."""
    pids = {}
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if int((process / "stat").read_text().rsplit(")", 1)[1].split()[1]) != parent:
                continue
            if not os.readlink(process / "exe").endswith("lacuna-mpi"):
                continue
            variables = dict(v.split("=", 1) for v in (process / "environ").read_text().split("\0") if "=" in v)
            pids[int(variables["OMPI_COMM_WORLD_RANK"])] = int(process.name)
        except (OSError, KeyError):
            continue
    return pids


def check_refusals(setting):
    """Rank 0's errors are said once, and end the job."""
    result = run([*mpirun(2), LACUNA, *setting.arguments(setting.folder / "no.lct", setting.folder / "missing.lct")], 1)
    own = [line for line in result.stderr.splitlines() if line.startswith("lacuna:")]
    expect(len(own) == 1 and "missing.lct" in own[0], f"expected one error, found {result.stderr}")
    result = run([LACUNA, *setting.arguments(setting.folder / "no.lct", more=["--bandwidth", "10G"])], 2)
    expect("mpirun" in result.stderr, result.stderr)
    expect(not (setting.folder / "no.lct").exists(), "a reply after an error")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bare = ["--no-circuit-privacy"]
        slots = Setting(folder, "slots", ["--packing", "slots", "--plain-moduli", "1", *bare], images=3)
        slots.check(2, moves=["request", "pool", "sums", "reply"])
        slots.check(3, moves=["request", "pool", "sums", "reply"])
        slots.check(8)  # more than outputs of the last layer
        check_refusals(slots)
        moduli = Setting(folder, "moduli", ["--packing", "slots", "--plain-moduli", "2", *bare])
        moduli.check(2, moves=["request", "reply"], stays=["windows", "pool", "sums"])
        moduli.check(3)
        uploads = Setting(folder, "uploads", ["--packing", "slots", "--plain-moduli", "1", *bare], uploads=4)
        uploads.check(2, moves=["request", "reply"], stays=["windows", "pool", "sums"])
        uploads.check(3)
        Setting(folder, "private", ["--packing", "slots"]).check(2, same_bytes=False)
        Setting(folder, "radix", ["--packing", "radix", *bare]).check(3)
        packed = Setting(folder, "packed", ["--packing", "packed", *bare])
        # Its reply is masked by fresh shares of zero, and its giant steps are chained: one rank has them all.
        packed.check(2, stays=["windows"], same_bytes=False)
        packed.check(3, stays=["windows"], same_bytes=False, more=["--bandwidth", "1000G"])
        check_kill(slots, 1)
        check_kill(slots, 0)


if __name__ == "__main__":
    main()
