"""The pictures of the documentation: the pages of a real server on the demo's data, in a real browser.

``python -m tests.web.pictures docs/images`` takes a minute or two and needs Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

from tests.end_to_end.process import TOLLSPAN, RaterProcess, environment, serving
from tests.web.chromium import tab

DEMO = ("demo", "--calls", "3000", "--customers", "12", "--keep")


def main() -> None:
    """Make the demo's data, serve it, and save a picture of each page in the folder that is named."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "data"
        subprocess.run([*TOLLSPAN, *DEMO, str(data)], env=environment(), check=True)
        with serving(RaterProcess(data)) as rater, tab(Path(made) / "profile") as browser:
            browser.open(f"http://{rater.api}/")
            browser.write(rater.run_file().token)
            with browser.loading():
                browser.press("Enter")
            for name, address in _addresses(rater).items():
                browser.open(f"http://{rater.api}{address}")
                browser.picture(folder / f"page-{name}.png")
            assert browser.complaints == [], "\n".join(browser.complaints)


def _addresses(rater: RaterProcess) -> dict[str, str]:
    """Return the page of each name: of the customer who pays most, their dearest line and one of its calls."""
    first = rater.ask("usage", by="customer", sort="charge").rows[0]
    customer = str(first["customer"])
    call = max(rater.calls(customer=customer), key=lambda row: Decimal(str(row["charge"] or 0)))
    period = str(call["started_at"])[:7]
    lines = [row for row in rater.ask("invoice", customer=customer, period=period).rows if row["calls"]]
    line = max(lines, key=lambda row: Decimal(str(row["amount"])))
    return {
        "overview": f"/pages/?{urlencode({'month': period})}",
        "customer": f"/pages/customer?{urlencode({'customer': customer, 'period': period})}",
        "call": f"/pages/call?id={call['call_id']}",
        "explain": f"/pages/explain?id={line['line_id']}",
        "audit": "/pages/audit",
    }


if __name__ == "__main__":
    main()
