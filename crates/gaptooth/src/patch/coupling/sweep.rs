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

/// Lanes of one accumulation in registers.
const BLOCK: usize = 8;

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

    /// out[p][·] += Σ_q W_pq from[q][·], both `[n][inner]`.
    pub fn add(&self, inner: usize, from: &[f64], out: &mut [f64]) {
        match &self.transposed {
            Some(transposed) if inner == 1 => self.add_rows(transposed, from, out),
            _ => self.add_columns(inner, from, out),
        }
    }

    /// Blocks of the innermost lanes stay in registers while a row's entries pass.
    fn add_columns(&self, inner: usize, from: &[f64], out: &mut [f64]) {
        for (p, out) in out.chunks_exact_mut(inner).enumerate() {
            let row = &self.entries[self.rows[p]..self.rows[p + 1]];
            let mut blocks = out.chunks_exact_mut(BLOCK);
            let mut start = 0;
            for block in &mut blocks {
                let mut sum = [0.0; BLOCK];
                for &(q, w) in row {
                    let from: &[f64; BLOCK] = from[q * inner + start..].first_chunk().unwrap_or(&[0.0; BLOCK]);
                    for l in 0..BLOCK {
                        sum[l] += w * from[l];
                    }
                }
                block.iter_mut().zip(&sum).for_each(|(o, s)| *o += s);
                start += BLOCK;
            }
            for (l, out) in blocks.into_remainder().iter_mut().enumerate() {
                *out += row.iter().map(|&(q, w)| w * from[q * inner + start + l]).sum::<f64>();
            }
        }
    }

    /// The same for inner = 1, blocks of patches in registers.
    fn add_rows(&self, transposed: &[f64], from: &[f64], out: &mut [f64]) {
        let n = self.n;
        let mut blocks = out[..n].chunks_exact_mut(BLOCK);
        let mut start = 0;
        for block in &mut blocks {
            let mut sum = [0.0; BLOCK];
            for (q, &x) in from[..n].iter().enumerate() {
                let w: &[f64; BLOCK] = transposed[q * n + start..].first_chunk().unwrap_or(&[0.0; BLOCK]);
                for l in 0..BLOCK {
                    sum[l] += w[l] * x;
                }
            }
            block.iter_mut().zip(&sum).for_each(|(o, s)| *o += s);
            start += BLOCK;
        }
        for (l, out) in blocks.into_remainder().iter_mut().enumerate() {
            *out += from[..n].iter().enumerate().map(|(q, x)| transposed[q * n + start + l] * x).sum::<f64>();
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
