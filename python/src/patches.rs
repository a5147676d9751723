//! Any simulator on coupled patches, and patch dynamics with bursts: a Python function called once for all patches and trajectories.

use gaptooth::Error;
use gaptooth::error::check_finite;
use gaptooth::grid::{Axis, Boundary, points};
use gaptooth::observer::Observer;
use gaptooth::ode::automatic::integrate_automatic;
use gaptooth::ode::explicit::{self, RungeKutta};
use gaptooth::ode::stiff::StiffOptions;
use gaptooth::ode::tableau::Tableau;
use gaptooth::ode::{OdeSystem, Solution};
use gaptooth::patch::buffered::{BufferedPatches, LiftingOptions, PolynomialLifting};
use gaptooth::patch::field::{PatchField, PatchFieldMut};
use gaptooth::patch::grid::{PatchAxis, PatchShape, Placement, Source};
use gaptooth::patch::lattice::LatticeDiffusion;
use gaptooth::patch::{Coupling, PatchGrid, PatchModel, PatchSystem};
use gaptooth::stencil::EdgeRule;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::callback::{Callback, Failure, of_shape};
use crate::error::{raised, refuse};
use crate::job;

fn boundary(name: &str) -> PyResult<Boundary> {
    match name {
        "periodic" => Ok(Boundary::Periodic),
        "dirichlet" => Ok(Boundary::Dirichlet),
        "neumann" => Ok(Boundary::Neumann),
        other => Err(refuse(format!("boundary = {other:?}: expected \"periodic\", \"dirichlet\" or \"neumann\""))),
    }
}

/// The patches along each axis.
#[pyclass(frozen, name = "PatchGrid")]
pub(crate) struct Patches {
    axes: Vec<PatchAxis>,
}

#[pymethods]
impl Patches {
    /// Of each axis: its ends, number of patches, points of a patch, edge layers, spacing or ratio, boundary.
    #[new]
    fn new(
        domain: Vec<[f64; 2]>,
        n_patch: Vec<usize>,
        n_sub: Vec<usize>,
        n_edge: usize,
        spacing: Option<Vec<f64>>,
        ratio: Option<Vec<f64>>,
        boundary_names: Vec<String>,
    ) -> PyResult<Self> {
        let axis = |d: usize| -> PyResult<PatchAxis> {
            let ends = boundary(&boundary_names[d])?;
            let between = (domain[d][1] - domain[d][0]) / n_patch[d].max(1) as f64;
            let shape = match (&spacing, &ratio) {
                (Some(spacing), _) => PatchShape::new(n_sub[d], n_edge, spacing[d]),
                (None, Some(ratio)) => PatchShape::from_ratio(ratio[d], between, Source::NextToEdge, n_sub[d], n_edge),
                (None, None) => {
                    return Err(refuse("give the microscale spacing, or the ratio of the domain that patches cover"));
                }
            };
            let shape = shape.map_err(raised)?;
            match ends {
                Boundary::Periodic => PatchAxis::periodic(domain[d], n_patch[d], shape),
                // mirror images beyond the ends keep the coupling self-adjoint
                ends => PatchAxis::bounded(domain[d], ends, n_patch[d], Placement::CellCentred, shape),
            }
            .map_err(raised)
        };
        Ok(Patches { axes: (0..domain.len()).map(axis).collect::<PyResult<_>>()? })
    }

    #[getter]
    fn n_patch(&self) -> Vec<usize> {
        self.axes.iter().map(PatchAxis::n_patch).collect()
    }

    #[getter]
    fn n_sub(&self) -> Vec<usize> {
        self.axes.iter().map(|a| a.shape().n_sub()).collect()
    }

    #[getter]
    fn n_edge(&self) -> usize {
        self.axes[0].shape().n_edge()
    }

    #[getter]
    fn spacing(&self) -> Vec<f64> {
        self.axes.iter().map(|a| a.shape().spacing()).collect()
    }

