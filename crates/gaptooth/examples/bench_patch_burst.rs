//! Our side of `bench/patch_burst`: what a burst of one patch costs in the paper's setting, as one line of JSON.
//!
//! Arguments: the largest relative error allowed in a slope, trajectories, repetitions. The general path takes the
//! loosest tolerance (in half decades) that keeps that error in all nine teeth; the exact path is the judge.

use std::time::Instant;

use gaptooth::{
    Error, Result,
    coefficient::Formula,
    grid::{Boundary, Grid},
    observer::Silent,
    patch::{
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MicroPath, PatchDynamics},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    stencil::EdgeRule,
};

/// Arbabi et al. 2020, section 5.1: ε = 1e-5, H = 8e-3, h = 1e-4, δx = 1e-7 (80 001 points), δt = 1e-6, Δx = 0.1.
fn dynamics(path: MicroPath, tolerance: f64, trajectories: usize) -> Result<PatchDynamics<Diffusion>> {
    let grid = Grid::uniform([0.0, 1.0], 10, Boundary::Dirichlet)?;
    let patches = BufferedPatches::new(grid, 1e-4, 8e-3, 1e-7)?;
    let diffusivity = Formula::parse("1.1 + sin(2*pi*y)", &VARIABLES, &[])?;
    let equation = DiffusionEquation { diffusivity, drift: None, reaction: None, epsilon: 1e-5 };
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0])?;
    let lifting = LiftingOptions { degree: 2, points: 3, edges: EdgeRule::OneSided };
    PatchDynamics::new(
        patches,
        model,
        lifting,
        BurstOptions { length: 1e-6, healing: 0.0, path, tolerance },
        trajectories,
    )
}

fn state(trajectory: usize) -> Vec<f64> {
    (0..=10).map(|i| 1.2 + (0.2 * std::f64::consts::PI * i as f64 + 0.3 + trajectory as f64).sin()).collect()
}

fn worst(found: &[f64], exact: &[f64]) -> f64 {
    let scale = exact.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    found.iter().zip(exact).fold(0.0f64, |m, (f, e)| m.max((f - e).abs())) / scale
}

fn main() -> Result<()> {
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [allowed, trajectories, repetitions] = arguments[..] else {
        return Err(Error::parameter("arguments", arguments.len(), "3 numbers", "0 1 1 shows the exact slopes"));
    };
    let (trajectories, repetitions) = (trajectories as usize, repetitions as usize);
    let started = Instant::now();
    let exact = dynamics(MicroPath::Exact, 1e-9, 1)?;
    let setup = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let slopes = exact.slopes(0.0, &state(0), &Silent)?;
    let exact_seconds = started.elapsed().as_secs_f64() / 9.0;
    let (mut tolerance, mut error) = (0.09, 0.0);
    if allowed > 0.0 {
        loop {
            error = worst(&dynamics(MicroPath::General, tolerance, 1)?.slopes(0.0, &state(0), &Silent)?, &slopes);
            if error <= allowed || tolerance < 1e-12 {
                break;
            }
            tolerance *= 0.1f64.sqrt();
        }
    }
    let general = dynamics(MicroPath::General, tolerance, trajectories)?;
    let all: Vec<f64> = (0..trajectories).flat_map(state).collect();
    let mut seconds = Vec::new();
    for _ in 0..if allowed > 0.0 { repetitions } else { 0 } {
        let started = Instant::now();
        general.slopes(0.0, &all, &Silent)?;
        seconds.push(started.elapsed().as_secs_f64() / (9 * trajectories) as f64);
    }
    let (work, runs) = (general.work(), seconds.len().max(1) as u64);
    let json = serde_json::json!({
        "state": state(0), "exact_slopes": slopes, "exact_setup_seconds": setup, "exact_seconds": exact_seconds,
        "tolerance": tolerance, "error": error, "seconds": seconds, "threads": rayon::current_num_threads(),
        "per_burst": { "rhs": work.rhs / (runs * 9 * trajectories as u64),
                       "solves": work.solves / (runs * 9 * trajectories as u64) },
        "steps": work.steps / runs, "rejected": work.rejected / runs, "factors": work.factors / runs,
    });
    println!("{json}");
    Ok(())
}
