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

    /// The coefficients rotated until the smallest multiplies the link between the innermost left edge
    /// layer and the interior of a patch of this `shape` (and, when the period divides
    /// n_sub − 2 n_edge, the right one too).
    ///
    /// Accuracy for free: with next-to-edge interpolation of order p, a slow mode k of a patch one period
    /// wide decays too fast by (kH)^p k² (C c_edge (n_sub − 2) − D a*), (C, D) = (1/4, 1/3), (1/18, 1/15),
    /// (1/80, 1/70) for p = 2, 4, 6, in the limit of small patches.
    pub fn with_smallest_on_edge(mut self, shape: &PatchShape) -> Self {
        let mut table = self.coefficients().to_vec();
        let n = table.len();
        let link = |j: usize| self.lattice.after(0, [j]);
        let smallest = (0..n).min_by(|&i, &j| link(i).total_cmp(&link(j))).unwrap_or(0);
        let edge = (shape.n_edge() - 1) % n;
        table.rotate_left((smallest + n - edge) % n);
        self.lattice = self.lattice.with_table(0, table);
        self
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
    fn the_smallest_coefficient_moves_to_the_edge() {
        let shape = |e| PatchShape::new(9 + e, e, 0.1).unwrap();
        let model = || LatticeDiffusion::line(vec![1.0, 3.0, 0.25, 2.0]).unwrap();
        for e in 1..4 {
            assert_eq!(model().with_smallest_on_edge(&shape(e)).lattice.after(0, [e - 1]), 0.25);
        }
        assert_eq!(model().with_smallest_on_edge(&shape(1)).coefficients(), [0.25, 2.0, 1.0, 3.0]);
        let left = BondLattice::new([4], [vec![1.0, 3.0, 0.25, 2.0]], Bond::Left).unwrap();
        let left = LatticeDiffusion::new(left).with_smallest_on_edge(&shape(1));
        assert_eq!(left.lattice.after(0, [0]), 0.25);
    }

    #[test]
    fn coefficients_must_be_positive() {
        assert!(LatticeDiffusion::line(vec![]).is_err());
        let text = LatticeDiffusion::line(vec![1.0, -2.0]).unwrap_err().to_string();
        assert!(text.contains("bond 1") && text.contains("-2"), "{text}");
    }
}