    #[getter]
    fn domain(&self) -> Vec<[f64; 2]> {
        self.axes.iter().map(PatchAxis::domain).collect()
    }

    #[getter]
    fn space_fraction(&self) -> f64 {
        self.axes.iter().map(PatchAxis::space_fraction).product()
    }

    fn centres<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyArray1<f64>>> {
        self.axes.iter().map(|a| PyArray1::from_slice(py, a.centres())).collect()
    }

    /// Positions along each axis, `[n_patch, n_sub]`, flat.
    fn positions<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyArray1<f64>>> {
        self.axes.iter().map(|a| PyArray1::from_slice(py, a.x())).collect()
    }
}

/// A model of the user's, or one of the library's.
enum Micro<const D: usize> {
    Python {
        call: Callback,
        /// of one trajectory
        fields: usize,
        /// several trajectories have an axis of their own
        trajectories: Option<usize>,
        edge: usize,
    },
    Lattice(LatticeDiffusion<D>),
}

impl<const D: usize> PatchModel<D> for Micro<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let (call, fields, trajectories, edge) = match self {
            Micro::Lattice(model) => return model.rhs_into(grid, t, u, du),
            Micro::Python { call, fields, trajectories, edge } => (call, *fields, *trajectories, *edge),
        };
        let n_sub = grid.n_sub();
        let patches: Vec<usize> = (0..D).map(|d| grid.axis(d).n_patch()).collect();
        let shape = |margin: usize| -> Vec<usize> {
            let sub = n_sub.iter().map(|n| n - 2 * margin);
            trajectories.into_iter().chain([fields]).chain(sub).chain(patches.iter().copied()).collect()
        };
        let all = fields * trajectories.unwrap_or(1);
        let mut values = Vec::with_capacity(all * n_sub.iter().product::<usize>() * grid.n_patch());
        for field in 0..all {
            points(n_sub.map(|n| 0..n)).for_each(|point| values.extend_from_slice(u.at(field, point)));
        }
        let lanes = grid.n_patch();
        let copied = call.evaluate(
            values,
            &shape(0),
            |py, call, array| call.bind(py).call1((t, array)),
            |py, result| {
                // with edges, which do not count, or without
                let (full, inner) = (shape(0), shape(edge));
                let (found, margin) = of_shape(py, result, &[&inner, &full], "the right-hand side")?;
                let skip = if margin == 0 { 0 } else { edge };
                let values = found.as_slice()?;
                let size: [usize; D] = n_sub.map(|n| n - 2 * (edge - skip));
                let per_field = size.iter().product::<usize>() * lanes;
                for field in 0..all {
                    for point in grid.interior() {
                        let at = (0..D).fold(0, |at, d| at * size[d] + point[d] - edge + skip);
                        du.at(field, point).copy_from_slice(&values[field * per_field + at * lanes..][..lanes]);
                    }
                }
                Ok(())
            },
        );
        if !copied {
            for (field, point) in (0..all).flat_map(|f| grid.interior().map(move |p| (f, p))) {
                du.at(field, point).fill(f64::NAN);
            }
        }
    }

    fn fields(&self) -> usize {
        match self {
            Micro::Python { fields, trajectories, .. } => fields * trajectories.unwrap_or(1),
            Micro::Lattice(model) => model.fields(),
        }
    }

    fn reach(&self) -> usize {
        match self {
            Micro::Python { edge, .. } => *edge,
            Micro::Lattice(model) => PatchModel::<D>::reach(model),
        }
    }

    fn is_affine(&self) -> bool {
        match self {
            Micro::Python { .. } => false,
            Micro::Lattice(model) => model.is_affine(),
        }
    }
}

/// The gap-tooth scheme: a model on coupled patches.
#[pyclass(frozen)]
pub(crate) struct GapTooth {
    axes: Vec<PatchAxis>,
    model: Model,
    coupling: Coupling,
    ends: Vec<[f64; 2]>,
    fields: usize,
}

