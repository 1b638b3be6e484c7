// SPDX-License-Identifier: Apache-2.0
// What one sees and does; the work is worker.mjs's.

import { pixelsOf } from "./picture.mjs";

const element = (id) => document.getElementById(id);
const pad = element("pad");
const ink = pad.getContext("2d", { willReadFrequently: true });
const penWidth = 22;
const step = 10; // of the arrow keys

// The worker: calls by number.
const worker = new Worker("worker.mjs", { type: "module" });
const waiting = new Map();
let calls = 0;
worker.onmessage = ({ data: { id, value, problem, status } }) => {
    if (status !== undefined) {
        say(status);
        return;
    }
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (problem === undefined) {
        resolve(value);
    } else {
        reject(new Error(problem));
    }
};
worker.onerror = (event) => say(`The worker did not start: ${event.message}`, true);

function call(name, ...values) {
    return new Promise((resolve, reject) => {
        waiting.set(++calls, { resolve, reject });
        worker.postMessage({ id: calls, call: name, values });
    });
}

function say(text, isError = false) {
    element("status").textContent = text;
    element("status").classList.toggle("error", isError);
}

let busy = true;
let empty = true;
let ready = false;
function refresh() {
    element("ask").disabled = busy || empty || !ready;
    element("export").disabled = busy || !ready;
    element("renew").disabled = busy || !ready;
    element("model").disabled = busy;
    element("token").disabled = busy;
    document.body.setAttribute("aria-busy", String(busy));
}

/** Runs one thing at a time; what goes wrong is said. */
async function exclusively(work) {
    busy = true;
    refresh();
    try {
        await work();
    } catch (problem) {
        say(problem.message, true);
    }
    busy = false;
    refresh();
}

// Drawing.
function clear() {
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, pad.width, pad.height);
    empty = true;
    element("digit").value = "–";
    element("logits").replaceChildren();
    refresh();
}

function line(from, to) {
    ink.lineWidth = penWidth;
    ink.lineCap = "round";
    ink.strokeStyle = "#000";
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x, to.y);
    ink.stroke();
    empty = false;
}

let last = null;
const place = (event) => ({ x: event.offsetX, y: event.offsetY });
pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
});
pad.addEventListener("pointermove", (event) => {
    if (last !== null) {
        const here = place(event);
        line(last, here);
        last = here;
    }
});
for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, () => {
        last = null;
        refresh();
    });
}

// The same with keys: where the pen is shows as a ring around what is drawn.
const pen = { x: 140, y: 60, down: false };
const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
pad.addEventListener("keydown", (event) => {
    if (event.key in moves) {
        const from = { x: pen.x, y: pen.y };
        pen.x = Math.min(Math.max(pen.x + moves[event.key][0], 20), pad.width - 20);
        pen.y = Math.min(Math.max(pen.y + moves[event.key][1], 20), pad.height - 20);
        if (pen.down) {
            line(from, pen);
        }
    } else if (event.key === " ") {
        pen.down = !pen.down;
        if (pen.down) {
            line(pen, pen);
        }
    } else if (event.key === "Enter") {
        element("ask").click();
        return;
    } else {
        return;
    }
    event.preventDefault();
    say(`Pen ${pen.down ? "down" : "up"}, column ${pen.x / step} and row ${pen.y / step} of 28`);
    refresh();
});

async function show(file) {
    try {
        const picture = await createImageBitmap(file);
        clear();
        const scale = Math.min(pad.width / picture.width, pad.height / picture.height);
        const [width, height] = [picture.width * scale, picture.height * scale];
        ink.drawImage(picture, (pad.width - width) / 2, (pad.height - height) / 2, width, height);
        empty = false;
        say("This picture is ready to be asked about.");
    } catch {
        say(`${file.name}: expected a picture, found another file; choose a PNG or JPEG`, true);
    }
    refresh();
}

element("picture").addEventListener("change", ({ target }) => {
    if (target.files.length > 0) {
        show(target.files[0]);
    }
    target.value = "";
});
document.addEventListener("dragover", (event) => {
    event.preventDefault();
    pad.classList.add("drop");
});
document.addEventListener("dragleave", () => pad.classList.remove("drop"));
document.addEventListener("drop", (event) => {
    event.preventDefault();
    pad.classList.remove("drop");
    if (event.dataTransfer.files.length > 0) {
        show(event.dataTransfer.files[0]);
    }
});

