"""Chromium without a window, told what to do over its DevTools protocol; it starts no other program's profile."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
PATIENCE_S = 30.0
_KEYS = {"Tab": 9, "Enter": 13}


@dataclass
class Tab:
    """One page of the browser: what it was told, and everything its console said."""

    socket: ClientConnection
    complaints: list[str] = field(default_factory=list)
    loaded: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = self._heard()
            if said.get("id") == number:
                assert "error" not in said, said
                return dict(said["result"])

    def open(self, address: str) -> None:
        """Go to an address and wait until it is loaded."""
        with self.loading():
            self.call("Page.navigate", url=address)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait for the page that what happens inside leads to."""
        before = self.loaded
        yield
        while self.loaded == before:
            self._heard()

    def ask(self, expression: str) -> Any:
        """Return the value of an expression; the tool may do this, the page may not."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go one key."""
        for kind in ("keyDown", "keyUp"):
            more = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key], **more)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def focus(self) -> str:
        """Return the words of the link, or the name of the field or element, that has the focus."""
        words = "(e => e.tagName === 'A' ? e.innerText.trim() : e.name || e.tagName)(document.activeElement)"
        return str(self.ask(words))

    def picture(self, path: Path) -> None:
        """Save what the page looks like as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _heard(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE_S))
        method, params = said.get("method"), said.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method in {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"}:
            self.complaints.append(json.dumps(params))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {params['message']}")
        return said


@contextmanager
def tab(folder: Path, width: int = 1280, height: int = 900) -> Iterator[Tab]:
    """Start the browser with a profile of its own, give its one page, and end it."""
    assert PROGRAM is not None
    command = [
        *(PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"),
        *(f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = _port(folder / "DevToolsActivePort", process)
        targets = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
        address = next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page")
        with connect(address, max_size=None, proxy=None) as socket:
            one = Tab(socket)
            for domain in ("Page", "Runtime", "Log", "Audits"):
                one.call(f"{domain}.enable")
            one.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
            )
            yield one
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError("the browser did not come up")
