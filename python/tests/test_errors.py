"""Wrong calls: each a GaptoothError of one line that names the fix."""

import numpy as np
import pytest
import xarray as xr

import gaptooth as gt

ones = np.ones((4, 4))
grid = dict(domain=(0, 1), n_patch=5, n_sub=5, spacing=0.01)


def teeth(**options):
    return gt.GapTooth(gt.PatchGrid(**grid), lambda t, u: 0 * u, **options)


def dynamics(burst=lambda u, t, duration: u):
    return gt.PatchDynamics(burst, (0, 1), 10, tooth=0.01, width=0.04, spacing=1e-3, length=1e-6)


def waves():
    x = 2 * np.pi * np.arange(12) / 12
    u = np.arange(1, 5)[:, None, None] * np.exp(-np.arange(4) / 9)[:, None] * np.cos(x)
    return xr.Dataset({"u": (("trajectory", "time", "x"), u)}, {"time": np.arange(4.0), "x": x}, attrs={"boundary": "periodic"})


WRONG = {
    "labels without a mapping": (lambda: gt.effective_tensor(np.ones((3, 3), dtype=np.uint8)), "mapping={0: 1.0"),
    "a label that is not mapped": (lambda: gt.effective_tensor(np.arange(4, dtype=np.uint8), mapping={0: 1}), "no conductivity|label"),
    "four axes": (lambda: gt.effective_tensor(np.ones((2, 2, 2, 2))), r"one to three axes .* \(2, 2, 2, 2\)"),
    "no voxels": (lambda: gt.effective_tensor(np.ones((0, 3))), "with voxels"),
    "a NaN": (lambda: gt.effective_tensor(np.array([1.0, np.nan])), "voxel 1 of 2"),
    "a negative conductivity": (lambda: gt.effective_tensor(np.array([1.0, -2.0])), "not negative"),
    "complex numbers": (lambda: gt.effective_tensor(np.ones(3, dtype=complex)), "complex128.*astype"),
    "voxel sizes of another dimension": (lambda: gt.effective_tensor(ones, voxel_size=(1, 2, 3)), "voxel_size.*each of 2 axes"),
    "a voxel size of zero": (lambda: gt.effective_tensor(ones, voxel_size=0), "positive"),
    "unknown conditions": (lambda: gt.effective_tensor(ones, conditions="neumann"), "'periodic' or 'faces'"),
    "an unknown method": (lambda: gt.effective_tensor(ones, method="sor"), "multigrid"),
    "a tolerance of zero": (lambda: gt.effective_tensor(ones, tolerance=0), "between 0 and 1"),
    "a mapping that is none": (lambda: gt.effective_tensor(ones, mapping=[1, 2]), "mapping.*0: 1.0"),
    "a slow variable with an image": (lambda: gt.effective_tensor(ones, slow=0.5), "slow.*leave it out"),
    "a voxel size with a formula": (lambda: gt.effective_tensor("2", voxel_size=2), "voxel_size.*leave it out"),
    "a formula that does not read": (lambda: gt.effective_tensor("2 + sin("), "cannot read.*character"),
    "a coefficient that is not positive": (lambda: gt.effective_tensor("sin(2*pi*y1)*cos(2*pi*y2)"), "positive"),
    "an unknown name": (lambda: gt.effective_tensor("2 + z"), "unknown name `z`"),
    "a tensor that is not symmetric": (lambda: gt.effective_tensor([["2", "1"], ["0", "2"]]), "symmetric"),
    "a function of four arrays": (lambda: gt.effective_tensor(lambda a, b, c, d: a), "dim="),
    "a function of the wrong length": (lambda: gt.effective_tensor(lambda y: np.ones(3)), "array of"),
    "an image's part in a string": (lambda: gt.effective_tensor(np.array(["a"])), "dtype"),
    "patches that overlap": (lambda: gt.PatchGrid((0, 1), 50, 5, spacing=0.1), "overlap|at least the width"),
    "a masked array": (lambda: gt.effective_tensor(np.ma.masked_less(np.arange(4.0), 2)), "filled"),
    "a file's name": (lambda: gt.effective_tensor("scan.tif"), "load it first"),
    "x without slow": (lambda: gt.effective_tensor("2 + sin(2*pi*x)*cos(2*pi*y)"), "slow=0.5"),
    "a function with slow": (lambda: gt.effective_tensor(lambda y: 2 + 0 * y, slow=0.5), "lambda y1"),
    "a row that is no tensor": (lambda: gt.effective_tensor([["2", "3"]]), "square"),
    "edges of different units": (lambda: gt.effective_tensor(ones, voxel_size=(1, 1e-9)), "factor of 1e5"),
    "no spacing": (lambda: gt.PatchGrid((0, 1), 5, 5), "spacing.*ratio"),
    "an unknown boundary": (lambda: gt.PatchGrid((0, 1), 5, 5, spacing=0.01, boundary="robin"), "neumann"),
    "more patches than any": (lambda: gt.PatchGrid((0, 1), 10**12, 5, ratio=0.1), "below 10 000 000"),
    "no fields": (lambda: teeth(fields=0), "1 or more"),
    "ends of a periodic domain": (lambda: teeth(ends=(0, 1)), "leave them out"),
    "half a patch": (lambda: gt.PatchGrid((0, 1), 5.5, 5, spacing=0.01), "n_patch = 5.5: expected a whole number"),
    "a domain without an end": (lambda: gt.PatchGrid(1.0, 5, 5, spacing=0.01), "domain"),
    "a state of the wrong shape": (lambda: teeth().rhs(0.0, np.ones((5, 5))), r"shape \(5, 5\), expected \(1, 3, 5\)"),
    "axes in the wrong order": (lambda: teeth().rhs(0.0, np.ones((1, 5, 3))), r"interior points…, patches…"),
    "a right-hand side that is none": (lambda: gt.GapTooth(gt.PatchGrid(**grid), 3), "function"),
    "an odd order": (lambda: teeth(coupling=3), "even order"),
    "times that go back": (lambda: teeth().simulate(np.ones((1, 3, 5)), [0, 1, 0.5]), "ascending"),
    "a start that is not finite": (lambda: teeth().simulate(np.full((1, 3, 5), np.nan), [0, 1]), "initial state"),
    "too few functions": (lambda: teeth(fields=2).sample(np.sin), "expected 2 functions"),
    "a burst that is none": (
        lambda: gt.PatchDynamics(None, (0, 1), 10, tooth=0.01, width=0.04, spacing=1e-3, length=1e-6), "function"),
    "a tooth wider than its patch": (
        lambda: gt.PatchDynamics(lambda u, t, d: u, (0, 1), 10, tooth=0.08, width=0.04, spacing=1e-3, length=1e-6), "tooth"),
    "ends that are no numbers": (lambda: gt.GapTooth(gt.PatchGrid(**grid, boundary="dirichlet"), np.sin, ends="cold"), "ends.*first, last"),
    "ends of another dimension": (
        lambda: gt.GapTooth(gt.PatchGrid(**grid, boundary="dirichlet"), np.sin, ends=[(0, 1), (0, 1)]), "ends.*first, last"),
    "a boundary that is none": (lambda: gt.PatchGrid((0, 1), 5, 5, spacing=0.01, boundary=None), "boundary = None.*periodic"),
    "a coupling that is none": (lambda: teeth(coupling=None), "coupling = None.*spectral"),
    "a relative tolerance in words": (lambda: teeth().simulate(np.ones((1, 3, 5)), [0, 1], rtol="tight"), "rtol = 'tight'.*between 0 and 1"),
    "a relative tolerance below zero": (lambda: teeth().simulate(np.ones((1, 3, 5)), [0, 1], rtol=-1e-6), "between 0 and 1"),
    "a time in words": (lambda: teeth().rhs("now", np.ones((1, 3, 5))), "t = 'now'.*finite number"),
    "a function of patches that returns nothing": (
        lambda: gt.GapTooth(gt.PatchGrid(**grid), lambda t, u: None).rhs(0.0, np.ones((1, 3, 5))), "returned None.*return"),
    "a resolution in words": (lambda: gt.effective_tensor("2 + y1*(1-y1)", dim=2, resolution="fine"), "resolution = 'fine'"),
    "a slow variable in words": (lambda: gt.effective_tensor("2 + x", slow="here"), "slow = 'here'"),
    "labels with a map that lacks one": (lambda: gt.effective_tensor(np.arange(4), mapping={0: 1}), "mapping"),
    "a function that returns nothing": (lambda: gt.effective_tensor(lambda y: None), "the function returned None.*return"),
    "a function of complex numbers": (lambda: gt.effective_tensor(lambda y: 2 + np.exp(2j * np.pi * y)), "complex128.*real"),
    "more points than any": (lambda: gt.effective_tensor("2+sin(2*pi*y1)*cos(2*pi*y2)", resolution=2000), "resolution = 2000"),
    "a method that is a number": (lambda: gt.effective_tensor(ones, method=5), "method = 5.*multigrid"),
    "masked conductivities": (lambda: gt.mixture_bounds(np.ma.masked_greater([1.0, 2.0, 1e30], 1e9)), "masked.*filled"),
    "a masked state": (lambda: teeth().rhs(0.0, np.ma.masked_less(np.ones((1, 3, 5)), 2)), "masked.*filled"),
    "a Dataset as a state": (lambda: teeth().rhs(0.0, xr.Dataset({"u": ("x", np.ones(3))})), "u"),
    "ends without flux": (lambda: gt.GapTooth(gt.PatchGrid(**grid, boundary="neumann"), np.sin, ends=(0, 1)), "neumann.*leave them out"),
    "boundaries in an array": (lambda: gt.PatchGrid((0, 1), 5, 5, spacing=0.01, boundary=np.array(["periodic", "neumann"])), "one name, or 1"),
    "coordinates in words": (lambda: gt.effective_tensor(xr.DataArray(ones, dims=("x", "y"), coords={"x": list("abcd")})), "coordinate x.*dtype"),
    "coordinates along one axis": (lambda: gt.effective_tensor(xr.DataArray(ones, dims=("x", "y"), coords={"x": np.arange(4.0)})), "none along y.*voxel_size"),
    "a model without a name": (lambda: gt.load(None), "safetensors"),
    "profiles that are none": (lambda: dynamics().restrict("flat"), "profiles.*dtype"),
    "an unknown method of steps": (lambda: dynamics().simulate(np.ones(11), [0, 1], step=1.0, method="magic"), "method = 'magic'.*'euler'"),
    "a step of zero": (lambda: dynamics().simulate(np.ones(11), [0, 1], step=0), "step = 0.*positive"),
    "more steps than anyone waits for": (lambda: dynamics().simulate(np.ones(11), [0, 2e9], step=1e-5), "step.*check the units"),
    "a tolerance below rounding": (lambda: teeth().simulate(np.ones((1, 3, 5)), [0, 1], rtol=1e-320), "from 1e-16 to 1"),
    "an order beyond all digits": (lambda: gt.learn(waves(), highest=2**40), "at most 16"),
    "a function of fewer arrays than dim": (lambda: gt.effective_tensor(lambda y: 2 + 0 * y, dim=2), "does not take 2 arrays"),
    "a flag that is none": (lambda: gt.effective_tensor(ones, bounds="yes"), "bounds = 'yes'.*True or False"),
    "checkpoints of a formula": (lambda: gt.effective_tensor("2", checkpoints="kept"), "checkpoints.*leave it out"),
    "a burst that returns nothing": (lambda: dynamics(lambda u, t, d: None).slopes(np.ones(11)), "burst returned None"),
    "a burst without length": (
        lambda: gt.PatchDynamics(lambda u, t, d: u, (0, 1), 10, tooth=0.01, width=0.04, spacing=1e-3, length=0), "length"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_says_what_to_try(name):
    call, words = WRONG[name]
    with pytest.raises(gt.GaptoothError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
