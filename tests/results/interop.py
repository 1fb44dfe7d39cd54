"""Checks result files with the readers users have. Usage: interop.py CHECK FOLDER.

Run with `-W error`: a warning is a failure.
"""

import glob
import json
import math
import os
import sys

import h5py
import netCDF4
import numpy as np
import xarray as xr

ENGINES = ("h5netcdf", "netcdf4")


def root_attributes(path, status):
    with h5py.File(path, "r") as f:
        for name in ("Conventions", "title", "source", "history", "references", "status"):
            assert type(f.attrs[name]) is str, (name, type(f.attrs[name]))
        assert f.attrs["status"] == status
        assert f.attrs["Conventions"].startswith("CF-1.")
        assert f.attrs["source"].startswith("dinv ")
        order = h5py.h5g.open(f.id, b"/").get_create_plist().get_link_creation_order()
        assert order == h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED


def scale_names(variable):
    return [axis[0].name.rsplit("/", 1)[-1] for axis in variable.dims]


def trajectory(folder):
    for name, targets, status in (("one", 1, "complete"), ("batch", 4, "interrupted"), ("failed", 1, "failed")):
        path = os.path.join(folder, name + ".h5")
        root_attributes(path, status)
        state_dims = ("time", "state_unit") if targets == 1 else ("time", "target", "state_unit")
        for engine in ENGINES:
            with xr.open_dataset(path, group="trajectory", engine=engine) as ds:
                check_trajectory(ds, targets, state_dims)
            with xr.open_datatree(path, engine=engine) as tree:
                check_trajectory(tree["trajectory"].to_dataset(), targets, state_dims)
                assert tree.attrs["status"] == status
        with netCDF4.Dataset(path) as nc:
            group = nc["trajectory"]
            assert group.dimensions["time"].isunlimited()
            assert group.variables["state"].dimensions == state_dims
            assert list(group.variables) == ["time", "state", "controller", "residual"], list(group.variables)
            assert nc.status == status
        with netCDF4.Dataset(path, "a") as nc:  # the netCDF library refuses this without creation order
            nc.comment = "opened to append"
        with h5py.File(path, "r") as f:
            group = f["trajectory"]
            assert scale_names(group["state"]) == list(state_dims)
            for name in ("state", "controller", "residual"):
                v = group[name]
                assert v.dims[0][0] == group["time"]
                assert v.compression == "gzip" and v.shuffle
                assert math.isnan(v.fillvalue) and np.isnan(v.attrs["_FillValue"]).all()
                assert v.attrs["units"] == "1" and type(v.attrs["long_name"]) is str
            assert group.attrs["rows_committed"][0] == 3


def check_trajectory(ds, targets, state_dims):
    assert ds["state"].dims == state_dims, ds["state"].dims
    assert ds["time"].dims == ("time",) and "time" in ds.coords
    assert ds["time"].attrs["units"] == "s" and ds["time"].dtype == np.float64
    assert ds["time"].values.tolist() == [0.0, 0.5, 1.0]
    assert ds["state"].attrs["long_name"] == "inverted activity"
    size = 5 * targets
    for k in range(3):
        row = 1000.0 * k + np.arange(size)
        state = row[: 3 * targets].reshape((targets, 3))
        control = row[3 * targets :].reshape((targets, 2))
        got = ds.isel(time=k)
        assert np.array_equal(got["state"].values.reshape((targets, 3)), state)
        assert np.array_equal(got["controller"].values.reshape((targets, 2)), control)
        residual = 0.25 + k + 10.0 * np.arange(targets)
        assert np.array_equal(np.atleast_1d(got["residual"].values), residual)


def groups(folder):
    path = os.path.join(folder, "groups.h5")
    root_attributes(path, "complete")
    with h5py.File(path, "r") as f:
        w = f["weights/w_1"]
        assert w.shape == (3, 2) and w[2, 1] == 21 and w[0, 1] == 1
        assert scale_names(w) == ["layer_1", "layer_0"]
        kind = h5py.check_string_dtype(f["weights/activation"].dtype)
        assert kind.encoding == "utf-8" and kind.length is None
        assert list(f["weights/activation"].asstr()) == ["tanh_β", "sigmoid"]
        assert f["weights/output"].asstr()[()] == "tanh_β"
        assert f["stability/verdict"][()] == 2
        assert type(f["stability"].attrs["method"]) is str
        assert np.isnan(f["sweep/abscissa"][2, 0])
        assert f["sweep/nothing"].shape == (0,)
        assert f["stability/rank"].dtype == np.int64
    for engine in ENGINES:
        with xr.open_datatree(path, engine=engine) as tree:
            assert set(tree.children) == {"weights", "stability", "sweep", "training"}
            assert tree["weights/w_1"].dims == ("layer_1", "layer_0")
            assert [str(s) for s in tree["weights/activation"].values] == ["tanh_β", "sigmoid"]
            assert str(tree["weights/output"].values) == "tanh_β"
            s = tree["stability"].to_dataset()
            z = s["eigenvalue_re"] + 1j * s["eigenvalue_im"]
            assert z.dims == ("mode",) and z.values.tolist() == [-0.25 + 1.5j, -0.25 - 1.5j]
            meanings = s["verdict"].attrs["flag_meanings"].split()
            assert meanings[int(s["verdict"])] == "unstable"
            assert s["mode_verdict"].attrs["flag_values"].tolist() == [0, 1, 2]
            assert s["mode_verdict"].attrs["flag_values"].dtype == s["mode_verdict"].dtype == np.uint8
            sweep = tree["sweep"].to_dataset()
            assert sweep["abscissa"].dims == ("leak", "sizes")
            assert sweep["abscissa"].sel(leak=0.011, method="nearest").sel(sizes="784x10") == 4.0
            assert tree["sweep/inner/x"].values.tolist() == [1.0, 2.0]
            training = tree["training"].to_dataset()
            assert training["loss"].dims == ("step", "rule")
            assert training["loss"].values.tolist() == [[1.0, 2.0], [4.0, 5.0]]
            assert training["angle"].values.tolist() == [3.0, 6.0]
            assert training["step"].values.tolist() == [0.0, 10.0]
    with netCDF4.Dataset(path) as nc:
        assert list(nc["stability"].variables)[:3] == ["eigenvalue_re", "eigenvalue_im", "verdict"]


