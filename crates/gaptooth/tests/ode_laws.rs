//! Laws of the traits in `ode`: one conformance function a trait, run by every implementor; conservation; work
//! counts; and the errors of bad input.

use gaptooth::Error;
use gaptooth::observer::{Observer, Silent};
use gaptooth::ode::equilibrium::{NewtonOptions, equilibrium, jacobian, linear_operator};
use gaptooth::ode::explicit::{RungeKutta, integrate};
use gaptooth::ode::projective::{
    Burst, ConstraintDefined, FixedBurst, GeneralProjective, Identity, Lifting, Projective, ProjectiveRungeKutta,
    Restriction, SlowField,
};
use gaptooth::ode::stabilised::Stabilised;
use gaptooth::ode::stiff::{StiffMethod, StiffOptions, integrate_stiff};
use gaptooth::ode::tableau::{ExplicitMethod, Tableau};
use gaptooth::ode::{Counted, Integrator, OdeSystem, Work};
use proptest::prelude::*;

/// Diffusion on a circle of n points, with or without its sparsity.
struct Circle {
    n: usize,
    rate: f64,
    sparse: bool,
}

impl OdeSystem for Circle {
    fn dim(&self) -> usize {
        self.n
    }
    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            du[i] = self.rate * ((u[(i + 1) % n] - u[i]) - (u[i] - u[(i + n - 1) % n]));
        }
    }
    fn jvp_into(&self, t: f64, _u: &[f64], v: &[f64], jv: &mut [f64]) {
        self.rhs_into(t, v, jv);
    }
    fn sparsity(&self) -> Option<Vec<(usize, usize)>> {
        let n = self.n;
        self.sparse.then(|| (0..n).flat_map(|i| [(i, (i + n - 1) % n), (i, i), (i, (i + 1) % n)]).collect())
    }
}

/// A system from a closure, of one unknown.
struct Scalar<F: Fn(f64, f64) -> f64 + Sync>(F);

impl<F: Fn(f64, f64) -> f64 + Sync> OdeSystem for Scalar<F> {
    fn dim(&self) -> usize {
        1
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = (self.0)(t, u[0]);
    }
}

/// u' = u − u³, with the Jacobian of the trait's default.
struct Cubic;

impl OdeSystem for Cubic {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = u[0] - u[0].powi(3) + u[1] * t;
        du[1] = 2.0 - u[1];
    }
}

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

fn rk(method: ExplicitMethod) -> RungeKutta {
    RungeKutta::from(method)
}

