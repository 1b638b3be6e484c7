# SPDX-License-Identifier: Apache-2.0
"""A line chart as SVG."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#0b62a4", "#c1440e", "#2a7f3f", "#7a3fa0", "#8a6d00", "#444444")
WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 40, 54


def plot(series, x_title, y_title, ticks=None, reference=None, y_ticks=None, diagonal=None):
    """series: [(name, [(x, y)])], none of them empty. ticks, y_ticks: [(value, text)], else round numbers.
    reference: a y that gets a dashed line. diagonal: what the dashed line y = x is, for curves below it, whose
    names then stand above it in a column."""
    points = [point for _, line in series for point in line]
    heights = [y for _, y in points] + ([] if reference is None else [reference])
    x_low, x_high = _span([x for x, _ in points])
    y_low, y_high = _span(heights)

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - x_low) / (x_high - x_low)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - y_low) / (y_high - y_low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for value, text in y_ticks or [(value, f"{value:.10g}") for value in _round_numbers(y_low, y_high)]:
        if not y_low <= value <= y_high:
            continue
        out.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    for value, text in ticks or [(value, f"{value:.10g}") for value in _round_numbers(x_low, x_high)]:
        out.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(text)}</text>')
    if reference is not None:
        out.append(f'<path d="M{LEFT} {y(reference):.1f}H{WIDTH - RIGHT}" stroke="#444444" stroke-dasharray="4 3"/>')
    if diagonal is not None:
        low, high = max(x_low, y_low), min(x_high, y_high)
        out.append(f'<path d="M{x(low):.1f} {y(low):.1f}L{x(high):.1f} {y(high):.1f}" stroke="#444444" '
                   f'stroke-dasharray="4 3"/>'
                   f'<text x="{LEFT + 12}" y="{TOP + 12 + 18 * len(series)}" fill="#444444">{escape(diagonal)}</text>')
    for index, (name, line) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        out.append(f'<polyline points="{" ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line)}" fill="none" '
                   f'stroke="{colour}"/>')
        out += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in line]
        left, height = ((LEFT + (WIDTH - LEFT - RIGHT) * index / len(series), TOP - 18) if diagonal is None else
                        (LEFT + 12, TOP + 12 + 18 * index))
        out.append(f'<text x="{left:.1f}" y="{height}" fill="{colour}">{escape(name)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_title)}</text>'
               f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
               f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y_title)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _span(values):
    low, high = min(values), max(values)
    margin = (high - low) * 0.05 or max(abs(high), 1.0) * 0.05
    return low - margin, high + margin


def _round_numbers(low, high):
    """Four to ten multiples of 1, 2 or 5 times a power of ten within the range."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= max(factor for factor in (1, 2, 5) if factor * step <= (high - low) / 4)
    return [round(number * step, 12) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
