//! Heterogeneous diffusion on a periodic lattice of bonds, in D dimensions.

use std::sync::Arc;

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    grid::PatchShape,
};
use crate::{
    Result,
    coefficient::lattice::{Bond, BondLattice},
};

/// A forcing f(t, x).
pub type Forcing<const D: usize> = Arc<dyn Fn(f64, [f64; D]) -> f64 + Send + Sync>;

/// du/dt = Σ_d (c_d^+ (u_{+d} − u) − c_d^- (u − u_{−d}))/δ_d² + f(t, x) on a [`BondLattice`], δ_d the microscale spacing.
///
/// The lattice point 0 … 0 is the first point of every patch, edges included: all patches see the same phase.
#[derive(Clone)]
pub struct LatticeDiffusion<const D: usize = 1> {
    lattice: BondLattice<D>,
    ensemble: Ensemble<D>,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for LatticeDiffusion<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LatticeDiffusion")
            .field("lattice", &self.lattice)
            .field("members", &self.ensemble.len())
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> LatticeDiffusion<D> {
    /// Diffusion on `lattice`.
    pub fn new(lattice: BondLattice<D>) -> Self {
        LatticeDiffusion { lattice, ensemble: Ensemble::SINGLE, forcing: None }
    }

    /// The same with the forcing f(t, x) added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(Arc::new(forcing));
        self
    }

    /// The same for every phase shift of the lattice at once; give [`LatticeDiffusion::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.ensemble = Ensemble::new(self.lattice.periods());
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.ensemble
    }

    /// The bonds.
    pub fn lattice(&self) -> &BondLattice<D> {
        &self.lattice
    }

    /// The medium shifted along every axis to the phase with the least leading error of edgy interpolation of `order`, and that phase;
    /// `effective[d]` is the entry A_dd of the effective tensor. Accuracy for free: see [`EdgePhase`].
    ///
    /// ```
    /// use gaptooth::patch::{PatchGrid, grid::*, lattice::LatticeDiffusion};
    /// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 9, PatchShape::new(6, 1, 0.01)?)?);
    /// let model = LatticeDiffusion::line(vec![1.0, 3.0, 0.2, 2.0])?;
    /// let (model, [phase]) = model.with_best_phase(&grid, 4, [0.64]);
    /// // the smallest bond comes to lie on the edge
    /// assert_eq!((model.coefficients()[0], phase.shift), (0.2, 2));
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn with_best_phase(mut self, grid: &PatchGrid<D>, order: usize, effective: [f64; D]) -> (Self, [EdgePhase; D]) {
        let best = std::array::from_fn(|d| {
            let phases = EdgePhase::all(&self.lattice, d, grid.axis(d).shape(), order, effective[d]);
            phases.into_iter().min_by(|a, b| a.error.abs().total_cmp(&b.error.abs())).unwrap_or_else(|| unreachable!())
        });
        self.lattice = self.lattice.rolled(best.each_ref().map(|phase: &EdgePhase| phase.shift));
        (self, best)
    }

    /// Adds Σ_d (c_d^+ (u_{+d} − u) − c_d^- (u − u_{−d}))/δ_d² of one field at one interior point to `out`, `[member][n_patch …]`.
    pub(super) fn add_diffusion(
        &self,
        grid: &PatchGrid<D>,
        u: PatchField<'_, D>,
        field: usize,
        point: [usize; D],
        out: &mut [f64],
    ) {
        let n = grid.n_patch();
        let beside: [_; D] = std::array::from_fn(|d| neighbours(point, d));
        let here = u.at(field, point);
        let (west, east) = (beside.map(|(before, _)| u.at(field, before)), beside.map(|(_, after)| u.at(field, after)));
        for (member, out) in out.chunks_exact_mut(n).enumerate() {
            let rate = |d: usize, from: [usize; D]| {
                self.lattice.after(d, self.phase(member, from)) / grid.axis(d).shape().spacing().powi(2)
            };
            let left: [f64; D] = std::array::from_fn(|d| rate(d, beside[d].0));
            let right: [f64; D] = std::array::from_fn(|d| rate(d, point));
            let (west, east) = (west.map(|w| &w[member * n..][..n]), east.map(|e| &e[member * n..][..n]));
            let here = &here[member * n..][..n];
            pulp::Arch::new().dispatch(Flow { left, right, west, here, east, out });
        }
    }

    /// The point of the lattice at microscale point `point` of `member`.
    pub(super) fn phase(&self, member: usize, point: [usize; D]) -> [usize; D] {
        let (shift, periods) = (self.ensemble.shift(member), self.lattice.periods());
        std::array::from_fn(|d| (point[d] + periods[d] - shift[d]) % periods[d])
    }
}

/// `out += Σ_d (right_d (east_d − here) − left_d (here − west_d))`, in the widest vectors of the machine: they change no bit.
struct Flow<'a, const D: usize> {
    left: [f64; D],
    right: [f64; D],
    west: [&'a [f64]; D],
    here: &'a [f64],
    east: [&'a [f64]; D],
    out: &'a mut [f64],
}

impl<const D: usize> pulp::NullaryFnOnce for Flow<'_, D> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.here.len();
        let (left, right, here, out) = (self.left, self.right, &self.here[..n], &mut self.out[..n]);
        let (mut west, mut east) = (self.west, self.east);
        for d in 0..D {
            (west[d], east[d]) = (&west[d][..n], &east[d][..n]);
        }
        for l in 0..n {
            let mut sum = 0.0;
            for d in 0..D {
                sum += right[d] * (east[d][l] - here[l]) - left[d] * (here[l] - west[d][l]);
            }
            out[l] += sum;
        }
    }
}

