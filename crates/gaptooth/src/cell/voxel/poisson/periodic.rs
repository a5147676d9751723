//! Fourier transforms on a periodic grid.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use transpose::transpose;

use super::{Symbol, along_first};

type Wave = Complex<f32>;

/// The inverse on a grid that repeats along all axes.
pub(in super::super) struct Periodic {
    n: [usize; 3],
    rows: Arc<dyn RealToComplex<f32>>,
    rows_back: Arc<dyn ComplexToReal<f32>>,
    middle: [Arc<dyn Fft<f32>>; 2],
    first: [Arc<dyn Fft<f32>>; 2],
    symbol: Symbol,
    /// `[x][kz][ky]`
    spectrum: Vec<Wave>,
}

impl Periodic {
    pub(super) fn new(n: [usize; 3], symbol: Symbol) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        Periodic {
            n,
            rows: real.plan_fft_forward(n[2]),
            rows_back: real.plan_fft_inverse(n[2]),
            middle: [complex.plan_fft_forward(n[1]), complex.plan_fft_inverse(n[1])],
            first: [complex.plan_fft_forward(n[0]), complex.plan_fft_inverse(n[0])],
            symbol,
            spectrum: vec![Wave::default(); n[0] * n[1] * (n[2] / 2 + 1)],
        }
    }

    /// See [`super::Poisson::solve`]; gives the sums of each plane.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        let plane = self.n[1] * self.n[2];
        let half = self.n[1] * (self.n[2] / 2 + 1);
        let mut spectrum = std::mem::take(&mut self.spectrum);
        let given = r.par_chunks_exact_mut(plane).zip(q.par_chunks_exact(plane));
        spectrum.par_chunks_exact_mut(half).zip(given).for_each_init(
            || self.scratch(),
            |scratch, (waves, (r, q))| {
                change(r, q);
                self.forward_plane(r, waves, scratch);
            },
        );
        self.divide(&mut spectrum);
        let given = q.par_chunks_exact_mut(plane).zip(r.par_chunks_exact(plane));
        let sums = spectrum
            .par_chunks_exact_mut(half)
            .zip(given)
            .map_init(
                || (self.scratch(), vec![0.0; plane]),
                |(scratch, z), (waves, (q, r))| {
                    self.back_plane(waves, z, scratch);
                    let sums = seen(z, r, q);
                    q.copy_from_slice(z);
                    sums
                },
            )
            .collect();
        self.spectrum = spectrum;
        sums
    }

    fn scratch(&self) -> Scratch {
        let half = self.n[2] / 2 + 1;
        let plans = self.middle.iter().map(|p| p.get_inplace_scratch_len());
        let most = plans.chain([self.rows.get_scratch_len(), self.rows_back.get_scratch_len()]).max().unwrap_or(0);
        Scratch {
            row: vec![0.0; self.n[2]],
            plane: vec![Wave::default(); self.n[1] * half],
            work: vec![Wave::default(); most],
        }
    }

    /// Along the last axis, then along the middle one, into `[kz][ky]`.
    fn forward_plane(&self, r: &[f32], waves: &mut [Wave], scratch: &mut Scratch) {
        let ([_, ny, nz], half) = (self.n, self.n[2] / 2 + 1);
        for (row, out) in r.chunks_exact(nz).zip(scratch.plane.chunks_exact_mut(half)) {
            scratch.row.copy_from_slice(row);
            // lengths are those of the plan
            let _ = self.rows.process_with_scratch(&mut scratch.row, out, &mut scratch.work);
        }
        transpose(&scratch.plane, waves, half, ny);
        self.middle[0].process_with_scratch(waves, &mut scratch.work);
    }

    fn back_plane(&self, waves: &mut [Wave], z: &mut [f32], scratch: &mut Scratch) {
        let ([_, ny, nz], half) = (self.n, self.n[2] / 2 + 1);
        self.middle[1].process_with_scratch(waves, &mut scratch.work);
        transpose(waves, &mut scratch.plane, ny, half);
        for (row, out) in scratch.plane.chunks_exact_mut(half).zip(z.chunks_exact_mut(nz)) {
            // what rounding leaves there is refused by the inverse
            row[0].im = 0.0;
            if nz.is_multiple_of(2) {
                row[half - 1].im = 0.0;
            }
            let _ = self.rows_back.process_with_scratch(row, out, &mut scratch.work);
        }
    }

    /// Along the first axis there and back, with the division between.
    fn divide(&self, spectrum: &mut [Wave]) {
        let [nx, ny, nz] = self.n;
        let scale = (1.0 / (nx * ny * nz) as f64) as f32;
        let most = self.first.iter().map(|p| p.get_inplace_scratch_len()).max().unwrap_or(0);
        let room = || vec![Wave::default(); most];
        along_first(spectrum, nx, room, |work, lines, first| {
            self.first[0].process_with_scratch(lines, work);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (c, line) in lines.chunks_exact_mut(nx).enumerate() {
                        let column = first + c;
                        self.symbol.divide(line, column % ny, column / ny, scale);
                    }
                },
            );
            self.first[1].process_with_scratch(lines, work);
        });
    }
}

struct Scratch {
    row: Vec<f32>,
    plane: Vec<Wave>,
    work: Vec<Wave>,
}
