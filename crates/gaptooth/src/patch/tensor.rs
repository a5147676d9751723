//! Diffusion by a heterogeneous tensor, in divergence form.

use super::{
    PatchGrid, PatchModel,
    ensemble::Ensemble,
    field::{PatchField, PatchFieldMut},
    lattice::{Forcing, LatticeDiffusion, add_forcing},
};
use crate::{
    Error, Result,
    coefficient::lattice::{BondLattice, periodic_index},
    grid::points,
};

/// u_t = ∇·(A ∇u) + f(t, x), A a symmetric positive tensor, periodic: A_aa on the bonds along a as in [`LatticeDiffusion`], A_ab at the
/// points, Σ_{a<b} (D_a A_ab D_b + D_b A_ab D_a) u with the central differences D over two spacings.
///
/// Self-adjoint and conservative; second order in the microscale spacing. Entry 0 … 0 belongs to the first point of every patch. For
/// the non-divergence form see [`super::second_order::SecondOrder`].
///
/// ```
/// use gaptooth::{coefficient::lattice::{Bond, BondLattice}, patch::tensor::TensorDiffusion};
/// let lattice = || BondLattice::new([2, 1], [vec![1.0, 4.0], vec![2.0; 2]], Bond::Right);
/// let model = TensorDiffusion::new(lattice()?).with_mixed([0, 1], vec![0.5, -0.5])?;
/// // between bonds of 1 and 4 the point's share is their harmonic mean, 1.6: A₀₁² < 1.6 · 2 is needed
/// assert!(TensorDiffusion::new(lattice()?).with_mixed([0, 1], vec![1.8, 0.0]).is_err());
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Clone)]
pub struct TensorDiffusion<const D: usize> {
    diagonal: LatticeDiffusion<D>,
    mixed: Vec<([usize; 2], Vec<f64>)>,
    forcing: Option<Forcing<D>>,
}

impl<const D: usize> std::fmt::Debug for TensorDiffusion<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TensorDiffusion")
            .field("diagonal", &self.diagonal)
            .field("mixed", &self.mixed)
            .field("forced", &self.forcing.is_some())
            .finish()
    }
}

impl<const D: usize> TensorDiffusion<D> {
    /// The diagonal entries on the bonds of `lattice`, nothing off the diagonal.
    pub fn new(lattice: BondLattice<D>) -> Self {
        TensorDiffusion { diagonal: LatticeDiffusion::new(lattice), mixed: Vec::new(), forcing: None }
    }

    /// The same with A_ab = A_ba = `table` at the points, a ≠ b, `[periods …]` of the lattice, the last index fastest.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`] for a table that does not fit; [`Error::Parameter`] for directions that are not two of D;
    /// [`Error::Coefficient`] where the tensor is not positive: its diagonal there is the harmonic mean of the two bonds.
    pub fn with_mixed(mut self, [a, b]: [usize; 2], table: Vec<f64>) -> Result<Self> {
        if a == b || a.max(b) >= D {
            let found = format!("{a}, {b}");
            return Err(Error::parameter("directions", found, format!("two below {D}"), "directions count from 0"));
        }
        let periods = self.diagonal.lattice().periods();
        if table.len() != periods.iter().product::<usize>() {
            let (expected, found) = (periods.to_vec(), vec![table.len()]);
            return Err(Error::Shape { what: "a table of coefficients".into(), expected, found });
        }
        crate::error::check_finite("a table of coefficients", &table, None, "check the table")?;
        self.mixed.push(([a, b], table));
        self.check_positive()?;
        Ok(self)
    }

