"""A video file that is being written: frames of PyAV in, and an end that is written once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from headrace.core.optional import optional
from headrace.core.refused import FULL
from headrace.errors import DataError, SinkError
from headrace.frames.base.claimed import Claim
from headrace.frames.video.fork import keep_in_children
from headrace.frames.video.opened import why


class Codec(NamedTuple):
    """How a codec of the table is written."""

    encoder: str  # FFmpeg's name
    colour: str  # the format of its pixels
    odd: str | None  # the one for an odd number of rows or columns; None where there is none
    grey: str | None  # the one for a single channel; None where grey is written as a colour
    tag: str | None = None
    options: tuple[tuple[str, str], ...] = ()


class Encoder:
    """An open file with one video. Owned by one thread at a time.

    Parameters
    ----------
    claim, kind
        To the file, and FFmpeg's name of what that is.
    codec, name
        How it is coded, and what the user calls it.
    size
        Rows and columns.
    pixels
        The format of its pixels.
    rate
        Frames a second.
    options
        For the encoder.

    Attributes
    ----------
    path : Path
        The file.
    written : int
        How many frames it has taken.
    container
        Of PyAV; None once it is finished.

    Raises
    ------
    DataError
        When the encoder refuses it.
    SinkError
        When the file cannot be written, or another writer has begun it.
    """

    path: Path
    written: int
    container: Any

    def __init__(
        self,
        claim: Claim,
        kind: str,
        codec: Codec,
        name: str,
        size: tuple[int, int],
        pixels: str,
        rate: Fraction,
        options: Mapping[str, str],
    ) -> None:
        av = optional("av", "video", "VideoWriter")
        self._errors = (av.error.FFmpegError, ValueError, OSError)
        path = claim.path
        self.path, self.written = path, 0
        self._claim = claim
        claim.take()
        self._pixels = pixels
        self._headless = kind in ("mp4", "mov")  # where the frames are is written with the end of the file
        rows, cols = size
        container = None
        try:
            container = av.open(str(path), "w", format=kind)
            stream = container.add_stream(codec.encoder, rate=rate, options=dict(options))
            stream.width, stream.height, stream.pix_fmt = cols, rows, pixels
            if codec.tag is not None and kind == "avi":
                stream.codec_context.codec_tag = codec.tag
            container.start_encoding()
        except (*self._errors, TypeError) as error:
            if container is not None:
                _abandon(container)
            claim.release()
            if getattr(error, "errno", None) in FULL:
                raise self._lost(error, "the beginning") from error
            if isinstance(error, OSError):  # of PyAV, too: of the file, and not of the codec
                raise SinkError(
                    f"VideoWriter could not write {str(path)!r}: {why(error)}, wanted a folder and a disk that take it.\n"
                    "  Nothing of the film is written. See to them and write on, or choose another name."
                ) from error
            raise DataError(
                f"VideoWriter cannot write {str(path)!r} with {name} in {rows} x {cols}: {why(error)}, wanted what the "
                "encoder takes.\n"
                "  Choose another codec, suffix or options; FFV1 in .mkv takes everything."
            ) from error
        self.container = container
        self._stream = stream
        self._broken: Exception | None = None  # what kept the file from being written
        self._reformatter = av.video.reformatter.VideoReformatter()
        keep_in_children(self)

    def native(self) -> tuple[Any, ...]:
        """Return all that it has of PyAV."""
        return self.container, self._stream, self._reformatter

    def write(self, frame: Any) -> None:
        """Write one frame of PyAV, in any format.

        Raises
        ------
        DataError
            When the encoder refuses it; the file goes on.
        SinkError
            When there is no room for it; the file is lost, or its end.
        """
        if self._broken is not None:
            raise self._lost(self._broken, f"frame {self.written}")
        # By one thread: Python may drop a converter in a forked child, which would wait there for threads that are not.
        frame = self._reformatter.reformat(frame, format=self._pixels, threads=1)
        frame.pts = None
        self._encode(frame)
        self.written += 1

    def _encode(self, frame: Any) -> None:
        what = "the last frames" if frame is None else f"frame {self.written}"
        try:
            self.container.mux(self._stream.encode(frame))
        except OSError as error:  # of PyAV, too: of the disk, and not of the frame
            self._broken = error
            raise self._lost(error, what) from error
        except self._errors as error:
            raise DataError(
                f"VideoWriter cannot write {what} of {str(self.path)!r}: {why(error)}, wanted what the encoder takes.\n"
                "  Choose another codec=; close() keeps the frames before."
            ) from error

    def _lost(self, error: Exception, what: str) -> SinkError:
        """Return the error that says truly what is left of the file."""
        left = "nothing of it can be read" if self._headless else "at most its beginning can be read"
        return SinkError(
            f"VideoWriter cannot write {what} of {str(self.path)!r}: {why(error)}, wanted room on the disk; the file is not "
            f"whole, and {left}.\n  Make room, and write it again from its first frame."
        )

    def finish(self) -> None:
        """Write what the encoder still has, and the end of the file. Twice is fine, and so is in a forked child.

        Raises
        ------
        SinkError
            When there was no room for that, or for a frame before; the file is let go of all the same.
        """
        container = self.container
        if container is None:
            return
        try:
            if self._broken is None:
                self._encode(None)
        finally:
            self.container = self._stream = None
            try:
                container.close()
            except self._errors as error:
                self._broken = self._broken or error
            finally:
                self._claim.release()
        if self._broken is not None:
            raise self._lost(self._broken, "the end") from self._broken


def _abandon(container: Any) -> None:
    try:
        container.close()
    except Exception:  # of a file that was not begun
        pass
