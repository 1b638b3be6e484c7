// SPDX-License-Identifier: Apache-2.0
// The package under Node against the native command: for every packing keys from here, `lacuna infer`, and the logits that
// the command's own client and the plaintext network find. Files cross both ways, so that streams, checksums, scrypt and
// sealing of the two builds are one.
//
//   LACUNA=build/bin/lacuna node --test tools/browser/test/node_test.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const command = process.env.LACUNA ?? join(root, "build/bin/lacuna");
const { load, LacunaError } = await import(join(root, "build-browser/browser/index.mjs"));
const lacuna = await load();
const work = mkdtempSync(join(tmpdir(), "lacuna-browser-"));
after(() => rmSync(work, { recursive: true }));

function run(...options) {
    return execFileSync(command, options, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Dense, square, dense over 4 x 4 pixels: small enough that every packing takes little. */
const thresholds = [64, 128];
const first = [
    [1, 0, -2, 0, 0, 4, 0, 0, 1, 0, 0, 0, -1, 0, 0, 2],
    [0, 2, 0, 0, 1, 0, 0, -4, 0, 0, 1, 0, 0, 0, 1, 0],
    [0, 0, 1, 1, 0, 0, 2, 0, 0, -1, 0, 0, 0, 4, 0, 0],
];
const firstBias = [3, -1, 0];
const second = [
    [1, -2, 0],
    [0, 1, 4],
];
const secondBias = [0, -7];
const dense = (name, values, bias) => ({
    type: "dense",
    name,
    weights: { rows: values.length, columns: values[0].length, values },
    bias,
});
const modelFile = join(work, "small.lacuna.json");
writeFileSync(
    modelFile,
    JSON.stringify({
        format: "lacuna-model",
        version: 1,
        name: "small",
        description: "of a test",
        provenance: {},
        input: { shape: [1, 4, 4], thresholds },
        layers: [
            { type: "flatten", name: "flatten" },
            dense("hidden", first, firstBias),
            { type: "activation", name: "square", coefficients: [0, 0, 1] },
            dense("logits", second, secondBias),
        ],
        output: { scale: 1 },
    }),
);

/** The plaintext network, in whole numbers. */
function reference(pixels) {
    const layer = (values, bias, input) =>
        values.map((row, i) => row.reduce((sum, weight, j) => sum + weight * input[j], bias[i]));
    const levels = [...pixels].map((pixel) => thresholds.filter((threshold) => threshold <= pixel).length);
    const hidden = layer(first, firstBias, levels).map((value) => value * value);
    return layer(second, secondBias, hidden).map(BigInt);
}

const side = 4;
const imageSize = side * side;
const pixelsOf = (images) => Uint8Array.from({ length: images * imageSize }, (_, i) => (i * 37 + (i >> 4) * 101) % 256);
const referenceOf = (pixels) =>
    Array.from({ length: pixels.length / imageSize }, (_, i) =>
        reference(pixels.subarray(i * imageSize, (i + 1) * imageSize)),
    );

function planFor(packing, images) {
    const file = join(work, `${packing}.json`);
    run("plan", "--model", modelFile, "--packing", packing, "--batch", String(images), "--no-circuit-privacy",
        "--export-client", file, "--force");
    return readFileSync(file, "utf8");
}

let replies = 0;
function infer(evaluationKeys, upload) {
    const [keys, sent, reply] = ["keys", "upload", "reply"].map((name) => join(work, `${++replies}.${name}`));
    writeFileSync(keys, evaluationKeys);
    writeFileSync(sent, upload);
    run("infer", "--model", modelFile, "--no-circuit-privacy", "--keys", keys, "--in", sent, "--out", reply);
    return { file: reply, bytes: readFileSync(reply) };
}

function writeImages(file, pixels) {
    const head = Buffer.alloc(16);
    head.writeUInt32BE(0x803, 0);
    head.writeUInt32BE(pixels.length / imageSize, 4);
    head.writeUInt32BE(side, 8);
    head.writeUInt32BE(side, 12);
    writeFileSync(file, Buffer.concat([head, pixels]));
}

for (const [packing, images] of [["packed", 1], ["radix", 1], ["slots", 5]]) {
    test(`${packing}: what comes back is what the plaintext network says`, () => {
        const plan = planFor(packing, images);
        const client = lacuna.newClient(plan);
        const evaluationKeys = client.evaluationKeys();
        const keySet = lacuna.keySet(evaluationKeys);
        const pixels = pixelsOf(images);
        const upload = client.encrypt(keySet, pixels);
        assert.notDeepEqual(upload, client.encrypt(keySet, pixels), "no two uploads are the same");
        const reply = infer(evaluationKeys, upload);
        assert.deepEqual(client.decrypt(keySet, reply.bytes), referenceOf(pixels));

        // The command opens the same keys, sealed here, and reads the same reply.
        const folder = join(work, `${packing}-keys`);
        mkdirSync(folder);
        writeFileSync(join(folder, "secret.key"), client.secretKey("pass phrase"), { mode: 0o600 });
        writeFileSync(join(folder, "public.key"), client.publicKey());
        writeFileSync(join(folder, "evaluation.keys"), evaluationKeys);
        writeFileSync(join(folder, "client.json"), plan);
        writeFileSync(join(work, "passphrase"), "pass phrase");
        const answer = run("decrypt", "--keys", folder, "--in", reply.file, "--passphrase-file", join(work, "passphrase"),
            "--csv");
        const rows = answer.trim().split("\n").slice(1).map((line) => line.split(",").slice(-second.length));
        assert.deepEqual(rows.map((row) => row.map(BigInt)), referenceOf(pixels));
        client.close();
    });
}

test("keys that the command made, sealed or not, open here and read its replies", () => {
    const plan = planFor("packed", 1);
    const planFile = join(work, "packed.json");
    const pictures = join(work, "pictures.idx");
    const pixels = pixelsOf(1);
    writeImages(pictures, pixels);
    writeFileSync(join(work, "word"), "a word");
    for (const sealed of [[], ["--passphrase-file", join(work, "word")]]) {
        const folder = join(work, `native-${sealed.length}`);
        const sent = join(work, `native-${sealed.length}.upload`);
        run("keygen", "--client", planFile, "--out", folder, ...sealed);
        run("encrypt", "--keys", folder, "--images", pictures, "--out", sent, ...sealed);
        const evaluationKeys = readFileSync(join(folder, "evaluation.keys"));
        const client = lacuna.openClient(plan, readFileSync(join(folder, "secret.key")), sealed.length ? "a word" : "");
        const reply = infer(evaluationKeys, readFileSync(sent));
        assert.deepEqual(client.decrypt(lacuna.keySet(evaluationKeys), reply.bytes), referenceOf(pixels));
        client.close();
    }
    const sealedKey = readFileSync(join(work, "native-2", "secret.key"));
    assert.throws(() => lacuna.openClient(plan, sealedKey, "another"), /expected the passphrase/);
    assert.throws(() => lacuna.openClient(plan, sealedKey), /give that/);
});

test("what is wrong is said, and the module goes on", () => {
    const plan = planFor("packed", 1);
    assert.throws(() => lacuna.newClient("{"), LacunaError);
    assert.throws(() => lacuna.keySet(new Uint8Array(10)), LacunaError);
    const client = lacuna.newClient(plan);
    const keySet = lacuna.keySet(client.evaluationKeys());
    assert.throws(() => client.encrypt(keySet, new Uint8Array(3)), LacunaError);
    assert.throws(() => client.encrypt("no name", pixelsOf(1)), /32 hexadecimal digits/);
    assert.throws(() => client.decrypt(keySet, client.encrypt(keySet, pixelsOf(1))), LacunaError);
    assert.match(client.planId(), /^[0-9a-f]{32}$/);
    client.close();
    client.close();
    assert.throws(() => client.planId(), /closed/);
});
