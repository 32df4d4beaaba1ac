"""Video files of every kind that tests make: frame k carries its number as a pattern of bits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from support.require import require

ROWS, COLS, BITS = 48, 64, 12  # the bits are blocks of 16 x 12 pixels, four a row


def numbered(k: int) -> Any:
    """Frame ``k``: its number in black and white blocks, in a green that moves in the last row of them."""
    bits = np.array([(k >> bit) & 1 for bit in range(BITS)], np.uint8).reshape(3, 4)
    frame = np.full((ROWS, COLS, 3), 40, np.uint8)
    frame[:36] = (bits.repeat(12, 0).repeat(16, 1) * 200 + 20)[..., None]
    frame[36:, (5 * k) % COLS :][:, :9] = (20, 180, 60)
    return frame


def number_of(frame: Any) -> int:
    """The number that a frame carries, colour or grey, whole."""
    grey = np.asarray(frame, float).reshape(ROWS, COLS, -1).mean(-1)[:36]
    blocks = grey.reshape(3, 12, 4, 16)[:, 3:9, :, 4:12].mean((1, 3))
    return int(sum(1 << bit for bit, value in enumerate(blocks.reshape(-1)) if value > 120))


def write(
    path: Path,
    n: int = 120,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    pts: Callable[[int], int] | None = None,
    rate: Any = 25,
    base: Any = None,
    mux: dict[str, str] | None = None,
    rotate: int = 0,
    frame_of: Callable[[int], Any] = numbered,
    **options: str,
) -> Path:
    """Write ``n`` frames, numbered ones; ``pts`` gives when each is shown, in units of ``base``."""
    av = require("av")
    fast = {"preset": "ultrafast", "tune": "animation"} if codec.startswith("libx26") else {}
    named = {name.replace("_", "-"): value for name, value in options.items()}
    with av.open(str(path), "w", options=mux or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={**fast, **named})
        stream.width, stream.height, stream.pix_fmt = COLS, ROWS, pixels
        if rotate:
            stream.set_display_rotation(rotate)
        if base is not None:
            stream.codec_context.time_base = stream.time_base = base
        for k in range(n):
            frame = av.VideoFrame.from_ndarray(frame_of(k), format="rgb24")
            if pts is not None:
                frame.pts, frame.time_base = pts(k), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shifted(source: Path, path: Path, seconds: float) -> Path:
    """Copy packets with all times earlier, so that the file has to say that its beginning is not shown."""
    av = require("av")
    with av.open(str(source)) as old, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        less = int(seconds / stream.time_base)
        for packet in old.demux(stream):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - less, packet.dts - less, copy
                new.mux(packet)
    return path


MS = Fraction(1, 1000)
B: dict[str, Any] = {"bf": "3", "b_strategy": "0", "sc_threshold": "0"}


def _vfr(k: int) -> int:
    return 40 * k + (k % 5) * 7 + (k // 10) * 90


KINDS: dict[str, Callable[[Path], Path]] = {
    "constant rate.mp4": lambda p: write(p, g="30", **B),
    "constant rate.mkv": lambda p: write(p, g="30", **B),
    "variable rate.mp4": lambda p: write(p, pts=_vfr, base=MS, rate=1000, g="30", **B),
    "variable rate.mkv": lambda p: write(p, pts=_vfr, base=MS, rate=1000, g="30", **B),
    "start offset.mp4": lambda p: write(p, pts=lambda k: 2000 + 40 * k, base=MS, rate=1000, g="30", **B),
    "start offset.mkv": lambda p: write(p, pts=lambda k: 2000 + 40 * k, base=MS, rate=1000, g="30", **B),
    "one long group.mp4": lambda p: write(p, g="1000", keyint_min="1000", **B),
    "open groups.mp4": lambda p: write(p, x264_params="open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"),
    "open groups.mkv": lambda p: write(p, x264_params="open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"),
    "open groups.ts": lambda p: write(p, x264_params="open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"),
    "hevc, open groups.mp4": lambda p: write(
        p, codec="libx265", x265_params="log-level=none:open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3:pools=1"
    ),
    # Kinds that say only when a packet is decoded.
    "h264 with b-frames.avi": lambda p: write(p, g="30", **B),
    "h264 with b-frames.wmv": lambda p: write(p, g="30", **B),
    "h264, open groups.avi": lambda p: write(p, x264_params="open-gop=1:keyint=20:min-keyint=20:scenecut=0:bframes=3"),
    "h264 without b-frames.avi": lambda p: write(p, g="30", bf="0"),
    "mpeg-2.asf": lambda p: write(p, codec="mpeg2video", g="12", bf="2"),
    "mpeg-2.mpg": lambda p: write(p, codec="mpeg2video", g="12", bf="2"),
    "mpeg-2.ts": lambda p: write(p, codec="mpeg2video", g="12", bf="2"),
    "mpeg-2.mkv": lambda p: write(p, codec="mpeg2video", g="12", bf="2"),
    "mpeg-4.avi": lambda p: write(p, codec="mpeg4", g="12"),
    "mpeg-4 with b-frames.avi": lambda p: write(p, codec="mpeg4", g="12", bf="2"),
    "wmv2.wmv": lambda p: write(p, codec="wmv2", g="12"),
    "mjpeg.avi": lambda p: write(p, codec="mjpeg", pixels="yuvj420p"),
    "ffv1.mkv": lambda p: write(p, codec="ffv1", pixels="bgr0"),
    "vp8.webm": lambda p: write(p, codec="libvpx", g="30", auto_alt_ref="1", lag_in_frames="16", deadline="realtime"),
    "vp9.webm": lambda p: write(p, codec="libvpx-vp9", g="30", deadline="realtime", cpu_used="8"),
    "no times.h264": lambda p: write(p, g="30", **B),
    "edit list.mp4": lambda p: shifted(write(p.with_name("whole.mp4"), g="30", **B), p, 0.52),
    "begins in a group.ts": lambda p: cut_front(write(p.with_name("whole.ts"), g="30", **B), p),
}


def cut_front(source: Path, path: Path) -> Path:
    """Copy a transport stream without its first third."""
    data = source.read_bytes()
    packet = 188
    path.write_bytes(data[: 3 * packet] + data[len(data) // packet // 3 * packet :])
    return path


KINDS_OF_PIXELS = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "bgr0", "gray")


def noise(path: Path, rows: int, cols: int, pixels: str, n: int = 2) -> Path:
    """Write ``n`` frames of random samples, without loss."""
    av, rng = require("av"), np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = cols, rows, pixels
        for _ in range(n):
            frame = av.VideoFrame(cols, rows, pixels)
            for plane in frame.planes:
                samples = rng.integers(0, 256, plane.buffer_size, np.uint8)
                if "10" in pixels:
                    samples[1::2] &= 3
                plane.update(samples.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
