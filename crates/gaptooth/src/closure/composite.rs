//! A linear path and a gated network that vanishes with its inputs.

use super::{Card, Closure, FeatureSpec, Features, LinearLaw, Tensor};
use crate::{
    Error, Result,
    error::check_finite,
    nn::{Mlp, Workspace, check_shape},
    ode::OdeSystem,
};

/// du/dt = Σ_k c_k f_k + gate · s · (N(z) − N(0)), z_k = g_k/scale_k: F(0) = 0 exactly, whatever the parameters.
///
/// The inputs are divided by their root mean square and not shifted, so that z = 0 is the zero state.
#[derive(Debug, Clone)]
pub struct CompositeLaw {
    linear: LinearLaw,
    features: Features,
    scale: Vec<f64>,
    output_scale: f64,
    net: Mlp,
    gate: f64,
    keeps_mean: bool,
}

impl CompositeLaw {
    /// `linear` plus `gate` · `output_scale` · (net(z) − net(0)) on the features of `spec`, each over its `scale`.
    ///
    /// # Errors
    /// As [`Features::new`]; [`Error::Shape`] when net, scales and features differ; [`Error::Parameter`] for a
    /// scale that is not positive or a gate outside [0, 1].
    pub fn new(
        linear: LinearLaw,
        spec: FeatureSpec,
        scale: Vec<f64>,
        output_scale: f64,
        net: Mlp,
        gate: f64,
    ) -> Result<Self> {
        let features = Features::new(spec, linear.features().grid())?;
        check_shape("network inputs and outputs", &[features.len(), 1], &[net.inputs(), net.outputs()])?;
        check_shape("input scales", &[features.len()], &[scale.len()])?;
        if let Some(s) = scale.iter().chain([&output_scale]).find(|s| !(s.is_finite() && **s > 0.0)) {
            return Err(Error::parameter("scale", s, "positive and finite", "leave out features that do not vary"));
        }
        if !(0.0..=1.0).contains(&gate) {
            return Err(Error::parameter("gate", gate, "between 0 and 1", "0 closes the nonlinear path"));
        }
        Ok(CompositeLaw { linear, features, scale, output_scale, net, gate, keeps_mean: false })
    }

    /// The linear path.
    pub fn linear(&self) -> &LinearLaw {
        &self.linear
    }

    /// The network of the nonlinear path.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// The weight of the nonlinear path.
    pub fn gate(&self) -> f64 {
        self.gate
    }

    /// The same with another gate.
    ///
    /// # Errors
    /// [`Error::Parameter`] outside [0, 1].
    pub fn with_gate(self, gate: f64) -> Result<Self> {
        let kept = self.keeps_mean;
        let spec = self.features.spec().clone();
        CompositeLaw::new(self.linear, spec, self.scale, self.output_scale, self.net, gate)?.with_mean_kept(kept)
    }

    /// The same, the network's part less its mean over all points when `keeps_mean`: what is conserved stays so.
    ///
    /// # Errors
    /// [`Error::Parameter`] to keep the mean on a bounded grid, where it need not be conserved.
    pub fn with_mean_kept(mut self, keeps_mean: bool) -> Result<Self> {
        if keeps_mean && !self.features.grid().is_periodic() {
            return Err(Error::parameter("keeps_mean", "a bounded grid", "a periodic one", "leave it out"));
        }
        self.keeps_mean = keeps_mean;
        Ok(self)
    }

    /// The same law on another grid, as [`LinearLaw::on_grid`].
    ///
    /// # Errors
    /// As [`Features::new`].
    pub fn on_grid(&self, grid: &crate::grid::Grid) -> Result<Self> {
        let (linear, spec) = (self.linear.on_grid(grid)?, self.features.spec().clone());
        let (scale, net) = (self.scale.clone(), self.net.clone());
        CompositeLaw::new(linear, spec, scale, self.output_scale, net, self.gate)?.with_mean_kept(self.keeps_mean)
    }

    /// Adds the network's part to `out`.
    fn add_part(&self, part: &mut [f64], out: &mut [f64]) {
        if self.keeps_mean {
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter_mut().for_each(|p| *p -= mean);
        }
        let factor = self.gate * self.output_scale;
        out.iter_mut().zip(part).for_each(|(o, p)| *o += factor * *p);
    }

    fn inputs(&self, u: &[f64]) -> Vec<f64> {
        let mut z = self.features.apply(u);
        for (column, s) in z.chunks_exact_mut(self.features.points()).zip(&self.scale) {
            column.iter_mut().for_each(|f| *f /= s);
        }
        z
    }

    /// The number of parameters of the linear path.
    fn linear_count(&self) -> usize {
        self.linear.coefficients().len()
    }
}

impl OdeSystem for CompositeLaw {
    fn dim(&self) -> usize {
        self.linear.dim()
    }

    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let rows = self.features.points();
        let mut out = vec![0.0; rows];
        self.linear.add_into(&self.linear.features().apply(u), &mut out);
        if self.gate != 0.0 {
            let z = self.inputs(u);
            let mut work = Workspace::new(&self.net, rows);
            let zero = self.net.forward(&vec![0.0; self.features.len()], 1, &mut work)[0];
            let mut part = self.net.forward(&z, rows, &mut work).to_vec();
            for (b, p) in part.iter_mut().enumerate() {
                // A batch may round differently from a single row; at z = 0 the difference is 0 by definition.
                let moves = z.iter().skip(b).step_by(rows).any(|z| *z != 0.0);
                *p = if moves { *p - zero } else { 0.0 };
            }
            self.add_part(&mut part, &mut out);
        }
        self.features.scatter(&out, du);
    }

    fn jvp_into(&self, _t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        let rows = self.features.points();
        let mut out = vec![0.0; rows];
        self.linear.add_into(&self.linear.features().apply(v), &mut out);
        if self.gate != 0.0 {
            let mut work = Workspace::new(&self.net, rows);
            let mut tangent = self.net.jvp(&self.inputs(u), &self.inputs(v), rows, &mut work).to_vec();
            self.add_part(&mut tangent, &mut out);
        }
        self.features.scatter(&out, jv);
    }
}

impl Closure for CompositeLaw {
    /// The coefficients of the linear path, then the network's parameters.
    fn parameters(&self) -> Vec<f64> {
        [self.linear.coefficients(), self.net.parameters()].concat()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        let n = self.linear_count();
        check_shape("parameters of the law", &[n + self.net.parameters().len()], &[parameters.len()])?;
        check_finite("parameters of the law", parameters, None, "fit again")?;
        self.linear.set_parameters(&parameters[..n])?;
        self.net.parameters_mut().copy_from_slice(&parameters[n..]);
        Ok(())
    }

    fn card(&self) -> Card {
        Card::Composite {
            grid: self.features.grid().clone(),
            linear: self.linear.features().spec().clone(),
            features: self.features.spec().clone(),
            widths: self.net.widths().to_vec(),
            activation: self.net.activation(),
            keeps_mean: self.keeps_mean,
        }
    }

    fn to_tensors(&self) -> Vec<Tensor> {
        let mut tensors = self.linear.to_tensors();
        tensors.push(("scale".into(), vec![self.scale.len()], self.scale.clone()));
        tensors.push(("output".into(), vec![2], vec![self.output_scale, self.gate]));
        tensors.extend(self.net.to_tensors());
        tensors
    }
}
