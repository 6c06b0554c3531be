"""The screens of a server on a public address let nobody in without signing in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM_PATIENCE, ROOT, Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@unittest.skipUnless(CHROMIUM, "no Chromium on this machine")
class SignInTest(unittest.TestCase):
    def test_first_administrator(self) -> None:
        server = Server("--host", "0.0.0.0")
        try:
            log = (server.directory / "server.log").read_text()
            secret = re.search(r"one-time secret: ([0-9a-f]{64})", log)
            self.assertIsNotNone(secret, log)
            shots = os.environ.get("TIDEMILL_E2E_SHOTS", tempfile.mkdtemp())
            result = subprocess.run(
                ["node", str(ROOT / "ui" / "e2e" / "sign-in.mjs"), server.url, secret[1], CHROMIUM or "", shots],
                capture_output=True,
                text=True,
                timeout=PROGRAM_PATIENCE,
            )
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
