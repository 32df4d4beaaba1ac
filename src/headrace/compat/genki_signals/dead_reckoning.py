"""Whether a sensor is still, by how much it turns and accelerates: plain functions, time first."""

from headrace.signals.dead_reckoning import (
    calc_per_t_power,
    combine_power,
    sigmoid,
    zero_velocity_from_linacc_and_gyro,
)

__all__ = ["calc_per_t_power", "combine_power", "sigmoid", "zero_velocity_from_linacc_and_gyro"]
