# SPDX-License-Identifier: BSL-1.0
"""What the programs measured: sections of tables of figures, read from files in Google Benchmark's JSON form."""

import json
import re
import statistics

NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# What Google Benchmark itself says of a run; everything else is a counter of the program's.
OWN_FIELDS = frozenset(
    "name run_name run_type repetitions repetition_index family_index per_family_instance_index threads iterations "
    "real_time cpu_time time_unit label items_per_second bytes_per_second error_occurred error_message".split()
)


class Figure:
    """The median of repeated measurements, with the quartiles as their spread."""

    def __init__(self, values):
        self.values = sorted(values)
        self.median = statistics.median(self.values)
        if len(self.values) > 1:
            self.low, _, self.high = statistics.quantiles(self.values, n=4, method="inclusive")
        else:
            self.low = self.high = self.median

    @property
    def spread(self):
        """Half the distance of the quartiles, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0

    def over(self, other):
        """The ratio of the medians; None where it would be infinite."""
        return self.median / other.median if other.median else None


class Table:
    """Figures of several subjects in several situations. The first kind of figure is the time unless the program says otherwise."""

    def __init__(self, name, reference, unit, clock):
        self.name, self.reference, self.unit, self.clock = name, reference, unit, clock
        self.rows, self.subjects = [], []
        self.measured = {}  # (row, subject) -> {"time" or a counter's name: [a value for each repetition]}

    def add(self, row, subject, values):
        if row not in self.rows:
            self.rows.append(row)
        if subject not in self.subjects:
            self.subjects.append(subject)
        kinds = self.measured.setdefault((row, subject), {})
        for kind, value in values.items():
            kinds.setdefault(kind, []).append(value)

    def kinds(self):
        seen = []
        for kinds in self.measured.values():
            seen += [kind for kind in kinds if kind not in seen]
        return seen

    def figure(self, row, subject, kind):
        values = self.measured.get((row, subject), {}).get(kind)
        return Figure(values) if values else None


class Section:
    """All that one program measured, in one run or several.

    The program names each benchmark "table/row/subject", and may say of itself, in the file's context: "title", "about",
    "reference/TABLE" (the subject that the others of that table are divided by), "clock/TABLE" ("processor" if its times are the processor's, not
    what passes), and "unit/KIND" (of a counter); "times" with the value "no" if its times mean nothing."""

    def __init__(self, name, paths):
        self.name, self.title, self.about, self.tables = name, name, "", {}
        self.machine, self.units = "", {"time": "ns"}
        self.failures = []
        for path in paths:
            self._read(json.loads(path.read_text(encoding="utf-8")))

    def _read(self, file):
        context = file.get("context", {})
        self.title = context.get("title", self.title)
        self.about = context.get("about", self.about)
        self.machine = f"{context.get('num_cpus', '?')} processors, load {context.get('load_avg', ['?'])[:1]}, {context.get('date', '')}"
        self.units |= {key.removeprefix("unit/"): value for key, value in context.items() if key.startswith("unit/")}
        registered = lambda run: (run.get("family_index", 0), run.get("per_family_instance_index", 0))  # they ran in another order
        for run in sorted(file.get("benchmarks", []), key=registered):
            if run.get("error_occurred"):
                self.failures.append(f"{run['name']}: {run.get('error_message', '')}")
                continue
            if run.get("run_type", "iteration") != "iteration":
                continue
            parts = run.get("run_name", run["name"]).split("/")
            name, row, subject = parts[:3]
            if any(part.startswith("threads:") for part in parts[3:]):
                row += f", {run['threads']} thread{'s' if run['threads'] != 1 else ''}"
            if name not in self.tables:
                self.tables[name] = Table(name, context.get("reference/" + name), self.units, context.get("clock/" + name))
            values = {key: value for key, value in run.items() if key not in OWN_FIELDS and isinstance(value, (int, float))}
            if context.get("times") != "no":
                values = {"time": run["cpu_time" if self.tables[name].clock == "processor" else "real_time"] * NANOSECONDS[run.get("time_unit", "ns")]} | values
            self.tables[name].add(row, subject, values)


def number_in(label):
    """The number that a label begins with, such as "10,000 entries"; None if it begins with none."""
    found = re.match(r"[\d,]*\.?\d+", label)
    return float(found.group().replace(",", "")) if found else None
