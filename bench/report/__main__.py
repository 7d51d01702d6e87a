# SPDX-License-Identifier: BSL-1.0
"""Prints the results of bench/run as tables, writes them as a page, and checks them against the budgets."""

import argparse
import sys
from pathlib import Path

import budgets
import page
import results
import text


def main():
    parser = argparse.ArgumentParser(prog="report")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--budgets", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("names", nargs="+")
    given = parser.parse_args()

    sections = [results.Section(name, sorted(given.results.glob(name + "-*.json"))) for name in given.names]
    verdicts = budgets.judge(budgets.read(given.budgets), sections)
    for section in sections:
        text.show(section)
    text.show_verdicts(verdicts)
    given.page.write_text(page.of(sections, verdicts), encoding="utf-8")
    print(f"\nThe page: {given.page}")
    return 1 if given.check and not all(verdict.met for verdict in verdicts) else 0


sys.exit(main())
