//! The lattice of Arbabi et al. 2020 (eq. 25–26) on 16 × 16 patches, 4 % of the plane, and its exact homogenized equation.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    cell::lattice::{LatticeEquation, bloch_rates},
    coefficient::lattice::{Bond, BondLattice},
    patch::{
        Coupling, PatchGrid, PatchSystem,
        grid::{PatchAxis, PatchShape, Source},
        lattice::LatticeDiffusion,
        propagator::BlockPropagator,
    },
    report::{Check, Report},
};

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    // Eq. 26. In the released code entry k is the bond to the left of point k; eq. 25 as printed says right.
    let kx = vec![1.0566, 0.6668, 1.1568, 6.5894, 0.8683, 2.4174, 0.9473, 1.1407, 1.6610];
    let ky = vec![3.6355, 0.4470, 2.3896, 0.8628, 4.8558, 0.2833, 4.5025, 1.5865, 0.5679];
    let lattice = BondLattice::new([3, 3], [kx, ky], Bond::Left)?;
    let shape = PatchShape::from_ratio(0.2, 2.0 * PI / 16.0, Source::NextToEdge, 5, 1)?;
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], 16, shape)?;
    let grid = PatchGrid::new([axis.clone(), axis]);
    let coupling = Coupling::Spectral { source: Source::NextToEdge };
    let system = PatchSystem::new(LatticeDiffusion::new(lattice.clone()), grid, coupling)?;

    // A wave heals onto the slow manifold by t = 0.01; from there to t = 1 it decays at the rate of its Bloch wave.
    let k = [1.0, -1.0];
    let initial = system.sample(|_, [x, y], _| (k[0] * x + k[1] * y).cos());
    let evolved = BlockPropagator::new(&system)?.evolve(&initial, &[0.01, 1.0])?;
    let size = |u: &[f64]| u.iter().map(|u| u * u).sum::<f64>().sqrt();
    let found = (size(&evolved[1].u) / size(&evolved[0].u)).ln() / 0.99;

    // The truth: u_t = A u_xx + B u_yy + C u_xy + h²(fourth order), to any order.
    let h = [shape.spacing(); 2];
    let equation = LatticeEquation::new(&lattice, h, 4)?;
    let exact = bloch_rates(&lattice, h, k)?[0];
    let printed = -1.2644 * k[0] * k[0] - 1.3398 * k[1] * k[1]; // eq. 27
    let checks = vec![
        Check::figure("space_fraction", system.grid().space_fraction()),
        Check::figure("u_xx", equation.coefficient([2, 0])),
        Check::figure("u_yy", equation.coefficient([0, 2])),
        Check::figure("u_xy", equation.coefficient([1, 1])),
        Check::figure("rate_of_printed_equation", printed),
        Check::figure("rate_of_patches", found),
        Check::at_most("patches_against_bloch", (found / exact - 1.0).abs(), 1e-9),
        Check::at_most("fourth_order_against_bloch", (equation.rate(k) / exact - 1.0).abs(), 1e-6),
    ];
    Ok(Report { study: "patches_2d_lattice".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.6} {:12.2e}  passed: {}", check.name, check.value, check.value, check.passed);
    }
    Ok(())
}
