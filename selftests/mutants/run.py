#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the tests notice? Seeds one fault at a time and expects a test to fail.

usage: run.py [--kernel KERNEL] [--jobs N] [--only WORD] [--list] [FILE...]

Each FILE holds mutants:

	== NAME
	What is wrong with the code now, in a sentence.
	file: PATH
	test: unit NAME... | tsan NAME... | vm NAME...
	kernel: 6.12		(of a VM's tests, where only that can notice)
	---
	lines as they are, which stand in the file once
	+++
	lines as they become

A test that takes too long is tried once more. If it does so again it has noticed, and the line says
that it hung.

All is done in copies of the tree under build/mutants, never in the tree itself. A test that fails
without a fault, a mutant whose lines are not found, or that does not compile, is a failure of
its own. Prints TAP.
"""

import argparse
import os
import queue
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build/mutants")
# A test that hangs has noticed as well; none takes this long without a fault.
UNIT_TIMEOUT = 300
VM_TIMEOUT = 300
# What results say when the harness has ended a VM that took too long, or a program its test.
VM_HUNG = "^#@ run 124 |: Test terminated by timeout$"
PASSED, FAILED, HUNG = "passed", "failed", "hung"
TEST_MAKE = {"unit": "build/asan/selftests/unit/{}", "tsan": "build/tsan/selftests/unit/{}"}


class Mutant:
    """One seeded fault."""

    def __init__(self, name):
        self.name = name
        self.what = []
        self.path = None
        self.kind = None
        self.kernel = None
        self.tests = []
        self.before = []
        self.after = []

    def check(self):
        """What is wrong with the description, or None."""
        if not (self.what and self.path and self.tests and self.before):
            return "incomplete: it needs a sentence, file:, test:, --- and +++"
        if self.kind not in ("unit", "tsan", "vm"):
            return f"unknown kind of test: {self.kind}"
        with open(os.path.join(TOP, self.path), encoding="utf-8") as file:
            count = file.read().count("".join(self.before))
        if count != 1:
            return f"its lines stand {count} times in {self.path}"
        return None


def parse(path):
    """The mutants of a file."""
    mutants = []
    part = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("== "):
                mutants.append(Mutant(line[3:].strip()))
                part = "head"
            elif not mutants:
                continue
            elif line in ("---\n", "+++\n"):
                part = line[0]
            elif part == "-":
                mutants[-1].before.append(line)
            elif part == "+":
                if line.strip() or mutants[-1].after:
                    mutants[-1].after.append(line)
            elif line.startswith("file: "):
                mutants[-1].path = line[6:].strip()
            elif line.startswith("kernel: "):
                mutants[-1].kernel = line[8:].strip()
            elif line.startswith("test: "):
                mutants[-1].kind, *mutants[-1].tests = line[6:].split()
            elif line.strip():
                mutants[-1].what.append(line.strip())
    for mutant in mutants:
        while mutant.after and not mutant.after[-1].strip():
            mutant.after.pop()
    return mutants


class Tree:
    """A copy of the tree to break."""

    def __init__(self, number):
        self.path = os.path.join(WORK, f"tree-{number}")
        self.log = os.path.join(WORK, f"log-{number}")

    def copy(self):
        """Brings the copy up to date; what it has built stays."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], cwd=TOP, check=True,
                                stdout=subprocess.PIPE).stdout.decode().split("\0")
        for name in filter(None, listed):
            source, target = os.path.join(TOP, name), os.path.join(self.path, name)
            if not os.path.lexists(source):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.islink(source):
                if not os.path.lexists(target):
                    os.symlink(os.readlink(source), target)
            elif not same(source, target):
                shutil.copy(source, target)

    def run(self, timeout, *words):
        """True, False, or None when it took too long; what it says is kept for the report."""
        with open(self.log, "ab") as log:
            with subprocess.Popen(words, cwd=self.path, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, start_new_session=True) as process:
                try:
                    return process.wait(timeout) == 0
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, 9)
                    process.wait()
                    return None

    def tail(self):
        """The last that was said."""
        with open(self.log, "rb") as log:
            return log.read().decode(errors="replace").splitlines()[-15:]

    def build(self, kind, kernel, names, everything=False):
        """Builds what the tests need, or what a fault in the code makes anew of it."""
        if kind == "vm":
            more = ("test-modules", "tests") if everything else ()
            return self.run(None, "make", "-s", f"KERNEL={kernel}", "modules", *more)
        return self.run(None, "make", "-s", *(TEST_MAKE[kind].format(name) for name in names))

    def try_test(self, kind, kernel, name):
        """PASSED, FAILED or HUNG."""
        if kind != "vm":
            return outcome(self.run(UNIT_TIMEOUT, os.path.join(self.path,
                                                               TEST_MAKE[kind].format(name))))
        tap = os.path.join(WORK, "tap", os.path.basename(self.path))
        shutil.rmtree(tap, ignore_errors=True)
        done = self.run(VM_TIMEOUT * 2, "env", f"VM_TIMEOUT={VM_TIMEOUT}", "make", "-s",
                        f"suite-{kernel}", f"KERNEL={kernel}", f"ONLY={name}", f"TAPDIR={tap}")
        results = f"{tap}/{kernel}.tap"
        if done is None or self.run(60, "grep", "-q", "-E", VM_HUNG, results):
            return HUNG
        return outcome(done and self.run(60, "selftests/vm/tap-summary", results))

    def test(self, kind, kernel, name):
        """The same; but a machine that was slow once is not taken for a hang."""
        result = self.try_test(kind, kernel, name)
        return result if result != HUNG else self.try_test(kind, kernel, name)

    def verdict(self, mutant):
        """Whether a test notices, and which; or what else came of it."""
        path = os.path.join(self.path, mutant.path)
        with open(path, encoding="utf-8") as file:
            whole = file.read()
        open(self.log, "wb").close()
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(whole.replace("".join(mutant.before), "".join(mutant.after)))
            if not self.build(mutant.kind, mutant.kernel, mutant.tests):
                return False, "it does not compile"
            for name in mutant.tests:
                result = self.test(mutant.kind, mutant.kernel, name)
                if result != PASSED:
                    how = " (hung, twice)" if result == HUNG else ""
                    return True, f"noticed by {mutant.kind} {name}{how}"
            return False, f"passes {mutant.kind} {' '.join(mutant.tests)}"
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(whole)


