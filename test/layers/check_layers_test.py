#!/usr/bin/env python3
"""check_layers.py on made-up trees: it must find each kind of fault, with its place, and nothing in a sound tree."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_layers  # noqa: E402

RULES = """
# a comment
broker/base ->
broker/log  -> broker/base
broker      -> broker/base broker/log
only boost/asio : broker/log
only sqlite3.h  : broker/base
"""
SOUND = {
    "layers.txt": RULES,
    "broker/base/result.h": "#pragma once\n#include <vector>\n",
    "broker/log/segment.h": '#include "broker/base/result.h"\n',
    "broker/log/segment.cpp": '#include "broker/log/segment.h"\n#include <boost/asio.hpp>\n',
    "broker/main.cpp": '#include "broker/log/segment.h"\n#include <boost/beast.hpp>\n',
}


class CheckLayers(unittest.TestCase):

    def findings_of(self, files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            return check_layers.check(root)[0]

    def with_file(self, name, text):
        return self.findings_of({**SOUND, name: text})

    def test_finds_nothing_in_a_sound_tree(self):
        self.assertEqual(self.findings_of(SOUND), [])

    def test_finds_a_forbidden_arrow_with_its_line(self):
        self.assertEqual(
            self.with_file("broker/base/bad.cpp", '#include <map>\n\n  #  include "broker/log/segment.h"\n'),
            ["broker/base/bad.cpp:3: broker/base may not include broker/log (broker/log/segment.h)"],
        )

    def test_finds_a_folder_that_is_no_layer(self):
        self.assertEqual(
            self.with_file("broker/utils/misc.h", "#include <map>\n"),
            ["broker/utils/misc.h: broker/utils is in no layer of layers.txt"],
        )

    def test_counts_a_folder_below_a_layer_to_it(self):
        self.assertEqual(self.with_file("broker/log/index/time_index.h", '#include "broker/base/result.h"\n'), [])
        self.assertEqual(
            self.findings_of(
                {**SOUND, "broker/log/index/a.h": "", "broker/base/bad.cpp": '#include "broker/log/index/a.h"\n'}
            ),
            ["broker/base/bad.cpp:1: broker/base may not include broker/log (broker/log/index/a.h)"],
        )

    def test_finds_a_confined_header_elsewhere(self):
        for header in ("boost/asio.hpp", "boost/asio/io_context.hpp"):
            self.assertEqual(
                self.with_file("broker/base/bad.cpp", f"#include <{header}>\n"),
                [f"broker/base/bad.cpp:1: <{header}> is confined to broker/log"],
            )
        self.assertEqual(
            self.with_file("broker/log/bad.cpp", "#include <sqlite3.h>\n"),
            ["broker/log/bad.cpp:1: <sqlite3.h> is confined to broker/base"],
        )

    def test_takes_a_header_whose_name_only_begins_alike(self):
        self.assertEqual(self.with_file("broker/base/fine.cpp", "#include <boost/asiolike.hpp>\n"), [])

    def test_finds_a_cycle_of_headers(self):
        found = self.findings_of(
            {
                **SOUND,
                "broker/log/a.h": '#include "broker/log/b.h"\n',
                "broker/log/b.h": '#include "broker/log/a.h"\n',
            }
        )
        self.assertEqual(
            found, ["broker/log/a.h: headers include each other: broker/log/a.h -> broker/log/b.h -> broker/log/a.h"]
        )

    def test_finds_a_cycle_of_arrows(self):
        found = self.with_file("layers.txt", RULES.replace("broker/base ->", "broker/base -> broker/log"))
        self.assertEqual(found, ["layers.txt: the arrows form a cycle: broker/base -> broker/log -> broker/base"])

    def test_finds_a_header_that_is_missing_or_not_from_the_root(self):
        self.assertEqual(
            self.with_file("broker/log/bad.cpp", '#include "broker/base/gone.h"\n#include "segment.h"\n'),
            [
                'broker/log/bad.cpp:1: "broker/base/gone.h" does not exist',
                'broker/log/bad.cpp:2: "segment.h" is not written from the root of the repository ("broker/log/segment.h"?)',
            ],
        )

    def test_finds_a_file_that_is_too_long(self):
        found = self.with_file("broker/log/long.cpp", "\n" * (check_layers.MAX_FILE_LINES + 1))
        self.assertEqual(found, ["broker/log/long.cpp: 801 lines, 800 at most"])

    def test_refuses_rules_that_it_cannot_read(self):
        for bad in ("broker/base broker/log", "broker/log -> broker/gone", "only x : broker/gone", "broker/base ->"):
            with self.assertRaises(check_layers.BadRules):
                check_layers.Rules(RULES + bad + "\n")


if __name__ == "__main__":
    unittest.main()
