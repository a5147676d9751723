//! Bursts of coupled patches in the plane, of differential equations and of maps, under every projective scheme.

use std::f64::consts::PI;

use gaptooth::{
    coefficient::lattice::{Bond, BondLattice},
    observer::Silent,
    ode::{
        OdeSystem,
        explicit::{RungeKutta, integrate},
        projective::{
            Burst, ConstraintDefined, FixedBurst, GeneralProjective, Lifting, Projective, ProjectiveRungeKutta,
            Restriction,
        },
        tableau::ExplicitMethod,
    },
    patch::{
        Coupling, PatchGrid, PatchSystem,
        burgers::BurgersMap,
        grid::{PatchAxis, PatchShape, Source},
        landau_lifshitz::LandauLifshitz,
        lattice::LatticeDiffusion,
        map::{MapBurst, MapModel},
        propagator::BlockPropagator,
    },
};

const SPECTRAL: Coupling = Coupling::Spectral { source: Source::NextToEdge };

fn grid<const D: usize>(n: usize, interior: usize, ratio: f64) -> PatchGrid<D> {
    let shape = PatchShape::from_ratio(ratio, 2.0 * PI / n as f64, Source::NextToEdge, interior + 2, 1).unwrap();
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], n, shape).unwrap();
    PatchGrid::new(std::array::from_fn(|_| axis.clone()))
}

fn diffusion() -> PatchSystem<2, LatticeDiffusion<2>> {
    let table = |d: usize| (0..4).map(|j| 1.0 + 0.6 * (2.0 * j as f64 + d as f64).sin()).collect();
    let lattice = BondLattice::new([2, 2], [table(0), table(1)], Bond::Right).unwrap();
    PatchSystem::new(LatticeDiffusion::new(lattice), grid(5, 2, 0.1), SPECTRAL).unwrap()
}

fn initial(system: &PatchSystem<2, impl gaptooth::patch::PatchModel<2>>) -> Vec<f64> {
    system.sample(|_, [x, y], _| 0.8 * x.cos() * y.sin() + 0.3 * (x + y).cos() + 0.1 * (40.0 * x).sin())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

const HEAL: (f64, usize) = (1.8e-2, 72);

/// At t = 0.8 the error falls with the macro step at the order of the scheme.
#[test]
fn every_scheme_converges_to_the_exact_flow_in_the_plane() {
    let system = diffusion();
    let (rk4, start) = (RungeKutta::from(ExplicitMethod::Rk4), initial(&system));
    let burst = FixedBurst::new(&rk4, &system, HEAL.0, HEAL.1).unwrap();
    let exact = BlockPropagator::new(&system).unwrap().evolve(&start, &[0.8]).unwrap().remove(0).u;
    let times = |n: usize| (1..=n).map(|i| 0.8 * i as f64 / n as f64).collect::<Vec<_>>();
    for (method, steps, bound, order) in [
        (ExplicitMethod::Euler, 8, 4e-2, 1.0),
        (ExplicitMethod::Rk2, 4, 1e-2, 2.0),
        (ExplicitMethod::Rk4, 4, 1e-3, 4.0),
    ] {
        let scheme = ProjectiveRungeKutta::from(method);
        let error = |n: usize| {
            let solution = scheme.integrate(&burst, 0.0, &start, &times(n), &Silent).unwrap();
            assert_eq!(solution.simulated_steps, 0);
            distance(&solution.u[n - 1], &exact)
        };
        let (coarse, fine) = (error(steps), error(2 * steps));
        println!("{method:?}: {coarse:e} {fine:e}");
        assert!(coarse < bound, "{method:?}: {coarse:e}");
        // half a micro step times u″, what a difference quotient is off by, is the floor of the fourth-order scheme here
        assert!(order > 3.0 || (coarse / fine).log2() > order - 0.35, "{method:?}: {coarse:e}, {fine:e}");
    }
    // as a one-step method, from a healed state
    let healed = burst.burst(0.0, &start).unwrap();
    let wrapped =
        Projective::new(ProjectiveRungeKutta::from(ExplicitMethod::Rk2), rk4.clone(), HEAL.0, HEAL.1).unwrap();
    let step = (0.8 - healed.end()) / 16.0;
    let run = integrate(&wrapped, &system, healed.end(), healed.last(), &[0.8], step, &Silent).unwrap();
    println!("as an integrator: {:e}", distance(&run.u[0], &exact));
    assert!(distance(&run.u[0], &exact) < 2e-3);
}

/// Macro state: the mean of every patch.
struct Means {
    patches: usize,
}

impl Restriction for Means {
    fn macro_dim(&self, _micro_dim: usize) -> usize {
        self.patches
    }

    fn restrict_into(&self, micro: &[f64], coarse: &mut [f64]) {
        coarse.fill(0.0);
        let points = (micro.len() / self.patches) as f64;
        micro.chunks(self.patches).for_each(|u| coarse.iter_mut().zip(u).for_each(|(c, u)| *c += u / points));
    }
}

impl Lifting for Means {
    fn lift_into(&self, coarse: &[f64], near: &[f64], micro: &mut [f64]) {
        let means = self.restrict(near);
        for (micro, near) in micro.chunks_mut(self.patches).zip(near.chunks(self.patches)) {
            let shifted = near.iter().zip(coarse).zip(&means).map(|((n, c), m)| n + (c - m));
            micro.iter_mut().zip(shifted).for_each(|(u, v)| *u = v);
        }
    }
}

#[test]
fn any_integrator_runs_the_slow_field_of_patches_in_the_plane() {
    let system = diffusion();
    let (rk4, start) = (RungeKutta::from(ExplicitMethod::Rk4), initial(&system));
    let burst = FixedBurst::new(&rk4, &system, HEAL.0, HEAL.1).unwrap();
    let corrected = ConstraintDefined::new(burst);
    let exact = BlockPropagator::new(&system).unwrap().evolve(&start, &[0.8]).unwrap().remove(0).u;
    let times: Vec<f64> = (1..=16).map(|i| 0.05 * i as f64).collect();
    let means = Means { patches: 25 };
    let exact_means = means.restrict(&exact);
    let plain = GeneralProjective::new(&rk4);
    let last = |scheme: &GeneralProjective<'_>, burst: &dyn Burst| {
        scheme.integrate(burst, 0.0, &start, &times, &Silent).unwrap().u.pop().unwrap()
    };
    let (biased, unbiased) = (distance(&last(&plain, &burst), &exact), distance(&last(&plain, &corrected), &exact));
    let lifted = distance(&last(&plain.with_macro_state(&means, &means), &corrected), &exact_means);
    println!("raw {biased:e}, constraint-defined {unbiased:e}, of means {lifted:e}");
    assert!(biased < 2e-2 && unbiased < 0.2 * biased, "{biased:e}, {unbiased:e}");
    assert!(lifted < 1e-3, "{lifted:e}");
}

