//! Coefficients that jump, as pictures: values in the middle of voxels.

use super::{EffectiveTensor, VoxelCell, VoxelOptions, VoxelSolver};
use crate::coefficient::{CellTensor, check_definite};
use crate::observer::Observer;
use crate::{Error, Result};

/// Lines along each axis on which jumps are looked for.
const LINES: usize = 64;
/// Points of a line.
const POINTS: usize = 1 << 12;

/// Whether a(y) jumps, as far as lines along the axes can see: the largest step between neighbouring points of a line is
/// the same for half the spacing.
pub fn has_jumps(tensor: &dyn CellTensor) -> bool {
    let d = tensor.dimension();
    (0..d).any(|axis| {
        (0..LINES).any(|line| {
            // irrational offsets: no line runs along the faces of a regular pattern
            let offset =
                |other: usize| ((line + 1) as f64 * [0.754_877_666, 0.569_840_291, 0.618_033_989][other]) % 1.0;
            let y: Vec<Vec<f64>> = (0..d)
                .map(|other| {
                    let along = |k: usize| (k as f64 + offset(other)) / POINTS as f64;
                    (0..POINTS).map(|k| if other == axis { along(k) } else { offset(other) }).collect()
                })
                .collect();
            let values = tensor.values(&y.iter().map(Vec::as_slice).collect::<Vec<_>>());
            values.iter().any(|a| {
                let largest = a.iter().fold(0.0f64, |m, a| m.max(a.abs()));
                let step = |by: usize| {
                    let points: Vec<f64> = a.iter().step_by(by).copied().collect();
                    points
                        .windows(2)
                        .fold((points[0] - points[points.len() - 1]).abs(), |m, p| m.max((p[1] - p[0]).abs()))
                };
                let (fine, rough) = (step(1), step(2));
                fine > 1e-6 * largest && fine > 0.9 * rough
            })
        })
    })
}

/// The effective tensor of a scalar a(y) with its values in the middle of `points` voxels along each axis of the unit cell.
///
/// The answer is the middle of the bounds, and `residual` the largest half width of the interval: they hold for the picture, and for a itself
/// when its jumps run along faces of voxels and it is constant between.
///
/// # Errors
/// [`Error::Parameter`] for a tensor that is not scalar or a wrong number of points; as [`VoxelCell::effective`].
///
/// ```
/// use gaptooth::{cell, coefficient::FormulaTensor, observer::Silent};
/// let layers = FormulaTensor::scalar("where(y1 % 1 < 0.3, 1, 10)", 2, &[])?;
/// assert!(cell::has_jumps(&layers));
/// let found = cell::sampled(&layers, &[20, 20], 1e-12, &Silent)?;
/// assert!((found.tensor[0][0] - 1.0 / 0.37).abs() < 1e-10 && (found.tensor[1][1] - 7.3).abs() < 1e-10);
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn sampled(
    tensor: &dyn CellTensor,
    points: &[usize],
    tolerance: f64,
    observer: &dyn Observer,
) -> Result<EffectiveTensor> {
    let d = tensor.dimension();
    if !tensor.is_scalar() || points.len() != d || points.contains(&0) {
        let expected = format!("a scalar coefficient and {d} numbers of points");
        return Err(Error::parameter("points", format!("{points:?}"), expected, "voxels hold one number each"));
    }
    let voxels: usize = points.iter().product();
    let middle = |i: usize, axis: usize| {
        let stride: usize = points[axis + 1..].iter().product();
        ((i / stride % points[axis]) as f64 + 0.5) / points[axis] as f64
    };
    let y: Vec<Vec<f64>> = (0..d).map(|axis| (0..voxels).map(|i| middle(i, axis)).collect()).collect();
    let columns: Vec<&[f64]> = y.iter().map(Vec::as_slice).collect();
    let mut values = tensor.values(&columns);
    check_definite(tensor, &columns, &values)?;
    let a = values.swap_remove(0);
    drop(y);
    let sizes: Vec<f64> = points.iter().map(|n| 1.0 / *n as f64).collect();
    let options = VoxelOptions { tolerance, solver: VoxelSolver::Fft, bounds: true, ..Default::default() };
    let mut found = VoxelCell::new(points, &sizes, a)?.effective(&options, observer)?.effective;
    if let (Some(lower), Some(upper)) = (&found.lower, &found.upper) {
        let entries = || (0..d).flat_map(|i| (0..d).map(move |j| (i, j)));
        entries().for_each(|(i, j)| found.tensor[i][j] = 0.5 * (lower[i][j] + upper[i][j]));
        found.residual = entries().fold(0.0f64, |m, (i, j)| m.max(0.5 * (upper[i][j] - lower[i][j]).abs()));
    }
    let shape: Vec<String> = points.iter().map(ToString::to_string).collect();
    found.method = format!("the middle of the bounds on {} voxels", shape.join(" x "));
    Ok(found)
}
