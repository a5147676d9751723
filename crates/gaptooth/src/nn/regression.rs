//! Weighted least squares with a network, for Levenberg–Marquardt and L-BFGS on all rows at once.

use std::ops::Range;

use super::{Activation, LeastSquares, Mlp, Samples, Workspace, least_squares::half_square, mlp::check_shape};
use crate::{Error, Result, error::check_finite};

/// r_b = w_b (N(x_b) − N(0) − y_b), or without N(0) when not `anchored`.
///
/// An anchored network vanishes at x = 0 whatever its parameters; its last bias then does nothing.
#[derive(Debug)]
pub struct Regression<'a> {
    widths: Vec<usize>,
    activation: Activation,
    samples: Samples<'a>,
    weights: Option<&'a [f64]>,
    anchored: bool,
}

/// Rows in a block.
const CHUNK: usize = 256;

impl<'a> Regression<'a> {
    /// Fits a network of `net`'s shape to `samples`, row b weighted by `weights[b]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the samples do not fit the net or each other, [`Error::NonFinite`] for a NaN in them.
    pub fn new(net: &Mlp, samples: Samples<'a>, weights: Option<&'a [f64]>, anchored: bool) -> Result<Self> {
        let rows = samples.targets.len();
        if rows == 0 {
            return Err(Error::parameter("rows", 0, "at least one", "use a longer trajectory"));
        }
        check_shape("inputs", &[net.inputs() * rows], &[samples.inputs.len()])?;
        check_shape("weights", &[rows], &[weights.map_or(rows, <[f64]>::len)])?;
        check_shape("network outputs", &[1], &[net.outputs()])?;
        for (what, values) in [("inputs", samples.inputs), ("targets", samples.targets)] {
            check_finite(what, values, None, "check the dataset")?;
        }
        check_finite("weights", weights.unwrap_or(&[]), None, "raise the floor of the relative weights")?;
        Ok(Regression { widths: net.widths().to_vec(), activation: net.activation(), samples, weights, anchored })
    }

    fn net(&self, p: &[f64]) -> Mlp {
        let mut net = Mlp::from_parameters(&self.widths, self.activation, vec![0.0; Mlp::count(&self.widths)])
            .expect("the shape of a network that exists");
        net.parameters_mut().copy_from_slice(p);
        net
    }

    fn range(&self, block: usize) -> Range<usize> {
        block * CHUNK..((block + 1) * CHUNK).min(self.samples.targets.len())
    }

    fn inputs(&self, rows: Range<usize>) -> Vec<f64> {
        let n = self.samples.targets.len();
        self.samples.inputs.chunks_exact(n).flat_map(|column| column[rows.clone()].iter().copied()).collect()
    }

    fn at_zero(&self, net: &Mlp) -> f64 {
        if !self.anchored {
            return 0.0;
        }
        net.forward(&vec![0.0; net.inputs()], 1, &mut Workspace::new(net, 1))[0]
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    fn residual(&self, outputs: &mut [f64], zero: f64, rows: Range<usize>) {
        for (o, b) in outputs.iter_mut().zip(rows) {
            *o = self.weight(b) * (*o - zero - self.samples.targets[b]);
        }
    }
}

impl LeastSquares for Regression<'_> {
    fn parameters(&self) -> usize {
        Mlp::count(&self.widths)
    }

    fn blocks(&self) -> Vec<usize> {
        (0..self.samples.targets.len().div_ceil(CHUNK)).map(|block| self.range(block).len()).collect()
    }

    fn residual_into(&self, p: &[f64], block: usize, residual: &mut [f64]) {
        let (net, rows) = (self.net(p), self.range(block));
        let mut work = Workspace::new(&net, rows.len());
        residual.copy_from_slice(net.forward(&self.inputs(rows.clone()), rows.len(), &mut work));
        self.residual(residual, self.at_zero(&net), rows);
    }

    fn jacobian_into(&self, p: &[f64], block: usize, residual: &mut [f64], jacobian: &mut [f64], stride: usize) {
        let (net, rows) = (self.net(p), self.range(block));
        let count = rows.len();
        let mut work = Workspace::new(&net, count);
        let mut origin = vec![0.0; p.len()];
        if self.anchored {
            net.parameter_jacobian_into(&vec![0.0; net.inputs()], 1, &mut work, &mut origin);
        }
        let mut own = vec![0.0; p.len() * count];
        net.parameter_jacobian_into(&self.inputs(rows.clone()), count, &mut work, &mut own);
        residual.copy_from_slice(work.outputs(count));
        self.residual(residual, self.at_zero(&net), rows.clone());
        let columns = jacobian.chunks_mut(stride).zip(own.chunks_exact(count));
        for ((column, own), at_zero) in columns.zip(&origin) {
            for ((j, own), b) in column.iter_mut().zip(own).zip(rows.clone()) {
                *j = self.weight(b) * (own - at_zero);
            }
        }
    }

    fn gradient_into(&self, p: &[f64], block: usize, gradient: &mut [f64]) -> f64 {
        let (net, rows) = (self.net(p), self.range(block));
        let (count, x) = (rows.len(), self.inputs(rows.clone()));
        let mut work = Workspace::new(&net, count);
        let zero = self.at_zero(&net);
        let mut r = net.forward(&x, count, &mut work).to_vec();
        self.residual(&mut r, zero, rows.clone());
        let cost = half_square(&r);
        r.iter_mut().zip(rows).for_each(|(r, b)| *r *= self.weight(b));
        net.accumulate_gradient(&x, &r, count, &mut work, gradient);
        if self.anchored {
            let (total, origin) = (r.iter().sum::<f64>(), vec![0.0; net.inputs()]);
            net.forward(&origin, 1, &mut work);
            net.accumulate_gradient(&origin, &[-total], 1, &mut work, gradient);
        }
        cost
    }
}