#[test]
fn a_map_on_patches_bursts_and_projects() {
    let map = BurgersMap::new(1.0, 0.5, 0.4).unwrap();
    let system = PatchSystem::new(MapModel(map), grid::<2>(7, 2, 0.1), SPECTRAL).unwrap();
    let spacing = system.grid().axis(0).shape().spacing();
    let tau = system.time_step();
    assert!((tau - 0.2 * spacing * spacing).abs() < 1e-18);
    let start = system.sample(|_, [x, y], _| 0.5 + 0.4 * x.cos() - 0.3 * (x + y).sin());

    // one application by the definition
    let full = system.by_patch(&system.extend(&start));
    let mut next = vec![0.0; system.dim()];
    system.next_into(0.0, &start, &mut next);
    for (k, patch) in system.by_patch(&next).iter().enumerate() {
        for (i, j) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let u = |i: usize, j: usize| full[k][i * 4 + j];
            let (h, e, w, n, s) = (u(i, j), u(i + 1, j), u(i - 1, j), u(i, j + 1), u(i, j - 1));
            let rate = (e + w + n + s - 4.0 * h) / (spacing * spacing) - 0.5 * h * (e - w + n - s) / (2.0 * spacing);
            assert!((patch[(i - 1) * 2 + j - 1] - (h + tau * rate)).abs() < 1e-14);
        }
    }
    // bursts: whole steps, and a length between
    let burst = MapBurst::new(&system, 30).unwrap();
    let euler = RungeKutta::from(ExplicitMethod::Euler);
    let (trace, steps) = (
        burst.burst(0.5, &start).unwrap(),
        FixedBurst::new(&euler, &system, 30.0 * tau, 30).unwrap().burst(0.5, &start).unwrap(),
    );
    assert_eq!((trace.t.len(), burst.length()), (31, Some(30.0 * tau)));
    assert!(distance(&trace.t, &steps.t) < 1e-15 && distance(trace.last(), steps.last()) < 1e-13);
    let between = MapBurst::lasting(&system, 29.25 * tau).unwrap().burst(0.5, &start).unwrap();
    let (before, after) = (&trace.u[29], &trace.u[30]);
    let part: Vec<f64> = before.iter().zip(after).map(|(b, a)| 0.75 * b + 0.25 * a).collect();
    assert!((between.end() - 0.5 - 29.25 * tau).abs() < 1e-15 && distance(between.last(), &part) < 1e-14);
    assert!(MapBurst::new(&system, 0).is_err() && burst.burst(0.0, &start[1..]).is_err());
    assert!(BurgersMap::new(1.0, 1.0, 0.6).is_err());

    // projective integration against the map applied all the way
    let end = 0.5;
    let whole = burst.simulate(0.0, &start, end).unwrap().unwrap();
    let times: Vec<f64> = (1..=10).map(|i| 0.05 * i as f64).collect();
    let heal = MapBurst::new(&system, 80).unwrap();
    let projective = ProjectiveRungeKutta::from(ExplicitMethod::Rk4).integrate(&heal, 0.0, &start, &times, &Silent);
    let error = distance(&projective.unwrap().u[9], whole.last());
    println!("Burgers map: {error:e}, bursts of {}", 80.0 * tau);
    assert!(error < 1e-4, "{error:e}");
    // fixed points of the map are equilibria of its system
    let mut rest = vec![1.0; system.dim()];
    system.rhs_into(0.0, &vec![0.7; system.dim()], &mut rest);
    assert!(rest.iter().all(|r| r.abs() < 1e-9));
}

