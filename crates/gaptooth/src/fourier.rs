//! Discrete Fourier transforms over products of periodic axes.

use std::sync::Arc;

use faer::c64;
use rustfft::{Fft, FftPlanner};

/// Forward and inverse transforms of arrays of one shape, the last index fastest.
///
/// û_K = Σ_j u_j e^{−2πi Σ_d K_d j_d/n_d}; the inverse divides by the number of points.
#[derive(Clone)]
pub struct Fourier {
    shape: Vec<usize>,
    forward: Vec<Arc<dyn Fft<f64>>>,
    inverse: Vec<Arc<dyn Fft<f64>>>,
}

impl std::fmt::Debug for Fourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fourier").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Fourier {
    /// Plans transforms of arrays of `shape`.
    ///
    /// ```
    /// let fourier = gaptooth::fourier::Fourier::new(&[4, 2]);
    /// let spectrum = fourier.forward_real(&[1.0; 8]);
    /// assert_eq!((spectrum[0].re, spectrum[3].re), (8.0, 0.0));
    /// assert_eq!(fourier.inverse_real(spectrum), vec![1.0; 8]);
    /// ```
    pub fn new(shape: &[usize]) -> Self {
        let mut planner = FftPlanner::new();
        let forward = shape.iter().map(|&n| planner.plan_fft_forward(n)).collect();
        let inverse = shape.iter().map(|&n| planner.plan_fft_inverse(n)).collect();
        Fourier { shape: shape.to_vec(), forward, inverse }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True of a shape with a zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Transforms in place; several arrays may follow one another.
    ///
    /// # Panics
    /// If `data` does not hold whole arrays.
    pub fn forward(&self, data: &mut [c64]) {
        self.sweep(&self.forward, data);
    }

    /// Transforms back in place.
    ///
    /// # Panics
    /// If `data` does not hold whole arrays.
    pub fn inverse(&self, data: &mut [c64]) {
        self.sweep(&self.inverse, data);
        let scale = 1.0 / self.len() as f64;
        data.iter_mut().for_each(|z| *z *= scale);
    }

    /// The spectrum of real values.
    ///
    /// # Panics
    /// If `values` does not hold whole arrays.
    pub fn forward_real(&self, values: &[f64]) -> Vec<c64> {
        let mut spectrum: Vec<c64> = values.iter().map(|&v| c64::new(v, 0.0)).collect();
        self.forward(&mut spectrum);
        spectrum
    }

    /// The real values of a spectrum that has such.
    ///
    /// # Panics
    /// If `spectrum` does not hold whole arrays.
    pub fn inverse_real(&self, mut spectrum: Vec<c64>) -> Vec<f64> {
        self.inverse(&mut spectrum);
        spectrum.into_iter().map(|z| z.re).collect()
    }

    /// The wavevector of entry `number`: K_d in −n_d/2 … n_d/2, one per axis; the Nyquist wave counts as positive.
    pub fn wavevector(&self, mut number: usize) -> Vec<isize> {
        let mut k = vec![0; self.shape.len()];
        for (k, &n) in k.iter_mut().zip(&self.shape).rev() {
            let i = number % n;
            number /= n;
            *k = if 2 * i > n { i as isize - n as isize } else { i as isize };
        }
        k
    }

    fn sweep(&self, plans: &[Arc<dyn Fft<f64>>], data: &mut [c64]) {
        assert!(data.len().is_multiple_of(self.len()), "data and shape differ");
        let scratch = plans.iter().map(|p| p.get_inplace_scratch_len()).max().unwrap_or(0);
        let mut scratch = vec![c64::new(0.0, 0.0); scratch];
        for (d, (fft, &n)) in plans.iter().zip(&self.shape).enumerate() {
            let inner: usize = self.shape[d + 1..].iter().product();
            if inner == 1 {
                fft.process_with_scratch(data, &mut scratch);
                continue;
            }
            let mut lines = vec![c64::new(0.0, 0.0); n * inner];
            for block in data.chunks_exact_mut(n * inner) {
                for (l, line) in lines.chunks_exact_mut(n).enumerate() {
                    line.iter_mut().enumerate().for_each(|(i, z)| *z = block[i * inner + l]);
                }
                fft.process_with_scratch(&mut lines, &mut scratch);
                for (l, line) in lines.chunks_exact(n).enumerate() {
                    line.iter().enumerate().for_each(|(i, z)| block[i * inner + l] = *z);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_the_sums_they_say() {
        let shape = [3, 4, 2];
        let fourier = Fourier::new(&shape);
        let values: Vec<f64> = (0..24).map(|i| (1.3 * f64::from(i)).sin()).collect();
        let spectrum = fourier.forward_real(&values);
        for (number, found) in spectrum.iter().enumerate() {
            let k = fourier.wavevector(number);
            let mut sum = c64::new(0.0, 0.0);
            for (j, v) in values.iter().enumerate() {
                let index = [j / 8, j / 2 % 4, j % 2];
                let phase: f64 = (0..3).map(|d| k[d] as f64 * index[d] as f64 / shape[d] as f64).sum();
                sum += c64::cis(-std::f64::consts::TAU * phase) * *v;
            }
            assert!((sum - found).norm() < 1e-12, "{k:?}");
        }
        let back = fourier.inverse_real(spectrum);
        assert!(back.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}
