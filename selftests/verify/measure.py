#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measurement of a region, written from Documentation/measurement.rst alone.

measure.py file [--writable] PATH        measures a protected file
measure.py region SIZE FLAGS < LIST      measures pages: lines "KIND OFFSET PERMISSIONS [BYTE]";
                                         KIND may end in "-pinned"
"""
import hashlib
import struct
import sys

PAGE = 4096
TAGS = {"data": b"pagedata", "attr": b"pageattr", "zero": b"pagezero"}
SHAREABLE = 1
READ = 1
WRITE = 2
DEMAND = 0
PINNED = 1


class Measurement:
    def __init__(self, size, flags):
        self.pages = 0
        self.hash = hashlib.sha384()
        self.hash.update(b"cloister-meas-v1" + struct.pack("<QQ", size, flags) + bytes(32))

    def add(self, kind, offset, permissions, contents=b"", page_class=DEMAND):
        record = TAGS[kind] + struct.pack("<QII", offset, permissions, page_class) + bytes(8)
        assert len(record) == 32
        assert len(contents) == (PAGE if kind == "data" else 0)
        self.hash.update(record + contents)
        self.pages += 1

    def final(self):
        self.hash.update(b"finalize" + struct.pack("<Q", self.pages) + bytes(16))
        return self.hash.hexdigest()


def measure_file(path, writable):
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        pages = -(-size // PAGE)
        if not pages:
            sys.exit("measure.py: an empty file can't be protected")
        measurement = Measurement(pages * PAGE, SHAREABLE)
        for page in range(pages):
            contents = file.read(PAGE).ljust(PAGE, b"\0")
            measurement.add("data", page * PAGE, READ | (WRITE if writable else 0), contents)
    return measurement.final()


def measure_list(size, flags, lines):
    measurement = Measurement(size, flags)
    for line in lines:
        kind, offset, permissions, *byte = line.split()
        kind, _, pinned = kind.partition("-")
        contents = bytes([int(byte[0])]) * PAGE if kind == "data" else b""
        measurement.add(kind, int(offset), int(permissions), contents,
                        PINNED if pinned else DEMAND)
    return measurement.final()


def main(args):
    if len(args) in (2, 3) and args[0] == "file" and args[1:-1] in ([], ["--writable"]):
        print(measure_file(args[-1], len(args) == 3))
    elif len(args) == 3 and args[0] == "region":
        print(measure_list(int(args[1], 0), int(args[2], 0), sys.stdin))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
