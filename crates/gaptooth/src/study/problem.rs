//! The problem of a study: the microscale equation, its cell problem, and the homogenized equation it leads to.

use super::config::{ProblemConfig, TruthConfig};
use crate::{
    Error, Result,
    cell::{CellMethod, CellProblem1d, EffectiveTensor},
    coefficient::{Coefficient, ExpressionCoefficient, Formula, two_scale_with},
    grid::Axis,
    observer::Observer,
    patch::{
        models::{Diffusion, DiffusionEquation},
        whole::WholeDomain,
    },
};

/// Tolerance of cell problems: what a double allows.
const CELL_TOLERANCE: f64 = 1e-13;

/// A parsed and checked [`ProblemConfig`].
pub struct Problem {
    /// what was asked
    pub config: ProblemConfig,
    /// the microscale equation
    pub equation: DiffusionEquation,
    /// a(x, y), when it does not depend on u
    pub coefficient: Option<ExpressionCoefficient>,
}

impl Problem {
    /// Parses the formulas and checks the coefficient on a sample.
    ///
    /// # Errors
    /// [`Error::Expression`], [`Error::Coefficient`] with the offending point, [`Error::Parameter`] for a bad ε or domain.
    pub fn new(config: &ProblemConfig) -> Result<Self> {
        let eps = config.epsilon;
        let length = config.domain[1] - config.domain[0];
        if !(eps.is_finite() && eps > 0.0 && eps <= length) {
            return Err(Error::parameter(
                "problem.epsilon",
                eps,
                format!("above 0 and at most the domain's length {length}"),
                "1e-5 is the paper's",
            ));
        }
        let parse = |text: &str| two_scale_with(text, Some(eps), &[], &["u"]);
        let optional = |text: &Option<String>| text.as_deref().map(parse).transpose();
        let equation = DiffusionEquation {
            diffusivity: parse(&config.diffusivity)?,
            drift: optional(&config.drift)?,
            reaction: optional(&config.reaction)?,
            epsilon: eps,
        };
        let coefficient = if equation.diffusivity.depends_on("u") {
            None
        } else {
            Some(ExpressionCoefficient::new(&config.diffusivity, Some(eps), config.domain, &[])?)
        };
        Ok(Problem { config: config.clone(), equation, coefficient })
    }

    fn coefficient(&self) -> Result<&ExpressionCoefficient> {
        self.coefficient.as_ref().ok_or_else(|| Error::Config {
            path: "problem.diffusivity".into(),
            message: "depends on u; the homogenized truth of a study needs a(x, y). `gaptooth simulate` runs such models without it".into(),
        })
    }

    /// a* at the middle of the domain by `method`.
    ///
    /// # Errors
    /// Those of the cell problem; [`Error::Config`] for a coefficient that depends on u.
    pub fn effective(&self, method: CellMethod) -> Result<EffectiveTensor> {
        CellProblem1d::new(self.coefficient()?, self.middle()).effective(method, CELL_TOLERANCE)
    }

    /// ⟨a⟩ at the middle of the domain: the arithmetic mean, which homogenization is not.
    ///
    /// # Errors
    /// As [`Problem::effective`].
    pub fn arithmetic_mean(&self) -> Result<f64> {
        Ok(CellProblem1d::new(self.coefficient()?, self.middle()).arithmetic_mean(CELL_TOLERANCE)?.value)
    }

    /// The exact a*, where the configuration knows it.
    ///
    /// # Errors
    /// [`Error::Expression`].
    pub fn known_effective(&self) -> Result<Option<f64>> {
        self.config.known_effective.as_deref().map(|text| Ok(Formula::parse(text, &[], &[])?.eval(&[]))).transpose()
    }

    fn middle(&self) -> f64 {
        0.5 * (self.config.domain[0] + self.config.domain[1])
    }

    /// The micro-model on patches with these centres and offsets.
    ///
    /// # Errors
    /// As [`Diffusion::new`].
    pub fn model(&self, centres: &[f64], offsets: &[f64], spacing: f64) -> Result<Diffusion> {
        Diffusion::new(self.equation.clone(), centres, offsets, spacing, self.config.domain)
    }

    /// The homogenized equation u_t = ∂x(a*(x) ∂x u − b u) + r on the fine grid of the truth.
    ///
    /// # Errors
    /// [`Error::Config`] when drift or reaction oscillate (y), for which this truth is not written.
    pub fn homogenized(&self, grid: &Axis) -> Result<Diffusion> {
        for (name, f) in [("drift", &self.equation.drift), ("reaction", &self.equation.reaction)] {
            if f.as_ref().is_some_and(|f| f.depends_on("y")) {
                return Err(Error::Config {
                    path: format!("problem.{name}"),
                    message: "oscillates with x/eps; the homogenized truth takes a smooth one. `gaptooth simulate` runs it without the truth".into(),
                });
            }
        }
        let coefficient = self.coefficient()?;
        let x = WholeDomain::points(grid)?;
        let star = if coefficient.depends_on_x() {
            let faces: Vec<f64> =
                x.windows(2).map(|w| (0.5 * (w[0] + w[1])).clamp(grid.domain[0], grid.domain[1])).collect();
            crate::cell::effective_profile(coefficient, &faces, CellMethod::Quadrature, CELL_TOLERANCE)?
        } else {
            vec![self.effective(CellMethod::Quadrature)?.scalar(); x.len() - 1]
        };
        let centre = self.middle();
        let offsets: Vec<f64> = x.iter().map(|x| x - centre).collect();
        let one = Formula::parse("1", &crate::patch::models::VARIABLES, &[])?;
        let equation = DiffusionEquation { diffusivity: one, ..self.equation.clone() };
        Diffusion::new(equation, &[centre], &offsets, grid.spacing(), self.config.domain)?.with_faces(star)
    }

    /// States and slopes of the homogenized equation on the fine grid, `[trajectory][time][n]` each.
    ///
    /// # Errors
    /// Those of the integrator.
    #[allow(clippy::type_complexity)]
    pub fn truth(
        &self,
        grid: &Axis,
        config: &TruthConfig,
        initial: &[Vec<f64>],
        times: &[f64],
        observer: &dyn Observer,
    ) -> Result<(Vec<Vec<Vec<f64>>>, Vec<Vec<Vec<f64>>>)> {
        let model = self.homogenized(grid)?;
        let whole = WholeDomain::new(&model, grid)?;
        let (u, _) = whole.integrate(initial, times, config.tolerance, observer)?;
        let u_t = u.iter().map(|u| u.iter().zip(times).map(|(u, &t)| whole.slopes(t, u)).collect()).collect();
        Ok((u, u_t))
    }

    /// The text of the coefficient.
    pub fn text(&self) -> String {
        self.coefficient.as_ref().map_or_else(|| self.config.diffusivity.clone(), |c| c.text())
    }
}