fn sum(u: &[f64]) -> f64 {
    u.iter().sum()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

// ---- one conformance function a trait ----

fn conforms_integrator(what: &str, method: &dyn Integrator) {
    assert!(method.order() >= 1, "{what}");
    let circle = Circle { n: 8, rate: 1.0, sparse: false };
    let mut constant = vec![0.3; 8];
    method.step(&circle, 0.0, &mut constant, 0.1).unwrap();
    assert_eq!(constant, vec![0.3; 8], "{what}: constants are equilibria");
    let mut bump: Vec<f64> = (0..8).map(|i| if i == 3 { 1.0 } else { 0.1 }).collect();
    let before = sum(&bump);
    for i in 0..10 {
        method.step(&circle, 0.1 * i as f64, &mut bump, 0.1).unwrap();
    }
    assert!((sum(&bump) - before).abs() < 1e-13, "{what}: the sum is conserved");
    assert!(bump[3] < 0.5, "{what}: it diffuses");
    let mut state = [1.0];
    let failed = method.step(&Scalar(|_, _| f64::NAN), 0.5, &mut state, 0.1).unwrap_err();
    assert!(matches!(failed, Error::NonFinite { time: Some(_), .. }), "{what}: {failed}");
}

fn conforms_burst(what: &str, burst: &dyn Burst, u: &[f64], ends_at: f64) {
    let trace = burst.burst(0.5, u).unwrap();
    assert_eq!(trace, burst.burst(0.5, u).unwrap(), "{what}: the same again");
    assert_eq!((trace.t[0], &trace.u[0][..]), (0.5, u), "{what}: begins with the state");
    assert!(trace.t.len() >= 2 && trace.u.len() == trace.t.len(), "{what}");
    assert!(trace.u.iter().all(|v| v.len() == u.len()), "{what}");
    assert!((trace.end() - ends_at).abs() < 1e-14, "{what}");
    assert_eq!(trace.slope().unwrap().len(), u.len(), "{what}");
    if let Some(length) = burst.length() {
        assert!((trace.end() - 0.5 - length).abs() < 1e-14, "{what}");
        let long = burst.simulate(0.5, u, 2.5 * length).unwrap().unwrap();
        assert!((long.end() - 0.5 - 2.5 * length).abs() < 1e-14, "{what}");
    }
}

fn conforms_system(what: &str, system: &dyn OdeSystem, u: &[f64]) {
    let n = system.dim();
    let rhs = |u: &[f64]| {
        let mut du = vec![f64::NAN; n];
        system.rhs_into(0.7, u, &mut du);
        du
    };
    assert_eq!(rhs(u), rhs(u), "{what}: a pure function that writes every entry");
    let v: Vec<f64> = (0..n).map(|i| (i as f64 + 1.0).sin()).collect();
    let shifted = |h: f64| rhs(&u.iter().zip(&v).map(|(a, b)| a + h * b).collect::<Vec<_>>());
    let difference: Vec<f64> = shifted(1e-5).iter().zip(shifted(-1e-5)).map(|(a, b)| (a - b) / 2e-5).collect();
    let mut jv = vec![f64::NAN; n];
    system.jvp_into(0.7, u, &v, &mut jv);
    let size = difference.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    assert!(close(&jv, &difference, 1e-7 * size), "{what}: J v = {jv:?} against {difference:?}");
    let dense = jacobian(system, 0.7, u).unwrap();
    if let Some(entries) = system.sparsity() {
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            assert!(dense[(i, j)] == 0.0 || entries.contains(&(i, j)), "{what}: ({i}, {j}) is not in the sparsity");
        }
    }
}

fn conforms_lifting(what: &str, lifting: &dyn Lifting, restriction: &dyn Restriction, near: &[f64]) {
    let coarse: Vec<f64> = (0..restriction.macro_dim(near.len())).map(|i| (i as f64).cos()).collect();
    let mut micro = vec![f64::NAN; near.len()];
    lifting.lift_into(&coarse, near, &mut micro);
    assert_eq!(restriction.restrict(&micro), coarse, "{what}: restrict ∘ lift = identity");
}

#[test]
fn integrators_conform() {
    for method in ExplicitMethod::ALL {
        conforms_integrator(method.name(), &rk(method));
        let projective = Projective::new(method.into(), rk(ExplicitMethod::Rk4), 0.005, 5).unwrap();
        conforms_integrator(&format!("projective {}", method.name()), &projective);
        let telescopic = Projective::new(method.into(), projective, 0.02, 2).unwrap();
        conforms_integrator(&format!("telescopic {}", method.name()), &telescopic);
    }
    conforms_integrator("stabilised", &Stabilised::new());
}

#[test]
fn bursts_conform() {
    let (rk4, circle) = (rk(ExplicitMethod::Rk4), Circle { n: 4, rate: 3.0, sparse: false });
    let fixed = FixedBurst::new(&rk4, &circle, 0.1, 7).unwrap();
    let u = [1.0, -1.0, 0.5, 2.0];
    conforms_burst("fixed", &fixed, &u, 0.6);
    conforms_burst("borrowed", &&fixed, &u, 0.6);
    conforms_burst("constraint-defined", &ConstraintDefined::new(fixed), &u, 0.5);
}

