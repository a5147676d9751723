//! Laws from data: learned, used, judged, saved.

use std::path::{Path, PathBuf};

use gaptooth::Error;
use gaptooth::closure::{
    AnyClosure, Card, Closure, Dataset, Provenance, Tensor, metrics::relative_mean_squared_error, predict, rhs_error,
    slopes,
};
use gaptooth::grid::{Boundary, Grid, NAMES};
use gaptooth::io::zarr::Attributes;
use gaptooth::io::{
    ArrayGroup, Checkpoints, NamedArray, dataset_from, load_closure, read_group, save_closure, states_from,
};
use gaptooth::ode::{OdeSystem, automatic::integrate_automatic, stiff::StiffOptions};
use gaptooth::store::Store;
use gaptooth::study::{
    Context, LawChoice, LawConfig, LawForm, fit_and_judge, held_out_by_default, learning_fingerprint,
};
use gaptooth::team::Alone;
use numpy::{PyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::callback::{Callback, Failure, Layout, laid_out};
use crate::error::{raised, refuse};
use crate::job;

/// Relative tolerance of a step of functions that are taken for the truth.
const TRUTH: f64 = 1e-9;

/// (u, u_t) as the library keeps them.
#[pyclass(frozen, module = "gaptooth._core")]
pub(crate) struct Data {
    data: Dataset,
    /// whether u_t was not given
    #[pyo3(get)]
    differenced: bool,
}

/// The arrays of a dataset, flat, for xarray.
#[derive(IntoPyObject)]
pub(crate) struct Arrays<'py> {
    u: Bound<'py, PyArray1<f64>>,
    u_t: Bound<'py, PyArray1<f64>>,
    times: Bound<'py, PyArray1<f64>>,
    coordinates: Vec<(&'static str, Bound<'py, PyArray1<f64>>)>,
    boundary: Vec<&'static str>,
    domain: Vec<[f64; 2]>,
    provenance: String,
}

impl Data {
    fn new(group: ArrayGroup, name: &Path) -> gaptooth::Result<Self> {
        let differenced = group.array("u").is_some() && group.array("u_t").is_none();
        let data = if differenced { states_from(group, name) } else { dataset_from(group, name) }?;
        Ok(Data { data, differenced })
    }
}

#[pymethods]
impl Data {
    /// Arrays over `dims`, in C order, copied once.
    #[staticmethod]
    fn of(
        dims: Vec<String>,
        u: PyReadonlyArrayDyn<'_, f64>,
        u_t: Option<PyReadonlyArrayDyn<'_, f64>>,
        coordinates: Vec<(String, Vec<f64>)>,
        attributes: &str,
    ) -> PyResult<Self> {
        job::started()?;
        let dims: Vec<&str> = dims.iter().map(String::as_str).collect();
        let array = |name: &str, values: &PyReadonlyArrayDyn<'_, f64>| -> PyResult<NamedArray> {
            Ok(NamedArray::new(name, &dims, values.shape(), values.as_slice()?.to_vec()))
        };
        let mut arrays = vec![array("u", &u)?];
        arrays.extend(u_t.map(|u_t| array("u_t", &u_t)).transpose()?);
        arrays.extend(coordinates.into_iter().map(|(name, values)| NamedArray::coordinate(&name, values)));
        let group = ArrayGroup { arrays, attributes: self::attributes(attributes)? };
        Data::new(group, Path::new("the dataset")).map_err(raised)
    }

    /// A zarr group; `attributes` come before its own.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf, attributes: &str) -> PyResult<Self> {
        job::started()?;
        let attributes = self::attributes(attributes)?;
        let read = || {
            let mut group = read_group(&path)?;
            group.attributes.extend(attributes);
            Data::new(group, &path)
        };
        py.detach(read).map_err(raised)
    }

    fn arrays<'py>(&self, py: Python<'py>) -> Arrays<'py> {
        let (data, grid) = (&self.data, &self.data.grid);
        Arrays {
            u: PyArray1::from_slice(py, &data.u),
            u_t: PyArray1::from_slice(py, &data.u_t),
            times: PyArray1::from_slice(py, &data.times),
            coordinates: coordinates(py, grid),
            boundary: boundary(grid),
            domain: grid.axes().iter().map(|axis| axis.domain).collect(),
            provenance: json!(data.provenance).to_string(),
        }
    }
}

fn parsed(text: &str) -> PyResult<Value> {
    serde_json::from_str(text).map_err(|e| refuse(format!("cannot read {text}: {e}")))
}

fn attributes(text: &str) -> PyResult<Attributes> {
    match parsed(text)? {
        Value::Object(attributes) => Ok(attributes),
        other => Err(refuse(format!("attributes are {other}, expected an object"))),
    }
}

fn coordinates<'py>(py: Python<'py>, grid: &Grid) -> Vec<(&'static str, Bound<'py, PyArray1<f64>>)> {
    NAMES.into_iter().zip(grid.axes()).map(|(name, axis)| (name, PyArray1::from_slice(py, &axis.x))).collect()
}

