//! Models on coupled patches. With spectral next-to-edge coupling, odd numbers of patches and patches of one period, every rate of a
//! linear model must be a Bloch rate of its stencil on the whole lattice; the stencils here are written anew.

use std::f64::consts::PI;

use faer::{Mat, c64};
use gaptooth::coefficient::lattice::{Bond, BondLattice};
use gaptooth::grid::{Boundary, points};
use gaptooth::ode::{
    OdeSystem,
    equilibrium::{NewtonOptions, equilibrium, linear_operator},
};
use gaptooth::patch::{
    Coupling, MicroModel, Patch, PatchGrid, PatchModel, PatchSystem,
    advection::{AdvectionDiffusion, AdvectionForm},
    ensemble::Ensemble,
    fourth_order::{FourthOrderMedium, Hyperdiffusion, SwiftHohenberg},
    grid::{PatchAxis, PatchShape, Placement, Source},
    landau_lifshitz::LandauLifshitz,
    lattice::LatticeDiffusion,
    propagator::BlockPropagator,
    second_order::SecondOrder,
    system::PatchByPatch,
    tensor::TensorDiffusion,
    wave::{AcousticWave, LatticeWave},
};

const SPECTRAL: Coupling = Coupling::Spectral { source: Source::NextToEdge };

/// Patches of `interior` points each way on the unit box.
fn grid<const D: usize>(n: [usize; D], interior: [usize; D], n_edge: usize) -> PatchGrid<D> {
    PatchGrid::new(std::array::from_fn(|d| {
        let n_sub = interior[d] + 2 * n_edge;
        let shape = PatchShape::from_ratio(0.2, 1.0 / n[d] as f64, Source::NextToEdge, n_sub, n_edge).unwrap();
        PatchAxis::periodic([0.0, 1.0], n[d], shape).unwrap()
    }))
}

fn spacing<const D: usize>(grid: &PatchGrid<D>) -> [f64; D] {
    std::array::from_fn(|d| grid.axis(d).shape().spacing())
}

/// Numbers between 0.5 and 2.5 that no law knows.
fn table(from: usize, count: usize) -> Vec<f64> {
    (from..from + count).map(|j| 1.5 + (5.3 * j as f64 + 0.4).sin()).collect()
}

fn plane_lattice() -> BondLattice<2> {
    BondLattice::new([2, 3], [table(0, 6), table(6, 6)], Bond::Right).unwrap()
}

/// A bounded state without symmetry.
fn state(dim: usize) -> Vec<f64> {
    (0..dim).map(|i| (1.3 * i as f64 + 0.2).sin()).collect()
}

fn rhs<S: OdeSystem>(system: &S, u: &[f64]) -> Vec<f64> {
    let mut du = vec![f64::NAN; u.len()];
    system.rhs_into(0.0, u, &mut du);
    du
}

fn assert_close(found: &[f64], exact: &[f64], tolerance: f64) {
    assert_eq!(found.len(), exact.len());
    for (i, (f, e)) in found.iter().zip(exact).enumerate() {
        assert!((f - e).abs() <= tolerance, "[{i}]: {f} against {e}, {:e} off", f - e);
    }
}

/// (field, offset, weight) of the terms of one field's slope at one point.
type Terms<const D: usize> = Vec<(usize, [isize; D], f64)>;

fn wrap<const D: usize>(point: [isize; D], periods: [usize; D]) -> [usize; D] {
    std::array::from_fn(|d| point[d].rem_euclid(periods[d] as isize) as usize)
}

fn unit<const D: usize>(d: usize, sign: isize) -> [isize; D] {
    std::array::from_fn(|k| if k == d { sign } else { 0 })
}

fn sum<const D: usize>(a: [isize; D], b: [isize; D]) -> [isize; D] {
    std::array::from_fn(|d| a[d] + b[d])
}