def provenance(folder):
    texts = glob.glob(os.path.join(folder, "*.toml"))
    assert len(texts) == 6
    for source in texts:
        with open(source, "rb") as f:
            text = f.read()
        path = source.replace(".toml", ".h5")
        with h5py.File(path, "r") as f:
            p = f["provenance"]
            for name in ("model", "resolved_model"):
                assert p[name].shape == () and p[name][()] == text, (source, name)
            assert list(p["argv"].asstr()) == ["dinv", "run", "modèle.toml"]
            assert p["start"].asstr()[()] == "1970-01-01T00:00:00Z"
            assert p["duration"][()] == 1.5 and p["threads"][()] == 2
            assert int(p["seed"].asstr()[()]) == 2**64 - 1
            assert p["hdf5_version"].asstr()[()].count(".") == 2
            assert p["version"].asstr()[()] and p["commit"].asstr()[()] and p["rng"].asstr()[()] == "ChaCha8"
        for engine in ENGINES:
            with xr.open_dataset(path, group="provenance", engine=engine) as ds:
                assert str(ds["model"].values).encode() == text


def chunks(folder):
    for name in ("narrow", "wide", "vast"):
        path = os.path.join(folder, name + ".h5")
        with h5py.File(path, "r") as f:
            raw = 0
            for v in (f["trajectory/time"], f["trajectory/state"]):
                size = v.dtype.itemsize * math.prod(v.chunks)
                assert 16 * 1024 <= size <= 1024 * 1024, (name, v.name, v.chunks)
                raw += v.nbytes
            assert np.all((f["trajectory/state"][-1] >= 1) & (f["trajectory/state"][-1] < 2))
        assert os.path.getsize(path) <= 1.2 * raw + 32768, (name, os.path.getsize(path), raw)


def json_files(folder):
    with open(os.path.join(folder, "batch.json")) as f:
        batch = json.load(f)
    assert batch["attrs"]["status"] == "complete" and batch["attrs"]["source"].startswith("dinv ")
    check_trajectory(xr.Dataset.from_dict(batch["groups"]["trajectory"]), 4, ("time", "target", "state_unit"))
    with open(os.path.join(folder, "groups.json")) as f:
        weights = json.load(f)["groups"]["weights"]
    assert weights["attrs"] == {"count": 1}
    assert weights["data_vars"]["w_1"]["data"] == [[0, 1], [10, 11], [20, 21]]
    assert weights["data_vars"]["norm"]["data"] is None


def sweep(folder):
    path = os.path.join(folder, "map.h5")
    for engine in ENGINES:
        with xr.open_dataset(path, engine=engine) as ds:
            assert ds.attrs["status"] == "complete" and ds.attrs["command"] == "stability"
            assert ds.spectral_abscissa.dims == ("leak", "sizes", "repeat")
            assert list(ds.leak.values) == [0.001, 0.01, 0.1, 1.0]
            assert list(ds["sizes"].values) == ["[4, 3]", "[5, 2]"]
            point = ds.sel(leak=0.012, method="nearest").sel(sizes="[5, 2]").isel(repeat=1)
            assert float(point.leak) == 0.01
            assert float(point.spectral_abscissa) == float(ds.spectral_abscissa[1, 1, 1])
            assert "seed" in ds.coords and ds.seed.dims == ("repeat",)
            share = (ds.verdict == "stable").mean("repeat")
            assert share.dims == ("leak", "sizes") and float(share.min()) >= 0
            assert (ds.status == 0).all() and (ds.error == "").all()
            # Spectra of 7 states, all finite.
            assert ds.eigenvalues.shape == (4, 2, 2, 7, 2) and bool(np.isfinite(ds.eigenvalues).all())
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        assert "schema_version" in str(tree["provenance"].model.values)


CHECKS = {"sweep": sweep, "trajectory": trajectory, "groups": groups, "provenance": provenance, "chunks": chunks, "json": json_files}

if __name__ == "__main__":
    CHECKS[sys.argv[1]](sys.argv[2])