fn boundary(grid: &Grid) -> Vec<&'static str> {
    let name = |boundary| match boundary {
        Boundary::Dirichlet => "dirichlet",
        Boundary::Neumann => "neumann",
        Boundary::Periodic => "periodic",
    };
    grid.axes().iter().map(|axis| name(axis.boundary)).collect()
}

/// A law, and what is known about it.
#[pyclass(frozen, module = "gaptooth._core")]
pub(crate) struct Law {
    law: AnyClosure,
    /// as `gaptooth learn` writes it into a model's card
    about: Value,
}

/// Names, coefficients and standard errors.
type Terms = (Vec<String>, Vec<f64>, Option<Vec<f64>>);

/// A learned law, its training losses, and the held-out initial states (flat) and times.
type Learned<'py> = (Law, Vec<f64>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Fits a law to all but `held_out` trajectories and judges it on those.
#[pyfunction]
#[pyo3(signature = (data, closure, points, orders, highest, products, conserving, epochs, seed, held_out, checkpoints, progress))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn learn<'py>(
    py: Python<'py>,
    data: &Bound<'py, Data>,
    closure: &str,
    points: Option<usize>,
    orders: Vec<Vec<usize>>,
    highest: Option<usize>,
    products: bool,
    conserving: bool,
    epochs: usize,
    seed: u64,
    held_out: Option<usize>,
    checkpoints: Option<PathBuf>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Learned<'py>> {
    let data = &data.get().data;
    let form: LawForm = closure.parse().map_err(raised)?;
    let choice = LawChoice { form, points, orders, highest, products, conserving, epochs };
    let held_out = held_out.unwrap_or_else(|| held_out_by_default(data.trajectories()));
    let (config, fitted, error, unseen) = job::run(py, progress, |observer| {
        if data.trajectories() < 2 {
            let expected = "two or more: a law is judged on whole trajectories that it has not seen";
            let advice = "simulate from other initial states too";
            return Err(Error::parameter("trajectories of the dataset", data.trajectories(), expected, advice));
        }
        let (training, unseen) = data.split(held_out)?;
        let (name, kind) = (form.name().to_string(), choice.kind(&training)?);
        let patches = "the dataset".into();
        let config = LawConfig { name, patches, kind, paper_rhs_rmse: None, paper_trajectory_rmse: None };
        let about = learning_fingerprint(&config, data, seed, held_out);
        let kept = checkpoints.map(|folder| Checkpoints::apart(folder, about));
        let context = Context { observer, store: kept.as_ref().map(|kept| kept as &dyn Store), team: &Alone };
        let (fitted, error) = fit_and_judge(&config, &training, &unseen, seed, &context)?;
        // the law is there, and nothing but a few files too many can go wrong
        if let Some(left) = kept.and_then(|kept| kept.clear().err()) {
            observer.note(&left.to_string());
        }
        Ok((config, fitted, error, unseen))
    })?;
    let about = json!({
        "seed": seed, "held_out": held_out, "law": config, "held_out_error": error, "notes": fitted.notes,
        "dataset": data.provenance,
    });
    let u0 = PyArray1::from_vec(py, unseen.initial_states());
    Ok((Law { law: fitted.law, about }, fitted.loss, u0, PyArray1::from_vec(py, unseen.times)))
}

/// A law from its file.
#[pyfunction]
pub(crate) fn load_law(path: PathBuf) -> PyResult<Law> {
    let (law, about) = load_closure(&path).map_err(raised)?;
    Ok(Law { law, about })
}

#[pymethods]
impl Law {
    /// From a card, tensors and what is known, all of which pickle keeps.
    #[new]
    fn new(card: &str, tensors: Vec<Tensor>, about: &str) -> PyResult<Self> {
        let card: Card = serde_json::from_str(card).map_err(|e| refuse(format!("the card describes no law: {e}")))?;
        Ok(Law { law: AnyClosure::from_tensors(&card, &tensors).map_err(raised)?, about: parsed(about)? })
    }

    fn __getnewargs__(&self) -> (String, Vec<Tensor>, String) {
        (json!(self.law.card()).to_string(), self.law.to_tensors(), self.about.to_string())
    }

    fn save(&self, path: PathBuf) -> PyResult<()> {
        save_closure(&path, &self.law, &self.about).map_err(raised)
    }

    #[getter]
    fn about(&self) -> String {
        self.about.to_string()
    }

    #[getter]
    fn formula(&self) -> String {
        self.law.formula()
    }

    /// Names, coefficients and, of symbolic laws, standard errors; none of networks.
    #[getter]
    fn terms(&self) -> Option<Terms> {
        match &self.law {
            AnyClosure::Symbolic(law) => {
                Some((law.names(), law.coefficients().to_vec(), Some(law.standard_errors().to_vec())))
            }
            AnyClosure::Linear(law) => Some((law.features().names(), law.coefficients().to_vec(), None)),
            _ => None,
        }
    }

