"""Vectors, quaternions, orientation."""

from headrace.compat.genki_signals._functions import (
    AngleBetween,
    DeadReckoning,
    EulerAngle,
    EulerOrientation,
    FusionOrientation,
    Gravity,
    GravityProjection,
    MadgwickOrientation,
    Norm,
    OrientationXy,
    Rotate,
    ZeroCrossing,
)

__all__ = [
    "AngleBetween",
    "DeadReckoning",
    "EulerAngle",
    "EulerOrientation",
    "FusionOrientation",
    "Gravity",
    "GravityProjection",
    "MadgwickOrientation",
    "Norm",
    "OrientationXy",
    "Rotate",
    "ZeroCrossing",
]
