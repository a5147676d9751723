//! Projective integration against the Equation-Free Toolbox (uoa1184615/EquationFreeGit, commit f715a88) run in
//! GNU Octave 7.3.0: cases P1, P3, P4 and P5 of `data/patches.json`, which states inputs, numbers and tolerances.

use gaptooth::observer::Silent;
use gaptooth::ode::OdeSystem;
use gaptooth::ode::explicit::RungeKutta;
use gaptooth::ode::projective::{
    Burst, ConstraintDefined, FixedBurst, GeneralProjective, Lifting, ProjectiveRungeKutta, ProjectiveSolution,
    Restriction,
};
use gaptooth::ode::tableau::ExplicitMethod::{self, Rk2, Rk4};
use serde_json::Value;

/// x' = −x + (x + 1/2) y, ε y' = x − (x + 1) y.
struct MichaelisMenten {
    epsilon: f64,
}

impl OdeSystem for MichaelisMenten {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = -u[0] + (u[0] + 0.5) * u[1];
        du[1] = (u[0] - (u[0] + 1.0) * u[1]) / self.epsilon;
    }
}

/// x' = cos x sin y cos t, ε y' = cos x − y.
struct Singular {
    epsilon: f64,
}

impl OdeSystem for Singular {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = u[0].cos() * u[1].sin() * t.cos();
        du[1] = (u[0].cos() - u[1]) / self.epsilon;
    }
}

/// The macro state is x; y is taken from the latest burst.
struct First;

impl Restriction for First {
    fn macro_dim(&self, _micro_dim: usize) -> usize {
        1
    }
    fn restrict_into(&self, micro: &[f64], coarse: &mut [f64]) {
        coarse[0] = micro[0];
    }
}

impl Lifting for First {
    fn lift_into(&self, coarse: &[f64], near: &[f64], micro: &mut [f64]) {
        micro.copy_from_slice(near);
        micro[0] = coarse[0];
    }
}

fn case(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("data/patches.json")).unwrap();
    all["cases"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap().clone()
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(number).collect()
}

fn rows(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(numbers).collect()
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{what}[{i}]: {a} against {b}, tolerance {tolerance}");
    }
}

#[test]
fn p1_rk2_on_michaelis_menten() {
    let case = case("P1_PIRK2_MM");
    let (inputs, expected) = (&case["inputs"], &case["expected"]);
    let system = MichaelisMenten { epsilon: number(&inputs["epsilon"]) };
    let rk4 = RungeKutta::from(Rk4);
    let burst = FixedBurst::new(&rk4, &system, number(&inputs["bT"]), 20).unwrap();
    let times = numbers(&inputs["tSpan"]);
    let scheme = ProjectiveRungeKutta::from(Rk2);
    let s = scheme.integrate(&burst, 0.0, &numbers(&inputs["x0"]), &times, &Silent).unwrap();
    let tolerance = number(&case["tolerance"]);
    assert_close("x", &s.u.concat(), &rows(&expected["x"]).concat(), tolerance);
    assert_close("svf.dx", &s.slope.concat(), &rows(&expected["svf_dx"]).concat(), tolerance);
    assert_close("svf.t", &s.slope_t, &numbers(&expected["svf_t"]), tolerance);
    assert_eq!(s.bursts, 1 + 2 * 6);
}

