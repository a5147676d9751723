//! A [`Dataset`] as a zarr group: `u` and `u_t` over (trajectory, time, x[, y[, z]]), with coordinates.
//!
//! Datasets of other simulators are read too, as long as they say the same: `u` and `u_t` over (trajectory, time, x …), or
//! (time, x …) for one trajectory, coordinates `time` and `x` … (equal steps), and the attribute `boundary`: one for all axes, or
//! a list with one for each.

use std::path::Path;

use super::zarr::{ArrayGroup, NamedArray, read_group, write_group};
use crate::closure::{Dataset, Provenance};
use crate::grid::{Axis, Boundary, Grid, NAMES};
use crate::study::{FieldArray, Fields};
use crate::{Error, Result};

/// Dimensions of `u` on a grid of `axes` axes.
fn dims(axes: usize) -> Vec<&'static str> {
    [&["trajectory", "time"], &NAMES[..axes]].concat()
}

/// Writes `data` at `path` (`….zarr`), replacing a group already there.
///
/// # Errors
/// What [`Dataset::validate`] finds, and as [`write_group`].
///
/// ```
/// use gaptooth::closure::Dataset;
/// use gaptooth::grid::{Boundary, Grid};
/// use gaptooth::io::{read_dataset, write_dataset};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("patch.zarr");
/// let grid = Grid::uniform([0.0, 1.0], 2, Boundary::Dirichlet)?;
/// let data = Dataset::new(grid, vec![0.0, 0.1], vec![1.0; 12], vec![0.0; 12], Default::default())?;
/// write_dataset(&path, &data)?;
/// assert_eq!(read_dataset(&path)?, data);
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn write_dataset(path: &Path, data: &Dataset) -> Result<()> {
    data.validate()?;
    let axes = data.grid.axes();
    let dims = dims(axes.len());
    let shape = [vec![data.trajectories(), data.times.len()], data.grid.shape()].concat();
    let numbers = (0..shape[0]).map(|i| i as f64).collect();
    let mut arrays = vec![
        NamedArray::new("u", &dims, &shape, data.u.clone()).attribute("long_name", "macroscale state"),
        NamedArray::new("u_t", &dims, &shape, data.u_t.clone())
            .attribute("long_name", "time derivative of u, as the simulator estimated it"),
        NamedArray::coordinate("trajectory", numbers),
        NamedArray::coordinate("time", data.times.clone()),
    ];
    arrays.extend(axes.iter().zip(NAMES).map(|(axis, name)| NamedArray::coordinate(name, axis.x.clone())));
    let mut group = ArrayGroup { arrays, ..ArrayGroup::default() };
    let attribute = |value: serde_json::Result<serde_json::Value>| {
        value.map_err(|e| Error::Format { path: path.into(), message: format!("its attributes are not JSON: {e}") })
    };
    group.attributes.insert("title".into(), "macroscale trajectories".into());
    group.attributes.insert("gaptooth_version".into(), crate::VERSION.into());
    let (boundary, domain) = match axes {
        [axis] => (serde_json::to_value(axis.boundary), serde_json::to_value(axis.domain)),
        _ => (
            serde_json::to_value(axes.iter().map(|a| a.boundary).collect::<Vec<_>>()),
            serde_json::to_value(axes.iter().map(|a| a.domain).collect::<Vec<_>>()),
        ),
    };
    group.attributes.insert("boundary".into(), attribute(boundary)?);
    group.attributes.insert("domain".into(), attribute(domain)?);
    group.attributes.insert("provenance".into(), attribute(serde_json::to_value(&data.provenance))?);
    write_group(path, &group)
}

/// Writes `fields` at `path` (`….zarr`), replacing a group already there.
///
/// # Errors
/// As [`write_group`], which finds arrays that do not fit their coordinates.
pub fn write_fields(path: &Path, fields: &Fields) -> Result<()> {
    let length = |name: &String| fields.coordinates.iter().find(|(n, _)| n == name).map_or(0, |(_, v)| v.len());
    let array = |a: &FieldArray| {
        let dims: Vec<&str> = a.dims.iter().map(String::as_str).collect();
        let shape: Vec<usize> = a.dims.iter().map(length).collect();
        NamedArray::new(&a.name, &dims, &shape, a.data.clone()).attribute("long_name", a.long_name.as_str())
    };
    let coordinates = fields.coordinates.iter().map(|(name, values)| NamedArray::coordinate(name, values.clone()));
    let mut group =
        ArrayGroup { arrays: fields.arrays.iter().map(array).chain(coordinates).collect(), ..ArrayGroup::default() };
    group.attributes.insert("gaptooth_version".into(), crate::VERSION.into());
    write_group(path, &group)
}

