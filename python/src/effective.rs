//! Effective tensors of images and formulas.

use std::path::PathBuf;
use std::sync::OnceLock;

use gaptooth::cell::{self, CellMethod, Collocation, EffectiveTensor, Mixture, VoxelCell, VoxelOptions, VoxelSolver};
use gaptooth::coefficient::{CellTensor, ExpressionCoefficient, FormulaTensor, PhaseMap, Samples, VoxelImage};
use gaptooth::io::{Checkpoints, Occasional};
use gaptooth::observer::Observer;
use numpy::{PyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::callback::{Callback, Failure, Layout, laid_out};
use crate::error::{raised, refuse};
use crate::job;

type Matrix = Vec<Vec<f64>>;

/// What Python makes its `EffectiveTensor` of.
#[derive(IntoPyObject)]
pub(crate) struct Answer {
    tensor: Matrix,
    lower: Option<Matrix>,
    upper: Option<Matrix>,
    method: String,
    details: String,
    iterations: usize,
    residual: f64,
    unknowns: usize,
    converged: bool,
    warnings: Vec<String>,
}

impl Answer {
    fn new(found: EffectiveTensor, bounds: Option<[Matrix; 2]>, method: &str, tolerance: f64) -> Self {
        let converged = found.converged(tolerance);
        let [lower, upper] = bounds.map_or([None, None], |bounds| bounds.map(Some));
        let mut warnings = vec![];
        if !converged {
            let error = found.residual;
            warnings.push(format!("the estimated error {error:.1e} misses the tolerance {tolerance:.1e}"));
        }
        Answer {
            tensor: found.tensor,
            lower,
            upper,
            method: method.into(),
            details: found.method,
            iterations: found.iterations,
            residual: found.residual,
            unknowns: found.unknowns,
            converged,
            warnings,
        }
    }
}

/// Axis, corrector and flux.
type Response<'py> = (usize, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// What is known of an image beside its tensor.
#[derive(IntoPyObject)]
pub(crate) struct ImageAnswer<'py> {
    answer: Answer,
    percolating: Vec<f64>,
    voigt: f64,
    reuss: f64,
    hashin_shtrikman: [f64; 2],
    /// axis, corrector `[x][y][z]`, flux `[x][y][z][component]`, flat
    fields: Option<Vec<Response<'py>>>,
}

/// Labels or conductivities, C order, in the types that images come in.
fn samples(image: &Bound<'_, PyAny>) -> PyResult<(Vec<usize>, Samples)> {
    macro_rules! of {
        ($t:ty, $kind:path) => {
            if let Ok(array) = image.extract::<PyReadonlyArrayDyn<'_, $t>>() {
                let shape = array.shape().to_vec();
                return Ok((shape, $kind(array.as_slice()?.to_vec())));
            }
        };
    }
    of!(f64, Samples::F64);
    of!(u8, Samples::U8);
    of!(u16, Samples::U16);
    of!(i64, Samples::I64);
    Err(refuse("an image is an array of uint8, uint16, int64 or float64 in C order"))
}

