//! Heterogeneous diffusion whose medium differs from patch to patch: given by position, or random.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    PatchGrid, PatchModel,
    field::{PatchField, PatchFieldMut},
    lattice::{Forcing, add_forcing, neighbours},
};
use crate::{Error, Result, coefficient::Formula, grid::points};

/// The conductances of every bond of every patch, laid out as the lanes of a [`PatchField`]: `[bonds along d …][n_patch …]` per direction d.
///
/// A table per patch has no symmetry to offer: the coupled system is self-adjoint only if the bonds at the left and right edges of all
/// patches are equal ([`super::grid::Source::NextToEdge`]).
#[derive(Debug, Clone, PartialEq)]
pub struct PatchBonds<const D: usize> {
    counts: [[usize; D]; D],
    lanes: usize,
    tables: [Vec<f64>; D],
}

/// Independent bonds, all of one distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum RandomMedium {
    /// ln c normal with the mean ln `median` and the standard deviation `sigma`
    LogNormal {
        /// half of the bonds are below it
        median: f64,
        /// spread of ln c
        sigma: f64,
    },
    /// `values[0]` with the probability `fraction`, otherwise `values[1]`
    TwoPhase {
        /// the two conductances
        values: [f64; 2],
        /// how probable the first is
        fraction: f64,
    },
}

impl RandomMedium {
    fn check(&self) -> Result<()> {
        let (range, positive) = match *self {
            RandomMedium::LogNormal { median, sigma } => (sigma >= 0.0 && sigma.is_finite(), vec![median]),
            RandomMedium::TwoPhase { values, fraction } => ((0.0..=1.0).contains(&fraction), values.to_vec()),
        };
        if range && positive.iter().all(|c| c.is_finite() && *c > 0.0) {
            return Ok(());
        }
        let expected = "positive conductances, sigma ≥ 0 and a fraction within [0, 1]";
        Err(Error::parameter("random medium", format!("{self:?}"), expected, "correct the parameter out of range"))
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        let uniform: f64 = rng.random();
        match *self {
            RandomMedium::TwoPhase { values, fraction } => values[usize::from(uniform >= fraction)],
            RandomMedium::LogNormal { median, sigma } => {
                // Box and Muller; 1 − uniform is never zero
                let angle = std::f64::consts::TAU * rng.random::<f64>();
                median * (sigma * (-2.0 * (1.0 - uniform).ln()).sqrt() * angle.cos()).exp()
            }
        }
    }
}

impl<const D: usize> PatchBonds<D> {
    /// `value(direction, patch, point)` between `point` and its next neighbour along `direction`.
    fn from_fn(grid: &PatchGrid<D>, mut value: impl FnMut(usize, usize, [usize; D]) -> f64) -> Self {
        let counts = std::array::from_fn(|d| {
            let mut count = grid.n_sub();
            count[d] -= 1;
            count
        });
        let lanes = grid.n_patch();
        let tables = std::array::from_fn(|d| {
            let bonds = points(counts[d].map(|n| 0..n)).collect::<Vec<_>>();
            bonds.iter().flat_map(|&p| (0..lanes).map(move |patch| (patch, p))).map(|(l, p)| value(d, l, p)).collect()
        });
        PatchBonds { counts, lanes, tables }
    }

    /// c_d(x) at the middle of each bond along d: `formulas[d]` in the variables x, y, z (the first D of them), or one formula for all.
    ///
    /// ```
    /// use gaptooth::{coefficient::Formula, patch::{PatchGrid, grid::*, heterogeneous::PatchBonds}};
    /// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01)?)?);
    /// let bonds = PatchBonds::by_position(&grid, &[Formula::parse("2 + sin(2*pi*x)", &["x"], &[])?])?;
    /// // the second bond of the first patch lies about its centre, 0.1
    /// assert!((bonds.after(0, [1])[0] - (2.0 + (0.2 * std::f64::consts::PI).sin())).abs() < 1e-14);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of formulas; [`Error::Parameter`] for a formula in more than D variables;
    /// [`Error::Coefficient`] where c is not positive and finite.
    pub fn by_position(grid: &PatchGrid<D>, formulas: &[Formula]) -> Result<Self> {
        if formulas.len() != D && formulas.len() != 1 {
            let what = "formulas of the bonds".into();
            return Err(Error::Shape { what, expected: vec![D], found: vec![formulas.len()] });
        }
        if let Some(f) = formulas.iter().find(|f| f.variables().len() > D) {
            let expected = format!("at most {D} variables, the coordinates");
            let advice = "parse it with the variables [\"x\", \"y\", \"z\"], the first D of them";
            return Err(Error::parameter("variables", format!("{:?}", f.variables()), expected, advice));
        }
        let position = |d: usize, patch: usize, point: [usize; D]| -> [f64; D] {
            std::array::from_fn(|e| {
                let (axis, inner) = (grid.axis(e), (e + 1..D).map(|k| grid.axis(k).n_patch()).product::<usize>());
                let (n, i) = (axis.shape().n_sub(), patch / inner % axis.n_patch());
                axis.x()[i * n + point[e]] + if e == d { 0.5 * axis.shape().spacing() } else { 0.0 }
            })
        };
        let mut bad = None;
        let bonds = Self::from_fn(grid, |d, patch, point| {
            let x = position(d, patch, point);
            let formula = &formulas[d % formulas.len()];
            let value = formula.eval(&x);
            if !(value.is_finite() && value > 0.0) && bad.is_none() {
                bad = Some((formula.text().to_string(), x, value));
            }
            value
        });
        match bad {
            None => Ok(bonds),
            Some((text, x, value)) => Err(Error::Coefficient {
                text,
                at: format!("position {x:?}"),
                value,
                advice: "add a constant larger than the deepest dip".into(),
            }),
        }
    }