#[test]
fn systems_conform() {
    let circle = Circle { n: 6, rate: 2.0, sparse: true };
    let u = [1.0, 0.2, -0.3, 0.4, 0.0, 0.7];
    conforms_system("circle", &circle, &u);
    conforms_system("counted", &Counted::new(&circle), &u);
    conforms_system("cubic", &Cubic, &[0.4, 1.2]);
    let rk4 = rk(ExplicitMethod::Rk4);
    let burst = FixedBurst::new(&rk4, &circle, 0.01, 2).unwrap();
    conforms_system("slow field", &SlowField::new(&burst, &Identity, &Identity, &u), &u);
}

#[test]
fn liftings_conform() {
    conforms_lifting("identity", &Identity, &Identity, &[1.0, 2.0, 3.0]);
    conforms_lifting("first", &First, &First, &[1.0, 2.0, 3.0]);
}

proptest! {
    /// Two stages of order 2 for any second node: on u' = λ u the step is 1 + z + z²/2.
    #[test]
    fn any_two_stage_tableau_of_order_two(node in 0.05..1.5f64, z in -2.0..1.0f64) {
        let weight = 0.5 / node;
        let tableau = Tableau::new("own", vec![vec![], vec![node]], vec![1.0 - weight, weight], vec![0.0, node], 2);
        let mut u = [1.0];
        RungeKutta::new(tableau.unwrap()).step(&Scalar(|_, u| z * u), 0.0, &mut u, 1.0).unwrap();
        prop_assert!((u[0] - (1.0 + z + 0.5 * z * z)).abs() < 1e-12);
    }
}

// ---- work ----

#[test]
fn fixed_step_work_is_known_beforehand() {
    let circle = Circle { n: 4, rate: 1.0, sparse: false };
    let u = [1.0, 0.0, 0.0, 0.0];
    for method in ExplicitMethod::ALL {
        let s = integrate(&rk(method), &circle, 0.0, &u, &[0.25, 1.0], 0.125, &Silent).unwrap();
        let rhs = 8 * method.tableau().stages() as u64;
        assert_eq!(s.work, Work { rhs, steps: 8, ..Work::default() }, "{}", method.name());
        let counted = Counted::new(&circle);
        let inner = rk(ExplicitMethod::Rk4);
        let burst = FixedBurst::new(&inner, &counted, 0.01, 5).unwrap();
        let scheme = ProjectiveRungeKutta::from(method);
        let s = scheme.integrate(&burst, 0.0, &u, &[0.0, 0.25, 1.0], &Silent).unwrap();
        let bursts = 1 + 2 * method.tableau().stages() as u64;
        assert_eq!((s.bursts, counted.work().rhs), (bursts, bursts * 5 * 4), "{}", method.name());
        assert_eq!((s.slope.len() as u64, s.slope_t.len() as u64), (bursts - 1, bursts - 1));
    }
}

#[test]
fn steps_that_bursts_would_cover_are_simulated() {
    let (rk4, circle) = (rk(ExplicitMethod::Rk4), Circle { n: 4, rate: 1.0, sparse: false });
    let burst = FixedBurst::new(&rk4, &circle, 0.05, 5).unwrap();
    let u = [1.0, 0.0, 0.0, 0.0];
    let scheme = ProjectiveRungeKutta::from(ExplicitMethod::Rk2);
    // after the preliminary burst: 0.05 and then 0.1 are within two bursts, 0.2 is not
    let s = scheme.integrate(&burst, 0.0, &u, &[0.1, 0.2, 0.4], &Silent).unwrap();
    assert_eq!((s.simulated_steps, s.bursts, s.slope.len()), (2, 1 + 1 + 1 + 2, 2));
    let exact = integrate(&rk4, &circle, 0.0, &u, &[0.1, 0.2], 0.01, &Silent).unwrap();
    assert!(close(&s.u[0], &exact.u[0], 1e-14) && close(&s.u[1], &exact.u[1], 1e-14));
}

// ---- stiff ----