/// The tensor of an image of labels (with `map`, such as `0=1.0,1=0.0`) or conductivities.
#[pyfunction]
#[pyo3(signature = (image, map, voxel_size, plates, tolerance, solver, bounds, fields, checkpoints, progress))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn effective_image<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    map: Option<&str>,
    voxel_size: Vec<f64>,
    plates: bool,
    tolerance: f64,
    solver: &str,
    bounds: bool,
    fields: bool,
    checkpoints: Option<PathBuf>,
    progress: Option<Py<PyAny>>,
) -> PyResult<ImageAnswer<'py>> {
    job::started()?;
    let solver_kind = match solver {
        "multigrid" => VoxelSolver::Multigrid,
        "fft" => VoxelSolver::Fft,
        other => return Err(refuse(format!("method = {other:?}: images are solved by \"multigrid\" or \"fft\""))),
    };
    let map = map.map(str::parse::<PhaseMap>).transpose().map_err(raised)?;
    let (shape, samples) = samples(image)?;
    let mut unused = vec![];
    let conductivity = match (samples, &map) {
        // the numbers themselves, without another copy
        (Samples::F64(values), None) => values,
        (samples, map) => {
            let image = VoxelImage::new(shape.clone(), samples).map_err(raised)?;
            unused = map.as_ref().map(|map| image.unused(map)).unwrap_or_default();
            image.conductivities(map.as_ref()).map_err(raised)?
        }
    };
    let cell = VoxelCell::new(&shape, &voxel_size, conductivity).map_err(raised)?;
    let cell = if plates { cell.between_plates() } else { cell };
    let options = VoxelOptions { tolerance, solver: solver_kind, bounds, fields };
    let kept = OnceLock::new();
    let mut found = job::run(py, progress, |observer| match checkpoints {
        None => cell.effective(&options, observer),
        Some(folder) => {
            let kept = kept.get_or_init(|| Checkpoints::apart(folder, cell.fingerprint(&options)));
            cell.effective_kept(&options, observer, &Occasional::new(kept.clone()))
        }
    })?;
    // the answer is there, and nothing but a few files too many can go wrong
    let left = kept.get().and_then(|kept| kept.clear().err());
    let both = found.effective.lower.take().zip(found.effective.upper.take()).map(|(l, u)| [l, u]);
    let mut answer = Answer::new(found.effective, both, solver, tolerance);
    answer.warnings.extend(left.map(|error| error.to_string()));
    if !unused.is_empty() {
        let labels: Vec<String> = unused.iter().map(f64::to_string).collect();
        answer.warnings.push(format!("the image has no label {}", labels.join(", ")));
    }
    let closed: Vec<&str> =
        ["x", "y", "z"].into_iter().zip(&found.percolating).filter(|p| *p.1 == 0.0).map(|p| p.0).collect();
    if !closed.is_empty() {
        answer
            .warnings
            .push(format!("nothing conducts from end to end along {}: exactly 0 there", closed.join(" and ")));
    }
    let fields = found.fields.map(|fields| {
        let response =
            |r: cell::VoxelResponse| (r.axis, PyArray1::from_vec(py, r.corrector), PyArray1::from_vec(py, r.flux));
        fields.responses.into_iter().map(response).collect()
    });
    let Mixture { voigt, reuss, hashin_shtrikman } = found.mixture;
    Ok(ImageAnswer { answer, percolating: found.percolating, voigt, reuss, hashin_shtrikman, fields })
}

/// Bytes that an image of so many voxels needs at most.
#[pyfunction]
pub(crate) fn image_memory(voxels: usize, fields: bool) -> usize {
    VoxelCell::memory(voxels, &VoxelOptions { fields, ..Default::default() })
}

/// Voigt, Reuss and the two of Hashin and Shtrikman, of conductivities that are read where they lie.
#[pyfunction]
pub(crate) fn mixture_bounds(
    py: Python<'_>,
    conductivity: PyReadonlyArrayDyn<'_, f64>,
) -> PyResult<(f64, f64, f64, f64)> {
    job::started()?;
    let (d, values) = (conductivity.shape().len(), conductivity.as_slice()?);
    let found = py.detach(|| Mixture::of(d, values)).map_err(raised)?;
    Ok((found.voigt, found.reuss, found.hashin_shtrikman[0], found.hashin_shtrikman[1]))
}

/// A material on the unit cell.
enum Material {
    /// one formula, or rows of a tensor
    Formula(Vec<Vec<String>>),
    /// a function of arrays y1 … yD
    Function(Function),
}

/// The tensor of a formula, a tensor of formulas or a function at one slow point.
#[pyfunction]
#[pyo3(signature = (material, dimension, slow, method, tolerance, points, bounds, progress))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn effective_formula(
    py: Python<'_>,
    material: &Bound<'_, PyAny>,
    dimension: usize,
    slow: Option<f64>,
    method: Option<String>,
    tolerance: f64,
    points: Option<Vec<usize>>,
    bounds: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Answer> {
    let failure = Failure::default();
    let material = if material.is_callable() {
        Material::Function(Function { dimension, call: Callback::new(&material.clone().unbind(), &failure) })
    } else {
        Material::Formula(material.extract()?)
    };
    let question = Question { dimension, slow, method, tolerance, points, bounds };
    job::here(py, &failure, progress, |observer| question.answer(&material, observer))
}

struct Question {
    dimension: usize,
    slow: Option<f64>,
    method: Option<String>,
    tolerance: f64,
    points: Option<Vec<usize>>,
    bounds: bool,
}

impl Question {
    fn answer(&self, material: &Material, observer: &dyn Observer) -> gaptooth::Result<Answer> {
        match material {
            Material::Function(function) => self.collocated(function, observer),
            Material::Formula(rows) => match (&self.method, &rows[..]) {
                (None, [row]) if self.dimension == 1 && self.points.is_none() => self.quadrature(&row[0]),
                _ => {
                    let constants: Vec<(&str, f64)> = self.slow.map(|x| ("x", x)).into_iter().collect();
                    let rows: Vec<Vec<&str>> =
                        rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
                    self.collocated(&FormulaTensor::on_cell(&rows, self.dimension, &constants)?, observer)
                }
            },
        }
    }

