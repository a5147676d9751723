//! One direction of the coupling, applied to all lanes.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::{EdgeSource, EdgeWeights};
use crate::patch::grid::PatchAxis;

/// The edges of one axis as matrices over its patches: edge layer m is Σ_s W_ms · layer s, plus boundary values.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    layers: Vec<EdgeLayer>,
}

/// What one edge layer is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeLayer {
    /// the layer, 0 … n_sub − 1
    pub edge: usize,
    /// interior layers and how their patches enter
    pub sources: Vec<(usize, PatchMatrix)>,
    /// (patch, end of the domain, weight)
    pub ends: Vec<(usize, usize, f64)>,
}

impl Sweep {
    /// The sweep of `axis` with `weights`.
    pub fn new(axis: &PatchAxis, weights: &EdgeWeights) -> Self {
        let (n, n_sub, interior) = (axis.n_patch(), axis.shape().n_sub(), axis.shape().interior());
        let mut layers: Vec<EdgeLayer> = Vec::new();
        let mut dense = std::collections::BTreeMap::<(usize, usize), Vec<f64>>::new();
        for edge in (0..n_sub).filter(|m| !interior.contains(m)) {
            layers.push(EdgeLayer { edge, sources: Vec::new(), ends: Vec::new() });
        }
        for edge in weights.edges() {
            let (patch, layer) = (edge.point / n_sub, edge.point % n_sub);
            let mut add = |source: usize, from: usize, weight: f64| {
                dense.entry((layer, source)).or_insert_with(|| vec![0.0; n * n])[patch * n + from] += weight;
            };
            for &(source, weight) in &edge.sources {
                match source {
                    EdgeSource::Point(p) => add(p % n_sub, p / n_sub, weight),
                    EdgeSource::Average(from) => {
                        interior.clone().for_each(|source| add(source, from, weight / interior.len() as f64));
                    }
                    EdgeSource::End(end) => {
                        if let Some(layer) = layers.iter_mut().find(|l| l.edge == layer) {
                            layer.ends.push((patch, end, weight));
                        }
                    }
                }
            }
        }
        for ((edge, source), matrix) in dense {
            if let Some(layer) = layers.iter_mut().find(|l| l.edge == edge) {
                layer.sources.push((source, PatchMatrix::new(n, matrix)));
            }
        }
        Sweep { layers }
    }

    /// The edge layers, ascending.
    pub fn layers(&self) -> &[EdgeLayer] {
        &self.layers
    }
}

/// Whether a convolution by two Fourier transforms of this length is faster than the product with the matrix, by measurement:
/// transforms of lengths with a large prime factor take several times as long.
fn transform_pays(n: usize) -> bool {
    let mut rest = n;
    for factor in 2..=13 {
        while rest > 1 && rest.is_multiple_of(factor) {
            rest /= factor;
        }
    }
    n >= if rest == 1 { 64 } else { 160 }
}

/// A square matrix over the patches of one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchMatrix {
    n: usize,
    entries: Entries,
}

#[derive(Debug, Clone, PartialEq)]
enum Entries {
    /// all of them, row by row, and the transpose
    Dense { rows: Vec<f64>, columns: Vec<f64> },
    /// those that are not zero: `starts[i]..starts[i + 1]` of `entries` make row i
    Sparse { starts: Vec<usize>, entries: Vec<(usize, f64)> },
    /// every row is the one before moved by one, and there are many
    Circulant(Convolution),
}

impl PatchMatrix {
    fn new(n: usize, rows: Vec<f64>) -> Self {
        if 4 * rows.iter().filter(|w| **w != 0.0).count() > n * n {
            if transform_pays(n) && (0..n * n).all(|k| rows[k] == rows[(k / n + n - k % n) % n * n]) {
                return PatchMatrix { n, entries: Entries::Circulant(Convolution::new(n, &rows)) };
            }
            let columns = (0..n * n).map(|k| rows[k % n * n + k / n]).collect();
            return PatchMatrix { n, entries: Entries::Dense { rows, columns } };
        }
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in rows.chunks(n) {
            entries.extend(row.iter().copied().enumerate().filter(|(_, w)| *w != 0.0));
            starts.push(entries.len());
        }
        PatchMatrix { n, entries: Entries::Sparse { starts, entries } }
    }

    /// `out[o][p][·] = Σ_q W_pq from[o][q][·]`, both `[outer][n][inner]`, or with `add` what out was plus that. The widest vectors of
    /// the machine are used; they change no bit. n multiplications per value, or O(log n) where a spectral coupling has many patches.
    pub fn apply(&self, inner: usize, from: &[f64], add: bool, out: &mut [f64]) {
        if let Entries::Circulant(convolution) = &self.entries {
            return convolution.apply(inner, from, add, out);
        }
        pulp::Arch::new().dispatch(Apply { matrix: self, inner, from, add, out });
    }
}

