//! The inverse of a constant-coefficient operator on a grid: what conjugate gradients are preconditioned by.
//!
//! In single precision: a preconditioner need not be exact, and the transforms are bound by memory.

mod bounded;
mod line;
mod periodic;

use std::ops::Mul;

use rayon::prelude::*;
use transpose::transpose;

use super::lattice::Lattice;
use bounded::Bounded;
use line::LineTransform;
use periodic::Periodic;

/// Columns that are transformed along the first axis at a time: whole cache lines of each plane.
const COLUMNS: usize = 16;

/// Divides by a symbol in the space of waves that fit the ends: r ↦ F⁻¹ (F r / λ), a constant mode with λ = 0 to zero.
pub(super) enum Poisson {
    Periodic(Periodic),
    Bounded(Bounded),
}

/// Where the unknowns of a scheme are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Points {
    Centres,
    Corners,
}

impl Poisson {
    /// λ(k) = Σ_d stiffness_d(θ_d) Π_{e≠d} mass_e(θ_e) with the angles θ that a wave turns by from voxel to voxel.
    pub(super) fn new(
        lattice: &Lattice,
        points: Points,
        stiffness: impl Fn(usize, f64) -> f64,
        mass: impl Fn(f64) -> f64,
    ) -> Self {
        let symbol = |angles: [Vec<f64>; 3]| Symbol {
            stiffness: std::array::from_fn(|d| angles[d].iter().map(|t| stiffness(d, *t) as f32).collect()),
            mass: angles.each_ref().map(|angles| angles.iter().map(|t| mass(*t) as f32).collect()),
        };
        if lattice.repeats() {
            let angle = |n: usize| (0..n).map(|k| std::f64::consts::TAU * k as f64 / n as f64).collect();
            Poisson::Periodic(Periodic::new(lattice.n, symbol(lattice.n.map(angle))))
        } else {
            let lines = std::array::from_fn(|d| LineTransform::new(lattice.n[d], lattice.ends[d], points));
            let angles = lines.each_ref().map(LineTransform::angles);
            Poisson::Bounded(Bounded::new(lines, symbol(angles)))
        }
    }

    /// See [`super::preconditioner::Preconditioner::solve`]; gives the sums of each plane.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        match self {
            Poisson::Periodic(poisson) => poisson.solve(r, q, change, seen),
            Poisson::Bounded(poisson) => poisson.solve(r, q, change, seen),
        }
    }
}

/// What λ is made of along each axis, by wavenumber.
struct Symbol {
    stiffness: [Vec<f32>; 3],
    mass: [Vec<f32>; 3],
}

impl Symbol {
    /// Multiplies a line along the first axis by scale/λ.
    #[inline(always)]
    fn divide<T: Copy + Mul<f32, Output = T>>(&self, line: &mut [T], ky: usize, kz: usize, scale: f32) {
        let [sx, sy, sz] = &self.stiffness;
        let [mx, my, mz] = &self.mass;
        let (across, along) = (sy[ky] * mz[kz] + my[ky] * sz[kz], my[ky] * mz[kz]);
        for (w, (s, m)) in line.iter_mut().zip(sx.iter().zip(mx)) {
            let symbol = s * along + m * across;
            let by = if symbol > 0.0 { scale / symbol } else { 0.0 };
            *w = *w * by;
        }
    }
}

/// Changes all lines along the first axis: `change(room, lines, first)` gets some at a time, one after the other, and the place of
/// their first in a plane.
fn along_first<T: Copy + Default + Send, R>(
    field: &mut [T],
    nx: usize,
    room: impl Fn() -> R + Sync,
    change: impl Fn(&mut R, &mut [T], usize) + Sync,
) {
    let plane = field.len() / nx;
    let size = plane.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(COLUMNS);
    let mut groups: Vec<Vec<&mut [T]>> = (0..plane.div_ceil(size)).map(|_| Vec::with_capacity(nx)).collect();
    for plane in field.chunks_exact_mut(plane) {
        plane.chunks_mut(size).zip(&mut groups).for_each(|(part, group)| group.push(part));
    }
    groups.into_par_iter().enumerate().for_each(|(number, mut group)| {
        let mut room = room();
        let (mut lines, mut across) = (vec![T::default(); COLUMNS * nx], vec![T::default(); COLUMNS * nx]);
        let width = group[0].len();
        for start in (0..width).step_by(COLUMNS) {
            let end = (start + COLUMNS).min(width);
            let columns = end - start;
            let (lines, across) = (&mut lines[..columns * nx], &mut across[..columns * nx]);
            let rows = group.iter().zip(across.chunks_exact_mut(columns));
            rows.for_each(|(part, row)| row.copy_from_slice(&part[start..end]));
            transpose(across, lines, columns, nx);
            change(&mut room, lines, number * size + start);
            transpose(lines, across, nx, columns);
            let rows = group.iter_mut().zip(across.chunks_exact(columns));
            rows.for_each(|(part, row)| part[start..end].copy_from_slice(row));
        }
    });
}
