//! Networks with exact derivatives by their coordinates: Taylor-mode forward, one reverse sweep for the parameters.
//!
//! A *jet* of a function u of d coordinates is its value, its gradient and a few second-order derivatives
//! S_k u = Σ_ij w^k_ij ∂_i∂_j u with constant symmetric weights (the Laplacian is one; all of the Hessian are d(d+1)/2). Each
//! layer maps jets to jets: z^c = W h^c (+ b on the value), and with σ at z⁰
//!
//! h⁰ = σ, h_i = σ′ z_i, h_k = σ′ z_k + σ″ Q_k, Q_k = Σ_ij w^k_ij z_i z_j
//!
//! ("forward Laplacian", Li et al. 2023). The reverse sweep of sensitivities h̄ of all channels is
//!
//! z̄_k = σ′ h̄_k, z̄_i = σ′ h̄_i + σ″ Σ_k ∂Q_k/∂z_i h̄_k, z̄⁰ = σ′ h̄⁰ + σ″ Σ_{c>0} z_c h̄_c + σ‴ Σ_k Q_k h̄_k.
//!
//! Arrays are `[features][channels][rows]`: one matrix product per layer serves all channels.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use super::{Activation, Layer, Mlp, Taylor, jet_kernels as kernels};

/// Points of one block: its buffers for a network of width 64 fit in the second cache.
pub const JET_ROWS: usize = 32;

/// Which derivatives a jet carries: the value, all `variables` first derivatives, and `second` weighted second-order ones.
#[derive(Debug, Clone, PartialEq)]
pub struct JetSpec {
    variables: usize,
    /// the non-zero (i, j, w) with i ≤ j of each second-order operator; w counts both orders
    pub(super) second: Vec<Vec<(usize, usize, f64)>>,
}

impl JetSpec {
    /// Jets of `variables` coordinates with the operators Σ w_ij ∂_i∂_j, each `w` symmetric `[variables * variables]`.
    ///
    /// # Panics
    /// If a `w` has another length, or there are more than [`super::MAX_VARIABLES`] variables.
    pub fn new(variables: usize, second: &[Vec<f64>]) -> Self {
        assert!(variables <= super::MAX_VARIABLES, "jets of at most {} variables", super::MAX_VARIABLES);
        let sparse = |w: &Vec<f64>| {
            assert_eq!(w.len(), variables * variables, "weights of a second-order operator");
            let pairs = (0..variables).flat_map(|i| (i..variables).map(move |j| (i, j)));
            let entry = |(i, j)| {
                (i, j, if i == j { w[i * variables + i] } else { w[i * variables + j] + w[j * variables + i] })
            };
            pairs.map(entry).filter(|(_, _, w)| *w != 0.0).collect()
        };
        JetSpec { variables, second: second.iter().map(sparse).collect() }
    }

    /// Value and gradient.
    pub fn gradient(variables: usize) -> Self {
        JetSpec::new(variables, &[])
    }

    /// Value, gradient and Laplacian.
    pub fn laplacian(variables: usize) -> Self {
        let unit = (0..variables * variables).map(|k| f64::from(u8::from(k % (variables + 1) == 0))).collect();
        JetSpec::new(variables, &[unit])
    }

    /// Value, gradient and all second derivatives ∂_i∂_j, i ≤ j, row by row.
    pub fn hessian(variables: usize) -> Self {
        let pairs = (0..variables).flat_map(|i| (i..variables).map(move |j| (i, j)));
        let unit = |(i, j): (usize, usize)| {
            let mut w = vec![0.0; variables * variables];
            w[i * variables + j] += 0.5;
            w[j * variables + i] += 0.5;
            w
        };
        JetSpec::new(variables, &pairs.map(unit).collect::<Vec<_>>())
    }

    /// Number of coordinates.
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// Numbers in a jet: 1 + variables + second-order operators.
    pub fn channels(&self) -> usize {
        1 + self.variables + self.second.len()
    }

    /// The channels of a [`Taylor`] number.
    pub fn of(&self, f: &Taylor) -> Vec<f64> {
        let second = self.second.iter().map(|w| w.iter().map(|(i, j, w)| w * f.hessian[*i][*j]).sum());
        std::iter::once(f.value).chain(f.gradient[..self.variables].iter().copied()).chain(second).collect()
    }

    /// The channels of a product B·N from those of both factors.
    pub fn product_into(&self, b: &[f64], n: &[f64], out: &mut [f64]) {
        out[0] = b[0] * n[0];
        for i in 1..=self.variables {
            out[i] = b[0] * n[i] + b[i] * n[0];
        }
        for (k, w) in self.second.iter().enumerate() {
            let c = 1 + self.variables + k;
            let cross: f64 = w.iter().map(|(i, j, w)| w * (b[1 + i] * n[1 + j] + b[1 + j] * n[1 + i])).sum();
            out[c] = b[0] * n[c] + b[c] * n[0] + cross;
        }
    }

