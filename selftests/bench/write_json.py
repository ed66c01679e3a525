#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""write_json.py ROWS FILE: turns the rows that the benchmarks printed, one JSON object a line, into
FILE, and says how many are short. Exit status: 1 where one is short or missing."""

import json
import os
import sys

FIGURES = ("page_evict_load", "measured_add", "metadata_bytes_per_page", "quote_verify_es256",
           "quote_verify_es384", "vm_load", "resident_access")


def main(source, target):
    with open(source, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump({"figures": rows}, file, indent=2)
        file.write("\n")
    os.rename(target + ".part", target)
    missing = [name for name in FIGURES if name not in {row["name"] for row in rows}]
    short = [row["name"] for row in rows if row["verdict"] != "ok"]
    for name in missing:
        print(f"bench: {name} is missing")
    print(f"bench: {len(rows)} figures, {len(short)} short, in {target}")
    return 1 if missing or short else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
