//! The fully resolved problem on the whole domain: what nobody can afford, done once to check the rest.

use super::{
    Problem,
    config::{ProblemConfig, ResolvedConfig},
};
use crate::{
    Error, Result,
    grid::{Axis, Boundary},
    observer::Observer,
    ode::extrapolation::Work,
    patch::whole::WholeDomain,
};

/// The resolved solution at one time.
pub(super) struct Resolved {
    /// points, `[n]`, ends included
    pub(super) grid: Axis,
    /// u at [`ResolvedConfig::time`]
    pub(super) u: Vec<f64>,
    /// `exact` or `general`
    pub(super) path: &'static str,
    /// seconds of the main path
    pub(super) seconds: f64,
    /// work and seconds of the general path, if it ran
    pub(super) general: Option<(Work, f64)>,
    /// largest difference of the two paths, if both ran
    pub(super) difference: Option<f64>,
}

/// Intervals of the resolved grid, a whole number.
pub(super) fn cells(problem: &ProblemConfig, config: &ResolvedConfig) -> Result<usize> {
    let domain = problem.domain;
    let periods = (domain[1] - domain[0]) / problem.epsilon;
    let cells = (periods * config.points_per_period as f64).round();
    if config.points_per_period < 4 || !(8.0..=2e8).contains(&cells) {
        return Err(Error::parameter(
            "resolved.points_per_period",
            config.points_per_period,
            "at least 4, and at most 2e8 points in all",
            format!("the domain holds {periods} periods"),
        ));
    }
    if !(config.time > 0.0 && config.time.is_finite()) {
        return Err(Error::parameter(
            "resolved.time",
            config.time,
            "a positive time",
            "0.05 is that of the paper's figure 2",
        ));
    }
    Ok(cells as usize)
}

/// Runs the resolved problem from the initial state `initial`.
///
/// # Errors
/// [`Error::Parameter`] for a period that does not fit the grid; those of the integrators.
pub(super) fn resolve(
    problem: &Problem,
    config: &ResolvedConfig,
    initial: impl Fn(f64) -> f64,
    observer: &dyn Observer,
) -> Result<Resolved> {
    let domain = problem.config.domain;
    let cells = cells(&problem.config, config)?;
    let started = std::time::Instant::now();
    let grid = Axis::uniform(domain, cells, problem.config.boundary)?;
    let points = WholeDomain::points(&grid)?;
    let centre = domain[0];
    let offsets: Vec<f64> = points.iter().map(|x| x - centre).collect();
    let model = problem.model(&[centre], &offsets, grid.spacing())?;
    drop((points, offsets));
    let whole = WholeDomain::new(&model, &grid)?;
    let u0: Vec<f64> = grid.x.iter().map(|&x| initial(x)).collect();
    let exact = problem.equation.is_linear() && grid.boundary == Boundary::Dirichlet;
    observer.note(&format!(
        "resolved problem: {} unknowns, {} path",
        grid.active().len(),
        if exact { "exact" } else { "general" }
    ));
    let by_general = |tolerance: f64| -> Result<(Vec<f64>, Work)> {
        let (mut u, work) = whole.integrate(std::slice::from_ref(&u0), &[config.time], tolerance, observer)?;
        Ok((u.remove(0).remove(0), work))
    };
    if !exact {
        let (u, work) = by_general(config.general_tolerance.unwrap_or(1e-6))?;
        let seconds = started.elapsed().as_secs_f64();
        return Ok(Resolved { u, path: "general", seconds, general: Some((work, seconds)), difference: None, grid });
    }
    let u = whole.propagate(&u0, config.time)?;
    let seconds = started.elapsed().as_secs_f64();
    let (mut general, mut difference) = (None, None);
    if let Some(tolerance) = config.general_tolerance {
        let started = std::time::Instant::now();
        let (v, work) = by_general(tolerance)?;
        difference = Some(u.iter().zip(&v).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max));
        general = Some((work, started.elapsed().as_secs_f64()));
    }
    Ok(Resolved { u, path: "exact", seconds, general, difference, grid })
}

impl Resolved {
    /// Means over windows of width `window` around `centres`: the low-pass filter of the paper.
    pub(super) fn low_pass(&self, centres: &[f64], window: f64) -> Vec<f64> {
        let h = self.grid.spacing();
        let half = ((0.5 * window / h).round() as usize).max(1);
        let at = |x: f64| {
            let i = ((x - self.grid.domain[0]) / h).round() as usize;
            let i = i.clamp(half, self.grid.len() - 1 - half);
            let w = &self.u[i - half..=i + half];
            (w[1..w.len() - 1].iter().sum::<f64>() + 0.5 * (w[0] + w[w.len() - 1])) / (2 * half) as f64
        };
        centres.iter().map(|&x| at(x)).collect()
    }

    /// The points and values in [from, to].
    pub(super) fn window(&self, from: f64, to: f64) -> (Vec<f64>, Vec<f64>) {
        let inside = |x: &f64| *x >= from && *x <= to;
        self.grid.x.iter().zip(&self.u).filter(|(x, _)| inside(x)).map(|(x, u)| (*x, *u)).unzip()
    }
}
