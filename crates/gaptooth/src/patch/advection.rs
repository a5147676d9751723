//! Advection and diffusion through a heterogeneous medium; without diffusion, waves of first order.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::{Forcing, LatticeDiffusion, add_forcing, neighbours},
};
use crate::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice, periodic_index},
};

/// How velocities on bonds act; both are of second order in the spacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdvectionForm {
    /// −∂_d(v u): the flux v (u + u_{+d})/2 on each bond. Conserves Σ u.
    #[default]
    Flux,
    /// −½(∂_d(v u) + v ∂_d u) = −(v^+ u_{+d} − v^- u_{−d})/(2 δ_d): antisymmetric, so it conserves Σ u². Equal to
    /// [`AdvectionForm::Flux`] where the velocity has no divergence.
    Antisymmetric,
}

/// u_t = ∇·(a ∇u) − ∇·(v u) + f(t, x), a and v periodic tables on the bonds of a lattice:
/// du/dt = Σ_d (F_d^- − F_d^+)/δ_d + f, F_d^± = v^± (u + u_{±d})/2 ∓ a^± (u_{±d} − u)/δ_d.
///
/// Second order in δ_d by central differences; |v| δ_d ≤ 2 a keeps solutions free of wiggles.
///
/// ```
/// use gaptooth::{coefficient::lattice::{Bond, BondLattice}, ode::OdeSystem};
/// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, advection::AdvectionDiffusion, grid::*};
/// let lattice = BondLattice::new([2], [vec![1.0, 3.0]], Bond::Right)?;
/// let model = AdvectionDiffusion::new(lattice, [vec![0.5, 1.5]])?;
/// let axis = PatchAxis::periodic([0.0, 1.0], 5, PatchShape::new(4, 1, 0.01)?)?;
/// let coupling = Coupling::Spectral { source: Source::NextToEdge };
/// let system = PatchSystem::new(model, PatchGrid::line(axis), coupling)?;
/// let (u, mut du) = (vec![1.0; 10], vec![0.0; 10]);
/// system.rhs_into(0.0, &u, &mut du);
/// assert!((du[0] + 100.0).abs() < 1e-9 && (du[5] - 100.0).abs() < 1e-9); // the velocity diverges and converges
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone)]
pub struct AdvectionDiffusion<const D: usize> {
    diffusion: LatticeDiffusion<D>,
    velocity: [Vec<f64>; D],
    form: AdvectionForm,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for AdvectionDiffusion<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdvectionDiffusion")
            .field("diffusion", &self.diffusion)
            .field("velocity", &self.velocity)
            .field("form", &self.form)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> AdvectionDiffusion<D> {
    /// Diffusivities a on the bonds of `lattice`; `velocity[d]` holds the velocities along direction d on the same bonds, in the
    /// lattice's periods and convention, of either sign.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NonFinite`] for a table that does not fit.
    pub fn new(lattice: BondLattice<D>, velocity: [Vec<f64>; D]) -> Result<Self> {
        for (d, table) in velocity.iter().enumerate() {
            if table.len() != lattice.periods().iter().product::<usize>() {
                let (expected, found) = (lattice.periods().to_vec(), vec![table.len()]);
                return Err(Error::Shape { what: format!("velocities along direction {d}"), expected, found });
            }
            crate::error::check_finite("a table of velocities", table, None, "check the table")?;
        }
        let diffusion = LatticeDiffusion::new(lattice);
        Ok(AdvectionDiffusion { diffusion, velocity, form: AdvectionForm::default(), forcing: None })
    }

    /// The same in another form.
    pub fn with_form(mut self, form: AdvectionForm) -> Self {
        self.form = form;
        self
    }

    /// The same with the forcing f(t, x) added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(std::sync::Arc::new(forcing));
        self
    }

    /// The same for every phase shift of the medium at once; give [`AdvectionDiffusion::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.diffusion = self.diffusion.with_all_shifts();
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.diffusion.ensemble()
    }

    /// The velocity between the lattice point `point` of `member` and the next along `direction`.
    fn velocity_after(&self, direction: usize, member: usize, point: [usize; D]) -> f64 {
        let mut entry = self.diffusion.phase(member, point);
        entry[direction] += usize::from(self.diffusion.lattice().bond() == Bond::Left);
        self.velocity[direction][periodic_index(self.diffusion.lattice().periods(), entry)]
    }

    fn add_advection(&self, grid: &PatchGrid<D>, u: PatchField<'_, D>, point: [usize; D], out: &mut [f64]) {
        let n = grid.n_patch();
        for d in 0..D {
            let half = 0.5 / grid.axis(d).shape().spacing();
            let (before, after) = neighbours(point, d);
            let (west, here, east) = (u.at(0, before), u.at(0, point), u.at(0, after));
            for member in 0..out.len() / n {
                let (left, right) =
                    (half * self.velocity_after(d, member, before), half * self.velocity_after(d, member, point));
                let middle = if self.form == AdvectionForm::Flux { right - left } else { 0.0 };
                let lanes = member * n..(member + 1) * n;
                let (west, here, east) = (&west[lanes.clone()], &here[lanes.clone()], &east[lanes.clone()]);
                for (((out, w), h), e) in out[lanes].iter_mut().zip(west).zip(here).zip(east) {
                    *out -= right * e - left * w + middle * h;
                }
            }
        }
    }
}

impl<const D: usize> PatchModel<D> for AdvectionDiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        for point in grid.interior() {
            let out = du.at(0, point);
            out.fill(0.0);
            self.diffusion.add_diffusion(grid, u, 0, point, out);
            self.add_advection(grid, u, point, out);
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
