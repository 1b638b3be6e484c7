#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads `lacuna serve` with good and bad requests at once and says what came of them.

Starts a server, makes keys and an upload with the other commands, and lets many clients send good requests, uploads
for other keys, damaged, truncated and slow ones, and ones whose client goes away. In the middle the server gets a
SIGHUP, at the end a SIGTERM under load. Prints statuses by kind of request, rates, and the server's memory over time.
Exit code 1 where a good request was not answered rightly, or a bad one was.
"""
import argparse
import collections
import http.client
import json
import math
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

KINDS = {"good": 60, "wrong keys": 8, "damaged": 8, "truncated": 8, "slow": 4, "vanishing": 8, "no HTTP": 4}


# Small, so that there are many requests; two linear layers and a square.
MODEL = {"format": "lacuna-model", "version": 1, "name": "load", "description": "for load", "provenance": {},
         "input": {"shape": [1, 4, 4], "thresholds": [64, 128]},
         "layers": [{"type": "flatten", "name": "flatten"},
                    {"type": "dense", "name": "hidden", "bias": [0, 1, 2, 3],
                     "weights": {"rows": 4, "columns": 16,
                                 "terms": [[[4 * i + j, 1 - 2 * (j % 2)] for j in range(4)] for i in range(4)]}},
                    {"type": "activation", "name": "square", "coefficients": [0, 0, 1]},
                    {"type": "dense", "name": "logits", "bias": [5, -5],
                     "weights": {"rows": 2, "columns": 4, "terms": [[[0, 1], [2, -1]], [[1, 2], [3, 1]]]}}],
         "output": {"scale": 1.0}}


class Server:
    def __init__(self, options, folder):
        self.log = open(options.log or folder / "serve.log", "w")
        command = [options.lacuna, "serve", "--model", options.model, "--listen", "127.0.0.1:0", "--json", "--store",
                   str(folder / "store"), "--transfer-time", "2", *options.serve.split()]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        document = ""
        while not document.endswith("}\n"):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"lacuna serve ended at once, exit code {self.process.wait()}")
            document += line
        self.url = json.loads(document)["url"]
        self.host = self.url.removeprefix("http://")
        while self.get("/readyz")[0] != 200:
            time.sleep(0.1)

    def get(self, path):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()

    def resident(self):
        for line in self.get("/metrics")[1].decode().splitlines():
            if line.startswith("lacuna_resident_bytes "):
                return float(line.split()[1])
        raise RuntimeError("expected lacuna_resident_bytes in /metrics")


class Load:
    """What all clients share."""

    def __init__(self, server, model, keys, other, upload):
        self.server, self.model, self.keys, self.other, self.upload = server, model, keys, other, upload
        self.results = collections.Counter()
        self.replies = []
        self.times = []
        self.lost = []
        self.lock = threading.Lock()
        self.ending = threading.Event()  # the server may refuse connections
        self.over = threading.Event()

    def head(self, keys, length):
        return (f"POST /v1/models/{self.model}/infer?keys={keys} HTTP/1.1\r\nHost: load\r\nConnection: close\r\n"
                f"Content-Length: {length}\r\n\r\n").encode()

    def send(self, kind, rng):
        """One request; returns status and body, or None where there is no answer."""
        connection = http.client.HTTPConnection(self.server.host, timeout=120)
        connection.connect()
        sock = connection.sock
        size = len(self.upload)
        if kind == "good":
            try:
                sock.sendall(self.head(self.keys, size) + self.upload)
            except OSError:
                pass  # refused before it was sent: the answer says why
        elif kind == "wrong keys":
            sock.sendall(self.head(self.other, size) + self.upload)
        elif kind == "damaged":
            place = rng.randrange(size)
            sock.sendall(self.head(self.keys, size) + self.upload[:place]
                         + bytes([self.upload[place] ^ 1]) + self.upload[place + 1:])
        elif kind == "truncated":
            sock.sendall(self.head(self.keys, size) + self.upload[:rng.randrange(size)])
            sock.shutdown(1)
        elif kind == "slow":
            sock.sendall(self.head(self.keys, size) + self.upload[:size // 2])
        elif kind == "vanishing":
            sock.sendall(self.head(self.keys, size) + self.upload)
            time.sleep(rng.random() * 0.05)
            sock.close()
            return None
        else:
            sock.sendall(rng.randbytes(200) + b"\r\n\r\n")
        return self.receive(sock)

    def receive(self, sock):
        response = http.client.HTTPResponse(sock, method="POST")
        response.begin()
        return response.status, response.read()

    def client(self, seed):
        rng = random.Random(seed)
        while not self.over.is_set():
            kind = rng.choices(list(KINDS), KINDS.values())[0]
            start = time.monotonic()
            begun_before_end = not self.ending.is_set()
            try:
                answer = self.send(kind, rng)
            except (OSError, http.client.HTTPException) as problem:
                with self.lock:
                    self.results[kind, "no answer"] += 1
                    if kind == "good" and begun_before_end:
                        self.lost.append(repr(problem))
                if self.ending.is_set():
                    return
                continue
            with self.lock:
                self.results[kind, answer[0] if answer else "left"] += 1
                if kind == "good" and answer[0] == 200:
                    self.times.append(time.monotonic() - start)
                    if len(self.replies) < 50 or rng.random() < 0.01:
                        self.replies.append(answer[1])
            if answer and answer[0] in (429, 503):
                time.sleep(0.2)


def run(options, *arguments):
    return subprocess.run([options.lacuna, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def prepare(options, server, folder):
    """Two clients' keys at the server, and an upload of the first one; the right answer to it."""
    model = json.loads(server.get("/v1/models")[1])["models"][0]
    (folder / "client.json").write_bytes(server.get(f"/v1/models/{model['name']}/plan")[1])
    names = []
    for client in ("anna", "ben"):
        out = json.loads(run(options, "keygen", "--client", folder / "client.json", "--out", folder / client, "--json"))
        names.append(out["key_set"])
        connection = http.client.HTTPConnection(server.host, timeout=60)
        connection.request("PUT", f"/v1/keys/{names[-1]}", (folder / client / "evaluation.keys").read_bytes())
        assert connection.getresponse().status == 200
    size = math.prod(json.loads((folder / "client.json").read_text())["input"]["shape"])
    rows = [",".join(str((7 * i + 16 * j) % 256) for j in range(size)) for i in range(min(3, model["batch"]))]
    (folder / "images.csv").write_text("\n".join(rows) + "\n")
    run(options, "encrypt", "--keys", folder / "anna", "--images", folder / "images.csv", "--out", folder / "upload.lct")
    # The same work without a server.
    privacy = json.loads((folder / "client.json").read_text())["privacy_bits"]
    run(options, "infer", "--model", options.model, "--keys", folder / "anna" / "evaluation.keys", "--in",
        folder / "upload.lct", "--out", folder / "truth.lct",
        *(["--privacy-bits", privacy] if privacy else ["--no-circuit-privacy"]))
    truth = decrypt(options, folder, (folder / "truth.lct").read_bytes())
    return model["name"], names, (folder / "upload.lct").read_bytes(), truth