def outcome(good):
    """In a word, what Tree.run() returned."""
    return HUNG if good is None else PASSED if good else FAILED


def same(first, second):
    """Whether two files are alike, mode included."""
    try:
        with open(first, "rb") as one, open(second, "rb") as other:
            return one.read() == other.read() and os.stat(first).st_mode == os.stat(second).st_mode
    except OSError:
        return False


class Report:
    """Lines of TAP from several threads."""

    def __init__(self, total):
        self.total = total
        self.number = 0
        self.failed = 0
        self.lock = threading.Lock()

    def line(self, good, text, details=()):
        """One result."""
        with self.lock:
            self.number += 1
            self.failed += not good
            print(f"{'' if good else 'not '}ok {self.number} - {text}", flush=True)
            for detail in details:
                print(f"# {detail}", flush=True)


def work(tree, jobs, report):
    """Takes mutants until there are no more."""
    while True:
        try:
            mutant = jobs.get_nowait()
        except queue.Empty:
            return
        started = time.monotonic()
        wrong = mutant.check()
        good, text = (False, wrong) if wrong else tree.verdict(mutant)
        report.line(good, f"{mutant.name}: {text} ({int(time.monotonic() - started)} s)",
                    () if good else [" ".join(mutant.what), *([] if wrong else tree.tail())])


def baseline(trees, mutants, report):
    """Each test passes while nothing is broken."""
    tree = trees[0]
    good = True
    for kind, kernel in sorted({(mutant.kind, mutant.kernel) for mutant in mutants}):
        names = sorted({name for mutant in mutants
                        if (mutant.kind, mutant.kernel) == (kind, kernel)
                        for name in mutant.tests})
        where = f"{kind} {kernel}".strip()
        open(tree.log, "wb").close()
        if not all(other.build(kind, kernel, names, True) for other in trees):
            report.line(False, f"{where} tests build", tree.tail())
            good = False
            continue
        for name in names:
            result = tree.test(kind, kernel, name)
            passed = result == PASSED
            report.line(passed, f"{where} {name} passes while nothing is broken"
                        f"{': hung, twice' if result == HUNG else ''}",
                        () if passed else tree.tail())
            good = good and passed
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    files = options.files or sorted(os.path.join(HERE, name) for name in os.listdir(HERE)
                                    if name.endswith(".mutants"))
    mutants = [mutant for path in files for mutant in parse(path) if options.only in mutant.name]
    if not mutants:
        sys.exit(f"no mutant has {options.only!r} in its name")
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name:40} {mutant.check() or ' '.join(mutant.what)}")
        return
    for mutant in mutants:
        mutant.kernel = "" if mutant.kind != "vm" else mutant.kernel or options.kernel
    print("TAP version 13", flush=True)
    report = Report(len(mutants))
    trees = [Tree(number) for number in range(max(1, options.jobs))]
    for tree in trees:
        os.makedirs(WORK, exist_ok=True)
        tree.copy()
    if not baseline(trees, mutants, report):
        print(f"1..{report.number}")
        sys.exit("tests fail without a fault: mutants would show nothing")
    jobs = queue.Queue()
    for mutant in mutants:
        jobs.put(mutant)
    threads = [threading.Thread(target=work, args=(tree, jobs, report)) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"1..{report.number}")
    print(f"# {len(mutants)} mutants, {report.failed} failures")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
