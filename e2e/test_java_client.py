"""The Java client, as an application uses it: the example is run against a server."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import unittest

from harness import ROOT, Server, command, tabular_project

CLIENT = ROOT / "client" / "target" / "client-0.1.0.jar"
JAR = ROOT / "app" / "target" / "tidemill-all.jar"


@unittest.skipUnless(CLIENT.exists() and shutil.which("java"), "the Java client is not built (make java-test)")
class JavaClientTest(unittest.TestCase):
    def test_the_example_predicts_and_labels(self) -> None:
        server = Server()
        self.addCleanup(server.close)
        project = tabular_project()
        for step in (("apply", "-f", str(project)), ("run", "train")):
            result = command(*step, "--server", server.url)
            self.assertEqual(result.returncode, 0, result.stderr)
        # The client is for Java 17; Jackson comes from the server's jar here.
        libraries = pathlib.Path(str(CLIENT) + ":" + str(JAR))
        example = ROOT / "examples" / "java" / "Predict.java"
        done = subprocess.run(
            ["java", "-cp", str(libraries), str(example), server.url, "model"], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), 3, done.stdout)
        self.assertEqual({version for _, version, _ in lines}, {"1"})
        self.assertEqual(lines[0][2], lines[2][2], "the same row, the same prediction")
        self.assertTrue(all(0 <= float(value) <= 1 for _, _, value in lines))
        self.assertTrue(lines[0][0].endswith(".0"))


if __name__ == "__main__":
    unittest.main()
