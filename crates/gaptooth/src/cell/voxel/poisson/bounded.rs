//! Sine and cosine transforms on a grid between walls and plates.

use rayon::prelude::*;
use transpose::transpose;

use super::super::field::Field;
use super::line::{LineTransform, Room};
use super::{Symbol, along_first};

/// The inverse on a grid of which no axis of more than one voxel repeats.
pub(in super::super) struct Bounded {
    lines: [LineTransform; 3],
    symbol: Symbol,
    /// `[x][kz][ky]`
    spectrum: Field<f32>,
}

impl Bounded {
    pub(super) fn new(lines: [LineTransform; 3], symbol: Symbol) -> Self {
        let spectrum = Field::zeros(lines.iter().map(LineTransform::len).product());
        Bounded { lines, symbol, spectrum }
    }

    /// See [`super::Poisson::solve`]; gives the sums of each plane.
    pub(super) fn solve<const K: usize>(
        &mut self,
        r: &mut [f32],
        q: &mut [f32],
        change: impl Fn(&mut [f32], &[f32]) + Sync,
        seen: impl Fn(&[f32], &[f32], &[f32]) -> [f64; K] + Sync,
    ) -> Vec<[f64; K]> {
        let [_, my, mz] = self.lines.each_ref().map(LineTransform::len);
        let plane = my * mz;
        let mut spectrum = std::mem::take(&mut self.spectrum);
        let given = r.par_chunks_exact_mut(plane).zip(q.par_chunks_exact(plane));
        spectrum.par_chunks_exact_mut(plane).zip(given).for_each_init(
            || self.scratch(),
            |(room, z), (waves, (r, q))| {
                change(r, q);
                z.copy_from_slice(r);
                self.lines[2].forward(z, room);
                transpose(z, waves, mz, my);
                self.lines[1].forward(waves, room);
            },
        );
        self.divide(&mut spectrum);
        let given = q.par_chunks_exact_mut(plane).zip(r.par_chunks_exact(plane));
        let sums = spectrum
            .par_chunks_exact_mut(plane)
            .zip(given)
            .map_init(
                || self.scratch(),
                |(room, z), (waves, (q, r))| {
                    self.lines[1].back(waves, room);
                    transpose(waves, z, my, mz);
                    self.lines[2].back(z, room);
                    if self.lines[1].ends_are_zero() {
                        // a plate's row may have taken rounding from the row it was transformed with
                        z[..mz].fill(0.0);
                        z[plane - mz..].fill(0.0);
                    }
                    let sums = seen(z, r, q);
                    q.copy_from_slice(z);
                    sums
                },
            )
            .collect();
        self.spectrum = spectrum;
        sums
    }

    fn scratch(&self) -> (Room, Vec<f32>) {
        (Room::new(&self.lines[1..]), vec![0.0; self.lines[1].len() * self.lines[2].len()])
    }

    /// Along the first axis there and back, with the division between.
    fn divide(&self, spectrum: &mut [f32]) {
        let [mx, my, _] = self.lines.each_ref().map(LineTransform::len);
        let scale = self.lines.iter().map(LineTransform::scale).product::<f64>() as f32;
        let room = || Room::new(&self.lines[..1]);
        along_first(spectrum, mx, room, |room, lines, first| {
            self.lines[0].forward(lines, room);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (c, line) in lines.chunks_exact_mut(mx).enumerate() {
                        let column = first + c;
                        self.symbol.divide(line, column % my, column / my, scale);
                    }
                },
            );
            self.lines[0].back(lines, room);
        });
    }
}
