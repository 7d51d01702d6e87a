# SPDX-License-Identifier: BSL-1.0
"""Results as one HTML page that needs nothing else."""

from html import escape

import plot
import text

# Told apart by those who do not see all colours too (Okabe and Ito); the eighth is the text's own.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a00", "currentColor"]

STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --faint: #8885; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid var(--faint); padding-top: 1rem; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--faint); font-variant-numeric: tabular-nums; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
p.note { font-size: 13px; opacity: .8; margin-top: .3rem; }
.missed { font-weight: bold; }
svg { width: 100%; max-width: 760px; font: 11px system-ui, sans-serif; }
svg text { fill: currentColor; } svg .strong { font-weight: bold; }
.whisker { stroke: currentColor; stroke-width: 2; } .rule { stroke: var(--faint); } .line { fill: none; stroke-width: 2; } .thin { stroke-width: .7; }
""" + "".join(f".c{i} {{ fill: {colour}; }} .l{i} {{ stroke: {colour}; }}\n" for i, colour in enumerate(COLOURS))


def table(header, lines):
    yield '<div class="wide"><table><tr>' + "".join(f"<th>{escape(word)}</th>" for word in header) + "</tr>"
    for line in lines:
        yield "<tr>" + "".join(f"<td>{escape(word)}</td>" for word in line) + "</tr>"
    yield "</table></div>"


def of_section(section):
    yield f'<h2 id="{escape(section.name)}">{escape(section.title)}</h2><p>{escape(section.about)}</p><p class="note">bench/run {escape(section.name)}: {escape(section.machine)}</p>'
    for failure in section.failures:
        yield f'<p class="missed">failed: {escape(failure)}</p>'
    for each in section.tables.values():
        yield f"<h3>{escape(each.name)}</h3>"
        for kind in each.kinds():
            yield from table(*text.cells(each, kind))
            yield f'<p class="note">{escape(text.legend(each, kind))}</p>'
            yield plot.of(each, kind)


def of(sections, verdicts):
    parts = ['<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
             f"<title>Larder: benchmarks</title><style>{STYLE}</style><h1>Larder: benchmarks</h1>"]
    parts.append("<p>" + " · ".join(f'<a href="#{escape(section.name)}">{escape(section.title)}</a>' for section in sections) + "</p>")
    if verdicts:
        parts.append("<h2>Budgets</h2><ul>")
        parts += [f'<li class="{"met" if verdict.met else "missed"}">{"met" if verdict.met else "missed"}: {escape(verdict.sentence)}</li>' for verdict in verdicts]
        parts.append("</ul>")
    for section in sections:
        parts += of_section(section)
    return "\n".join(parts) + "\n</html>\n"
