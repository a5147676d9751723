//! Fourth-order equations: pattern formation and heterogeneous hyperdiffusion. Patches need two edge layers.
//!
//! All are −L κ L u and more, L = α + β Σ_d δ_d(b_d δ_d)/δ_d² an operator of second order.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::neighbours,
};
use crate::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice, periodic_index},
    grid::points,
};

/// κ > 0 at the points and b > 0 on the bonds of one periodic lattice; entry 0 … 0 at the first point of every patch.
#[derive(Debug, Clone, PartialEq)]
pub struct FourthOrderMedium<const D: usize> {
    kappa: Vec<f64>,
    bonds: BondLattice<D>,
    ensemble: Ensemble<D>,
}

impl<const D: usize> FourthOrderMedium<D> {
    /// With κ `[periods …]` of the lattice `bonds`, the last index fastest.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Coefficient`] for an entry that is not positive and finite.
    pub fn new(kappa: Vec<f64>, bonds: BondLattice<D>) -> Result<Self> {
        // one table in the place of each direction's bonds: the same checks
        BondLattice::new(bonds.periods(), std::array::from_fn(|_| kappa.clone()), Bond::Right)?;
        Ok(FourthOrderMedium { kappa, bonds, ensemble: Ensemble::SINGLE })
    }

    /// The same for every phase shift at once; give [`FourthOrderMedium::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.ensemble = Ensemble::new(self.bonds.periods());
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.ensemble
    }

    fn phase(&self, member: usize, point: [usize; D]) -> [usize; D] {
        let (shift, periods) = (self.ensemble.shift(member), self.bonds.periods());
        std::array::from_fn(|d| (point[d] + periods[d] - shift[d]) % periods[d])
    }
}

/// L = α + β Σ_d δ_d(b_d δ_d)/δ_d², and κ; both 1 without a medium.
struct Operator<'a, const D: usize> {
    alpha: f64,
    beta: f64,
    medium: Option<&'a FourthOrderMedium<D>>,
}

impl<const D: usize> Operator<'_, D> {
    /// L u at `point`, `[member][n_patch …]`.
    fn apply<'u>(&self, grid: &PatchGrid<D>, point: [usize; D], at: impl Fn([usize; D]) -> &'u [f64], out: &mut [f64]) {
        let (n, here) = (grid.n_patch(), at(point));
        out.iter_mut().zip(here).for_each(|(out, u)| *out = self.alpha * u);
        for d in 0..D {
            let scale = self.beta / grid.axis(d).shape().spacing().powi(2);
            let (before, after) = neighbours(point, d);
            let (west, east) = (at(before), at(after));
            for member in 0..out.len() / n {
                let bond = |point| self.medium.map_or(1.0, |m| m.bonds.after(d, m.phase(member, point)));
                let (left, right) = (scale * bond(before), scale * bond(point));
                let lanes = member * n..(member + 1) * n;
                let (west, here, east) = (&west[lanes.clone()], &here[lanes.clone()], &east[lanes.clone()]);
                for (((out, w), h), e) in out[lanes].iter_mut().zip(west).zip(here).zip(east) {
                    *out += right * (e - h) - left * (h - w);
                }
            }
        }
    }

    /// Writes −L κ L u of field 0 at every interior point: v = κ L u at the interior and one layer around it, then −L v.
    fn minus_twice(&self, grid: &PatchGrid<D>, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let interior = |d: usize| grid.axis(d).shape().interior();
        let first: [usize; D] = std::array::from_fn(|d| interior(d).start - 1);
        let size: [usize; D] = std::array::from_fn(|d| interior(d).len() + 2);
        let v: Vec<Vec<f64>> = points(std::array::from_fn(|d| first[d]..first[d] + size[d]))
            .map(|point| {
                let mut v = vec![0.0; u.at(0, point).len()];
                self.apply(grid, point, |p| u.at(0, p), &mut v);
                if let Some(m) = self.medium {
                    for (member, v) in v.chunks_mut(grid.n_patch()).enumerate() {
                        let kappa = m.kappa[periodic_index(m.bonds.periods(), m.phase(member, point))];
                        v.iter_mut().for_each(|v| *v *= kappa);
                    }
                }
                v
            })
            .collect();
        let at = |point: [usize; D]| v[(0..D).fold(0, |index, d| index * size[d] + point[d] - first[d])].as_slice();
        for point in grid.interior() {
            let out = du.at(0, point);
            self.apply(grid, point, at, out);
            out.iter_mut().for_each(|out| *out = -*out);
        }
    }
}