/// A helix m = (s cos(x + φ), s sin(x + φ), c) stays one: c′ = α a* c s², φ′ = a* c, with the harmonic mean a* in the place of a. So
/// c²/(1 − c²) grows as e^{2 α a* t}, and φ(t) follows from it.
#[test]
fn a_magnetic_helix_turns_at_its_homogenized_rate() {
    let (damping, a) = (0.5, [0.5, 2.0]);
    let mean = 2.0 / (1.0 / a[0] + 1.0 / a[1]);
    let lattice = BondLattice::new([2], [a.to_vec()], Bond::Right).unwrap();
    let model = LandauLifshitz::new(lattice, damping).unwrap();
    let system = PatchSystem::new(model, grid::<1>(9, 2, 0.1), SPECTRAL).unwrap();
    let (c0, t_end) = (0.4f64, 1.0);
    let s0 = (1.0 - c0 * c0).sqrt();
    let start = system.sample(|component, [x], _| [s0 * x.cos(), s0 * x.sin(), c0][component]);
    let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
    let burst = FixedBurst::new(&rk4, &system, 8e-3, 80).unwrap();
    let times: Vec<f64> = (1..=10).map(|i| 0.1 * i as f64).collect();
    let scheme = ProjectiveRungeKutta::from(ExplicitMethod::Rk4);
    let m = scheme.integrate(&burst, 0.0, &start, &times, &Silent).unwrap().u.pop().unwrap();

    let odds = c0 * c0 / (1.0 - c0 * c0) * (2.0 * damping * mean * t_end).exp();
    let c = (odds / (1.0 + odds)).sqrt();
    // φ = ∫ a* c dt, and dc/dt = α a* c (1 − c²): φ = (artanh c − artanh c0)/α
    let phase = (c.atanh() - c0.atanh()) / damping;
    let s = (1.0 - c * c).sqrt();
    let exact = system.sample(|component, [x], _| [s * (x + phase).cos(), s * (x + phase).sin(), c][component]);
    let third = m.len() / 3;
    let means = |m: &[f64]| m.chunks(third).flat_map(|m| Means { patches: 9 }.restrict(m)).collect::<Vec<_>>();
    let error = distance(&means(&m), &means(&exact));
    let lengths = (0..third).map(|i| (0..3).map(|k| m[k * third + i].powi(2)).sum::<f64>().sqrt());
    let drift = lengths.map(|l| (l - 1.0).abs()).fold(0.0, f64::max);
    println!("helix: {error:e}, |m| off by {drift:e}");
    assert!(error < 1e-3, "{error:e}");
    assert!(drift < 1e-4, "{drift:e}");
    // towards the applied field: m₃ = tanh(α h t + artanh c0) where m is uniform
    let pulled = LandauLifshitz::new(system_lattice(), damping).unwrap().with_field([0.0, 0.0, 6.0]).unwrap();
    let pulled = PatchSystem::new(pulled, system.grid().clone(), SPECTRAL).unwrap();
    let uniform = pulled.sample(|component, _, _| [s0, 0.0, c0][component]);
    let m = integrate(&rk4, &pulled, 0.0, &uniform, &[0.5, 3.0], 2e-4, &Silent).unwrap().u;
    let turned = 6.0f64 * 0.5;
    let exact_c = (damping * 6.0 * 0.5 + c0.atanh()).tanh();
    let exact_s = (1.0 - exact_c * exact_c).sqrt();
    for (component, exact) in [exact_s * turned.cos(), exact_s * turned.sin(), exact_c].into_iter().enumerate() {
        let found = &m[0][component * third..(component + 1) * third];
        assert!(found.iter().all(|m| (m - exact).abs() < 1e-9), "{component}: {} against {exact}", found[0]);
    }
    assert!(m[1][2 * third..].iter().all(|m| (m - 1.0).abs() < 1e-7), "{}", m[1][2 * third]);
}

fn system_lattice() -> BondLattice<1> {
    BondLattice::new([2], [vec![0.5, 2.0]], Bond::Right).unwrap()
}
