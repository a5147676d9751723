//! Projective integration of enzyme kinetics: short bursts find the slow slope, long steps follow it.

use gaptooth::{
    Result,
    observer::Silent,
    ode::{
        OdeSystem,
        explicit::{RungeKutta, integrate},
        projective::{ConstraintDefined, FixedBurst, ProjectiveRungeKutta},
        tableau::ExplicitMethod::Rk4,
    },
    report::{Check, Report},
};

/// Michaelis–Menten: x′ = −x + (x + ½) y, ε y′ = x − (x + 1) y; y falls onto x/(x + 1) within a time ε.
struct Enzyme {
    epsilon: f64,
}

impl OdeSystem for Enzyme {
    fn dim(&self) -> usize {
        2
    }
    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        du[0] = -u[0] + (u[0] + 0.5) * u[1];
        du[1] = (u[0] - (u[0] + 1.0) * u[1]) / self.epsilon;
    }
}

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let system = Enzyme { epsilon: 1e-4 };
    let rk4 = RungeKutta::new(Rk4.tableau());
    let times: Vec<f64> = (0..=20).map(|i| 0.2 * i as f64).collect();

    // Every microscale step, for comparison.
    let full = integrate(&rk4, &system, 0.0, &[1.0, 0.0], &times, 5e-5, &Silent)?;

    // Bursts of 20 ε, then a macro-step of 0.2 by the classical Runge–Kutta tableau.
    let burst = FixedBurst::new(&rk4, &system, 2e-3, 40)?;
    let projective = ProjectiveRungeKutta::new(Rk4.tableau());
    let fast = projective.integrate(&burst, 0.0, &[1.0, 0.0], &times, &Silent)?;
    let worst = |a: &[Vec<f64>]| a.iter().zip(&full.u).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f64::max);
    let time_fraction = fast.bursts as f64 * 2e-3 / times[20];

    // Constraint-defined bursts end where they began: their slopes suit any integrator.
    let returning = ConstraintDefined::new(burst);
    let cdmc = projective.integrate(&returning, 0.0, &[1.0, 0.0], &times, &Silent)?;
    let checks = vec![
        Check::figure("time_fraction", time_fraction),
        Check::at_most("projective_error", worst(&fast.u), 1e-4),
        Check::at_most("constraint_defined_error", worst(&cdmc.u), 1e-3),
    ];
    Ok(Report { study: "projective_0d_slow_fast".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
