//! Energies of trial fields: gradients bound the tensor from above, solenoidal fluxes from below.

use faer::{Mat, c64, linalg::solvers::Solve};

use super::spectral::{Field, Spectral, Values, total};
use crate::coefficient::CellTensor;
use crate::{Error, Result};

/// a and the gradients e_j + ∇χ_j at the points of a grid, which may lie between those where χ was found.
pub(super) struct Fields {
    pub(super) values: Values,
    /// `[j][axis][point]`, real
    gradients: Vec<Field>,
}

impl Fields {
    /// On the grid of `fine`, moved by `shift` spacings.
    pub(super) fn new(
        tensor: &dyn CellTensor,
        fine: &Spectral,
        spectra: &[Vec<c64>],
        own: &Spectral,
        shift: &[f64],
    ) -> Result<Self> {
        let shift: Vec<f64> = fine.shape.iter().zip(shift).map(|(n, s)| s / *n as f64).collect();
        let values = Values::new(tensor, &fine.points(&shift))?;
        let moved = |spectrum: &Vec<c64>| {
            let mut result = fine.resampled(spectrum, own);
            for (i, c) in result.iter_mut().enumerate() {
                let phase: f64 = fine.waves.iter().zip(&shift).map(|(k, s)| k[i] * s).sum();
                *c *= c64::new(phase.cos(), phase.sin());
            }
            result
        };
        let spectra: Vec<Vec<c64>> = spectra.iter().map(moved).collect();
        Ok(Fields::with_values(values, fine, &spectra))
    }

    /// On the grid of the spectra itself.
    pub(super) fn with_values(values: Values, space: &Spectral, spectra: &[Vec<c64>]) -> Self {
        let gradient = |(j, spectrum): (usize, &Vec<c64>)| {
            let mut field = space.gradient(spectrum);
            field[j].iter_mut().for_each(|g| g.re += 1.0);
            field
        };
        Fields { values, gradients: spectra.iter().enumerate().map(gradient).collect() }
    }

    /// ⟨(e_j + ∇χ_j)·a(e_l + ∇χ_l)⟩, symmetric.
    pub(super) fn energy(&self) -> Vec<Vec<f64>> {
        let fluxes: Vec<Field> = self.fluxes();
        symmetric(self.gradients.len(), |j, l| mean_product(&self.gradients[j], &fluxes[l]))
    }

    fn fluxes(&self) -> Vec<Field> {
        let mut fluxes = self.gradients.clone();
        fluxes.iter_mut().for_each(|flux| self.values.multiply(flux));
        fluxes
    }
}

/// [lower, upper] in the sense of quadratic forms, up to the grid's quadrature.
///
/// Upper: the energy U of the gradients. Lower: the fluxes a(e_j + ∇χ_j) with their gradient part taken away are solenoidal
/// fields σ_j of mean M e_j; with C_jl = ⟨σ_j·a⁻¹σ_l⟩ the complementary energy gives Mᵀ A*⁻¹ M ≤ C, that is A* ≥ M C⁻¹ Mᵀ. Both are
/// wrong by the square of the error of χ. In the plane the σ_j are the turned gradients of Keller's dual problem.
pub(super) fn bounds(fields: &Fields, space: &Spectral) -> Result<[Vec<Vec<f64>>; 2]> {
    let d = space.shape.len();
    let fluxes: Vec<Field> = fields.fluxes().into_iter().map(|flux| solenoidal(space, flux)).collect();
    let mean = Mat::from_fn(d, d, |i, j| total(0..space.len(), &|p| fluxes[j][i][p].re) / space.len() as f64);
    let strained: Vec<Field> = fluxes.iter().map(|flux| divided(&fields.values, flux)).collect();
    let complementary = symmetric(d, |j, l| mean_product(&fluxes[j], &strained[l]));
    let complementary = Mat::from_fn(d, d, |i, j| complementary[i][j]);
    let factor = complementary.llt(faer::Side::Lower).map_err(|e| Error::Solver {
        solver: "lower bound",
        message: format!("{e:?}"),
        advice: "check the coefficient for extreme ratios".into(),
    })?;
    let lower = &mean * factor.solve(mean.transpose());
    Ok([symmetric(d, |i, j| 0.5 * (lower[(i, j)] + lower[(j, i)])), fields.energy()])
}

