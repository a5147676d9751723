//! The inverse of a constant-coefficient operator on a periodic grid: what conjugate gradients are preconditioned by.
//!
//! In single precision: a preconditioner need not be exact, and the transforms are bound by memory.

use std::sync::Arc;

use rayon::prelude::*;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner, num_complex::Complex};
use transpose::transpose;

use super::lattice::Lattice;

type Wave = Complex<f32>;

/// Columns that are transformed along the first axis at a time: whole cache lines of each plane.
const COLUMNS: usize = 16;

/// Divides by a symbol in Fourier space: r ↦ F⁻¹ (F r / λ), the constant mode to zero.
pub(super) struct Poisson {
    n: [usize; 3],
    rows: Arc<dyn RealToComplex<f32>>,
    rows_back: Arc<dyn ComplexToReal<f32>>,
    middle: [Arc<dyn Fft<f32>>; 2],
    first: [Arc<dyn Fft<f32>>; 2],
    /// what the symbol is made of along each axis, by wavenumber
    stiffness: [Vec<f32>; 3],
    mass: [Vec<f32>; 3],
    /// `[x][kz][ky]`
    spectrum: Vec<Wave>,
}

impl Poisson {
    /// λ(k) = Σ_d stiffness_d(k_d) Π_{e≠d} mass_e(k_e).
    pub(super) fn new(lattice: &Lattice, stiffness: impl Fn(usize, f64) -> f64, mass: impl Fn(f64) -> f64) -> Self {
        let n = lattice.n;
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let angle = |d: usize| (0..n[d]).map(move |k| std::f64::consts::TAU * k as f64 / n[d] as f64);
        Poisson {
            n,
            rows: real.plan_fft_forward(n[2]),
            rows_back: real.plan_fft_inverse(n[2]),
            middle: [complex.plan_fft_forward(n[1]), complex.plan_fft_inverse(n[1])],
            first: [complex.plan_fft_forward(n[0]), complex.plan_fft_inverse(n[0])],
            stiffness: std::array::from_fn(|d| angle(d).map(|t| stiffness(d, t) as f32).collect()),
            mass: std::array::from_fn(|d| angle(d).map(|t| mass(t) as f32).collect()),
            spectrum: vec![Wave::default(); n[0] * n[1] * (n[2] / 2 + 1)],
        }
    }

    /// q = P r. `change(r, q)` first makes each plane of r what it is to be; `seen(z, r, q)` sees each plane z of P r before it
    /// takes the place of q; its sums are added up in order.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> [f64; K] {
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
        let sums: Vec<[f64; K]> = spectrum
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
        sums.iter().fold([0.0; K], |total, s| std::array::from_fn(|k| total[k] + s[k]))
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
        let half = ny * (nz / 2 + 1);
        let size = half.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(COLUMNS);
        let mut groups: Vec<Vec<&mut [Wave]>> = (0..half.div_ceil(size)).map(|_| Vec::with_capacity(nx)).collect();
        for plane in spectrum.chunks_exact_mut(half) {
            plane.chunks_mut(size).zip(&mut groups).for_each(|(part, group)| group.push(part));
        }
        let scale = (1.0 / (nx * ny * nz) as f64) as f32;
        groups.into_par_iter().enumerate().for_each(|(number, mut group)| {
            let work = self.first.iter().map(|p| p.get_inplace_scratch_len()).max().unwrap_or(0);
            let zero = |n: usize| vec![Wave::default(); n];
            let (mut lines, mut across, mut work) = (zero(COLUMNS * nx), zero(COLUMNS * nx), zero(work));
            let width = group[0].len();
            for start in (0..width).step_by(COLUMNS) {
                let end = (start + COLUMNS).min(width);
                let columns = end - start;
                let (lines, across) = (&mut lines[..columns * nx], &mut across[..columns * nx]);
                let rows = group.iter().zip(across.chunks_exact_mut(columns));
                rows.for_each(|(part, row)| row.copy_from_slice(&part[start..end]));
                transpose(across, lines, columns, nx);
                self.first[0].process_with_scratch(lines, &mut work);
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        for (c, line) in lines.chunks_exact_mut(nx).enumerate() {
                            let column = number * size + start + c;
                            self.divide_line(line, column % ny, column / ny, scale);
                        }
                    },
                );
                self.first[1].process_with_scratch(lines, &mut work);
                transpose(lines, across, nx, columns);
                let rows = group.iter_mut().zip(across.chunks_exact(columns));
                rows.for_each(|(part, row)| part[start..end].copy_from_slice(row));
            }
        });
    }

    #[inline(always)]
    fn divide_line(&self, line: &mut [Wave], ky: usize, kz: usize, scale: f32) {
        let [sx, sy, sz] = &self.stiffness;
        let [mx, my, mz] = &self.mass;
        let (across, along) = (sy[ky] * mz[kz] + my[ky] * sz[kz], my[ky] * mz[kz]);
        for (w, (s, m)) in line.iter_mut().zip(sx.iter().zip(mx)) {
            let symbol = s * along + m * across;
            let by = if symbol > 0.0 { scale / symbol } else { 0.0 };
            *w = Wave { re: w.re * by, im: w.im * by };
        }
    }
}

struct Scratch {
    row: Vec<f32>,
    plane: Vec<Wave>,
    work: Vec<Wave>,
}
