// SPDX-License-Identifier: Apache-2.0
// lacuna::client in a browser or under Node: keys, encryption and decryption, in the WebAssembly module lacuna.wasm beside
// this file. Nothing here talks to a network but the fetch of the module itself; service.mjs talks to `lacuna serve`.

const moduleAddress = new URL("./lacuna.wasm", import.meta.url);

/** What failed, in the library's own words. */
export class LacunaError extends Error {
    constructor(message) {
        super(message);
        this.name = "LacunaError";
    }
}

async function moduleBytes() {
    if (moduleAddress.protocol === "file:") {
        const { readFile } = await import("node:fs/promises");
        return readFile(moduleAddress);
    }
    const answer = await fetch(moduleAddress);
    if (!answer.ok) {
        throw new LacunaError(`${moduleAddress}: expected the module, found status ${answer.status}; build it again`);
    }
    return answer.arrayBuffer();
}

/** The few calls that the module makes into its surroundings: randomness, and what a C library asks for. */
function surroundings(memory, random) {
    const bytes = (at, size) => new Uint8Array(memory().buffer, at, size);
    const noFiles = 8; // WASI's EBADF
    return {
        wasi_snapshot_preview1: {
            proc_exit(status) {
                throw new LacunaError(`the module ended with status ${status}; load it again`);
            },
            fd_close: () => noFiles,
            fd_seek: () => noFiles,
            fd_write: () => noFiles,
            environ_get: () => 0,
            environ_sizes_get(count, size) {
                bytes(count, 4).fill(0);
                bytes(size, 4).fill(0);
                return 0;
            },
        },
        env: {
            // What POSIX says of it: at most 256 bytes a call, 0 where it worked.
            getentropy(at, size) {
                random.getRandomValues(bytes(at, size));
                return 0;
            },
            __call_sighandler() {},
            emscripten_notify_memory_growth() {},
        },
    };
}

/** Loads the module: once, for any number of clients. */
export async function load(source) {
    let memory = null;
    // Node 18 has it under another name.
    const random = globalThis.crypto ?? (await import("node:crypto")).webcrypto;
    const { instance } = await WebAssembly.instantiate(
        source ?? (await moduleBytes()),
        surroundings(() => memory, random),
    );
    memory = instance.exports.memory;
    instance.exports._initialize?.();
    return new Lacuna(instance.exports);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class Lacuna {
    #exports;

    constructor(exports) {
        this.#exports = exports;
    }

    /** A client of a plan, as GET /v1/models/M/plan or `lacuna plan --export-client` gives it, with a new secret key. */
    newClient(plan) {
        return this.#client([encoder.encode(plan)], this.#exports.lacuna_new_client);
    }

    /** One with the secret key of a file secret.key; passphrase: of a key that is under one. */
    openClient(plan, secretKey, passphrase = "") {
        return this.#client(
            [encoder.encode(plan), secretKey, encoder.encode(passphrase)],
            this.#exports.lacuna_open_client,
        );
    }

    /** The name of evaluation keys, which uploads and requests have. */
    keySet(evaluationKeys) {
        return decoder.decode(this.#call(this.#exports.lacuna_key_set, [evaluationKeys]));
    }

    #client(buffers, open) {
        const handle = this.#with(buffers, open);
        if (handle === 0) {
            throw new LacunaError(decoder.decode(this.#result()));
        }
        return new Client(this.#exports, handle, (work, buffers) =>
            this.#call((...where) => work(handle, ...where), buffers),
        );
    }

    #call(work, buffers) {
        const done = this.#with(buffers, work);
        const result = this.#result();
        if (done === 0) {
            throw new LacunaError(decoder.decode(result));
        }
        return result;
    }

    /** Calls with every buffer's place and length; what was copied is wiped. */
    #with(buffers, work) {
        const places = [];
        try {
            for (const buffer of buffers) {
                const at = this.#exports.lacuna_allocate(buffer.length || 1);
                if (at === 0) {
                    throw new LacunaError("expected more memory than the browser gives; close other pages");
                }
                places.push([at, buffer.length]);
                new Uint8Array(this.#exports.memory.buffer).set(buffer, at);
            }
            return work(...places.flat());
        } finally {
            for (const [at, length] of places) {
                this.#exports.lacuna_free(at, length);
            }
        }
    }

    #result() {
        const { memory, lacuna_result, lacuna_result_size, lacuna_forget_result } = this.#exports;
        const bytes = new Uint8Array(memory.buffer, lacuna_result(), lacuna_result_size()).slice();
        lacuna_forget_result();
        return bytes;
    }
}

/** Holds a secret key; close() wipes it. */
class Client {
    #exports;
    #handle;
    #call;

    constructor(exports, handle, call) {
        this.#exports = exports;
        this.#handle = handle;
        this.#call = call;
    }

    #bytes(work, buffers = []) {
        if (this.#handle === 0) {
            throw new LacunaError("expected an open client, found one that was closed; make another");
        }
        return this.#call(work, buffers);
    }

    /** The plan's name, as replies have it. */
    planId() {
        return decoder.decode(this.#bytes(this.#exports.lacuna_plan_id));
    }

    /** secret.key, under a passphrase unless that is empty: for safekeeping, and for nobody else. */
    secretKey(passphrase = "") {
        return this.#bytes(this.#exports.lacuna_secret_key, [encoder.encode(passphrase)]);
    }

    /** public.key: a new one every time. */
    publicKey() {
        return this.#bytes(this.#exports.lacuna_public_key);
    }

    /** evaluation.keys: new ones every time; for the server. */
    evaluationKeys() {
        return this.#bytes(this.#exports.lacuna_evaluation_keys);
    }

    /** An upload. pixels: a byte each, one image after the other, as the plan's input says. */
    encrypt(keySet, pixels) {
        return this.#bytes(this.#exports.lacuna_encrypt, [encoder.encode(keySet), pixels]);
    }

    /** The logits of a reply: for every image an exact whole number a class. */
    decrypt(keySet, reply) {
        const text = decoder.decode(this.#bytes(this.#exports.lacuna_decrypt, [encoder.encode(keySet), reply]));
        return JSON.parse(text).map((image) => image.map(BigInt));
    }

    close() {
        if (this.#handle !== 0) {
            this.#exports.lacuna_close_client(this.#handle);
            this.#handle = 0;
        }
    }
}
