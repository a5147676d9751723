//! The exact flow of linear coupled patches on a periodic domain, by Fourier transform over the patches.
//!
//! All patches see the same medium and the coupling is the same everywhere, so the system is a convolution over patches: each
//! wavevector K evolves by itself, û′ = M_K û, with M_K as large as one patch. M_K is diagonalised once; a state at any time then
//! costs two transforms and a small matrix product per K, without a step size. The response of the patches to one unit value at
//! each point of one patch gives all M_K. Rates carry a rounding of about 1e-16 ‖M_K‖, which time multiplies.

use faer::{Mat, Side, c64, linalg::solvers::Solve};
use rayon::prelude::*;

use super::{PatchModel, PatchSystem};
use crate::linalg::in_sequence;
use crate::{Error, Result, fourier::Fourier, ode::OdeSystem};

/// u(t) = e^{Jt} u(0) for every t.
#[derive(Debug, Clone)]
pub struct BlockPropagator {
    fourier: Fourier,
    rows: usize,
    blocks: Vec<Block>,
}

/// M_K = V diag(λ) V⁻¹.
#[derive(Debug, Clone)]
struct Block {
    rates: Vec<c64>,
    vectors: Mat<c64>,
    inverse: Mat<c64>,
}

impl BlockPropagator {
    /// Finds and diagonalises M_K of every wavevector; as many right-hand sides as a patch has values.
    ///
    /// ```
    /// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, lattice::LatticeDiffusion, propagator::BlockPropagator};
    /// let shape = PatchShape::from_ratio(0.1, 1.0 / 7.0, Source::NextToEdge, 5, 1)?;
    /// let grid = PatchGrid::line(PatchAxis::periodic([0.0, 1.0], 7, shape)?);
    /// let coupling = Coupling::Spectral { source: Source::NextToEdge };
    /// let system = PatchSystem::new(LatticeDiffusion::line(vec![2.0, 0.5, 1.0])?, grid, coupling)?;
    /// let propagator = BlockPropagator::new(&system)?;
    /// let steady = propagator.evolve(&vec![3.0; 21], &[0.1])?.remove(0);
    /// assert!(steady.u.iter().all(|u| (u - 3.0).abs() < 1e-9));
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a bounded domain, a model that is not linear, or patches that differ; [`Error::Solver`].
    pub fn new<const D: usize, M: PatchModel<D>>(system: &PatchSystem<D, M>) -> Result<Self> {
        if (0..D).any(|d| !system.grid().axis(d).is_periodic()) {
            let advice = "integrate in time instead, or compute eigenvalues of the whole Jacobian";
            return Err(Error::parameter("boundary", "bounded", "periodic in every direction", advice));
        }
        if !system.model().is_affine() {
            return Err(Error::parameter("model", "nonlinear", "a linear model", "integrate in time instead"));
        }
        let fourier = Fourier::new(&(0..D).map(|d| system.grid().axis(d).n_patch()).collect::<Vec<usize>>());
        let patches = system.grid().n_patch();
        let rows = system.dim() / patches;
        let linear = |u: &[f64]| {
            let mut du = vec![0.0; u.len()];
            system.jvp_into(0.0, u, u, &mut du);
            du
        };
        // transform[j][i · patches + K] = (M_K)_ij
        let columns: Vec<Vec<c64>> = (0..rows)
            .into_par_iter()
            .map(|j| {
                let mut unit = vec![0.0; system.dim()];
                unit[j * patches] = 1.0;
                fourier.forward_real(&linear(&unit))
            })
            .collect();
        let blocks: Vec<Result<Block>> = (0..patches)
            .into_par_iter()
            .map(|k| Block::new(Mat::from_fn(rows, rows, |i, j| columns[j][i * patches + k])))
            .collect();
        let propagator = BlockPropagator { fourier, rows, blocks: blocks.into_iter().collect::<Result<_>>()? };
        propagator.check(linear, system)?;
        Ok(propagator)
    }

    /// What holds for patches that are all alike: J u of any state. Forcing must be zero.
    fn check<const D: usize, M: PatchModel<D>>(
        &self,
        linear: impl Fn(&[f64]) -> Vec<f64>,
        system: &PatchSystem<D, M>,
    ) -> Result<()> {
        let u: Vec<f64> = (0..system.dim()).map(|i| (0.7 * i as f64 + (i as f64).sqrt()).sin()).collect();
        let (exact, found) = (linear(&u), self.evolve(&u, &[0.0])?.remove(0).u_t);
        let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let mut rest = vec![0.0; u.len()];
        for t in [0.0, 0.37, 1.0, 17.3] {
            let mut now = vec![0.0; u.len()];
            system.rhs_into(t, &vec![0.0; u.len()], &mut now);
            rest.iter_mut().zip(&now).for_each(|(r, n)| *r = f64::max(*r, n.abs()));
        }
        let off = exact.iter().zip(&found).map(|(e, f)| (e - f).abs()).fold(0.0, f64::max) / largest(&exact);
        if off > 1e-7 || largest(&rest) > 0.0 {
            let found = if off > 1e-7 { format!("a right-hand side off by {off:.1e}") } else { "a forcing".into() };
            let expected = "the same medium in all patches, and no forcing";
            return Err(Error::parameter("model", found, expected, "integrate in time instead"));
        }
        Ok(())
    }

