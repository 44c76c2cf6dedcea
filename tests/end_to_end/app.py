"""Runs an example application some times over, as a long-lived service would: ``app.py ROUNDS PATH GATE``.

A round begins as soon as the file GATE holds its number or a higher one.
"""

import runpy
import sys
import time
from pathlib import Path

rounds, path, gate = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
for number in range(1, rounds + 1):
    while int(gate.read_text() or 0) < number:
        time.sleep(0.02)
    runpy.run_path(path, run_name="__main__")
