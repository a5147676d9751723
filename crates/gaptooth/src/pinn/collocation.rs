//! Residuals and conditions at points as one sum of squares.

use std::sync::{Mutex, PoisonError};

use super::{Ansatz, Residual};
use crate::nn::{Activation, JET_ROWS, JetSpec, JetWorkspace, LeastSquares, Mlp, Taylor};
use crate::{Error, Result, error::check_finite};

/// A linear condition Σ_q Σ_c s_qc (jet of u at x_q)_c = target at one or two points.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// the points, as many in every condition of a term
    pub points: Vec<Vec<f64>>,
    /// s for each point, `[fields][channels]`
    pub weights: Vec<Vec<f64>>,
    /// the right-hand side
    pub target: f64,
}

impl Condition {
    /// u = `target` at x, for one field with jets of `channels` numbers.
    pub fn value(x: &[f64], target: f64, channels: usize) -> Self {
        let mut weights = vec![0.0; channels];
        weights[0] = 1.0;
        Condition { points: vec![x.to_vec()], weights: vec![weights], target }
    }

    /// Channel `c` of the one field's jet is the same at two points: 0 for the value, 1 + i for ∂_i.
    pub fn equal(a: &[f64], b: &[f64], c: usize, channels: usize) -> Self {
        let mut weights = vec![0.0; channels];
        weights[c] = 1.0;
        let minus = weights.iter().map(|w| -w).collect();
        Condition { points: vec![a.to_vec(), b.to_vec()], weights: vec![weights, minus], target: 0.0 }
    }
}

/// ½ Σ over terms of (w/N) Σ over its N rows of r², with r from residuals of equations and from linear conditions.
///
/// The parameters are the network's, then the coefficients of the ansatz's extra functions.
pub struct Collocation<'a> {
    ansatz: &'a Ansatz,
    shape: Mlp,
    spec: JetSpec,
    names: Vec<String>,
    blocks: Vec<Block<'a>>,
    /// buffers that wait for the next block: a page of fresh memory costs more than its arithmetic
    idle: Mutex<Vec<JetWorkspace>>,
}

/// What is known of at most [`JET_ROWS`] points of one term.
struct Block<'a> {
    points: usize,
    /// jets of the network's inputs, `[inputs][channels][points]`
    input: Vec<f64>,
    /// jets of the ansatz's functions at each point
    around: Vec<Around>,
    kind: Kind<'a>,
    /// index of the first of its parts' names
    part: usize,
    /// √(w/N)
    scale: f64,
}

/// Jets of factors, lifts and basis functions at a point; `None` for 1 or 0.
struct Around {
    factors: Vec<Option<Vec<f64>>>,
    lifts: Vec<Option<Vec<f64>>>,
    basis: Vec<Vec<f64>>,
}

enum Kind<'a> {
    Equation { residual: &'a dyn Residual, data: Vec<Vec<f64>>, components: usize },
    Conditions { group: usize, weights: Vec<Vec<f64>>, targets: Vec<f64> },
}

impl Block<'_> {
    fn rows(&self) -> usize {
        match &self.kind {
            Kind::Equation { components, .. } => components * self.points,
            Kind::Conditions { targets, .. } => targets.len(),
        }
    }
}

impl<'a> Collocation<'a> {
    /// An empty sum for networks of `net`'s shape within `ansatz`, with jets as `spec` says.
    ///
    /// # Errors
    /// [`Error::Shape`] when net, ansatz and jets do not fit; [`Error::Parameter`] for an activation that is not smooth.
    pub fn new(ansatz: &'a Ansatz, net: &Mlp, spec: &JetSpec) -> Result<Self> {
        if !net.activation().is_smooth() {
            let advice = "derivatives of the network enter the equation";
            return Err(Error::parameter("activation", format!("{:?}", net.activation()), "tanh or sine", advice));
        }
        for (what, expected, found) in [
            ("network inputs", ansatz.embedding.inputs(), net.inputs()),
            ("network outputs", ansatz.fields(), net.outputs()),
            ("coordinates of the jets", ansatz.variables, spec.variables()),
        ] {
            crate::nn::check_shape(what, &[expected], &[found])?;
        }
        Ok(Collocation {
            ansatz,
            shape: net.clone(),
            spec: spec.clone(),
            names: vec![],
            blocks: vec![],
            idle: Mutex::default(),
        })
    }

