#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads gcov's counters: lines and branches of each file of the monitor that were run.

    report.py --minimum 95 build/coverage/driver/monitor

What no test ran is listed line by line. Exit status 1 where fewer than the minimum of the core's
branches were run. Nothing is left out: the host platform is listed too, and has no minimum.
"""

import argparse
import collections
import json
import os
import subprocess
import sys

CORE = "driver/monitor/core/"
MONITOR = "driver/monitor/"


class File:
    def __init__(self):
        self.lines = collections.Counter()
        # (line, number of the branch on it): how often it was taken
        self.branches = collections.Counter()

    def add(self, lines):
        for line in lines:
            number = line["line_number"]
            self.lines[number] += line["count"]
            for index, branch in enumerate(line["branches"]):
                self.branches[number, index] += branch["count"]


def notes(directory):
    for where, _, names in sorted(os.walk(directory)):
        for name in sorted(names):
            if name.endswith(".gcno"):
                yield os.path.join(where, name)


def read(directory):
    """A static function of a header is in each object that uses it: counts are added up."""
    files = collections.defaultdict(File)
    for note in notes(directory):
        answer = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities",
                                 note], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                check=True, text=True)
        for document in answer.stdout.splitlines():
            for source in json.loads(document)["files"]:
                path = os.path.normpath(source["file"])
                if path.startswith(MONITOR):
                    files[path].add(source["lines"])
    return files


def share(counts):
    run = sum(1 for count in counts.values() if count)
    return run, len(counts)


def percent(run, total):
    return 100.0 * run / total if total else 100.0


def row(name, lines, branches):
    print(f"{name:<44} {lines[0]:>5}/{lines[1]:<5} {percent(*lines):6.2f} % "
          f"{branches[0]:>5}/{branches[1]:<5} {percent(*branches):6.2f} %")


def table(files, title):
    print(f"\n{title:<44} {'lines':>11} {'':>8} {'branches':>11}")
    sums = [0, 0, 0, 0]
    for path in sorted(files):
        lines, branches = share(files[path].lines), share(files[path].branches)
        row(path[len(MONITOR):], lines, branches)
        sums = [a + b for a, b in zip(sums, lines + branches)]
    row("total", sums[:2], sums[2:])
    return percent(*sums[2:])


def missing(files):
    for path in sorted(files):
        source = open(path, encoding="ascii").read().splitlines()
        numbers = {n for n, count in files[path].lines.items() if not count}
        numbers |= {n for (n, _), count in files[path].branches.items() if not count}
        for number in sorted(numbers):
            taken = [count for (n, _), count in sorted(files[path].branches.items())
                     if n == number]
            what = "never run" if not files[path].lines[number] else \
                "branches taken " + " ".join(str(count) for count in taken)
            yield f"{path}:{number}: {source[number - 1].strip()} [{what}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minimum", type=float, required=True)
    parser.add_argument("directory")
    options = parser.parse_args()
    files = read(options.directory)
    core = {path: file for path, file in files.items() if path.startswith(CORE)}
    if not core:
        sys.exit("report.py: no counters; build with --coverage and run the tests first")
    table({path: file for path, file in files.items() if path not in core},
          "host platform (no minimum)")
    reached = table(core, "monitor core")
    print("\nNot run in the core:")
    for line in missing(core):
        print(f"  {line}")
    good = reached >= options.minimum
    print(f"\nbranch coverage of the monitor core: {reached:.2f} %, "
          f"{'at least' if good else 'less than'} {options.minimum:g} %")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
