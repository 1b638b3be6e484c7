// SPDX-License-Identifier: Apache-2.0
// Keys between two visits, in this browser's IndexedDB: for every plan its secret key and the name of the evaluation keys
// that servers have.

const table = "keys";

function finished(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

async function store(mode) {
    const request = indexedDB.open("lacuna", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(table);
    return (await finished(request)).transaction(table, mode).objectStore(table);
}

/** {secretKey, keySet} of a plan, or undefined. */
export async function readKeys(plan) {
    return finished((await store("readonly")).get(plan));
}

export async function writeKeys(plan, keys) {
    await finished((await store("readwrite")).put(keys, plan));
}
