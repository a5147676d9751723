//! Patches between a fixed value and a wall: mirror images keep the coupling self-adjoint, windows clamped at the ends do not.

use faer::{Mat, linalg::solvers::Solve};
use gaptooth::{
    Result,
    ode::equilibrium::linear_operator,
    patch::{
        Coupling, PatchGrid, PatchSystem,
        grid::{End, PatchAxis, PatchShape, Placement, Source},
        lattice::LatticeDiffusion,
    },
    report::{Check, Report},
};

/// Bonds of one period, their own mirror image about the middle of a patch: c_j = c_{−j}.
const MEDIUM: [f64; 5] = [0.3, 2.0, 0.8, 0.8, 2.0];
const PATCHES: usize = 9;
const POINTS: usize = 7; // of the lattice in a patch, edges included
const EVERY: usize = 15; // points from patch to patch

/// The whole lattice of `points` points: bond q mod 5 before point q, none after the last, `first` times bond 0 to the fixed value.
fn whole(points: usize, d: f64, first: f64) -> Mat<f64> {
    let share = |q: usize| if q == 0 { first } else { f64::from(q < points) };
    let rate = |q: usize| share(q) * MEDIUM[q % 5] / (d * d);
    Mat::from_fn(points, points, |p, q| match p.abs_diff(q) {
        0 => -rate(p) - rate(p + 1),
        1 => rate(p.max(q)),
        _ => 0.0,
    })
}

/// |J − Jᵀ|/|J|; the largest relative error of the three slowest rates; that of the steady state under a forcing of one.
fn measure(placement: Placement, coupling: Coupling) -> Result<[f64; 3]> {
    // cell-centred: both ends half-way between lattice points; otherwise: the fixed value on one
    let (count, length, first, half) = match placement {
        Placement::CellCentred => (PATCHES * EVERY, (PATCHES * EVERY) as f64, 2.0, (EVERY - POINTS + 2) / 2),
        _ => ((PATCHES - 1) * EVERY + POINTS - 2, ((PATCHES - 1) * EVERY + POINTS) as f64 - 1.5, 1.0, 0),
    };
    let d = 1.0 / length;
    let shape = PatchShape::new(POINTS, 1, d)?;
    let axis = PatchAxis::bounded([0.0, 1.0], [End::Dirichlet, End::Neumann], PATCHES, placement, shape)?;
    let system = PatchSystem::new(LatticeDiffusion::line(MEDIUM.to_vec())?, PatchGrid::line(axis), coupling)?;
    let (j, full) = (linear_operator(&system, 0.0)?, whole(count, d, first));
    let [mut found, mut exact] = [&j, &full].map(|j| j.eigenvalues().expect("finite entries"));
    [&mut found, &mut exact].into_iter().for_each(|values| values.sort_by(|a, b| b.re.total_cmp(&a.re)));
    let rates = found.iter().zip(&exact).take(3).map(|(f, e)| (f - e).norm() / e.norm()).fold(0.0, f64::max);
    let steady = |j: &Mat<f64>| j.partial_piv_lu().solve(Mat::from_fn(j.nrows(), 1, |_, _| -1.0));
    let (found, exact) = (steady(&j), steady(&full));
    // the state is [interior point][patch]
    let at = |k: usize| exact[(half + k % PATCHES * EVERY + k / PATCHES, 0)];
    let off = (0..j.nrows()).map(|k| (found[(k, 0)] - at(k)).abs()).fold(0.0, f64::max) / exact.norm_max();
    Ok([(&j - j.transpose()).norm_l2() / j.norm_l2(), rates, off])
}

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let source = Source::NextToEdge;
    let mut checks = Vec::new();
    for (name, placement) in [("mirror", Placement::CellCentred), ("clamped", Placement::Equispaced)] {
        for order in [2, 4, 6] {
            let found = measure(placement, Coupling::Polynomial { order, source })?;
            let names = ["asymmetry", "slow_rates", "steady_state"].map(|what| format!("{name}_{order}_{what}"));
            checks.extend(names.into_iter().zip(found).map(|(name, value)| Check::figure(&name, value)));
        }
    }
    let [asymmetry, rates, steady] = measure(Placement::CellCentred, Coupling::Spectral { source })?;
    checks.push(Check::at_most("mirror_spectral_asymmetry", asymmetry, 1e-12));
    checks.push(Check::at_most("mirror_spectral_slow_rates", rates, 1e-9));
    checks.push(Check::figure("mirror_spectral_steady_state", steady));
    Ok(Report { study: "patches_1d_bounded".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:32} {:10.1e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
