# SPDX-License-Identifier: BSL-1.0
"""Results as plain text."""


def number(value):
    if value is None:
        return "-"
    if value == 0 or value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def cells(table, kind):
    """The header, and a line of texts for each row: the median, its spread if there is any, and the ratio to the reference."""
    header = [table.name if kind == "time" else f"{table.name}: {kind}"] + table.subjects
    lines = []
    for row in table.rows:
        reference = table.figure(row, table.reference, kind) if table.reference else None
        line = [row]
        for subject in table.subjects:
            figure = table.figure(row, subject, kind)
            if figure is None:
                line.append("")
                continue
            words = number(figure.median)
            if figure.spread >= 0.005:
                words += f" ±{figure.spread * 100:.0f}%"
            if reference is not None and kind == "time" and figure.over(reference) is not None:
                words += f"  x{figure.over(reference):.2f}"
            line.append(words)
        if any(line[1:]):
            lines.append(line)
    return header, lines


def grid(header, lines):
    widths = [max(len(line[i]) for line in [header] + lines) for i in range(len(header))]
    for line in [header] + lines:
        yield "  ".join([line[0].ljust(widths[0])] + [word.rjust(width) for word, width in zip(line[1:], widths[1:])]).rstrip()


def legend(table, kind):
    unit = table.unit.get(kind)
    words = f"{kind} in {unit}" if unit else kind
    if kind == "time" and table.clock:
        words = f"{table.clock} {words}"
    if kind == "time" and table.reference:
        words += f"; x: as a multiple of '{table.reference}'"
    return f"({words}; medians, ± half the distance of the quartiles)"


def show(section):
    print(f"\n{section.name}: {section.title}")
    for failure in section.failures:
        print(f"FAILED  {failure}")
    for table in section.tables.values():
        for kind in table.kinds():
            print()
            for line in grid(*cells(table, kind)):
                print(line)
            print(legend(table, kind))


def show_verdicts(verdicts):
    if not verdicts:
        return
    print("\nBudgets\n")
    for verdict in verdicts:
        print(("met     " if verdict.met else "MISSED  ") + verdict.sentence)