/// Reads a dataset.
///
/// # Errors
/// [`Error::Io`] when there is nothing at `path`; [`Error::Format`] with what was found and what was expected for a
/// missing array or attribute, other dimensions, lengths that do not fit, points that are not equally spaced, times that
/// do not ascend, and values that are not finite.
pub fn read_dataset(path: &Path) -> Result<Dataset> {
    dataset_from(read_group(path)?, path)
}

/// The dataset that a group holds, wherever it came from; errors begin with `name`. The arrays are moved, not copied.
///
/// ```
/// use gaptooth::io::{ArrayGroup, NamedArray, dataset_from};
/// let dims = ["time", "x"];
/// let arrays = vec![
///     NamedArray::new("u", &dims, &[2, 3], vec![1.0; 6]),
///     NamedArray::new("u_t", &dims, &[2, 3], vec![0.0; 6]),
///     NamedArray::coordinate("time", vec![0.0, 0.1]),
///     NamedArray::coordinate("x", vec![0.0, 0.5, 1.0]),
/// ];
/// let mut group = ArrayGroup { arrays, ..Default::default() };
/// assert!(dataset_from(group.clone(), "mine".as_ref()).unwrap_err().to_string().contains("boundary"));
/// group.attributes.insert("boundary".into(), "neumann".into());
/// assert_eq!(dataset_from(group, "mine".as_ref())?.trajectories(), 1);
/// # Ok::<(), gaptooth::Error>(())
/// ```
///
/// # Errors
/// As [`read_dataset`], of the contents.
pub fn dataset_from(mut group: ArrayGroup, name: &Path) -> Result<Dataset> {
    let format = |message: String| Error::Format { path: name.into(), message };
    let u = field(&group, "u").map_err(format)?;
    let u_t = field(&group, "u_t").map_err(format)?;
    if u.shape != u_t.shape {
        return Err(format(format!("u_t has shape {:?}, expected that of u, {:?}", u_t.shape, u.shape)));
    }
    let (grid, times, provenance) = setting(&group).map_err(format)?;
    let [u, u_t] = ["u", "u_t"].map(|name| values(&mut group, name));
    Dataset::new(grid, times, u, u_t, provenance).map_err(|e| format(e.to_string()))
}

/// The dataset of a group that has u alone: [`Dataset::differenced`].
///
/// # Errors
/// As [`dataset_from`].
pub fn states_from(mut group: ArrayGroup, name: &Path) -> Result<Dataset> {
    let format = |message: String| Error::Format { path: name.into(), message };
    let (grid, times, provenance) = setting(&group).map_err(format)?;
    Dataset::differenced(grid, times, values(&mut group, "u"), provenance).map_err(|e| format(e.to_string()))
}

type Found<T> = std::result::Result<T, String>;

/// What there is beside the fields.
fn setting(group: &ArrayGroup) -> Found<(Grid, Vec<f64>, Provenance)> {
    let u = field(group, "u")?;
    let times = coordinate(group, "time")?;
    let axes = u.dims.iter().filter(|name| NAMES.contains(&name.as_str())).count();
    let grid = grid(group, axes)?;
    let provenance = match group.attributes.get("provenance") {
        None => Default::default(),
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|e| format!("its attribute `provenance` is {value}, expected an object: {e}"))?,
    };
    Ok((grid, times, provenance))
}

/// Takes the values of an array out of the group.
fn values(group: &mut ArrayGroup, name: &str) -> Vec<f64> {
    group.arrays.iter_mut().find(|a| a.name == name).map(|a| std::mem::take(&mut a.data)).unwrap_or_default()
}