#[test]
fn sparse_and_dense_stiff_solutions_agree_and_conserve() {
    let u0: Vec<f64> = (0..60).map(|i| if i < 20 { 1.0 } else { 0.25 }).collect();
    for method in StiffMethod::ALL {
        let options = StiffOptions { method, rtol: 1e-7, ..StiffOptions::default() };
        let run = |sparse: bool| {
            let circle = Circle { n: 60, rate: 3600.0, sparse };
            integrate_stiff(&circle, 0.0, &u0, &[0.0, 0.001, 0.01, 0.02], &options, &Silent).unwrap()
        };
        let (dense, sparse) = (run(false), run(true));
        assert_eq!(dense.u[0], u0);
        for (a, b) in dense.u.iter().zip(&sparse.u) {
            assert!(close(a, b, 1e-6), "{method:?}");
            assert!((sum(a) - sum(&u0)).abs() < 1e-10, "{method:?}: sum {}", sum(a));
        }
        assert_eq!(dense.work.jvp, 60 * dense.work.jacobians, "{method:?}");
        assert!(sparse.work.jvp <= 6 * sparse.work.jacobians, "{method:?}: {:?}", sparse.work);
        let constant =
            integrate_stiff(&Circle { n: 60, rate: 3600.0, sparse: true }, 0.0, &[0.5; 60], &[1.0], &options, &Silent);
        assert!(close(&constant.unwrap().u[0], &[0.5; 60], 1e-14), "{method:?}: constants are equilibria");
    }
}

/// u_i' = −λ_i u_i, decaying to 1e-11: the tail is held to rtol of itself down to the floor.
#[test]
fn decayed_tails_are_followed_to_the_floor() {
    struct Decay;
    impl OdeSystem for Decay {
        fn dim(&self) -> usize {
            2
        }
        fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
            (du[0], du[1]) = (-u[0], -25.0 * u[1]);
        }
    }
    let exact = (-25.0f64).exp();
    let relative = |floor: f64, scale: Option<f64>| {
        let options = StiffOptions { rtol: 1e-6, floor, scale, ..StiffOptions::default() };
        let s = integrate_stiff(&Decay, 0.0, &[1.0, 1.0], &[1.0], &options, &Silent).unwrap();
        (s.u[0][1] / exact - 1.0).abs()
    };
    assert!(relative(1e-12, None) < 1e-3, "{:e}", relative(1e-12, None));
    assert!(relative(1e-6, Some(1e-6)) < 1e-3, "the scale is the caller's");
    assert!(relative(1e-2, None) > 1e-2, "a coarse floor costs the tail: {:e}", relative(1e-2, None));
}

#[test]
fn a_longest_step_is_kept() {
    let options = StiffOptions { rtol: 1e-2, max_step: Some(0.01), ..StiffOptions::default() };
    let s = integrate_stiff(&Scalar(|t, _| t), 0.0, &[1.0], &[0.5, 1.0], &options, &Silent).unwrap();
    assert!((100..150).contains(&s.work.steps), "{:?}", s.work);
    assert!((s.u[1][0] - 1.5).abs() < 1e-3, "{s:?}");
}

#[test]
fn a_stiff_solver_runs_the_slow_field() {
    let fast = Circle { n: 6, rate: 1.0, sparse: false };
    let rk4 = rk(ExplicitMethod::Rk4);
    let burst = ConstraintDefined::new(FixedBurst::new(&rk4, &fast, 1e-3, 4).unwrap());
    let u = [1.0, 0.5, 0.0, 0.2, 0.3, 0.4];
    let field = SlowField::new(&burst, &Identity, &Identity, &u);
    let slow = integrate_stiff(&field, 0.0, &u, &[1.0], &StiffOptions::default(), &Silent).unwrap();
    let full = integrate_stiff(&fast, 0.0, &u, &[1.0], &StiffOptions::default(), &Silent).unwrap();
    assert!(field.failure().is_none());
    assert!(close(&slow.u[0], &full.u[0], 1e-3));
}

// ---- equilibria ----

