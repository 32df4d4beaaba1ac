"""Which keys are held down."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from time import monotonic, sleep
from typing import Any, Final

from headrace.errors import DataError, StreamConfigError, WorkerError
from headrace.live.sources import SignalSource
from headrace.live.wires.desktop import connected, desktop, unreachable

# The keys with names that the driver has on any system: one that is misspelt is found without it.
NAMES: Final = (
    *[
        "alt",
        "alt_gr",
        "alt_l",
        "alt_r",
        "backspace",
        "caps_lock",
        "cmd",
        "cmd_l",
        "cmd_r",
        "ctrl",
        "ctrl_l",
        "ctrl_r",
        "delete",
        "down",
        "end",
        "enter",
        "esc",
        "home",
    ],
    *[
        "insert",
        "left",
        "menu",
        "num_lock",
        "page_down",
        "page_up",
        "pause",
        "print_screen",
        "right",
        "scroll_lock",
        "shift",
        "shift_l",
        "shift_r",
    ],
    *[
        "space",
        "tab",
        "up",
        "media_eject",
        "media_next",
        "media_play_pause",
        "media_previous",
        "media_stop",
        "media_volume_down",
    ],
    *["media_volume_mute", "media_volume_up"],
    *(f"f{k}" for k in range(1, 25)),
)
PATIENCE: Final = 5.0  # seconds in which a listener begins, or ends


class KeyboardSource(SignalSource):
    """Which keys are held down: called, it gives a dict of ``"pressing_<key>"``, 0 or 1.

    A stroke that begins and ends between two calls is 1 in the next, so that no label is lost however low the rate. The
    capital of a letter is the same key, unless both are asked for.

    Parameters
    ----------
    keys
        Names of keys, or pynput's keys: ``"a"``, ``"enter"``, ``"shift_r"``, ``Key.enter``.

    Attributes
    ----------
    keys : tuple of str
        Their names: the last part of ``Key.enter``, the character of a key that has one.

    Raises
    ------
    StreamConfigError
        When a key is named twice, or none is, or one that there is not; in ``start``, when this desktop has no such key, or
        there is no desktop.
    MissingExtraError
        In ``start``, when pynput is not installed.

    Examples
    --------
    >>> keyboard = KeyboardSource(["enter", "a"])
    >>> keyboard.keys
    ('enter', 'a')
    >>> from headrace.live import Sampler
    >>> Sampler({"keyboard": keyboard}, sample_rate=100)
    Sampler(['keyboard'], sample_rate=100)
    """

    keys: tuple[str, ...]

    def __init__(self, keys: Iterable[Any]) -> None:
        self.keys = tuple(map(_name, [keys] if isinstance(keys, str) else keys))
        if not self.keys or len(set(self.keys)) < len(self.keys):
            raise StreamConfigError(
                f"KeyboardSource got the keys {list(self.keys)}, wanted one or more, each once.\n"
                "  Name what is to be a column: KeyboardSource(['enter', 'a'])."
            )
        for name in self.keys:
            if len(name) > 1 and not name.startswith("<") and name not in NAMES:
                raise _unknown(name, NAMES)
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._listener: Any = None
        self._watched: dict[str, str] = {}  # what the driver calls a key -> our name of it
        self._down: set[str] = set()
        self._struck: set[str] = set()

    def start(self) -> None:
        """Listen; of no effect while it does.

        Raises
        ------
        WorkerError
            When the driver does not come to listen within five seconds.
        """
        if self._listener is not None:
            return
        keyboard = desktop("keyboard", "KeyboardSource")
        self._clear()
        self._watched = {_known(keyboard.Key, name): name for name in self.keys}
        listener = connected(lambda: _listening(keyboard, self._pressed, self._released), "KeyboardSource")
        listener.start()
        end = monotonic() + PATIENCE
        # The driver's own wait() has no end where the connection breaks before it begins.
        while not getattr(listener, "_ready", True):
            if not listener.is_alive():
                raise unreachable("KeyboardSource", listener.failure)
            if monotonic() > end:
                raise WorkerError(
                    f"KeyboardSource did not begin to listen within {PATIENCE:.0f} seconds: the desktop does not answer.\n"
                    "  See what it waits for, then start this again."
                )
            sleep(0.001)
        self._listener = listener

    def stop(self) -> None:
        """Listen no more, and wait for the listener's end; twice is fine.

        Raises
        ------
        WorkerError
            When it does not end within five seconds.
        """
        listener, self._listener = self._listener, None
        if listener is None or not listener.is_alive():
            return
        listener.stop()
        _nudge(listener)
        threading.Thread.join(listener, PATIENCE)
        if listener.is_alive():
            self._listener = listener
            raise WorkerError(
                f"KeyboardSource did not stop within {PATIENCE:.0f} seconds: its driver does not return.\n"
                "  stop() again waits for it again; a key that is pressed may wake it."
            )

    def __call__(self) -> dict[str, int]:
        """Return 1 for each key that is held down, or was since the last call; 0 for the others.

        Raises
        ------
        DataError
            When it was not started, or has lost its connection.
        """
        listener = self._listener
        if listener is None:
            raise DataError(
                "KeyboardSource was asked for keys before start(), wanted to listen first.\n"
                "  A Sampler starts its sources; elsewhere call start(), and stop() in the end."
            )
        if not listener.is_alive():
            raise DataError(
                f"KeyboardSource has lost the keyboard, wanted one to listen to: {_why(listener)}\n"
                "  stop() and start() connect again; a Sampler does it with on_error='restart'."
            )
        with self._lock:
            held, self._struck = self._down | self._struck, set()
        return {f"pressing_{name}": int(name in held) for name in self.keys}

    # --- called by the driver, in its thread ----------------------------------------------------------

    def _pressed(self, key: Any) -> None:
        name = self._ours(key)
        if name is not None:
            with self._lock:
                self._down.add(name)
                self._struck.add(name)

    def _released(self, key: Any) -> None:
        name, called = self._ours(key), _name(key)
        with self._lock:
            # Shift may have been let go before the letter, or the letter first: both are that key.
            self._down -= {name, self._watched.get(called.lower()), self._watched.get(called.upper())}

    def _ours(self, key: Any) -> str | None:
        called = _name(key)
        found = self._watched.get(called)
        return self._watched.get(called.swapcase()) if found is None and len(called) == 1 else found

    def __getstate__(self) -> dict[str, Any]:
        return {"keys": self.keys}  # a listener is nothing for another process

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.keys, self._lock = state["keys"], threading.Lock()
        self._clear()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.keys)})"


KeyboardDataSource = KeyboardSource  # the name in the documented notebook


def _name(key: Any) -> str:
    """Return what a key is called: its character, or the last part of its name."""
    if isinstance(key, str):
        return key if len(key) == 1 else key.rpartition(".")[2].strip("'\"")
    return str(getattr(key, "char", None) or getattr(key, "name", None) or key)


def _known(keys: Any, name: str) -> str:
    """Return what the driver calls a key."""
    if len(name) == 1 or (name.startswith("<") and name.endswith(">")):  # a character, or the number of a key
        return name
    found = getattr(keys, name, None)
    if found is not None:
        return str(found.name)  # of several names of one key the first
    raise _unknown(name, [each for each in dir(keys) if not each.startswith("_")])


def _unknown(name: str, names: Iterable[str]) -> StreamConfigError:
    near = get_close_matches(name, list(names))
    return StreamConfigError(
        f"KeyboardSource got the key {name!r}, wanted a character or the name of a key.\n"
        + (f"  Did you mean {', '.join(map(repr, near))}?" if near else "  Such as 'enter', 'space', 'shift_r', 'f1'.")
    )


def _listening(keyboard: Any, pressed: Any, released: Any) -> Any:
    class Listener(keyboard.Listener):  # type: ignore[misc]  # the driver is imported late
        failure: BaseException | None = None

        def run(self) -> None:
            try:
                super().run()
            except BaseException as error:  # told by the next call, and not by a traceback on the terminal
                self.failure = error

    return Listener(on_press=pressed, on_release=released)


def _why(listener: Any) -> str:
    return repr(listener.failure) if listener.failure is not None else "the driver does not say why."


def _nudge(listener: Any) -> None:
    """Have a listener under X see that it was stopped: its own word is sent no earlier than the next key.

    It is in a call that waits for the server; the server ends that when another connection disables what it records.
    """
    context = getattr(listener, "_context", None)
    if context is None:  # another system, where stopping is enough
        return
    try:
        display = import_module("Xlib.display").Display()
    except Exception:  # the server has gone, and the listener with it
        return
    try:
        display.set_error_handler(lambda *told: None)  # it may have ended by itself, and its recording with it
        display.record_disable_context(context)
        display.sync()
    except Exception:
        pass
    finally:
        try:
            display.close()
        except Exception:
            pass
