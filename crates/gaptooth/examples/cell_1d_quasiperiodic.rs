//! Effective diffusivities in one dimension: periodic, slowly varying, and quasi-periodic without any period at all.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    cell::{CellMethod, CellProblem1d, effective},
    coefficient::ExpressionCoefficient,
    report::{Check, Report},
};

const QUASI_PERIODIC: &str = "2 + 0.5*sin(2*pi*y) + 0.5*sin(2*pi*sqrt(2)*y)";

/// 1/⟨1/a⟩ over the torus that the line y ↦ (y, √2 y) fills: the trapezoid rule in both angles.
fn over_the_torus() -> f64 {
    let n = 128;
    let angle = |i: usize| 2.0 * PI * i as f64 / n as f64;
    let reciprocal = |i: usize, j: usize| 1.0 / (2.0 + 0.5 * angle(i).sin() + 0.5 * angle(j).sin());
    let sum: f64 = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| reciprocal(i, j)).sum();
    (n * n) as f64 / sum
}

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let read = |text: &str| ExpressionCoefficient::new(text, None, [0.0, 1.0], &[]);
    let mut checks = Vec::new();

    // Periodic: quadrature and finite elements, which also bracket a*.
    let periodic = read("1.1 + sin(2*pi*y)")?;
    for (name, method) in [("quadrature", CellMethod::Quadrature), ("fem", CellMethod::FiniteElement { degree: 8 })] {
        let a_star = effective(&periodic, 0.0, method, 1e-13)?.scalar();
        checks.push(Check::at_most(&format!("periodic_{name}_error"), (a_star - 0.21f64.sqrt()).abs(), 1e-12));
    }

    // Slowly varying: one cell problem per slow point.
    let slow = read("2 + x + sin(2*pi*y)")?;
    for x in [0.0, 0.5, 1.0] {
        let a_star = effective(&slow, x, CellMethod::Quadrature, 1e-12)?.scalar();
        let exact = ((2.0 + x) * (2.0 + x) - 1.0).sqrt();
        checks.push(Check::at_most(&format!("slow_error_at_{x}"), (a_star - exact).abs(), 1e-11));
    }

    // Quasi-periodic: no cell, still an average.
    let quasi = read(QUASI_PERIODIC)?;
    let problem = CellProblem1d::new(&quasi, 0.0);
    let a_star = problem.effective(CellMethod::Quadrature, 1e-10)?.scalar();
    checks.push(Check::figure("quasiperiodic_a_star", a_star));
    checks.push(Check::figure("quasiperiodic_mean", problem.arithmetic_mean(1e-10)?.value));
    checks.push(Check::at_most("quasiperiodic_error", (a_star - over_the_torus()).abs(), 1e-8));
    Ok(Report { study: "cell_1d_quasiperiodic".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