    /// Cholesky's pivots of the tensor of every point: the energy of the scheme is at least Σ_points D u · A D u with this A, as the
    /// least ½(c⁺x² + c⁻y²) with (x + y)/2 = D is D² times the harmonic mean of c⁺ and c⁻.
    fn check_positive(&self) -> Result<()> {
        let lattice = self.diagonal.lattice();
        let periods = lattice.periods();
        for point in points(periods.map(|p| 0..p)) {
            let mut matrix = [[0.0; D]; D];
            for d in 0..D {
                let mut before = point;
                before[d] += periods[d] - 1;
                matrix[d][d] = 2.0 / (1.0 / lattice.after(d, point) + 1.0 / lattice.after(d, before));
            }
            for ([a, b], table) in &self.mixed {
                let entry = table[periodic_index(periods, point)];
                matrix[*a][*b] += entry;
                matrix[*b][*a] += entry;
            }
            for d in 0..D {
                let pivot = matrix[d][d];
                if pivot <= 0.0 {
                    return Err(Error::Coefficient {
                        text: "a tensor".into(),
                        at: format!("point {point:?}"),
                        value: pivot,
                        advice: "it is not positive definite there: lessen the entries off its diagonal".into(),
                    });
                }
                for i in d + 1..D {
                    let factor = matrix[i][d] / pivot;
                    for j in d + 1..D {
                        matrix[i][j] -= factor * matrix[d][j];
                    }
                }
            }
        }
        Ok(())
    }

    /// The same with the forcing f(t, x) added.
    pub fn with_forcing(mut self, forcing: impl Fn(f64, [f64; D]) -> f64 + Send + Sync + 'static) -> Self {
        self.forcing = Some(std::sync::Arc::new(forcing));
        self
    }

    /// The same for every phase shift of the medium at once; give [`TensorDiffusion::ensemble`] to the system too.
    pub fn with_all_shifts(mut self) -> Self {
        self.diagonal = self.diagonal.with_all_shifts();
        self
    }

    /// The members of each patch.
    pub fn ensemble(&self) -> Ensemble<D> {
        self.diagonal.ensemble()
    }

    /// (D_a A D_b + D_b A D_a) u: of the four corners around a point, those along (a, b) enter with the sum of A at the two points
    /// between, the others with minus that.
    fn add_mixed(
        &self,
        grid: &PatchGrid<D>,
        u: PatchField<'_, D>,
        ([a, b], table): &([usize; 2], Vec<f64>),
        point: [usize; D],
        out: &mut [f64],
    ) {
        let (n, periods) = (grid.n_patch(), self.diagonal.lattice().periods());
        let scale = 0.25 / (grid.axis(*a).shape().spacing() * grid.axis(*b).shape().spacing());
        let moved = |point: [usize; D], d: usize, up: bool| {
            let mut moved = point;
            moved[d] = if up { moved[d] + 1 } else { moved[d] - 1 };
            moved
        };
        for (up_a, up_b) in [(true, true), (true, false), (false, true), (false, false)] {
            let (beside, above) = (moved(point, *a, up_a), moved(point, *b, up_b));
            let corner = u.at(0, moved(beside, *b, up_b));
            let sign = if up_a == up_b { scale } else { -scale };
            for member in 0..out.len() / n {
                let at = |point| table[periodic_index(periods, self.diagonal.phase(member, point))];
                let weight = sign * (at(beside) + at(above));
                let lanes = member * n..(member + 1) * n;
                out[lanes.clone()].iter_mut().zip(&corner[lanes]).for_each(|(out, u)| *out += weight * u);
            }
        }
    }
}

impl<const D: usize> PatchModel<D> for TensorDiffusion<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        for point in grid.interior() {
            let out = du.at(0, point);
            out.fill(0.0);
            self.diagonal.add_diffusion(grid, u, 0, point, out);
            for mixed in &self.mixed {
                self.add_mixed(grid, u, mixed, point, out);
            }
            if let Some(forcing) = &self.forcing {
                add_forcing(forcing, grid, t, point, out);
            }
        }
    }

    fn reads_corners(&self) -> bool {
        !self.mixed.is_empty()
    }

    fn is_affine(&self) -> bool {
        true
    }
}
