//! The discrete cell operator and its conjugate gradients, in Fourier space.

use faer::c64;
use rayon::prelude::*;

use crate::coefficient::{CellTensor, check_definite, tensor_component};
use crate::fourier::Fourier;
use crate::{Error, Result};

/// Fields of complex values: one array per axis.
pub(super) type Field = Vec<Vec<c64>>;

const ZERO: c64 = c64::new(0.0, 0.0);

/// Trigonometric polynomials of the cell with |K_d| < n_d/2. A Nyquist wave has no derivative on its grid, so it is left
/// out: what is left gives a symmetric operator that vanishes for constants only.
pub(super) struct Spectral {
    pub(super) shape: Vec<usize>,
    pub(super) fourier: Fourier,
    /// 2πK_d, `[d][wave]`; zero on the waves that are left out
    pub(super) waves: Vec<Vec<f64>>,
}

impl Spectral {
    pub(super) fn new(shape: &[usize]) -> Self {
        let fourier = Fourier::new(shape);
        let mut waves = vec![vec![0.0; fourier.len()]; shape.len()];
        for number in 0..fourier.len() {
            let k = fourier.wavevector(number);
            if k.iter().zip(shape).all(|(k, n)| 2 * k.unsigned_abs() < *n) {
                waves.iter_mut().zip(k).for_each(|(w, k)| w[number] = std::f64::consts::TAU * k as f64);
            }
        }
        Spectral { shape: shape.to_vec(), fourier, waves }
    }

    pub(super) fn len(&self) -> usize {
        self.fourier.len()
    }

    /// The grid moved by `shift`, one column per coordinate.
    pub(super) fn points(&self, shift: &[f64]) -> Vec<Vec<f64>> {
        let column = |d: usize| {
            let stride: usize = self.shape[d + 1..].iter().product();
            let n = self.shape[d];
            (0..self.len()).map(|k| (k / stride % n) as f64 / n as f64 + shift[d]).collect()
        };
        (0..self.shape.len()).map(column).collect()
    }

    /// ∇ of the spectrum `chi`, on the grid.
    pub(super) fn gradient(&self, chi: &[c64]) -> Field {
        let along = |waves: &Vec<f64>| {
            let mut field: Vec<c64> = chi.iter().zip(waves).map(|(c, k)| c64::new(-k * c.im, k * c.re)).collect();
            self.fourier.inverse(&mut field);
            field
        };
        self.waves.par_iter().map(along).collect()
    }

    /// The spectrum of −∇·flux.
    pub(super) fn minus_divergence(&self, flux: Field) -> Vec<c64> {
        let parts: Field = flux
            .into_par_iter()
            .zip(&self.waves)
            .map(|(mut part, waves)| {
                self.fourier.forward(&mut part);
                part.iter_mut().zip(waves).for_each(|(c, k)| *c = c64::new(k * c.im, -k * c.re));
                part
            })
            .collect();
        (0..self.len()).map(|i| parts.iter().fold(ZERO, |sum, part| sum + part[i])).collect()
    }

    /// The waves of `spectrum` that `from` has, in this space: coefficients, not sums over points.
    pub(super) fn resampled(&self, spectrum: &[c64], from: &Spectral) -> Vec<c64> {
        let mut result = vec![ZERO; self.len()];
        for (number, c) in spectrum.iter().enumerate() {
            let wave = from.fourier.wavevector(number);
            let fits = wave.iter().zip(&self.shape).all(|(k, n)| 2 * k.unsigned_abs() < *n);
            if fits {
                let place =
                    wave.iter().zip(&self.shape).fold(0, |i, (k, n)| i * n + k.rem_euclid(*n as isize) as usize);
                result[place] = *c;
            }
        }
        let scale = self.len() as f64 / from.len() as f64;
        result.iter_mut().for_each(|c| *c *= scale);
        result
    }
}

/// a at every point of a grid.
pub(super) struct Values {
    dimension: usize,
    components: Vec<Vec<f64>>,
}

impl Values {
    /// Evaluated and found positive definite.
    pub(super) fn new(tensor: &dyn CellTensor, points: &[Vec<f64>]) -> Result<Self> {
        let columns: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
        let components = tensor.values(&columns);
        check_definite(tensor, &columns, &components)?;
        Ok(Values { dimension: tensor.dimension(), components })
    }

    /// a_ij at a point.
    pub(super) fn at(&self, i: usize, j: usize, point: usize) -> f64 {
        match self.components.len() {
            1 if i == j => self.components[0][point],
            1 => 0.0,
            _ => self.components[tensor_component(self.dimension, i, j)][point],
        }
    }

    /// ⟨a⟩, `[D][D]`.
    fn mean(&self) -> Vec<Vec<f64>> {
        let n = self.components[0].len();
        let mean = |i, j| total(0..n, &|p| self.at(i, j, p)) / n as f64;
        (0..self.dimension).map(|i| (0..self.dimension).map(|j| mean(i, j)).collect()).collect()
    }

    /// ⟨|a|²⟩ over the components.
    pub(super) fn mean_square(&self) -> f64 {
        let square = |v: &Vec<f64>| total(0..v.len(), &|p| v[p] * v[p]) / v.len() as f64;
        self.components.iter().map(square).sum()
    }

