"""Tests of harness.py: python harness_test.py. go test runs them too."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

import harness

ECHO = """
import json, sys
print(json.dumps({"versions": "1"}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "fail":
        sys.exit("the reason\\n")
    print(json.dumps({"do": order["do"], "seconds": 0.5, "cpu": 0.1}), flush=True)
"""


class Programs(unittest.TestCase):
    def test_a_child_answers_orders(self):
        c = harness.Child([sys.executable, "-c", ECHO])
        self.assertEqual(c.about, {"versions": "1"})
        answer = c.ask(do="train")
        self.assertEqual(answer["do"], "train")
        self.assertGreaterEqual(answer["others"], 0)
        c.close()
        self.assertEqual(c.process.returncode, 0)

    def test_a_child_that_fails_says_why(self):
        c = harness.Child([sys.executable, "-c", ECHO])
        with self.assertRaisesRegex(harness.Failed, "exit 1: the reason"):
            c.ask(do="fail")
        with self.assertRaisesRegex(harness.Failed, "exit 1: the reason"):
            c.ask(do="train")  # it stays failed
        c.close()

    def test_reports(self):
        self.assertEqual(harness.reports(sys.executable, "-c", "print('{\"a\": 1}'); print('{\"a\": 2}')"), [{"a": 1}, {"a": 2}])
        with self.assertRaisesRegex(harness.Failed, "exit 3: no message"):
            harness.reports(sys.executable, "-c", "raise SystemExit(3)")

    def test_the_environment_keeps_what_is_set(self):
        os.environ["GLIBC_TUNABLES"], before = "glibc.malloc.check=1", os.environ.get("GLIBC_TUNABLES")
        try:
            env = harness.environment(X="1")
            self.assertEqual(env["GLIBC_TUNABLES"], "glibc.malloc.check=1:glibc.malloc.hugetlb=1")
            self.assertEqual(env["X"], "1")
        finally:
            del os.environ["GLIBC_TUNABLES"]
            if before is not None:
                os.environ["GLIBC_TUNABLES"] = before


class Numbers(unittest.TestCase):
    def test_turns_begin_with_another_contestant(self):
        self.assertEqual("".join(c for _, c in harness.turns(4, "abc")), "abcbcacababc")

    def test_ratio_pairs_rounds(self):
        self.assertEqual(harness.ratio([2, 20, 5], [1, 10, 2]), 2)  # the ratio of the medians is 2.5
        with self.assertRaises(ValueError):
            harness.ratio([1, 2], [1])

    def test_rounds_must_be_positive(self):
        p = harness.parser("", 3)
        self.assertEqual(p.parse_args([]).rounds, 3)
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
            p.parse_args(["--rounds", "0"])


class Pages(unittest.TestCase):
    def test_table(self):
        self.assertEqual(harness.table(["B", "n"], [["x", 1]]), "| B | n |\n| --- | ---: |\n| x | 1 |\n")
        self.assertEqual(harness.table(["n", "B"], [[1, "x"]], words=(1,)), "| n | B |\n| ---: | --- |\n| 1 | x |\n")

    def test_publish_prints_what_it_writes(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
            path = os.path.join(folder, "results.md")
            harness.publish(path, "Title", "One.\n", "Two.\n")
            with open(path) as f:
                self.assertEqual(f.read(), printed.getvalue())
        self.assertRegex(printed.getvalue(), r"^# Title\n\nMade by `.*`\.\n\nOne\.\n\nTwo\.\n$")


if __name__ == "__main__":
    unittest.main()
