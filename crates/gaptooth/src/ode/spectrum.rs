//! The leading eigenvalues of a Jacobian, those nearest a point on the real axis, without a dense matrix.
//!
//! The slow rates of a stiff system are the smallest of its spectrum, so a Krylov space of J itself would find the fast ones. That of
//! (J − σI)⁻¹ finds those nearest the shift σ, a few at a time. The inverse is a sparse LU where the system tells its
//! sparsity, else GMRES.

use faer::{Mat, c64};

use super::jacobian::{Factor, JacobianPattern};
use super::krylov::{Arnoldi, GmresOptions, gmres, spectral_bounds};
use super::solution::Counted;
use super::{OdeSystem, Work};
use crate::linalg::in_sequence;
use crate::{Error, Result};

/// How [`leading_eigenvalues`] looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectrumOptions {
    /// the point whose nearest eigenvalues are wanted; without it 1e-7 of the spectral radius, right of zero
    pub shift: Option<f64>,
    /// error of an eigenvalue, relative to its distance from the shift
    pub tolerance: f64,
    /// vectors at most
    pub max_vectors: usize,
}

impl Default for SpectrumOptions {
    fn default() -> Self {
        SpectrumOptions { shift: None, tolerance: 1e-10, max_vectors: 400 }
    }
}

/// What [`leading_eigenvalues`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// the eigenvalues nearest the shift, by descending real part
    pub values: Vec<c64>,
    /// the shift
    pub shift: f64,
    /// whether all of them met the tolerance
    pub converged: bool,
    /// what it took; `steps` counts solves with the shifted matrix
    pub work: Work,
}

/// The `count` eigenvalues of (∂f/∂u)(t, u) nearest the shift.
///
/// A multiple eigenvalue is found once or more often: a Krylov space tells its copies apart by rounding only, so ask for a few more than
/// needed where the system has symmetries.
///
/// # Errors
/// [`Error::Parameter`] for no or too many eigenvalues; [`Error::Solver`] where the shifted matrix is singular or GMRES does not converge;
/// [`Error::NonFinite`].
pub fn leading_eigenvalues(
    system: &dyn OdeSystem,
    t: f64,
    u: &[f64],
    count: usize,
    options: &SpectrumOptions,
) -> Result<Spectrum> {
    let n = system.dim();
    in_sequence();
    super::equilibrium::check_state(system, u)?;
    if count == 0 || count > n {
        let expected = format!("1 to the dimension {n}");
        return Err(Error::parameter("count", count, expected, "ask for a few eigenvalues"));
    }
    let counted = Counted::new(system);
    let shift = match options.shift {
        Some(shift) => shift,
        None => 1e-7 * spectral_bounds(&counted, t, u, 20)?.radius.max(1e-3),
    };
    let factor = match JacobianPattern::of(system)? {
        Some(pattern) => Some(Factor::new(&pattern.jacobian(&counted, t, u, shift)?)?),
        None => None,
    };
    let solve = |b: &[f64]| -> Result<Vec<f64>> {
        let mut x = b.to_vec();
        match &factor {
            Some(factor) => factor.solve(&mut x),
            None => x = shifted_solve(&counted, t, u, shift, b)?,
        }
        Ok(x)
    };
    let (inverse, converged, solves) = largest(n, count, options, solve)?;
    let mut values: Vec<c64> = inverse.into_iter().map(|mu| mu.inv() + shift).collect();
    values.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    let factorisations = u64::from(factor.is_some());
    let work = Work { steps: solves, jacobians: factorisations, factorisations, ..counted.work() };
    Ok(Spectrum { values, shift, converged, work })
}

fn shifted_solve(system: &dyn OdeSystem, t: f64, u: &[f64], shift: f64, b: &[f64]) -> Result<Vec<f64>> {
    let apply = |v: &[f64], out: &mut [f64]| {
        system.jvp_into(t, u, v, out);
        out.iter_mut().zip(v).for_each(|(o, v)| *o -= shift * v);
    };
    let options = GmresOptions { tolerance: 1e-11, restart: 200, max_products: 20_000 };
    let solved = gmres(apply, |_| {}, b, &options)?;
    if solved.converged {
        return Ok(solved.x);
    }
    Err(Error::Solver {
        solver: "leading eigenvalues",
        message: format!("GMRES left a residual of {:.1e} after {} products", solved.residual, solved.products),
        advice: "tell the system's sparsity, or move the shift away from the spectrum".into(),
    })
}

/// The eigenvalues of largest modulus of the matrix that `apply` multiplies by: Arnoldi's space grows until they converge.
fn largest(
    n: usize,
    count: usize,
    options: &SpectrumOptions,
    apply: impl Fn(&[f64]) -> Result<Vec<f64>>,
) -> Result<(Vec<c64>, bool, u64)> {
    let start: Vec<f64> = (0..n).map(|i| ((i * i) as f64 + 0.5 * i as f64 + 1.0).sin()).collect();
    let mut space = Arnoldi::new(&start);
    let most = options.max_vectors.max(count).min(n);
    let mut next = (2 * count + 8).min(most);
    loop {
        let mut invariant = false;
        while space.len() < next && !invariant {
            let image = apply(space.last())?;
            invariant = !space.extend(image);
        }
        let (values, errors) = space.ritz()?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].norm_sqr().total_cmp(&values[a].norm_sqr()));
        order.truncate(count);
        let size = |i: &usize| values[*i].norm_sqr().sqrt();
        let good = invariant || space.len() == n || order.iter().all(|i| errors[*i] <= options.tolerance * size(i));
        if good || next == most {
            let found: Vec<c64> = order.iter().map(|&i| values[i]).collect();
            let all = good && found.len() == count;
            return Ok((found, all, space.len() as u64));
        }
        next = (next + count.max(8)).min(most);
    }
}

impl Arnoldi {
    /// Ritz values, and the residual of each: |h_{m+1,m}| |last entry of the eigenvector|.
    fn ritz(&self) -> Result<(Vec<c64>, Vec<f64>)> {
        let m = self.len();
        let h = Mat::from_fn(m, m, |i, j| self.entry(i, j));
        let eigen = h.eigen().map_err(|e| Error::Solver {
            solver: "eigenvalues of a Hessenberg matrix",
            message: format!("{e:?}"),
            advice: "check the equations at this state".into(),
        })?;
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        let rest = self.entry(m, m - 1).abs();
        let modulus = |i: usize, j: usize| vectors[(i, j)].norm_sqr().sqrt();
        let size = |j: usize| (0..m).map(|i| modulus(i, j).powi(2)).sum::<f64>().sqrt();
        Ok(((0..m).map(|j| values[j]).collect(), (0..m).map(|j| rest * modulus(m - 1, j) / size(j)).collect()))
    }
}
