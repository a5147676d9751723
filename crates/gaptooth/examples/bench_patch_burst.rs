//! Our side of `bench/patch_burst`: what a burst of one patch costs in the paper's setting, as one line of JSON.
//!
//! Arguments: the largest relative error allowed in a slope, trajectories, repetitions, and optionally `opaque`, which hides from
//! the general path that the model is linear. The general path takes the loosest tolerance (in half decades) that keeps that
//! error in all nine teeth; the exact path is the judge.

use std::time::Instant;

use gaptooth::{
    Error, Result,
    coefficient::Formula,
    grid::{Axis, Boundary},
    linalg::Tridiagonal,
    observer::Silent,
    patch::{
        MicroModel, Patch,
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MicroPath, PatchDynamics},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    stencil::EdgeRule,
};

/// Diffusion that may hide that it is linear.
struct Burst {
    model: Diffusion,
    opaque: bool,
}

impl MicroModel for Burst {
    fn rhs_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], du: &mut [f64]) {
        self.model.rhs_into(patch, t, u, du);
    }

    fn jacobian_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], jacobian: &mut Tridiagonal) {
        self.model.jacobian_into(patch, t, u, jacobian);
    }

    fn linear_group(&self, patch: usize) -> Option<usize> {
        if self.opaque { None } else { self.model.linear_group(patch) }
    }
}

/// Arbabi et al. 2020, section 5.1: ε = 1e-5, H = 8e-3, h = 1e-4, δx = 1e-7 (80 001 points), δt = 1e-6, Δx = 0.1.
fn dynamics(path: MicroPath, tolerance: f64, trajectories: usize, opaque: bool) -> Result<PatchDynamics<Burst>> {
    let grid = Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet)?;
    let patches = BufferedPatches::new(grid, 1e-4, 8e-3, 1e-7)?;
    let diffusivity = Formula::parse("1.1 + sin(2*pi*y)", &VARIABLES, &[])?;
    let equation = DiffusionEquation { diffusivity, drift: None, reaction: None, epsilon: 1e-5 };
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0])?;
    let lifting = LiftingOptions { degree: 2, points: 3, edges: EdgeRule::OneSided };
    let burst = BurstOptions { length: 1e-6, healing: 0.0, path, tolerance };
    PatchDynamics::new(patches, Burst { model, opaque }, lifting, burst, trajectories)
}

fn state(trajectory: usize) -> Vec<f64> {
    (0..=10).map(|i| 1.2 + (0.2 * std::f64::consts::PI * i as f64 + 0.3 + trajectory as f64).sin()).collect()
}

fn worst(found: &[f64], exact: &[f64]) -> f64 {
    let scale = exact.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    found.iter().zip(exact).fold(0.0f64, |m, (f, e)| m.max((f - e).abs())) / scale
}

fn main() -> Result<()> {
    let opaque = std::env::args().any(|a| a == "opaque");
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [allowed, trajectories, repetitions] = arguments[..] else {
        return Err(Error::parameter("arguments", arguments.len(), "3 numbers", "0 1 1 shows the exact slopes"));
    };
    let (trajectories, repetitions) = (trajectories as usize, repetitions as usize);
    let started = Instant::now();
    let exact = dynamics(MicroPath::Exact, 1e-9, 1, false)?;
    let setup = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let slopes = exact.slopes(0.0, &state(0), &Silent)?;
    let exact_seconds = started.elapsed().as_secs_f64() / 9.0;
    let (mut tolerance, mut error) = (0.09, 0.0);
    if allowed > 0.0 {
        loop {
            let found = dynamics(MicroPath::General, tolerance, 1, opaque)?.slopes(0.0, &state(0), &Silent)?;
            error = worst(&found, &slopes);
            if error <= allowed || tolerance < 1e-12 {
                break;
            }
            tolerance *= 0.1f64.sqrt();
        }
    }
    let general = dynamics(MicroPath::General, tolerance, trajectories, opaque)?;
    let all: Vec<f64> = (0..trajectories).flat_map(state).collect();
    let mut seconds = Vec::new();
    for _ in 0..if allowed > 0.0 { repetitions } else { 0 } {
        let started = Instant::now();
        general.slopes(0.0, &all, &Silent)?;
        seconds.push(started.elapsed().as_secs_f64() / (9 * trajectories) as f64);
    }
    let (work, runs) = (general.work(), seconds.len().max(1));
    let per_burst = |n: u64| n as f64 / (runs * 9 * trajectories) as f64;
    let json = serde_json::json!({
        "state": state(0), "exact_slopes": slopes, "exact_setup_seconds": setup, "exact_seconds": exact_seconds,
        "tolerance": tolerance, "error": error, "seconds": seconds, "threads": rayon::current_num_threads(),
        "per_burst": { "rhs": per_burst(work.rhs), "solves": per_burst(work.solves), "factors": per_burst(work.factors) },
        "steps": work.steps / runs as u64, "rejected": work.rejected / runs as u64,
    });
    println!("{json}");
    Ok(())
}