    /// The transpose of [`JetSpec::product_into`] in its second factor: what sensitivities of B·N say about N.
    pub fn product_transposed(&self, b: &[f64], sensitivity: &mut [f64]) {
        let s: Vec<f64> = sensitivity.to_vec();
        sensitivity[0] = b.iter().zip(&s).map(|(b, s)| b * s).sum();
        for i in 1..=self.variables {
            sensitivity[i] = b[0] * s[i];
        }
        for (k, w) in self.second.iter().enumerate() {
            let c = 1 + self.variables + k;
            sensitivity[c] = b[0] * s[c];
            for (i, j, w) in w {
                sensitivity[1 + j] += w * b[1 + i] * s[c];
                sensitivity[1 + i] += w * b[1 + j] * s[c];
            }
        }
    }
}

/// The buffers of jets of one net for at most [`JET_ROWS`] points.
#[derive(Debug, Clone)]
pub struct JetWorkspace {
    spec: JetSpec,
    activation: Activation,
    layers: Vec<Layer>,
    /// before and after the nonlinearity of each layer, `[outputs][channels][rows]`
    z: Vec<Vec<f64>>,
    h: Vec<Vec<f64>>,
    /// sensitivities of one layer's outputs and of its inputs
    after: Vec<f64>,
    before: Vec<f64>,
}

impl JetWorkspace {
    /// Buffers for `net` and jets as `spec` says.
    pub fn new(net: &Mlp, spec: &JetSpec) -> Self {
        let layers = net.layers();
        let size = |features: usize| vec![0.0; features * spec.channels() * JET_ROWS];
        let buffers: Vec<Vec<f64>> = layers.iter().map(|l| size(l.outputs)).collect();
        let widest = net.widths().iter().copied().max().unwrap_or(0);
        JetWorkspace {
            spec: spec.clone(),
            activation: net.activation(),
            layers,
            h: buffers.clone(),
            z: buffers,
            after: size(widest),
            before: size(widest),
        }
    }

    fn size(&self, input: &[f64], rows: usize) -> usize {
        assert!(rows <= JET_ROWS, "a block of {rows} points, of {JET_ROWS} at most");
        let size = self.spec.channels() * rows;
        assert_eq!(input.len(), self.layers[0].inputs * size, "input jets and network differ");
        size
    }

    /// [`Mlp::jets`] of a network with these parameters.
    pub(crate) fn jets(&mut self, parameters: &[f64], input: &[f64], rows: usize) -> &[f64] {
        let size = self.size(input, rows);
        let last = self.layers.len() - 1;
        for (l, layer) in self.layers.iter().enumerate() {
            let inputs = if l == 0 { input } else { &self.h[l - 1][..layer.inputs * size] };
            let z = &mut self.z[l][..layer.outputs * size];
            affine(z, inputs, layer, parameters, rows, size);
            if l < last {
                let h = &mut self.h[l][..layer.outputs * size];
                kernels::forward(self.activation, &self.spec, rows, z, h);
            }
        }
        let n = self.layers[last].outputs * size;
        &self.z[last][..n]
    }

    /// [`Mlp::jets_gradient`] of a network with these parameters.
    pub(crate) fn gradient(
        &mut self,
        parameters: &[f64],
        input: &[f64],
        sensitivity: &[f64],
        rows: usize,
        gradient: &mut [f64],
    ) {
        assert_eq!(gradient.len(), parameters.len(), "gradient and network differ");
        self.reverse(parameters, input, sensitivity, rows, |layer, delta, inputs, size| {
            let g =
                MatMut::from_column_major_slice_mut(&mut gradient[layer.weights.clone()], layer.inputs, layer.outputs);
            let a = MatRef::from_column_major_slice(inputs, size, layer.inputs);
            let d = MatRef::from_column_major_slice(delta, size, layer.outputs);
            matmul(g, Accum::Add, a.transpose(), d, 1.0, Par::Seq);
            for (g, d) in gradient[layer.biases.clone()].iter_mut().zip(delta.chunks_exact(size)) {
                *g += d[..rows].iter().sum::<f64>();
            }
        });
    }

