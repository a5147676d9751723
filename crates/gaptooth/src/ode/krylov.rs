//! Krylov subspaces of a Jacobian that is known by its products with vectors only.
//!
//! Arnoldi's orthonormal basis serves three ends: bounds of the spectrum ([`spectral_bounds`]), linear systems ([`gmres`]) and, in
//! [`super::spectrum`], eigenvalues. Sources: Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., 6.3–6.5; Saad & Schultz,
//! SIAM J. Sci. Stat. Comput. 7 (1986) 856–869.

use faer::Mat;

use super::OdeSystem;
use crate::error::check_finite;
use crate::linalg::in_sequence;
use crate::{Error, Result};

/// Eight sums side by side: a single one would wait for each addition.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        (0..8).for_each(|i| sums[i] += a[i] * b[i]);
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// V and H with A V_m = V_{m+1} H.
#[derive(Debug)]
pub(super) struct Arnoldi {
    /// orthonormal, m + 1 of them (m where the space is invariant)
    basis: Vec<Vec<f64>>,
    /// column j: the j + 2 coefficients of A v_j
    columns: Vec<Vec<f64>>,
}

impl Arnoldi {
    /// From a start that is not zero.
    pub(super) fn new(start: &[f64]) -> Self {
        let size = norm(start);
        Arnoldi { basis: vec![start.iter().map(|x| x / size).collect()], columns: Vec::new() }
    }

    /// Adds A applied to the last vector; orthogonalised twice, which is enough. False once the space is invariant.
    pub(super) fn extend(&mut self, mut image: Vec<f64>) -> bool {
        let size = norm(&image);
        let mut column = vec![0.0; self.basis.len() + 1];
        for _ in 0..2 {
            for (v, h) in self.basis.iter().zip(&mut column) {
                let along = dot(v, &image);
                *h += along;
                image.iter_mut().zip(v).for_each(|(x, v)| *x -= along * v);
            }
        }
        let rest = norm(&image);
        let more = rest > 1e-14 * size;
        if more {
            column[self.basis.len()] = rest;
            image.iter_mut().for_each(|x| *x /= rest);
            self.basis.push(image);
        }
        self.columns.push(column);
        more
    }

    /// Products made.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The vector to be multiplied next.
    pub(super) fn last(&self) -> &[f64] {
        &self.basis[self.basis.len() - 1]
    }

    /// H_ij.
    pub(super) fn entry(&self, i: usize, j: usize) -> f64 {
        self.columns[j].get(i).copied().unwrap_or(0.0)
    }
}

/// What a few products tell of the spectrum of ∂f/∂u.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectralBounds {
    /// largest |λ|
    pub radius: f64,
    /// largest |Im λ|
    pub turn: f64,
    /// largest Re λ
    pub growth: f64,
}

/// Estimates from at most `products` Jacobian–vector products, as Ritz values: they lie inside the hull of the spectrum of a normal
/// matrix, and the outer ones come within percents of it in about 20 products.
///
/// # Errors
/// [`Error::Shape`]; [`Error::Parameter`] for no products; [`Error::NonFinite`] where a product is not finite; [`Error::Solver`] if the small
/// eigenproblem fails.
pub fn spectral_bounds(system: &dyn OdeSystem, t: f64, u: &[f64], products: usize) -> Result<SpectralBounds> {
    super::equilibrium::check_state(system, u)?;
    if products == 0 || u.is_empty() {
        let found = format!("{products} products for {} unknowns", u.len());
        return Err(Error::parameter("spectral bounds", found, "at least one of each", "20 products are a good start"));
    }
    // any start that no symmetry makes orthogonal to the fastest mode
    let start: Vec<f64> = (0..u.len()).map(|i| ((i * i) as f64 + 0.5 * i as f64 + 1.0).sin()).collect();
    let mut space = Arnoldi::new(&start);
    for _ in 0..products.min(u.len()) {
        let mut image = vec![0.0; u.len()];
        system.jvp_into(t, u, space.last(), &mut image);
        check_finite("Jacobian times a vector", &image, Some(t), "check the equations at this state")?;
        if !space.extend(image) {
            break;
        }
    }
    let m = space.len();
    in_sequence();
    let h = Mat::from_fn(m, m, |i, j| space.entry(i, j));
    let values = h.eigenvalues().map_err(|e| Error::Solver {
        solver: "eigenvalues of a Hessenberg matrix",
        message: format!("{e:?}"),
        advice: "check the equations at this state".into(),
    })?;
    let zero = SpectralBounds { radius: 0.0, turn: 0.0, growth: f64::NEG_INFINITY };
    Ok(values.iter().fold(zero, |b, z| SpectralBounds {
        radius: b.radius.max(z.norm_sqr().sqrt()),
        turn: b.turn.max(z.im.abs()),
        growth: b.growth.max(z.re),
    }))
}

/// When [`gmres`] stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GmresOptions {
    /// |b − A x| ≤ tolerance |b|
    pub tolerance: f64,
    /// vectors kept before a restart
    pub restart: usize,
    /// products with A at most
    pub max_products: usize,
}

