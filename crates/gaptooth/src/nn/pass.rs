//! Forward, reverse and directional derivatives of a whole batch, without allocation.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use super::{Activation, Layer, Mlp};

/// The buffers of one net and one largest batch; made once, reused for every pass.
#[derive(Debug, Clone)]
pub struct Workspace {
    layers: Vec<Layer>,
    capacity: usize,
    /// activations of layer l + 1, `[outputs][rows]`
    pub(super) values: Vec<Vec<f64>>,
    /// what the sine was taken of, of the same shapes; empty for other activations
    pub(super) before: Vec<Vec<f64>>,
    /// tangents, or sensitivities of the loss, of the same shapes
    pub(super) slopes: Vec<Vec<f64>>,
}

impl Workspace {
    /// Buffers for at most `rows` rows of `net`.
    pub fn new(net: &Mlp, rows: usize) -> Self {
        let layers = net.layers();
        let buffers: Vec<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.outputs * rows]).collect();
        let before = if net.activation() == Activation::Sine { buffers.clone() } else { vec![vec![]; buffers.len()] };
        Workspace { layers, capacity: rows, values: buffers.clone(), before, slopes: buffers }
    }

    /// The largest batch it takes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The outputs of the last forward pass, `[outputs][rows]`.
    pub fn outputs(&self, rows: usize) -> &[f64] {
        let last = self.layers.len() - 1;
        &self.values[last][..self.layers[last].outputs * rows]
    }

    fn check(&self, x: &[f64], rows: usize) {
        assert!(rows <= self.capacity, "a batch of {rows} rows in a workspace for {}", self.capacity);
        assert_eq!(x.len(), self.layers[0].inputs * rows, "input and network differ");
    }
}

impl Mlp {
    /// The outputs `[outputs][rows]` for the inputs `x: [inputs][rows]`.
    ///
    /// # Panics
    /// If `x` has another length or `rows` exceeds the workspace.
    pub fn forward<'w>(&self, x: &[f64], rows: usize, work: &'w mut Workspace) -> &'w [f64] {
        work.check(x, rows);
        let last = work.layers.len() - 1;
        for (l, layer) in work.layers.iter().enumerate() {
            let (before, after) = work.values.split_at_mut(l);
            let input = if l == 0 { x } else { &before[l - 1][..layer.inputs * rows] };
            let z = &mut after[0][..layer.outputs * rows];
            for (column, b) in z.chunks_exact_mut(rows).zip(&self.parameters()[layer.biases.clone()]) {
                column.fill(*b);
            }
            multiply(z, Accum::Add, input, layer, &self.parameters()[layer.weights.clone()], rows);
            if l < last {
                if let Some(before) = work.before[l].get_mut(..z.len()) {
                    before.copy_from_slice(z);
                }
                self.activation().apply(z);
            }
        }
        work.outputs(rows)
    }

    /// The derivative of the outputs along `v: [inputs][rows]`, `[outputs][rows]`; runs the forward pass too.
    ///
    /// # Panics
    /// If `x` or `v` has another length or `rows` exceeds the workspace.
    pub fn jvp<'w>(&self, x: &[f64], v: &[f64], rows: usize, work: &'w mut Workspace) -> &'w [f64] {
        work.check(v, rows);
        self.forward(x, rows, work);
        let last = work.layers.len() - 1;
        for (l, layer) in work.layers.iter().enumerate() {
            let (before, after) = work.slopes.split_at_mut(l);
            let input = if l == 0 { v } else { &before[l - 1][..layer.inputs * rows] };
            let dz = &mut after[0][..layer.outputs * rows];
            multiply(dz, Accum::Replace, input, layer, &self.parameters()[layer.weights.clone()], rows);
            if l < last {
                self.activation().scale_by_slope(&work.values[l][..layer.outputs * rows], &work.before[l], dz);
            }
        }
        &work.slopes[last][..work.layers[last].outputs * rows]
    }

    /// The mean squared error (1/rows) Σ (net(x) − y)² and, in `gradient`, its derivative by every parameter.
    ///
    /// # Panics
    /// If a slice has another length than the network and `rows` ask for.
    pub fn mse_gradient_into(
        &self,
        x: &[f64],
        y: &[f64],
        rows: usize,
        work: &mut Workspace,
        gradient: &mut [f64],
    ) -> f64 {
        self.forward(x, rows, work);
        let last = work.layers.len() - 1;
        let n = work.layers[last].outputs * rows;
        assert_eq!(y.len(), n, "targets and network differ");
        let scale = 1.0 / rows as f64;
        let mut sum = 0.0;
        for ((d, value), target) in work.slopes[last][..n].iter_mut().zip(&work.values[last][..n]).zip(y) {
            let error = value - target;
            sum += error * error;
            *d = 2.0 * scale * error;
        }
        self.reverse_into(x, rows, work, Accum::Replace, gradient);
        sum * scale
    }

    /// Adds to `gradient` Σ sensitivity · ∂net/∂parameters, with `sensitivity: [outputs][rows]` = ∂loss/∂net, after
    /// a [`Mlp::forward`] of the same `x`.
    ///
    /// # Panics
    /// If a slice has another length than the network and `rows` ask for.
    pub fn accumulate_gradient(
        &self,
        x: &[f64],
        sensitivity: &[f64],
        rows: usize,
        work: &mut Workspace,
        gradient: &mut [f64],
    ) {
        work.check(x, rows);
        work.slopes.last_mut().expect("a network has a layer")[..sensitivity.len()].copy_from_slice(sensitivity);
        self.reverse_into(x, rows, work, Accum::Add, gradient);
    }

    /// The reverse sweep; the sensitivities of the outputs lie in the last of `work.slopes`.
    fn reverse_into(&self, x: &[f64], rows: usize, work: &mut Workspace, beta: Accum, gradient: &mut [f64]) {
        assert_eq!(gradient.len(), self.parameters().len(), "gradient and network differ");
        for l in (0..work.layers.len()).rev() {
            let layer = &work.layers[l];
            let input = if l == 0 { x } else { &work.values[l - 1][..layer.inputs * rows] };
            let (before, after) = work.slopes.split_at_mut(l);
            let delta = &after[0][..layer.outputs * rows];
            weight_gradient(&mut gradient[layer.weights.clone()], beta, input, layer, delta, rows);
            for (g, column) in gradient[layer.biases.clone()].iter_mut().zip(delta.chunks_exact(rows)) {
                let sum = sum(column);
                *g = if beta == Accum::Add { *g + sum } else { sum };
            }
            if l > 0 {
                let back = &mut before[l - 1][..layer.inputs * rows];
                transposed(back, delta, layer, &self.parameters()[layer.weights.clone()], rows);
                self.activation().scale_by_slope(input, &work.before[l - 1], back);
            }
        }
    }
}