#[test]
fn newton_finds_equilibria() {
    let found = equilibrium(&Cubic, 0.0, &[0.9, 0.0], &NewtonOptions::default()).unwrap();
    assert!(found.converged && close(&found.u, &[1.0, 2.0], 1e-12), "{found:?}");
    // u' = A u + b is one step away, and one more shows it
    struct Affine;
    impl OdeSystem for Affine {
        fn dim(&self) -> usize {
            2
        }
        fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
            (du[0], du[1]) = (-3.0 * u[0] + u[1] + 1.0, u[0] - 2.0 * u[1] + 3.0);
        }
    }
    let found = equilibrium(&Affine, 0.0, &[10.0, -7.0], &NewtonOptions::default()).unwrap();
    assert!(found.converged && found.iterations <= 2, "{found:?}");
    assert!(close(&found.u, &[1.0, 2.0], 1e-13), "{found:?}");
    let j = linear_operator(&Affine, 0.0).unwrap();
    assert_eq!([j[(0, 0)], j[(0, 1)], j[(1, 0)], j[(1, 1)]], [-3.0, 1.0, 1.0, -2.0]);
    // none exists: a status, not an error
    let none = equilibrium(&Scalar(|_, u| 1.0 + u * u), 0.0, &[0.7], &NewtonOptions::default()).unwrap();
    assert!(!none.converged && none.residual >= 1.0, "{none:?}");
}

#[test]
fn a_singular_jacobian_is_an_error_with_advice() {
    let circle = Circle { n: 5, rate: 1.0, sparse: false };
    let u = [1.0, 0.0, 0.0, 0.0, 0.0];
    let error = equilibrium(&circle, 0.0, &u, &NewtonOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Solver { .. }) && error.to_string().contains("singular"), "{error}");
    assert!(matches!(equilibrium(&circle, 0.0, &u[..2], &NewtonOptions::default()), Err(Error::Shape { .. })));
}

// ---- bad input ----

struct Stop;

impl Observer for Stop {
    fn progress(&self, _stage: &str, _done: u64, _total: u64, _detail: &str) {}
    fn interrupted(&self) -> bool {
        true
    }
}

/// Every driver under one signature: a system, t0, u0, times.
fn drivers() -> Vec<(String, Driver)> {
    let mut all: Vec<(String, Driver)> = vec![
        (
            "explicit".into(),
            Box::new(|s, u, t, o| integrate(&rk(ExplicitMethod::Rk4), s, 0.0, u, t, 0.05, o).map(|_| ())),
        ),
        (
            "projective".into(),
            Box::new(|s, u, t, o| {
                let rk4 = rk(ExplicitMethod::Rk4);
                let burst = FixedBurst::new(&rk4, s, 0.01, 2)?;
                ProjectiveRungeKutta::from(ExplicitMethod::Rk2).integrate(&burst, 0.0, u, t, o).map(|_| ())
            }),
        ),
        (
            "general projective".into(),
            Box::new(|s, u, t, o| {
                let rk4 = rk(ExplicitMethod::Rk4);
                let burst = FixedBurst::new(&rk4, s, 0.01, 2)?;
                GeneralProjective::new(&rk4).integrate(&burst, 0.0, u, t, o).map(|_| ())
            }),
        ),
    ];
    for method in StiffMethod::ALL {
        let options = StiffOptions { method, ..StiffOptions::default() };
        let run: Driver = Box::new(move |s, u, t, o| integrate_stiff(s, 0.0, u, t, &options, o).map(|_| ()));
        all.push((format!("{method:?}"), run));
    }
    all
}

type Driver = Box<dyn Fn(&dyn OdeSystem, &[f64], &[f64], &dyn Observer) -> gaptooth::Result<()>>;

