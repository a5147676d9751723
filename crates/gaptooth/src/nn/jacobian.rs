//! ∂net/∂parameters row by row, for Gauss–Newton.

use super::{Mlp, Workspace, pass::transposed};

impl Mlp {
    /// Writes `jacobian[p * rows + b]` = ∂net(x_b)/∂parameter p (`[parameters][rows]`) for a net with one output;
    /// the outputs stay in the workspace.
    ///
    /// Cost: one product per entry, after one reverse sweep for the whole batch.
    ///
    /// # Panics
    /// If the net has several outputs, or a slice has another length than the network and `rows` ask for.
    pub fn parameter_jacobian_into(&self, x: &[f64], rows: usize, work: &mut Workspace, jacobian: &mut [f64]) {
        assert_eq!(self.outputs(), 1, "the parameter Jacobian is written for one output");
        assert_eq!(jacobian.len(), self.parameters().len() * rows, "Jacobian and network differ");
        self.forward(x, rows, work);
        let layers = work.layers().to_vec();
        work.slopes[layers.len() - 1][..rows].fill(1.0);
        for (l, layer) in layers.iter().enumerate().rev() {
            let input = if l == 0 { x } else { &work.values[l - 1][..layer.inputs * rows] };
            let (before, after) = work.slopes.split_at_mut(l);
            let delta = &after[0][..layer.outputs * rows];
            let columns = &mut jacobian[layer.weights.start * rows..layer.biases.end * rows];
            let (weights, biases) = columns.split_at_mut(layer.weights.len() * rows);
            biases.copy_from_slice(delta);
            let per_output = weights.chunks_exact_mut(layer.inputs * rows).zip(delta.chunks_exact(rows));
            for (block, d) in per_output {
                for (column, a) in block.chunks_exact_mut(rows).zip(input.chunks_exact(rows)) {
                    for ((j, a), d) in column.iter_mut().zip(a).zip(d) {
                        *j = a * d;
                    }
                }
            }
            if l > 0 {
                let back = &mut before[l - 1][..layer.inputs * rows];
                transposed(back, delta, layer, &self.parameters()[layer.weights.clone()], rows);
                self.activation().scale_by_slope(input, &work.before[l - 1], back);
            }
        }
    }
}
