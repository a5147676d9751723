//! Observed orders of the explicit and projective integrators, looped over lists, and the accuracy of the stiff
//! methods against their tolerances (their orders at fixed steps: the unit tests of `ode::stiff`). Exact solutions
//! throughout.

use gaptooth::observer::Silent;
use gaptooth::ode::explicit::{RungeKutta, integrate};
use gaptooth::ode::projective::{ConstraintDefined, FixedBurst, GeneralProjective, Projective, ProjectiveRungeKutta};
use gaptooth::ode::stabilised::{Stabilised, integrate_stabilised};
use gaptooth::ode::stiff::{StiffMethod, StiffOptions, integrate_stiff};
use gaptooth::ode::tableau::{ExplicitMethod, Tableau};
use gaptooth::ode::{Integrator, OdeSystem, Solution};

/// u0' = −2 t u0², u1' = u1 cos t: u0 = 1/(1 + t²), u1 = exp(sin t).
struct Smooth;

impl OdeSystem for Smooth {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = -2.0 * t * u[0] * u[0];
        du[1] = u[1] * t.cos();
    }
}

fn smooth(t: f64) -> [f64; 2] {
    [1.0 / (1.0 + t * t), t.sin().exp()]
}

/// x' = −2 t y², y' = (x − y)/ε + x': y = x is invariant and attracts at rate 1/ε; on it x = 1/(1 + t²).
struct SlowFast {
    epsilon: f64,
}

impl OdeSystem for SlowFast {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = -2.0 * t * u[1] * u[1];
        du[1] = (u[0] - u[1]) / self.epsilon + du[0];
    }
}

fn explicit_tableaux() -> Vec<Tableau> {
    let third = 1.0 / 3.0;
    let mut all: Vec<Tableau> = ExplicitMethod::ALL.iter().map(|m| m.tableau()).collect();
    let row = vec![vec![], vec![third], vec![0.0, 2.0 * third]];
    all.push(Tableau::new("heun3", row, vec![0.25, 0.0, 0.75], vec![0.0, third, 2.0 * third], 3).unwrap());
    all
}

fn assert_order(what: &str, coarse: f64, fine: f64, refinement: f64, order: usize) {
    let observed = (coarse / fine).ln() / refinement.ln();
    println!("{what}: errors {coarse:.3e}, {fine:.3e}, observed order {observed:.3}");
    assert!((observed - order as f64).abs() <= 0.15, "{what}: order {observed:.3} against {order}");
}

