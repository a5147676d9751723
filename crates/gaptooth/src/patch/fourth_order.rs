//! Fourth-order equations: pattern formation and heterogeneous hyperdiffusion. Patches need two edge layers.

use super::{
    PatchGrid, PatchModel,
    field::{PatchField, PatchFieldMut},
    lattice::neighbours,
};
use crate::{
    Error, Result,
    coefficient::lattice::{BondLattice, periodic_index},
    grid::points,
};

/// v = α u + κ ∇²u at the interior and one layer around it, then α v + ∇²v at the interior: an operator of fourth order as
/// two of second order.
struct Twice<'a, const D: usize> {
    grid: &'a PatchGrid<D>,
    /// the box of points of v, and v at each
    first: [usize; D],
    size: [usize; D],
    v: Vec<Vec<f64>>,
}

impl<'a, const D: usize> Twice<'a, D> {
    fn new(grid: &'a PatchGrid<D>, u: PatchField<'_, D>, alpha: f64, kappa: impl Fn([usize; D]) -> f64) -> Self {
        let interior = |d: usize| grid.axis(d).shape().interior();
        let first = std::array::from_fn(|d| interior(d).start - 1);
        let size = std::array::from_fn(|d| interior(d).len() + 2);
        let ranges = std::array::from_fn(|d| first[d]..first[d] + size[d]);
        let v = points(ranges).map(|point| {
            let here = u.at(0, point);
            let mut v: Vec<f64> = here.iter().map(|u| alpha * u).collect();
            for d in 0..D {
                let scale = kappa(point) / grid.axis(d).shape().spacing().powi(2);
                let (before, after) = neighbours(point, d);
                for (((v, w), h), e) in v.iter_mut().zip(u.at(0, before)).zip(here).zip(u.at(0, after)) {
                    *v += scale * ((e - h) - (h - w));
                }
            }
            v
        });
        Twice { grid, first, size, v: v.collect() }
    }

    fn at(&self, point: [usize; D]) -> &[f64] {
        &self.v[(0..D).fold(0, |index, d| index * self.size[d] + point[d] - self.first[d])]
    }

    /// −(α v + κ ∇²v).
    fn minus_second(&self, alpha: f64, kappa: f64, point: [usize; D], out: &mut [f64]) {
        let here = self.at(point);
        out.iter_mut().zip(here).for_each(|(out, v)| *out = -alpha * v);
        for d in 0..D {
            let scale = kappa / self.grid.axis(d).shape().spacing().powi(2);
            let (before, after) = neighbours(point, d);
            for (((out, w), h), e) in out.iter_mut().zip(self.at(before)).zip(here).zip(self.at(after)) {
                *out -= scale * ((e - h) - (h - w));
            }
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
}

impl<const D: usize> PatchModel<D> for SwiftHohenberg {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let kappa = self.wavenumber.powi(-2);
        let twice = Twice::new(grid, u, 1.0, |_| kappa);
        for point in grid.interior() {
            let out = du.at(0, point);
            twice.minus_second(1.0, kappa, point, out);
            out.iter_mut().zip(u.at(0, point)).for_each(|(out, u)| *out += (self.driving - u * u) * u);
        }
    }

    fn reach(&self) -> usize {
        2
    }
}

/// u_t = −∇²(κ ∇²u), κ > 0 a periodic table at the points of the lattice; entry 0 … 0 at the first point of every patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperdiffusion<const D: usize> {
    periods: [usize; D],
    kappa: Vec<f64>,
}

impl<const D: usize> Hyperdiffusion<D> {
    /// With κ `[periods …]`, the last index fastest.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Coefficient`] for an entry that is not positive and finite.
    pub fn new(periods: [usize; D], kappa: Vec<f64>) -> Result<Self> {
        // one table in the place of each direction's bonds: the same checks
        BondLattice::new(periods, std::array::from_fn(|_| kappa.clone()), Default::default())?;
        Ok(Hyperdiffusion { periods, kappa })
    }
}

impl<const D: usize> PatchModel<D> for Hyperdiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let kappa = |point: [usize; D]| self.kappa[periodic_index(self.periods, point)];
        let twice = Twice::new(grid, u, 0.0, kappa);
        for point in grid.interior() {
            twice.minus_second(0.0, 1.0, point, du.at(0, point));
        }
    }

    fn reach(&self) -> usize {
        2
    }

    fn is_affine(&self) -> bool {
        true
    }
}
