//! Images read with their axes where they belong, and damaged or foreign ones refused by name.
#![cfg(feature = "io")]

mod files;
mod hostile;
mod stacks;
mod vti;

use std::path::{Path, PathBuf};

use files::{npy, png};
use gaptooth::coefficient::{PhaseMap, Samples, VoxelImage};
use gaptooth::io::read_image;
use gaptooth::{Error, Result};
use png::{BitDepth, ColorType};

/// Reads bytes through a file of that name.
fn read_as(name: &str, bytes: &[u8]) -> Result<VoxelImage> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read_image(&path)
}

#[track_caller]
fn holds(bytes: &[u8], shape: &[usize], samples: Samples) {
    let image = read_as("any.name", bytes).unwrap();
    assert_eq!((image.shape(), image.samples()), (shape, &samples));
}

#[track_caller]
fn refused(bytes: &[u8], words: &[&str]) {
    let error = read_as("scan.tif", bytes).unwrap_err();
    assert!(matches!(&error, Error::Format { path, .. } if path.ends_with("scan.tif")), "{error:?}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn npy_indices_are_x_y_z() {
    let data: Vec<u8> = (0..24).collect();
    holds(&npy("|u1", false, "(2, 3, 4)", &data), &[2, 3, 4], Samples::U8(data.clone()));
    // In Fortran order the first index is fastest: element [x, y, z] is number x + 2 y + 6 z.
    let there = |(x, y, z)| (x + 2 * y + 6 * z) as u8;
    let wanted: Vec<u8> =
        (0..2).flat_map(|x| (0..3).flat_map(move |y| (0..4).map(move |z| (x, y, z)))).map(there).collect();
    holds(&npy("|u1", true, "(2, 3, 4)", &data), &[2, 3, 4], Samples::U8(wanted));
    holds(&npy("|u1", true, "(2, 3)", &data[..6]), &[2, 3], Samples::U8(vec![0, 2, 4, 1, 3, 5]));
    holds(&npy("|u1", true, "(3,)", &data[..3]), &[3], Samples::U8(vec![0, 1, 2]));
}

#[test]
fn npy_types_and_byte_orders() {
    holds(&npy("|b1", false, "(3,)", &[0, 1, 7]), &[3], Samples::U8(vec![0, 1, 1]));
    holds(&npy("|i1", false, "(2,)", &[0xff, 3]), &[2], Samples::I64(vec![-1, 3]));
    let words = [1_u16, 300, 65535];
    let bytes = |big: bool| words.iter().flat_map(|w| if big { w.to_be_bytes() } else { w.to_le_bytes() }).collect();
    for (descriptor, big) in [("<u2", false), (">u2", true)] {
        let data: Vec<u8> = bytes(big);
        holds(&npy(descriptor, false, "(3, 1)", &data), &[3, 1], Samples::U16(words.to_vec()));
    }
    holds(&npy(">i2", false, "(1,)", &(-2_i16).to_be_bytes()), &[1], Samples::I64(vec![-2]));
    holds(&npy("<i4", false, "(1,)", &(-70000_i32).to_le_bytes()), &[1], Samples::I64(vec![-70000]));
    holds(&npy(">u4", false, "(1,)", &u32::MAX.to_be_bytes()), &[1], Samples::I64(vec![u32::MAX.into()]));
    holds(&npy("<i8", false, "(1,)", &i64::MIN.to_le_bytes()), &[1], Samples::I64(vec![i64::MIN]));
    holds(&npy(">u8", false, "(1,)", &9_u64.to_be_bytes()), &[1], Samples::I64(vec![9]));
    holds(&npy(">f4", false, "(1,)", &1.5_f32.to_be_bytes()), &[1], Samples::F64(vec![1.5]));
    holds(&npy("<f8", false, "(1,)", &0.1_f64.to_le_bytes()), &[1], Samples::F64(vec![0.1]));
    holds(&npy(">f8", false, "(1,)", &0.1_f64.to_be_bytes()), &[1], Samples::F64(vec![0.1]));
    refused(&npy("<u8", false, "(1,)", &u64::MAX.to_le_bytes()), &["18446744073709551615", "label"]);
    for descriptor in ["<f2", "<c8", "|S1", "|O8", "<M8[ns]", "|u3", "u1", ""] {
        refused(&npy(descriptor, false, "(1,)", &[0; 8]), &["type", descriptor, "astype"]);
    }
}

#[test]
fn npy_headers_are_not_believed() {
    let whole = npy("<f8", false, "(2, 3)", &[0; 48]);
    refused(&whole[..whole.len() - 1], &["47 bytes", "48", "cut short"]);
    refused(&npy("<f8", false, "(2, 3)", &[0; 56]), &["56 bytes", "expected 48"]);
    refused(&npy("<f8", false, "(4294967296, 4294967296)", &[0; 8]), &["too many"]);
    refused(&npy("<f8", false, "(1000000000000,)", &[0; 8]), &["8000000000000"]);
    refused(&npy("|u1", false, "(1, 1, 1, 1)", &[0]), &["[1, 1, 1, 1]", "three axes"]);
    refused(&npy("|u1", false, "(0, 3)", &[]), &["[0, 3]"]);
    refused(&npy("|u1", false, "()", &[0]), &["[]"]);
    refused(&npy("|u1", false, &"(".repeat(40_000), &[]), &["header"]);
    refused(&npy("|u1", false, &"(".repeat(4_000), &[]), &["structured"]);
    refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'", &["header", "4294967295"]);
    for cut in 8..whole.len() - 48 {
        refused(&whole[..cut], &["header"]);
    }
}

#[test]
fn png_columns_are_x_and_rows_are_y() {
    // two rows of three columns
    let grey = png(3, 2, ColorType::Grayscale, BitDepth::Eight, &[0, 1, 2, 10, 11, 12]);
    holds(&grey, &[3, 2], Samples::U8(vec![0, 10, 1, 11, 2, 12]));
    let deep = png(1, 2, ColorType::Grayscale, BitDepth::Sixteen, &[1, 2, 0xff, 0xff]);
    holds(&deep, &[1, 2], Samples::U16(vec![258, 65535]));
    let palette = png(2, 1, ColorType::Indexed, BitDepth::Eight, &[7, 200]);
    holds(&palette, &[2, 1], Samples::U8(vec![7, 200]));
}

#[test]
fn png_labels_of_few_bits_are_not_scaled() {
    let row = |depth, data: &[u8]| png(3, 1, ColorType::Grayscale, depth, data);
    holds(&row(BitDepth::One, &[0b1010_0000]), &[3, 1], Samples::U8(vec![1, 0, 1]));
    holds(&row(BitDepth::Two, &[0b1101_1000]), &[3, 1], Samples::U8(vec![3, 1, 2]));
    holds(&row(BitDepth::Four, &[0xf3, 0x80]), &[3, 1], Samples::U8(vec![15, 3, 8]));
    let two_rows = png(9, 2, ColorType::Grayscale, BitDepth::One, &[0xff, 0x80, 0, 0]);
    let wanted = (0..9).flat_map(|_| [1, 0]).collect();
    holds(&two_rows, &[9, 2], Samples::U8(wanted));
}

#[test]
fn colours_and_strangers_are_refused() {
    refused(&png(1, 1, ColorType::Rgb, BitDepth::Eight, &[1, 2, 3]), &["3 channels", "one channel"]);
    refused(&png(1, 1, ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 4]), &["4 channels"]);
    refused(&png(1, 1, ColorType::GrayscaleAlpha, BitDepth::Eight, &[1, 2]), &["2 channels"]);
    let whole = png(64, 64, ColorType::Grayscale, BitDepth::Eight, &[9; 4096]);
    for cut in [9, 20, whole.len() / 2, whole.len() - 13, whole.len() - 1] {
        refused(&whole[..cut], &["cut short"]);
    }
    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    refused(&huge, &[]);
    let mut flipped = whole.clone();
    flipped[whole.len() - 20] ^= 1;
    refused(&flipped, &["damaged"]);
    refused(b"PK\x03\x04", &["numpy.save"]);
    refused(b"\xff\xd8\xff\xe0", &["JPEG"]);
    refused(b"x,y,label\n", &[".npy, .png or .tif"]);
    refused(b"", &["empty"]);
    assert!(matches!(read_image(Path::new("no/such.tif")), Err(Error::Io { action: "read", .. })));
    assert!(matches!(read_image(&PathBuf::from(env!("CARGO_TARGET_TMPDIR"))), Err(Error::Io { .. })));
}

