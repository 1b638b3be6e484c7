// SPDX-License-Identifier: Apache-2.0
// A headless Chromium with one page, driven by its DevTools protocol over two pipes: no package is needed.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.CHROMIUM ?? "chromium";

export class Chromium {
    #process;
    #folder = mkdtempSync(join(tmpdir(), "lacuna-chromium-"));
    #waiting = new Map();
    #calls = 0;
    #session;
    /** Everything that the page or the browser complained about. */
    complaints = [];
    /** The address of everything that the page asked for. */
    requests = [];

    static async open(width, height) {
        const chromium = new Chromium();
        await chromium.#start(width, height);
        return chromium;
    }

    async #start(width, height) {
        // Containers have neither its sandbox's system calls nor much shared memory; the page is our own.
        this.#process = spawn(
            program,
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
                `--user-data-dir=${this.#folder}`, "about:blank"],
            { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
        );
        const [, , , input, output] = this.#process.stdio;
        this.#process.on("error", (problem) => this.#end(problem));
        this.#process.on("exit", () => this.#end(new Error(`${program} ended`)));
        input.on("error", (problem) => this.#end(problem));
        this.#input = input;
        let rest = [];
        output.on("data", (chunk) => {
            for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0)) {
                this.#receive(JSON.parse(Buffer.concat([...rest, chunk.subarray(0, end)]).toString()));
                rest = [];
                chunk = chunk.subarray(end + 1);
            }
            rest.push(chunk);
        });
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
        ({ sessionId: this.#session } = await this.send("Target.attachToTarget", { targetId, flatten: true }));
        await this.send("Page.enable");
        await this.#observe(this.#session);
        // Workers wait until they are observed, too.
        await this.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
        await this.send("Emulation.setScrollbarsHidden", { hidden: true });
        await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    }

    #input;

    async #observe(session) {
        for (const domain of ["Runtime", "Log", "Network"]) {
            await this.send(`${domain}.enable`, {}, session);
        }
        await this.send("Runtime.runIfWaitingForDebugger", {}, session);
    }

    #end(problem) {
        for (const { reject } of this.#waiting.values()) {
            reject(problem);
        }
        this.#waiting.clear();
    }

    #receive({ id, result, error, method, params }) {
        if (id !== undefined) {
            const call = this.#waiting.get(id);
            this.#waiting.delete(id);
            if (error === undefined) {
                call?.resolve(result);
            } else {
                call?.reject(new Error(error.message));
            }
        } else if (method === "Target.attachedToTarget" && params.targetInfo.type === "worker") {
            this.#observe(params.sessionId).catch((problem) => this.complaints.push(problem.message));
        } else if (method === "Runtime.exceptionThrown") {
            this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        } else if (method === "Log.entryAdded" && params.entry.level === "error") {
            this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
        } else if (method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(params.type)) {
            this.complaints.push(params.args.map((value) => value.value).join(" "));
        } else if (method === "Network.requestWillBeSent") {
            this.requests.push(params.request.url);
        }
    }

    send(method, params = {}, sessionId = this.#session) {
        return new Promise((resolve, reject) => {
            const id = ++this.#calls;
            this.#waiting.set(id, { resolve, reject });
            this.#input.write(`${JSON.stringify({ id, method, params, sessionId: sessionId ?? undefined })}\0`);
        });
    }

    async evaluate(expression) {
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
            expression,
            awaitPromise: true,
            returnByValue: true,
        });
        if (exceptionDetails !== undefined) {
            throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
    }

    /** Until the expression is true. */
    async until(expression, seconds = 60) {
        const end = Date.now() + seconds * 1000;
        while (!(await this.evaluate(expression))) {
            if (Date.now() > end) {
                throw new Error(`expected ${expression} within ${seconds} s; complaints: ${this.complaints.join("; ")}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }

    /** The button pressed at the first point, moved along the others, let go. */
    async stroke(points) {
        const mouse = (type, [x, y], buttons) =>
            this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons, clickCount: 1 });
        await mouse("mouseMoved", points[0], 0);
        await mouse("mousePressed", points[0], 1);
        for (const point of points.slice(1)) {
            await mouse("mouseMoved", point, 1);
        }
        await mouse("mouseReleased", points[points.length - 1], 0);
    }

    async key(key, code = key, text = undefined) {
        await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code, text });
        await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code });
    }

    /** As if somebody had chosen the file; id: of an <input type="file">. */
    async choose(id, file) {
        const { root } = await this.send("DOM.getDocument");
        const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector: `#${id}` });
        await this.send("DOM.setFileInputFiles", { nodeId, files: [file] });
    }

    /** A part of the page, as PNG. */
    async picture(x, y, width, height) {
        const { data } = await this.send("Page.captureScreenshot", {
            format: "png",
            clip: { x, y, width, height, scale: 1 },
        });
        return Buffer.from(data, "base64");
    }

    /** The whole page, somewhat smaller. */
    async screenshot() {
        const { cssContentSize: size } = await this.send("Page.getLayoutMetrics");
        const { data } = await this.send("Page.captureScreenshot", {
            format: "png",
            captureBeyondViewport: true,
            clip: { x: 0, y: 0, width: size.width, height: size.height, scale: 0.8 },
        });
        return Buffer.from(data, "base64");
    }

    async close() {
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        await this.send("Browser.close", {}, null).catch(() => {}); // which may end before it answers
        await ended;
        rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
}
