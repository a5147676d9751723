//! Slopes of the macroscale state from bursts in patches, for a diffusivity of your own, beside the homogenized law.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    cell::{CellMethod, effective},
    coefficient::{ExpressionCoefficient, Formula},
    grid::{Axis, Boundary},
    observer::Silent,
    patch::{
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MicroPath, PatchDynamics},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    report::{Check, Report},
    stencil::EdgeRule,
};

const COEFFICIENT: &str = "1.5 + sin(2*pi*y) + 0.3*cos(6*pi*y)";
const EPSILON: f64 = 1e-3;

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    // Nine patches of width 0.08 around the inner points of a grid, 20 micro-points a period.
    let grid = Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet)?;
    let patches = BufferedPatches::new(grid, 1e-2, 8e-2, 5e-5)?;
    let diffusivity = Formula::parse(COEFFICIENT, &VARIABLES, &[])?;
    let equation = DiffusionEquation { diffusivity, drift: None, reaction: None, epsilon: EPSILON };
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0])?;

    // Lift by quadratics, heal for several ε²/a*, take the slope over 1e-5; a linear model has the exact path at hand.
    let lifting = LiftingOptions { degree: 2, points: 9, edges: EdgeRule::Reflect };
    let burst = BurstOptions { length: 1e-5, healing: 1e-6, path: MicroPath::Auto, tolerance: 1e-9 };
    let dynamics = PatchDynamics::new(patches, model, lifting, burst, 1)?;
    let state: Vec<f64> = dynamics.patches().grid().x.iter().map(|x| (PI * x).sin()).collect();
    let slopes = dynamics.slopes(0.0, &state, &Silent)?;

    // Track two: the cell problem. The patches have not seen it.
    let coefficient = ExpressionCoefficient::new(COEFFICIENT, None, [0.0, 1.0], &[])?;
    let a_star = effective(&coefficient, 0.5, CellMethod::Quadrature, 1e-12)?.scalar();
    let law = |u: f64| -a_star * PI * PI * u;
    let error = slopes.iter().zip(&state).map(|(s, u)| (s - law(*u)).abs()).fold(0.0, f64::max);
    let checks = vec![
        Check::figure("a_star", a_star),
        Check::figure("space_fraction", dynamics.patches().space_fraction()),
        Check::at_most("slope_relative_error", error / law(1.0).abs(), 1e-3),
    ];
    Ok(Report { study: "patch_dynamics_1d_diffusion".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