/// A sum in four fixed lanes, so that it vectorises.
fn sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let chunks = values.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().sum();
    for c in chunks {
        for (lane, v) in lanes.iter_mut().zip(c) {
            *lane += v;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// z (+)= input · W, with `[rows, inputs]` · `[inputs, outputs]`, all column-major.
fn multiply(z: &mut [f64], beta: Accum, input: &[f64], layer: &Layer, weights: &[f64], rows: usize) {
    let z = MatMut::from_column_major_slice_mut(z, rows, layer.outputs);
    let a = MatRef::from_column_major_slice(input, rows, layer.inputs);
    let w = MatRef::from_column_major_slice(weights, layer.inputs, layer.outputs);
    matmul(z, beta, a, w, 1.0, Par::Seq);
}

/// back = δ · Wᵀ
pub(super) fn transposed(back: &mut [f64], delta: &[f64], layer: &Layer, weights: &[f64], rows: usize) {
    let back = MatMut::from_column_major_slice_mut(back, rows, layer.inputs);
    let d = MatRef::from_column_major_slice(delta, rows, layer.outputs);
    let w = MatRef::from_column_major_slice(weights, layer.inputs, layer.outputs);
    matmul(back, Accum::Replace, d, w.transpose(), 1.0, Par::Seq);
}

/// G (+)= inputᵀ · δ
fn weight_gradient(g: &mut [f64], beta: Accum, input: &[f64], layer: &Layer, delta: &[f64], rows: usize) {
    let g = MatMut::from_column_major_slice_mut(g, layer.inputs, layer.outputs);
    let a = MatRef::from_column_major_slice(input, rows, layer.inputs);
    let d = MatRef::from_column_major_slice(delta, rows, layer.outputs);
    matmul(g, beta, a.transpose(), d, 1.0, Par::Seq);
}
