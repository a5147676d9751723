//! A microscale model of your own: porous-medium flow u_t = ∂x(k(x/ε) ∂x u²), whose macroscale law is k* (u²)_xx.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    grid::{Axis, Boundary},
    observer::Silent,
    patch::{
        MicroModel, Patch,
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MicroPath, PatchDynamics},
    },
    report::{Check, Report},
    stencil::EdgeRule,
};

// ANCHOR: model
/// Permeability k = 1.1 + sin 2πx/ε. One method is enough: the Jacobian is differenced, the general path is taken.
struct PorousMedium {
    epsilon: f64,
}

impl MicroModel for PorousMedium {
    fn rhs_into(&self, patch: &Patch<'_>, _t: f64, u: &[f64], du: &mut [f64]) {
        let flux = |i: usize| {
            let middle = 0.5 * (patch.x[i] + patch.x[i + 1]);
            let permeability = 1.1 + (2.0 * PI * middle / self.epsilon).sin();
            permeability * (u[i + 1] * u[i + 1] - u[i] * u[i]) / patch.spacing
        };
        let mut left = flux(0);
        for i in 1..u.len() - 1 {
            let right = flux(i);
            du[i] = (right - left) / patch.spacing;
            left = right;
        }
    }
}
// ANCHOR_END: model

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let grid = Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet)?;
    let patches = BufferedPatches::new(grid, 1e-2, 8e-2, 5e-5)?;
    let lifting = LiftingOptions { degree: 2, points: 9, edges: EdgeRule::OneSided };
    let burst = BurstOptions { length: 5e-6, healing: 1e-6, path: MicroPath::Auto, tolerance: 1e-5 };
    let dynamics = PatchDynamics::new(patches, PorousMedium { epsilon: 1e-3 }, lifting, burst, 1)?;
    let x = &dynamics.patches().grid().x;
    let state: Vec<f64> = x.iter().map(|x| 1.0 + 0.3 * (PI * x).sin()).collect();
    let slopes = dynamics.slopes(0.0, &state, &Silent)?;

    // (u²)_xx of u = 1 + 0.3 s: 0.6 s″ + 0.09 (s²)″ with s = sin πx; k* is the harmonic mean √(1.1² − 1).
    let law = |x: f64| 0.21f64.sqrt() * PI * PI * (-0.6 * (PI * x).sin() + 0.18 * (2.0 * PI * x).cos());
    let inner = 1..x.len() - 1;
    let error = inner.map(|i| (slopes[i] - law(x[i])).abs()).fold(0.0, f64::max);
    let work = dynamics.work();
    let checks = vec![
        Check::at_most("slope_relative_error", error / law(0.5).abs(), 1e-2),
        Check::figure("accepted_steps", work.steps as f64),
        Check::figure("right_hand_sides", work.rhs as f64),
    ];
    Ok(Report { study: "own_micromodel_1d".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