    /// The state and its slope at each of `times` ≥ 0, `[n_times]`, from `u` at 0; `u` as in [`PatchSystem`],
    /// `[field][interior points …][member][n_patch …]`. Exact in time up to rounding; two transforms and rows² multiplications per
    /// wavevector and time, rows = fields · interior points · members.
    ///
    /// ```
    /// use gaptooth::patch::{Coupling, PatchGrid, PatchSystem, grid::*, lattice::LatticeDiffusion, propagator::BlockPropagator};
    /// let axis = PatchAxis::periodic([0.0, 1.0], 7, PatchShape::new(3, 1, 0.01)?)?;
    /// let coupling = Coupling::Spectral { source: Source::NextToEdge };
    /// let system = PatchSystem::new(LatticeDiffusion::line(vec![2.0])?, PatchGrid::line(axis), coupling)?;
    /// let wave = system.sample(|_, [x], _| (2.0 * std::f64::consts::PI * x).cos());
    /// let [start, end] = BlockPropagator::new(&system)?.evolve(&wave, &[0.0, 0.01])?.try_into().unwrap();
    /// let rate = 4.0 / 0.01f64.powi(2) * (0.01 * std::f64::consts::PI).sin().powi(2) * 2.0; // of the lattice
    /// assert!((end.u[0] / start.u[0] - (-rate * 0.01).exp()).abs() < 1e-12 && (end.u_t[0] / end.u[0] + rate).abs() < 1e-9);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::NonFinite`]; [`Error::Parameter`] for a negative time.
    pub fn evolve(&self, u: &[f64], times: &[f64]) -> Result<Vec<Evolved>> {
        let patches = self.blocks.len();
        if u.len() != self.rows * patches {
            let (expected, found) = (vec![self.rows, patches], vec![u.len()]);
            return Err(Error::Shape { what: "state".into(), expected, found });
        }
        crate::error::check_finite("the initial state", u, None, "check it")?;
        if let Some(t) = times.iter().find(|t| !(t.is_finite() && **t >= 0.0)) {
            return Err(Error::parameter(
                "times",
                t,
                "finite and not negative",
                "count time from the state that is given",
            ));
        }
        let spectrum = self.fourier.forward_real(u);
        let start: Vec<Vec<c64>> = (0..patches)
            .into_par_iter()
            .map(|k| {
                let column = Mat::from_fn(self.rows, 1, |i, _| spectrum[i * patches + k]);
                let modes = &self.blocks[k].inverse * column;
                (0..self.rows).map(|i| modes[(i, 0)]).collect()
            })
            .collect();
        let at = |&t: &f64| {
            let found: Vec<Mat<c64>> = (self.blocks.iter().zip(&start))
                .map(|(block, modes)| {
                    let modes = Mat::from_fn(self.rows, 2, |i, column| {
                        let now = modes[i] * (block.rates[i] * t).exp();
                        if column == 0 { now } else { now * block.rates[i] }
                    });
                    &block.vectors * modes
                })
                .collect();
            let column = |c: usize| {
                let spectrum = (0..self.rows * patches).map(|i| found[i % patches][(i / patches, c)]).collect();
                self.fourier.inverse_real(spectrum)
            };
            Evolved { t, u: column(0), u_t: column(1) }
        };
        Ok(times.par_iter().map(at).collect())
    }

    /// All rates λ of all wavevectors, `[n_patch …][rows]`, in units of 1/time.
    pub fn rates(&self) -> Vec<c64> {
        self.blocks.iter().flat_map(|b| b.rates.iter().copied()).collect()
    }
}

/// A state of a [`PatchSystem`] at one time; `u` and `u_t` as long as its dimension, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Evolved {
    /// the time
    pub t: f64,
    /// the state, `[field][interior points …][member][n_patch …]`
    pub u: Vec<f64>,
    /// its exact slope J u, likewise
    pub u_t: Vec<f64>,
}