    #[getter]
    fn coordinates<'py>(&self, py: Python<'py>) -> Vec<(&'static str, Bound<'py, PyArray1<f64>>)> {
        coordinates(py, self.law.card().grid())
    }

    #[getter]
    fn boundary(&self) -> Vec<&'static str> {
        boundary(self.law.card().grid())
    }

    /// u_t of whole states, flat.
    fn rhs<'py>(&self, py: Python<'py>, u: PyReadonlyArrayDyn<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let states = u.as_slice()?;
        let found = py.detach(|| slopes(&self.law, states));
        Ok(PyArray1::from_vec(py, found))
    }

    /// Trajectories from initial states, flat.
    #[pyo3(signature = (u0, times, progress))]
    fn integrate(
        &self,
        py: Python<'_>,
        u0: PyReadonlyArrayDyn<'_, f64>,
        times: Vec<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Data> {
        let (law, u0) = (&self.law, u0.as_slice()?);
        let source = provenance("a learned law, integrated in time");
        let data = job::run(py, progress, |observer| predict(law, u0, &times, source, observer))?;
        Ok(Data { data, differenced: false })
    }

    /// Trajectories of `call(t, u)` on the law's grid.
    #[pyo3(signature = (call, u0, times, progress))]
    fn integrate_function(
        &self,
        py: Python<'_>,
        call: Py<PyAny>,
        u0: PyReadonlyArrayDyn<'_, f64>,
        times: Vec<f64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Data> {
        let card = self.law.card();
        let (grid, u0) = (card.grid(), u0.as_slice()?);
        let failure = Failure::default();
        let function = Function { layout: Layout::plain(grid.shape()), call: Callback::new(&call, &failure) };
        let options = StiffOptions { rtol: TRUTH, ..StiffOptions::default() };
        let source = provenance("a function of Python, integrated in time");
        // one after the other, on this thread: the function may call anything
        let data = job::here(py, &failure, progress, |observer| {
            let start = times.first().copied().unwrap_or_default();
            let (mut u, mut u_t) = (vec![], vec![]);
            for u0 in u0.chunks(grid.len().max(1)) {
                let states = integrate_automatic(&function, start, u0, &times, &options, observer)?.u;
                for (time, state) in times.iter().zip(states) {
                    let mut slope = vec![0.0; state.len()];
                    function.rhs_into(*time, &state, &mut slope);
                    u.extend(state);
                    u_t.extend(slope);
                }
            }
            Dataset::new(grid.clone(), times.clone(), u, u_t, source)
        })?;
        Ok(Data { data, differenced: false })
    }

    /// This law on the grid of another.
    fn like(&self, other: &Bound<'_, Law>) -> PyResult<Law> {
        let law = self.law.moved_to(other.get().law.card().grid()).map_err(raised)?;
        Ok(Law { law, about: self.about.clone() })
    }

    /// eq. 24 of the slopes at the dataset's states.
    fn rhs_error(&self, py: Python<'_>, data: &Bound<'_, Data>) -> PyResult<f64> {
        let data = &data.get().data;
        py.detach(|| rhs_error(&self.law.moved_to(&data.grid)?, data)).map_err(raised)
    }

    /// eq. 24 of slopes and of trajectories, none where the data do not vary, and the trajectories.
    #[pyo3(signature = (data, progress))]
    fn verdict(
        &self,
        py: Python<'_>,
        data: &Bound<'_, Data>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Option<f64>, Option<f64>, Data)> {
        let data = &data.get().data;
        let source = provenance("a learned law, integrated in time");
        let (law, predicted) = job::run(py, progress, |observer| {
            let law = self.law.moved_to(&data.grid)?;
            let predicted = predict(&law, &data.initial_states(), &data.times, source, observer)?;
            Ok((law, predicted))
        })?;
        let trajectory = relative_mean_squared_error(&predicted.u, &data.u).ok();
        Ok((rhs_error(&law, data).ok(), trajectory, Data { data: predicted, differenced: false }))
    }
}

fn provenance(source: &str) -> Provenance {
    Provenance::from([("source".into(), source.into()), ("version".into(), gaptooth::VERSION.into())])
}

/// A Python function `call(t, u)` of states on a grid of that shape.
struct Function {
    layout: Layout,
    call: Callback,
}

impl OdeSystem for Function {
    fn dim(&self) -> usize {
        self.layout.len()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        let done = self.call.evaluate(
            &self.layout,
            |values| values.copy_from_slice(u),
            |_, call, u| call.call1((t, u)),
            |py, result| {
                let (found, _) = laid_out(py, result, &[&self.layout], "the right-hand side")?;
                du.copy_from_slice(found.as_slice()?);
                Ok(())
            },
        );
        if !done {
            du.fill(f64::NAN);
        }
    }
}
