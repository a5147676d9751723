//! The gap-tooth scheme: teeth with the slopes of a macroscale polynomial at their edges, run by a stiff integrator.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    observer::Silent,
    ode::stiff::{StiffMethod, StiffOptions, integrate_stiff},
    patch::{
        Coupling, PatchGrid, PatchSystem,
        grid::{PatchAxis, PatchShape},
        lattice::LatticeDiffusion,
    },
    report::{Check, Report},
};

const TEETH: usize = 12;
const POINTS: usize = 10; // of a period
const PERIOD: f64 = 1e-4;

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    // Twelve teeth of two periods each on a periodic domain: 0.24 % of space.
    let a = |j: usize| 1.1 + (2.0 * PI * (j as f64 + 0.5) / POINTS as f64).sin();
    let model = LatticeDiffusion::line((0..POINTS).map(a).collect())?;
    let a_star = model.homogenized();
    let shape = PatchShape::new(2 * POINTS + 1, 1, PERIOD / POINTS as f64)?;
    let axis = PatchAxis::periodic([0.0, 1.0], TEETH, shape)?;
    let coupling = Coupling::Slope { degree: 4, period: POINTS };
    let system = PatchSystem::new(model, PatchGrid::line(axis), coupling)?;

    // From cos 2πx to t = 0.05 by BDF.
    let initial = system.sample(|_, [x], _| (2.0 * PI * x).cos());
    let options = StiffOptions { method: StiffMethod::Bdf, rtol: 1e-7, ..StiffOptions::default() };
    let solution = integrate_stiff(&system, 0.0, &initial, &[0.05], &options, &Silent)?;

    // Restriction: the mean of each tooth. The homogenized solution only decays.
    let inner = initial.len() / TEETH;
    let mean = |tooth: &Vec<f64>| tooth.iter().sum::<f64>() / inner as f64;
    let means = |u: &[f64]| system.by_patch(u).iter().map(mean).collect::<Vec<_>>();
    let decay = (-a_star * (2.0 * PI).powi(2) * 0.05).exp();
    let (start, end) = (means(&initial), means(&solution.u[0]));
    let error = start.iter().zip(&end).map(|(s, e)| (e - decay * s).abs()).fold(0.0, f64::max);
    let space = system.grid().axis(0).space_fraction();
    let checks = vec![
        Check::figure("a_star", a_star),
        Check::figure("space_fraction", space),
        Check::at_most("relative_error", error / decay, 2e-2),
        Check::figure("steps", solution.work.steps as f64),
    ];
    Ok(Report { study: "gap_tooth_1d_diffusion".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