#[test]
fn p3_errors_against_step_and_burst_length() {
    let case = case("P3_PI_convergence");
    let (inputs, expected) = (&case["inputs"], &case["expected"]);
    let epsilon = number(&inputs["epsilon"]);
    let (end, exact) = (number(&inputs["Tend"]), numbers(&expected["x_exact_Tend"]));
    let system = MichaelisMenten { epsilon };
    let rk4 = RungeKutta::from(Rk4);
    let error = |method: ExplicitMethod, steps: usize, multiple: f64| -> f64 {
        let burst = FixedBurst::new(&rk4, &system, multiple * epsilon, 100).unwrap();
        let times: Vec<f64> = (0..=steps).map(|i| end * i as f64 / steps as f64).collect();
        let u0 = numbers(&inputs["x0"]);
        let s = ProjectiveRungeKutta::from(method).integrate(&burst, 0.0, &u0, &times, &Silent).unwrap();
        s.u[steps].iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    let steps: Vec<usize> = numbers(&inputs["nSteps"]).iter().map(|&n| n as usize).collect();
    let tolerance = number(&case["tolerance"]);
    for (method, key) in [(Rk2, "err_PIRK2"), (Rk4, "err_PIRK4")] {
        let errors: Vec<f64> = steps.iter().map(|&n| error(method, n, 7.0)).collect();
        assert_close(key, &errors, &numbers(&expected[key]), tolerance);
    }
    let by_burst: Vec<f64> =
        numbers(&expected["burst_multiples"]).iter().map(|&multiple| error(Rk2, 32, multiple)).collect();
    assert_close("by burst", &by_burst, &numbers(&expected["err_PIRK2_32steps_vs_burst"]), tolerance);
}

#[test]
fn p4_constraint_defined_step() {
    let case = case("P4_cdmc");
    let (inputs, expected) = (&case["inputs"], &case["expected"]);
    let system = Singular { epsilon: number(&inputs["epsilon"]) };
    let rk4 = RungeKutta::from(Rk4);
    let length = number(&inputs["bT"]);
    let burst = ConstraintDefined::new(FixedBurst::new(&rk4, &system, length, 40).unwrap());
    let trace = burst.burst(number(&inputs["t0"]), &numbers(&inputs["x0"])).unwrap();
    let tolerance = number(&case["tolerance"]);
    assert_eq!(trace.t.len(), 82);
    assert_close("t_mid", &[trace.t[40], trace.end()], &[number(&expected["t_mid"]), 0.0], tolerance);
    assert_close("x_mid", &trace.u[40], &numbers(&expected["x_mid"]), tolerance);
    assert_close("second start", &trace.u[41], &numbers(&expected["x_start_second_burst"]), tolerance);
    assert_close("x_last", trace.last(), &numbers(&expected["x_last"]), tolerance);
}

#[test]
fn p5_general_projective() {
    let case = case("P5_PIG");
    let (inputs, expected) = (&case["inputs"], &case["expected"]);
    let system = Singular { epsilon: number(&inputs["epsilon"]) };
    let rk4 = RungeKutta::from(Rk4);
    let raw = FixedBurst::new(&rk4, &system, number(&inputs["bT"]), 40).unwrap();
    let constrained = ConstraintDefined::new(raw);
    let general = GeneralProjective::new(&rk4);
    let run = |method: GeneralProjective<'_>, burst: &dyn Burst| -> ProjectiveSolution {
        let times = numbers(&inputs["Tspan"]);
        method.integrate(burst, 0.0, &numbers(&inputs["x0"]), &times, &Silent).unwrap()
    };
    let tolerance = number(&case["tolerance"]);
    let with = run(general, &constrained);
    assert_close("with cdmc", &with.u.concat(), &rows(&expected["X_cdmc"]).concat(), tolerance);
    let without = run(general, &raw);
    assert_close("without cdmc", &without.u.concat(), &rows(&expected["X_nocdmc"]).concat(), tolerance);
    let lifted = run(general.with_macro_state(&First, &First), &constrained);
    assert_close("lifted", &lifted.u.concat(), &numbers(&expected["X_lift_restrict"]), tolerance);
    let reference = rows(&expected["X_reference"]);
    let worst =
        |s: &ProjectiveSolution| s.u.iter().zip(&reference).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f64::max);
    for (found, key) in
        [(worst(&with), "max_err_cdmc_x1"), (worst(&without), "max_err_nocdmc_x1"), (worst(&lifted), "max_err_lift_x1")]
    {
        assert_close(key, &[found], &[number(&expected[key])], tolerance);
    }
}