    /// Adds an equation at `points` with weight `w`.
    ///
    /// # Errors
    /// [`Error::Shape`] when it does not fit the ansatz, [`Error::Parameter`] without points or for a bad weight,
    /// [`Error::NonFinite`] when what it knows at a point is not finite.
    pub fn equation(mut self, residual: &'a dyn Residual, points: &[Vec<f64>], weight: f64) -> Result<Self> {
        crate::nn::check_shape("fields of the equation", &[self.ansatz.fields()], &[residual.fields()])?;
        crate::nn::check_shape("channels of the jets", &[self.spec.channels()], &[residual.jets().channels()])?;
        check_weight(weight, points.len())?;
        let (names, part) = (residual.names(), self.names.len());
        let components = names.len();
        self.names.extend(names);
        let scale = (weight / points.len() as f64).sqrt();
        for chunk in points.chunks(JET_ROWS) {
            let data: Vec<Vec<f64>> = chunk.iter().map(|x| residual.data(x)).collect();
            for (x, data) in chunk.iter().zip(&data) {
                check_finite(&format!("the equation's data at {x:?}"), data, None, "check the coefficient there")?;
            }
            let kind = Kind::Equation { residual, data, components };
            self.push(chunk, kind, part, scale)?;
        }
        Ok(self)
    }

    /// Adds linear conditions, reported as `name`, with weight `w`.
    ///
    /// # Errors
    /// [`Error::Shape`] when conditions have different numbers of points or wrong weights; else as
    /// [`Collocation::equation`].
    pub fn conditions(mut self, name: &str, conditions: &[Condition], weight: f64) -> Result<Self> {
        check_weight(weight, conditions.len())?;
        let group = conditions[0].points.len();
        let width = self.ansatz.fields() * self.spec.channels();
        for c in conditions {
            crate::nn::check_shape("points of a condition", &[group, group], &[c.points.len(), c.weights.len()])?;
            c.weights
                .iter()
                .try_for_each(|w| crate::nn::check_shape("weights of a condition", &[width], &[w.len()]))?;
        }
        let part = self.names.len();
        self.names.push(name.into());
        let scale = (weight / conditions.len() as f64).sqrt();
        for chunk in conditions.chunks(JET_ROWS / group) {
            let points: Vec<Vec<f64>> = chunk.iter().flat_map(|c| c.points.clone()).collect();
            let weights = chunk.iter().flat_map(|c| c.weights.clone()).collect();
            let kind = Kind::Conditions { group, weights, targets: chunk.iter().map(|c| c.target).collect() };
            self.push(&points, kind, part, scale)?;
        }
        Ok(self)
    }

    fn push(&mut self, points: &[Vec<f64>], kind: Kind<'a>, part: usize, scale: f64) -> Result<()> {
        for x in points {
            crate::nn::check_shape("coordinates of a point", &[self.ansatz.variables], &[x.len()])?;
        }
        let input = embedded(self.ansatz, &self.spec, points);
        check_finite("the embedding", &input, None, "check the points")?;
        let around = points.iter().map(|x| Around::new(self.ansatz, &self.spec, x)).collect();
        self.blocks.push(Block { points: points.len(), input, around, kind, part, scale });
        Ok(())
    }

