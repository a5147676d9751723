//! Magnetisation dynamics with a heterogeneous exchange.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::LatticeDiffusion,
};
use crate::{Error, Result, coefficient::lattice::BondLattice};

/// The Landau–Lifshitz equation m_t = −m × h − α m × (m × h), h = ∇·(a ∇m) + h₀, a > 0 periodic on the bonds of a lattice.
///
/// Fields 0, 1, 2 are the components of m. Every point keeps |m|, since m · m_t = 0; edges are interpolated and so have |m| = 1 only up to
/// the coupling's error. The homogenized equation has the tensor of −∇·(a ∇u) in the place of a: Leitenmaier & Runborg, Heterogeneous
/// multiscale methods for the Landau–Lifshitz equation, J. Sci. Comput. 2022, arXiv:2108.09463 (eq. 1.1, without h₀). Fast modes decay at α
/// times the rate of heterogeneous diffusion: bursts heal only with α > 0.
///
/// ```
/// use gaptooth::{coefficient::lattice::{Bond, BondLattice}, ode::OdeSystem};
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, landau_lifshitz::LandauLifshitz};
/// let lattice = BondLattice::new([2], [vec![1.0, 3.0]], Bond::Right)?;
/// let model = LandauLifshitz::new(lattice, 0.1)?.with_field([0.0, 0.0, 2.0])?;
/// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01)?)?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(model, PatchGrid::line(axis), coupling)?;
/// let (m, mut slope) = (system.sample(|component, _, _| [1.0, 0.0, 0.0][component]), vec![0.0; 30]);
/// system.rhs_into(0.0, &m, &mut slope);
/// let close = |v: f64, to: f64| (v - to).abs() < 1e-9;
/// assert!(close(slope[0], 0.0) && close(slope[10], 2.0) && close(slope[20], 0.2)); // precession, and damping towards h₀
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LandauLifshitz<const D: usize> {
    exchange: LatticeDiffusion<D>,
    damping: f64,
    field: [f64; 3],
}

impl<const D: usize> LandauLifshitz<D> {
    /// With the exchange a of `lattice` and the damping α ≥ 0, no applied field.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(lattice: BondLattice<D>, damping: f64) -> Result<Self> {
        if !(damping >= 0.0 && damping.is_finite()) {
            return Err(Error::parameter("damping", damping, "zero or a positive number", "try 0.1"));
        }
        Ok(LandauLifshitz { exchange: LatticeDiffusion::new(lattice), damping, field: [0.0; 3] })
    }

    /// The same with the applied field h₀.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that is not finite.
    pub fn with_field(mut self, field: [f64; 3]) -> Result<Self> {
        if field.iter().any(|h| !h.is_finite()) {
            return Err(Error::parameter("applied field", format!("{field:?}"), "finite numbers", "try [0, 0, 1]"));
        }
        self.field = field;
        Ok(self)
    }

    /// The same for every phase shift of the medium at once; give [`LandauLifshitz::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.exchange = self.exchange.with_all_shifts();
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.exchange.ensemble()
    }
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        a[j] * b[k] - a[k] * b[j]
    })
}

impl<const D: usize> PatchModel<D> for LandauLifshitz<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, _t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let lanes = grid.n_patch() * self.exchange.ensemble().len();
        let mut slope = [vec![0.0; lanes], vec![0.0; lanes], vec![0.0; lanes]];
        for point in grid.interior() {
            for (component, h) in slope.iter_mut().enumerate() {
                h.fill(self.field[component]);
                self.exchange.add_diffusion(grid, u, component, point, h);
            }
            let m: [&[f64]; 3] = std::array::from_fn(|component| u.at(component, point));
            for lane in 0..lanes {
                let at = m.map(|m| m[lane]);
                let turn = cross(at, [slope[0][lane], slope[1][lane], slope[2][lane]]);
                let fall = cross(at, turn);
                (0..3).for_each(|i| slope[i][lane] = -turn[i] - self.damping * fall[i]);
            }
            slope.iter().enumerate().for_each(|(component, slope)| du.at(component, point).copy_from_slice(slope));
        }
    }

    fn fields(&self) -> usize {
        3
    }

    fn reads_corners(&self) -> bool {
        false
    }
}
