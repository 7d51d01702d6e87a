# SPDX-License-Identifier: BSL-1.0
"""The budgets, and whether they are met."""

import re
import tomllib
from dataclasses import dataclass

from text import number

KNOWN = frozenset("what program table subject against counter rows at_most at_least".split())


@dataclass
class Verdict:
    met: bool
    sentence: str


def read(path):
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("budget", [])
    for budget in listed:
        unknown = budget.keys() - KNOWN
        if unknown or not {"what", "program", "table", "subject"} <= budget.keys() or not {"at_most", "at_least"} & budget.keys():
            raise SystemExit(f"{path}: this is no budget: {budget}")
    return listed


def judge(budgets, sections):
    """One verdict for each row that a budget is about; one that says that it was not measured if there is no such row."""
    verdicts = []
    for budget in budgets:
        for section in sections:
            if section.name == budget["program"]:
                verdicts += judge_one(budget, section)
    return verdicts


def judge_one(budget, section):
    table = section.tables.get(budget["table"])
    kind = budget.get("counter", "time")
    verdicts = []
    for row in table.rows if table else []:
        if not re.search(budget.get("rows", ""), row):
            continue
        figure = table.figure(row, budget["subject"], kind)
        other = table.figure(row, budget["against"], kind) if "against" in budget else None
        if figure is None or ("against" in budget and other is None):
            continue
        value = figure.over(other) if other else figure.median
        verdicts.append(verdict_of(budget, row, value))
    return verdicts or [Verdict(False, f"{budget['what']}: not measured")]


def verdict_of(budget, row, value):
    most, least = budget.get("at_most"), budget.get("at_least")
    limit = most if most is not None else least
    over = value - limit if most is not None else limit - value
    met = over <= 0
    words = f"{budget['what']}: {row}: {number(round(value, 3))} ({'at most' if most is not None else 'at least'} {number(limit)}"
    if not met:
        words += f"; {number(round(over, 3))}" + (f", {over / limit * 100:.0f} %," if limit else "") + (" too much" if most is not None else " too little")
    return Verdict(met, words + ")")