    /// A random cell of n_sub − 2 n_edge points for each patch, repeated, so that a patch has the same bond at both edges. The patch
    /// at place (i, j, k) takes a stream of ChaCha8 with `seed` that is its own: its medium depends on neither the number of patches nor
    /// the machine.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a distribution of conductances that are not positive.
    pub fn random(grid: &PatchGrid<D>, medium: RandomMedium, seed: u64) -> Result<Self> {
        medium.check()?;
        let cell: [usize; D] = std::array::from_fn(|d| grid.axis(d).shape().interior().len());
        let size: usize = cell.iter().product();
        let media: Vec<Vec<f64>> = (0..grid.n_patch())
            .map(|patch| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(stream(grid, patch));
                (0..D * size).map(|_| medium.draw(&mut rng)).collect()
            })
            .collect();
        let place = |point| crate::coefficient::lattice::periodic_index(cell, point);
        Ok(Self::from_fn(grid, |d, patch, point| media[patch][d * size + place(point)]))
    }

    /// The bonds between `point` and its next neighbour along `direction`, in all patches: `[n_patch …]`.
    ///
    /// # Panics
    /// If there is no such bond.
    pub fn after(&self, direction: usize, point: [usize; D]) -> &[f64] {
        let counts = self.counts[direction];
        assert!((0..D).all(|d| point[d] < counts[d]), "no bond after {point:?} along direction {direction}");
        let number = (0..D).fold(0, |k, d| k * counts[d] + point[d]);
        &self.tables[direction][number * self.lanes..][..self.lanes]
    }
}

/// A number of its own for the place of a patch along each axis, 21 bits each.
fn stream<const D: usize>(grid: &PatchGrid<D>, patch: usize) -> u64 {
    let (mut rest, mut stream) = (patch, 0);
    for d in (0..D).rev() {
        let n = grid.axis(d).n_patch();
        stream |= ((rest % n) as u64) << (21 * d);
        rest /= n;
    }
    stream
}

/// du/dt = Σ_d (c_d^+ (u_{+d} − u) − c_d^- (u − u_{−d}))/δ_d² + f(t, x), every patch with bonds of its own.
///
/// The grid must be the one that the bonds were made for.
#[derive(Clone)]
pub struct HeterogeneousDiffusion<const D: usize = 1> {
    bonds: Arc<PatchBonds<D>>,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for HeterogeneousDiffusion<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeterogeneousDiffusion")
            .field("bonds", &self.bonds)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> HeterogeneousDiffusion<D> {
    /// Diffusion through `bonds`.
    pub fn new(bonds: PatchBonds<D>) -> Self {
        HeterogeneousDiffusion { bonds: Arc::new(bonds), forcing: None }
    }

    /// The same with the forcing f(t, x) added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(Arc::new(forcing));
        self
    }

    /// The bonds.
    pub fn bonds(&self) -> &PatchBonds<D> {
        &self.bonds
    }
}

impl<const D: usize> PatchModel<D> for HeterogeneousDiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        assert_eq!(self.bonds.lanes, grid.n_patch(), "the bonds are those of another grid");
        for point in grid.interior() {
            let (here, out) = (u.at(0, point), du.at(0, point));
            let n = out.len();
            out.fill(0.0);
            for d in 0..D {
                let (before, after) = neighbours(point, d);
                let scale = 1.0 / grid.axis(d).shape().spacing().powi(2);
                let (west, east) = (&u.at(0, before)[..n], &u.at(0, after)[..n]);
                let (left, right) = (&self.bonds.after(d, before)[..n], &self.bonds.after(d, point)[..n]);
                for l in 0..n {
                    out[l] += scale * (right[l] * (east[l] - here[l]) - left[l] * (here[l] - west[l]));
                }
            }
            if let Some(forcing) = &self.forcing {
                add_forcing(forcing, grid, t, point, out);
            }
        }
    }

    fn reads_corners(&self) -> bool {
        false
    }

    fn is_affine(&self) -> bool {
        true
    }
}
