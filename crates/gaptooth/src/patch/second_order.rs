//! Second-order equations in non-divergence form, with periodic coefficients at the points of the lattice.

use super::{
    PatchGrid, PatchModel,
    field::{PatchField, PatchFieldMut},
    lattice::{Forcing, add_forcing, neighbours},
};
use crate::{Error, Result, coefficient::lattice::periodic_index};

/// u_t = Σ_ab A_ab ∂_a∂_b u − Σ_a b_a ∂_a u − c u + f(t, x) by central differences of second order; A, b and c periodic tables.
///
/// Entry 0 … 0 of a table belongs to the first point of every patch, edges included. In divergence form:
/// [`super::tensor::TensorDiffusion`], [`super::advection::AdvectionDiffusion`].
///
/// ```
/// use gaptooth::ode::OdeSystem;
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, second_order::SecondOrder};
/// let model = SecondOrder::new([2]).with_diffusion([0, 0], vec![1.0, 3.0])?.with_reaction(vec![0.5, 0.5])?;
/// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01)?)?;
/// let system = PatchSystem::new(model, PatchGrid::line(axis), Coupling::Spectral { source: Source::NextToEdge })?;
/// let (u, mut du) = (vec![3.0; 10], vec![0.0; 10]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!(du.iter().all(|v| (v + 1.5).abs() < 1e-9));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone)]
pub struct SecondOrder<const D: usize> {
    periods: [usize; D],
    diffusion: Vec<([usize; 2], Vec<f64>)>,
    drift: Vec<(usize, Vec<f64>)>,
    reaction: Vec<Vec<f64>>,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for SecondOrder<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondOrder")
            .field("periods", &self.periods)
            .field("diffusion", &self.diffusion)
            .field("drift", &self.drift)
            .field("reaction", &self.reaction)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> SecondOrder<D> {
    /// No terms yet; every table will hold one entry per point of `periods`, the last index fastest.
    pub fn new(periods: [usize; D]) -> Self {
        SecondOrder { periods, diffusion: Vec::new(), drift: Vec::new(), reaction: Vec::new(), forcing: None }
    }

    /// Adds `table` · ∂_a∂_b u. A symmetric tensor's off-diagonal entry enters twice: give 2 A_ab for a ≠ b.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NonFinite`] for a table that does not fit; [`Error::Parameter`] for a direction beyond D.
    pub fn with_diffusion(mut self, [a, b]: [usize; 2], table: Vec<f64>) -> Result<Self> {
        self.check(a.max(b), &table)?;
        self.diffusion.push(([a, b], table));
        Ok(self)
    }

    /// Adds −`table` · ∂_a u.
    ///
    /// # Errors
    /// As [`SecondOrder::with_diffusion`].
    pub fn with_drift(mut self, a: usize, table: Vec<f64>) -> Result<Self> {
        self.check(a, &table)?;
        self.drift.push((a, table));
        Ok(self)
    }

    /// Adds −`table` · u.
    ///
    /// # Errors
    /// As [`SecondOrder::with_diffusion`].
    pub fn with_reaction(mut self, table: Vec<f64>) -> Result<Self> {
        self.check(0, &table)?;
        self.reaction.push(table);
        Ok(self)
    }

    /// Adds f(t, x).
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(std::sync::Arc::new(forcing));
        self
    }

    fn check(&self, direction: usize, table: &[f64]) -> Result<()> {
        if direction >= D {
            return Err(Error::parameter("direction", direction, format!("below {D}"), "directions count from 0"));
        }
        if table.is_empty() || table.len() != self.periods.iter().product::<usize>() {
            let (expected, found) = (self.periods.to_vec(), vec![table.len()]);
            return Err(Error::Shape { what: "a table of coefficients".into(), expected, found });
        }
        crate::error::check_finite("a table of coefficients", table, None, "check the table")
    }
}

impl<const D: usize> PatchModel<D> for SecondOrder<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let spacing: [f64; D] = std::array::from_fn(|d| grid.axis(d).shape().spacing());
        for point in grid.interior() {
            let entry = periodic_index(self.periods, point);
            let out = du.at(0, point);
            out.fill(0.0);
            let mut add = |weight: f64, at: [usize; D]| {
                out.iter_mut().zip(u.at(0, at)).for_each(|(out, u)| *out += weight * u);
            };
            for ([a, b], table) in &self.diffusion {
                let c = table[entry] / (spacing[*a] * spacing[*b]);
                let (before, after) = neighbours(point, *a);
                if a == b {
                    for (weight, at) in [(c, before), (-2.0 * c, point), (c, after)] {
                        add(weight, at);
                    }
                    continue;
                }
                for (sign, at) in [(-0.25, before), (0.25, after)] {
                    let (low, high) = neighbours(at, *b);
                    add(-sign * c, low);
                    add(sign * c, high);
                }
            }
            for (a, table) in &self.drift {
                let c = -0.5 * table[entry] / spacing[*a];
                let (before, after) = neighbours(point, *a);
                add(-c, before);
                add(c, after);
            }
            for table in &self.reaction {
                add(-table[entry], point);
            }
            if let Some(forcing) = &self.forcing {
                add_forcing(forcing, grid, t, point, out);
            }
        }
    }

    fn reads_corners(&self) -> bool {
        self.diffusion.iter().any(|([a, b], _)| a != b)
    }

    fn is_affine(&self) -> bool {
        true
    }
}
