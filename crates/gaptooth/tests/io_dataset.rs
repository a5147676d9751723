//! Datasets on disk: there and back bit for bit, and every way to be wrong named. The first is left in
//! `target/tmp/io_dataset.zarr`; from Python: `open_zarr.py GROUP.zarr u=trajectory,time,x u_t=trajectory,time,x`.
#![cfg(feature = "io")]

use std::path::{Path, PathBuf};

use gaptooth::Error;
use gaptooth::closure::{Dataset, Provenance};
use gaptooth::grid::{Axis, Boundary, Grid};
use gaptooth::io::{ArrayGroup, NamedArray, read_dataset, read_group, write_dataset, write_fields, write_group};
use gaptooth::study::{FieldArray, Fields};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn example(boundary: Boundary) -> Dataset {
    let grid = Grid::uniform([-0.3, 1.1], 125, boundary).unwrap();
    let times: Vec<f64> = (0..21).map(|i| 1e-3 * i as f64 / 3.0).collect();
    let n = 4 * times.len() * grid.len();
    let active = grid.active();
    let u = (0..n).map(|i| (0.37 * i as f64).sin() / 7.0).collect();
    let u_t = (0..n).map(|i| if active.contains(&(i % grid.len())) { (0.11 * i as f64).cos() } else { 0.0 }).collect();
    let mut provenance = Provenance::new();
    provenance.insert("method".into(), "patch dynamics".into());
    provenance.insert("tooth".into(), 1e-4.into());
    provenance.insert("burst".into(), serde_json::json!({"steps": 40, "dt": 1e-6}));
    Dataset::new(grid, times, u, u_t, provenance).unwrap()
}

