"""A screen of its own for a test: an X server that draws nowhere."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from support.require import require

HANG = 20.0


@contextmanager
def screen() -> Iterator[subprocess.Popen[bytes]]:
    """Start Xvfb under a number that nobody has, and point DISPLAY at it; yields its process."""
    path = require("xvfb")
    into, out = os.pipe()
    try:
        process = subprocess.Popen(
            # -noreset: else it begins anew whenever its last client leaves, and refuses who comes meanwhile
            [path, "-displayfd", str(out), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[out],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(out)
    before = os.environ.get("DISPLAY")
    try:
        number = b""
        while not number.endswith(b"\n"):
            there, _, _ = select.select([into], [], [], HANG)
            more = os.read(into, 100) if there else b""
            assert more, "Xvfb did not start"
            number += more
        os.environ["DISPLAY"] = f":{int(number)}"
        yield process
    finally:
        os.close(into)
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before
        process.terminate()  # killed, it would leave its socket behind
        try:
            process.wait(HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
