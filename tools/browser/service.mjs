// SPDX-License-Identifier: Apache-2.0
// `lacuna serve` from a browser or Node: what is asked, what is sent, and how long it took.

import { LacunaError } from "./client.mjs";

const binary = "application/octet-stream";

export class Service {
    #url;
    #token;

    /** url: http://HOST:PORT, without a path; token: where the service asks for one. */
    constructor(url, token = "") {
        this.#url = url.replace(/\/+$/, "");
        this.#token = token;
    }

    /** Every model: name, packing, batch, classes, bytes. */
    async models() {
        return (await (await this.#ask("GET", "/v1/models")).json()).models;
    }

    /** The client's half of a model's plan, as text. */
    async plan(model) {
        return (await this.#ask("GET", `/v1/models/${encodeURIComponent(model)}/plan`)).text();
    }

    async hasKeys(keySet) {
        return (await this.#ask("GET", `/v1/keys/${keySet}`, undefined, [404])).ok;
    }

    async sendKeys(keySet, evaluationKeys) {
        await this.#ask("PUT", `/v1/keys/${keySet}`, evaluationKeys);
    }

    /** The reply, the milliseconds that it took, and the server's own by stage. */
    async infer(model, keySet, upload) {
        const start = performance.now();
        const answer = await this.#ask("POST", `/v1/models/${encodeURIComponent(model)}/infer?keys=${keySet}`, upload);
        const reply = new Uint8Array(await answer.arrayBuffer());
        return { reply, milliseconds: performance.now() - start, stages: stages(answer.headers.get("Server-Timing")) };
    }

    /** accepted: statuses beside good ones that are no failure. */
    async #ask(method, path, body, accepted = []) {
        const headers = this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` };
        if (body !== undefined) {
            headers["Content-Type"] = binary;
        }
        let answer;
        try {
            answer = await fetch(this.#url + path, { method, body, headers, cache: "no-store" });
        } catch (problem) {
            throw new LacunaError(`${this.#url}: expected an answer, found none (${problem.message}); is the server there?`);
        }
        if (!answer.ok && !accepted.includes(answer.status)) {
            throw new LacunaError(await complaint(answer));
        }
        return answer;
    }
}

async function complaint(answer) {
    try {
        return (await answer.json()).error.message;
    } catch {
        return `expected an answer of lacuna serve, found status ${answer.status}`;
    }
}

/** "infer;dur=12.3, write;dur=0.4" as milliseconds by name. */
function stages(header) {
    const found = {};
    for (const [, name, milliseconds] of (header ?? "").matchAll(/(\w+);dur=([\d.]+)/g)) {
        found[name] = Number(milliseconds);
    }
    return found;
}
