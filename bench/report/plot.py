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
    """A line for each subject over the numbers of the rows, with whiskers as in `bars`. Both axes are logarithmic where their values are far apart."""
    top, bottom, height = 14, 34, 320
    drawn = [(i, subject, [(x, table.figure(row, subject, kind)) for x, row in zip(numbers, table.rows)]) for i, subject in enumerate(table.subjects)]
    drawn = [(i, subject, [(x, figure) for x, figure in points if figure is not None]) for i, subject, points in drawn]
    drawn = [line for line in drawn if line[2]]
    figures = [figure for _, _, points in drawn for _, figure in points]
    if len(figures) < 2:
        return ""
    left, right = 70, min(300, 7 * max(len(subject) for _, subject, _ in drawn) + 30)
    across, _ = scale(min(numbers), max(numbers), left, WIDTH - right)
    upwards, ticks = scale(min(figure.low for figure in figures), max(figure.high for figure in figures), height - bottom, top)
    parts = []
    for value in ticks:
        parts.append(f'<path class="rule" d="M{left} {upwards(value):.1f}H{WIDTH - right}"/>' + text(left - 6, upwards(value) + 4, number(value), "end"))
    beyond = left
    for x, row in sorted(zip(numbers, table.rows)):
        half = 3.5 * len(row)
        if across(x) - half >= beyond or x == min(numbers):
            parts.append(text(across(x), height - bottom + 18, row, "middle"))
            beyond = across(x) + half
    ends = []
    for i, subject, points in drawn:
        points = sorted(points, key=lambda point: point[0])
        path = "L".join(f"{across(x):.1f} {upwards(figure.median):.1f}" for x, figure in points)
        parts.append(f'<path class="line l{i % 8}" d="M{path}"/>')
        for x, figure in points:
            parts.append(f'<path class="line l{i % 8} thin" d="M{across(x):.1f} {upwards(figure.low):.1f}V{upwards(figure.high):.1f}"/>')
            parts.append(f'<circle class="c{i % 8}" cx="{across(x):.1f}" cy="{upwards(figure.median):.1f}" r="2.5"/>')
        ends.append((upwards(points[-1][1].median), across(points[-1][0]), i, subject))
    ends.sort()
    for (y, x, i, subject), place in zip(ends, apart([end[0] for end in ends], top, height - bottom)):
        parts.append(f'<path class="line l{i % 8} thin" d="M{x:.1f} {y:.1f}L{WIDTH - right + 14} {place:.1f}"/>' + text(WIDTH - right + 18, place + 4, subject))
    return svg(height, parts, f"{table.name}, {kind}")


def scale(low, high, at_low, at_high):
    """A function that places the values from `low` to `high` between two positions, and round values to mark."""
    if low > 0 and high / low > 8:
        place = lambda value: at_low + math.log(value / low) / math.log(high / low) * (at_high - at_low)
        steps = (1, 2, 5) if high / low < 200 else (1,)
        marks = [step * 10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for step in steps]
    else:
        if high <= low:
            high = low + (abs(low) or 1)
        place = lambda value: at_low + (value - low) / (high - low) * (at_high - at_low)
        rough = (high - low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
        marks = [step * count for count in range(math.floor(low / step), math.ceil(high / step) + 1)]
    return place, [value for value in marks if low <= value <= high]


def apart(places, top, bottom, distance=13):
    """Places in ascending order, moved so that labels there do not overlap nor leave the plot, if there is room."""
    moved, lowest = [], top - distance
    for place in places:
        lowest = max(lowest + distance, place)
        moved.append(lowest)
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], bottom)
        bottom = moved[i] - distance
    return moved
