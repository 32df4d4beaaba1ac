"""MNIST as streams of frames: digits, and spikes drawn from them."""

from __future__ import annotations

from typing import Any

from headrace.core.key import Seed
from headrace.core.notes import warn
from headrace.core.stream import Stream
from headrace.frames.base.bounded import LOOK
from headrace.frames.base.layout import Array
from headrace.frames.base.options import whole_number
from headrace.frames.base.stream import FrameStream
from headrace.frames.digits.files import Opener, Split, find_digits
from headrace.frames.digits.sets import no_labels
from headrace.frames.digits.spikes import DigitSpikes
from headrace.frames.digits.walk import ADVANCE, Digits


class DigitStream(FrameStream):
    """What streams of digits share: their labels."""

    def __init__(self, made: Any, seed: Seed | None, pixel_per_degree: float, t_zero: float, dt: float) -> None:
        left = made.left_out()
        if left:
            n = made.shape()[0]
            warn(
                f"{made.who}(advance=) got {made.advance}, by which {left} of the {n} digits are never shown, wanted a number "
                f"that has no divisor in common with {n}.\n  The default is prime."
            )
        super().__init__(
            made if seed is None else made.seeded(seed),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout="5d",
        )

    def get_with_labels(self, n: int = 1) -> tuple[Array, Array]:
        """Return the next ``n`` frames as :meth:`get` does, and what digit each shows, int64 ``(n,)``.

        Raises
        ------
        StreamConfigError
            When there is no file of labels, and as :meth:`get`.
        """
        n = whole_number(f"{type(self).__name__}.get_with_labels", "n", n, 0)
        if n > LOOK:
            self._check_fits(f".get_with_labels({n})", n)
        with self._lock:  # frames and labels of the same place, whoever else moves it
            run: Any = self._open()
            labels = run.bound().labels(range(run.position, run.position + n))
            frames = self.get(n)
        return frames, labels[: frames.shape[2]]

    def labelled(self) -> Stream[Any]:
        """Return a stream of ``{"frame": (rows, cols[, channels]), "label": int}`` from frame 0 on. Moves nothing.

        Raises
        ------
        StreamConfigError
            When there is no file of labels.
        """
        source: Any = self._source
        if source.label_path is None:
            raise no_labels(source.who, source.path)
        made: Stream[Any] = source.with_(labels="item")
        return made


class MNISTStream(DigitStream):
    """Digits without end, each for ``rep`` frames: ``[1, 1, time, row, col]``, float32, 0 to ``max_value``.

    The k-th digit shown, k = 1, 2, ..., is number (init + k * advance) mod N of the set's N.

    Parameters
    ----------
    data_folder
        Where MNIST's idx files lie: there, or in ``raw`` or ``MNIST/raw`` below it; ``.gz`` or not. Any well-formed
        files under these names will do, and images without labels where no labels are asked for.
    rep
        For how many frames each digit is shown.
    max_value
        What a white pixel is.
    init
        Where the walk begins; None for anywhere, by the seed.
    advance
        How far it goes from digit to digit. With a divisor in common with N, some digits are never shown: a warning.
    include_label
        Add a channel that is filled with the digit's number. :meth:`get_with_labels` gives it apart, and
        :meth:`labelled` items for training.
    split
        ``"test"`` or ``"train"``.
    check
        Compare files that have MNIST's ``.gz`` names with the md5 sums of its files.
    download
        Fetch the files that are missing into the folder, verified. Else nothing goes to the network.
    opener
        What opens an address for it: called with a text, it gives a file to read.
    seed
        Fixes where a walk without ``init`` begins.
    pixel_per_degree, t_zero, dt
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When a file is missing, or an option is none of the above.
    DataError
        When a file is no idx file, has another md5 sum, or is not as long as it says; a gzipped one that is cut short or
        damaged only while drawing.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import MNISTStream, write_idx
    >>> write_idx("t10k-images-idx3-ubyte", np.full((5, 28, 28), np.arange(5)[:, None, None], "u1"))
    >>> write_idx("t10k-labels-idx1-ubyte", np.arange(5, dtype="u1"))
    >>> digits = MNISTStream(".", rep=2, max_value=255, init=0, advance=2)
    >>> block, labels = digits.get_with_labels(6)
    >>> block.shape, block[0, 0, :, 0, 0].tolist(), labels.tolist()
    ((1, 1, 6, 28, 28), [2.0, 2.0, 4.0, 4.0, 1.0, 1.0], [2, 2, 4, 4, 1, 1])
    """

    def __init__(
        self,
        data_folder: Any = "./mnist_data",
        rep: int = 10,
        max_value: float = 1.0,
        init: int | None = None,
        advance: int = ADVANCE,
        include_label: bool = False,
        *,
        split: Split = "test",
        check: bool = True,
        download: bool = False,
        opener: Opener | None = None,
        seed: Seed | None = None,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
    ) -> None:
        files = find_digits("MNISTStream", data_folder, split, check, download, opener)
        super().__init__(
            Digits(*files, rep, max_value, init, advance, "channel" if include_label else "none"),
            seed,
            pixel_per_degree,
            t_zero,
            dt,
        )


class PoissonMNISTStream(DigitStream):
    """Spikes drawn from digits: ``[1, 1, time, row, col]``, bool, float32 with labels.

    Each pixel of each frame is a draw of its own, with probability ``fr * byte / 255``. The walk is that of
    :class:`MNISTStream`. Spikes depend on the seed and the frame alone: ``reset`` repeats them.

    Parameters
    ----------
    data_folder, rep, init, advance, include_label, split, check, download, opener
        As for :class:`MNISTStream`.
    fr
        The probability of a spike in a frame where the digit is white, 0 to 1.
    seed
        Fixes the spikes, and where a walk without ``init`` begins.
    pixel_per_degree, t_zero, dt
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError, DataError
        As for :class:`MNISTStream`.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import PoissonMNISTStream, write_idx
    >>> write_idx("train-images-idx3-ubyte", np.full((5, 28, 28), 255, "u1"))
    >>> write_idx("train-labels-idx1-ubyte", np.arange(5, dtype="u1"))
    >>> spikes = PoissonMNISTStream(".", fr=0.25, split="train", seed=7).get(1000)
    >>> spikes.dtype.name, round(float(spikes.mean()), 2)
    ('bool', 0.25)
    """

    def __init__(
        self,
        data_folder: Any = "./mnist_data",
        rep: int = 10,
        fr: float = 0.05,
        init: int | None = None,
        advance: int = ADVANCE,
        include_label: bool = False,
        *,
        split: Split = "test",
        check: bool = True,
        download: bool = False,
        opener: Opener | None = None,
        seed: Seed | None = None,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
    ) -> None:
        files = find_digits("PoissonMNISTStream", data_folder, split, check, download, opener)
        super().__init__(
            DigitSpikes(*files, rep, fr, init, advance, "channel" if include_label else "none"),
            seed,
            pixel_per_degree,
            t_zero,
            dt,
        )
