//! Tridiagonal systems, real and complex, for many right-hand sides. Everything else is faer's.

/// The three bands of a tridiagonal matrix with n rows: row i is
/// `lower[i] u_{i-1} + diagonal[i] u_i + upper[i] u_{i+1}`.
///
/// `lower[0]` and `upper[n-1]` reach outside: they multiply the two boundary values.
#[derive(Debug, Clone, PartialEq)]
pub struct Tridiagonal {
    /// sub-diagonal, `[n]`
    pub lower: Vec<f64>,
    /// diagonal, `[n]`
    pub diagonal: Vec<f64>,
    /// super-diagonal, `[n]`
    pub upper: Vec<f64>,
}

impl Tridiagonal {
    /// n rows of zeros.
    pub fn zeros(n: usize) -> Self {
        Tridiagonal { lower: vec![0.0; n], diagonal: vec![0.0; n], upper: vec![0.0; n] }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// True for no rows.
    pub fn is_empty(&self) -> bool {
        self.diagonal.is_empty()
    }
}
