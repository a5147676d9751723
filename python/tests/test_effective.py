"""Effective tensors: known answers, the same bits as the command line, no copies."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr

import gaptooth as gt


def layers(n=10, cut=3):
    image = np.zeros((n, n), dtype=np.uint8)
    image[cut:] = 1
    return image


def test_layers_by_labels():
    cell = gt.effective_tensor(layers(), mapping={0: 1.0, 1: 10.0}, bounds=True)
    assert np.allclose(np.diag(cell.tensor), [1 / 0.37, 7.3], atol=1e-9)
    assert (np.diag(cell.lower) <= [1 / 0.37, 7.3]).all() and ([1 / 0.37, 7.3] <= np.diag(cell.upper)).all()
    assert cell.converged and cell.method == "multigrid" and cell.width < 1e-6
    assert np.allclose(cell.percolating, 1) and cell.mixture.voigt == pytest.approx(7.3)
    assert np.asarray(cell).shape == (2, 2)
    assert "lower" in repr(cell) and "<table>" in cell._repr_html_()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64, np.float32, bool])
def test_every_kind_of_label(kind):
    reference = gt.effective_tensor(layers(), mapping={0: 1.0, 1: 10.0}).tensor
    assert np.array_equal(gt.effective_tensor(layers().astype(kind), mapping={0: 1.0, "*": 10.0}).tensor, reference)
    strided = np.zeros((20, 20), dtype=kind)
    strided[::2, ::2] = layers()
    assert np.array_equal(gt.effective_tensor(strided[::2, ::2], mapping={0: 1.0, 1: 10.0}).tensor, reference)
    assert np.array_equal(gt.effective_tensor(np.asfortranarray(layers(), dtype=kind), mapping="0=1,1=10").tensor, reference)


def test_checkerboard_holds_the_root():
    board = np.kron([[1.0, 10.0], [10.0, 1.0]], np.ones((8, 8)))
    cell = gt.effective_tensor(board, bounds=True)
    assert cell.lower[0, 0] <= np.sqrt(10) <= cell.upper[0, 0]
    assert cell.midpoint[0, 0] == 0.5 * (cell.lower[0, 0] + cell.upper[0, 0])


def test_faces_and_voxel_size():
    image = np.ones((4, 5, 6))
    cell = gt.effective_tensor(image, voxel_size=(1, 2, 0.5), conditions="faces")
    assert np.allclose(cell.tensor, np.eye(3))


def test_what_does_not_conduct_is_an_exact_zero_and_warned_about():
    image = np.ones((6, 6))
    image[3] = 0
    with pytest.warns(UserWarning, match="nothing conducts from end to end along x"):
        cell = gt.effective_tensor(image, bounds=True)
    assert cell.tensor[0, 0] == cell.upper[0, 0] == 0 and cell.tortuosity[0] == np.inf and cell.anisotropy == np.inf


def test_fields():
    cell = gt.effective_tensor(layers(), mapping={0: 1.0, 1: 10.0}, fields=True)
    flux = cell.fields["flux_x"].values
    assert flux.shape == (10, 10, 2) and np.allclose(flux[..., 0], 1 / 0.37, atol=1e-4)
    assert cell.fields["corrector_y"].shape == (10, 10)


def test_an_inclusion_on_a_line():
    for text in ("where(abs(y1-0.5)<0.2,10,1)", "where(abs(y-0.5)<0.2,10,1)"):
        cell = gt.effective_tensor(text, bounds=True)
        assert abs(cell.tensor[0, 0] - 1 / 0.64) < 1e-9 and cell.lower[0, 0] <= 1 / 0.64 + 1e-9 <= cell.upper[0, 0] + 2e-9


def test_data_arrays_keep_their_axes():
    slanted = np.where(np.add.outer(range(12), range(12)) % 12 < 4, 10.0, 1.0)
    x = 2.0 * np.arange(12)
    a = xr.DataArray(slanted, dims=("x", "y"), coords={"x": x, "y": x[::-1]})
    turned = gt.effective_tensor(a, fields=True)
    assert np.allclose(turned.tensor, gt.effective_tensor(a.sortby("y")).tensor) and turned.tensor[0, 1] > 0.5
    assert (a * turned.fields.corrector_x).shape == (12, 12)
    layer = xr.DataArray(slanted[:, :, None], dims=("x", "y", "z"), coords={"x": 5 * x, "y": x, "z": [0.0]})
    assert np.allclose(gt.effective_tensor(layer).tensor[:2, :2], gt.effective_tensor(slanted, voxel_size=(5, 1)).tensor)
    flat = gt.effective_tensor(xr.DataArray(slanted, dims=("x", "z")), fields=True)
    assert flat.fields.corrector_z.dims == ("x", "z")


def test_formulas_and_functions():
    exact = 1.93535923481229
    formula = gt.effective_tensor("2 + sin(2*pi*y1)*cos(2*pi*y2)", bounds=True)
    assert abs(formula.tensor[0, 0] - exact) < 1e-12 and formula.lower[0, 0] <= exact <= formula.upper[0, 0]
    function = gt.effective_tensor(lambda y1, y2: 2 + np.sin(2 * np.pi * y1) * np.cos(2 * np.pi * y2))
    assert abs(function.tensor[0, 0] - exact) < 1e-12
    skew = gt.effective_tensor("1/(2+1.8*sin(2*pi*(y1-y2)))").tensor
    assert np.allclose(skew, [[0.823539334676, 0.323539334676], [0.323539334676, 0.823539334676]], atol=1e-11)
    tensor = gt.effective_tensor([["2", "0.5"], ["0.5", "1"]])
    assert np.allclose(tensor.tensor, [[2, 0.5], [0.5, 1]])
    assert abs(gt.effective_tensor("1.1 + sin(2*pi*y)").tensor[0, 0] - np.sqrt(0.21)) < 1e-12
    assert abs(gt.effective_tensor("1.1 + sin(2*pi*y) + x", slow=1.0).tensor[0, 0] - np.sqrt(2.1**2 - 1)) < 1e-12
    with pytest.warns(UserWarning, match="jumps"):
        jump = gt.effective_tensor("where(y1 < 0.3, 1, 10)", dim=2, resolution=20)
    assert abs(jump.tensor[0, 0] - 1 / 0.37) < 1e-9
    assert np.allclose(gt.effective_tensor(lambda y: 3.0).tensor, 3)


@pytest.mark.skipif("GAPTOOTH" not in os.environ, reason="GAPTOOTH names the command line's program")
@pytest.mark.parametrize("conditions", ["periodic", "faces"])
def test_the_same_bits_as_the_command_line(tmp_path, conditions):
    image = (np.random.default_rng(7).random((9, 10, 11)) < 0.6).astype(np.uint8)
    np.save(tmp_path / "a.npy", image)
    options = ["--map", "0=0.1,1=1", "--voxel-size", "1,2,0.5", "--conditions", conditions, "--bounds", "--json"]
    command = [os.environ["GAPTOOTH"], "effective", "--image", tmp_path / "a.npy", *options]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    cell = gt.effective_tensor(image, mapping={0: 0.1, 1: 1}, voxel_size=(1, 2, 0.5), conditions=conditions, bounds=True)
    for name in ("tensor", "lower", "upper"):
        assert getattr(cell, name).tolist() == told[name], name
    formula = "2 + sin(2*pi*y1)*cos(2*pi*y2)"
    command = [os.environ["GAPTOOTH"], "effective", "--dim", "2", "--coefficient", formula, "--bounds", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    cell = gt.effective_tensor(formula, bounds=True)
    for name in ("tensor", "lower", "upper"):
        assert getattr(cell, name).tolist() == told[name], name


def peak_growth(code: str) -> int:
    """Bytes by which the peak of the resident size grows over `call()` in a fresh interpreter."""
    script = textwrap.dedent(code) + textwrap.dedent("""
        def size(name):
            with open("/proc/self/status") as file:
                lines = dict(line.split(":", 1) for line in file)
            return 1024 * int(lines[name].split()[0])
        before = size("VmRSS")
        call()
        # not ru_maxrss, which counts the process that started this one
        print(size("VmHWM") - before)
    """)
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_gigabyte_is_not_copied():
    grown = peak_growth("""
        import numpy as np, gaptooth as gt
        a = np.ones((512, 512, 512))
        assert a.nbytes > 1e9
        call = lambda: gt.mixture_bounds(a)
    """)
    assert grown < 50e6, grown


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_image_needs_what_is_said():
    grown = peak_growth("""
        import numpy as np, gaptooth as gt
        a = (np.random.default_rng(1).random((128, 128, 128)) < 0.7).astype(np.uint8)
        call = lambda: gt.effective_tensor(a, mapping={0: 0.1, 1: 1.0}, bounds=True, tolerance=1e-4, progress=False)
    """)
    # ten doubles a voxel, and what a thread has
    assert grown < 10 * 8 * 128**3 + 20e6, grown


def test_progress_and_its_exceptions():
    heard = []
    rng = np.random.default_rng(3)
    image = (rng.random((48, 48, 48)) < 0.5).astype(float) + 0.01
    gt.effective_tensor(image, bounds=True, progress=lambda *news: heard.append(news))
    assert heard and heard[-1][0] == "cell problems" and heard[-1][2] > 0

    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        gt.effective_tensor(image, bounds=True, progress=stop)


def test_ctrl_c_stops_the_engine(tmp_path):
    script = textwrap.dedent("""
        import signal
        import numpy as np, gaptooth as gt
        signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell's background jobs ignore it
        a = (np.random.default_rng(1).random((160, 160, 160)) < 0.5) + 1e-3
        print("ready", flush=True)
        try:
            gt.effective_tensor(a, bounds=True, progress=False)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """)
    import signal
    import time

    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert out == "stopped\n" and child.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_says_that_it_has_no_threads():
    script = textwrap.dedent("""
        import os, numpy as np, gaptooth as gt
        gt.effective_tensor(np.ones((8, 8)))
        child = os.fork()
        if child == 0:
            try:
                gt.effective_tensor(np.ones((8, 8)))
            except gt.GaptoothError as error:
                os._exit(0 if "spawn" in str(error) else 1)
            os._exit(2)
        print(os.waitpid(child, 0)[1])
    """)
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60).stdout == "0\n"


def test_the_axes_of_a_dataarray_have_names():
    import xarray as xr

    image = np.ones((4, 6))
    image[:2] = 10
    named = xr.DataArray(image, dims=("y", "x"), coords={"y": 10.0 * np.arange(4), "x": np.arange(6.0)})
    assert np.array_equal(gt.effective_tensor(named).tensor, gt.effective_tensor(image.T, voxel_size=(1, 10)).tensor)


def test_arrays_may_be_as_small_as_they_are():
    image = np.random.default_rng(0).choice([1.0, 0.1], (8, 8, 8))
    assert np.array_equal(gt.effective_tensor(image, voxel_size=2.0**-30).tensor, gt.effective_tensor(image).tensor)


def test_a_stopped_solve_goes_on_to_the_same_bits(tmp_path):
    rng = np.random.default_rng(5)
    a = np.where(rng.random((80, 80, 80)) < 0.5, 1.0, 1e-3)
    whole = gt.effective_tensor(a, bounds=True, tolerance=1e-8, progress=False)

    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        gt.effective_tensor(a, bounds=True, tolerance=1e-8, checkpoints=tmp_path / "kept", progress=stop)
    assert [file.name for file in (tmp_path / "kept").iterdir()], "the step is kept when it is stopped"
    again = gt.effective_tensor(a, bounds=True, tolerance=1e-8, checkpoints=tmp_path / "kept", progress=False)
    assert (again.tensor == whole.tensor).all() and (again.lower == whole.lower).all() and (again.upper == whole.upper).all()
    assert again.iterations == whole.iterations and not (tmp_path / "kept").exists()
