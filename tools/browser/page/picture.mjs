// SPDX-License-Identifier: Apache-2.0
// Pictures as the models' training set has them: white on black, the digit within 20 x 20 pixels of 28 x 28, its centre of
// mass in the middle.

const side = 28;
const box = 20;
const faint = 24; // below, a pixel is background

/** The brightness of an RGBA picture on white, inverted where the background is light, so that the digit is bright. */
function ink(image) {
    const { data, width, height } = image;
    const grey = new Float32Array(width * height);
    for (let i = 0; i < grey.length; ++i) {
        const [r, g, b, a] = data.subarray(4 * i, 4 * i + 4);
        grey[i] = 255 + ((0.299 * r + 0.587 * g + 0.114 * b - 255) * a) / 255;
    }
    let edge = 0;
    for (let x = 0; x < width; ++x) {
        edge += grey[x] + grey[(height - 1) * width + x];
    }
    for (let y = 0; y < height; ++y) {
        edge += grey[y * width] + grey[y * width + width - 1];
    }
    return edge / (2 * (width + height)) > 127 ? grey.map((value) => 255 - value) : grey;
}

/** The smallest rectangle with all of the digit, or null where there is none. */
function bounds(values, width, height) {
    let [left, top, right, bottom] = [width, height, -1, -1];
    for (let y = 0; y < height; ++y) {
        for (let x = 0; x < width; ++x) {
            if (values[y * width + x] > faint) {
                left = Math.min(left, x);
                right = Math.max(right, x);
                top = Math.min(top, y);
                bottom = Math.max(bottom, y);
            }
        }
    }
    return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The mean over what a pixel of the smaller picture covers, for any scale. */
function resized(values, width, from, columns, rows) {
    const result = new Float32Array(columns * rows);
    for (let row = 0; row < rows; ++row) {
        const y0 = from.top + (row * from.height) / rows;
        const y1 = from.top + ((row + 1) * from.height) / rows;
        for (let column = 0; column < columns; ++column) {
            const x0 = from.left + (column * from.width) / columns;
            const x1 = from.left + ((column + 1) * from.width) / columns;
            let sum = 0;
            for (let y = Math.floor(y0); y < y1; ++y) {
                const high = Math.min(y + 1, y1) - Math.max(y, y0);
                for (let x = Math.floor(x0); x < x1; ++x) {
                    sum += values[y * width + x] * high * (Math.min(x + 1, x1) - Math.max(x, x0));
                }
            }
            result[row * columns + column] = sum / ((y1 - y0) * (x1 - x0));
        }
    }
    return result;
}

/** 784 bytes of an ImageData, or null where nothing is in it. */
export function pixelsOf(image) {
    const values = ink(image);
    const from = bounds(values, image.width, image.height);
    if (from === null) {
        return null;
    }
    const scale = box / Math.max(from.width, from.height);
    const columns = Math.max(1, Math.round(from.width * scale));
    const rows = Math.max(1, Math.round(from.height * scale));
    const digit = resized(values, image.width, from, columns, rows);
    let [mass, massX, massY] = [0, 0, 0];
    digit.forEach((value, i) => {
        mass += value;
        massX += value * (i % columns);
        massY += value * Math.floor(i / columns);
    });
    const place = (centre, size) => Math.min(Math.max(Math.round((side - 1) / 2 - centre), 0), side - size);
    const left = place(massX / mass, columns);
    const top = place(massY / mass, rows);
    const pixels = new Uint8Array(side * side);
    digit.forEach((value, i) => {
        pixels[(top + Math.floor(i / columns)) * side + left + (i % columns)] = Math.min(255, Math.round(value));
    });
    return pixels;
}
