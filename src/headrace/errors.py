"""Every error headrace raises on its own account. A user's own exception is never replaced by one of these."""


class HeadraceError(Exception):
    """The family: ``except hr.HeadraceError`` catches whatever headrace itself objects to."""


class StreamConfigError(HeadraceError, ValueError):
    """A description that cannot work, found when it was made."""


class DataError(HeadraceError, ValueError):
    """Items that cannot be arranged as asked: ragged shapes, missing fields, leaves that are no arrays."""


class DamageError(DataError):
    """Stored data that is not what was written: a flipped byte, a file that is cut off or gone."""


class AddressError(HeadraceError, IndexError):
    """An item asked for by a number that the stream does not have, or of a stream whose items have no numbers."""


class StateMismatchError(HeadraceError, ValueError):
    """A saved state offered to a stream with another description."""


class ResumeError(HeadraceError, RuntimeError):
    """Something that cannot be resumed was asked to be, or a replay did not reach the saved place."""


class ClosedError(HeadraceError, ValueError):
    """An item asked of a cursor after ``close``."""


class RegistryError(HeadraceError, LookupError):
    """A component name that is unknown, or already taken."""


class MissingExtraError(HeadraceError, ImportError):
    """An optional package is needed and not installed; the message names the extra."""


class SinkError(HeadraceError, RuntimeError):
    """A sink that cannot take what it is given, or cannot be opened where it was asked to be."""


class WorkerError(HeadraceError, RuntimeError):
    """A worker process that died, could not be started, or failed with an error that cannot be told here as it is."""


class DeviceLostError(HeadraceError, ConnectionError):
    """A device that cannot be reached, or not any more."""


class ParameterOutOfRangeError(HeadraceError, RuntimeError):
    """A parameter moved past the end of its schedule, and its strategy is to say so."""


class HeadraceWarning(UserWarning):
    """Something that works, but perhaps not as intended."""