/// All rates of the Bloch waves that n patches on the unit box resolve.
fn bloch<const D: usize>(
    n: [usize; D],
    fields: usize,
    periods: [usize; D],
    h: [f64; D],
    terms: impl Fn(usize, [isize; D]) -> Terms<D>,
) -> Vec<c64> {
    let index = |field: usize, p: [usize; D]| (0..D).fold(field, |i, d| i * periods[d] + p[d]);
    let size = fields * periods.iter().product::<usize>();
    let mut rates = Vec::new();
    for wave in points(n.map(|n| 0..n)) {
        let mut m = Mat::<c64>::zeros(size, size);
        for field in 0..fields {
            for p in points(periods.map(|p| 0..p)) {
                let here = p.map(|i| i as isize);
                for (other, offset, weight) in terms(field, here) {
                    let turns = |d: usize| (wave[d] as f64 - (n[d] / 2) as f64) * offset[d] as f64 * h[d];
                    let phase = 2.0 * PI * (0..D).map(turns).sum::<f64>();
                    let column = index(other, wrap(sum(here, offset), periods));
                    m[(index(field, p), column)] += c64::new(weight * phase.cos(), weight * phase.sin());
                }
            }
        }
        rates.extend(m.eigenvalues().unwrap());
    }
    rates
}

/// Every rate of `exact` is found, each as often as it occurs; with `all`, nothing else is.
fn assert_rates(mut found: Vec<c64>, exact: &[c64], all: bool, tolerance: f64) {
    let size = exact.iter().map(|z| z.norm()).fold(0.0, f64::max);
    assert!(if all { found.len() == exact.len() } else { found.len() > exact.len() });
    for e in exact {
        let off = |z: &c64| (z - e).norm();
        let best = (0..found.len()).min_by(|&i, &j| off(&found[i]).total_cmp(&off(&found[j]))).unwrap();
        let nearest = found.swap_remove(best);
        assert!(off(&nearest) < tolerance * size, "{e}: the nearest is {nearest}, of {size:e}");
    }
}

fn eigenvalues<S: OdeSystem>(system: &S) -> Vec<c64> {
    linear_operator(system, 0.0).unwrap().eigenvalues().unwrap()
}

fn asymmetry<S: OdeSystem>(system: &S) -> f64 {
    let j = linear_operator(system, 0.0).unwrap();
    (&j - j.transpose()).norm_l2() / j.norm_l2()
}

/// Σ_d δ_d(b_d δ_d)/h_d² at a point.
fn divergence_form<const D: usize>(lattice: &BondLattice<D>, h: [f64; D], p: [isize; D]) -> Terms<D> {
    let mut terms = vec![(0, [0; D], 0.0)];
    for d in 0..D {
        for sign in [-1, 1] {
            let at = if sign == 1 { p } else { sum(p, unit(d, -1)) };
            let c = lattice.after(d, wrap(at, lattice.periods())) / (h[d] * h[d]);
            terms.push((0, unit(d, sign), c));
            terms[0].2 -= c;
        }
    }
    terms
}

#[test]
fn tensor_diffusion_has_the_spectrum_of_its_lattice() {
    let (lattice, mixed) = (plane_lattice(), [0.3, -0.2, 0.25, -0.3, 0.1, 0.2]);
    let n = [3, 5];
    let model = || TensorDiffusion::new(lattice.clone()).with_mixed([1, 0], mixed.to_vec()).unwrap();
    let system = PatchSystem::new(model(), grid(n, [2, 3], 1), SPECTRAL).unwrap();
    let h = spacing(system.grid());
    let terms = |h: [f64; 2], p: [isize; 2]| {
        // D_a (A D_b u): twice a central difference
        let mut terms = divergence_form(&lattice, h, p);
        for (a, b) in [(0, 1), (1, 0)] {
            for (outer, inner) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
                let between = wrap(sum(p, unit(a, outer)), [2, 3]);
                let weight = (outer * inner) as f64 * mixed[between[0] * 3 + between[1]] / (4.0 * h[0] * h[1]);
                terms.push((0, sum(unit(a, outer), unit(b, inner)), weight));
            }
        }
        terms
    };
    assert_rates(eigenvalues(&system), &bloch(n, 1, [2, 3], h, |_, p| terms(h, p)), true, 1e-13);
    assert!(asymmetry(&system) < 1e-14);
    assert!(rhs(&system, &vec![2.0; system.dim()]).iter().all(|d| d.abs() < 1e-8));
    // patches that are no whole number of periods, every phase
    let shifted = model().with_all_shifts();
    let members = shifted.ensemble();
    let system = PatchSystem::new(shifted, grid([3, 3], [1, 2], 1), SPECTRAL).unwrap();
    let system = system.with_ensemble(members).unwrap();
    let h = spacing(system.grid());
    let mut slow = bloch([3, 3], 1, [2, 3], h, |_, p| terms(h, p));
    slow.sort_by(|a, b| a.norm().total_cmp(&b.norm()));
    slow.truncate(9);
    assert_rates(eigenvalues(&system), &slow, false, 1e-9);
    assert!(asymmetry(&system) < 1e-14);
}

