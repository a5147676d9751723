//! Integration of coupled patches as general systems: sparsity against the true Jacobian, trajectories against the exact flow, equilibria of
//! large systems, leading eigenvalues. Work is counted, not timed.

use std::f64::consts::PI;

use gaptooth::cell::lattice::bloch_rates;
use gaptooth::coefficient::lattice::{Bond, BondLattice};
use gaptooth::grid::{Boundary, points};
use gaptooth::observer::Silent;
use gaptooth::ode::{
    OdeSystem, Solution,
    automatic::integrate_automatic,
    equilibrium::{NewtonOptions, jacobian, linear_operator},
    jacobian::JacobianPattern,
    newton_krylov::newton_krylov,
    spectrum::{SpectrumOptions, leading_eigenvalues},
    stabilised::integrate_stabilised,
    stiff::{StiffOptions, integrate_stiff},
};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchModel, PatchSystem,
    field::{PatchField, PatchFieldMut},
    fourth_order::SwiftHohenberg,
    grid::{PatchAxis, PatchShape, Placement, Source},
    lattice::LatticeDiffusion,
    propagator::BlockPropagator,
    second_order::SecondOrder,
    wave::LatticeWave,
};

const SPECTRAL: Coupling = Coupling::Spectral { source: Source::NextToEdge };

fn polynomial(order: usize, source: Source) -> Coupling {
    Coupling::Polynomial { order, source }
}

fn periodic(n: usize, n_sub: usize, n_edge: usize) -> PatchAxis {
    let shape = PatchShape::from_ratio(0.2, 2.0 * PI / n as f64, Source::NextToEdge, n_sub, n_edge).unwrap();
    PatchAxis::periodic([0.0, 2.0 * PI], n, shape).unwrap()
}

fn lattice() -> BondLattice<2> {
    let kx = vec![1.0566, 0.6668, 1.1568, 6.5894, 0.8683, 2.4174, 0.9473, 1.1407, 1.6610];
    let ky = vec![3.6355, 0.4470, 2.3896, 0.8628, 4.8558, 0.2833, 4.5025, 1.5865, 0.5679];
    BondLattice::new([3, 3], [kx, ky], Bond::Left).unwrap()
}

/// u_t = ∇·(K ∇u) + u − u³ on a lattice: a user's nonlinear model.
struct AllenCahn(LatticeDiffusion<2>);

impl PatchModel<2> for AllenCahn {
    fn rhs_into(&self, grid: &PatchGrid<2>, t: f64, u: PatchField<'_, 2>, du: &mut PatchFieldMut<'_, 2>) {
        self.0.rhs_into(grid, t, u, du);
        for point in grid.interior() {
            let here = u.at(0, point);
            du.at(0, point).iter_mut().zip(here).for_each(|(du, u)| *du += u - u.powi(3));
        }
    }

    fn reads_corners(&self) -> bool {
        false
    }
}

/// Every non-zero of the Jacobian is in the pattern, and the sparse Jacobian is the dense one.
fn covers<const D: usize, M: PatchModel<D>>(what: &str, system: &PatchSystem<D, M>) {
    let n = system.dim();
    let u: Vec<f64> = (0..n).map(|i| 0.3 + 0.2 * (1.7 * i as f64).sin()).collect();
    let dense = jacobian(system, 0.2, &u).unwrap();
    let mut allowed = vec![false; n * n];
    system.sparsity().unwrap().into_iter().for_each(|(i, j)| allowed[i * n + j] = true);
    let size = dense.norm_max();
    for (i, j) in points([0..n, 0..n]).map(|[i, j]| (i, j)) {
        assert!(allowed[i * n + j] || dense[(i, j)].abs() <= 1e-9 * size, "{what}: ({i}, {j}) is {:e}", dense[(i, j)]);
    }
    let pattern = JacobianPattern::of(system).unwrap().unwrap();
    let sparse = pattern.jacobian(system, 0.2, &u, 0.0).unwrap().to_dense();
    assert!((&sparse - &dense).norm_max() <= 1e-8 * size, "{what}: {:e}", (&sparse - &dense).norm_max() / size);
    assert!(pattern.colours() <= n && pattern.entries() <= n * n);
}