    /// Names of the parts of the sum.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The network's part of the parameters.
    fn own<'p>(&self, p: &'p [f64]) -> &'p [f64] {
        &p[..self.shape.parameters().len()]
    }

    /// Lends buffers, which hold nothing that matters.
    fn with_workspace<T>(&self, run: impl FnOnce(&mut JetWorkspace) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut work = idle.unwrap_or_else(|| JetWorkspace::new(&self.shape, &self.spec));
        let out = run(&mut work);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        out
    }

    /// The residuals of a block; `seen(row, point, slope)` gets ∂r_row/∂(jets of u at a point), already scaled.
    fn visit(
        &self,
        p: &[f64],
        block: &Block<'_>,
        jets: &[f64],
        residual: &mut [f64],
        mut seen: impl FnMut(usize, usize, &[f64]),
    ) {
        let (channels, fields) = (self.spec.channels(), self.ansatz.fields());
        let width = fields * channels;
        let coefficients = &p[self.shape.parameters().len()..];
        let mut u = vec![0.0; width];
        let mut slope = vec![0.0; width];
        match &block.kind {
            Kind::Equation { residual: equation, data, components } => {
                let (mut r, mut slopes) = (vec![0.0; *components], vec![0.0; components * width]);
                for point in 0..block.points {
                    self.fields_at(block, point, jets, coefficients, &mut u);
                    r.fill(0.0);
                    slopes.fill(0.0);
                    equation.residual(&data[point], &u, &mut r, &mut slopes);
                    for k in 0..*components {
                        residual[k * block.points + point] = block.scale * r[k];
                        slope.iter_mut().zip(&slopes[k * width..]).for_each(|(a, b)| *a = block.scale * b);
                        seen(k * block.points + point, point, &slope);
                    }
                }
            }
            Kind::Conditions { group, weights, targets } => {
                residual.iter_mut().zip(targets).for_each(|(r, t)| *r = -block.scale * t);
                for point in 0..block.points {
                    self.fields_at(block, point, jets, coefficients, &mut u);
                    slope.iter_mut().zip(&weights[point]).for_each(|(a, b)| *a = block.scale * b);
                    residual[point / group] += slope.iter().zip(&u).map(|(s, u)| s * u).sum::<f64>();
                    seen(point / group, point, &slope);
                }
            }
        }
    }

    /// The jets of all fields at one point of a block.
    fn fields_at(&self, block: &Block<'_>, point: usize, jets: &[f64], coefficients: &[f64], u: &mut [f64]) {
        let channels = self.spec.channels();
        let around = &block.around[point];
        let mut n = vec![0.0; channels];
        for (f, u) in u.chunks_exact_mut(channels).enumerate() {
            for (c, n) in n.iter_mut().enumerate() {
                *n = jets[(f * channels + c) * block.points + point];
            }
            match &around.factors[f] {
                Some(b) => self.spec.product_into(b, &n, u),
                None => u.copy_from_slice(&n),
            }
            if let Some(g) = &around.lifts[f] {
                u.iter_mut().zip(g).for_each(|(u, g)| *u += g);
            }
        }
        for ((s, (field, _)), k) in around.basis.iter().zip(&self.ansatz.basis).zip(coefficients) {
            u[field * channels..].iter_mut().zip(s).for_each(|(u, s)| *u += k * s);
        }
    }

    /// Turns sensitivities of the fields at a point into those of the network's outputs, into `[outputs][channels][points]`.
    fn add_seed(&self, block: &Block<'_>, point: usize, slope: &[f64], seeds: &mut [f64]) {
        let channels = self.spec.channels();
        for (f, s) in slope.chunks_exact(channels).enumerate() {
            let mut add = |s: &[f64]| {
                for (c, s) in s.iter().enumerate() {
                    seeds[(f * channels + c) * block.points + point] += s;
                }
            };
            match &block.around[point].factors[f] {
                Some(b) => {
                    let mut s = s.to_vec();
                    self.spec.product_transposed(b, &mut s);
                    add(&s);
                }
                None => add(s),
            }
        }
    }

    /// ∂r/∂c_k = slope · jet of S_k.
    fn basis_slope(&self, block: &Block<'_>, point: usize, k: usize, slope: &[f64]) -> f64 {
        let start = self.ansatz.basis[k].0 * self.spec.channels();
        slope[start..].iter().zip(&block.around[point].basis[k]).map(|(a, b)| a * b).sum()
    }

    fn block_jacobian(
        &self,
        p: &[f64],
        block: &Block<'_>,
        work: &mut JetWorkspace,
        residual: &mut [f64],
        (jacobian, stride): (&mut [f64], usize),
    ) {
        let own = self.own(p);
        let jets = work.jets(own, &block.input, block.points).to_vec();
        let (width, n) = (jets.len(), own.len());
        // one sweep serves a row at each point: components of an equation go one after the other, pairs of points are added up
        let sweeps = match &block.kind {
            Kind::Equation { components, .. } => *components,
            Kind::Conditions { .. } => 1,
        };
        let mut seeds = vec![0.0; sweeps * width];
        let extra: Vec<usize> = (0..self.ansatz.basis.len()).collect();
        for k in &extra {
            jacobian[(n + k) * stride..][..residual.len()].fill(0.0);
        }
        self.visit(p, block, &jets, residual, |row, point, slope| {
            let sweep = if sweeps > 1 { row / block.points } else { 0 };
            self.add_seed(block, point, slope, &mut seeds[sweep * width..(sweep + 1) * width]);
            for k in &extra {
                jacobian[(n + k) * stride + row] += self.basis_slope(block, point, *k, slope);
            }
        });
        match &block.kind {
            Kind::Conditions { group, .. } if *group > 1 => {
                let mut each = vec![0.0; n * block.points];
                work.jacobian(own, &block.input, &seeds, block.points, &mut each, block.points);
                for (k, column) in each.chunks_exact(block.points).enumerate() {
                    let rows = &mut jacobian[k * stride..][..residual.len()];
                    rows.iter_mut().zip(column.chunks_exact(*group)).for_each(|(j, c)| *j = c.iter().sum());
                }
            }
            _ => {
                for (sweep, seeds) in seeds.chunks_exact(width).enumerate() {
                    let rows = &mut jacobian[sweep * block.points..];
                    work.jacobian(own, &block.input, seeds, block.points, rows, stride);
                }
            }
        }
    }

    fn block_gradient(&self, p: &[f64], block: &Block<'_>, work: &mut JetWorkspace, gradient: &mut [f64]) -> f64 {
        let own = self.own(p);
        let jets = work.jets(own, &block.input, block.points).to_vec();
        let width = self.ansatz.fields() * self.spec.channels();
        let mut residual = vec![0.0; block.rows()];
        let (mut seen, mut slopes) = (vec![], vec![]);
        self.visit(p, block, &jets, &mut residual, |row, point, slope| {
            seen.push((row, point));
            slopes.extend_from_slice(slope);
        });
        let mut seeds = vec![0.0; jets.len()];
        let (gradient, extra) = gradient.split_at_mut(own.len());
        for ((row, point), slope) in seen.iter().zip(slopes.chunks_exact_mut(width)) {
            slope.iter_mut().for_each(|s| *s *= residual[*row]);
            for (k, g) in extra.iter_mut().enumerate() {
                *g += self.basis_slope(block, *point, k, slope);
            }
            self.add_seed(block, *point, slope, &mut seeds);
        }
        work.gradient(own, &block.input, &seeds, block.points, gradient);
        0.5 * residual.iter().map(|r| r * r).sum::<f64>()
    }
}