def decrypt(options, folder, reply):
    (folder / "reply.lct").write_bytes(reply)
    return json.loads(run(options, "decrypt", "--keys", folder / "anna", "--in", folder / "reply.lct", "--json"))["images"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lacuna", default="build/bin/lacuna", help="the command (default: build/bin/lacuna)")
    parser.add_argument("--model", help="a shipped model or a file (default: a small one)")
    parser.add_argument("--serve", default="--per-client 1000", help="more options of lacuna serve")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--log", help="keep the server's log in this file")
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if options.model is None:
            options.model = str(folder / "load.lacuna.json")
            pathlib.Path(options.model).write_text(json.dumps(MODEL))
        server = Server(options, folder)
        model, (keys, other), upload, truth = prepare(options, server, folder)
        load = Load(server, model, keys, other, upload)
        threads = [threading.Thread(target=load.client, args=(seed,)) for seed in range(options.clients)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        hung_up = False
        while (spent := time.monotonic() - start) < options.seconds:
            print(f"{spent:6.0f} s  {server.resident() / 1e6:8.1f} MB  {sum(load.results.values())} requests", flush=True)
            if not hung_up and spent > options.seconds / 2:
                server.process.send_signal(signal.SIGHUP)
                hung_up = True
            time.sleep(min(10, options.seconds / 10))
        load.ending.set()
        time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait()
        load.over.set()
        for thread in threads:
            thread.join()
        answers = [decrypt(options, folder, reply) for reply in load.replies]
        wrong = sum(answer != truth for answer in answers)
        for (kind, status), count in sorted(load.results.items(), key=str):
            print(f"{kind:12} {status!s:10} {count}")
        times = sorted(load.times)
        print(f"good: {len(times) / options.seconds:.1f} a second, median {times[len(times) // 2]:.3f} s; "
              f"{len(answers)} replies decrypted, {wrong} wrong; {len(load.lost)} lost {load.lost[:3]}; exit code {code}")
        bad_taken = sum(count for (kind, status), count in load.results.items()
                        if kind not in ("good", "vanishing") and status == 200)
        return 1 if wrong or load.lost or bad_taken or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
