// SPDX-License-Identifier: Apache-2.0

/** What failed, in the library's own words. */
export class LacunaError extends Error {}

/** Loads the WebAssembly module, once for any number of clients; source: its bytes, by default of lacuna.wasm beside it. */
export function load(source?: BufferSource): Promise<Lacuna>;

export interface Lacuna {
    /** A client of a plan, as GET /v1/models/M/plan or `lacuna plan --export-client` gives it, with a new secret key. */
    newClient(plan: string): Client;
    /** One with the secret key of a file secret.key. */
    openClient(plan: string, secretKey: Uint8Array, passphrase?: string): Client;
    /** The name of evaluation keys: 32 hexadecimal digits. */
    keySet(evaluationKeys: Uint8Array): string;
}

/** Holds a secret key, which never leaves it but by secretKey(). */
export interface Client {
    planId(): string;
    secretKey(passphrase?: string): Uint8Array;
    publicKey(): Uint8Array;
    evaluationKeys(): Uint8Array;
    /** pixels: a byte each, one image after the other, as many as the plan's input has. */
    encrypt(keySet: string, pixels: Uint8Array): Uint8Array;
    /** For every image an exact whole number a class. */
    decrypt(keySet: string, reply: Uint8Array): bigint[][];
    /** Wipes the secret key. */
    close(): void;
}

export interface ServedModel {
    name: string;
    model: string;
    plan: string;
    packing: "slots" | "radix" | "packed";
    batch: number;
    classes: number;
    bytes: { evaluation_keys: number; upload: number; reply: number };
}

export interface Inference {
    reply: Uint8Array;
    milliseconds: number;
    /** The server's milliseconds by stage. */
    stages: Record<string, number>;
}

/** A `lacuna serve`. Every method throws LacunaError. */
export class Service {
    constructor(url: string, token?: string);
    models(): Promise<ServedModel[]>;
    plan(model: string): Promise<string>;
    hasKeys(keySet: string): Promise<boolean>;
    sendKeys(keySet: string, evaluationKeys: Uint8Array): Promise<void>;
    infer(model: string, keySet: string, upload: Uint8Array): Promise<Inference>;
}
