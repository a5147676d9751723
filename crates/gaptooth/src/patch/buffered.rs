//! Patches with buffers: a tooth of width h in the middle of a patch of width H around each macroscale point.

use serde::{Deserialize, Serialize};

use super::Patch;
use crate::{
    Error, Result,
    grid::Axis,
    stencil::{DifferenceOperator, EdgeRule},
};

/// Half the points of all patches together at most: beyond, no machine that we know holds their states.
const MOST_POINTS: f64 = 1e9;

/// Where the patches of patch dynamics lie (Arbabi §3, figure 1).
#[derive(Debug, Clone)]
pub struct BufferedPatches {
    grid: Axis,
    /// tooth width h, over which the restriction averages
    pub tooth: f64,
    /// patch width H, buffers included
    pub width: f64,
    /// microscale spacing δx
    pub spacing: f64,
    half_tooth: usize,
    offsets: Vec<f64>,
    positions: Vec<Vec<f64>>,
}

impl BufferedPatches {
    /// One patch at every active point of `grid`.
    ///
    /// # Errors
    /// [`Error::Parameter`] when h, H or δx do not fit each other, or neighbouring patches overlap.
    pub fn new(grid: Axis, tooth: f64, width: f64, spacing: f64) -> Result<Self> {
        for (name, v) in [("tooth", tooth), ("width", width), ("spacing", spacing)] {
            if !(v.is_finite() && v > 0.0) {
                return Err(Error::parameter(name, v, "a positive length", "lengths are in units of the domain"));
            }
        }
        if tooth > width {
            return Err(Error::parameter(
                "tooth",
                tooth,
                format!("at most the patch width {width}"),
                "the patch is the tooth and its two buffers",
            ));
        }
        if width > grid.spacing() * (1.0 + 1e-12) {
            return Err(Error::parameter(
                "width",
                width,
                format!("at most the distance {} between patch centres", grid.spacing()),
                "patches overlap: take fewer teeth or narrower buffers",
            ));
        }
        let half = whole("width", width, spacing)?;
        let half_tooth = whole("tooth", tooth, spacing)?;
        if half < 2 {
            return Err(Error::parameter(
                "spacing",
                spacing,
                format!("at most a quarter of the patch width {width}"),
                "refine the micro-grid",
            ));
        }
        if half as f64 * grid.active().len() as f64 > MOST_POINTS {
            let expected =
                format!("at least 1/{:.0} of the patch width {width}", MOST_POINTS / grid.active().len() as f64);
            return Err(Error::parameter("spacing", spacing, expected, "that would be more points than fit in memory"));
        }
        let offsets: Vec<f64> = (0..=2 * half).map(|j| (j as f64 - half as f64) * spacing).collect();
        let positions = grid.active().map(|i| offsets.iter().map(|o| grid.x[i] + o).collect()).collect();
        Ok(BufferedPatches { grid, tooth, width, spacing, half_tooth, offsets, positions })
    }

    /// The macroscale grid.
    pub fn grid(&self) -> &Axis {
        &self.grid
    }

    /// Number of patches.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Offsets of the points of a patch from its centre, `[n_sub]`.
    pub fn offsets(&self) -> &[f64] {
        &self.offsets
    }

    /// Centres of the patches.
    pub fn centres(&self) -> Vec<f64> {
        self.grid.active().map(|i| self.grid.x[i]).collect()
    }

    /// Patch `index`, as a model sees it.
    pub fn patch(&self, index: usize) -> Patch<'_> {
        Patch { index, x: &self.positions[index], spacing: self.spacing }
    }

    /// Fraction of the domain that the patches cover.
    pub fn space_fraction(&self) -> f64 {
        self.len() as f64 * self.width / (self.grid.domain[1] - self.grid.domain[0])
    }

    /// The points of a patch that lie in its tooth.
    pub fn tooth_points(&self) -> std::ops::Range<usize> {
        let middle = self.offsets.len() / 2;
        middle - self.half_tooth..middle + self.half_tooth + 1
    }

    /// The points of a patch that lie in its tooth, counted without the patch edges.
    pub fn interior_tooth(&self) -> std::ops::Range<usize> {
        let tooth = self.tooth_points();
        tooth.start.max(1) - 1..tooth.end.min(self.offsets.len() - 1) - 1
    }

    /// The restriction (eq. 7): the mean over the tooth by the trapezoidal rule, spectrally accurate for what is periodic in it.
    pub fn restrict(&self, u: &[f64]) -> f64 {
        self.mean(&u[self.tooth_points()])
    }

    /// The restriction of a profile given without its two edge points, which count as zero: `[n_sub − 2]`.
    pub fn restrict_interior(&self, w: &[f64]) -> f64 {
        let inside = &w[self.interior_tooth()];
        if inside.len() == self.tooth_points().len() {
            return self.mean(inside);
        }
        // The tooth is the whole patch: the edges are its ends.
        inside.iter().sum::<f64>() / (2 * self.half_tooth) as f64
    }

    fn mean(&self, tooth: &[f64]) -> f64 {
        if self.half_tooth == 0 {
            return tooth[0];
        }
        let ends = 0.5 * (tooth[0] + tooth[tooth.len() - 1]);
        (tooth[1..tooth.len() - 1].iter().sum::<f64>() + ends) / (2 * self.half_tooth) as f64
    }
}

