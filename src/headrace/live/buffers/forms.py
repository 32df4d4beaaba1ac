"""What of a buffer asks for tables of other libraries, and takes them; how they are made is in ``tables.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import RLock
from typing import Any, Self, TypeVar

from headrace.live.buffers import tables
from headrace.live.buffers.columns import Columns
from headrace.live.buffers.ring import Rows

B = TypeVar("B")


class Forms:
    """What a :class:`~headrace.live.DataBuffer` is turned into, and made of."""

    _held: Columns
    _lock: RLock

    def to_dataframe(self, names: Iterable[str] | None = None) -> Any:
        """Return a DataFrame of a row per moment, a column per number: ``acc_0``, ``acc_1``; images are ``name_i_j``.

        A column that started late has missing values before. What the columns were stays in ``frame.attrs``, so that
        :meth:`from_dataframe` gives the same ones back.

        Parameters
        ----------
        names
            Columns of one pace; all by default.

        Raises
        ------
        DataError
            When they have several paces, or a row has more than three axes.
        """
        return tables.to_frame(self._level(names, "to_dataframe"))

    @classmethod
    def from_dataframe(cls, df: Any, maxlen: int | None = None) -> Self:
        """Return a buffer of a DataFrame's columns.

        A frame that :meth:`to_dataframe` made gives the same columns back. Of others, names without digits that end in
        numbers, ``acc_0``, ``acc_1``, are one column ``(rows, 2)``, what is missing between them 0; unless most would be
        missing. All else is a column ``(rows,)``.

        Raises
        ------
        DataError
            When two columns have one name.
        """
        return _made(cls, maxlen, tables.from_frame(df))

    def to_arrow(self, names: Iterable[str] | None = None) -> Any:
        """Return a pyarrow table of a row per moment: tensors of fixed shape for rows with axes, structs for complex.

        Raises
        ------
        DataError
            When the columns have several paces.
        MissingExtraError
            When pyarrow is not installed.
        """
        return tables.to_arrow(self._level(names, "to_arrow"))

    @classmethod
    def from_arrow(cls, table: Any, maxlen: int | None = None) -> Self:
        """Return a buffer of a pyarrow table's columns.

        Raises
        ------
        DataError
            When a column is none that makes an array.
        """
        return _made(cls, maxlen, tables.from_arrow(table))

    def to_xarray(self) -> Any:
        """Return an xarray Dataset. Columns of another pace have a dimension of their own in place of ``time``."""
        with self._lock:
            return tables.to_dataset(self._held)

    @classmethod
    def from_xarray(cls, dataset: Any, maxlen: int | None = None) -> Self:
        """Return a buffer of a Dataset's variables, the first dimension of each as time.

        Raises
        ------
        DataError
            When a variable has no dimension.
        """
        return _made(cls, maxlen, tables.from_dataset(dataset))

    def _level(self, names: Iterable[str] | None, who: str) -> dict[str, Rows]:
        with self._lock:
            return self._held.level(names, who)


def _made(kind: type[B], maxlen: int | None, data: Mapping[str, Any]) -> B:
    make: Any = kind  # a buffer, which alone is made
    made: B = make(maxlen, data)
    return made