enum Model {
    Python(Py<PyAny>),
    /// periods, and one table for each axis
    Lattice(Vec<usize>, Vec<Vec<f64>>),
}

/// Calls `$run` with the system in as many dimensions as the patches have.
macro_rules! in_dimensions {
    ($self:ident, $trajectories:expr, $failure:expr, |$system:ident| $run:expr) => {
        match $self.axes.len() {
            1 => {
                let $system = $self.system::<1>($trajectories, $failure)?;
                $run
            }
            2 => {
                let $system = $self.system::<2>($trajectories, $failure)?;
                $run
            }
            _ => {
                let $system = $self.system::<3>($trajectories, $failure)?;
                $run
            }
        }
    };
}

#[pymethods]
impl GapTooth {
    /// `model`: a function (t, u), or (periods, tables) of a lattice; `order` 0 is the spectral coupling.
    #[new]
    fn new(
        patches: &Patches,
        model: &Bound<'_, PyAny>,
        fields: usize,
        order: usize,
        ends: Vec<[f64; 2]>,
    ) -> PyResult<Self> {
        let model = if model.is_callable() {
            Model::Python(model.clone().unbind())
        } else {
            let (periods, tables) = model.extract()?;
            Model::Lattice(periods, tables)
        };
        let coupling = match order {
            0 => Coupling::Spectral { source: Source::NextToEdge },
            order => Coupling::Polynomial { order, source: Source::NextToEdge },
        };
        let made = GapTooth { axes: patches.axes.clone(), model, coupling, ends, fields };
        // what does not fit is said now
        in_dimensions!(made, None, &Failure::default(), |system| drop(system));
        Ok(made)
    }

    /// du/dt of the interior, of one state or of several.
    #[pyo3(signature = (t, u, trajectories))]
    fn rhs<'py>(
        &self,
        py: Python<'py>,
        t: f64,
        u: PyReadonlyArray1<'py, f64>,
        trajectories: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        job::started()?;
        let (u, failure) = (u.as_slice()?, Failure::default());
        let du = in_dimensions!(self, trajectories, &failure, |system| {
            let mut du = vec![0.0; u.len()];
            py.detach(|| each(&system, u, &mut du, |system, u, du| system.rhs_into(t, u, du)));
            du
        });
        failure.or(du).map(|du| PyArray1::from_vec(py, du))
    }

    /// The state with its edges filled.
    fn extend<'py>(
        &self,
        py: Python<'py>,
        u: PyReadonlyArray1<'py, f64>,
        trajectories: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let u = u.as_slice()?;
        let filled = in_dimensions!(self, trajectories, &Failure::default(), |system| {
            u.chunks(system.dim().max(1)).flat_map(|u| system.extend(u)).collect::<Vec<f64>>()
        });
        Ok(PyArray1::from_vec(py, filled))
    }

    /// States at `times`, `[time][…]` flat for each group of trajectories that is integrated together, and right-hand sides asked for.
    #[allow(clippy::too_many_arguments)]
    fn integrate<'py>(
        &self,
        py: Python<'py>,
        u: PyReadonlyArray1<'py, f64>,
        trajectories: Option<usize>,
        times: Vec<f64>,
        rtol: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<Bound<'py, PyArray1<f64>>>, u64)> {
        let (u, failure) = (u.as_slice()?, Failure::default());
        let options = StiffOptions { rtol, ..StiffOptions::default() };
        let solutions = in_dimensions!(self, trajectories, &failure, |system| {
            job::here(py, &failure, progress, |observer| {
                let group = |u: &[f64]| integrated(&system, u, &times, &options, observer);
                u.chunks(system.dim().max(1)).map(group).collect::<gaptooth::Result<Vec<Solution>>>()
            })?
        });
        let work = solutions.iter().map(|s| s.work.rhs + s.work.jvp).sum();
        Ok((solutions.into_iter().map(|s| PyArray1::from_vec(py, s.u.concat())).collect(), work))
    }
}