#[test]
fn labels_become_conductivities() {
    let grey = png(3, 2, ColorType::Grayscale, BitDepth::Eight, &[0, 0, 255, 0, 255, 255]);
    let image = read_as("cut.png", &grey).unwrap();
    let map: PhaseMap = "0=1.0,255=10,7=3".parse().unwrap();
    assert_eq!(image.conductivities(Some(&map)).unwrap(), [1.0, 1.0, 1.0, 10.0, 10.0, 10.0]);
    assert_eq!(image.unused(&map), [7.0]);
    let missing = image.conductivities(Some(&"0=1".parse().unwrap())).unwrap_err().to_string();
    assert!(missing.contains("255 (50.000 %, 3 voxels)"), "{missing}");
    let none = image.conductivities(None).unwrap_err().to_string();
    assert!(none.contains("--map 0=1.0,255=0.0"), "{none}");
    let bytes = |values: [f64; 4]| npy("<f8", false, "(2, 2)", &values.map(f64::to_le_bytes).concat());
    assert_eq!(read_as("k.npy", &bytes([1.0, 0.0, 2.5, 1e-9])).unwrap().conductivities(None).unwrap()[2], 2.5);
    for (value, found) in [(f64::NAN, "NaN"), (-2.0, "-2")] {
        let error = read_as("k.npy", &bytes([1.0, 1.0, value, 1.0])).unwrap().conductivities(None).unwrap_err();
        assert!(error.to_string().starts_with(&format!("image[1, 0] = {found}")), "{error}");
    }
}