impl Block {
    fn new(matrix: Mat<c64>) -> Result<Self> {
        in_sequence();
        let failed = |message: String| Error::Solver {
            solver: "eigenvalues of a wavevector's block",
            message,
            advice: "integrate in time instead".into(),
        };
        let n = matrix.nrows();
        if (&matrix - matrix.adjoint()).norm_l2() <= 1e-12 * matrix.norm_l2() {
            let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(|e| failed(format!("{e:?}")))?;
            let rates = (0..n).map(|i| eigen.S().column_vector()[i]).collect();
            return Ok(Block { rates, vectors: eigen.U().to_owned(), inverse: eigen.U().adjoint().to_owned() });
        }
        let eigen = matrix.eigen().map_err(|e| failed(format!("{e:?}")))?;
        let rates: Vec<c64> = (0..n).map(|i| eigen.S().column_vector()[i]).collect();
        let vectors = eigen.U().to_owned();
        let inverse = vectors.partial_piv_lu().solve(Mat::<c64>::identity(n, n));
        let scaled = Mat::from_fn(n, n, |i, j| vectors[(i, j)] * rates[j]);
        let off = (&scaled * &inverse - &matrix).norm_l2() / matrix.norm_l2();
        // A block without a basis of eigenvectors, or nearly so. (A NaN is refused, too.)
        if off.is_nan() || off > 1e-8 {
            return Err(failed(format!("M = V Λ V⁻¹ holds to {off:.1e} only")));
        }
        Ok(Block { rates, vectors, inverse })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        coefficient::lattice::{Bond, BondLattice},
        grid::Boundary,
        ode::{Integrator, explicit::RungeKutta, tableau::ExplicitMethod},
        patch::{
            Coupling, PatchGrid,
            fourth_order::SwiftHohenberg,
            grid::{PatchAxis, PatchShape, Placement, Source},
            lattice::LatticeDiffusion,
            wave::LatticeWave,
        },
    };

    fn grid<const D: usize>(n: [usize; D], n_sub: usize) -> PatchGrid<D> {
        PatchGrid::new(n.map(|n| {
            let shape = PatchShape::from_ratio(0.3, 6.0 / n as f64, Source::NextToEdge, n_sub, 1).unwrap();
            PatchAxis::periodic([0.0, 6.0], n, shape).unwrap()
        }))
    }

    const SPECTRAL: Coupling = Coupling::Spectral { source: Source::NextToEdge };

    /// Against many small steps of the classical Runge–Kutta method, even and odd numbers of patches, ensembles, two fields.
    #[test]
    fn it_agrees_with_small_steps() {
        fn compare<const D: usize, M: PatchModel<D>>(system: &PatchSystem<D, M>, t: f64, steps: usize) {
            let start: Vec<f64> = (0..system.dim()).map(|i| (1.3 * i as f64).sin()).collect();
            let evolved = BlockPropagator::new(system).unwrap().evolve(&start, &[t]).unwrap().remove(0);
            let (mut u, mut slope) = (start.clone(), start);
            let rk4 = RungeKutta::from(ExplicitMethod::Rk4);
            (0..steps).for_each(|k| rk4.step(system, k as f64, &mut u, t / steps as f64).unwrap());
            system.rhs_into(t, &u, &mut slope);
            let size = slope.iter().fold(1.0f64, |m, s| m.max(s.abs()));
            for i in 0..u.len() {
                assert!((u[i] - evolved.u[i]).abs() < 1e-8, "{i}: {} against {}", u[i], evolved.u[i]);
                assert!((slope[i] - evolved.u_t[i]).abs() < 1e-7 * size);
            }
        }
        let table = |d: usize| (0..6).map(|j| 1.5 + ((7 * j + 3 * d) as f64).sin()).collect::<Vec<_>>();
        let lattice = BondLattice::new([2, 3], [table(0), table(1)], Bond::Right).unwrap();
        let model = LatticeDiffusion::new(lattice).with_all_shifts();
        let members = model.ensemble();
        let system = PatchSystem::new(model, grid([3, 4], 4), SPECTRAL).unwrap().with_ensemble(members).unwrap();
        compare(&system, 0.05, 4000);
        let stiffness = BondLattice::new([3], [vec![1.0, 2.0, 0.5]], Bond::Right).unwrap();
        let wave = PatchSystem::new(LatticeWave::new(stiffness, 0.02).unwrap(), grid([5], 5), SPECTRAL).unwrap();
        compare(&wave, 0.5, 4000);
    }

    #[test]
    fn what_is_not_a_convolution_is_refused() {
        let text = |r: Result<BlockPropagator>| r.unwrap_err().to_string();
        let forced = LatticeDiffusion::line(vec![1.0, 2.0, 0.5]).unwrap().with_forcing(|t, [x]| t.sin() * x);
        let forced = PatchSystem::new(forced, grid([5], 5), SPECTRAL).unwrap();
        assert!(text(BlockPropagator::new(&forced)).contains("forcing"));
        let pattern = PatchShape::new(8, 2, 0.1).unwrap();
        let pattern = PatchGrid::line(PatchAxis::periodic([0.0, 6.0], 5, pattern).unwrap());
        let pattern = PatchSystem::new(SwiftHohenberg::new(3.0, 0.1).unwrap(), pattern, SPECTRAL).unwrap();
        assert!(text(BlockPropagator::new(&pattern)).contains("linear"));
        let shape = PatchShape::new(5, 1, 0.1).unwrap();
        let line = PatchAxis::bounded([0.0, 6.0], Boundary::Dirichlet, 5, Placement::Equispaced, shape).unwrap();
        let coupling = Coupling::Polynomial { order: 2, source: Source::NextToEdge };
        let bounded =
            PatchSystem::new(LatticeDiffusion::line(vec![1.0; 3]).unwrap(), PatchGrid::line(line), coupling).unwrap();
        assert!(text(BlockPropagator::new(&bounded)).contains("periodic"));
    }
}
