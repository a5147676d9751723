//! zarr groups on disk: what is written is what is read, damage is seen, and nothing foreign is overwritten.
#![cfg(feature = "io")]

use std::path::{Path, PathBuf};

use gaptooth::Error;
use gaptooth::io::{ArrayGroup, NamedArray, read_group, write_group};

/// Also read from Python: `python3 tests/data/open_zarr.py PATH u trajectory,time,x` (see the script's head).
fn example() -> ArrayGroup {
    let (n, m, k) = (3, 200, 500); // 300 000 values: three chunks
    let u = (0..n * m * k).map(|i| (i as f64 * 0.1).sin() / 3.0).collect();
    let mut arrays = vec![
        NamedArray::coordinate("time", (0..m).map(|i| 1e-3 * i as f64).collect()),
        NamedArray::coordinate("trajectory", (0..n).map(|i| i as f64).collect()),
        NamedArray::new("u", &["trajectory", "time", "x"], &[n, m, k], u).attribute("long_name", "coarse state"),
        NamedArray::coordinate("x", (0..k).map(|i| i as f64 / (k - 1) as f64).collect()),
    ];
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    let mut group = ArrayGroup { arrays, ..Default::default() };
    group.attributes.insert("seed".into(), 7.into());
    group.attributes.insert("provenance".into(), serde_json::json!({"tooth": 1e-4, "paths": ["exact"]}));
    group
}

fn write_example(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    write_group(&path, &example()).unwrap();
    path
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    let path = write_example("io_zarr.zarr");
    let read = read_group(&path).unwrap();
    let written = example();
    assert!(read == written, "names, shapes, values or attributes differ");
    let bits = |g: &ArrayGroup| g.array("u").unwrap().data.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert!(bits(&read) == bits(&written));
    assert!(path.join("u/c/2/0/0").is_file(), "the leading axis is cut into chunks");
}

#[test]
fn the_group_says_what_xarray_looks_for() {
    let path = write_example("io_zarr_metadata.zarr");
    let root: serde_json::Value = serde_json::from_slice(&std::fs::read(path.join("zarr.json")).unwrap()).unwrap();
    assert_eq!(root["attributes"]["provenance"]["tooth"], 1e-4);
    let consolidated = &root["consolidated_metadata"];
    assert_eq!((&consolidated["kind"], &consolidated["must_understand"]), (&"inline".into(), &false.into()));
    assert_eq!(consolidated["metadata"]["u"]["dimension_names"], serde_json::json!(["trajectory", "time", "x"]));
    assert_eq!(consolidated["metadata"]["x"]["dimension_names"], serde_json::json!(["x"]));
}

#[test]
fn a_group_written_by_xarray_is_read() {
    // tests/data/xarray.zarr: written with xarray 2026.9.0 and zarr 3.1.6 by tests/data/open_zarr.py --write.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/xarray.zarr");
    let group = read_group(&path).unwrap();
    let u = group.array("u").unwrap();
    assert_eq!((u.dims.as_slice(), u.shape.as_slice()), (&["time".to_string(), "x".into()][..], &[2, 3][..]));
    assert_eq!(u.data, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    assert_eq!(group.array("time").unwrap().data, [0.0, 1.0], "an int64 coordinate");
    assert_eq!(group.attributes["source"], "xarray");
}

#[test]
fn a_compression_that_is_not_read_is_named_with_the_way_out() {
    // tests/data/xarray_zstd.zarr: by tests/data/open_zarr.py --write-zstd, with xarray's default compression.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/xarray_zstd.zarr");
    let error = read_group(&path).unwrap_err();
    let Error::Format { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("zstd") && message.contains("GzipCodec"), "{message}");
}

#[test]
fn a_lost_chunk_reads_as_nan_and_a_damaged_one_is_an_error() {
    let path = write_example("io_zarr_damaged.zarr");
    let chunk = path.join("u/c/1/0/0");
    let mut bytes = std::fs::read(&chunk).unwrap();
    std::fs::remove_file(&chunk).unwrap();
    let lost = read_group(&path).unwrap();
    assert!(lost.array("u").unwrap().data[100_000..200_000].iter().all(|v| v.is_nan()));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&chunk, bytes).unwrap();
    let error = read_group(&path).unwrap_err();
    assert!(matches!(&error, Error::Format { message, .. } if message.contains("`u`")), "{error}");
}

#[test]
fn what_is_no_group_is_refused_and_left_alone() {
    let folder = fresh_folder("io_zarr_foreign");
    std::fs::write(folder.join("thesis.tex"), b"precious").unwrap();
    let error = write_group(&folder, &example()).unwrap_err();
    assert!(matches!(&error, Error::Format { message, .. } if message.contains("left alone")), "{error}");
    assert_eq!(std::fs::read(folder.join("thesis.tex")).unwrap(), b"precious");
    assert!(matches!(read_group(&folder), Err(Error::Format { .. })));
    assert!(matches!(read_group(&folder.join("absent")), Err(Error::Io { action: "read", .. })));
    std::fs::write(folder.join("zarr.json"), b"{\"zarr_format\": 3").unwrap();
    assert!(matches!(read_group(&folder), Err(Error::Format { .. })));
    std::fs::remove_dir_all(folder).unwrap();
}

fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
