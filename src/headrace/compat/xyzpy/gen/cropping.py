"""Batches on disk and scripts for clusters: they come later, and say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from headrace.compat.xyzpy import later

__all__ = [
    "Crop",
    "clean_slurm_outputs",
    "gen_cluster_script",
    "gen_qsub_script",
    "grow",
    "grow_cluster",
    "load_crops",
    "manage_slurm_outputs",
    "qsub_grow",
]

_soon = partial(later.function, what=later.CROPS)

Crop: Any = later.kind("Crop", later.CROPS, lambda *, fn=None, name=None, parent_dir=None, save_fn=None, batchsize=None, num_batches=None, shuffle=False, farmer=None, autoload=True: None)  # fmt: skip
grow: Callable[..., Any] = _soon("grow", like=lambda batch_number, crop=None, fn=None, num_workers=None, check_mpi=True, verbosity=2, debugging=False, raise_errors=True: None)  # fmt: skip
load_crops: Callable[..., Any] = _soon("load_crops", like=lambda directory=".": None)
gen_cluster_script: Callable[..., Any] = _soon("gen_cluster_script", like=lambda crop, scheduler, batch_ids=None, *, mode="array", num_procs=None, num_threads=None, num_nodes=None, num_workers=None, subprocess=False, mem=None, mem_per_cpu=None, gigabytes=None, time=None, hours=None, minutes=None, seconds=None, conda_env=True, launcher=None, setup="#", shell_setup="", mpi=False, temp_gigabytes=1, output_directory=None, debugging=False, **kwargs: None)  # fmt: skip
grow_cluster: Callable[..., Any] = _soon("grow_cluster", like=lambda crop, scheduler, batch_ids=None, *, hours=None, minutes=None, seconds=None, gigabytes=2, num_nodes=1, num_procs=1, num_threads=None, num_workers=None, subprocess=False, conda_env=True, launcher=None, setup="#", shell_setup="", mpi=False, temp_gigabytes=1, output_directory=None, debugging=False, **kwargs: None)  # fmt: skip
gen_qsub_script: Callable[..., Any] = _soon("gen_qsub_script", like=lambda crop, batch_ids=None, *, scheduler="sge", **kwargs: None)  # fmt: skip
qsub_grow: Callable[..., Any] = _soon("qsub_grow", like=lambda crop, batch_ids=None, *, scheduler="sge", **kwargs: None)
clean_slurm_outputs: Callable[..., Any] = _soon("clean_slurm_outputs", like=lambda job, directory=".", cancel_if_finished=True: None)  # fmt: skip
manage_slurm_outputs: Callable[..., Any] = _soon("manage_slurm_outputs", like=lambda crop, job, wait_time=60: None)
