"""The command ``headrace``: one file per verb, imported when the verb is used.

What a verb does belongs in the rooms below; here are arguments, messages and exit codes. A verb is a module with
``arguments(parser)`` and ``main(args) -> int``, and a line in ``VERBS``. Nothing that takes long is imported at the top
of a file in this room, so that ``headrace --help`` answers at once.

Exit codes: 0 done; 1 failed under way; 2 could not begin as asked; 130 and 143 stopped by Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from headrace.errors import HeadraceError

VERBS = {
    "run": "write the items of a stream to a dataset; stop and resume it at any moment",
    "peek": "print the first items of a stream",
    "describe": "print what a stream is made of: sizes, seeds, what can resume",
    "sweep": "run a function at every combination of some values; stop and resume it at any moment",
    "harvest": "say what a sweep has kept, or write it to a file",
    "live": "show what sensors say in a browser, as they say it, with knobs to turn",
    "record": "keep what sensors say in a session; keys that are pressed are marks",
    "replay": "say what a session holds, or give its blocks to a function when they came",
    "bench": "time a stream: items a second, who waits for whom, what a perfect loader would gain",
    "doctor": "say which optional packages work here",
    "demo": "show what headrace does",
}

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command with ``argv`` (by default ``sys.argv[1:]``) and return its exit code.

    Examples
    --------
    >>> main(["--version"])
    headrace 0.1.0
    0
    """
    given = sys.argv[1:] if argv is None else argv
    verb = next((word for word in given if not word.startswith("-")), None)
    debug = "--debug" in given
    try:
        module = _module(verb) if verb in VERBS else None
        args = _parser(verb, module).parse_args(given)
        if module is None:
            _parser(None, None).print_help()
            return 2
        args.argv = given
        code: int = module.main(args)
        sys.stdout.flush()  # here, where a closed pipe can still be met
        return code
    except SystemExit as leaving:  # argparse, after --help or a mistake
        return leaving.code if isinstance(leaving.code, int) else 2
    except KeyboardInterrupt:
        tell("stopped.")
        return 130
    except BrokenPipeError:  # `headrace describe ... | head`
        sys.stdout = None  # or Python complains when it flushes at exit
        return 141
    except Exception as error:  # the last place before the user
        return failed(error, 2 if isinstance(error, HeadraceError) else 1, debug=debug)


def _module(verb: str | None) -> Any:
    name = f"headrace.cli.{verb}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise HeadraceError(f"this headrace has no {verb!r}.") from None


def _parser(verb: str | None, module: Any) -> argparse.ArgumentParser:
    from headrace import __version__

    parser = argparse.ArgumentParser(
        prog="headrace",
        description="Lead arrays from wherever they are made to whatever consumes them.",
        epilog="A stream or system is named module:attribute or file.py:attribute. 'headrace VERB --help' says more.",
    )
    parser.add_argument("--version", action="version", version=f"headrace {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", dest="verb")
    for name, told in VERBS.items():
        below = verbs.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
        if name == verb:
            module.arguments(below)
            below.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def failed(error: BaseException, code: int, *, debug: bool) -> int:
    """Print an error as one message with its notes, or with ``debug`` its traceback; return ``code``."""
    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
        return code
    name = "" if isinstance(error, HeadraceError) else f"{type(error).__name__}: "
    tell("\n".join([f"{name}{error}", *getattr(error, "__notes__", ())]))
    return code


def tell(text: str) -> None:
    """Print a message for people, on stderr."""
    print(f"headrace: {text}", file=sys.stderr, flush=True)


@contextmanager
def told_warnings() -> Iterator[None]:
    """Print headrace's warnings as messages, without a line of code."""
    from headrace.errors import HeadraceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", HeadraceWarning)
        show = warnings.showwarning

        def told(message: Any, category: Any, *rest: Any, **named: Any) -> None:
            if issubclass(category, HeadraceWarning):
                tell(f"warning: {message}")
            else:
                show(message, category, *rest, **named)

        warnings.showwarning = told
        yield