/// The terms of −∇·(v u) or its antisymmetric part, and of diffusion.
fn advected<const D: usize>(
    lattice: &BondLattice<D>,
    velocity: &BondLattice<D>,
    form: AdvectionForm,
    h: [f64; D],
    p: [isize; D],
) -> Terms<D> {
    let mut terms = divergence_form(lattice, h, p);
    for d in 0..D {
        for sign in [-1, 1] {
            let at = if sign == 1 { p } else { sum(p, unit(d, -1)) };
            let flux = -(sign as f64) * velocity.after(d, wrap(at, lattice.periods())) / (2.0 * h[d]);
            terms.push((0, unit(d, sign), flux));
            if form == AdvectionForm::Flux {
                terms.push((0, [0; D], flux));
            }
        }
    }
    terms
}

#[test]
fn advection_and_diffusion_have_the_spectrum_of_their_lattice() {
    let tables = [table(20, 6).iter().map(|v| 40.0 * v).collect(), table(30, 6).iter().map(|v| 25.0 * v).collect()];
    for bond in [Bond::Right, Bond::Left] {
        let lattice = BondLattice::new([2, 3], [table(0, 6), table(6, 6)], bond).unwrap();
        let velocity = BondLattice::new([2, 3], tables.clone(), bond).unwrap();
        for form in [AdvectionForm::Flux, AdvectionForm::Antisymmetric] {
            let model = AdvectionDiffusion::new(lattice.clone(), tables.clone()).unwrap().with_form(form);
            let system = PatchSystem::new(model, grid([3, 5], [2, 3], 1), SPECTRAL).unwrap();
            let h = spacing(system.grid());
            let exact = bloch([3, 5], 1, [2, 3], h, |_, p| advected(&lattice, &velocity, form, h, p));
            assert_rates(BlockPropagator::new(&system).unwrap().rates(), &exact, true, 1e-12);
            let u = state(system.dim());
            let (du, plain) = (rhs(&system, &u), {
                let model = LatticeDiffusion::new(lattice.clone());
                rhs(&PatchSystem::new(model, system.grid().clone(), SPECTRAL).unwrap(), &u)
            });
            let advection: Vec<f64> = du.iter().zip(&plain).map(|(d, p)| d - p).collect();
            let (mass, energy) =
                (advection.iter().sum::<f64>(), advection.iter().zip(&u).map(|(a, u)| a * u).sum::<f64>());
            let size = advection.iter().map(|a| a.abs()).sum::<f64>();
            assert_eq!(mass.abs() < 1e-11 * size, form == AdvectionForm::Flux, "{mass} of {size}");
            assert_eq!(energy.abs() < 1e-11 * size, form == AdvectionForm::Antisymmetric, "{energy} of {size}");
        }
    }
    assert!(AdvectionDiffusion::new(plane_lattice(), [vec![1.0; 6], vec![1.0; 5]]).is_err());
}

/// Ensembles: the slow rates for patches that are no whole number of periods.
#[test]
fn an_ensemble_of_advected_media_has_the_slow_rates_of_the_lattice() {
    let velocity = [3.0, -1.0, 2.0];
    let lattice = BondLattice::new([3], [table(0, 3)], Bond::Left).unwrap();
    let speeds = BondLattice::new([3], [velocity.iter().map(|v| v + 10.0).collect()], Bond::Left).unwrap();
    let tables = [speeds.table(0).to_vec()];
    let model = AdvectionDiffusion::new(lattice.clone(), tables).unwrap().with_all_shifts();
    let members = model.ensemble();
    let system = PatchSystem::new(model, grid([7], [4], 1), SPECTRAL).unwrap().with_ensemble(members).unwrap();
    let h = spacing(system.grid());
    let all = bloch([7], 1, [3], h, |_, p| advected(&lattice, &speeds, AdvectionForm::Flux, h, p));
    // the waves that vary slowly: the slowest decay of each wavenumber
    let slow: Vec<c64> = all.chunks(3).map(|r| *r.iter().max_by(|a, b| a.re.total_cmp(&b.re)).unwrap()).collect();
    assert_rates(eigenvalues(&system), &slow, false, 1e-8);
}

