//! Sparse Cholesky on one thread: the same bits on every machine.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::linalg::cholesky::{LltRef, SymbolicCholesky, SymmetricOrdering, factorize_symbolic_cholesky};
use faer::sparse::{SparseColMat, Triplet};
use faer::{Conj, Mat, Par, Side};

use crate::{Error, Result};

/// An entry of the lower triangle; entries at one place are added.
pub(super) type Entry = Triplet<usize, usize, f64>;

/// L Lᵀ of a symmetric positive definite matrix, with rows reordered to keep L sparse.
pub(super) struct Factor {
    symbolic: SymbolicCholesky<usize>,
    values: Vec<f64>,
}

impl Factor {
    /// Of the n × n matrix whose lower triangle is the sum of `entries`.
    pub(super) fn new(n: usize, entries: &[Entry]) -> Result<Self> {
        let matrix = SparseColMat::<usize, f64>::try_new_from_triplets(n, n, entries).map_err(|e| failed(&e))?;
        let symbolic =
            factorize_symbolic_cholesky(matrix.symbolic(), Side::Lower, SymmetricOrdering::Amd, Default::default())
                .map_err(|e| failed(&e))?;
        let mut values = vec![0.0; symbolic.len_val()];
        let scratch = symbolic.factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default());
        let mut buffer = MemBuffer::try_new(scratch).map_err(|e| failed(&e))?;
        let stack = MemStack::new(&mut buffer);
        symbolic
            .factorize_numeric_llt(
                &mut values,
                matrix.as_ref(),
                Side::Lower,
                Default::default(),
                Par::Seq,
                stack,
                Default::default(),
            )
            .map_err(|e| failed(&e))?;
        Ok(Factor { symbolic, values })
    }

    /// Solves for every column of `right`, in place.
    pub(super) fn solve(&self, right: &mut Mat<f64>) -> Result<()> {
        let scratch = self.symbolic.solve_in_place_scratch::<f64>(right.ncols(), Par::Seq);
        let mut buffer = MemBuffer::try_new(scratch).map_err(|e| failed(&e))?;
        let factor = LltRef::new(&self.symbolic, &self.values);
        factor.solve_in_place_with_conj(Conj::No, right.as_mut(), Par::Seq, MemStack::new(&mut buffer));
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Debug) -> Error {
    Error::Solver {
        solver: "sparse Cholesky",
        message: format!("{error:?}"),
        advice: "the coefficient must be positive, and a negative reaction small enough to leave the problem definite"
            .into(),
    }
}
