"""The audio library of the system, through sounddevice, and what it says of its inputs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from headrace.core.optional import optional
from headrace.errors import MissingExtraError, StreamConfigError


def sounddevice(who: str) -> ModuleType:
    """Return the package sounddevice.

    Raises
    ------
    MissingExtraError
        When it is not installed, or the library PortAudio that it binds is not.
    """
    try:
        return optional("sounddevice", "sensors", who)
    except OSError as error:  # the package is there, and the library is not
        raise MissingExtraError(
            f"{who} needs the library PortAudio, which sounddevice does not find: {error}.\n"
            "  Install it with: apt-get install libportaudio2, or brew install portaudio"
        ) from error


def look(sd: ModuleType, device: int | str | None, who: str) -> Any:
    """Return what the library knows of an input: its name, rate and number of channels.

    Raises
    ------
    StreamConfigError
        When there is no such input.
    """
    try:
        return sd.query_devices(device, "input")
    except (sd.PortAudioError, ValueError) as error:
        raise no_input(sd, device, who, error) from error


def no_input(sd: ModuleType, device: int | str | None, who: str, error: Exception) -> StreamConfigError:
    """Return what to raise where an input cannot be opened."""
    names = [each["name"] for each in sd.query_devices() if each["max_input_channels"]]
    wanted = f"wanted one of {', '.join(map(repr, names))}" if names else "and the system knows of none"
    return StreamConfigError(
        f"{who} got device={device!r}, {wanted}: {str(error).splitlines()[0]}\n"
        "  Plug one in, or play a file in its place: FileAudioSource('a.wav')."
    )
