//! Weighted least squares with a network, for Levenberg–Marquardt and L-BFGS on all rows at once.

use std::ops::Range;

use rayon::prelude::*;

use super::{Activation, LeastSquares, Mlp, Samples, Workspace, mlp::check_shape};
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

/// Rows evaluated together, each block on its own thread; sums are taken block by block in order.
const CHUNK: usize = 512;

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

    /// Half the sum of squares and, in `gradient`, its derivative by every parameter.
    ///
    /// # Panics
    /// If `p` or `gradient` has another length than the network.
    pub fn cost_gradient_into(&self, p: &[f64], gradient: &mut [f64]) -> f64 {
        let net = self.net(p);
        let parts: Vec<(f64, Vec<f64>)> = self
            .blocks()
            .into_par_iter()
            .map(|rows| {
                let count = rows.len();
                let (x, mut work) = (self.inputs(rows.clone()), Workspace::new(&net, count));
                let zero = self.at_zero(&net);
                net.forward(&x, count, &mut work);
                let mut r = work.outputs(count).to_vec();
                self.residual(&mut r, zero, rows.clone());
                let cost = 0.5 * r.iter().map(|r| r * r).sum::<f64>();
                r.iter_mut().zip(rows).for_each(|(r, b)| *r *= self.weight(b));
                let mut g = vec![0.0; p.len()];
                net.accumulate_gradient(&x, &r, count, &mut work, &mut g);
                if self.anchored {
                    let (total, origin) = (r.iter().sum::<f64>(), vec![0.0; net.inputs()]);
                    net.forward(&origin, 1, &mut work);
                    net.accumulate_gradient(&origin, &[-total], 1, &mut work, &mut g);
                }
                (cost, g)
            })
            .collect();
        gradient.fill(0.0);
        let mut cost = 0.0;
        for (c, g) in &parts {
            cost += c;
            gradient.iter_mut().zip(g).for_each(|(a, b)| *a += b);
        }
        cost
    }

    fn net(&self, p: &[f64]) -> Mlp {
        let mut net = Mlp::from_parameters(&self.widths, self.activation, vec![0.0; Mlp::count(&self.widths)])
            .expect("the shape of a network that exists");
        net.parameters_mut().copy_from_slice(p);
        net
    }

    fn blocks(&self) -> Vec<Range<usize>> {
        let n = self.samples.targets.len();
        (0..n).step_by(CHUNK).map(|start| start..(start + CHUNK).min(n)).collect()
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

    fn residuals(&self) -> usize {
        self.samples.targets.len()
    }

    fn rows_into(&self, p: &[f64], rows: Range<usize>, residual: &mut [f64], jacobian: &mut [f64]) {
        let (net, count) = (self.net(p), rows.len());
        let mut work = Workspace::new(&net, count);
        let mut origin = vec![0.0; p.len()];
        if self.anchored {
            net.parameter_jacobian_into(&vec![0.0; net.inputs()], 1, &mut work, &mut origin);
        }
        net.parameter_jacobian_into(&self.inputs(rows.clone()), count, &mut work, jacobian);
        residual.copy_from_slice(work.outputs(count));
        self.residual(residual, self.at_zero(&net), rows.clone());
        for (column, at_zero) in jacobian.chunks_exact_mut(count).zip(&origin) {
            for (j, b) in column.iter_mut().zip(rows.clone()) {
                *j = self.weight(b) * (*j - at_zero);
            }
        }
    }

    fn cost(&self, p: &[f64]) -> f64 {
        let net = self.net(p);
        let zero = self.at_zero(&net);
        let parts: Vec<f64> = self
            .blocks()
            .into_par_iter()
            .map(|rows| {
                let mut work = Workspace::new(&net, rows.len());
                let mut r = net.forward(&self.inputs(rows.clone()), rows.len(), &mut work).to_vec();
                self.residual(&mut r, zero, rows);
                0.5 * r.iter().map(|r| r * r).sum::<f64>()
            })
            .collect();
        parts.iter().sum()
    }
}
