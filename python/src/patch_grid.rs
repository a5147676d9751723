//! Where patches lie.

use gaptooth::grid::Boundary;
use gaptooth::patch::grid::{PatchAxis, PatchShape, Placement, Source};
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::error::{raised, refuse};

pub(crate) fn boundary(name: &str) -> PyResult<Boundary> {
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
    pub(crate) axes: Vec<PatchAxis>,
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
