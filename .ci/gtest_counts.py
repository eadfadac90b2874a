#!/usr/bin/env python3
"""Counts what a ctest run tested: GoogleTest's XML files, and of ctest's own lines the tests that are not GoogleTest's.

    gtest_counts.py FOLDER CTEST_LOG      prints a "SKIP name: reason" for each skipped test, and "N passed, N failed" at the end
"""
import glob
import os
import re
import sys
import xml.etree.ElementTree

CTEST_LINE = re.compile(r"Test +#\d+: (\S+) \.*(\**)\s*(Passed|Failed|Exception: \S+|Timeout|Not Run|Skipped|Subprocess aborted\S*)")


def main():
    folder, log = sys.argv[1:]
    passed = failed = 0
    binaries = set()
    for path in glob.glob(os.path.join(folder, "**", "*.xml"), recursive=True):
        binaries.add(re.sub(r"(_\d+)?\.xml$", "", os.path.basename(path)))
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None or case.get("result") == "skipped":
                print(f"SKIP {name}: {(case.find('skipped').get('message') or '').splitlines()[0]}")
            elif case.get("status") == "notrun":
                print(f"SKIP {name}: it is switched off")
            else:
                passed += 1
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if not (found := CTEST_LINE.search(line)):
                continue
            name, stars, result = found.groups()
            if result in ("Not Run", "Skipped"):
                print(f"SKIP {name}: {result}")
            elif stars:
                # A binary that died wrote no file; one that ended has its failures counted above.
                failed += f"millrace_{name}_test" not in binaries
            else:
                passed += f"millrace_{name}_test" not in binaries
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
