// SPDX-License-Identifier: Apache-2.0
// Everything that takes time, away from the page: keys, encryption, decryption, requests. Messages are {id, call, values};
// answers {id, value} or {id, problem}, and {status} while something lasts. The secret key leaves this worker for
// IndexedDB and, where somebody asks for the file, for the page.

import { load } from "./client.mjs";
import { Service } from "./service.mjs";
import { readKeys, writeKeys } from "./store.mjs";

let service = new Service(self.location.origin);
const lacuna = load();
let model = "";
let planText = "";
let client = null;
let keySet = "";

function timed(work) {
    const start = performance.now();
    const value = work();
    return [value, performance.now() - start];
}

function status(text) {
    self.postMessage({ status: text });
}

/** Keeps what is there for the next visit; a browser that keeps nothing works, too. */
async function remember() {
    try {
        await writeKeys(client.planId(), { secretKey: client.secretKey(), keySet });
        return true;
    } catch {
        return false;
    }
}

async function recalled(plan) {
    try {
        return await readKeys(plan);
    } catch {
        return undefined;
    }
}

/** Evaluation keys of the client's secret, to the server. */
async function sendNewKeys() {
    status("Making evaluation keys…");
    const [keys, milliseconds] = timed(() => client.evaluationKeys());
    keySet = (await lacuna).keySet(keys);
    status(`Sending evaluation keys: ${(keys.length / 1e6).toFixed(1)} MB…`);
    const start = performance.now();
    await service.sendKeys(keySet, keys);
    return { bytes: keys.length, milliseconds, sending: performance.now() - start, kept: await remember() };
}

function replaceClient(next) {
    client?.close();
    client = next;
}

const calls = {
    /** token: empty, unless the service asks for one. */
    async models(token) {
        service = new Service(self.location.origin, token);
        return service.models();
    },

    /** Gets ready for a model: with the keys of an earlier visit, or new ones. */
    async use(name) {
        model = name;
        status("Reading the plan…");
        planText = await service.plan(name);
        status("Making keys…");
        const module = await lacuna;
        const [fresh, making] = timed(() => module.newClient(planText));
        replaceClient(fresh);
        const old = await recalled(client.planId());
        if (old !== undefined) {
            replaceClient(module.openClient(planText, old.secretKey));
            keySet = old.keySet;
            if (await service.hasKeys(keySet)) {
                return { keySet, input: JSON.parse(planText).input };
            }
        }
        const sent = await sendNewKeys();
        sent.milliseconds += making;
        return { keySet, sent, input: JSON.parse(planText).input };
    },

    async renew() {
        const module = await lacuna;
        const [fresh, making] = timed(() => module.newClient(planText));
        replaceClient(fresh);
        const sent = await sendNewKeys();
        sent.milliseconds += making;
        return { keySet, sent };
    },

    async classify(pixels) {
        const [upload, encrypting] = timed(() => client.encrypt(keySet, pixels));
        const { reply, milliseconds, stages } = await service.infer(model, keySet, upload);
        const [logits, decrypting] = timed(() => client.decrypt(keySet, reply));
        return {
            logits: logits[0],
            encrypting,
            decrypting,
            milliseconds,
            stages,
            uploadBytes: upload.length,
            replyBytes: reply.length,
            head: upload.slice(-96),
            keySet,
        };
    },

    async exportKey(passphrase) {
        return client.secretKey(passphrase);
    },

    async importKey(bytes, passphrase) {
        replaceClient((await lacuna).openClient(planText, bytes, passphrase));
        return { keySet, sent: await sendNewKeys() };
    },
};

// One after the other, in the order of the page's wishes.
let before = Promise.resolve();
self.onmessage = ({ data: { id, call, values } }) => {
    before = before.then(async () => {
        try {
            self.postMessage({ id, value: await calls[call](...values) });
        } catch (problem) {
            self.postMessage({ id, problem: problem.message });
        }
    });
};
