//! Any simulator on coupled patches: a Python function called once for all patches and trajectories.

use std::borrow::Cow;

use gaptooth::Error;
use gaptooth::error::check_finite;
use gaptooth::grid::points;
use gaptooth::observer::Observer;
use gaptooth::ode::automatic::integrate_automatic;
use gaptooth::ode::stiff::StiffOptions;
use gaptooth::ode::{OdeSystem, Solution};
use gaptooth::patch::ensemble::Ensemble;
use gaptooth::patch::field::{PatchField, PatchFieldMut};
use gaptooth::patch::grid::{PatchAxis, Source};
use gaptooth::patch::lattice::LatticeDiffusion;
use gaptooth::patch::{Coupling, PatchGrid, PatchModel, PatchSystem};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::callback::{Callback, Failure, Layout, laid_out};
use crate::error::{raised, refuse};
use crate::job;
use crate::patch_grid::Patches;

/// A model of the user's, or one of the library's.
enum Micro<const D: usize> {
    Python {
        call: Callback,
        fields: usize,
        edge: usize,
        /// of all points, and of the interior
        layouts: [Layout; 2],
    },
    Lattice(LatticeDiffusion<D>),
}

impl<const D: usize> Micro<D> {
    /// A function of states `[fields, n_sub …, n_patch …]`, with `trajectories` in front where there are several. In memory these lie before
    /// the patches, as members of an ensemble do: what couples patches then has all trajectories in one piece.
    fn of_function(
        call: Callback,
        fields: usize,
        trajectories: Option<usize>,
        edge: usize,
        axes: &[PatchAxis; D],
    ) -> Self {
        let layout = |margin: usize| {
            let sub = axes.iter().map(|a| a.shape().n_sub() - 2 * margin);
            let patches = axes.iter().map(PatchAxis::n_patch);
            let shape = [fields].into_iter().chain(sub).chain(trajectories).chain(patches).collect();
            if trajectories.is_some() { Layout::with_first(shape, 1 + D) } else { Layout::plain(shape) }
        };
        Micro::Python { call, fields, edge, layouts: [layout(0), layout(edge)] }
    }
}

impl<const D: usize> PatchModel<D> for Micro<D> {
    fn rhs_into(&self, grid: &PatchGrid<D>, t: f64, u: PatchField<'_, D>, du: &mut PatchFieldMut<'_, D>) {
        let (call, fields, edge, layouts) = match self {
            Micro::Lattice(model) => return model.rhs_into(grid, t, u, du),
            Micro::Python { call, fields, edge, layouts } => (call, *fields, *edge, layouts),
        };
        let n_sub = grid.n_sub();
        let everywhere = (0..fields).flat_map(|f| points(n_sub.map(|n| 0..n)).map(move |p| (f, p)));
        let lanes = u.at(0, [0; D]).len();
        let copied = call.evaluate(
            &layouts[0],
            |values| {
                values.chunks_exact_mut(lanes).zip(everywhere).for_each(|(to, (f, p))| to.copy_from_slice(u.at(f, p)))
            },
            |_, call, array| call.call1((t, array)),
            |py, result| {
                // with edges, which do not count, or without
                let (found, whole) = laid_out(py, result, &[&layouts[1], &layouts[0]], "the right-hand side")?;
                let margin = (1 - whole) * edge;
                let values = found.as_slice()?;
                let size: [usize; D] = n_sub.map(|n| n - 2 * margin);
                let per_field = size.iter().product::<usize>() * lanes;
                for field in 0..fields {
                    for point in grid.interior() {
                        let at = (0..D).fold(0, |at, d| at * size[d] + point[d] - margin);
                        du.at(field, point).copy_from_slice(&values[field * per_field + at * lanes..][..lanes]);
                    }
                }
                Ok(())
            },
        );
        if !copied {
            for (field, point) in (0..fields).flat_map(|f| grid.interior().map(move |p| (f, p))) {
                du.at(field, point).fill(f64::NAN);
            }
        }
    }

    fn fields(&self) -> usize {
        match self {
            Micro::Python { fields, .. } => *fields,
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
            let u = self.by_point(u, trajectories);
            py.detach(|| {
                let n = system.dim().max(1);
                u.chunks(n).zip(du.chunks_mut(n)).for_each(|(u, du)| system.rhs_into(t, u, du));
            });
            self.by_trajectory(du, trajectories)
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
            let u = self.by_point(u, trajectories);
            self.by_trajectory(u.chunks(system.dim().max(1)).flat_map(|u| system.extend(u)).collect(), trajectories)
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
            let u = self.by_point(u, trajectories);
            job::here(py, &failure, progress, |observer| {
                let group = |u: &[f64]| integrated(&system, u, &times, &options, observer);
                u.chunks(system.dim().max(1)).map(group).collect::<gaptooth::Result<Vec<Solution>>>()
            })?
        });
        let work = solutions.iter().map(|s| s.work.rhs + s.work.jvp).sum();
        let states =
            |s: Solution| -> Vec<f64> { s.u.into_iter().flat_map(|u| self.by_trajectory(u, trajectories)).collect() };
        Ok((solutions.into_iter().map(|s| PyArray1::from_vec(py, states(s))).collect(), work))
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
                Micro::of_function(Callback::new(call, failure), self.fields, trajectories, edge, &axes)
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
        let members = match &model {
            Micro::Python { .. } => Ensemble::copies(trajectories.unwrap_or(1)),
            Micro::Lattice(_) => Ensemble::SINGLE,
        };
        let system = PatchSystem::new(model, PatchGrid::new(axes), self.coupling);
        system.and_then(|system| system.with_ends(ends)?.with_ensemble(members)).map_err(raised)
    }

    /// Trajectories that a function sees together, `[trajectory][field, point][patch]`, as members, `[field, point][trajectory][patch]`.
    fn by_point<'u>(&self, u: &'u [f64], trajectories: Option<usize>) -> Cow<'u, [f64]> {
        match (&self.model, trajectories) {
            (Model::Python(_), Some(t)) => swapped(u, t, u.len() / (t * self.lanes()), self.lanes()).into(),
            _ => u.into(),
        }
    }

    /// The other way round.
    fn by_trajectory(&self, u: Vec<f64>, trajectories: Option<usize>) -> Vec<f64> {
        match (&self.model, trajectories) {
            (Model::Python(_), Some(t)) => swapped(&u, u.len() / (t * self.lanes()), t, self.lanes()),
            _ => u,
        }
    }

    fn lanes(&self) -> usize {
        self.axes.iter().map(PatchAxis::n_patch).product()
    }
}

/// `[outer][inner][lane]` as `[inner][outer][lane]`.
fn swapped(u: &[f64], outer: usize, inner: usize, lanes: usize) -> Vec<f64> {
    let lane = |(i, o): (usize, usize)| &u[(o * inner + i) * lanes..][..lanes];
    (0..inner).flat_map(|i| (0..outer).map(move |o| (i, o))).flat_map(lane).copied().collect()
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
