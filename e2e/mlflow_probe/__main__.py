"""Compares two running servers by hand."""

from __future__ import annotations

import sys

from mlflow_probe.frame import cases, judge, subjects

surprises = 0
for subject in sys.argv[3:] or subjects():
    wrong, count = judge(subject, cases(sys.argv[1], sys.argv[2], subject))
    print("\n".join([*wrong, count]))
    surprises += len(wrong)
sys.exit(1 if surprises else 0)
