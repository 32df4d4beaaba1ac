"""A run that is to be killed: prints the processes it has, then draws for ever, of each kind of stream in turn."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np

import headrace as hr


def slowly(i: int) -> Any:
    if i % 50 == 49:
        time.sleep(0.01)
    return {"X": np.full(1000, i), "i": i}


def member(k: int) -> Any:
    i = 0
    while True:
        yield {"X": np.full(500, i), "k": k}
        i += 1


STREAMS: dict[str, Any] = {
    "one": lambda: hr.Streamer(member, 1) | hr.background("process", ahead="200kB"),
    "many": lambda: hr.functional(slowly) | hr.background("process", workers=3, ahead="200kB"),
    "mux": lambda: (
        hr.StochasticMux([hr.Streamer(member, k) for k in range(9)], n_active=4, rate=20)
        | hr.shuffle(20)
        | hr.background("process", workers=2, ahead="200kB")
    ),
    "nested": lambda: (
        hr.Streamer(member, 1)
        | hr.background("process", ahead="200kB")
        | hr.map(dict)
        | hr.background("process", ahead="200kB")
    ),
    "spawn": lambda: hr.Streamer(member, 1) | hr.background("process", ahead="200kB", start_method="spawn"),
}


def main() -> None:
    name, pause = sys.argv[1], float(sys.argv[2])
    with STREAMS[name]().open() as cursor:
        cursor.take(300)
        print(os.getpid(), flush=True)
        while True:
            next(cursor)
            if pause:
                time.sleep(pause)


if __name__ == "__main__":
    main()