#[test]
fn the_pattern_covers_the_jacobian() {
    let axis = || periodic(5, 5, 1);
    let plane = |coupling| {
        PatchSystem::new(LatticeDiffusion::new(lattice()), PatchGrid::new([axis(), axis()]), coupling).unwrap()
    };
    covers("plane, spectral", &plane(SPECTRAL));
    covers("plane, polynomial", &plane(polynomial(2, Source::NextToEdge)));
    let mixed = SecondOrder::new([1, 1]).with_diffusion([0, 0], vec![2.0]).unwrap().with_diffusion([1, 1], vec![1.0]);
    let mixed = mixed.unwrap().with_diffusion([0, 1], vec![0.7]).unwrap().with_drift(1, vec![0.4]).unwrap();
    let mixed = PatchSystem::new(mixed, PatchGrid::new([axis(), periodic(4, 4, 1)]), polynomial(2, Source::NextToEdge));
    covers("mixed derivatives", &mixed.unwrap());
    let shifts = BondLattice::new([2, 3], [vec![1.0; 6], (1..7).map(f64::from).collect()], Bond::Right).unwrap();
    let shifts = LatticeDiffusion::new(shifts).with_all_shifts();
    let members = shifts.ensemble();
    let ensemble = PatchSystem::new(shifts, PatchGrid::new([periodic(3, 4, 1), periodic(3, 4, 1)]), SPECTRAL);
    covers("ensemble", &ensemble.unwrap().with_ensemble(members).unwrap());
    let line = |boundary| {
        let shape = PatchShape::new(8, 2, 0.05).unwrap();
        PatchGrid::line(PatchAxis::bounded([0.0, 6.0], boundary, 5, Placement::Chebyshev, shape).unwrap())
    };
    for boundary in [Boundary::Dirichlet, Boundary::Neumann] {
        let model = SwiftHohenberg::new(3.0, 0.1).unwrap();
        let system = PatchSystem::new(model, line(boundary), polynomial(4, Source::NextToEdge)).unwrap();
        covers("two edge layers", &system);
    }
    let stiffness = BondLattice::new([3], [vec![1.0, 2.0, 0.5]], Bond::Right).unwrap();
    let wave = PatchSystem::new(LatticeWave::new(stiffness, 0.02).unwrap(), PatchGrid::line(axis()), SPECTRAL).unwrap();
    covers("two fields", &wave);
    let slopes = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(7, 1, 0.005).unwrap()).unwrap();
    let slopes = PatchSystem::new(
        LatticeDiffusion::line(vec![1.0, 2.0, 0.5]).unwrap(),
        PatchGrid::line(slopes),
        Coupling::Slope { degree: 2, period: 3 },
    );
    covers("slopes", &slopes.unwrap());
}

/// The gap-tooth of Arbabi et al. (2020), section 5.2, with n patches a side, hiding that it is linear or not.
fn plane<M: PatchModel<2>>(n: usize, model: M) -> PatchSystem<2, M> {
    let shape = PatchShape::from_ratio(0.1, 2.0 * PI / n as f64, Source::NextToEdge, 5, 1).unwrap();
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], n, shape).unwrap();
    PatchSystem::new(model, PatchGrid::new([axis.clone(), axis]), SPECTRAL).unwrap()
}

fn waves([x, y]: [f64; 2]) -> f64 {
    x.sin() * (2.0 * y).cos() + 0.3 * (x + y).cos() + 0.1 * (3.0 * x + 1.0).cos() * y.sin()
}

fn trajectory<M: PatchModel<2>>(system: &PatchSystem<2, M>, rtol: f64, times: &[f64]) -> Solution {
    let u0 = system.sample(|_, x, _| waves(x));
    let options = StiffOptions { rtol, floor: 1.0, ..StiffOptions::default() };
    integrate_stabilised(system, 0.0, &u0, times, &options, &Silent).unwrap()
}

#[test]
fn a_general_trajectory_keeps_its_tolerance_against_the_exact_flow() {
    let system = plane(8, LatticeDiffusion::new(lattice()));
    let u0 = system.sample(|_, x, _| waves(x));
    let times = [1e-4, 0.1, 1.0];
    let exact = BlockPropagator::new(&system).unwrap().evolve(&u0, &times).unwrap();
    for rtol in [1e-4, 1e-6, 1e-8] {
        let found = trajectory(&system, rtol, &times);
        for (u, exact) in found.u.iter().zip(&exact) {
            let error = u.iter().zip(&exact.u).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 4.0 * rtol, "rtol {rtol:e}, t = {}: {error:e}", exact.t);
        }
        println!("rtol {rtol:e}: {:?}", found.work);
        // an explicit method of order 4 without stabilisation is stable to |z| = 2.8: 44 000 right-hand sides
        assert!(found.work.rhs < 12_000, "{:?}", found.work);
    }
}