    /// a times the field, point by point.
    pub(super) fn multiply(&self, field: &mut Field) {
        let d = self.dimension;
        for point in 0..field[0].len() {
            let mut row = [ZERO; 3];
            for i in 0..d {
                row[i] = (0..d).fold(ZERO, |sum, j| sum + field[j][point] * self.at(i, j, point));
            }
            (0..d).for_each(|i| field[i][point] = row[i]);
        }
    }
}

/// One or two cell problems in one complex field: the operator is real, so it keeps χ_j and χ_l apart in χ_j + i χ_l.
pub(super) struct Pair<'a> {
    pub(super) space: &'a Spectral,
    pub(super) values: &'a Values,
    /// the constant gradient e_j + i e_l
    pub(super) forcing: Vec<c64>,
}

/// How conjugate gradients ended.
pub(super) struct Outcome {
    pub(super) chi: Vec<c64>,
    pub(super) iterations: usize,
    /// estimate of the error that is left in the energy
    pub(super) error: f64,
}

impl Pair<'_> {
    /// Conjugate gradients from `chi`, preconditioned by the inverse of −∇·(⟨a⟩∇), until the energy norm of the error has
    /// about `tolerance` times that of the solution. `watch` hears which share of the digits is won.
    pub(super) fn solve(
        &self,
        mut chi: Vec<c64>,
        tolerance: f64,
        most: usize,
        watch: &dyn Fn(f64) -> Result<()>,
    ) -> Result<Outcome> {
        let smoother = self.smoother();
        let zero = vec![ZERO; chi.len()];
        let scale = self.dot(&self.residual(&zero), &smoother, None);
        // a constant coefficient leaves nothing but rounding
        let floor = f64::EPSILON.powi(2) * self.values.mean().iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
        let target = tolerance * tolerance * scale + floor;
        let mut r = self.residual(&chi);
        let mut rho = self.dot(&r, &smoother, None);
        let mut p: Vec<c64> = zero;
        let (mut iterations, mut before) = (0, f64::INFINITY);
        let first = rho;
        while rho > target && iterations < most {
            watch(((first / rho).ln() / (first / target).ln()).clamp(0.0, 1.0))?;
            let beta = rho / before;
            p.iter_mut().zip(&r).zip(&smoother).for_each(|((p, r), s)| *p = r * *s + *p * beta);
            let mut flux = self.space.gradient(&p);
            self.values.multiply(&mut flux);
            let q = self.space.minus_divergence(flux);
            let step = rho / self.dot(&p, &[], Some(&q));
            chi.iter_mut().zip(&p).for_each(|(c, p)| *c += p * step);
            r.iter_mut().zip(&q).for_each(|(r, q)| *r -= q * step);
            before = rho;
            rho = self.dot(&r, &smoother, None);
            iterations += 1;
        }
        if !rho.is_finite() {
            let message = format!("the residual is {rho} after {iterations} iterations");
            let advice = "check the coefficient for extreme ratios".into();
            return Err(Error::Solver { solver: "Fourier collocation", message, advice });
        }
        Ok(Outcome { chi, iterations, error: rho })
    }

    /// ∇·(a(forcing + ∇χ)), what is left of the equation.
    fn residual(&self, chi: &[c64]) -> Vec<c64> {
        let mut field = self.space.gradient(chi);
        field.iter_mut().zip(&self.forcing).for_each(|(part, e)| part.iter_mut().for_each(|g| *g += e));
        self.values.multiply(&mut field);
        let mut r = self.space.minus_divergence(field);
        r.iter_mut().for_each(|r| *r = -*r);
        r
    }

    fn smoother(&self) -> Vec<f64> {
        let (mean, waves) = (self.values.mean(), &self.space.waves);
        let d = waves.len();
        let symbol = |i: usize| -> f64 {
            (0..d).map(|a| (0..d).map(|b| waves[a][i] * mean[a][b] * waves[b][i]).sum::<f64>()).sum()
        };
        (0..self.space.len()).map(symbol).map(|s| if s > 0.0 { 1.0 / s } else { 0.0 }).collect()
    }

    /// The mean over the cell of x times `y`, or of x times the weighted x, by Parseval.
    fn dot(&self, x: &[c64], weights: &[f64], y: Option<&[c64]>) -> f64 {
        let sum = match y {
            Some(y) => total(0..x.len(), &|i| x[i].re * y[i].re + x[i].im * y[i].im),
            None => total(0..x.len(), &|i| weights[i] * (x[i].re * x[i].re + x[i].im * x[i].im)),
        };
        sum / (x.len() as f64).powi(2)
    }
}

/// Σ f(i), pairwise: equal terms one by one would lose a digit for every ten times as many.
pub(super) fn total(range: std::ops::Range<usize>, f: &impl Fn(usize) -> f64) -> f64 {
    if range.len() <= 64 {
        return range.map(f).sum();
    }
    let middle = range.start + range.len() / 2;
    total(range.start..middle, f) + total(middle..range.end, f)
}