    fn collocated(&self, tensor: &dyn CellTensor, observer: &dyn Observer) -> gaptooth::Result<Answer> {
        let d = self.dimension;
        if self.method.is_none() && d > 1 && tensor.is_scalar() && cell::has_jumps(tensor) {
            // a multiple of ten, as decimal fractions are where people put jumps
            let voxels = self.points.clone().unwrap_or_else(|| vec![[0, 0, 640, 100][d]; d]);
            let mut found = cell::sampled(tensor, &voxels, self.tolerance, observer)?;
            let both = found.lower.take().zip(found.upper.take()).map(|(l, u)| [l, u]).filter(|_| self.bounds);
            let mut answer = Answer::new(found, both, "voxels", self.tolerance);
            answer.warnings.push(format!(
                "the coefficient jumps: solved as a picture of {voxels:?} voxels, and bounds hold for that picture; `resolution` makes it finer"
            ));
            return Ok(answer);
        }
        let solver = Collocation {
            tolerance: self.tolerance,
            points: self.points.clone(),
            bounds: self.bounds,
            ..Default::default()
        };
        let found = solver.observed(tensor, observer)?.effective;
        let both = self.bounds.then(|| found.enclosure(&found));
        Ok(Answer::new(found, both, "fft", self.tolerance))
    }

    /// One dimension: a* = 1/⟨1/a⟩.
    fn quadrature(&self, text: &str) -> gaptooth::Result<Answer> {
        let x = self.slow.unwrap_or(0.0);
        let coefficient = ExpressionCoefficient::on_cell(text, [x, x])?;
        let found = cell::effective(&coefficient, x, CellMethod::Quadrature, self.tolerance)?;
        let elements = CellMethod::FiniteElement { degree: 8 };
        let enclosing = self.bounds.then(|| cell::effective(&coefficient, x, elements, self.tolerance)).transpose()?;
        let both = enclosing.map(|enclosing| found.enclosure(&enclosing));
        Ok(Answer::new(found, both, "quadrature", self.tolerance))
    }
}

/// A Python function a(y1, …, yD) of arrays.
struct Function {
    dimension: usize,
    call: Callback,
}

impl CellTensor for Function {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn is_scalar(&self) -> bool {
        true
    }

    fn values_into(&self, y: &[&[f64]], out: &mut [Vec<f64>]) {
        let n = y[0].len();
        let copied = self.call.evaluate(
            &Layout::plain(vec![y.len(), n]),
            |values| values.chunks_exact_mut(n).zip(y).for_each(|(to, y)| to.copy_from_slice(y)),
            |py, call, columns| call.call1(PyTuple::new(py, columns.try_iter()?.collect::<PyResult<Vec<_>>>()?)?),
            |py, result| {
                if result.is_none() {
                    return Err(refuse("the function returned None, expected an array: end it with `return …`"));
                }
                // a constant is a function, too
                let whole = py.import("numpy")?.call_method1("broadcast_to", (&result, (n,)));
                let whole = whole.map_err(|e| refuse(format!("the function returned no array of {n} numbers: {e}")))?;
                let (found, _) = laid_out(py, whole, &[&Layout::plain(vec![n])], "the function")?;
                out[0].copy_from_slice(found.as_slice()?);
                Ok(())
            },
        );
        if !copied {
            out[0].fill(f64::NAN);
        }
    }

    /// By central differences; only bounds use them.
    fn derivatives_into(&self, y: &[&[f64]], out: &mut [Vec<Vec<f64>>]) {
        const STEP: f64 = 6e-6;
        for (axis, out) in out.iter_mut().enumerate() {
            let moved = |by: f64| {
                let mut columns: Vec<Vec<f64>> = y.iter().map(|y| y.to_vec()).collect();
                columns[axis].iter_mut().for_each(|y| *y += by);
                self.values(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()).swap_remove(0)
            };
            let (before, after) = (moved(-STEP), moved(STEP));
            out[0].iter_mut().zip(before.iter().zip(&after)).for_each(|(d, (b, a))| *d = (a - b) / (2.0 * STEP));
        }
    }

    fn text(&self) -> String {
        "the function".into()
    }
}