/// Half of `length` in whole numbers of `spacing`.
fn whole(name: &str, length: f64, spacing: f64) -> Result<usize> {
    let half = 0.5 * length / spacing;
    if (half - half.round()).abs() > 1e-6 * half.max(1.0) {
        return Err(Error::parameter(
            name,
            length,
            format!("an even multiple of the micro-spacing {spacing}"),
            format!("try {}", 2.0 * spacing * half.round().max(1.0)),
        ));
    }
    Ok(half.round() as usize)
}

/// How a macroscale state is lifted: the degree of the polynomial and how its derivatives are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftingOptions {
    /// degree d of the polynomial of eq. 10
    pub degree: usize,
    /// points of each difference stencil (odd)
    pub points: usize,
    /// how stencils are completed near the ends
    #[serde(default)]
    pub edges: EdgeRule,
}

/// The lifting of eq. 10, u_i(x) = Σ_m D_i^m(U) φ_m(x − x_i), corrected so that its tooth average is U_i:
/// φ_0 = 1, φ_m(ξ) = (ξ^m − mean of ξ^m over the tooth)/m!. So restrict ∘ lift = identity.
#[derive(Debug, Clone)]
pub struct PolynomialLifting {
    modes: Vec<Vec<f64>>,
    derivatives: Vec<DifferenceOperator>,
}

impl PolynomialLifting {
    /// Modes on the offsets of `patches`, derivatives on its grid.
    ///
    /// # Errors
    /// [`Error::Parameter`] from the difference operators.
    pub fn new(patches: &BufferedPatches, options: LiftingOptions) -> Result<Self> {
        let mut modes = vec![vec![1.0; patches.offsets().len()]];
        let mut factorial = 1.0;
        for m in 1..=options.degree {
            factorial *= m as f64;
            let power: Vec<f64> = patches.offsets().iter().map(|o| o.powi(m as i32)).collect();
            let mean = if m % 2 == 1 { 0.0 } else { patches.restrict(&power) };
            modes.push(power.iter().map(|p| (p - mean) / factorial).collect());
        }
        let derivatives = (1..=options.degree)
            .map(|m| DifferenceOperator::new(patches.grid(), m, options.points, options.edges))
            .collect::<Result<_>>()?;
        Ok(PolynomialLifting { modes, derivatives })
    }

    /// φ_0 … φ_d on the points of a patch.
    pub fn modes(&self) -> &[Vec<f64>] {
        &self.modes
    }

    /// D^0 U = U, D^1 U … D^d U at every grid point, `[degree + 1][n_x]`.
    pub fn coefficients(&self, state: &[f64]) -> Vec<Vec<f64>> {
        let mut all = vec![state.to_vec()];
        for operator in &self.derivatives {
            let mut d = vec![0.0; state.len()];
            operator.apply_into(state, &mut d);
            all.push(d);
        }
        all
    }

    /// D^0 U … D^d U at grid point `i`, `[degree + 1]`.
    pub fn coefficients_at(&self, i: usize, state: &[f64]) -> Vec<f64> {
        [state[i]].into_iter().chain(self.derivatives.iter().map(|operator| operator.apply_at(i, state))).collect()
    }

    /// Writes the lifted profile of one patch from its coefficients.
    pub fn lift_into(&self, coefficients: &[f64], u: &mut [f64]) {
        u.fill(0.0);
        for (mode, c) in self.modes.iter().zip(coefficients) {
            u.iter_mut().zip(mode).for_each(|(u, m)| *u += c * m);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Boundary;

    fn patches() -> BufferedPatches {
        BufferedPatches::new(Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet).unwrap(), 1e-3, 8e-3, 1e-4).unwrap()
    }

    #[test]
    fn restriction_of_lifting_is_the_identity() {
        let patches = patches();
        for degree in 0..=6 {
            let lifting =
                PolynomialLifting::new(&patches, LiftingOptions { degree, points: 7, edges: EdgeRule::OneSided })
                    .unwrap();
            let state: Vec<f64> = patches.grid().x.iter().map(|x| 1.0 + (5.0 * x).sin()).collect();
            let all = lifting.coefficients(&state);
            for i in patches.grid().active() {
                let c = lifting.coefficients_at(i, &state);
                assert!(all.iter().map(|d| d[i]).eq(c.iter().copied()));
                let mut u = vec![0.0; patches.offsets().len()];
                lifting.lift_into(&c, &mut u);
                assert!((patches.restrict(&u) - state[i]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn misfits_are_named() {
        let grid = || Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet).unwrap();
        for (tooth, width, spacing) in
            [(1e-3, 0.2, 1e-4), (1e-2, 8e-3, 1e-4), (1e-3, 8e-3, 3e-4), (1e-3, f64::NAN, 1e-4), (1e-3, 8e-3, -1.0)]
        {
            assert!(matches!(BufferedPatches::new(grid(), tooth, width, spacing), Err(Error::Parameter { .. })));
        }
    }
}
