# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: running the program, checks, TAP."""

import json
import os
import subprocess
import sys
import tempfile
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
# The program with sanitizers and the fake device, and the one that is installed.
CLOISTER = os.path.join(TOP, "build/asan/selftests/cli/cloister")
REAL = os.path.join(TOP, "build/host/cloister")
COMMANDS = ("info", "doctor", "provision", "run", "measure", "quote", "verify", "inspect",
            "stats")
NONCE = "00112233445566778899aabbccddeeff"
ACCEPT = [word for value in ("root=software", "digest-kind=asserted", "guards=off",
                             "lockdown=none", "module-signatures=false", "iommu=none")
          for word in ("--accept", value)]

TESTS = []


def test(name):
    """Marks a test; it gets a fresh Box."""
    def mark(function):
        TESTS.append((name, function))
        return function
    return mark


class Failure(Exception):
    """A check that did not hold."""


class Done:
    """How a program ended."""

    def __init__(self, words, process):
        self.words = words
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode(errors="replace")

    def text(self):
        return self.out.decode(errors="replace")

    def tell(self):
        return (f"{' '.join(self.words)}\nexit {self.status}\nout: {self.text()[:2000]}\n"
                f"err: {self.err[:4000]}")

    def expect(self, status, *texts):
        """The exit status is this one, and what was printed contains the texts."""
        if self.status != status:
            raise Failure(f"expected exit {status}\n{self.tell()}")
        for text in texts:
            if text not in self.text() and text not in self.err:
                raise Failure(f"expected to read {text!r}\n{self.tell()}")
        return self

    def json(self, status=0, where="out"):
        """One JSON object is all that was printed there."""
        self.expect(status)
        text = self.text() if where == "out" else self.err.splitlines()[-1]
        try:
            value = json.loads(text)
        except ValueError as error:
            raise Failure(f"no JSON: {error}\n{self.tell()}") from error
        if value.get("ok") != (status == 0) and where == "out":
            raise Failure(f"\"ok\" is wrong\n{self.tell()}")
        return value


class Box:
    """A directory of its own, with a fake device in it."""

    def __init__(self, path):
        self.path = path
        self.device = self.file("device")
        os.mkdir(self.device)
        self.env = {**os.environ, "CLOISTER_FAKE_STATE": self.device}
        if os.geteuid():
            # `provision` makes itself undumpable, which the leak checker can't bear.
            self.env["ASAN_OPTIONS"] = "detect_leaks=0"
        for name in ("CLOISTER_REGION_FD", "CLOISTER_FAKE_FAIL"):
            self.env.pop(name, None)

    def file(self, name, contents=None):
        path = os.path.join(self.path, name)
        if contents is not None:
            with open(path, "wb") as file:
                file.write(contents)
        return path

    def read(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def run(self, *words, program=CLOISTER, env=None, stdin=b"", **more):
        words = [program, *words]
        more.setdefault("stdout", subprocess.PIPE)
        if "pass_fds" not in more:
            more["close_fds"] = True
        process = subprocess.run(words, env={**self.env, **(env or {})}, input=stdin,
                                 stderr=subprocess.PIPE, timeout=60, check=False, **more)
        process.stdout = process.stdout or b""
        return Done(words, process)

    def provision(self, *words):
        """A provisioned device; its root is in root.pem."""
        self.file("cloister.ko", b"the module")
        return self.run("provision", "--module", self.file("cloister.ko"), "--state",
                        self.file("state"), "--root-out", self.file("root.pem"), *words)

    def verify(self, quote, *words, root="root.pem", nonce=NONCE, accept=True):
        return self.run("verify", self.file(quote), "--root", self.file(root), "--nonce", nonce,
                        *(ACCEPT if accept else ()), *words)


def equal(got, expected, what=""):
    if got != expected:
        raise Failure(f"{what}: expected {expected!r}, got {got!r}")


def true(condition, what):
    if not condition:
        raise Failure(what)


def main():
    print("TAP version 13")
    failed = 0
    for number, (name, function) in enumerate(TESTS, 1):
        try:
            with tempfile.TemporaryDirectory(prefix="cloister-cli-") as directory:
                function(Box(directory))
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            print(f"not ok {number} - cli: {name}")
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")
        else:
            print(f"ok {number} - cli: {name}", flush=True)
    print(f"1..{len(TESTS)}")
    sys.exit(1 if failed else 0)