fn squares(rates: Vec<c64>) -> Vec<c64> {
    rates.into_iter().map(|z| z * z).collect()
}

fn wave_terms(lattice: &BondLattice<2>, damping: f64, h: [f64; 2], field: usize, p: [isize; 2]) -> Terms<2> {
    let uniform = BondLattice::new([1, 1], [vec![1.0], vec![1.0]], Bond::Right).unwrap();
    match field {
        0 => vec![(1, [0, 0], 1.0)],
        _ => {
            let damped = divergence_form(&uniform, h, p).into_iter().map(|(_, o, w)| (1, o, damping * w));
            divergence_form(lattice, h, p).into_iter().chain(damped).collect()
        }
    }
}

#[test]
fn waves_in_the_plane_have_the_frequencies_of_their_lattice() {
    let (lattice, n) = (plane_lattice(), [3, 3]);
    for damping in [0.0, 0.02] {
        let model = LatticeWave::new(lattice.clone(), damping).unwrap();
        let system = PatchSystem::new(model, grid(n, [2, 3], 1), SPECTRAL).unwrap();
        let h = spacing(system.grid());
        let exact = bloch(n, 2, [2, 3], h, |field, p| wave_terms(&lattice, damping, h, field, p));
        assert_rates(squares(eigenvalues(&system)), &squares(exact), true, 1e-11);
        // every phase shift at once, patches of any size
        let model = LatticeWave::new(lattice.clone(), damping).unwrap().with_all_shifts();
        let members = model.ensemble();
        let system = PatchSystem::new(model, grid(n, [1, 2], 1), SPECTRAL).unwrap().with_ensemble(members).unwrap();
        let h = spacing(system.grid());
        let exact = squares(bloch(n, 2, [2, 3], h, |field, p| wave_terms(&lattice, damping, h, field, p)));
        let mut slow = exact.clone();
        slow.sort_by(|a, b| a.norm().total_cmp(&b.norm()));
        slow.truncate(18);
        assert_rates(squares(eigenvalues(&system)), &slow, false, 1e-9);
    }
    let forced = LatticeWave::new(plane_lattice(), 0.0).unwrap().with_forcing(|_, [x, y]| x + 2.0 * y);
    let system = PatchSystem::new(forced, grid(n, [2, 3], 1), SPECTRAL).unwrap();
    let half = system.dim() / 2;
    let exact = system.sample(|field, [x, y], _| if field == 1 { x + 2.0 * y } else { 0.0 });
    assert_close(&rhs(&system, &vec![0.0; 2 * half]), &exact, 1e-13);
}

#[test]
fn first_order_waves_are_the_second_order_ones() {
    let (lattice, n) = (plane_lattice(), [3, 3]);
    let system =
        PatchSystem::new(AcousticWave::new(lattice.clone(), 0.0).unwrap(), grid(n, [2, 3], 1), SPECTRAL).unwrap();
    let h = spacing(system.grid());
    let mut exact = squares(bloch(n, 2, [2, 3], h, |field, p| wave_terms(&lattice, 0.0, h, field, p)));
    exact.extend(vec![c64::new(0.0, 0.0); 54]); // flows around
    assert_rates(squares(eigenvalues(&system)), &exact, true, 1e-11);
    // the energy's slope is Σ p p_t + q q_t/c
    let u = state(system.dim());
    let du = rhs(&system, &u);
    let interior: Vec<[usize; 2]> = system.grid().interior().collect();
    let at = |field: usize, i: usize, patch: usize| (field * 6 + i) * 9 + patch;
    let (mut change, mut size) = (0.0, 0.0);
    for (i, point) in interior.iter().enumerate() {
        for (patch, field) in (0..9).flat_map(|patch| (0..3).map(move |field| (patch, field))) {
            let weight = if field == 0 { 1.0 } else { 1.0 / lattice.after(field - 1, *point) };
            let term = weight * u[at(field, i, patch)] * du[at(field, i, patch)];
            (change, size) = (change + term, size + term.abs());
        }
    }
    assert!(change.abs() < 1e-13 * size, "{change} of {size}");
    // friction: λ² + γ λ = −ω²
    let rubbed = PatchSystem::new(AcousticWave::new(lattice, 0.7).unwrap(), system.grid().clone(), SPECTRAL).unwrap();
    let left: Vec<c64> = eigenvalues(&rubbed).iter().map(|z| z * (z + 0.7)).collect();
    assert_rates(left, &exact, true, 1e-11);
    assert!(AcousticWave::new(plane_lattice(), -0.1).is_err());
    // pressure and flux need different conditions at an end
    let shape = PatchShape::new(6, 1, 0.01).unwrap();
    let line = PatchAxis::bounded([0.0, 1.0], Boundary::Neumann, 5, Placement::Equispaced, shape).unwrap();
    let lattice = BondLattice::new([2], [vec![1.0, 2.0]], Bond::Right).unwrap();
    let coupling = Coupling::Polynomial { order: 2, source: Source::NextToEdge };
    let bounded = PatchSystem::new(AcousticWave::new(lattice, 0.0).unwrap(), PatchGrid::line(line), coupling);
    assert!(bounded.unwrap_err().to_string().contains("periodic"));
}