/// The Swift–Hohenberg equation u_t = −(1 + ∇²/k₀²)² u + R u − u³: patterns of wavenumber k₀ that grow for R > 0.
/// Swift & Hohenberg, Phys. Rev. A 15 (1977) 319–328.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SwiftHohenberg {
    wavenumber: f64,
    driving: f64,
}

impl SwiftHohenberg {
    /// With pattern wavenumber k₀ > 0 and driving R.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(wavenumber: f64, driving: f64) -> Result<Self> {
        if !(wavenumber > 0.0 && wavenumber.is_finite() && driving.is_finite()) {
            let found = format!("{wavenumber}, {driving}");
            return Err(Error::parameter(
                "wavenumber, driving",
                found,
                "a positive and a finite number",
                "try 2π and 0.1",
            ));
        }
        Ok(SwiftHohenberg { wavenumber, driving })
    }

    /// The same in a medium, −(1 + ∇·(b∇)/k₀²) κ (1 + ∇·(b∇)/k₀²) u + R u − u³.
    pub fn in_medium<const D: usize>(self, medium: FourthOrderMedium<D>) -> HeterogeneousSwiftHohenberg<D> {
        HeterogeneousSwiftHohenberg { equation: self, medium }
    }

    fn write<const D: usize>(
        &self,
        grid: &PatchGrid<D>,
        medium: Option<&FourthOrderMedium<D>>,
        u: PatchField<'_, D>,
        du: &mut PatchFieldMut<'_, D>,
    ) {
        let operator = Operator { alpha: 1.0, beta: self.wavenumber.powi(-2), medium };
        operator.minus_twice(grid, u, du);
        for point in grid.interior() {
            let out = du.at(0, point);
            out.iter_mut().zip(u.at(0, point)).for_each(|(out, u)| *out += (self.driving - u * u) * u);
        }
    }
}

impl<const D: usize> PatchModel<D> for SwiftHohenberg {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        self.write(grid, None, u, du);
    }

    fn reach(&self) -> usize {
        2
    }
}

/// [`SwiftHohenberg::in_medium`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeterogeneousSwiftHohenberg<const D: usize> {
    equation: SwiftHohenberg,
    medium: FourthOrderMedium<D>,
}

impl<const D: usize> PatchModel<D> for HeterogeneousSwiftHohenberg<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        self.equation.write(grid, Some(&self.medium), u, du);
    }

    fn reach(&self) -> usize {
        2
    }
}

/// u_t = −∇·(b ∇(κ ∇·(b ∇u))), b = 1 unless given: −∇²(κ ∇²u).
///
/// ```
/// use gaptooth::ode::OdeSystem;
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, fourth_order::Hyperdiffusion, grid::*};
/// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(6, 2, 0.1)?)?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(Hyperdiffusion::new([2], vec![1.0, 3.0])?, PatchGrid::line(axis), coupling)?;
/// let (u, mut du) = (vec![3.0; system.dim()], vec![1.0; system.dim()]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!(du.iter().all(|v| v.abs() < 1e-9));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperdiffusion<const D: usize> {
    medium: FourthOrderMedium<D>,
}

impl<const D: usize> Hyperdiffusion<D> {
    /// With κ `[periods …]`, the last index fastest; entry 0 … 0 at the first point of every patch.
    ///
    /// # Errors
    /// As [`FourthOrderMedium::new`].
    pub fn new(periods: [usize; D], kappa: Vec<f64>) -> Result<Self> {
        let ones = std::array::from_fn(|_| vec![1.0; periods.iter().product()]);
        Ok(Self::in_medium(FourthOrderMedium::new(kappa, BondLattice::new(periods, ones, Bond::Right)?)?))
    }

    /// With κ and b of `medium`.
    pub fn in_medium(medium: FourthOrderMedium<D>) -> Self {
        Hyperdiffusion { medium }
    }
}

impl<const D: usize> PatchModel<D> for Hyperdiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        Operator { alpha: 0.0, beta: 1.0, medium: Some(&self.medium) }.minus_twice(grid, u, du);
    }

    fn reach(&self) -> usize {
        2
    }

    fn is_affine(&self) -> bool {
        true
    }
}