    /// [`Mlp::jets_jacobian`] of a network with these parameters.
    pub(crate) fn jacobian(
        &mut self,
        parameters: &[f64],
        input: &[f64],
        sensitivity: &[f64],
        rows: usize,
        jacobian: &mut [f64],
        stride: usize,
    ) {
        let channels = self.spec.channels();
        self.reverse(parameters, input, sensitivity, rows, |layer, delta, inputs, size| {
            let weights = &mut jacobian[layer.weights.start * stride..];
            kernels::outer(delta, inputs, channels, rows, weights, stride);
            for (o, d) in delta.chunks_exact(size).enumerate() {
                let start = (layer.biases.start + o) * stride;
                jacobian[start..start + rows].copy_from_slice(&d[..rows]);
            }
        });
    }

    /// The reverse sweep; `take(layer, z̄, inputs, size)` sees each layer, last first.
    fn reverse(
        &mut self,
        parameters: &[f64],
        input: &[f64],
        sensitivity: &[f64],
        rows: usize,
        mut take: impl FnMut(&Layer, &[f64], &[f64], usize),
    ) {
        let size = self.size(input, rows);
        let JetWorkspace { spec, activation, layers, z, h, after, before } = self;
        assert_eq!(sensitivity.len(), layers[layers.len() - 1].outputs * size, "sensitivities and network differ");
        after[..sensitivity.len()].copy_from_slice(sensitivity);
        for (l, layer) in layers.iter().enumerate().rev() {
            let inputs = if l == 0 { input } else { &h[l - 1][..layer.inputs * size] };
            let n = layer.outputs * size;
            let delta = &mut after[..n];
            if l + 1 < layers.len() {
                kernels::reverse(*activation, spec, rows, &z[l][..n], &h[l][..n], delta);
            }
            take(layer, delta, inputs, size);
            if l > 0 {
                let back = MatMut::from_column_major_slice_mut(&mut before[..layer.inputs * size], size, layer.inputs);
                let d = MatRef::from_column_major_slice(delta, size, layer.outputs);
                let w = &parameters[layer.weights.clone()];
                let w = MatRef::from_column_major_slice(w, layer.inputs, layer.outputs);
                matmul(back, Accum::Replace, d, w.transpose(), 1.0, Par::Seq);
                std::mem::swap(after, before);
            }
        }
    }
}

impl Mlp {
    /// The jets of the outputs, `[outputs][channels][rows]`, from those of the inputs, `input: [inputs][channels][rows]`.
    ///
    /// # Panics
    /// If `input` has another length, or there are more than [`JET_ROWS`] rows, or the activation has no second derivative.
    pub fn jets<'w>(&self, input: &[f64], rows: usize, work: &'w mut JetWorkspace) -> &'w [f64] {
        work.jets(self.parameters(), input, rows)
    }

    /// Adds to `gradient` Σ sensitivity · ∂jets/∂parameters, with `sensitivity: [outputs][channels][rows]`, after
    /// [`Mlp::jets`] of the same `input`.
    ///
    /// # Panics
    /// If a slice has another length than the network and `rows` ask for.
    pub fn jets_gradient(
        &self,
        input: &[f64],
        sensitivity: &[f64],
        rows: usize,
        work: &mut JetWorkspace,
        gradient: &mut [f64],
    ) {
        work.gradient(self.parameters(), input, sensitivity, rows, gradient);
    }

    /// Writes `jacobian[p * stride + r]` = Σ sensitivity of row r · ∂jets of row r/∂parameter p: one residual per row, with
    /// `jacobian: [parameters][stride]` and `stride ≥ rows`; after [`Mlp::jets`] of the same `input`.
    ///
    /// # Panics
    /// As [`Mlp::jets_gradient`].
    pub fn jets_jacobian(
        &self,
        input: &[f64],
        sensitivity: &[f64],
        rows: usize,
        work: &mut JetWorkspace,
        jacobian: &mut [f64],
        stride: usize,
    ) {
        work.jacobian(self.parameters(), input, sensitivity, rows, jacobian, stride);
    }
}

/// z = h W, plus the biases on the values.
fn affine(z: &mut [f64], h: &[f64], layer: &Layer, parameters: &[f64], rows: usize, size: usize) {
    let out = MatMut::from_column_major_slice_mut(z, size, layer.outputs);
    let a = MatRef::from_column_major_slice(h, size, layer.inputs);
    let w = MatRef::from_column_major_slice(&parameters[layer.weights.clone()], layer.inputs, layer.outputs);
    matmul(out, Accum::Replace, a, w, 1.0, Par::Seq);
    for (z, b) in z.chunks_exact_mut(size).zip(&parameters[layer.biases.clone()]) {
        z[..rows].iter_mut().for_each(|z| *z += b);
    }
}

impl Activation {
    /// True of those with the derivatives that jets need.
    pub fn is_smooth(self) -> bool {
        !matches!(self, Activation::Relu)
    }
}
