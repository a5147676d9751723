"""Simulators on patches: laws that a coupling must keep, the built-in model's answers, what functions may do."""

import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gaptooth as gt

KAPPA = np.array([2.0, 0.5, 1.0])


def line(n_patch=11, **options):
    return gt.PatchGrid((0, 1), n_patch=n_patch, n_sub=5, spacing=0.01, **options)


def lattice(grid):
    """The function that is `LatticeDiffusion(KAPPA)` on a line."""
    # bond j lies right of point j, and the first interior point is point 1
    k, d = KAPPA[np.arange(4) % 3][:, None], grid.spacing[0]

    def rhs(t, u):
        return np.diff(k * np.diff(u, axis=-2), axis=-2) / d**2

    return rhs


def test_constants_are_equilibria_and_edges_are_filled():
    teeth = gt.GapTooth(line(), lattice(line()))
    u = np.full(teeth.shape, 3.0)
    assert np.abs(teeth.rhs(0.0, u)).max() < 1e-8
    assert np.allclose(teeth.extend(u), 3.0) and teeth.extend(u).shape == (1, 5, 11)


def test_a_function_is_the_built_in_model():
    grid = line()
    mine, built_in = gt.GapTooth(grid, lattice(grid)), gt.GapTooth(grid, gt.LatticeDiffusion(KAPPA))
    u = np.random.default_rng(0).random(mine.shape)
    assert np.allclose(mine.rhs(0.0, u), built_in.rhs(0.0, u), rtol=1e-12, atol=1e-9)


def test_the_homogenized_decay():
    grid = line()
    teeth = gt.GapTooth(grid, lattice(grid))
    u0 = teeth.sample(lambda x: np.sin(2 * np.pi * x))
    run = teeth.simulate(u0, np.linspace(0, 0.02, 5), rtol=1e-8)
    star = 3 / (1 / KAPPA).sum()
    decay = np.log(np.abs(run.u[0]).max() / np.abs(run.u[-1]).max()) / 0.02
    assert abs(float(decay) / (4 * np.pi**2 * star) - 1) < 0.02
    assert run.u.dims == ("time", "x") and run.attrs["boundary"] == "periodic" and run.attrs["rhs_calls"] > 0


def test_trajectories_go_in_one_call():
    grid, shapes = line(), set()
    own = lattice(grid)

    def rhs(t, u):
        shapes.add(u.shape)
        return own(t, u)

    teeth = gt.GapTooth(grid, rhs)
    starts = np.stack([teeth.sample(lambda x, k=k: np.cos(2 * np.pi * k * x)) for k in (1, 2, 3)])
    run = teeth.simulate(starts, [0.0, 0.005, 0.01], rtol=1e-9, microscale=True)
    assert run.u.dims == ("trajectory", "time", "x") and shapes == {(3, 1, 5, 11)}
    assert run.micro.shape == (3, 3, 3, 11)
    one = teeth.simulate(starts[1], [0.0, 0.005, 0.01], rtol=1e-9)
    assert np.allclose(run.u[1], one.u, atol=1e-7)
    built_in = gt.GapTooth(grid, gt.LatticeDiffusion(KAPPA)).simulate(starts, [0.0, 0.005, 0.01], rtol=1e-9)
    assert np.allclose(built_in.u, run.u, atol=1e-7)


def test_scipy_takes_the_right_hand_side():
    teeth = gt.GapTooth(line(), lattice(line()))
    u0 = teeth.sample(lambda x: np.sin(2 * np.pi * x)).ravel()
    theirs = solve_ivp(teeth.rhs, (0, 0.01), u0, method="BDF", rtol=1e-8, atol=1e-10).y[:, -1]
    ours = teeth.simulate(u0, [0, 0.01], rtol=1e-8, microscale=True).micro[-1]
    assert np.allclose(theirs, np.ravel(ours), atol=1e-6)


def test_fields_and_two_dimensions():
    grid = gt.PatchGrid([(0, 1), (0, 2)], n_patch=(5, 7), n_sub=(5, 5), ratio=0.2)

    def wave(t, u):
        h, v = u
        laplace = sum(np.diff(h, 2, axis=a)[(slice(None), slice(1, -1)) if a == 0 else (slice(1, -1),)] / grid.spacing[a] ** 2 for a in (0, 1))
        return np.stack([grid.interior(v), laplace])

    teeth = gt.GapTooth(grid, wave, fields=2)
    u0 = teeth.sample(lambda x, y: np.cos(2 * np.pi * x), lambda x, y: 0 * x)
    run = teeth.simulate(u0, [0.0, 0.1])
    assert run.u.dims == ("time", "field", "x", "y") and run.u.shape == (2, 2, 5, 7)
    assert np.isfinite(run.u).all()


def test_what_a_function_raises_ends_the_run():
    def rhs(t, u):
        if t > 0.001:
            raise LookupError("the table ends here")
        return lattice(line())(t, u)

    teeth = gt.GapTooth(line(), rhs)
    with pytest.raises(LookupError, match="the table ends here"):
        teeth.simulate(teeth.sample(np.sin), [0.0, 0.1])
    wrong = gt.GapTooth(line(), lambda t, u: u[..., 0, :])
    with pytest.raises(gt.GaptoothError, match=r"returned shape \[1, 11\], expected \[1, 3, 11\] or \[1, 5, 11\]"):
        wrong.rhs(0.0, wrong.sample(np.sin))
    own_input = gt.GapTooth(line(), lambda t, u: u)
    assert np.array_equal(own_input.rhs(0.0, own_input.sample(np.sin)), own_input.sample(np.sin))