/// The bounds have settled when a refinement changes them by less, relative to the largest entry.
const SETTLED: f64 = 4e-15;

/// Bounds on grids that are refined until their quadrature has settled.
#[derive(Default)]
pub(super) struct Settling {
    before: Option<[Vec<Vec<f64>>; 2]>,
    /// largest difference that the last refinement made, if there was one
    pub(super) change: Option<f64>,
}

impl Settling {
    /// The bounds wider by what the last refinement changed, once that is little or the grid is the `last`.
    pub(super) fn settled(&mut self, [lower, upper]: [Vec<Vec<f64>>; 2], last: bool) -> Option<[Vec<Vec<f64>>; 2]> {
        let size = upper.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        self.change =
            self.before.take().map(|[l, u]| largest_difference(&l, &lower).max(largest_difference(&u, &upper)));
        if !last && self.change.is_none_or(|change| change > SETTLED * size) {
            self.before = Some([lower, upper]);
            return None;
        }
        // that is the quadrature's error; |ξᵀEξ| is at most d times the largest entry of E
        let slack = lower.len() as f64 * self.change.unwrap_or(0.0);
        let moved = |mut bound: Vec<Vec<f64>>, by: f64| {
            bound.iter_mut().enumerate().for_each(|(i, row)| row[i] += by);
            bound
        };
        Some([moved(lower, -slack), moved(upper, slack)])
    }
}

/// The field without its gradient part, and without the waves that the grid cannot differentiate.
fn solenoidal(space: &Spectral, mut flux: Field) -> Field {
    flux.iter_mut().for_each(|part| space.fourier.forward(part));
    for i in 1..space.len() {
        let square: f64 = space.waves.iter().map(|k| k[i] * k[i]).sum();
        let along = flux.iter().zip(&space.waves).fold(c64::new(0.0, 0.0), |sum, (part, k)| sum + part[i] * k[i]);
        for (part, k) in flux.iter_mut().zip(&space.waves) {
            part[i] = if square > 0.0 { part[i] - along * (k[i] / square) } else { c64::new(0.0, 0.0) };
        }
    }
    flux.iter_mut().for_each(|part| space.fourier.inverse(part));
    flux
}

/// a⁻¹ times the real parts of the field, point by point.
fn divided(values: &Values, field: &Field) -> Field {
    let d = field.len();
    let mut result = field.clone();
    for point in 0..field[0].len() {
        // a = L D Lᵀ; it was found definite
        let (mut l, mut pivots, mut x) = ([[0.0; 3]; 3], [0.0; 3], [0.0; 3]);
        for j in 0..d {
            pivots[j] = values.at(j, j, point) - (0..j).map(|k| l[j][k] * l[j][k] * pivots[k]).sum::<f64>();
            for i in j + 1..d {
                let inner: f64 = (0..j).map(|k| l[i][k] * l[j][k] * pivots[k]).sum();
                l[i][j] = (values.at(i, j, point) - inner) / pivots[j];
            }
            x[j] = field[j][point].re - (0..j).map(|k| l[j][k] * x[k]).sum::<f64>();
        }
        for j in (0..d).rev() {
            x[j] = x[j] / pivots[j] - (j + 1..d).map(|k| l[k][j] * x[k]).sum::<f64>();
            result[j][point] = c64::new(x[j], 0.0);
        }
    }
    result
}

/// ⟨u·v⟩ of the real parts.
fn mean_product(u: &Field, v: &Field) -> f64 {
    let n = u[0].len();
    u.iter().zip(v).map(|(u, v)| total(0..n, &|i| u[i].re * v[i].re)).sum::<f64>() / n as f64
}

fn symmetric(d: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let mut matrix = vec![vec![0.0; d]; d];
    for (i, j) in (0..d).flat_map(|i| (i..d).map(move |j| (i, j))) {
        matrix[i][j] = entry(i, j);
        matrix[j][i] = matrix[i][j];
    }
    matrix
}

pub(super) fn largest_difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}
