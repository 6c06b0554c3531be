"""Several hundred requests, one answer of ours beside one of MLflow's own server each."""

from __future__ import annotations

import sys
import unittest

from harness import Server
from mlflow_probe.frame import cases, judge, known_differences, subjects
from test_mlflow import PYTHON, Peer


@unittest.skipUnless(PYTHON.exists(), "mlflow is not here; `make peers` installs it")
class MlflowProbeTest(unittest.TestCase):
    def test_every_answer_is_mlflows_or_differs_as_known(self) -> None:
        peer = Peer(self)
        server = Server()
        self.addCleanup(server.close)
        for subject in subjects():
            with self.subTest(subject=subject):
                wrong, count = judge(subject, cases(server.url, peer.url, subject))
                print(count, file=sys.stderr)
                self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertLessEqual(set(known_differences()), set(subjects()))


if __name__ == "__main__":
    unittest.main()
