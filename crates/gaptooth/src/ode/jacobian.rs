//! The Jacobian of a system as a sparse matrix, by as many products as its pattern needs colours.

use faer::Mat;
use faer::linalg::solvers::Solve;
use faer::sparse::linalg::solvers::{Lu, SymbolicLu};
use faer::sparse::{SparseColMat, SymbolicSparseColMat};

use super::OdeSystem;
use crate::error::check_finite;
use crate::linalg::in_sequence;
use crate::{Error, Result};

/// Where ∂f/∂u may be non-zero, and columns of one colour share no row: one product finds them all.
#[derive(Debug, Clone)]
pub struct JacobianPattern {
    starts: Vec<usize>,
    rows: Vec<usize>,
    colours: Vec<Vec<usize>>,
}

impl JacobianPattern {
    /// From [`OdeSystem::sparsity`], the diagonal added; `None` where the system does not tell it.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a row or column beyond the dimension.
    pub fn of(system: &dyn OdeSystem) -> Result<Option<Self>> {
        let n = system.dim();
        let Some(entries) = system.sparsity() else { return Ok(None) };
        let mut columns: Vec<Vec<usize>> = (0..n).map(|j| vec![j]).collect();
        for (i, j) in entries {
            if i >= n || j >= n {
                let expected = format!("rows and columns below the dimension {n}");
                return Err(Error::parameter(
                    "sparsity",
                    format!("({i}, {j})"),
                    expected,
                    "correct OdeSystem::sparsity",
                ));
            }
            columns[j].push(i);
        }
        let (mut starts, mut rows) = (vec![0], Vec::new());
        for column in &mut columns {
            column.sort_unstable();
            column.dedup();
            rows.extend_from_slice(column);
            starts.push(rows.len());
        }
        let colours = colours(&columns);
        Ok(Some(JacobianPattern { starts, rows, colours }))
    }

    /// Products that one Jacobian costs.
    pub fn colours(&self) -> usize {
        self.colours.len()
    }

    /// Entries that may be non-zero.
    pub fn entries(&self) -> usize {
        self.rows.len()
    }

    /// ∂f/∂u − `shift` I.
    ///
    /// # Errors
    /// [`Error::NonFinite`].
    pub fn jacobian(&self, system: &dyn OdeSystem, t: f64, u: &[f64], shift: f64) -> Result<SparseColMat<usize, f64>> {
        let n = u.len();
        let mut values = vec![0.0; self.rows.len()];
        let (mut v, mut jv) = (vec![0.0; n], vec![0.0; n]);
        for colour in &self.colours {
            colour.iter().for_each(|&j| v[j] = 1.0);
            system.jvp_into(t, u, &v, &mut jv);
            check_finite("Jacobian times a vector", &jv, Some(t), "check the equations at this state")?;
            for &j in colour {
                v[j] = 0.0;
                for k in self.starts[j]..self.starts[j + 1] {
                    values[k] = jv[self.rows[k]] - if self.rows[k] == j { shift } else { 0.0 };
                }
            }
        }
        let symbolic = SymbolicSparseColMat::new_checked(n, n, self.starts.clone(), None, self.rows.clone());
        Ok(SparseColMat::new(symbolic, values))
    }
}

/// Greedily, in the order of the columns.
fn colours(columns: &[Vec<usize>]) -> Vec<Vec<usize>> {
    // colours met so far in each row
    let mut met: Vec<Vec<usize>> = vec![Vec::new(); columns.len()];
    let mut colours: Vec<Vec<usize>> = Vec::new();
    let mut forbidden: Vec<usize> = Vec::new();
    for (j, rows) in columns.iter().enumerate() {
        for &i in rows {
            met[i].iter().for_each(|&c| forbidden[c] = j + 1);
        }
        let colour = forbidden.iter().position(|&mark| mark != j + 1).unwrap_or(forbidden.len());
        if colour == colours.len() {
            colours.push(Vec::new());
            forbidden.push(0);
        }
        colours[colour].push(j);
        rows.iter().for_each(|&i| met[i].push(colour));
    }
    colours
}

/// A factored matrix.
pub(super) struct Factor(Lu<usize, f64>);

impl Factor {
    /// # Errors
    /// [`Error::Solver`] for a singular matrix.
    pub(super) fn new(matrix: &SparseColMat<usize, f64>) -> Result<Self> {
        in_sequence();
        let failed = |message: String| Error::Solver {
            solver: "sparse LU",
            message,
            advice: "the matrix is singular: fix what is conserved, or move the shift".into(),
        };
        let symbolic = SymbolicLu::try_new(matrix.symbolic()).map_err(|e| failed(format!("{e:?}")))?;
        let factor =
            Factor(Lu::try_new_with_symbolic(symbolic, matrix.as_ref()).map_err(|e| failed(format!("{e:?}")))?);
        // a zero pivot is not reported, but shows in what comes out
        let mut ones = vec![1.0; matrix.nrows()];
        factor.solve(&mut ones);
        if ones.iter().all(|x| x.is_finite()) { Ok(factor) } else { Err(failed("zero pivot".into())) }
    }

    /// Overwrites `b` by the solution.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let x = self.0.solve(Mat::from_fn(b.len(), 1, |i, _| b[i]));
        b.iter_mut().enumerate().for_each(|(i, b)| *b = x[(i, 0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_colour_share_no_row() {
        // a row of 9 with the neighbours at distance 3
        let columns: Vec<Vec<usize>> = (0..9).map(|j| (0..9).filter(|i| i % 3 == j % 3).collect()).collect();
        let found = colours(&columns);
        assert_eq!(found.len(), 3);
        for colour in &found {
            for (a, b) in colour.iter().zip(&colour[1..]) {
                assert!(columns[*a].iter().all(|i| !columns[*b].contains(i)));
            }
        }
    }
}
