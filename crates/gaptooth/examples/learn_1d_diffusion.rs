//! From bursts to a law: gather (u, u_t) by patch dynamics, fit u_t = c₂ u_xx + c₄ u_xxxx, judge it on an unseen state.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    closure::{
        Dataset, FeatureSpec, LinearLaw, LinearRecipe, Provenance, fit_linear,
        metrics::relative_mean_squared_error as rmse,
    },
    coefficient::Formula,
    grid::{Axis, Boundary},
    observer::Silent,
    ode::{explicit::RungeKutta, explicit::integrate, tableau::ExplicitMethod::Rk4},
    patch::{
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MacroSteps, MicroPath, PatchDynamics, Recording, simulate},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    report::{Check, Report},
    stencil::EdgeRule,
};

/// Σ b_k sin kπx at time t: the homogenized truth, a* = √0.21.
fn truth(b: &[f64], x: &[f64], t: f64) -> Vec<f64> {
    let mode = |k: f64, x: f64| (k * PI * x).sin() * (-0.21f64.sqrt() * (k * PI).powi(2) * t).exp();
    x.iter().map(|&x| b.iter().enumerate().map(|(k, b)| b * mode(k as f64 + 1.0, x)).sum()).collect()
}

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let grid = Axis::uniform([0.0, 1.0], 20, Boundary::Dirichlet)?;
    let patches = BufferedPatches::new(grid.clone(), 4e-3, 4e-2, 5e-5)?;
    let diffusivity = Formula::parse("1.1 + sin(2*pi*y)", &VARIABLES, &[])?;
    let equation = DiffusionEquation { diffusivity, drift: None, reaction: None, epsilon: 1e-3 };
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0])?;
    let lifting = LiftingOptions { degree: 2, points: 9, edges: EdgeRule::Reflect };
    let burst = BurstOptions { length: 2e-6, healing: 1e-6, path: MicroPath::Auto, tolerance: 1e-9 };
    let states = [[1.0, -0.5, 0.3, 0.4], [-0.2, 0.8, -0.6, 0.1], [0.5, 0.1, 0.9, -0.7]];
    let initial: Vec<f64> = states.iter().flat_map(|b| truth(b, &grid.x, 0.0)).collect();
    let dynamics = PatchDynamics::new(patches, model, lifting, burst, states.len())?;

    // Projective RK4: bursts of 2e-6 stand for steps of 1e-3. Each burst heals for 1e-6 before its slope counts.
    let steps = MacroSteps { tableau: Rk4.tableau(), step: 1e-3, count: 50, every: 1 };
    let r = simulate(&dynamics, &initial, &steps, Recording::default(), &Silent, |_| Ok(()))?;
    let (n, records) = (grid.len(), 0..r.times.len());
    let rows = |all: &[Vec<f64>], k: usize| records.clone().flat_map(|t| all[t][k * n..(k + 1) * n].to_vec()).collect();
    let stack = |all: &[Vec<f64>]| (0..states.len()).flat_map(|k| -> Vec<f64> { rows(all, k) }).collect();
    let data = Dataset::new(grid.clone().into(), r.times.clone(), stack(&r.u), stack(&r.u_t), Provenance::new())?;

    let spec = FeatureSpec::differences(&[2, 4], 9, EdgeRule::Reflect);
    let law = fit_linear(&data, &LinearRecipe::relative(spec.clone()))?.law;
    let mean = LinearLaw::new(spec, &data.grid, vec![1.1, 0.0])?; // averaging the coefficient instead
    let (unseen, times) = ([0.3, -0.9, 0.2, 0.6], [0.0, 0.02, 0.05, 0.1]);
    let exact: Vec<f64> = times.iter().flat_map(|&t| truth(&unseen, &grid.x, t)).collect();
    let score = |law: &LinearLaw| -> Result<f64> {
        let rk4 = RungeKutta::new(Rk4.tableau());
        let found = integrate(&rk4, law, 0.0, &truth(&unseen, &grid.x, 0.0), &times, 5e-4, &Silent)?;
        rmse(&found.u.concat(), &exact)
    };
    let checks = vec![
        Check::at_most("c2_error", (law.coefficients()[0] - 0.21f64.sqrt()).abs(), 1e-3),
        Check::at_most("trajectory_rmse", score(&law)?, 1e-6),
        Check::at_least("arithmetic_mean_trajectory_rmse", score(&mean)?, 1e-2),
    ];
    Ok(Report { study: "learn_1d_diffusion".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