/// [`PatchMatrix::apply`] as pulp wants it: a closure would not be inlined into the wide version.
struct Apply<'a> {
    matrix: &'a PatchMatrix,
    inner: usize,
    from: &'a [f64],
    add: bool,
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Apply { matrix, inner, from, add, out } = self;
        let (n, block) = (matrix.n, matrix.n * inner);
        match &matrix.entries {
            // A product with the transpose: both sides the other way round.
            Entries::Dense { columns, .. } if inner == 1 => product(n, from, columns, add, out),
            Entries::Dense { rows, .. } => {
                for (from, out) in from.chunks_exact(block).zip(out.chunks_exact_mut(block)) {
                    product(n, rows, from, add, out);
                }
            }
            Entries::Circulant(_) => unreachable!("not a product"),
            Entries::Sparse { starts, entries } => {
                if !add {
                    out.fill(0.0);
                }
                for (from, out) in from.chunks_exact(block).zip(out.chunks_exact_mut(block)) {
                    for (p, out) in out.chunks_exact_mut(inner).enumerate() {
                        for &(q, w) in &entries[starts[p]..starts[p + 1]] {
                            out.iter_mut().zip(&from[q * inner..]).for_each(|(o, f)| *o += w * f);
                        }
                    }
                }
            }
        }
    }
}

/// `Σ_q w_{p−q} x_q` by the Fourier transform over p.
#[derive(Clone)]
struct Convolution {
    forward: Arc<dyn Fft<f64>>,
    backward: Arc<dyn Fft<f64>>,
    /// the transform of w, over n
    multipliers: Vec<Complex<f64>>,
}

impl std::fmt::Debug for Convolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Convolution").field(&self.multipliers).finish()
    }
}

impl PartialEq for Convolution {
    fn eq(&self, other: &Self) -> bool {
        self.multipliers == other.multipliers
    }
}

impl Convolution {
    /// Of the circulant matrix `rows`: its first column is w.
    fn new(n: usize, rows: &[f64]) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, backward) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
        let mut multipliers: Vec<_> = (0..n).map(|p| Complex::new(rows[p * n] / n as f64, 0.0)).collect();
        forward.process(&mut multipliers);
        Convolution { forward, backward, multipliers }
    }

    /// As [`PatchMatrix::apply`], two lines at a time: w is real, so they stay apart as real and imaginary part.
    fn apply(&self, inner: usize, from: &[f64], add: bool, out: &mut [f64]) {
        let n = self.multipliers.len();
        let lines = from.len() / n;
        let start = |line: usize| line / inner * (n * inner) + line % inner;
        let mut z = vec![Complex::default(); n];
        let scratch = self.forward.get_inplace_scratch_len().max(self.backward.get_inplace_scratch_len());
        let mut scratch = vec![Complex::default(); scratch];
        for line in (0..lines).step_by(2) {
            // of an odd number, the last goes with itself
            let (a, b) = (start(line), start((line + 1).min(lines - 1)));
            for (q, z) in z.iter_mut().enumerate() {
                *z = Complex::new(from[a + q * inner], from[b + q * inner]);
            }
            self.forward.process_with_scratch(&mut z, &mut scratch);
            z.iter_mut().zip(&self.multipliers).for_each(|(z, m)| *z *= m);
            self.backward.process_with_scratch(&mut z, &mut scratch);
            for (q, z) in z.iter().enumerate() {
                for (at, value) in [(a, z.re), (b, z.im)].into_iter().take(if a == b { 1 } else { 2 }) {
                    let out = &mut out[at + q * inner];
                    *out = if add { *out + value } else { value };
                }
            }
        }
    }
}

/// `out[i][·] (+)= Σ_q a[i][q] b[q][·]`: `a` with n columns, `b` with n rows. In blocks of two rows by 16, 12, 8 or 4 columns that stay in
/// registers: enough independent sums to hide the latency of an addition.
#[inline(always)]
fn product(n: usize, a: &[f64], b: &[f64], add: bool, out: &mut [f64]) {
    let width = b.len() / n;
    let mut start = 0;
    start = blocks::<16>(n, width, start, a, b, add, out);
    start = blocks::<12>(n, width, start, a, b, add, out);
    start = blocks::<8>(n, width, start, a, b, add, out);
    start = blocks::<4>(n, width, start, a, b, add, out);
    blocks::<1>(n, width, start, a, b, add, out);
}