#[test]
fn bad_requests_name_what_is_wrong() {
    let decay = Scalar(|_, u| -u);
    for (name, run) in drivers() {
        assert!(run(&decay, &[1.0], &[0.5, 1.0], &Silent).is_ok(), "{name}");
        let fails = |u: &[f64], t: &[f64]| run(&decay, u, t, &Silent).unwrap_err();
        assert!(matches!(fails(&[1.0, 2.0], &[1.0]), Error::Shape { .. }), "{name}: wrong length");
        for times in [&[0.5, 0.5][..], &[1.0, 0.5], &[-1.0, 0.5]] {
            let error = fails(&[1.0], times);
            assert!(matches!(&error, Error::Parameter { name, .. } if name.starts_with("times")), "{name}: {error}");
        }
        assert!(matches!(fails(&[1.0], &[f64::NAN]), Error::NonFinite { .. }), "{name}: NaN time");
        assert!(matches!(fails(&[f64::INFINITY], &[1.0]), Error::NonFinite { index: 0, .. }), "{name}: state");
        let stopped = run(&decay, &[1.0], &[0.5], &Stop).unwrap_err();
        assert!(matches!(stopped, Error::Interrupted { .. }), "{name}: {stopped}");
    }
}

#[test]
fn a_right_hand_side_that_turns_nan_is_an_error_and_not_a_panic() {
    let at_once = Scalar(|_, _| f64::NAN);
    let later = Scalar(|t, u| if t > 0.3 { f64::NAN } else { -u });
    for (name, run) in drivers() {
        for (when, system) in [("at once", &at_once as &dyn OdeSystem), ("later", &later)] {
            let error = run(system, &[1.0], &[0.25, 0.5, 1.0], &Silent).unwrap_err();
            assert!(matches!(error, Error::NonFinite { .. }), "{name}, {when}: {error}");
        }
    }
}

#[test]
fn a_solution_that_blows_up_is_an_error_with_advice() {
    let square = Scalar(|_, u| u * u);
    for method in StiffMethod::ALL {
        let options = StiffOptions { method, ..StiffOptions::default() };
        let error = integrate_stiff(&square, 0.0, &[1.0], &[0.5, 2.0], &options, &Silent).unwrap_err();
        assert!(matches!(error, Error::Solver { .. } | Error::NonFinite { .. }), "{method:?}: {error}");
    }
}

#[test]
fn bad_options_are_refused() {
    let decay = Scalar(|_, u| -u);
    let base = StiffOptions::default();
    for options in [
        StiffOptions { rtol: 0.0, ..base },
        StiffOptions { rtol: f64::NAN, ..base },
        StiffOptions { floor: 2.0, ..base },
        StiffOptions { scale: Some(-1.0), ..base },
        StiffOptions { max_step: Some(0.0), ..base },
    ] {
        let error = integrate_stiff(&decay, 0.0, &[1.0], &[1.0], &options, &Silent).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let rk4 = rk(ExplicitMethod::Rk4);
    assert!(FixedBurst::new(&rk4, &decay, 0.0, 3).is_err() && FixedBurst::new(&rk4, &decay, 0.1, 0).is_err());
    assert!(Projective::new(ExplicitMethod::Rk2.into(), rk4.clone(), f64::NAN, 3).is_err());
    assert!(integrate(&rk4, &decay, 0.0, &[1.0], &[1.0], 0.0, &Silent).is_err());
    let burst = FixedBurst::new(&rk4, &decay, 0.5, 3).unwrap();
    let early = ProjectiveRungeKutta::from(ExplicitMethod::Rk2).integrate(&burst, 0.0, &[1.0], &[0.1], &Silent);
    assert!(matches!(early.unwrap_err(), Error::Parameter { .. }), "the preliminary burst passes the first time");
    struct Wrong;
    impl OdeSystem for Wrong {
        fn dim(&self) -> usize {
            1
        }
        fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
            du[0] = -u[0];
        }
        fn sparsity(&self) -> Option<Vec<(usize, usize)>> {
            Some(vec![(0, 0), (0, 1)])
        }
    }
    let error = integrate_stiff(&Wrong, 0.0, &[1.0], &[1.0], &base, &Silent).unwrap_err();
    assert!(error.to_string().contains("sparsity"), "{error}");
}
