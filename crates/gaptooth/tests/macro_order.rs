//! Observed orders in the macro-step: projective patch dynamics, and the law learned from it.

use gaptooth::{
    closure::{Dataset, FeatureSpec, LinearRecipe, Provenance, fit_linear},
    coefficient::Formula,
    grid::{Axis, Boundary, Grid},
    observer::Silent,
    ode::{
        OdeSystem, explicit,
        explicit::RungeKutta,
        stiff::{StiffOptions, integrate_stiff},
        tableau::ExplicitMethod,
    },
    patch::{
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MacroSteps, MicroPath, PatchDynamics, Recording, simulate},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    stencil::EdgeRule,
};

const INTERVALS: usize = 10;

fn dynamics() -> PatchDynamics<Diffusion> {
    let grid = Axis::uniform([0.0, 1.0], INTERVALS, Boundary::Dirichlet).unwrap();
    let patches = BufferedPatches::new(grid, 1e-3, 2e-2, 2e-5).unwrap();
    let diffusivity = Formula::parse("1.1 + sin(2*pi*y)", &VARIABLES, &[]).unwrap();
    let equation = DiffusionEquation { diffusivity, drift: None, reaction: None, epsilon: 5e-4 };
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0]).unwrap();
    let lifting = LiftingOptions { degree: 2, points: 3, edges: EdgeRule::OneSided };
    let burst = BurstOptions { length: 1e-6, healing: 2e-7, path: MicroPath::Exact, tolerance: 1e-9 };
    PatchDynamics::new(patches, model, lifting, burst, 1).unwrap()
}

fn initial() -> Vec<f64> {
    (0..=INTERVALS).map(|i| 1.0 + (3.0 * i as f64 / INTERVALS as f64).sin()).collect()
}

fn record(method: ExplicitMethod, step: f64, count: usize) -> Recording {
    let steps = MacroSteps { tableau: method.tableau(), step, count, every: 1 };
    simulate(&dynamics(), &initial(), &steps, Recording::default(), &Silent, |_| Ok(())).unwrap()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Observed order between `step` and half of it, against the same system at a hundredth.
fn observed(system: &dyn OdeSystem, method: ExplicitMethod, step: f64) -> f64 {
    let end = 0.04;
    let at = |method: ExplicitMethod, step: f64| {
        explicit::integrate(&RungeKutta::from(method), system, 0.0, &initial(), &[end], step, &Silent)
            .unwrap()
            .u
            .remove(0)
    };
    let exact = at(ExplicitMethod::Rk4, 1e-4);
    (distance(&at(method, step), &exact) / distance(&at(method, step / 2.0), &exact)).log2()
}

const METHODS: [(ExplicitMethod, f64); 3] =
    [(ExplicitMethod::Euler, 1.0), (ExplicitMethod::Rk2, 2.0), (ExplicitMethod::Rk4, 4.0)];

#[test]
fn projective_patch_dynamics_keeps_the_order_of_its_macro_integrator() {
    let patches = dynamics();
    for (method, order) in METHODS {
        let found = observed(&patches, method, 2e-3);
        assert!((found - order).abs() < 0.15, "{method:?}: {found}");
    }
}

#[test]
fn learned_laws_integrate_with_the_order_of_their_integrator() {
    let recording = record(ExplicitMethod::Euler, 2e-3, 50);
    let grid = Grid::uniform([0.0, 1.0], INTERVALS, Boundary::Dirichlet).unwrap();
    let data =
        Dataset::new(grid, recording.times, recording.u.concat(), recording.u_t.concat(), Provenance::new()).unwrap();
    let spec = FeatureSpec::differences(&[1, 2], 3, EdgeRule::OneSided);
    let law = fit_linear(&data, &LinearRecipe::relative(spec)).unwrap().law;
    for (method, order) in METHODS {
        let found = observed(&law, method, 2e-3);
        assert!((found - order).abs() < 0.15, "{method:?}: {found}");
    }
    // BDF chooses its order; its error must follow the tolerance.
    let exact =
        explicit::integrate(&RungeKutta::from(ExplicitMethod::Rk4), &law, 0.0, &initial(), &[0.04], 1e-4, &Silent)
            .unwrap();
    for rtol in [1e-4, 1e-6, 1e-8] {
        let options = StiffOptions { rtol, ..StiffOptions::default() };
        let u = integrate_stiff(&law, 0.0, &initial(), &[0.04], &options, &Silent).unwrap().u.remove(0);
        assert!(distance(&u, &exact.u[0]) < 100.0 * rtol);
    }
}

#[test]
fn a_resumed_simulation_has_the_same_bits() {
    let whole = record(ExplicitMethod::Rk2, 2e-3, 20);
    let mut half = record(ExplicitMethod::Rk2, 2e-3, 9);
    let steps = MacroSteps { tableau: ExplicitMethod::Rk2.tableau(), step: 2e-3, count: 20, every: 1 };
    half = simulate(&dynamics(), &initial(), &steps, half, &Silent, |_| Ok(())).unwrap();
    assert_eq!(whole, half);
}

#[test]
fn an_unstable_macro_step_is_an_error_with_advice() {
    let steps = MacroSteps { tableau: ExplicitMethod::Euler.tableau(), step: 0.5, count: 2000, every: 1 };
    let error = simulate(&dynamics(), &initial(), &steps, Recording::default(), &Silent, |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("shorten the macro-step"), "{error}");
}
