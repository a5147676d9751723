//! Our side of `bench/patch_trajectory`: one trajectory of coupled patches to t = 1, as one line of JSON.
//!
//! Arguments: relative tolerance, repetitions, and `problem` to write out what the peer needs. The gap-tooth of Arbabi et al. 2020, section
//! 5.2: 16 × 16 patches of 3 × 3 interior points on [0, 2π]², ratio 0.1, spectral next-to-edge coupling, the bonds of eq. 26. The
//! integrator knows a right-hand side only; the exact flow (`BlockPropagator`) measures its error.

use std::{f64::consts::PI, time::Instant};

use gaptooth::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice},
    observer::Silent,
    ode::{OdeSystem, stabilised::integrate_stabilised, stiff::StiffOptions},
    patch::{
        Coupling, PatchGrid, PatchModel, PatchSystem,
        field::{PatchField, PatchFieldMut},
        grid::{PatchAxis, PatchShape, Source},
        lattice::LatticeDiffusion,
        propagator::BlockPropagator,
    },
};

/// The model hiding that it is linear.
struct Opaque(LatticeDiffusion<2>);

impl PatchModel<2> for Opaque {
    fn rhs_into(&self, grid: &PatchGrid<2>, t: f64, u: PatchField<'_, 2>, du: &mut PatchFieldMut<'_, 2>) {
        self.0.rhs_into(grid, t, u, du);
    }

    fn reads_corners(&self) -> bool {
        false
    }
}

fn main() -> Result<()> {
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [rtol, repetitions] = arguments[..] else {
        return Err(Error::parameter("arguments", arguments.len(), "2 numbers", "try 1e-8 5"));
    };
    let shape = PatchShape::from_ratio(0.1, 2.0 * PI / 16.0, Source::NextToEdge, 5, 1)?;
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], 16, shape)?;
    let kx = vec![1.0566, 0.6668, 1.1568, 6.5894, 0.8683, 2.4174, 0.9473, 1.1407, 1.6610];
    let ky = vec![3.6355, 0.4470, 2.3896, 0.8628, 4.8558, 0.2833, 4.5025, 1.5865, 0.5679];
    let model = LatticeDiffusion::new(BondLattice::new([3, 3], [kx.clone(), ky.clone()], Bond::Left)?);
    let grid = PatchGrid::new([axis.clone(), axis]);
    let coupling = Coupling::Spectral { source: Source::NextToEdge };
    let exact = PatchSystem::new(model.clone(), grid.clone(), coupling)?;
    let system = PatchSystem::new(Opaque(model), grid, coupling)?;
    let u0 = system.sample(|_, [x, y], _| {
        x.sin() * (2.0 * y).cos() + 0.3 * (x + y).cos() + 0.2 * (4.0 * x + 1.0).cos() * (5.0 * y + 2.0).sin()
    });
    let options = StiffOptions { rtol, floor: 1.0, ..StiffOptions::default() };
    let mut seconds = Vec::new();
    let mut found = None;
    for _ in 0..repetitions as usize {
        let started = Instant::now();
        found = Some(integrate_stabilised(&system, 0.0, &u0, &[1.0], &options, &Silent)?);
        seconds.push(started.elapsed().as_secs_f64());
    }
    let Some(found) = found else { return Ok(()) };
    let truth = BlockPropagator::new(&exact)?.evolve(&u0, &[1.0])?.remove(0).u;
    let error = found.u[0].iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let mut slope = vec![0.0; u0.len()];
    system.rhs_into(0.0, &u0, &mut slope);
    let problem = std::env::args()
        .any(|a| a == "problem")
        .then(|| serde_json::json!({ "kx": kx, "ky": ky, "start": u0, "slope": slope, "exact": truth }));
    let json = serde_json::json!({
        "seconds": seconds, "unknowns": system.dim(), "steps": found.work.steps, "rejected": found.work.rejected,
        "rhs": found.work.rhs, "jvp": found.work.jvp, "error": error, "problem": problem,
    });
    println!("{json}");
    Ok(())
}