/// −L κ L of `medium`, L = ∇·(b ∇), as terms.
fn hyperdiffusion<const D: usize>(bonds: &BondLattice<D>, kappa: &[f64], h: [f64; D], p: [isize; D]) -> Terms<D> {
    let periods = bonds.periods();
    let mut terms = Vec::new();
    for (_, first, outer) in divergence_form(bonds, h, p) {
        let middle = sum(p, first);
        let entry = wrap(middle, periods).iter().zip(periods).fold(0, |i, (q, p)| i * p + q);
        for (_, second, inner) in divergence_form(bonds, h, middle) {
            terms.push((0, sum(first, second), -outer * kappa[entry] * inner));
        }
    }
    terms
}

#[test]
fn hyperdiffusion_has_the_spectrum_of_its_lattice() {
    let line = BondLattice::new([3], [table(0, 3)], Bond::Right).unwrap();
    let model = Hyperdiffusion::in_medium(FourthOrderMedium::new(table(9, 3), line.clone()).unwrap());
    let system = PatchSystem::new(model, grid([7], [3], 2), SPECTRAL).unwrap();
    let h = spacing(system.grid());
    let exact = bloch([7], 1, [3], h, |_, p| hyperdiffusion(&line, &table(9, 3), h, p));
    assert_rates(eigenvalues(&system), &exact, true, 1e-13);
    // in the plane, b = 1
    let ones = BondLattice::new([2, 3], [vec![1.0; 6], vec![1.0; 6]], Bond::Right).unwrap();
    let system =
        PatchSystem::new(Hyperdiffusion::new([2, 3], table(3, 6)).unwrap(), grid([3, 5], [2, 3], 2), SPECTRAL).unwrap();
    let h = spacing(system.grid());
    let exact = bloch([3, 5], 1, [2, 3], h, |_, p| hyperdiffusion(&ones, &table(3, 6), h, p));
    assert_rates(eigenvalues(&system), &exact, true, 1e-13);
    assert!(asymmetry(&system) < 1e-14);
    // ensembles
    let medium = FourthOrderMedium::new(table(9, 3), line.clone()).unwrap().with_all_shifts();
    let members = medium.ensemble();
    let system = PatchSystem::new(Hyperdiffusion::in_medium(medium), grid([5], [4], 2), SPECTRAL).unwrap();
    let system = system.with_ensemble(members).unwrap();
    let h = spacing(system.grid());
    let mut slow = bloch([5], 1, [3], h, |_, p| hyperdiffusion(&line, &table(9, 3), h, p));
    slow.sort_by(|a, b| a.norm().total_cmp(&b.norm()));
    slow.truncate(5);
    assert!(asymmetry(&system) < 1e-14);
    let (found, size) = (eigenvalues(&system), slow[4].norm());
    for e in &slow {
        let off = found.iter().map(|z| (z - e).norm()).fold(f64::INFINITY, f64::min);
        assert!(off < 1e-6 * size, "{e} is {off} off");
    }
    assert!(Hyperdiffusion::new([2], vec![1.0, 0.0]).is_err());
    let narrow = PatchSystem::new(Hyperdiffusion::new([2], vec![1.0; 2]).unwrap(), grid([5], [4], 1), SPECTRAL);
    assert!(narrow.unwrap_err().to_string().contains("2 edge layers"));
}

