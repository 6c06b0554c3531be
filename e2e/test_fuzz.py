"""A short walk of the fuzzer; ``make soak`` lets it go on for an hour."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import unittest

from harness import PROGRAM_PATIENCE

FUZZ = pathlib.Path(__file__).resolve().parent / "soak" / "fuzz.py"


class FuzzTest(unittest.TestCase):
    def test_random_requests_are_answered_with_codes_of_their_own(self) -> None:
        done = subprocess.run(
            [sys.executable, str(FUZZ), "--minutes", "0.5"], capture_output=True, text=True, timeout=PROGRAM_PATIENCE
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr[-6000:])


if __name__ == "__main__":
    unittest.main()
