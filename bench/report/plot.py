# SPDX-License-Identifier: BSL-1.0
"""Plots as SVG: bars for situations that have names, lines where each situation is a number."""

import math
from html import escape

from results import number_in
from text import number

WIDTH, MARGIN, BAR, GAP = 760, 12, 14, 16


def of(table, kind):
    """A plot of one kind of figure of a table; empty if there is nothing to compare."""
    numbers = [number_in(row) for row in table.rows]
    if len(table.rows) > 2 and None not in numbers and len(set(numbers)) == len(numbers):
        return lines(table, kind, numbers)
    return bars(table, kind)


def svg(height, parts, label):
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">' + "".join(parts) + "</svg>"


def text(x, y, words, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}</text>'


def bars(table, kind):
    """A group of bars for each row; a whisker from the lower to the upper quartile."""
    shown = {(row, subject): table.figure(row, subject, kind) for row in table.rows for subject in table.subjects}
    shown = {place: figure for place, figure in shown.items() if figure is not None}
    if len(shown) < 2 or not any(figure.median for figure in shown.values()):
        return ""
    label_width = min(300, 7 * max(len(subject) for subject in table.subjects) + 2 * MARGIN)
    room = WIDTH - label_width - 90
    parts, y = [], MARGIN
    for row in table.rows:
        figures = [(i, subject, shown[row, subject]) for i, subject in enumerate(table.subjects) if (row, subject) in shown]
        if not figures:
            continue
        scale = room / (max(figure.high for _, _, figure in figures) or 1)
        y += BAR
        parts.append(text(MARGIN, y, row, style="strong"))
        y += 6
        for i, subject, figure in figures:
            middle = y + BAR / 2
            parts.append(text(label_width - 6, y + BAR - 3, subject, "end"))
            parts.append(f'<rect class="c{i % 8}" x="{label_width}" y="{y}" width="{figure.median * scale:.1f}" height="{BAR - 2}"/>')
            parts.append(f'<path class="whisker" d="M{label_width + figure.low * scale:.1f} {middle - 1:.1f}H{label_width + figure.high * scale:.1f}"/>')
            parts.append(text(label_width + figure.high * scale + 6, y + BAR - 3, number(figure.median)))
            y += BAR
        y += GAP
    return svg(y, parts, f"{table.name}, {kind}")


def lines(table, kind, numbers):
    """A line for each subject over the numbers of the rows, which are spaced by their logarithms where they are far apart."""
    left, right, top, bottom = 60, 190, 14, 34
    height = 300
    span = [math.log(x) for x in numbers] if min(numbers) > 0 and max(numbers) / min(numbers) > 8 else numbers
    drawn = [(subject, [(x, table.figure(row, subject, kind)) for x, row in zip(span, table.rows)]) for subject in table.subjects]
    drawn = [(subject, [(x, figure) for x, figure in points if figure is not None]) for subject, points in drawn]
    values = [figure.median for _, points in drawn for _, figure in points]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    low, high = (low, high) if high > low else (low, low + 1)
    place_x = lambda x: left + (x - min(span)) / (max(span) - min(span)) * (WIDTH - left - right)
    place_y = lambda value: height - bottom - (value - low) / (high - low) * (height - top - bottom)
    parts = []
    for step in range(5):
        value = low + (high - low) * step / 4
        parts.append(f'<path class="rule" d="M{left} {place_y(value):.1f}H{WIDTH - right}"/>' + text(left - 6, place_y(value) + 4, number(value), "end"))
    for x, row in zip(span, table.rows):
        parts.append(text(place_x(x), height - bottom + 18, row, "middle"))
    ends = []
    for i, (subject, points) in enumerate(drawn):
        if not points:
            continue
        path = "L".join(f"{place_x(x):.1f} {place_y(figure.median):.1f}" for x, figure in points)
        parts.append(f'<path class="line l{i % 8}" d="M{path}"/>')
        ends.append((place_y(points[-1][1].median), place_x(points[-1][0]), i, subject))
    lowest = top
    for y, x, i, subject in sorted(ends):
        lowest = max(lowest + 13, y)
        parts.append(f'<path class="line l{i % 8} thin" d="M{x:.1f} {y:.1f}L{WIDTH - right + 14} {lowest:.1f}"/>' + text(WIDTH - right + 18, lowest + 4, subject))
    return svg(max(height, lowest + 14), parts, f"{table.name}, {kind}")
