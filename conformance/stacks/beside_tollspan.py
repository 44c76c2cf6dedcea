"""Any other stack's script with tollspan in the same process, installed before or after what that script sets up.

The stack's name says which and in what order: ``tollspan_then_openllmetry`` or ``openllmetry_then_tollspan``.
"""

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import case

import tollspan

FIRST, _, SECOND = case.STACK.partition("_then_")
OTHER = SECOND if FIRST == "tollspan" else FIRST
run_cases = case.run


def install() -> None:
    """Install tollspan as an application does."""
    tollspan.install(endpoint=case.OTLP, include_usage_hosts={"127.0.0.1"})


def run(*flushes: Callable[[], Any]) -> None:
    """Run the cases once both are set up."""
    if SECOND == "tollspan":
        install()
    run_cases(*flushes, lambda: tollspan.flush(10))


case.run = run
if FIRST == "tollspan":
    install()
runpy.run_path(str(Path(__file__).with_name(f"with_{OTHER}.py")))