#[test]
fn a_pattern_in_a_uniform_medium_is_the_plain_one() {
    let (plain, patches) = (SwiftHohenberg::new(20.0, 0.3).unwrap(), grid([3, 3], [2, 2], 2));
    let media = |kappa: f64, bonds: f64| {
        let lattice = BondLattice::new([1, 1], [vec![bonds], vec![bonds]], Bond::Right).unwrap();
        FourthOrderMedium::new(vec![kappa], lattice).unwrap()
    };
    let system = PatchSystem::new(plain, patches.clone(), SPECTRAL).unwrap();
    let u = state(system.dim());
    let same = PatchSystem::new(plain.in_medium(media(1.0, 1.0)), patches.clone(), SPECTRAL).unwrap();
    let size = rhs(&system, &u).iter().fold(0.0f64, |m, d| m.max(d.abs()));
    assert_close(&rhs(&same, &u), &rhs(&system, &u), 1e-14 * size);
    // u = 1: −κ + R − 1
    let other = PatchSystem::new(plain.in_medium(media(1.7, 2.0)), patches, SPECTRAL).unwrap();
    assert_close(&rhs(&other, &vec![1.0; u.len()]), &vec![-1.7 + 0.3 - 1.0; u.len()], 1e-9);
}

/// Constant coefficients: plane waves below the Nyquist wavenumber of the patches are exact, mixed derivatives and drift included.
#[test]
fn second_order_terms_are_exact_on_plane_waves() {
    let (a, mixed, drift, reaction) = ([2.0, 0.7, 1.1], [([0, 1], 0.6), ([2, 1], -0.4)], [3.0, -2.0, 0.5], 0.8);
    let mut model = SecondOrder::new([1; 3]).with_reaction(vec![reaction]).unwrap();
    for d in 0..3 {
        model = model.with_diffusion([d, d], vec![a[d]]).unwrap().with_drift(d, vec![drift[d]]).unwrap();
    }
    for (pair, value) in mixed {
        model = model.with_diffusion(pair, vec![value]).unwrap();
    }
    let system = PatchSystem::new(model, grid([3, 5, 3], [2, 1, 2], 1), SPECTRAL).unwrap();
    let h = spacing(system.grid());
    for wave in [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, -2.0, 1.0], [-1.0, 1.0, 1.0]] {
        let k = wave.map(|w| 2.0 * PI * w);
        let sine = |d: usize| (k[d] * h[d]).sin() / h[d];
        let even: f64 = (0..3).map(|d| a[d] * (2.0 * (k[d] * h[d]).cos() - 2.0) / (h[d] * h[d])).sum::<f64>()
            - mixed.iter().map(|([i, j], m)| m * sine(*i) * sine(*j)).sum::<f64>()
            - reaction;
        let odd: f64 = -(0..3).map(|d| drift[d] * sine(d)).sum::<f64>();
        let phase = |x: [f64; 3]| (0..3).map(|d| k[d] * x[d]).sum::<f64>() + 0.3;
        let u = system.sample(|_, x, _| phase(x).cos());
        let exact = system.sample(|_, x, _| even * phase(x).cos() - odd * phase(x).sin());
        assert_close(&rhs(&system, &u), &exact, 1e-14 * 40.0 / (h[0] * h[0]));
    }
    let line = SecondOrder::<1>::new([2]);
    assert!(line.clone().with_drift(1, vec![1.0; 2]).is_err() && line.with_reaction(vec![f64::NAN; 2]).is_err());
}

/// A medium that knows patches one by one.
struct OnePatch(Vec<f64>);

impl MicroModel for OnePatch {
    fn rhs_into(&self, patch: &Patch<'_>, _t: f64, u: &[f64], du: &mut [f64]) {
        for i in 1..u.len() - 1 {
            let c = |j: usize| self.0[j % self.0.len()] / (patch.x[1] - patch.x[0]).powi(2);
            du[i] = c(i) * (u[i + 1] - u[i]) - c(i - 1) * (u[i] - u[i - 1]) + patch.index as f64;
        }
    }
}

#[test]
fn a_model_of_single_patches_runs_on_coupled_ones() {
    let patches = grid([7], [6], 1);
    let system = PatchSystem::new(PatchByPatch(OnePatch(table(0, 3))), patches.clone(), SPECTRAL).unwrap();
    let whole = PatchSystem::new(LatticeDiffusion::line(table(0, 3)).unwrap(), patches, SPECTRAL).unwrap();
    let u = state(system.dim());
    let exact: Vec<f64> = rhs(&whole, &u).iter().enumerate().map(|(i, d)| d + (i % 7) as f64).collect();
    let size = exact.iter().fold(0.0f64, |m, d| m.max(d.abs()));
    assert_close(&rhs(&system, &u), &exact, 1e-13 * size);
}