fn array<'a>(group: &'a ArrayGroup, name: &str) -> Found<&'a NamedArray> {
    group.array(name).ok_or_else(|| {
        let names: Vec<&str> = group.arrays.iter().map(|a| a.name.as_str()).collect();
        format!("holds the arrays {names:?}, expected `{name}` among them (a dataset has u, u_t, time and x)")
    })
}

fn field<'a>(group: &'a ArrayGroup, name: &str) -> Found<&'a NamedArray> {
    let found = array(group, name)?;
    let fits = |axes: usize| found.dims == dims(axes) || found.dims == dims(axes)[1..];
    if !(1..=NAMES.len()).any(fits) {
        let expected = format!("{:?} in this order, or y and z after x", dims(1));
        let message = format!("`{name}` has dimensions {:?}, expected {expected}", found.dims);
        return Err(format!("{message}. In Python: dataset.transpose(\"trajectory\", \"time\", \"x\")"));
    }
    Ok(found)
}

fn coordinate(group: &ArrayGroup, name: &str) -> Found<Vec<f64>> {
    let found = array(group, name)?;
    if found.dims != [name] {
        return Err(format!("coordinate `{name}` has dimensions {:?}, expected [\"{name}\"]", found.dims));
    }
    match found.data.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(format!("coordinate `{name}` is {} at index {i}, expected finite values", found.data[i])),
        None => Ok(found.data.clone()),
    }
}

fn grid(group: &ArrayGroup, axes: usize) -> Found<Grid> {
    let axes: Found<Vec<Axis>> = (0..axes).map(|d| axis(group, d, axes)).collect();
    Grid::new(axes?).map_err(|e| e.to_string())
}

/// What the attribute `name` says of axis `d` of `axes`: one value for all, or a list of one for each.
fn of_axis(value: &serde_json::Value, d: usize, axes: usize) -> &serde_json::Value {
    let one_each = |list: &&Vec<serde_json::Value>| list.len() == axes && !list[0].is_number();
    value.as_array().filter(one_each).map_or(value, |list| &list[d])
}

fn axis(group: &ArrayGroup, d: usize, axes: usize) -> Found<Axis> {
    let name = NAMES[d];
    let x = coordinate(group, name)?;
    let advice =
        "expected \"dirichlet\", \"neumann\" or \"periodic\". In Python: dataset.attrs[\"boundary\"] = \"dirichlet\"";
    let value = group.attributes.get("boundary").ok_or_else(|| format!("has no attribute `boundary`, {advice}"))?;
    let boundary: Boundary = serde_json::from_value(of_axis(value, d, axes).clone())
        .map_err(|_| format!("its attribute `boundary` is {value}, {advice}"))?;
    let n = x.len();
    if n < 3 {
        return Err(format!("{name} has {n} points, expected at least 3"));
    }
    let step = (x[n - 1] - x[0]) / (n - 1) as f64;
    if step <= 0.0 {
        return Err(format!("{name} goes from {} to {}, expected ascending points", x[0], x[n - 1]));
    }
    // Room for points that were kept in single precision.
    if let Some(i) = (1..n).find(|&i| (x[i] - x[i - 1] - step).abs() > 1e-4 * step) {
        let found = x[i] - x[i - 1];
        return Err(format!("{name} steps by {found} at index {i} and by {step} on average, expected equal steps"));
    }
    let end = match boundary {
        Boundary::Periodic => period_end(group.attributes.get("domain").map(|v| of_axis(v, d, axes)), &x, step)?,
        Boundary::Dirichlet | Boundary::Neumann => x[n - 1],
    };
    Ok(Axis { domain: [x[0], end], x, boundary })
}

/// The end of a periodic domain, one step after the last point.
fn period_end(domain: Option<&serde_json::Value>, x: &[f64], step: f64) -> Found<f64> {
    let expected = x[x.len() - 1] + step;
    match domain {
        None => Ok(expected),
        Some(value) => match serde_json::from_value::<[f64; 2]>(value.clone()) {
            Ok([_, end]) if (end - expected).abs() < 1e-4 * step => Ok(end),
            _ => Err(format!("its attribute `domain` is {value}, expected [{}, {expected}] from its points", x[0])),
        },
    }
}
