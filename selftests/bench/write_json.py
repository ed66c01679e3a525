#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""write_json.py ROWS FILE: turns the rows and notes that the benchmarks printed, one JSON object a
line, into FILE, and says how many are short. Exit status: 1 where one is short or missing."""

import json
import os
import sys

FIGURES = ("page_evict_load", "host_threads_one_region", "host_threads_two_regions", "measured_add",
           "metadata_bytes_per_page", "quote_verify_es256", "quote_verify_es384", "vm_load",
           "resident_access", "threads_one_region", "threads_two_regions", "regions_life",
           "regions_fault", "regions_granules", "regions_memory", "swap_scan_read",
           "swap_scan_write", "swap_random_read", "swap_random_mixed", "swap_net_scan_read",
           "swap_net_scan_write", "swap_net_random_read", "swap_net_random_mixed", "guards_fault",
           "guards_life", "guards_call")


def main(source, target):
    with open(source, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    rows = [line for line in lines if "note" not in line]
    notes = [line["note"] for line in lines if "note" in line]
    with open(target + ".part", "w", encoding="utf-8") as file:
        json.dump({"figures": rows, "notes": notes}, file, indent=2)
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