/// How a medium may lie in the patches along one axis, and what that costs.
///
/// With next-to-edge interpolation of order p = 2m a slow mode of wavenumber k along the axis changes at a rate that is off by
///
/// > δλ = −k^{p+2} H^p E, E = 2(C₂ − C₁) c_edge (n_sub − 2 n_edge) − 2 C₂ A,
/// > C₁ = (m!)²/(p + 2)!, C₂ = (m!)²/(p + 1)!,
///
/// in the limit of small patches; c_edge is the mean of the bonds along the axis between the innermost edge layer and
/// the interior, A the effective tensor's entry. 2(C₂ − C₁) = 1/4, 1/18, 1/80 for p = 2, 4, 6. First-order perturbation: the
/// interpolated shift of a wave, θ = kH, is off by r²θ^{p+2} C₁ − i rθ^{p+1} C₂, and across the edge the mean flux is A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgePhase {
    /// points by which the medium is moved to the left
    pub shift: usize,
    /// c_edge
    pub edge: f64,
    /// E
    pub error: f64,
}

impl EdgePhase {
    /// Every phase of `lattice` along `direction` in patches of `shape`, by shift.
    pub fn all<const D: usize>(
        lattice: &BondLattice<D>,
        direction: usize,
        shape: &PatchShape,
        order: usize,
        effective: f64,
    ) -> Vec<EdgePhase> {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        let square = factorial(order / 2).powi(2);
        let (c1, c2) = (square / factorial(order + 2), square / factorial(order + 1));
        let phase = |shift| {
            let edge = lattice.layer_mean(direction, shape.n_edge() - 1 + shift);
            let error = 2.0 * (c2 - c1) * edge * shape.interior().len() as f64 - 2.0 * c2 * effective;
            EdgePhase { shift, edge, error }
        };
        (0..lattice.periods()[direction]).map(phase).collect()
    }
}

/// Adds f(t, x) at one interior point to `out`, `[member][n_patch …]`.
pub(super) fn add_forcing<const D: usize>(
    forcing: &Forcing<D>,
    grid: &PatchGrid<D>,
    t: f64,
    point: [usize; D],
    out: &mut [f64],
) {
    let x: [Vec<f64>; D] = std::array::from_fn(|d| grid.positions(d, point[d]));
    for (lane, out) in out.iter_mut().enumerate() {
        *out += forcing(t, std::array::from_fn(|d| x[d][lane % grid.n_patch()]));
    }
}

/// The points before and after `point` along `direction`.
pub(super) fn neighbours<const D: usize>(point: [usize; D], direction: usize) -> ([usize; D], [usize; D]) {
    let (mut before, mut after) = (point, point);
    before[direction] -= 1;
    after[direction] += 1;
    (before, after)
}

impl LatticeDiffusion<1> {
    /// On a line: `coefficients[j]` between the points j and j + 1 of a patch, repeated from there.
    ///
    /// ```
    /// let model = gaptooth::patch::lattice::LatticeDiffusion::line(vec![1.0, 0.5])?;
    /// assert!((model.homogenized() - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`BondLattice::new`].
    pub fn line(coefficients: Vec<f64>) -> Result<Self> {
        BondLattice::new([coefficients.len()], [coefficients], Bond::Right).map(Self::new)
    }

    /// One period of coefficients.
    pub fn coefficients(&self) -> &[f64] {
        self.lattice.table(0)
    }

    /// The homogenized diffusivity: the harmonic mean of the coefficients.
    pub fn homogenized(&self) -> f64 {
        let c = self.coefficients();
        c.len() as f64 / c.iter().map(|c| 1.0 / c).sum::<f64>()
    }
}

impl<const D: usize> PatchModel<D> for LatticeDiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        for point in grid.interior() {
            let out = du.at(0, point);
            out.fill(0.0);
            self.add_diffusion(grid, u, 0, point, out);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_phase_has_the_bond_nearest_to_the_one_without_error() {
        let tables = [vec![1.0, 3.0, 0.25, 2.0], vec![4.0; 4]];
        for bond in [Bond::Right, Bond::Left] {
            let lattice = BondLattice::new([4, 1], tables.clone(), bond).unwrap();
            for e in 1..4 {
                let shape = crate::patch::grid::PatchShape::new(8 + 2 * e, e, 0.01).unwrap();
                let axis = crate::patch::grid::PatchAxis::periodic([0.0, 1.0], 3, shape).unwrap();
                let grid = PatchGrid::new([axis.clone(), axis]);
                let (model, [x, y]) = LatticeDiffusion::new(lattice.clone()).with_best_phase(&grid, 2, [0.0; 2]);
                assert_eq!((model.lattice.after(0, [e - 1, 0]), x.edge, y.shift), (0.25, 0.25, 0), "{bond:?}, {e}");
                // E = c_edge · 8/4 − A/3 vanishes with the bond 2 on the edge
                let (model, [x, _]) = LatticeDiffusion::new(lattice.clone()).with_best_phase(&grid, 2, [12.0, 1.0]);
                assert!(model.lattice.after(0, [e - 1, 0]) == 2.0 && x.error.abs() < 1e-14);
            }
        }
    }

    #[test]
    fn coefficients_must_be_positive() {
        assert!(LatticeDiffusion::line(vec![]).is_err());
        let text = LatticeDiffusion::line(vec![1.0, -2.0]).unwrap_err().to_string();
        assert!(text.contains("bond 1") && text.contains("-2"), "{text}");
    }
}
