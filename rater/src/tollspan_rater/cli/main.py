"""The command ``tollspan``: its groups and global options."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import click

from tollspan_rater.cli.frame import Main

_HERE: Final = "tollspan_rater.cli"
_DEMO: Final = "tollspan_rater.demo.command"
COMMANDS: Final[dict[str, str]] = {
    **({"demo": f"{_DEMO}:demo"} if find_spec(_DEMO) else {}),
    "init": f"{_HERE}.setup:init",
    "serve": f"{_HERE}.serve:serve",
    "doctor": f"{_HERE}.doctor:doctor",
    "import": f"{_HERE}.import_:import_files",
    "usage": f"{_HERE}.questions:usage",
    "calls": f"{_HERE}.questions:calls",
    "invoice": f"{_HERE}.questions:invoice",
    "close": f"{_HERE}.ledger:close",
    "statements": f"{_HERE}.ledger:statements",
    "ledger": f"{_HERE}.ledger:ledger",
    "allowance": f"{_HERE}.questions:allowance",
    "margin": f"{_HERE}.questions:margin",
    "allocation": f"{_HERE}.questions:allocation",
    "leakage": f"{_HERE}.questions:leakage",
    "latency": f"{_HERE}.questions:latency",
    "inexact": f"{_HERE}.questions:inexact",
    "duplicates": f"{_HERE}.questions:duplicates",
    "contradictions": f"{_HERE}.questions:contradictions",
    "explain": f"{_HERE}.questions:explain",
    "audit": f"{_HERE}.questions:audit",
    "export": f"{_HERE}.export:export",
    "pricing": f"{_HERE}.pricing:pricing",
    "revenue": f"{_HERE}.revenue:revenue",
    "meters": f"{_HERE}.meters:meters",
    "correct": f"{_HERE}.correct:correct",
    "customers": f"{_HERE}.setup:customers",
    "keys": f"{_HERE}.setup:keys",
    "config": f"{_HERE}.setup:config",
    "dialects": f"{_HERE}.dialects:dialects",
    "quarantine": f"{_HERE}.care:quarantine",
    "reextract": f"{_HERE}.reextract:reextract",
    "rebuild": f"{_HERE}.care:rebuild",
    "snapshot": f"{_HERE}.care:snapshot",
    "backup": f"{_HERE}.care:backup",
    "restore": f"{_HERE}.care:restore",
    "forget": f"{_HERE}.care:forget",
}


@click.group(
    cls=Main,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 fine, 1 the audit or a check found something, 2 cannot be used, 3 the folder is busy.",
)
@click.version_option(package_name="tollspan-rater", prog_name="tollspan")
def main() -> None:
    """Turn the spans of LLM applications into bills that can be proved.

    The options below may stand before or after a command's name. A command asks the server that runs on
    the data folder, or opens the folder itself when none runs.
    """