@pytest.mark.parametrize("trajectories", [1, 3])
def test_an_array_that_a_function_keeps_stays_as_it_was(trajectories):
    kept, seen = [], []

    def rhs(t, u):
        kept.append(u[..., 1, :])
        seen.append(u[..., 1, :].copy())
        u *= 0.5  # the engine's own state is another
        return -np.sin(u)

    teeth = gt.GapTooth(line(), rhs)
    start = np.stack([(k + 1) * teeth.sample(np.sin) for k in range(trajectories)])
    teeth.simulate(start if trajectories > 1 else start[0], [0.0, 0.1])
    assert len(kept) > 10
    for kept, seen in zip(kept, seen):
        assert np.array_equal(kept, 0.5 * seen)


def test_what_a_function_does_to_its_array_is_gone_with_the_call():
    def rhs(t, u):
        assert u.shape == (1, 5, 11) and u.flags.writeable and u.dtype == np.float64
        found = -np.sin(u)
        u.shape = (-1,)
        u.setflags(write=False)
        return found

    teeth = gt.GapTooth(line(), rhs)
    assert np.isfinite(teeth.simulate(teeth.sample(np.sin), [0.0, 0.1]).u).all()


def test_patch_dynamics_is_pickled():
    teeth = pickle.loads(pickle.dumps(dynamics()))
    u = teeth.points**2
    assert np.array_equal(teeth.slopes(u), dynamics().slopes(u))


def test_a_function_may_return_any_memory_layout():
    def rhs(t, u):
        return np.asfortranarray(-u[..., 1:-1, :])

    def plain(t, u):
        return -u

    states = np.random.default_rng(3).normal(size=(4, 1, 3, 11))
    one, other = gt.GapTooth(line(), rhs), gt.GapTooth(line(), plain)
    assert np.array_equal(one.rhs(0.0, states), -states) and np.array_equal(other.rhs(0.0, states), -states)
    assert np.array_equal(one.rhs(0.0, states[0]), -states[0])
    assert np.array_equal(one.extend(states), np.stack([one.extend(u) for u in states]))


def diffusion_burst(u, t, duration):
    """u_t = u_xx with the profile's ends held, by small explicit steps."""
    steps, d = 20, 1e-3
    for _ in range(steps):
        u = u.copy()
        u[:, 1:-1] += duration / steps / d**2 * np.diff(u, 2, axis=1)
    return u


def dynamics(**options):
    return gt.PatchDynamics(diffusion_burst, (0, 1), 10, tooth=0.01, width=0.04, spacing=1e-3, length=2e-6, **options)


def test_restriction_undoes_lifting():
    teeth = dynamics()
    u = np.sin(np.pi * teeth.points)
    assert np.allclose(teeth.restrict(teeth.lift(u)), u[1:-1], atol=1e-14)


def test_patch_dynamics_of_diffusion():
    teeth = dynamics()
    starts = np.stack([np.sin(np.pi * teeth.points), np.sin(2 * np.pi * teeth.points)])
    run = teeth.simulate(starts, np.linspace(0, 0.05, 6), step=1e-3)
    exact = np.exp(-(np.pi**2) * 0.05) * np.sin(np.pi * teeth.points)
    assert run.u.dims == ("trajectory", "time", "x")
    assert np.abs(run.u[0, -1] - exact).max() < 0.02
    assert np.allclose(dynamics(healing=2e-6).slopes(starts), teeth.slopes(starts), rtol=0.05, atol=0.2)


def test_random_walkers_in_a_heterogeneous_medium():
    """Not a PDE at all: walkers that hop along the bonds at random; the density diffuses with the harmonic mean."""
    rng = np.random.default_rng(5)
    spacing, per_site = 2.5e-4, 1e12

    def burst(u, t, duration):
        n = rng.poisson(u * per_site)
        right = np.broadcast_to(KAPPA[np.arange(u.shape[1]) % 3][:, None], u.shape[1:])
        left = np.roll(right, 1, axis=0)
        steps = int(np.ceil(duration * (right + left).max() / spacing**2 / 0.4))
        to_right, to_left = (k * duration / steps / spacing**2 for k in (right, left))
        ends = n[:, [0, -1]].copy()
        for _ in range(steps):
            go_right = rng.binomial(n, to_right)
            go_left = rng.binomial(n - go_right, to_left / (1 - to_right))
            n = n - go_right - go_left
            n[:, 1:] += go_right[:, :-1]
            n[:, :-1] += go_left[:, 1:]
            n[:, [0, -1]] = ends
        return n / per_site

    teeth = gt.PatchDynamics(
        burst, (0, 1), 16, boundary="periodic", tooth=0.003, width=0.015, spacing=spacing, healing=6e-7, length=1.2e-6, stencil=5
    )
    u = np.sin(2 * np.pi * teeth.points)
    found = -(teeth.slopes(2 + u) @ u) / (u @ u) / (4 * np.pi**2)
    star = 3 / (1 / KAPPA).sum()
    assert abs(found / star - 1) < 0.02, (found, star)
