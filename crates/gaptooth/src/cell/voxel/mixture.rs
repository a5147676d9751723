//! What the shares of the conductivities say without any geometry.

use rayon::prelude::*;

use crate::{Error, Result};

/// Voxels whose sums are taken by one thread.
const PART: usize = 1 << 14;

/// Means and bounds of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// the arithmetic mean ⟨a⟩, above every a* (Voigt)
    pub voigt: f64,
    /// the harmonic mean 1/⟨1/a⟩, below every a* (Reuss); 0 if a is 0 anywhere
    pub reuss: f64,
    /// Hashin and Shtrikman's bounds (1962) on a* of isotropic mixtures
    pub hashin_shtrikman: [f64; 2],
}

impl Mixture {
    /// Of conductivities in d dimensions, read where they lie.
    ///
    /// # Errors
    /// [`Error::Parameter`] for other than one to three dimensions, no conductivities, and any that is negative or not finite.
    ///
    /// ```
    /// use gaptooth::cell::Mixture;
    /// let found = Mixture::of(3, &[1.0, 1.0, 10.0, 10.0])?;
    /// assert!((found.voigt - 5.5).abs() < 1e-14 && (found.reuss - 20.0 / 11.0).abs() < 1e-14);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn of(d: usize, conductivities: &[f64]) -> Result<Self> {
        if !(1..=3).contains(&d) || conductivities.is_empty() {
            let found = format!("{} conductivities in {d} dimensions", conductivities.len());
            return Err(Error::parameter("mixture", found, "one or more, in 1, 2 or 3", "give the voxels of an image"));
        }
        if let Some(i) = conductivities.par_iter().position_first(|a| !(*a >= 0.0 && a.is_finite())) {
            let at = format!("voxel {i} of {} ({})", conductivities.len(), conductivities[i]);
            return Err(Error::parameter(
                "conductivity",
                at,
                "finite numbers that are not negative",
                "0 does not conduct",
            ));
        }
        Ok(Mixture::new(d, conductivities, 1.0))
    }

    /// Of conductivities `largest`·a, a within [0, 1], in d dimensions.
    pub(super) fn new(d: usize, a: &[f64], largest: f64) -> Self {
        let n = a.len() as f64;
        let smallest = a.par_iter().copied().reduce(|| f64::INFINITY, f64::min);
        let highest = a.par_iter().copied().reduce(|| 0.0, f64::max);
        let shifts = [0.0, smallest, highest].map(|b| (d as f64 - 1.0) * b);
        // parts are added up in order: the same bits for any number of threads
        let part = |a: &[f64]| {
            let mut sums = [0.0; 4];
            for a in a {
                sums[0] += a;
                (0..3).for_each(|k| sums[k + 1] += 1.0 / (a + shifts[k]));
            }
            sums
        };
        let parts: Vec<[f64; 4]> = a.par_chunks(PART).map(part).collect();
        let mean = |k: usize| parts.iter().map(|sums| sums[k]).sum::<f64>() / n;
        // 1/⟨1/(a + (d−1) b)⟩ − (d−1) b with b the smallest and the largest conductivity; with b = 0 the harmonic mean
        let bound = |k: usize| if mean(k + 1).is_finite() { largest * (1.0 / mean(k + 1) - shifts[k]) } else { 0.0 };
        Mixture { voigt: largest * mean(0), reuss: bound(0), hashin_shtrikman: [bound(1), bound(2)] }
    }
}