#[test]
fn datasets_come_back_bit_for_bit() {
    for (boundary, name) in [
        (Boundary::Dirichlet, "io_dataset.zarr"),
        (Boundary::Neumann, "io_dataset_neumann.zarr"),
        (Boundary::Periodic, "io_dataset_periodic.zarr"),
    ] {
        let written = example(boundary);
        write_dataset(&path(name), &written).unwrap();
        let read = read_dataset(&path(name)).unwrap();
        assert!(read == written, "{name}: {:?} {:?}", read.grid.axes()[0].domain, read.provenance);
        assert!(read.u.iter().zip(&written.u).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn a_dataset_in_the_plane_comes_back_and_says_its_axes() {
    let axes = [([0.0, 1.0], 5, Boundary::Periodic), ([-1.0, 1.0], 4, Boundary::Neumann)];
    let axes = axes.map(|(domain, n, boundary)| Axis::uniform(domain, n, boundary).unwrap());
    let grid = Grid::new(axes.to_vec()).unwrap();
    let values: Vec<f64> = (0..2 * 3 * 25).map(|i| (0.3 * f64::from(i)).sin()).collect();
    let written = Dataset::new(grid, vec![0.0, 0.1, 0.2], values.clone(), values, Provenance::new()).unwrap();
    let target = path("io_dataset_plane.zarr");
    write_dataset(&target, &written).unwrap();
    assert!(read_dataset(&target).unwrap() == written);
    let group = read_group(&target).unwrap();
    let u = group.arrays.iter().find(|a| a.name == "u").unwrap();
    assert_eq!((&u.dims.join(" ")[..], &u.shape[..]), ("trajectory time x y", &[2, 3, 5, 5][..]));
    // one boundary for all axes is understood, a missing axis named
    let mut one = group.clone();
    one.attributes.insert("boundary".into(), "neumann".into());
    one.attributes.remove("domain");
    write_group(&target, &one).unwrap();
    assert!(read_dataset(&target).unwrap().grid.axes().iter().all(|a| a.boundary == Boundary::Neumann));
    let mut square = group.clone();
    array(&mut square, "x").data = vec![-0.5, 0.0, 0.5, 1.0, 1.5];
    array(&mut square, "y").data = vec![-0.5, 0.0, 0.5, 1.0, 1.5];
    square.attributes.insert("boundary".into(), "periodic".into());
    square.attributes.insert("domain".into(), serde_json::json!([-0.5, 2.0]));
    write_group(&target, &square).unwrap();
    assert!(read_dataset(&target).unwrap().grid.axes().iter().all(|a| a.domain == [-0.5, 2.0]));
    let mut without = group;
    without.arrays.retain(|a| a.name != "y");
    write_group(&target, &without).unwrap();
    assert!(read_dataset(&target).unwrap_err().to_string().contains("`y`"));
}

#[test]
fn one_trajectory_of_another_simulator_is_read() {
    let target = path("io_dataset_foreign.zarr");
    let data = (0..12).map(f64::from).collect::<Vec<_>>();
    let mut group = ArrayGroup {
        arrays: vec![
            NamedArray::new("u", &["time", "x"], &[3, 4], data.clone()),
            NamedArray::new("u_t", &["time", "x"], &[3, 4], data),
            NamedArray::coordinate("time", vec![0.0, 1.0, 2.0]),
            NamedArray::coordinate("x", vec![0.0, 0.25, 0.5, 0.75]),
        ],
        ..ArrayGroup::default()
    };
    group.attributes.insert("boundary".into(), "periodic".into());
    write_group(&target, &group).unwrap();
    let read = read_dataset(&target).unwrap();
    assert_eq!((read.trajectories(), read.grid.axes()[0].domain), (1, [0.0, 1.0]));
}

/// The message for a good dataset spoilt by `spoil`.
fn refusal(name: &str, spoil: impl FnOnce(&mut ArrayGroup)) -> String {
    let target = path(name);
    write_dataset(&target, &example(Boundary::Dirichlet)).unwrap();
    let mut group = read_group(&target).unwrap();
    spoil(&mut group);
    write_group(&target, &group).unwrap();
    match read_dataset(&target).unwrap_err() {
        Error::Format { path, message } => {
            assert_eq!(path, target);
            message
        }
        other => panic!("{other}"),
    }
}

fn array<'a>(group: &'a mut ArrayGroup, name: &str) -> &'a mut NamedArray {
    group.arrays.iter_mut().find(|a| a.name == name).unwrap()
}

#[test]
fn what_is_wrong_with_a_dataset_is_said() {
    let spoilt = "io_dataset_spoilt.zarr";
    let message = refusal(spoilt, |g| g.arrays.retain(|a| a.name != "u_t"));
    assert!(message.contains("u_t") && message.contains("\"u\""), "{message}");
    let message = refusal(spoilt, |g| array(g, "u").data[4000] = f64::NAN);
    assert!(message.contains("NaN") && message.contains("trajectory 1"), "{message}");
    let message = refusal(spoilt, |g| {
        for name in ["u", "u_t"] {
            let a = array(g, name);
            a.dims.reverse();
            a.shape.reverse();
        }
    });
    assert!(message.contains("transpose"), "{message}");
    let message = refusal(spoilt, |g| drop(g.attributes.remove("boundary")));
    assert!(message.contains("boundary") && message.contains("dirichlet"), "{message}");
    let message = refusal(spoilt, |g| drop(g.attributes.insert("boundary".into(), "robin".into())));
    assert!(message.contains("robin") && message.contains("neumann"), "{message}");
    let message = refusal(spoilt, |g| array(g, "x").data[7] += 1e-3);
    assert!(message.contains("equal steps") && message.contains("index 7"), "{message}");
    let message = refusal(spoilt, |g| array(g, "time").data.swap(3, 4));
    assert!(message.contains("ascending times"), "{message}");
    let message = refusal(spoilt, |g| drop(g.attributes.insert("provenance".into(), 3.into())));
    assert!(message.contains("provenance"), "{message}");
}

#[test]
fn fields_come_back_with_their_coordinates_and_what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solutions.zarr");
    let array = |dims: &[&str], data: Vec<f64>| FieldArray {
        name: "u".into(),
        dims: dims.iter().map(|d| d.to_string()).collect(),
        data,
        long_name: "solution".into(),
    };
    let coordinates = vec![("seed".to_string(), vec![1.0, 2.0]), ("x".to_string(), vec![0.0, 0.5, 1.0])];
    let fields = |a: FieldArray| Fields { coordinates: coordinates.clone(), arrays: vec![a] };
    let values: Vec<f64> = (0..6).map(f64::from).collect();
    write_fields(&path, &fields(array(&["seed", "x"], values.clone()))).unwrap();
    let group = read_group(&path).unwrap();
    let u = group.array("u").unwrap();
    assert_eq!(
        (&u.dims[..], &u.shape[..], &u.data),
        (&["seed".to_string(), "x".to_string()][..], &[2, 3][..], &values)
    );
    assert_eq!(u.attributes["long_name"], "solution");
    assert_eq!(group.array("x").unwrap().data, [0.0, 0.5, 1.0]);
    for wrong in [array(&["seed", "x"], vec![0.0; 5]), array(&["seed", "z"], values)] {
        assert!(write_fields(&path, &fields(wrong)).is_err());
    }
    assert_eq!(read_group(&path).unwrap(), group, "a refused write leaves what was there");
}