/// Jets of the network's inputs at `points`, `[inputs][channels][points]`.
pub(super) fn embedded(ansatz: &Ansatz, spec: &JetSpec, points: &[Vec<f64>]) -> Vec<f64> {
    let (channels, n) = (spec.channels(), points.len());
    let mut input = vec![0.0; ansatz.embedding.inputs() * channels * n];
    for (r, x) in points.iter().enumerate() {
        for (i, t) in ansatz.embedding.apply(&Taylor::variables(x)).iter().enumerate() {
            for (c, v) in spec.of(t).iter().enumerate() {
                input[(i * channels + c) * n + r] = *v;
            }
        }
    }
    input
}

impl Around {
    fn new(ansatz: &Ansatz, spec: &JetSpec, x: &[f64]) -> Self {
        let x = Taylor::variables(x);
        let jets = |map: &Option<super::Map>| map.as_ref().map(|m| spec.of(&m(&x)));
        Around {
            factors: ansatz.factors.iter().map(jets).collect(),
            lifts: ansatz.lifts.iter().map(jets).collect(),
            basis: ansatz.basis.iter().map(|(_, m)| spec.of(&m(&x))).collect(),
        }
    }
}

fn check_weight(weight: f64, rows: usize) -> Result<()> {
    if rows == 0 {
        return Err(Error::parameter("points", 0, "at least one", "give the points where it must hold"));
    }
    if !(weight > 0.0 && weight.is_finite()) {
        return Err(Error::parameter("weight", weight, "a positive number", "1 is a good start"));
    }
    Ok(())
}

impl LeastSquares for Collocation<'_> {
    fn parameters(&self) -> usize {
        self.shape.parameters().len() + self.ansatz.basis.len()
    }

    fn blocks(&self) -> Vec<usize> {
        self.blocks.iter().map(Block::rows).collect()
    }

    fn residual_into(&self, p: &[f64], block: usize, residual: &mut [f64]) {
        let block = &self.blocks[block];
        self.with_workspace(|work| {
            let jets = work.jets(self.own(p), &block.input, block.points);
            self.visit(p, block, jets, residual, |_, _, _| {});
        });
    }

    fn jacobian_into(&self, p: &[f64], block: usize, residual: &mut [f64], jacobian: &mut [f64], stride: usize) {
        let block = &self.blocks[block];
        self.with_workspace(|work| self.block_jacobian(p, block, work, residual, (jacobian, stride)));
    }

    fn gradient_into(&self, p: &[f64], block: usize, gradient: &mut [f64]) -> f64 {
        let block = &self.blocks[block];
        self.with_workspace(|work| self.block_gradient(p, block, work, gradient))
    }

    fn parts(&self, residual: &[f64]) -> Vec<(String, f64)> {
        let mut parts: Vec<(String, f64)> = self.names.iter().map(|name| (name.clone(), 0.0)).collect();
        let mut rest = residual;
        for block in &self.blocks {
            let (own, after) = rest.split_at(block.rows());
            rest = after;
            let per_part = match &block.kind {
                Kind::Equation { .. } => block.points,
                Kind::Conditions { targets, .. } => targets.len(),
            };
            for (k, r) in own.chunks_exact(per_part).enumerate() {
                parts[block.part + k].1 += 0.5 * r.iter().map(|r| r * r).sum::<f64>();
            }
        }
        parts
    }
}

impl std::fmt::Debug for Collocation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let activation: Activation = self.shape.activation();
        f.debug_struct("Collocation")
            .field("names", &self.names)
            .field("activation", &activation)
            .finish_non_exhaustive()
    }
}
