"""A server whose disk is full says so, keeps nothing half-written, and goes on when there is room again."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import Server

EVENTS = "/api/tidemill/v1/events"


def event(number: int) -> dict:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/test",
        "type": "filled",
        "data": {"text": "y" * 50_000},
    }


class DiskFullTest(unittest.TestCase):
    def setUp(self) -> None:
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="tidemill-small-disk-"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(self.disk)]
        if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            self.skipTest("a small disk can be mounted by root only")
        self.addCleanup(subprocess.run, ["umount", str(self.disk)])

    def test_full_and_free_again(self) -> None:
        server = Server(directory=self.disk)
        try:
            upload = tempfile.NamedTemporaryFile()
            upload.write(os.urandom(40_000_000))
            upload.flush()
            answer = subprocess.run(
                [
                    "curl",
                    "-s",
                    "-w",
                    "%{http_code}",
                    "--data-binary",
                    f"@{upload.name}",
                    f"{server.url}/api/tidemill/v1/projects/default/blobs",
                ],
                capture_output=True,
                text=True,
            ).stdout
            self.assertTrue(answer.endswith("507"), answer)
            self.assertIn("STORAGE_FULL", answer)
            kept = [path for path in (self.disk / "data" / "artifacts").rglob("*") if path.is_file()]
            self.assertEqual(kept, [], "nothing of a refused upload is kept")

            filler = self.disk / "filler"
            with filler.open("wb") as file, self.assertRaises(OSError):
                while True:
                    file.write(b"x" * 100_000)
                    file.flush()
            accepted = 0
            while (status := server.call("POST", EVENTS, event(accepted))[0]) == 202 and accepted < 400:
                accepted += 1
            self.assertEqual(status, 507)
            self.assertEqual(server.get("/api/tidemill/v1/server")[0], 200, "reading goes on")

            filler.unlink()
            self.assertEqual(server.call("POST", EVENTS, event(1000))[0], 202, "writing goes on once there is room")
            listed = server.get("/api/tidemill/v1/projects/default/events?type=external.&limit=1000")[1]["events"]
            self.assertEqual(len(listed), accepted + 1, "exactly what was accepted is there")
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
