//! A microscale model of your own in the plane: an excitable medium with two fields, on a ninth of the plane and on all of it.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    observer::Silent,
    ode::{explicit::RungeKutta, explicit::integrate, tableau::ExplicitMethod},
    patch::{
        Coupling, PatchGrid, PatchModel, PatchSystem,
        field::{PatchField, PatchFieldMut},
        grid::{PatchAxis, PatchShape, Source},
    },
    report::{Check, Report},
};

// ANCHOR: model
/// FitzHugh–Nagumo: u_t = ∇·(a ∇u) + u − u³/3 − v, v_t = (u + 0.7 − 0.8 v)/5, `a` on the bonds of a lattice of period 3.
#[derive(Clone)]
struct Excitable {
    a: [f64; 3],
}

impl PatchModel<2> for Excitable {
    fn fields(&self) -> usize {
        2
    }

    // A slice holds one microscale point of all patches: `[k]` is patch k.
    fn rhs_into(&self, grid: &PatchGrid<2>, _t: f64, u: PatchField<'_, 2>, du: &mut PatchFieldMut<'_, 2>) {
        let spacing = grid.axis(0).shape().spacing();
        let bond = |i: usize| self.a[i % 3] / (spacing * spacing);
        for [i, j] in grid.interior() {
            let (west, east) = (u.at(0, [i - 1, j]), u.at(0, [i + 1, j]));
            let (south, north) = (u.at(0, [i, j - 1]), u.at(0, [i, j + 1]));
            let (p, q) = (u.at(0, [i, j]), u.at(1, [i, j]));
            for (k, du) in du.at(0, [i, j]).iter_mut().enumerate() {
                let along_x = bond(i) * (east[k] - p[k]) - bond(i - 1) * (p[k] - west[k]);
                let along_y = bond(j) * (north[k] - p[k]) - bond(j - 1) * (p[k] - south[k]);
                *du = along_x + along_y + p[k] - p[k].powi(3) / 3.0 - q[k];
            }
            for (k, dv) in du.at(1, [i, j]).iter_mut().enumerate() {
                *dv = (p[k] + 0.7 - 0.8 * q[k]) / 5.0;
            }
        }
    }
}
// ANCHOR_END: model

/// u at time 1 on n × n patches of 3 × 3 points that cover `ratio` of each direction: `[patch][point]`.
fn evolve(model: &Excitable, n: usize, ratio: f64) -> Result<(Vec<Vec<f64>>, f64)> {
    let shape = PatchShape::from_ratio(ratio, 6.0 / n as f64, Source::NextToEdge, 5, 1)?;
    let axis = PatchAxis::periodic([0.0, 6.0], n, shape)?;
    let coupling = Coupling::Spectral { source: Source::NextToEdge };
    let system = PatchSystem::new(model.clone(), PatchGrid::new([axis.clone(), axis]), coupling)?;
    let wave = |x: f64| (PI * x / 3.0).cos();
    let initial = system.sample(|field, [x, y], _| [0.8 * wave(x) + 0.5 * wave(y), -0.3 * wave(x) * wave(y)][field]);
    let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
    let u = integrate(&rk4, &system, 0.0, &initial, &[1.0], 1.5e-3, &Silent)?.u.remove(0);
    Ok((system.by_patch(&u[..u.len() / 2]), system.grid().space_fraction()))
}

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let model = Excitable { a: [0.3, 1.2, 0.6] };
    let (patches, fraction) = evolve(&model, 9, 1.0 / 3.0)?;
    // 27 × 27 patches side by side are the whole plane; every third in each direction is one of the nine.
    let (whole, _) = evolve(&model, 27, 1.0)?;
    let same = |k: usize| &whole[(3 * (k / 9) + 1) * 27 + 3 * (k % 9) + 1];
    let error = |k: usize| patches[k].iter().zip(same(k)).map(|(p, w)| (p - w).abs()).fold(0.0, f64::max);
    let checks = vec![
        Check::figure("space_fraction", fraction),
        Check::figure("largest_value", patches.iter().flatten().copied().fold(f64::MIN, f64::max)),
        Check::at_most("error_against_the_whole_plane", (0..81).map(error).fold(0.0, f64::max), 1e-3),
    ];
    Ok(Report { study: "own_micromodel_2d".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