fn error(found: &[f64], exact: &[f64]) -> f64 {
    found.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn one_step_methods() {
    for tableau in explicit_tableaux() {
        let method = RungeKutta::new(tableau.clone());
        let run = |n: usize| {
            let s = integrate(&method, &Smooth, 0.0, &smooth(0.0), &[2.0], 2.0 / n as f64, &Silent).unwrap();
            error(&s.u[0], &smooth(2.0))
        };
        assert_order(tableau.name(), run(80), run(160), 2.0, method.order());
    }
}

/// The same, and u2' = −κ (u2 − u0): linear, stiff where κ is large.
struct Following {
    rate: f64,
}

impl OdeSystem for Following {
    fn dim(&self) -> usize {
        3
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        Smooth.rhs_into(t, &u[..2], &mut du[..2]);
        du[2] = du[0] - self.rate * (u[2] - u[0]);
    }
}

/// Whatever the number of stages, 5 where nothing is stiff and more than twenty here.
#[test]
fn stabilised_steps() {
    let [a, b] = smooth(0.0);
    for (rate, n) in [(1.0, 40), (4e3, 20)] {
        let run = |n: usize| {
            let system = Following { rate };
            let s = integrate(&Stabilised::new(), &system, 0.0, &[a, b, a], &[2.0], 2.0 / n as f64, &Silent).unwrap();
            error(&s.u[0][..2], &smooth(2.0))
        };
        assert_order(&format!("stabilised, rate {rate}"), run(n), run(2 * n), 2.0, Stabilised::new().order());
    }
}

#[test]
fn projective_methods_in_the_macro_step() {
    let system = SlowFast { epsilon: 1e-8 };
    let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
    let burst = FixedBurst::new(&rk4, &system, 30.0 * system.epsilon, 30).unwrap();
    for tableau in explicit_tableaux() {
        let n = [0, 1024, 64, 24, 12][tableau.order()];
        let scheme = ProjectiveRungeKutta::new(tableau.clone());
        let run = |n: usize| {
            let times: Vec<f64> = (1..=n).map(|i| 2.0 * i as f64 / n as f64).collect();
            let s = scheme.integrate(&burst, 0.0, &[1.0, 0.0], &times, &Silent).unwrap();
            assert_eq!(s.simulated_steps, 0);
            error(&s.u[n - 1], &[0.2, 0.2])
        };
        assert_order(&format!("projective {}", tableau.name()), run(n), run(2 * n), 2.0, tableau.order());
    }
}

#[test]
fn projective_methods_as_one_step_methods() {
    let system = SlowFast { epsilon: 1e-8 };
    for method in [ExplicitMethod::Euler, ExplicitMethod::Rk2, ExplicitMethod::Rk4] {
        let micro = RungeKutta::from(ExplicitMethod::Rk4);
        let projective = Projective::new(method.into(), micro, 30.0 * system.epsilon, 30).unwrap();
        let n = [0, 1024, 64, 24, 12][projective.order()];
        let run = |n: usize| {
            let s = integrate(&projective, &system, 0.0, &[1.0, 1.0], &[2.0], 2.0 / n as f64, &Silent).unwrap();
            error(&s.u[0], &[0.2, 0.2])
        };
        assert_order(&format!("Projective {}", method.name()), run(n), run(2 * n), 2.0, projective.order());
    }
}

#[test]
fn constrained_bursts_turn_the_first_order_bias_in_the_burst_length_into_a_second_order_one() {
    let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
    let times: Vec<f64> = (1..=40).map(|i| 0.05 * i as f64).collect();
    // long bursts of a fast system, so that the burst's length and not healing makes the error
    let system = SlowFast { epsilon: 1e-5 };
    let run = |length: f64, constrained: bool| {
        let steps = (length / system.epsilon) as usize;
        let raw = FixedBurst::new(&rk4, &system, length, steps).unwrap();
        let general = GeneralProjective::new(&rk4);
        let s = if constrained {
            general.integrate(&ConstraintDefined::new(raw), 0.0, &[1.0, 1.0], &times, &Silent)
        } else {
            general.integrate(&raw, 0.0, &[1.0, 1.0], &times, &Silent)
        };
        (s.unwrap().u[39][0] - 0.2).abs()
    };
    assert_order("raw burst", run(0.016, false), run(0.008, false), 2.0, 1);
    let (coarse, fine) = (run(0.016, true), run(0.008, true));
    assert_order("constrained burst", coarse, fine, 2.0, 2);
    assert!(coarse < 0.1 * run(0.016, false) && fine < coarse, "constrained {coarse:.3e}, {fine:.3e}");
}

/// Stiff and forced (Prothero & Robinson): u' = −10⁴ (u − cos t) − sin t, and the two smooth ones.
struct Stiff;

impl OdeSystem for Stiff {
    fn dim(&self) -> usize {
        3
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        Smooth.rhs_into(t, &u[..2], &mut du[..2]);
        du[2] = -1e4 * (u[2] - t.cos()) - t.sin();
    }
}

fn stiff(system: &dyn OdeSystem, u0: &[f64], method: StiffMethod, rtol: f64) -> Solution {
    let options = StiffOptions { method, rtol, ..StiffOptions::default() };
    integrate_stiff(system, 0.0, u0, &[0.5, 1.0, 2.0], &options, &Silent).unwrap()
}

#[test]
fn stiff_methods_hold_their_tolerance_at_every_output() {
    for method in StiffMethod::ALL {
        for rtol in [1e-3, 1e-5, 1e-7, 1e-9] {
            let s = stiff(&Stiff, &[1.0, 1.0, 1.0], method, rtol);
            for (t, u) in s.t.iter().zip(&s.u) {
                let [a, b] = smooth(*t);
                let e = error(u, &[a, b, t.cos()]);
                // control of the error of a step leaves rtol^(p/(p+1)) at the end
                let p = method.order() as f64;
                let bound = 3.0 * rtol.powf(p / (p + 1.0));
                assert!(e <= bound, "{method:?}, rtol {rtol:e}, t {t}: error {e:.2e} above {bound:.2e}");
            }
        }
    }
}

#[test]
fn stabilised_steps_hold_their_tolerance_at_every_output() {
    for rtol in [1e-3, 1e-5, 1e-7, 1e-9] {
        let options = StiffOptions { rtol, ..StiffOptions::default() };
        let s = integrate_stabilised(&Stiff, 0.0, &[1.0, 1.0, 1.0], &[0.5, 1.0, 2.0], &options, &Silent).unwrap();
        println!("rtol {rtol:e}: {:?}", s.work);
        for (t, u) in s.t.iter().zip(&s.u) {
            let [a, b] = smooth(*t);
            let (e, bound) = (error(u, &[a, b, t.cos()]), 3.0 * rtol.powf(0.8));
            assert!(e <= bound, "rtol {rtol:e}, t {t}: error {e:.2e} above {bound:.2e}");
        }
    }
}
