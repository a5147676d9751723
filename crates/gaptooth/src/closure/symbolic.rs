//! Symbolic laws: u_t as a sum of named terms with coefficients and their standard errors.

use super::{Card, Closure, FeatureSpec, Features, MultiIndex, Tensor, flow::symbol_of};
use crate::{Error, Result, error::check_finite, grid::Grid, nn::check_shape, ode::OdeSystem};

/// A product of features, by their places in the specification: `[3]` is linear, `[0, 1]` the product of the first two.
pub type Term = Vec<usize>;

/// u_t = Σ_k c_k T_k, each term T_k a derivative of u or a product of such.
///
/// ```
/// use gaptooth::{closure::{FeatureSpec, MultiIndex, SymbolicLaw}, grid::{Boundary, Grid}};
/// let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic)?;
/// let spec = FeatureSpec::Spectral { orders: MultiIndex::line(&[0, 1, 2]) };
/// let law = SymbolicLaw::new(spec, &grid, vec![vec![2], vec![0, 1]], vec![0.5, -1.0], vec![1e-4, 2e-3])?;
/// assert_eq!(law.formula(), "u_t = 0.500000 u_xx - 1.00000 u u_x");
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SymbolicLaw {
    features: Features,
    terms: Vec<Term>,
    coefficients: Vec<f64>,
    standard_errors: Vec<f64>,
}

impl SymbolicLaw {
    /// The law with these terms, one coefficient and standard error each.
    ///
    /// # Errors
    /// As [`Features::new`]; [`Error::Shape`] and [`Error::NonFinite`]; [`Error::Parameter`] for a term without features or with
    /// one that there is not.
    pub fn new(
        spec: FeatureSpec,
        grid: &Grid,
        terms: Vec<Term>,
        coefficients: Vec<f64>,
        standard_errors: Vec<f64>,
    ) -> Result<Self> {
        let features = Features::new(spec, grid)?;
        check_shape("coefficients of the law", &[terms.len()], &[coefficients.len()])?;
        check_shape("standard errors of the law", &[terms.len()], &[standard_errors.len()])?;
        check_finite("coefficients of the law", &coefficients, None, "fit again")?;
        check_finite("standard errors of the law", &standard_errors, None, "fit again")?;
        let known = |t: &Term| !t.is_empty() && t.iter().all(|f| *f < features.len());
        if let Some(term) = terms.iter().find(|t| !known(t)) {
            let expected = format!("one or more of the {} features, counted from 0", features.len());
            return Err(Error::parameter("terms", format!("{term:?}"), expected, "correct the model's card"));
        }
        Ok(SymbolicLaw { features, terms, coefficients, standard_errors })
    }

    /// The features that terms are made of.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// One coefficient for each term.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// One standard error for each coefficient, as if the weighted residuals were independent.
    pub fn standard_errors(&self) -> &[f64] {
        &self.standard_errors
    }

    /// The coefficient of the linear term with that derivative; 0 when it has none.
    pub fn coefficient(&self, derivative: &MultiIndex) -> f64 {
        let orders = self.features.spec().orders().unwrap_or(&[]);
        let linear = |t: &Term| t.len() == 1 && orders.get(t[0]) == Some(derivative);
        self.terms.iter().position(linear).map_or(0.0, |k| self.coefficients[k])
    }

    /// Whether no term is a product.
    pub fn is_linear(&self) -> bool {
        self.terms.iter().all(|t| t.len() == 1)
    }

    /// `u_xx`, `u u_x` …
    pub fn names(&self) -> Vec<String> {
        let names = self.features.names();
        let name = |t: &Term| t.iter().map(|f| names[*f].as_str()).collect::<Vec<_>>().join(" ");
        self.terms.iter().map(name).collect()
    }

    /// `u_t = 1.33993 u_xx + 0.220950 u_xy …`, six digits of each coefficient.
    pub fn formula(&self) -> String {
        sum(&self.names(), &self.coefficients)
    }