impl Default for GmresOptions {
    fn default() -> Self {
        GmresOptions { tolerance: 1e-10, restart: 60, max_products: 3000 }
    }
}

/// What [`gmres`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    /// the solution, or the nearest so far
    pub x: Vec<f64>,
    /// |b − A x|/|b|, recomputed at each restart
    pub residual: f64,
    /// products with A
    pub products: usize,
    /// whether the residual met the tolerance
    pub converged: bool,
}

/// Solves A x = b by restarted GMRES, preconditioned from the right: A M⁻¹ (M x) = b, so that the residual is that of A x = b itself.
///
/// `apply(v, out)` writes A v; `precondition` overwrites a vector by M⁻¹ of it.
///
/// ```
/// use gaptooth::ode::krylov::{GmresOptions, gmres};
/// let apply = |v: &[f64], out: &mut [f64]| (out[0], out[1]) = (2.0 * v[0] + v[1], 3.0 * v[1]);
/// let solved = gmres(apply, |_| {}, &[3.0, 3.0], &GmresOptions::default())?;
/// assert!(solved.converged && solved.products <= 3 && (solved.x[0] - 1.0).abs() + (solved.x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// [`Error::NonFinite`] where `b` or a product is not finite. Not converging is a status.
pub fn gmres(
    mut apply: impl FnMut(&[f64], &mut [f64]),
    mut precondition: impl FnMut(&mut [f64]),
    b: &[f64],
    options: &GmresOptions,
) -> Result<Solved> {
    check_finite("right-hand side", b, None, "check the equations at this state")?;
    let (size, n) = (norm(b), b.len());
    let mut solved = Solved { x: vec![0.0; n], residual: 0.0, products: 0, converged: true };
    let mut residual = b.to_vec();
    let mut product = |v: &[f64]| {
        let mut image = vec![0.0; n];
        apply(v, &mut image);
        check_finite("matrix times a vector", &image, None, "check the equations at this state").map(|()| image)
    };
    while norm(&residual) > options.tolerance * size {
        let before = norm(&residual);
        if solved.products >= options.max_products {
            solved.converged = false;
            break;
        }
        let mut space = Arnoldi::new(&residual);
        let mut least = LeastSquares::new(before);
        let steps = options.restart.min(n).min(options.max_products - solved.products);
        for j in 0..steps {
            let mut v = space.basis[j].clone();
            precondition(&mut v);
            solved.products += 1;
            let more = space.extend(product(&v)?);
            least.add(&space.columns[j]);
            if !more || least.residual() <= options.tolerance * size {
                break;
            }
        }
        let mut change = vec![0.0; n];
        for (v, y) in space.basis.iter().zip(least.solve()) {
            change.iter_mut().zip(v).for_each(|(c, v)| *c += y * v);
        }
        precondition(&mut change);
        solved.x.iter_mut().zip(&change).for_each(|(x, c)| *x += c);
        solved.products += 1;
        residual = product(&solved.x)?.iter().zip(b).map(|(a, b)| b - a).collect();
        // stagnation: rounding, or a restart too short
        if norm(&residual) > 0.999 * before {
            solved.converged = norm(&residual) <= options.tolerance * size;
            break;
        }
    }
    solved.residual = if size > 0.0 { norm(&residual) / size } else { 0.0 };
    Ok(solved)
}

/// min |β e₁ − H y| by Givens rotations, a column at a time.
struct LeastSquares {
    rotations: Vec<[f64; 2]>,
    triangle: Vec<Vec<f64>>,
    right: Vec<f64>,
}

impl LeastSquares {
    fn new(size: f64) -> Self {
        LeastSquares { rotations: Vec::new(), triangle: Vec::new(), right: vec![size] }
    }

    fn add(&mut self, column: &[f64]) {
        let j = self.rotations.len();
        let mut column = column.to_vec();
        for (i, [c, s]) in self.rotations.iter().enumerate() {
            (column[i], column[i + 1]) = (c * column[i] + s * column[i + 1], c * column[i + 1] - s * column[i]);
        }
        let r = column[j].hypot(column[j + 1]);
        let [c, s] = if r == 0.0 { [1.0, 0.0] } else { [column[j] / r, column[j + 1] / r] };
        column[j] = r;
        self.rotations.push([c, s]);
        self.triangle.push(column);
        let last = self.right[j];
        self.right[j] = c * last;
        self.right.push(-s * last);
    }

    fn residual(&self) -> f64 {
        self.right[self.rotations.len()].abs()
    }

    fn solve(&self) -> Vec<f64> {
        let m = self.triangle.len();
        let mut y = self.right[..m].to_vec();
        for j in (0..m).rev() {
            // a singular direction holds nothing
            y[j] = if self.triangle[j][j] == 0.0 { 0.0 } else { y[j] / self.triangle[j][j] };
            let value = y[j];
            (0..j).for_each(|i| y[i] -= self.triangle[j][i] * value);
        }
        y
    }
}
