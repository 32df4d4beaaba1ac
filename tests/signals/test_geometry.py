"""Norms, directions and quaternions against numpy, scipy's rotations and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.geometry import AngleBetween, Gravity, Norm, OrientationXy, Rotate
from headrace.signals.projection import GravityProjection
from headrace.signals.quaternions import (
    EulerAngle,
    EulerOrientation,
    EulerQuaternion,
    QuaternionConjugate,
    QuaternionNormalize,
    QuaternionProduct,
    RotationQuaternion,
)
from headrace.testing import check_signal
from support.require import require

RNG = np.random.default_rng(0)
V, W = RNG.normal(size=(200, 3)), RNG.normal(size=(200, 3))
Q = RNG.normal(size=(200, 4))
Q /= np.linalg.norm(Q, axis=1)[:, None]
P = Q[::-1].copy()


def rotations(q: Any) -> Any:
    """The turns that scipy makes of quaternions, whose order there is x, y, z, w."""
    return require("scipy.spatial.transform").Rotation.from_quat(np.roll(q, -1, axis=1))


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 0.5, -1, np.inf, -np.inf])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_norms_of_vectors_are_those_of_numpy(order: Any, k: int) -> None:
    x = RNG.normal(size=(50, k))
    x[::5, 0] = 0
    with np.errstate(divide="ignore"):
        wanted = np.linalg.norm(x, ord=order, axis=1)
    assert np.allclose(Norm("x", "y", order)(x), wanted, rtol=1e-13)
    assert Norm("x", "y", order)(x.astype(np.float32)).dtype == np.float32
    check_signal(Norm("x", "y", order), lambda rng, n: (rng.normal(size=(n, k)),), channels=False, n=60)


@pytest.mark.parametrize("order", [None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc"])
def test_norms_of_matrices_are_those_of_numpy(order: Any) -> None:
    x = RNG.normal(size=(20, 4, 3))
    assert np.allclose(Norm("x", "y", order)(x), [np.linalg.norm(each, ord=order) for each in x], rtol=1e-13)
    check_signal(Norm("x", "y", order), lambda rng, n: (rng.normal(size=(n, 4, 3)),), channels=False, n=60)


def test_other_norms() -> None:
    assert Norm("x", "y")([-1.0, 2.0]).tolist() == [-1.0, 2.0]  # a plain column is passed on
    images = RNG.normal(size=(5, 4, 3, 2))
    assert np.allclose(Norm("x", "y", None)(images), np.sqrt((images**2).sum(axis=(1, 2, 3))))
    assert Norm("x", "y")([[3, 4]]).tolist() == [5.0]
    assert Norm("x", "y")(np.array([[3j, 4]])).tolist() == [5.0]
    for order, x in ((2, images), (3, images[..., 0]), ("nuc", V)):
        with pytest.raises(DataError, match="rows of shape"):
            Norm("x", "y", order)(x)
    for bad in ("max", np.nan, [2], True):
        with pytest.raises(StreamConfigError, match="order="):
            Norm("x", "y", bad)


def test_quaternions_are_those_of_scipy() -> None:
    a, b = rotations(Q), rotations(P)
    product = QuaternionProduct("a", "b", "y")(Q, P)
    assert np.allclose(rotations(product).as_matrix(), (a * b).as_matrix(), atol=1e-13)
    assert np.allclose(rotations(QuaternionConjugate("x", "y")(Q)).as_matrix(), a.inv().as_matrix(), atol=1e-13)
    turn = require("scipy.spatial.transform").Rotation.from_rotvec(V)
    assert np.allclose(rotations(RotationQuaternion("x", "y")(V)).as_matrix(), turn.as_matrix(), atol=1e-13)
    assert np.allclose(Rotate("x", "q", "y")(V, Q), a.apply(V), atol=1e-13)
    assert np.allclose(Rotate("x", "q", "y")(V, 3 * Q), a.apply(V), atol=1e-13)  # its length does not count
    assert np.allclose(Gravity("x", "y")(Q), a.inv().apply([0, 0, 1]), atol=1e-13)
    yaw, pitch, roll = a.as_euler("ZYX").T
    assert np.allclose(EulerAngle("x", "y")(Q), np.stack([roll, pitch, yaw], axis=1), atol=1e-12)
    euler = EulerAngle("x", "y")(Q)
    assert np.allclose(rotations(EulerQuaternion("x", "y")(euler)).as_matrix(), a.as_matrix(), atol=1e-12)
    assert np.allclose(QuaternionNormalize("x", "y")(5 * Q), Q, atol=1e-15)


def test_the_angle_and_axis_of_a_turn() -> None:
    found = EulerOrientation("x", "y")(Q)
    w, v = Q[:, 0], Q[:, 1:]
    assert np.allclose(found[:, 0], np.degrees(2 * np.arccos(w)), atol=1e-10)
    assert np.allclose(found[:, 1:], v / np.sqrt(1 - w * w)[:, None], atol=1e-12)
    assert EulerOrientation("x", "y")([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]).tolist() == [[0, 0, 0, 0], [360, 0, 0, 0]]
    tiny = EulerOrientation("x", "y")([[1.0, 1e-12, 0, 0]])
    assert tiny.tolist()[0][1:] == [1, 0, 0]
    assert np.isclose(tiny[0, 0], np.degrees(2e-12), rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_pitch_stays_within_a_right_angle_on_both_sides(sign: int) -> None:
    q = np.array([[np.sqrt(0.5), 0, sign * np.sqrt(0.5), 0]]) * (1 + 1e-9)
    assert EulerAngle("x", "y")(q)[0, 1] == sign * np.pi / 2


def test_where_the_x_axis_is() -> None:
    found = OrientationXy("x", "y")(Q)
    axis = rotations(Q).inv().apply([1, 0, 0])
    assert np.allclose(found[:, 1:], axis, atol=1e-13)
    cosine = axis[:, 0] / np.hypot(axis[:, 0], axis[:, 1])
    assert np.allclose(found[:, 0], np.degrees(np.arccos(cosine)) * np.sign(axis[:, 1]), atol=1e-9)


def test_a_projection_is_at_right_angles_to_gravity() -> None:
    found = GravityProjection("x", "g", "y")(V, W)
    along = (V * W).sum(axis=1) / np.linalg.norm(W, axis=1)
    assert np.allclose((found**2).sum(axis=1), (V**2).sum(axis=1) - along**2, atol=1e-12)
    # The plane is spanned by (1, 0, -gx/gz) and (0, 1, -gy/gz): QR of them, with axes on the side of x and y.
    for v, g, (y, x) in zip(V, W, found, strict=True):
        basis, upper = np.linalg.qr(np.array([[1, 0, -g[0] / g[2]], [0, 1, -g[1] / g[2]]]).T)
        basis = basis * np.sign(np.diag(upper))
        assert np.allclose(basis.T @ v, [x, y], atol=1e-9)


@pytest.mark.parametrize("g", [(0.0, 0.0, 1.0), (0.0, 0.0, -2.0), (0.0, 3.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 1e-9, 0.0)])
def test_a_projection_along_an_axis(g: Any) -> None:
    found = GravityProjection("x", "g", "y")(V[:5], [g] * 5)
    unit = np.array(g) / np.linalg.norm(g)
    assert np.allclose((found**2).sum(axis=1), (V[:5] ** 2).sum(axis=1) - (V[:5] @ unit) ** 2, atol=1e-7)
    if g[0] == g[1] == 0:
        assert np.allclose(found, V[:5, [1, 0]])


def test_a_projection_without_gravity_is_none() -> None:
    assert np.isnan(GravityProjection("x", "g", "y")([[1.0, 2, 3]], [[0.0, 0, 0]])).all()


@pytest.mark.parametrize("k", [1, 2, 3, 30])
def test_angles_between_vectors(k: int) -> None:
    a, b = RNG.normal(size=(100, k)), RNG.normal(size=(100, k))
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert np.allclose(AngleBetween("a", "b", "y")(a, b), np.arccos(np.clip(cosine, -1, 1)), atol=1e-7)
    assert AngleBetween("a", "b", "y")(a, 2 * a).max() < 1e-15
    assert np.allclose(AngleBetween("a", "b", "y")(a, -a), np.pi)


def test_small_angles_are_exact_and_nothing_has_none() -> None:
    assert np.isclose(AngleBetween("a", "b", "y")([[1.0, 0]], [[1.0, 1e-12]])[0], 1e-12, rtol=1e-9)
    assert np.isnan(AngleBetween("a", "b", "y")([[0.0, 0]], [[1.0, 0]])[0])
    with pytest.raises(DataError, match="vectors"):
        AngleBetween("a", "b", "y")([1.0], [1.0])
    with pytest.raises(DataError, match="shapes"):
        AngleBetween("a", "b", "y")(V, V[:, :2])


@pytest.mark.parametrize(
    ("signal", "inputs"),
    [
        (Gravity("x", "y"), (V,)),
        (EulerAngle("x", "y"), (Q[:, 0],)),
        (EulerQuaternion("x", "y"), (Q,)),
        (Rotate("x", "q", "y"), (Q, Q)),
        (GravityProjection("x", "g", "y"), (V, Q)),
        (QuaternionProduct("a", "b", "y"), (Q, V)),
        (Gravity("x", "y"), (Q * 1j,)),
    ],
)
def test_rows_of_another_shape_are_refused(signal: Any, inputs: Any) -> None:
    with pytest.raises(DataError, match="numbers a row"):
        signal(*inputs)


def test_single_precision_stays_where_all_inputs_have_it() -> None:
    v, q = V.astype(np.float32), Q.astype(np.float32)
    assert Rotate("x", "q", "y")(v, q).dtype == np.float32
    assert Rotate("x", "q", "y")(v, Q).dtype == np.float64
    assert np.allclose(Rotate("x", "q", "y")(v, q), Rotate("x", "q", "y")(V, Q), atol=1e-6)