#[test]
fn a_nonlinear_user_model_needs_no_tuning() {
    let system = plane(5, AllenCahn(LatticeDiffusion::new(lattice())));
    let coarse = trajectory(&system, 1e-6, &[0.5]);
    let u0 = system.sample(|_, x, _| waves(x));
    let options = StiffOptions { rtol: 1e-8, floor: 1.0, ..StiffOptions::default() };
    let implicit = integrate_stiff(&system, 0.0, &u0, &[0.5], &options, &Silent).unwrap();
    let difference = coarse.u[0].iter().zip(&implicit.u[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(difference < 1e-5, "{difference:e}");
    assert!(coarse.work.jacobians == 0 && implicit.work.jacobians > 0);
}

#[test]
fn the_spectrum_s_shape_chooses_the_method() {
    let options = StiffOptions { rtol: 1e-5, floor: 1.0, ..StiffOptions::default() };
    let diffusion = plane(5, AllenCahn(LatticeDiffusion::new(lattice())));
    let u0 = diffusion.sample(|_, x, _| waves(x));
    let found = integrate_automatic(&diffusion, 0.0, &u0, &[0.1], &options, &Silent).unwrap();
    assert_eq!(found.work.jacobians, 0);
    let stiffness = BondLattice::new([3], [vec![1.0, 2.0, 0.5]], Bond::Right).unwrap();
    let grid = PatchGrid::line(periodic(21, 5, 1));
    let wave = PatchSystem::new(LatticeWave::new(stiffness, 0.002).unwrap(), grid, SPECTRAL).unwrap();
    let u0 = wave.sample(|field, [x], _| if field == 0 { x.sin() } else { 0.0 });
    let found = integrate_automatic(&wave, 0.0, &u0, &[0.1], &options, &Silent).unwrap();
    assert!(found.work.jacobians > 0);
}

#[test]
fn the_stiff_path_uses_the_pattern() {
    let shape = PatchShape::from_ratio(0.1, 2.0 * PI / 8.0, Source::NextToEdge, 5, 1).unwrap();
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], 8, shape).unwrap();
    let grid = PatchGrid::new([axis.clone(), axis]);
    let system = PatchSystem::new(LatticeDiffusion::new(lattice()), grid, polynomial(2, Source::NextToEdge)).unwrap();
    let u0 = system.sample(|_, x, _| waves(x));
    let options = StiffOptions { rtol: 1e-6, floor: 1.0, ..StiffOptions::default() };
    let found = integrate_stiff(&system, 0.0, &u0, &[0.3], &options, &Silent).unwrap();
    let exact = BlockPropagator::new(&system).unwrap().evolve(&u0, &[0.3]).unwrap().remove(0);
    let error = found.u[0].iter().zip(&exact.u).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(error < 3e-5, "{error:e}");
    // a dense Jacobian costs 576 products
    let colours = JacobianPattern::of(&system).unwrap().unwrap().colours() as u64;
    assert!(
        colours < 100 && found.work.jvp <= 2 * colours * found.work.jacobians,
        "{colours} colours, {:?}",
        found.work
    );
}

#[test]
fn equilibria_of_large_systems_factor_seldom() {
    let model = AllenCahn(LatticeDiffusion::new(lattice()).with_forcing(|_, [x, y]| 0.5 * (x + 2.0 * y).sin() - 0.2));
    let system = plane(7, model);
    let start = system.sample(|_, _, _| -1.0);
    let found = newton_krylov(&system, 0.0, &start, &NewtonOptions::default(), None).unwrap();
    println!("{:?} after {} steps, residual {:e}", found.work, found.iterations, found.residual);
    assert!(found.converged && found.iterations <= 12);
    assert!(found.work.factorisations <= 3, "{:?}", found.work);
    // the Jacobian's rounding is 1e-16 · 1e5
    assert!(found.residual < 1e-8, "{:e}", found.residual);
    let without = newton_krylov(&system, 0.0, &start, &NewtonOptions { max_iterations: 1, ..Default::default() }, None);
    assert!(!without.unwrap().converged, "not converging is a status");
}

#[test]
fn leading_eigenvalues_are_the_slow_bloch_rates() {
    let n = 5;
    let system = plane(n, LatticeDiffusion::new(lattice()));
    let zero = vec![0.0; system.dim()];
    let found = leading_eigenvalues(&system, 0.0, &zero, 13, &SpectrumOptions::default()).unwrap();
    assert!(found.converged, "{:?}", found.work);
    let h = system.grid().axis(0).shape().spacing();
    let mut rates: Vec<f64> = points([0..n, 0..n])
        .map(|wave| wave.map(|k| k as f64 - (n / 2) as f64))
        .map(|k| bloch_rates(&lattice(), [h; 2], k).unwrap()[0])
        .collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    for (i, (value, rate)) in found.values.iter().zip(&rates).enumerate() {
        assert!(value.im.abs() < 1e-6 && (value.re - rate).abs() < 1e-7, "{i}: {value:?} against {rate}");
    }
    // and those of a matrix that is not symmetric, against dense ones
    let drift = SecondOrder::new([1]).with_diffusion([0, 0], vec![1.0]).unwrap().with_drift(0, vec![3.0]).unwrap();
    let drift = PatchSystem::new(drift, PatchGrid::line(periodic(15, 8, 1)), SPECTRAL).unwrap();
    let mut dense = linear_operator(&drift, 0.0).unwrap().eigenvalues().unwrap();
    dense.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    let found = leading_eigenvalues(&drift, 0.0, &vec![0.0; drift.dim()], 7, &SpectrumOptions::default()).unwrap();
    for (value, exact) in found.values.iter().zip(&dense) {
        assert!((value.re - exact.re).abs() + (value.im - exact.im).abs() < 1e-7, "{value:?} against {exact:?}");
    }
    assert!(found.values.iter().any(|z| z.im > 1.0));
}
