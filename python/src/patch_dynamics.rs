//! Patch dynamics with bursts of a simulator, a Python function called once for all patches and trajectories.

use gaptooth::error::check_finite;
use gaptooth::grid::Axis;
use gaptooth::ode::OdeSystem;
use gaptooth::ode::explicit::{self, RungeKutta};
use gaptooth::ode::tableau::Tableau;
use gaptooth::patch::buffered::{BufferedPatches, LiftingOptions, PolynomialLifting};
use gaptooth::stencil::EdgeRule;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::callback::{Callback, Failure, Layout, laid_out};
use crate::error::{raised, refuse};
use crate::job;
use crate::patch_grid::boundary;

/// Patch dynamics: lift, burst, restrict, and a projective step.
#[pyclass(frozen)]
pub(crate) struct PatchDynamics {
    patches: BufferedPatches,
    lifting: PolynomialLifting,
    burst: Py<PyAny>,
    healing: f64,
    length: f64,
}

#[pymethods]
impl PatchDynamics {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        domain: [f64; 2],
        intervals: usize,
        boundary_name: &str,
        tooth: f64,
        width: f64,
        spacing: f64,
        burst: Py<PyAny>,
        length: f64,
        healing: f64,
        degree: usize,
        stencil: usize,
    ) -> PyResult<Self> {
        let fits = length.is_finite() && length > 0.0 && healing.is_finite() && healing >= 0.0;
        if !fits {
            return Err(refuse(format!(
                "length = {length}, healing = {healing}: expected a positive time over which the slope is taken, and a healing time of 0 or more"
            )));
        }
        let axis = Axis::uniform(domain, intervals, boundary(boundary_name)?).map_err(raised)?;
        let patches = BufferedPatches::new(axis, tooth, width, spacing).map_err(raised)?;
        let options = LiftingOptions { degree, points: stencil, edges: EdgeRule::default() };
        let lifting = PolynomialLifting::new(&patches, options).map_err(raised)?;
        Ok(PatchDynamics { patches, lifting, burst, healing, length })
    }

    #[getter]
    fn space_fraction(&self) -> f64 {
        self.patches.space_fraction()
    }

    fn points<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, &self.patches.grid().x)
    }

    fn centres<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_vec(py, self.patches.centres())
    }

    fn offsets<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.patches.offsets())
    }

    /// `[trajectory][point]` to `[trajectory][n_sub][n_patch]`.
    fn lift<'py>(&self, py: Python<'py>, u: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.lifted(u.as_slice()?)))
    }

    /// `[trajectory][n_sub][n_patch]` to `[trajectory][n_patch]`.
    fn restrict<'py>(&self, py: Python<'py>, u: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, self.restricted(u.as_slice()?)))
    }

    /// The slopes dU/dt of all trajectories, `[trajectory][point]`.
    fn slopes<'py>(
        &self,
        py: Python<'py>,
        t: f64,
        u: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (u, failure) = (u.as_slice()?, Failure::default());
        let system = Bursts { of: self, call: Callback::new(&self.burst, &failure), size: u.len() };
        let mut du = vec![0.0; u.len()];
        py.detach(|| system.rhs_into(t, u, &mut du));
        failure.or(du).map(|du| PyArray1::from_vec(py, du))
    }

    /// States at `times` by steps of at most `step` with an explicit tableau, `[time][trajectory][point]`.
    #[allow(clippy::too_many_arguments)]
    fn integrate<'py>(
        &self,
        py: Python<'py>,
        u: PyReadonlyArray1<'py, f64>,
        times: Vec<f64>,
        step: f64,
        method: &str,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (u, failure) = (u.as_slice()?, Failure::default());
        let scheme = RungeKutta::new(Tableau::named(method).map_err(raised)?);
        let system = Bursts { of: self, call: Callback::new(&self.burst, &failure), size: u.len() };
        let found = job::here(py, &failure, progress, |observer| {
            check_finite("the initial state", u, times.first().copied(), "give finite values")?;
            explicit::integrate(&scheme, &system, times[0], u, &times, step, observer)
        })?;
        Ok(PyArray1::from_vec(py, found.u.concat()))
    }
}

impl PatchDynamics {
    fn lifted(&self, u: &[f64]) -> Vec<f64> {
        let (n_sub, n_patch) = (self.patches.offsets().len(), self.patches.len());
        let mut all = Vec::with_capacity(u.len() * n_sub);
        for state in u.chunks(self.patches.grid().len()) {
            let coefficients = self.lifting.coefficients(state);
            let mut profile = vec![0.0; n_sub];
            let mut lifted = vec![0.0; n_sub * n_patch];
            for (p, i) in self.patches.grid().active().enumerate() {
                let own: Vec<f64> = coefficients.iter().map(|d| d[i]).collect();
                self.lifting.lift_into(&own, &mut profile);
                profile.iter().enumerate().for_each(|(j, v)| lifted[j * n_patch + p] = *v);
            }
            all.extend(lifted);
        }
        all
    }

    fn restricted(&self, u: &[f64]) -> Vec<f64> {
        let (n_sub, n_patch) = (self.patches.offsets().len(), self.patches.len());
        let mut profile = vec![0.0; n_sub];
        let mut means = vec![];
        for state in u.chunks(n_sub * n_patch) {
            for p in 0..n_patch {
                profile.iter_mut().enumerate().for_each(|(j, v)| *v = state[j * n_patch + p]);
                means.push(self.patches.restrict(&profile));
            }
        }
        means
    }
}

/// The slope field that bursts estimate.
struct Bursts<'a> {
    of: &'a PatchDynamics,
    call: Callback,
    size: usize,
}

impl Bursts<'_> {
    /// The profiles after a burst of `length` from `u`.
    fn burst(&self, u: &[f64], t: f64, length: f64) -> Option<Vec<f64>> {
        let (n_sub, n_patch) = (self.of.patches.offsets().len(), self.of.patches.len());
        let layout = Layout::plain(vec![u.len() / (n_sub * n_patch), n_sub, n_patch]);
        let mut after = vec![];
        self.call
            .evaluate(
                &layout,
                |values| values.copy_from_slice(u),
                |_, call, array| call.call1((array, t, length)),
                |py, result| {
                    let (found, _) = laid_out(py, result, &[&layout], "the burst")?;
                    after = found.as_slice()?.to_vec();
                    Ok(())
                },
            )
            .then_some(after)
    }

    fn slopes(&self, t: f64, u: &[f64], du: &mut [f64]) -> Option<()> {
        let patches = &self.of.patches;
        let mut profiles = self.of.lifted(u);
        let mut before = None;
        let mut start = t;
        if self.of.healing > 0.0 {
            profiles = self.burst(&profiles, t, self.of.healing)?;
            start += self.of.healing;
            before = Some(self.of.restricted(&profiles));
        }
        let before = before.unwrap_or_else(|| self.of.restricted(&profiles));
        let after = self.of.restricted(&self.burst(&profiles, start, self.of.length)?);
        let n = patches.len();
        for (k, du) in du.chunks_mut(patches.grid().len()).enumerate() {
            for (p, i) in patches.grid().active().enumerate() {
                du[i] = (after[k * n + p] - before[k * n + p]) / self.of.length;
            }
        }
        Some(())
    }
}

impl OdeSystem for Bursts<'_> {
    fn dim(&self) -> usize {
        self.size
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        du.fill(0.0);
        if self.slopes(t, u, du).is_none() {
            du.fill(f64::NAN);
        }
    }
}