#[test]
fn dirichlet_ends_hold_their_values() {
    let shape = PatchShape::new(5, 1, 0.02).unwrap();
    let bounded = PatchAxis::bounded([0.0, 2.0], Boundary::Dirichlet, 6, Placement::Equispaced, shape).unwrap();
    let periodic = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01).unwrap()).unwrap();
    let coupling = Coupling::Polynomial { order: 4, source: Source::NextToEdge };
    let lattice = BondLattice::new([1, 1], [vec![2.0], vec![1.0]], Bond::Right).unwrap();
    let build = |ends| {
        let grid = PatchGrid::new([bounded.clone(), periodic.clone()]);
        PatchSystem::new(LatticeDiffusion::new(lattice.clone()), grid, coupling).unwrap().with_ends(ends)
    };
    let system = build([[1.0, 4.0], [0.0, 0.0]]).unwrap();
    let found = equilibrium(&system, 0.0, &vec![0.0; system.dim()], &NewtonOptions::default()).unwrap();
    assert!(found.converged);
    let exact = system.sample(|_, [x, _], _| 1.0 + 1.5 * x);
    assert_close(&found.u, &exact, 1e-11);
    // what the edges hold: the outermost points lie on the ends
    let full = system.by_patch(&system.extend(&found.u));
    let (first, last) = (&full[0], &full[full.len() - 1]);
    assert!((first[1] - 1.0).abs() < 1e-15 && (last[4 * 4 + 1] - 4.0).abs() < 1e-15, "{first:?} {last:?}");
    // J v does not see them
    let mut jv = vec![0.0; system.dim()];
    system.jvp_into(0.0, &found.u, &exact, &mut jv);
    let zero = build([[0.0; 2]; 2]).unwrap();
    assert_close(&jv, &rhs(&zero, &exact), 1e-8);
    assert!(jv.iter().any(|j| j.abs() > 1.0));
    assert!(build([[f64::NAN, 0.0], [0.0; 2]]).unwrap_err().to_string().contains("finite"));
}

#[test]
fn magnetisation_keeps_its_length_and_spin_waves_their_rates() {
    let lattice = plane_lattice();
    let damping = 0.3;
    let model = || LandauLifshitz::new(lattice.clone(), damping).unwrap();
    let system = PatchSystem::new(model(), grid([3, 3], [2, 3], 1), SPECTRAL).unwrap();
    // m · m_t = 0 at every point, whatever m
    let (m, third) = (state(system.dim()), system.dim() / 3);
    let slope = rhs(&system, &m);
    for i in 0..third {
        let at = |v: &[f64]| [v[i], v[third + i], v[2 * third + i]];
        let dot: f64 = at(&m).iter().zip(at(&slope)).map(|(m, s)| m * s).sum();
        let size: f64 = at(&slope).iter().map(|s| s.abs()).sum();
        assert!(dot.abs() < 1e-13 * size, "{dot} of {size}");
    }
    // about e₃, m₁ + i m₂ of a wave of diffusion rate −λ obeys w_t = −(α − i)(λ + h₀) w
    let field = 5.0;
    let system = PatchSystem::new(model().with_field([0.0, 0.0, field]).unwrap(), system.grid().clone(), SPECTRAL);
    let system = system.unwrap();
    let ground = system.sample(|component, _, _| f64::from(component == 2));
    let j = gaptooth::ode::equilibrium::jacobian(&system, 0.0, &ground).unwrap();
    let plane = Mat::from_fn(2 * third, 2 * third, |r, c| j[(r, c)]);
    let h = spacing(system.grid());
    let rates = bloch([3, 3], 1, [2, 3], h, |_, p| divergence_form(&lattice, h, p));
    let both = |z: &c64| [1.0, -1.0].map(|sign| c64::new(damping, sign) * (z - field));
    let exact: Vec<c64> = rates.iter().flat_map(both).collect();
    assert_rates(plane.eigenvalues().unwrap(), &exact, true, 1e-8);
    let shifted = model().with_all_shifts();
    assert_eq!((shifted.ensemble(), PatchModel::<2>::fields(&shifted)), (Ensemble::new([2, 3]), 3));
    assert!(LandauLifshitz::new(lattice.clone(), -1.0).is_err());
}
