"""Any other stack's script with tollspan in the same process, installed before or after what that script sets up.

The stack's name says which and in what order: ``tollspan_then_openllmetry`` or ``openllmetry_then_tollspan``.
Every case is made for one customer, with all that tollspan adds to the application's telemetry switched on. The last
case takes tollspan out from under or over the other and looks whether its hooks are gone.
"""

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import case

import tollspan
from tollspan import wire
from tollspan.wire.hook import is_hook

FIRST, _, SECOND = case.STACK.partition("_then_")
OTHER = SECOND if FIRST == "tollspan" else FIRST
CUSTOMER = "acme"
run_cases = case.run


def install() -> None:
    """Install tollspan with everything on."""
    tollspan.install(
        endpoint=case.OTLP, include_usage_hosts={"127.0.0.1"}, stamp_spans=True, copy_to_span=True, metrics=True
    )


def run(*flushes: Callable[[], Any]) -> None:
    """Run the cases once both are set up."""
    if SECOND == "tollspan":
        install()
    case.CASES[:] = [(name, traits, tollspan.attribute(customer=CUSTOMER)(call)) for name, traits, call in case.CASES]
    case.case()(hooks_are_gone_after_uninstalling)
    run_cases(*flushes, lambda: tollspan.flush(10))


def hooks_are_gone_after_uninstalling(_url: str) -> None:
    tollspan.uninstall()
    left = [name for seam in wire.SEAMS for owner, name in seam.methods() if is_hook(vars(owner)[name])]
    if left:
        raise RuntimeError(f"still hooked: {left}")


case.run = run
if FIRST == "tollspan":
    install()
runpy.run_path(str(Path(__file__).with_name(f"with_{OTHER}.py")))
