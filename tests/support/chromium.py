"""A Chromium without a window, asked through its DevTools protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.require import require

HANG = 60.0  # seconds after which something is not waited for any more


class Chromium:
    """One tab; closed with everything it left at the end of the `with` block."""

    def __init__(self, *, size: tuple[int, int] = (1280, 900), dark: bool = False) -> None:
        self.path = require("chromium")
        self.connect = require("websockets.sync.client").connect
        self.size, self.dark = size, dark
        self.said: list[str] = []  # errors, and what was refused, on its console
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-chromium-"))
        self.process = subprocess.Popen(
            [
                self.path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--metrics-recording-only", "--remote-debugging-port=0",
                f"--user-data-dir={self.folder}", f"--window-size={self.size[0]},{self.size[1]}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._attach()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _attach(self) -> None:
        at, end = self.folder / "DevToolsActivePort", time.monotonic() + HANG
        while not at.is_file() or len(lines := at.read_text().split()) < 2:
            assert time.monotonic() < end, "chromium does not start"
            assert self.process.poll() is None, "chromium does not start"
            time.sleep(0.02)
        address = f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        self.stack = ExitStack()
        self.socket = self.stack.enter_context(self.connect(address, max_size=1 << 26, open_timeout=HANG, proxy=None))
        self.session: str | None = None
        target = next(each for each in self.ask("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        theme = [{"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=theme)
        width, height = self.size
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        end = time.monotonic() + HANG
        while True:
            told = json.loads(self.socket.recv(timeout=max(0.0, end - time.monotonic())))
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                return told["result"]
            if told.get("method") == "Runtime.exceptionThrown":
                self.said.append(json.dumps(told["params"]["exceptionDetails"]))
            elif told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.said.append(told["params"]["entry"]["text"])

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def __call__(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true, and return it."""
        end = time.monotonic() + HANG
        while not (found := self(script)):
            assert time.monotonic() < end, f"it does not come to be that {script}; the console says {self.said}"
            time.sleep(0.03)
        return found

    def shoot(self, path: Path) -> None:
        """A picture of what is seen, as PNG."""
        path.write_bytes(b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if hasattr(self, "socket"):
                self.session = None
                self.ask("Browser.close")
                self.stack.close()
        except Exception:
            self.process.kill()
        try:
            self.process.wait(HANG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(HANG)
        for _ in range(50):  # its children write still, for a moment
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                break
            time.sleep(0.05)