// Asking and answering.
const bytes = (count) => (count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`);
const time = (milliseconds) =>
    milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;

function row(what, size, milliseconds) {
    const line = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = what;
    line.append(head);
    for (const text of [size === null ? "" : bytes(size), milliseconds === null ? "" : time(milliseconds)]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        line.append(cell);
    }
    return line;
}

/** Rows about keys stay while answers come and go. */
let keyRows = [];
function noteKeys({ keySet, sent }) {
    keyRows = [];
    if (sent !== undefined) {
        keyRows.push(row("keys made here", null, sent.milliseconds));
        keyRows.push(row("evaluation keys, up, once", sent.bytes, sent.sending));
    }
    element("sent").replaceChildren(...keyRows);
    const kept = sent === undefined || sent.kept;
    element("keys-note").textContent =
        `Key set ${keySet}. The secret key was made in this browser and ` +
        (kept ? "is kept in it for the next visit." : "is forgotten with this page: the browser keeps nothing.");
}

function showLogits(logits) {
    const numbers = logits.map(Number);
    const most = Math.max(...numbers);
    const least = Math.min(...numbers);
    const digit = numbers.indexOf(most);
    element("digit").value = String(digit);
    element("logits").replaceChildren(
        ...logits.map((logit, i) => {
            const line = document.createElement("li");
            line.classList.toggle("first", i === digit);
            const name = document.createElement("span");
            name.textContent = String(i);
            const bar = document.createElement("progress");
            bar.max = most - least || 1;
            bar.value = numbers[i] - least;
            bar.setAttribute("aria-hidden", "true");
            const value = document.createElement("span");
            value.textContent = logit.toString();
            line.append(name, bar, value);
            return line;
        }),
    );
    return digit;
}

function showSent(answer) {
    element("sent").replaceChildren(
        ...keyRows,
        row("encrypted here", null, answer.encrypting),
        row("upload", answer.uploadBytes, null),
        row("reply", answer.replyBytes, null),
        row("from upload to reply", null, answer.milliseconds),
        row("of that, the server's inference", null, answer.stages.infer ?? 0),
        row("decrypted here", null, answer.decrypting),
    );
    element("seen").textContent =
        `The name of your key set, ${answer.keySet}, the evaluation keys under it, when you asked, and ` +
        `${bytes(answer.uploadBytes)} that look like this to its end. Not your picture, not the answer.`;
    const hex = [...answer.head].map((byte) => byte.toString(16).padStart(2, "0"));
    element("ciphertext").textContent = hex.join(" ").replace(/((?:\S+ ){15}\S+) /g, "$1\n");
}

element("ask").addEventListener("click", () =>
    exclusively(async () => {
        const pixels = pixelsOf(ink.getImageData(0, 0, pad.width, pad.height));
        if (pixels === null) {
            say("Expected a digit, found an empty picture; draw one", true);
            return;
        }
        say("Asking…");
        const answer = await call("classify", pixels);
        const digit = showLogits(answer.logits);
        showSent(answer);
        const whole = answer.encrypting + answer.milliseconds + answer.decrypting;
        say(`It is a ${digit}. From encryption to answer: ${time(whole)}.`);
    }),
);
element("clear").addEventListener("click", () => {
    clear();
    say("Draw a digit.");
});

// Keys and models.
async function use(name) {
    ready = false;
    const state = await call("use", name);
    const [channels, height, width] = state.input.shape;
    if (channels !== 1 || height !== 28 || width !== 28) {
        say(`This page has pictures of 28 x 28 pixels, this model takes ${state.input.shape.join(" x ")}`, true);
        return;
    }
    noteKeys(state);
    ready = true;
    say("Draw a digit.");
}

element("model").addEventListener("change", ({ target }) => exclusively(() => use(target.value)));
element("renew").addEventListener("click", () =>
    exclusively(async () => {
        noteKeys(await call("renew"));
        say("New keys are in use.");
    }),
);
element("export").addEventListener("click", () =>
    exclusively(async () => {
        const passphrase = element("passphrase").value;
        const address = URL.createObjectURL(new Blob([await call("exportKey", passphrase)]));
        const link = document.createElement("a");
        link.href = address;
        link.download = "secret.key";
        link.click();
        URL.revokeObjectURL(address);
        say(passphrase === "" ? "Saved without a passphrase: keep the file to yourself." : "Saved under the passphrase.");
    }),
);
element("import").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    const most = 1 << 20;
    if (file === undefined) {
        return;
    }
    exclusively(async () => {
        if (file.size > most) {
            throw new Error(`${file.name}: expected a secret.key, found a file of ${bytes(file.size)}`);
        }
        const record = new Uint8Array(await file.arrayBuffer());
        noteKeys(await call("importKey", record, element("passphrase").value));
        say("The secret key of this file is in use.");
    });
});

async function start() {
    const models = (await call("models", element("token").value)).filter((model) => model.classes === 10);
    if (models.length === 0) {
        throw new Error("Expected a model of digits on this server, found none");
    }
    element("model").replaceChildren(...models.map(({ name, packing }) => new Option(`${name} (${packing})`, name)));
    // Where there is a choice: the one that asks for the fewest bytes a picture.
    const best = models.reduce((a, b) => (b.bytes.upload < a.bytes.upload ? b : a));
    element("model").value = best.name;
    await use(best.name);
}

element("token").addEventListener("change", () => exclusively(start));
clear();
exclusively(start);
