// SPDX-License-Identifier: Apache-2.0
// The page of `lacuna serve --demo` in headless Chromium: draws the ten digits with the mouse and one with keys, reads the
// answers, comes back to the keys of the first visit, and looks at what was loaded and complained about.
//
//   LACUNA=build/bin/lacuna node --test tools/browser/test/page_test.mjs
//   SCREENSHOT=tools/browser/screenshot.png: also leaves a picture

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Chromium } from "./chromium.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const command = process.env.LACUNA ?? join(root, "build/bin/lacuna");
const work = mkdtempSync(join(tmpdir(), "lacuna-page-"));

const token = "a token of sixteen letters or more".replaceAll(" ", "-");

let server;
let url;
let chromium;
before(async () => {
    writeFileSync(join(work, "tokens"), `${token}\n`);
    server = spawn(
        command,
        ["serve", "--model", "faster-cryptonets", "--packing", "packed", "--no-circuit-privacy", "--listen", "127.0.0.1:0",
            "--store", join(work, "keys"), "--tokens", join(work, "tokens"), "--json", "--demo", join(root, "build-browser/browser")],
        { stdio: ["ignore", "pipe", "ignore"] },
    );
    const [line] = await Promise.race([
        new Promise((resolve) => server.stdout.once("data", (bytes) => resolve([bytes.toString()]))),
        new Promise((_, reject) => server.once("exit", () => reject(new Error("lacuna serve ended")))),
    ]);
    ({ url } = JSON.parse(line));
    while (!(await fetch(`${url}/readyz`)).ok) {
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    chromium = await Chromium.open(1000, 900);
});
after(async () => {
    server.kill();
    await chromium?.close();
    rmSync(work, { recursive: true, force: true });
});

const idle = "document.body?.getAttribute('aria-busy') === 'false'";
const answer = "document.getElementById('digit').value";
const status = "document.getElementById('status').textContent";

async function visit() {
    await chromium.send("Page.navigate", { url });
    await chromium.until(idle);
    assert.match(await chromium.evaluate(status), /expected a bearer token/);
    await chromium.evaluate(
        `document.getElementById('token').value = '${token}';
         document.getElementById('token').dispatchEvent(new Event('change'))`,
    );
    await chromium.until(idle);
    assert.equal(await chromium.evaluate(status), "Draw a digit.");
}

/** Points in percent of the drawing area: pieces of ellipses (degrees, clockwise from the right) and lines. */
function arc(x, y, width, height, from, to) {
    const steps = 16;
    return Array.from({ length: steps + 1 }, (_, i) => {
        const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
        return [x + width * Math.cos(angle), y + height * Math.sin(angle)];
    });
}
const digits = [
    [arc(50, 50, 20, 31, -90, 270)],
    [[[51, 18], [50, 50], [49, 82]]],
    [[...arc(49, 36, 18, 18, 190, 395), [32, 80], [70, 80]]],
    [[...arc(47, 34, 17, 16, 200, 450), ...arc(47, 66, 19, 17, -90, 160)]],
    [[[36, 20], [33, 52], [68, 52]], [[61, 22], [60, 84]]],
    [[[66, 20], [39, 20], [37, 47], ...arc(48, 63, 19, 19, 235, 500)]],
    [[[59, 17], [43, 38], [35, 60], ...arc(50, 66, 15, 16, 180, -180)]],
    [[[31, 23], [68, 23], [56, 50], [47, 83]]],
    [[...arc(50, 35, 14, 15, 90, -270), ...arc(50, 66, 17, 16, -90, 270)]],
    [[...arc(50, 36, 15, 16, 0, -360), [64, 50], [60, 83]]],
];

async function draw(strokes) {
    await chromium.evaluate("document.getElementById('clear').click()");
    const { x, y, side } = await chromium.evaluate(
        "(({ x, y }) => ({ x: x + 2, y: y + 2, side: 276 }))(document.getElementById('pad').getBoundingClientRect())",
    );
    for (const points of strokes) {
        await chromium.stroke(points.map(([column, row]) => [x + (side * column) / 100, y + (side * row) / 100]));
    }
}

async function ask() {
    await chromium.evaluate("document.getElementById('ask').click()");
    await chromium.until(idle);
    return chromium.evaluate(answer);
}

test("the ten digits are read", async () => {
    await visit();
    const answers = [];
    for (const strokes of digits) {
        await draw(strokes);
        answers.push(await ask());
    }
    assert.deepEqual(answers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    const sent = await chromium.evaluate("document.getElementById('sent').innerText");
    console.log(sent.replaceAll("\t", "  "));
    assert.match(sent, /evaluation keys, up, once/);
    assert.match(await chromium.evaluate("document.getElementById('seen').textContent"), /Not your picture/);
    await draw(digits[3]);
    assert.equal(await ask(), "3");
    if (process.env.SCREENSHOT) {
        writeFileSync(process.env.SCREENSHOT, await chromium.screenshot());
    }
});

test("keys are kept for the next visit, and made anew on request", async () => {
    const note = "document.getElementById('keys-note').textContent";
    const keys = async () => (await chromium.evaluate(note)).match(/[0-9a-f]{32}/)[0];
    const before = await keys();
    await visit();
    assert.equal(await keys(), before);
    assert.equal(await chromium.evaluate("document.getElementById('sent').children.length"), 0);
    await draw(digits[7]);
    assert.equal(await ask(), "7");
    await chromium.evaluate("document.getElementById('renew').click()");
    await chromium.until(idle);
    assert.notEqual(await keys(), before);
    assert.equal(await ask(), "7");
});

test("a digit is drawn and asked about with keys alone", async () => {
    await chromium.evaluate("document.getElementById('clear').click(); document.getElementById('pad').focus()");
    await chromium.key(" ", "Space", " ");
    for (let i = 0; i < 16; ++i) {
        await chromium.key("ArrowDown");
    }
    await chromium.key("Enter", "Enter", "\r");
    await chromium.until(`${answer} !== '–' && ${idle}`);
    assert.equal(await chromium.evaluate(answer), "1");
});

test("a picture is read like a drawing", async () => {
    await draw(digits[5]);
    const { x, y } = await chromium.evaluate(
        "(({ x, y }) => ({ x, y }))(document.getElementById('pad').getBoundingClientRect())",
    );
    const file = join(work, "five.png");
    writeFileSync(file, await chromium.picture(x + 6, y + 6, 268, 268));
    await chromium.evaluate("document.getElementById('clear').click()");
    await chromium.choose("picture", file);
    await chromium.until(`${status}.startsWith('This picture is ready')`);
    assert.equal(await ask(), "5");
});

test("a secret.key from elsewhere is opened, under its passphrase alone", async () => {
    const { load } = await import(join(root, "build-browser/browser/index.mjs"));
    const headers = { Authorization: `Bearer ${token}` };
    const plan = await (await fetch(`${url}/v1/models/faster-cryptonets/plan`, { headers })).text();
    const file = join(work, "secret.key");
    writeFileSync(file, (await load()).newClient(plan).secretKey("a word"));
    const give = async (passphrase) => {
        await chromium.evaluate(`document.getElementById('passphrase').value = '${passphrase}'`);
        await chromium.choose("import", file);
        await chromium.until(`${idle} && /passphrase|in use/.test(${status})`);
        return chromium.evaluate(status);
    };
    assert.match(await give("another"), /expected the passphrase/);
    await chromium.evaluate("document.getElementById('clear').click()");
    assert.match(await give("a word"), /is in use/);
    await draw(digits[2]);
    assert.equal(await ask(), "2");
});

test("every control has a name", async () => {
    const { nodes } = await chromium.send("Accessibility.getFullAXTree");
    const roles = ["button", "textbox", "combobox", "image", "checkbox"];
    const controls = nodes.filter((node) => !node.ignored && roles.includes(node.role?.value));
    assert.ok(controls.length >= 6);
    for (const control of controls) {
        assert.notEqual(control.name?.value ?? "", "", JSON.stringify(control));
    }
});

test("the page comes under a strict policy, and its folder is all there is", async () => {
    const page = await fetch(url);
    assert.match(page.headers.get("Content-Security-Policy"), /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
    assert.equal(page.headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal((await fetch(`${url}/lacuna.wasm`)).headers.get("Content-Type"), "application/wasm");
    const raw = (path) =>
        new Promise((resolve, reject) => {
            const request = get(`${url}/`, { path, agent: false }, (answer) => resolve(answer.statusCode));
            request.on("error", reject);
        });
    for (const path of ["/../index.html", "/..%2findex.html", "/./index.html", "//etc/passwd", "/package.json", "/none.html"]) {
        assert.equal(await raw(path), 404, path);
    }
});

test("nothing is loaded from elsewhere, and nothing is complained about", () => {
    for (const request of chromium.requests) {
        assert.ok(request.startsWith(`${url}/`) || request === "about:blank", request);
    }
    assert.ok(chromium.requests.some((request) => request.includes("/infer?keys=")), "the worker is observed, too");
    assert.deepEqual(chromium.complaints, []);
});
