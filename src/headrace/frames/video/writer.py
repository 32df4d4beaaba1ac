"""Frames into video files."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final
from weakref import finalize

import numpy as np

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.claimed import Claim
from headrace.frames.base.dropped import finish_dropped
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_target
from headrace.frames.base.writer import FrameWriter
from headrace.frames.video.encode import Codec, Encoder

_FINE = (("flags", "+qscale"), ("global_quality", str(3 * 118)))  # FFmpeg counts quality in steps of 118
CODECS: Final = {
    "DIVX": Codec("mpeg4", "yuv420p", "yuv420p", None, "DIVX", _FINE),
    "XVID": Codec("mpeg4", "yuv420p", "yuv420p", None, "XVID", _FINE),
    "MP4V": Codec("mpeg4", "yuv420p", "yuv420p", None, None, _FINE),
    "MJPG": Codec("mjpeg", "yuvj444p", "yuvj444p", None, None, (("flags", "+qscale"), ("global_quality", "236"))),
    "X264": Codec("libx264", "yuv420p", "yuv444p", None, None, (("crf", "18"), ("preset", "veryfast"))),
    "WMV1": Codec("wmv1", "yuv420p", None, None, None, _FINE),
    "WMV2": Codec("wmv2", "yuv420p", None, None, None, _FINE),
    "FFV1": Codec("ffv1", "bgr0", "bgr0", "gray"),
}
KINDS: Final = {  # FFmpeg's name of each
    ".avi": "avi",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".mov": "mov",
    ".wmv": "asf",
    ".asf": "asf",
    ".ts": "mpegts",
}
HELD: Final = {  # encoders whose videos a kind holds, where that is not all of them
    "mp4": {"mpeg4", "libx264", "mjpeg"},
    "mov": {"mpeg4", "libx264", "mjpeg"},
    "matroska": {"mpeg4", "libx264", "mjpeg", "ffv1"},
    "mpegts": {"mpeg4", "libx264"},
}
CODECS_TOO: Final = {"H264": "X264", "AVC1": "X264"}  # other names of the same


class VideoWriter(FrameWriter):
    """Frames into a video file.

    Parameters
    ----------
    filename
        The file, whose suffix says of which kind it is: ``.avi``, ``.mp4``, ``.mkv``, ``.mov``, ``.wmv`` or ``.asf``, ``.ts``.
        One that is there is replaced when the first frame comes.
    size
        Rows and columns of every frame; None for those of the first.
    codec
        ``"XVID"``, ``"DIVX"``, ``"MJPG"``, ``"X264"``, ``"WMV1"``, ``"WMV2"``, or ``"FFV1"``, which loses nothing (in
        ``.avi`` or ``.mkv``).
    isColor
        Whether colours are kept; frames of one channel are grey in either case.
    fps
        Frames a second.
    options
        FFmpeg's options for the encoder, over those chosen here: ``{"crf": "28"}``.

    Raises
    ------
    StreamConfigError
        When an option is none of the above, or none of the encoder's, the file cannot be written, the codec is not to be
        had, or the file's kind does not hold it.
    DataError
        While writing: frames of another size, of other than one or three channels, with NaN among them, or that the
        encoder refuses.
    SinkError
        While writing and when it is closed: when the disk is full. The file is not whole then; of ``.mp4`` and ``.mov``
        nothing can be read, of the others at most the beginning.
    MissingExtraError
        Without PyAV: ``pip install 'headrace[video]'``.

    Notes
    -----
    Values are those of bytes, 0 to 255; others are rounded and clipped. Where none of the first is above 1 and some are
    fractions, which would look black, a HeadraceWarning says so. Colours are red first. Frames with four channels
    lose the last, which is transparency. Several threads may put frames: each block stays whole. One that is dropped without
    :meth:`close` finishes its file then, at the latest when the program ends, with a ResourceWarning.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import VideoReader, VideoWriter
    >>> frames = np.random.default_rng(0).integers(0, 256, (1, 3, 25, 48, 64), "uint8")
    >>> with VideoWriter("noise.mkv", codec="FFV1", fps=50) as writer:
    ...     writer.put(frames)
    >>> video = VideoReader("noise.mkv", size=None, mode="rgb")
    >>> bool((video.get(25) == frames).all()), video.fps
    (True, 50.0)
    """

    fps: float
    _claim: Claim

    def __init__(
        self,
        filename: Any = "output.avi",
        size: Any = None,
        codec: str = "XVID",
        isColor: bool = True,  # the documented name
        *,
        fps: float = 20,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(size)
        self._av = optional("av", "video", "VideoWriter")
        self._errors = (self._av.error.FFmpegError, ValueError)
        self._path, self._colour = check_target("VideoWriter", "filename", filename), isColor
        self._claim = Claim("VideoWriter", self._path)
        self._codec = self._checked(codec)
        self._name = codec
        self._options = {**dict(self._codec.options), **self._chosen(options)}
        self._rate = _rate(fps)
        self.fps = float(self._rate)
        self._encoder: Encoder | None = None
        self._check_kind()

    def _checked(self, codec: Any) -> Codec:
        name = codec.upper() if isinstance(codec, str) else ""
        found = CODECS.get(CODECS_TOO.get(name, name))
        there = self._av.codecs_available
        if found is not None and found.encoder in there:
            try:
                self._av.codec.Codec(found.encoder, "w")
            except self._errors:
                pass
            else:
                return found
        had = ", ".join(repr(known) for known, kind in CODECS.items() if kind.encoder in there)
        raise StreamConfigError(
            f"VideoWriter(codec=) got {codec!r}, which is {'not in this PyAV' if found else 'none'}, wanted one of {had}.\n"
            "  'FFV1' in .mkv loses nothing; 'X264' in .mp4 is small."
        )

    def _chosen(self, options: Any) -> dict[str, str]:
        """Return the encoder's options as texts, or raise StreamConfigError when it has no such."""
        if options is None:
            return {}
        if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
            raise StreamConfigError(
                f"VideoWriter(options=) got {options!r}, wanted a dict of FFmpeg's names and values.\n"
                "  Such as {'crf': '28'}; ffmpeg -h encoder=libx264 lists them."
            )
        chosen = {name: str(value) for name, value in options.items()}
        context = self._av.CodecContext.create(self._codec.encoder, "w")
        context.width = context.height = 64
        context.pix_fmt, context.time_base = self._codec.colour, Fraction(1, 25)
        context.options = chosen
        try:
            context.open()
        except self._errors:  # of a value: the first frame says which
            return chosen
        unknown = sorted(set(context.options) & set(chosen))  # FFmpeg takes out those that it knows
        if unknown:
            raise StreamConfigError(
                f"VideoWriter(options=) got {', '.join(map(repr, unknown))}, wanted options of {self._codec.encoder}.\n"
                f"  ffmpeg -h encoder={self._codec.encoder} lists them."
            )
        return chosen

    def _check_kind(self) -> None:
        """Raise when the file's kind is none, or does not hold the codec."""
        kinds = self._av.formats_available
        suffix = self._path.suffix.lower()
        name = KINDS.get(suffix)
        if name is None or name not in kinds or self._codec.encoder not in HELD.get(name, {self._codec.encoder}):
            what = "which is no kind of video known here" if name is None else f"which does not hold {self._name}"
            raise StreamConfigError(
                f"VideoWriter(filename) got {str(self._path)!r}, {what}, wanted the suffix of a kind that holds "
                f"{self._name}.\n"
                "  .avi and .wmv hold all of the codecs, .mkv all but WMV1 and WMV2, .mp4 and .mov X264, XVID, DIVX and MJPG."
            )
        self._kind = name

    # --- frames ---------------------------------------------------------------------------------

    def take(self, frames: Array) -> None:
        channels = frames.shape[3] if frames.ndim == 4 else 1
        if channels not in (1, 3, 4):
            raise DataError(
                f"VideoWriter.put got frames of {channels} channels, wanted 1, 3, or 4 with transparency.\n"
                "  Choose three of them before."
            )
        if frames.dtype.kind == "f" and frames.size:
            self._check_values(frames)
        if self._encoder is None:
            self._encoder = self._opened(int(frames.shape[1]), int(frames.shape[2]), channels)
            finish = self._encoder.finish
            self._dropped = finalize(self, finish_dropped, "VideoWriter", self._path, self._process, finish)
        for frame in frames:
            self._encoder.write(self._made(frame))

    def _check_values(self, frames: Array) -> None:
        if np.isnan(frames).any():
            raise DataError(
                "VideoWriter.put got NaN, wanted values from 0 to 255.\n  None of these frames is written; np.nan_to_num makes NaN 0."
            )
        if self._encoder is None and frames.min() >= 0 and frames.max() <= 1 and (frames % 1).any():
            warn(
                "VideoWriter.put got values from 0 to 1, wanted 0 to 255: such frames look black.\n"
                "  Multiply them by 255, or ignore this where they are meant to be dark."
            )

    def _opened(self, rows: int, cols: int, channels: int) -> Encoder:
        codec = self._codec
        odd = rows % 2 or cols % 2
        pixels = codec.odd if odd else codec.colour
        if codec.grey is not None and (channels == 1 or not self._colour):
            pixels = codec.grey
        if pixels is None:
            raise DataError(
                f"VideoWriter got frames of {rows} x {cols}, wanted even numbers for {self._name}.\n  Crop or pad them."
            )
        return Encoder(self._claim, self._kind, codec, self._name, (rows, cols), pixels, self._rate, self._options)

    def _made(self, frame: Array) -> Any:
        """Return one frame as PyAV has it."""
        if frame.dtype == bool:
            frame = frame.astype(np.uint8)
        elif frame.dtype.kind == "f":
            frame = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
        elif frame.dtype != np.uint8:
            frame = np.clip(frame, 0, min(255, np.iinfo(frame.dtype).max)).astype(np.uint8)
        if frame.ndim == 3 and frame.shape[2] == 1:
            frame = frame[..., 0]
        if frame.ndim == 3:
            frame = frame[..., :3]
            if not self._colour:
                frame = np.rint(frame.mean(-1)).astype(np.uint8)
        kind = "gray" if frame.ndim == 2 else "rgb24"
        return self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=kind)

    def finish(self) -> None:
        if self._encoder is not None:
            self._dropped.detach()
            self._encoder.finish()


def _rate(fps: Any) -> Fraction:
    try:
        if isinstance(fps, (str, bool, np.bool_)):
            raise TypeError
        # As it is written: 29.97 of 32 bits is meant as that, too.
        found = Fraction(str(fps) if isinstance(fps, np.floating) else fps).limit_denominator(1 << 16)
        if not 0 < found <= 1 << 16:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(
            f"VideoWriter(fps=) got {fps!r}, wanted a number of frames a second, more than 0 and at most 65536.\n  Such as 25 or 29.97."
        ) from None
    return found
