//! One direction of the coupling, applied to all lanes.

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

/// A square matrix over the patches of one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchMatrix {
    n: usize,
    /// the entries that are not zero: `rows[i]..rows[i + 1]` of `entries` make row i
    rows: Vec<usize>,
    entries: Vec<(usize, f64)>,
    /// the transpose, row by row, if few entries are zero
    transposed: Option<Vec<f64>>,
}

impl PatchMatrix {
    fn new(n: usize, dense: Vec<f64>) -> Self {
        let (mut rows, mut entries) = (vec![0], Vec::new());
        for row in dense.chunks(n) {
            entries.extend(row.iter().copied().enumerate().filter(|(_, w)| *w != 0.0));
            rows.push(entries.len());
        }
        let transpose = || (0..n * n).map(|k| dense[k % n * n + k / n]).collect();
        let transposed = (4 * entries.len() > n * n).then(transpose);
        PatchMatrix { n, rows, entries, transposed }
    }

    /// out[p][·] += Σ_q W_pq from[q][·], both `[n][inner]`. The widest vectors of the machine are used; they do not change a bit.
    pub fn add(&self, inner: usize, from: &[f64], out: &mut [f64]) {
        pulp::Arch::new().dispatch(Add { matrix: self, inner, from, out });
    }

    #[inline(always)]
    fn add_columns(&self, inner: usize, from: &[f64], out: &mut [f64]) {
        for (p, out) in out.chunks_exact_mut(inner).enumerate() {
            let row = &self.entries[self.rows[p]..self.rows[p + 1]];
            let start = column_blocks::<16>(row, inner, 0, from, out);
            let start = column_blocks::<8>(row, inner, start, from, out);
            let start = column_blocks::<4>(row, inner, start, from, out);
            column_blocks::<1>(row, inner, start, from, out);
        }
    }

    /// The same for inner = 1, over patches.
    #[inline(always)]
    fn add_rows(&self, transposed: &[f64], from: &[f64], out: &mut [f64]) {
        let (from, out) = (&from[..self.n], &mut out[..self.n]);
        let start = row_blocks::<16>(transposed, 0, from, out);
        let start = row_blocks::<8>(transposed, start, from, out);
        let start = row_blocks::<4>(transposed, start, from, out);
        row_blocks::<1>(transposed, start, from, out);
    }
}

/// Blocks of B lanes from `start` on, each in registers while the row's entries pass: enough sums to hide the latency of an
/// addition. Returns where the rest begins.
#[inline(always)]
fn column_blocks<const B: usize>(
    row: &[(usize, f64)],
    inner: usize,
    mut start: usize,
    from: &[f64],
    out: &mut [f64],
) -> usize {
    while inner - start >= B {
        let mut sum = [0.0; B];
        for &(q, w) in row {
            let values = &from[q * inner + start..][..B];
            for l in 0..B {
                sum[l] += w * values[l];
            }
        }
        for (out, sum) in out[start..].iter_mut().zip(sum) {
            *out += sum;
        }
        start += B;
    }
    start
}

/// The same over patches, with the matrix's columns as rows.
#[inline(always)]
fn row_blocks<const B: usize>(transposed: &[f64], mut start: usize, from: &[f64], out: &mut [f64]) -> usize {
    let n = from.len();
    while n - start >= B {
        let mut sum = [0.0; B];
        for (column, &x) in transposed.chunks_exact(n).zip(from) {
            let column = &column[start..][..B];
            for l in 0..B {
                sum[l] += column[l] * x;
            }
        }
        for (out, sum) in out[start..].iter_mut().zip(sum) {
            *out += sum;
        }
        start += B;
    }
    start
}

/// [`PatchMatrix::add`] as pulp wants it: a closure would not be inlined into the wide version.
struct Add<'a> {
    matrix: &'a PatchMatrix,
    inner: usize,
    from: &'a [f64],
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match &self.matrix.transposed {
            Some(transposed) if self.inner == 1 => self.matrix.add_rows(transposed, self.from, self.out),
            _ => self.matrix.add_columns(self.inner, self.from, self.out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_product_agrees_with_the_definition() {
        for n in [1, 3, 8, 13, 17] {
            for sparse in [false, true] {
                let w = |p: usize, q: usize| {
                    if sparse && p.abs_diff(q) > 1 { 0.0 } else { (p * 7 + q * 3) as f64 * 0.1 - 1.0 }
                };
                let matrix = PatchMatrix::new(n, (0..n * n).map(|k| w(k / n, k % n)).collect());
                for inner in [1, 5, 8, 19] {
                    let from: Vec<f64> = (0..n * inner).map(|k| (k as f64).sin()).collect();
                    let mut out = vec![0.5; n * inner];
                    matrix.add(inner, &from, &mut out);
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