    /// The same PDE on another grid.
    ///
    /// # Errors
    /// As [`Features::new`].
    pub fn on_grid(&self, grid: &Grid) -> Result<Self> {
        let spec = self.features.spec().clone();
        SymbolicLaw::new(spec, grid, self.terms.clone(), self.coefficients.clone(), self.standard_errors.clone())
    }
}

/// `u_t = 0.500000 u_xx - 1.00000 u u_x`
pub(super) fn sum(names: &[String], coefficients: &[f64]) -> String {
    let mut text = String::from("u_t =");
    for (k, (name, c)) in names.iter().zip(coefficients).enumerate() {
        let sign = match (k, *c < 0.0) {
            (0, false) => "",
            (0, true) => " -",
            (_, false) => " +",
            (_, true) => " -",
        };
        text += &format!("{sign} {} {name}", digits(c.abs()));
    }
    if names.is_empty() { "u_t = 0".into() } else { text }
}

/// Six significant digits, as people write them.
fn digits(value: f64) -> String {
    let decade = if value > 0.0 { value.log10().floor() as i32 } else { 0 };
    if (-3..5).contains(&decade) { format!("{value:.*}", (5 - decade) as usize) } else { format!("{value:.5e}") }
}

/// The values of `terms` from features `[feature][row]`: `[term][row]`.
pub(super) fn products(terms: &[Term], features: &[f64], rows: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(terms.len() * rows);
    for term in terms {
        let start = out.len();
        out.extend_from_slice(&features[term[0] * rows..(term[0] + 1) * rows]);
        for f in &term[1..] {
            let column = &features[f * rows..(f + 1) * rows];
            out[start..].iter_mut().zip(column).for_each(|(o, v)| *o *= v);
        }
    }
    out
}

impl OdeSystem for SymbolicLaw {
    fn dim(&self) -> usize {
        self.features.grid().len()
    }

    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let rows = self.features.points();
        let values = products(&self.terms, &self.features.apply(u), rows);
        let mut out = vec![0.0; rows];
        for (c, column) in self.coefficients.iter().zip(values.chunks_exact(rows)) {
            out.iter_mut().zip(column).for_each(|(o, v)| *o += c * v);
        }
        self.features.scatter(&out, du);
    }

    fn jvp_into(&self, _t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        let rows = self.features.points();
        let (f, df) = (self.features.apply(u), self.features.apply(v));
        let mut out = vec![0.0; rows];
        for (c, term) in self.coefficients.iter().zip(&self.terms) {
            for moved in 0..term.len() {
                for (b, o) in out.iter_mut().enumerate() {
                    let factor = |(i, k): (usize, &usize)| if i == moved { df[k * rows + b] } else { f[k * rows + b] };
                    *o += c * term.iter().enumerate().map(factor).product::<f64>();
                }
            }
        }
        self.features.scatter(&out, jv);
    }
}

impl Closure for SymbolicLaw {
    fn parameters(&self) -> Vec<f64> {
        self.coefficients.clone()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        check_shape("coefficients of the law", &[self.terms.len()], &[parameters.len()])?;
        check_finite("coefficients of the law", parameters, None, "fit again")?;
        self.coefficients.copy_from_slice(parameters);
        Ok(())
    }

    fn card(&self) -> Card {
        Card::Symbolic {
            grid: self.features.grid().clone(),
            features: self.features.spec().clone(),
            terms: self.terms.clone(),
            formula: self.formula(),
        }
    }

    fn to_tensors(&self) -> Vec<Tensor> {
        let n = self.terms.len();
        vec![
            ("coefficients".into(), vec![n], self.coefficients.clone()),
            ("standard_errors".into(), vec![n], self.standard_errors.clone()),
        ]
    }

    fn symbol(&self) -> Option<Vec<faer::c64>> {
        if self.is_linear() { symbol_of(self, self.features.grid()) } else { None }
    }
}