/// The states at `times`; the first time is that of `u`.
fn integrated(
    system: &dyn OdeSystem,
    u: &[f64],
    times: &[f64],
    options: &StiffOptions,
    observer: &dyn Observer,
) -> gaptooth::Result<Solution> {
    check_finite("the initial state", u, times.first().copied(), "give finite values")?;
    integrate_automatic(system, times[0], u, times, options, observer)
}

/// Applies `run` to each state of a system.
fn each<S: OdeSystem>(system: &S, u: &[f64], du: &mut [f64], run: impl Fn(&S, &[f64], &mut [f64])) {
    let n = system.dim().max(1);
    u.chunks(n).zip(du.chunks_mut(n)).for_each(|(u, du)| run(system, u, du));
}

impl GapTooth {
    fn system<const D: usize>(
        &self,
        trajectories: Option<usize>,
        failure: &Failure,
    ) -> PyResult<PatchSystem<D, Micro<D>>> {
        let axes: [PatchAxis; D] = std::array::from_fn(|d| self.axes[d].clone());
        let edge = axes[0].shape().n_edge();
        let model = match &self.model {
            Model::Python(call) => {
                Micro::Python { call: Callback::new(call, failure), fields: self.fields, trajectories, edge }
            }
            Model::Lattice(periods, tables) => {
                let fixed: Option<([usize; D], [Vec<f64>; D])> =
                    periods.clone().try_into().ok().zip(tables.clone().try_into().ok());
                let Some((periods, tables)) = fixed else {
                    return Err(refuse(format!("a lattice on {D} axes of patches needs {D} tables of bonds")));
                };
                let bonds = gaptooth::coefficient::lattice::BondLattice::new(periods, tables, Default::default());
                Micro::Lattice(LatticeDiffusion::new(bonds.map_err(raised)?))
            }
        };
        let ends: [[f64; 2]; D] = std::array::from_fn(|d| self.ends[d]);
        let system = PatchSystem::new(model, PatchGrid::new(axes), self.coupling);
        system.and_then(|system| system.with_ends(ends)).map_err(raised)
    }
}

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
    fn burst(&self, u: Vec<f64>, t: f64, length: f64) -> Option<Vec<f64>> {
        let (n_sub, n_patch) = (self.of.patches.offsets().len(), self.of.patches.len());
        let shape = [u.len() / (n_sub * n_patch), n_sub, n_patch];
        let mut after = vec![];
        self.call
            .evaluate(
                u,
                &shape,
                |py, call, array| call.bind(py).call1((array, t, length)),
                |py, result| {
                    let (found, _) = of_shape(py, result, &[&shape], "the burst")?;
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
            profiles = self.burst(profiles, t, self.of.healing)?;
            start += self.of.healing;
            before = Some(self.of.restricted(&profiles));
        }
        let before = before.unwrap_or_else(|| self.of.restricted(&profiles));
        let after = self.of.restricted(&self.burst(profiles, start, self.of.length)?);
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

/// Means over the interior points of each patch, `[…][interior points][n_patch …]` to `[…][n_patch …]`.
#[pyfunction]
pub(crate) fn patch_means<'py>(
    py: Python<'py>,
    u: PyReadonlyArray1<'py, f64>,
    points: usize,
    patches: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    if points == 0 || patches == 0 {
        return Err(raised(Error::parameter("points", points, "at least one", "give the patches points")));
    }
    let mean = |block: &[f64]| -> Vec<f64> {
        let mut sums = vec![0.0; patches];
        block.chunks(patches).for_each(|lane| sums.iter_mut().zip(lane).for_each(|(s, v)| *s += v));
        sums.iter_mut().for_each(|s| *s /= points as f64);
        sums
    };
    Ok(PyArray1::from_vec(py, u.as_slice()?.chunks(points * patches).flat_map(mean).collect()))
}