/// Columns from `start` on in blocks of B; returns where the rest begins.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn blocks<const B: usize>(
    n: usize,
    width: usize,
    mut start: usize,
    a: &[f64],
    b: &[f64],
    add: bool,
    out: &mut [f64],
) -> usize {
    while width - start >= B {
        let mut pairs = a.chunks_exact(2 * n);
        let mut outs = out.chunks_exact_mut(2 * width);
        for (a, out) in pairs.by_ref().zip(outs.by_ref()) {
            let (first, second) = a.split_at(n);
            let mut sums = [[0.0; B]; 2];
            for ((b, x), y) in b.chunks_exact(width).zip(first).zip(second) {
                let b = &b[start..][..B];
                for l in 0..B {
                    sums[0][l] += x * b[l];
                    sums[1][l] += y * b[l];
                }
            }
            for (out, sums) in out.chunks_exact_mut(width).zip(&sums) {
                write(add, sums, &mut out[start..][..B]);
            }
        }
        let out = outs.into_remainder();
        if !out.is_empty() {
            let mut sums = [0.0; B];
            for (b, x) in b.chunks_exact(width).zip(pairs.remainder()) {
                let b = &b[start..][..B];
                for l in 0..B {
                    sums[l] += x * b[l];
                }
            }
            write(add, &sums, &mut out[start..][..B]);
        }
        start += B;
    }
    start
}

#[inline(always)]
fn write(add: bool, sums: &[f64], out: &mut [f64]) {
    if add {
        out.iter_mut().zip(sums).for_each(|(o, s)| *o += s);
    } else {
        out.copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_is_the_product_with_its_matrix() {
        for (n, transformed) in [(63, false), (64, true), (67, false), (75, true), (211, true)] {
            let w: Vec<f64> = (0..n).map(|m| (0.7 * (m * m) as f64).sin() / n as f64).collect();
            let rows: Vec<f64> = (0..n * n).map(|k| w[(k / n + n - k % n) % n]).collect();
            let (matrix, mut other) = (PatchMatrix::new(n, rows.clone()), rows);
            assert_eq!(matches!(matrix.entries, Entries::Circulant(_)), transformed, "{n}");
            for (inner, outer) in [(1, 1), (1, 3), (5, 3), (4, 2)] {
                let from: Vec<f64> = (0..outer * n * inner).map(|k| (1.1 * k as f64).cos()).collect();
                for (add, before) in [(true, 0.5), (false, 0.0)] {
                    let mut out = vec![before; from.len()];
                    matrix.apply(inner, &from, add, &mut out);
                    for (k, out) in out.iter().enumerate() {
                        let (o, p, l) = (k / (n * inner), k / inner % n, k % inner);
                        let at = |q: usize| from[(o * n + q) * inner + l];
                        let exact = before + (0..n).map(|q| w[(p + n - q) % n] * at(q)).sum::<f64>();
                        assert!((out - exact).abs() < 1e-13, "{n}, {inner}, {outer}: {out} against {exact}");
                    }
                }
            }
            other[1] += 1e-3;
            assert!(matches!(PatchMatrix::new(n, other).entries, Entries::Dense { .. }));
        }
    }

    #[test]
    fn every_shape_of_product_agrees_with_the_definition() {
        for n in [1, 3, 8, 13, 17] {
            for sparse in [false, true] {
                let w = |p: usize, q: usize| {
                    if sparse && p.abs_diff(q) > 1 { 0.0 } else { (p * 7 + q * 3) as f64 * 0.1 - 1.0 }
                };
                let matrix = PatchMatrix::new(n, (0..n * n).map(|k| w(k / n, k % n)).collect());
                for inner in [1, 5, 8, 19] {
                    let from: Vec<f64> = (0..3 * n * inner).map(|k| (k as f64).sin()).collect();
                    let mut out = vec![0.5; from.len()];
                    matrix.apply(inner, &from, true, &mut out);
                    let mut fresh = vec![f64::NAN; from.len()];
                    matrix.apply(inner, &from, false, &mut fresh);
                    assert!(fresh.iter().zip(&out).all(|(f, o)| (f + 0.5 - o).abs() < 1e-12));
                    for (from, out) in from.chunks(n * inner).zip(out.chunks(n * inner)) {
                        for p in 0..n {
                            for l in 0..inner {
                                let exact = 0.5 + (0..n).map(|q| w(p, q) * from[q * inner + l]).sum::<f64>();
                                assert!((out[p * inner + l] - exact).abs() < 1e-11);
                            }
                        }
                    }
                }
            }
        }
    }
}
