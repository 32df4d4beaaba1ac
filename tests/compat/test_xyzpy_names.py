"""The door's names: modules, signatures, what comes later, and what old code may rely on."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xarray as xr

import headrace as hr
import headrace.compat.xyzpy as xyz
from headrace.compat.xyzpy import later
from headrace.compat.xyzpy.gen import prepare

# Names, order of arguments and defaults, as `inspect` tells them of xyzpy.
SIGNATURES = """
AutoHeatMap(x, **heatmap_opts)
AutoHistogram(x, **histogram_opts)
AutoLinePlot(x, y_z, **lineplot_opts)
AutoScatter(x, y_z, **scatter_opts)
Benchmarker(kernels, setup=None, names=None, benchmark_opts=None, data_name=None)
Benchmarker.ilineplot(self, **plot_opts)
Benchmarker.lineplot(self, **plot_opts)
Benchmarker.plot(self, **plot_opts)
Benchmarker.run(self, ns, kernels=None, **harvest_opts)
Crop(*, fn=None, name=None, parent_dir=None, save_fn=None, batchsize=None, num_batches=None, shuffle=False, farmer=None, autoload=True)
Harvester(runner, data_name=None, chunks=None, engine='h5netcdf', full_ds=None)
Harvester.Crop(self, name=None, parent_dir=None, save_fn=None, batchsize=None, num_batches=None)
Harvester.add_ds(self, new_ds, sync=True, overwrite=None, chunks=None, engine=None)
Harvester.delete_ds(self, backup=False)
Harvester.drop_sel(self, labels=None, *, errors='raise', engine=None, **labels_kwargs)
Harvester.expand_dims(self, name, value, engine=None)
Harvester.harvest_cases(self, cases, *, sync=True, overwrite=None, chunks=None, engine=None, **runner_settings)
Harvester.harvest_combos(self, combos, *, cases=None, missing_only=False, sync=True, overwrite=None, chunks=None, engine=None, **runner_settings)
Harvester.load_full_ds(self, chunks=None, engine=None)
Harvester.save_full_ds(self, new_full_ds=None, engine=None)
HeatMap(ds, x, y, z, **kwargs)
Histogram(ds, x, z=None, **kwargs)
LinePlot(ds, x, y, z=None, *, y_err=None, x_err=None, **kwargs)
MemoryMonitor(interval = 0.1)
MemoryMonitor.start(self)
MemoryMonitor.stop(self)
RayExecutor(*args, default_remote_opts=None, **kwargs)
RayExecutor.map(self, func, *iterables, remote_opts=None)
RayExecutor.scatter(self, data)
RayExecutor.shutdown(self)
RayExecutor.submit(self, fn, *args, pure=False, remote_opts=None, **kwargs)
RayGPUExecutor(*args, gpus_per_task=1, **kwargs)
Runner(fn, var_names, fn_args=None, var_dims=None, var_coords=None, constants=None, resources=None, attrs=None, **default_runner_settings)
Runner.Crop(self, name=None, parent_dir=None, save_fn=None, batchsize=None, num_batches=None)
Runner.run_cases(self, cases, constants=(), fn_args=None, **runner_settings)
Runner.run_combos(self, combos, constants=(), **runner_settings)
RunningCovariance()
RunningCovariance.update(self, x, y)
RunningCovariance.update_from_it(self, xs, ys)
RunningCovarianceMatrix(n=2)
RunningCovarianceMatrix.to_uncertainties(self, bias=True)
RunningCovarianceMatrix.update(self, *x)
RunningCovarianceMatrix.update_from_it(self, *xs)
RunningStatistics()
RunningStatistics.converged(self, rtol, atol)
RunningStatistics.update(self, x)
RunningStatistics.update_from_it(self, xs)
Sampler(runner, data_name=None, default_combos=None, full_df=None, engine='pickle')
Sampler.Crop(self, name=None, parent_dir=None, save_fn=None, batchsize=None, num_batches=None)
Sampler.add_df(self, new_df, sync=True, engine=None)
Sampler.delete_df(self, backup=False)
Sampler.gen_cases_fnargs(self, n, combos=None)
Sampler.load_full_df(self, engine=None)
Sampler.sample_combos(self, n, combos=None, engine=None, **case_runner_settings)
Sampler.save_full_df(self, new_full_df=None, engine=None)
Scatter(ds, x, y, z=None, **kwargs)
Timer()
auto_heatmap(x, **heatmap_opts)
auto_histogram(x, **histogram_opts)
auto_iheatmap(x, **iheatmap_opts)
auto_ilineplot(x, y_z, **lineplot_opts)
auto_iscatter(x, y_z, **iscatter_opts)
auto_lineplot(x, y_z, **lineplot_opts)
auto_scatter(x, y_z, **scatter_opts)
auto_xyz_ds(x, y_z=None)
benchmark(fn, setup=None, n=None, min_t=0.2, repeats=2, get='min', starmap=False)
cache_to_disk(fn=None, *, cachedir='__xyz_cache__', **kwargs)
case_runner(fn, fn_args, cases, combos=None, constants=None, split=False, shuffle=False, parse=True, parallel=False, executor=None, num_workers=None, verbosity=1)
case_runner_to_df(fn, fn_args, cases, var_names, var_dims=None, var_coords=None, combos=None, constants=None, resources=None, attrs=None, shuffle=False, *, to_df=True, parse=True, parallel=False, num_workers=None, executor=None, verbosity=1)
case_runner_to_ds(fn, fn_args, cases, var_names, var_dims=None, var_coords=None, combos=None, constants=None, resources=None, attrs=None, shuffle=False, to_df=False, parse=True, parallel=False, num_workers=None, executor=None, verbosity=1)
check_runs(obj, dim='run', var=None, sel=())
cimluv(hue, hue_shift=0.0, sat1=1.0, sat2=0.5, val1=0.8, val2=0.3, N=30, reverse=False)
cimple(hue, sat1=0.4, sat2=1.0, val1=0.95, val2=0.35, hue_shift=0.0, name='cimple', auto_adjust_sat=0.2)
cimple_bright(hue, sat1=0.8, sat2=0.9, val1=0.97, val2=0.3, hue_shift=0.0, name='cimple_bright')
clean_slurm_outputs(job, directory='.', cancel_if_finished=True)
cmoke(hue, hue_shift=0.0, sat1=0.36, sat2=0.5, val1=0.38, val2=0.93, N=51, reverse=False)
combo_runner(fn, combos=None, *, cases=None, constants=None, split=False, flat=False, shuffle=False, parallel=False, executor=None, num_workers=None, verbosity=1)
combo_runner_to_df(fn, combos, var_names, *, var_dims=None, var_coords=None, cases=None, constants=None, resources=None, attrs=None, shuffle=False, parse=True, to_df=True, parallel=False, num_workers=None, executor=None, verbosity=1)
combo_runner_to_ds(fn, combos, var_names, *, var_dims=None, var_coords=None, cases=None, constants=None, resources=None, attrs=None, shuffle=False, parse=True, to_df=False, parallel=False, num_workers=None, executor=None, verbosity=1)
convert_colors(cols, outformat, informat='MATPLOTLIB')
estimate_from_repeats(fn, *fn_args, rtol=0.02, tol_scale=1.0, get='stats', verbosity=0, min_samples=5, max_samples=1000000, **fn_kwargs)
find_missing_cases(ds, ignore_dims=None, method='isnull', show_progbar=False)
format_number_with_error(x, err)
get_neutral_style(draw_color=(0.5, 0.5, 0.5))
get_peak_memory_usage()
getsizeof(obj)
grow(batch_number, crop=None, fn=None, num_workers=None, check_mpi=True, verbosity=2, debugging=False, raise_errors=True)
heatmap(ds, x, y, z, **kwargs)
histogram(ds, x, z=None, **plot_opts)
iheatmap(ds, x, y, z, **kwargs)
ilineplot(ds, x, y, z=None, y_err=None, x_err=None, **kwargs)
infiniplot(ds, x, y=None, z=None, **kwargs)
is_case_missing(ds, setting, method='isnull')
iscatter(ds, x, y, z=None, y_err=None, x_err=None, **kwargs)
label(var_names, fn_args=None, var_dims=None, var_coords=None, constants=None, resources=None, attrs=None, harvester=False, sampler=False, engine=None, **default_runner_settings)
lineplot(ds, x, y, z=None, y_err=None, x_err=None, **plot_opts)
load_crops(directory='.')
load_df(name, engine='pickle', key='df', **kwargs)
load_ds(file_name, engine='h5netcdf', load_to_mem=None, create_new=False, chunks=None, **kwargs)
manage_slurm_outputs(crop, job, wait_time=60)
merge_sync_conflict_datasets(base_name, engine='h5netcdf', combine_first=False)
neutral_style(draw_color=(0.5, 0.5, 0.5), **kwargs)
parse_into_cases(combos=None, cases=None, ds=None, method='isnull')
post_fix(ds, postfix)
progbar(it=None, nb=False, **kwargs)
report_memory()
report_memory_gpu()
save_df(df, name, engine='pickle', key='df', **kwargs)
save_ds(ds, file_name, engine='h5netcdf', **kwargs)
save_merge_ds(ds, fname, overwrite=None, **kwargs)
scatter(ds, x, y, z=None, y_err=None, x_err=None, **plot_opts)
sort_dims(ds)
trimna(obj)
unzip(its, zip_level=1)
visualize_matrix(array, max_mag=None, magscale='linear', alpha_map=True, alpha_pow=0.5, legend=True, legend_loc='auto', legend_size=0.15, legend_bounds=None, legend_resolution=3, facecolor=None, rasterize=4096, rasterize_dpi=300, figsize=(5, 5), ax=None)
visualize_tensor(array, spacing_factor=1.0, max_projections=None, projection_overlap_spacing=1.05, angles=None, scales=None, skew_angle_factor='auto', skew_scale_factor=0.05, max_mag=None, magscale='linear', size_map=True, size_pow=0.5, size_scale=1.0, alpha_map=True, alpha_pow=0.5, alpha=0.8, marker='o', linewidths=0, show_lattice=True, lattice_opts=None, compass=False, compass_loc='auto', compass_size=0.1, compass_bounds=None, compass_labels=None, compass_opts=None, legend=True, legend_loc='auto', legend_size=0.15, legend_bounds=None, legend_resolution=3, interleave_projections=False, reverse_projections=False, facecolor=None, rasterize=4096, rasterize_dpi=300, figsize=(5, 5), ax=None)
plot(xs, ys=None, **kwargs)
cultivate(fn, *, var_names=None, data_name=None, runner_opts=None, harvester_opts=None, combos=None, cases=None, constants=None, name=None, parent_dir=None, batchsize=None, num_batches=None, missing_only=True, shuffle=True, subprocess='auto', num_workers=None, num_threads=None, gpus=None, affinities=None, log=False, raise_errors=True, verbosity=1, on_existing='ask', on_error='ask', clean_up=None, **grow_kwargs)
""".strip().splitlines()

MODULES = {
    "gen.prepare": "parse_fn_args parse_combos parse_cases parse_combo_results parse_case_results parse_var_names parse_var_dims "
    "parse_var_coords parse_constants parse_resources parse_attrs dictify check_for_duplicates",
    "gen.combo_runner": "combo_runner combo_runner_to_ds combo_runner_to_df results_to_ds nan_like_result",
    "gen.case_runner": "case_runner case_runner_to_ds case_runner_to_df is_case_missing find_missing_cases parse_into_cases",
    "gen.farming": "Runner Harvester Sampler label cultivate",
    "gen.cropping": "Crop grow load_crops gen_cluster_script grow_cluster gen_qsub_script qsub_grow clean_slurm_outputs "
    "manage_slurm_outputs",
    "manage": "save_ds load_ds save_merge_ds cache_to_disk trimna sort_dims post_fix check_runs auto_xyz_ds "
    "merge_sync_conflict_datasets save_df load_df auto_add_extension",
    "utils": "XYZError isiterable prod unzip flatten progbar getsizeof Timer benchmark Benchmarker RunningStatistics "
    "RunningCovariance RunningCovarianceMatrix estimate_from_repeats format_number_with_error MemoryMonitor "
    "get_peak_memory_usage report_memory report_memory_gpu autocorrect_kwargs",
    "plot.color": "convert_colors cimple cimple_bright cimluv cmoke xyz_colormaps",
}


def found(name: str) -> Any:
    made: Any = xyz
    for part in name.split("."):
        made = getattr(made, part)
    return made


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_parameters_keep_name_order_and_default(line: str) -> None:
    name, _, told = line.partition("(")
    wanted = inspect.signature(eval(f"lambda {told[:-1]}: None")).parameters  # a list of ours
    there = inspect.signature(found(name)).parameters
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for each in wanted.values():
        if each.kind in kinds:
            assert any(mine.kind is each.kind for mine in there.values()), each
        else:
            assert there[each.name].default == each.default, each
    positional = [p.name for p in wanted.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    mine = [p.name for p in there.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert mine[: len(positional)] == positional
    more = [p for p in there.values() if p.name not in wanted and p.kind not in kinds]
    assert all(p.default is not inspect.Parameter.empty for p in more), "what is added is optional"


@pytest.mark.parametrize("module", MODULES)
def test_every_name_is_where_it_was(module: str) -> None:
    there = importlib.import_module(f"headrace.compat.xyzpy.{module}")
    assert [name for name in MODULES[module].split() if not hasattr(there, name)] == []


def test_star_gives_every_name() -> None:
    namespace: dict[str, Any] = {}
    exec("from headrace.compat.xyzpy import *", namespace)
    assert {line.partition("(")[0] for line in SIGNATURES if "." not in line.partition("(")[0]} <= set(namespace)
    assert xyz.__version__ == "1.3.5"


def test_the_newest_keywords_are_taken() -> None:
    ds = xyz.combo_runner_to_ds(lambda a: a, {"a": [1]}, "y", verbosity=0, desc="Sweep")
    assert ds["y"].values.tolist() == [1]
    assert xyz.combo_runner(lambda a: a, {"a": [1]}, verbosity=0, desc="Sweep") == (1,)


# --- what comes later -------------------------------------------------------------------------------

LATER = [
    "Crop()",
    "grow(1)",
    "load_crops()",
    "clean_slurm_outputs(1)",
    "manage_slurm_outputs(1,2)",
    "lineplot(1,2,3)",
    "scatter(1,2,3)",
    "histogram(1,2)",
    "heatmap(1,2,3,4)",
    "ilineplot(1,2,3)",
    "iscatter(1,2,3)",
    "iheatmap(1,2,3,4)",
    "infiniplot(1,2)",
    "plot([1])",
    "auto_lineplot(1,2)",
    "auto_scatter(1,2)",
    "auto_histogram(1)",
    "auto_heatmap(1)",
    "auto_ilineplot(1,2)",
    "auto_iscatter(1,2)",
    "auto_iheatmap(1)",
    "LinePlot(1,2,3)",
    "Scatter(1,2,3)",
    "Histogram(1,2)",
    "HeatMap(1,2,3,4)",
    "AutoLinePlot(1,2)",
    "AutoScatter(1,2)",
    "AutoHistogram(1)",
    "AutoHeatMap(1)",
    "visualize_matrix(1)",
    "visualize_tensor(1)",
    "neutral_style()",
    "get_neutral_style()",
    "cimple(1)",
    "cimple_bright(1)",
    "cimluv(1)",
    "cmoke(1)",
    "convert_colors([],1)",
]


@pytest.mark.parametrize("call", LATER)
def test_what_comes_later_says_so(call: str) -> None:
    with pytest.raises(hr.HeadraceError, match="later version"):
        eval(f"xyz.{call}")


def test_methods_that_come_later_say_so() -> None:
    runner = xyz.Runner(abs, "y", fn_args="x")
    for made in (runner, xyz.Harvester(runner), xyz.Sampler(runner)):
        with pytest.raises(xyz.XYZError, match="Crop is not in this headrace"):
            made.Crop("name")
    for option in ({"subprocess": True}, {"num_threads": 2}, {"gpus": [0]}, {"affinities": [1]}, {"log": True}):
        with pytest.raises(xyz.XYZError, match=r"cultivate\(\w+=\) is not in this headrace"):
            xyz.Harvester(runner).cultivate({"x": [1]}, **option)
    assert not isinstance(runner, xyz.Crop)


def test_plot_is_a_function_and_a_module() -> None:
    import headrace.compat.xyzpy.plot.color as color

    plot: Any = xyz.plot
    assert plot.color is color
    assert callable(xyz.plot)
    assert color.cimple is xyz.cimple


# --- the accessor -----------------------------------------------------------------------------------


def test_the_accessor_is_there_once_the_door_is() -> None:
    code = (
        "import xarray as xr\nassert not hasattr(xr.Dataset, 'xyz')\nimport headrace.compat\n"
        "assert not hasattr(xr.Dataset, 'xyz')\nimport headrace.compat.xyzpy\n"
        "print(type(xr.Dataset().xyz).__name__, type(xr.DataArray(1).xyz).__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["XYZPY", "XYZPY"]


def test_the_accessor() -> None:
    ds = xr.Dataset({"y": (("a", "b"), [[1.0, np.nan], [np.nan, np.nan]])}, {"a": [1, 2], "b": [3, 4]})
    assert dict(ds.xyz.trimna().sizes) == {"a": 1, "b": 1}
    assert dict(ds.y.xyz.trimna().sizes) == {"a": 1, "b": 1}
    assert list(ds.xyz.post_fix("old").data_vars) == ["y_old"]
    for call in ["plot", "infiniplot", "lineplot", "ilineplot", "scatter", "iscatter", "histogram", "heatmap", "iheatmap", "LinePlot", "Scatter", "Histogram", "HeatMap"]:  # fmt: skip
        with pytest.raises(hr.HeadraceError, match="later version"):
            getattr(ds.xyz, call)("a", "y")


# --- small things -----------------------------------------------------------------------------------


def test_errors_are_xyzerror() -> None:
    assert xyz.XYZError is hr.HeadraceError
    with pytest.raises(xyz.XYZError, match="twice"):
        xyz.combo_runner(lambda x: x, {"x": [1, 1]}, verbosity=0)


def test_prepare() -> None:
    assert prepare.parse_fn_args(lambda a, b: 0, None) == ("a", "b")
    assert prepare.parse_combos({"a": range(2)}) == (("a", [0, 1]),)
    assert prepare.parse_cases(None) is None
    assert prepare.parse_cases({"a": 1}) == ({"a": 1},)
    assert prepare.parse_cases([(1, 2)], ("a", "b")) == ({"a": 1, "b": 2},)
    assert prepare.parse_cases([1, 2], "a") == ({"a": 1}, {"a": 2})
    assert prepare.parse_cases([]) == ()
    with pytest.raises(ValueError, match="fn_args"):
        prepare.parse_cases([(1, 2)])
    assert prepare.parse_combo_results((1, 2), ("x",)) == ((1, 2),)
    assert prepare.parse_combo_results((1, 2), ("x", "y")) == prepare.parse_combo_results((1, 2), None) == (1, 2)
    assert prepare.parse_case_results((1, 2), "x") == ((1,), (2,))
    assert prepare.parse_case_results(((1, 2),), ("x", "y")) == ((1, 2),)
    assert prepare.parse_var_names(None) == (None,)
    assert prepare.parse_var_dims(["t", []], ["x", "y"]) == {"x": ("t",), "y": ()}
    for parse in (prepare.parse_var_coords, prepare.parse_constants, prepare.parse_resources, prepare.parse_attrs):
        assert parse(None) == parse(()) == {}
        assert parse([("a", 1)]) == {"a": 1}
    prepare.check_for_duplicates("a", [1, 2])
    with pytest.raises(xyz.XYZError, match="'a'"):
        prepare.check_for_duplicates("a", [1, 1])


def test_runner_has_the_attributes_of_old() -> None:
    runner = xyz.Runner(lambda a, b: a, "y", constants={"b": 1}, verbosity=0)
    assert runner.default_runner_settings == {"verbosity": 0}
    assert repr(runner).startswith("<xyzpy.Runner>\n    fn: ")
    assert "constants: ['b']" in repr(runner)
    for name in ("fn_args", "var_names", "var_dims", "var_coords", "constants", "resources"):
        delattr(runner, name)
        assert getattr(runner, name) is None
    assert repr(xyz.Harvester(runner)).startswith("<xyzpy.Harvester>\n")
    assert "[h5netcdf]" in repr(xyz.Harvester(runner))
    assert repr(xyz.Sampler(runner)).startswith("<xyzpy.Sampler>\n")


def test_a_later_name_keeps_its_arguments() -> None:
    made = later.function("f", later.PLOTS, lambda a, b=1, **more: None)
    assert str(inspect.signature(made)) == "(a, b=1, **more)"
    assert made.__name__ == "f"
    assert str(inspect.signature(later.kind("K", later.CROPS, lambda a: None))) == "(a)"
