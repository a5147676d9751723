//! Whatever the bytes, an image or an error: no panic, no memory beyond what the file can hold.
//!
//! `GAPTOOTH_FUZZ=500 cargo test --release …` runs so many times as many cases.

use png::{BitDepth, ColorType};
use proptest::prelude::*;
use tiff::encoder::Compression::{Deflate, Lzw, Packbits, Uncompressed};
use tiff::encoder::colortype::{Gray8, Gray16, Gray32Float};

use super::files::{npy, page_by_hand, png, tiff};
use super::read_as;

/// The most samples that `length` bytes can stand for: 1-bit samples in LZW.
fn most(length: usize) -> usize {
    length * 2731 * 8
}

fn cases(usual: u32) -> ProptestConfig {
    let factor = std::env::var("GAPTOOTH_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(usual.saturating_mul(factor)) }
}

fn check(bytes: &[u8]) {
    if let Ok(image) = read_as("hostile", bytes) {
        assert_eq!(image.shape().iter().product::<usize>(), image.samples().len());
        assert!(image.samples().len() <= most(bytes.len()));
    }
}

fn valid() -> Vec<Vec<u8>> {
    let labels: Vec<u8> = (0..120).map(|i| i % 7).collect();
    let floats: Vec<f32> = labels.iter().map(|&v| v.into()).collect();
    let words: Vec<u16> = labels.iter().map(|&v| v.into()).collect();
    vec![
        npy("<f8", false, "(3, 5)", &labels),
        npy("|u1", true, "(4, 5, 6)", &labels),
        png(12, 10, ColorType::Grayscale, BitDepth::Eight, &labels),
        png(10, 6, ColorType::Grayscale, BitDepth::Sixteen, &labels),
        tiff::<Gray8>(6, 5, Uncompressed, &labels),
        tiff::<Gray16>(6, 5, Lzw, &words),
        tiff::<Gray16>(12, 10, Packbits, &words),
        tiff::<Gray32Float>(6, 10, Deflate(Default::default()), &floats),
        page_by_hand(&[(256, 40), (257, 24), (258, 1), (262, 0)], &labels),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn random_bytes_behind_each_magic(magic in 0..6_usize, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let magics: [&[u8]; 6] = [
            b"\x93NUMPY\x01\x00",
            b"\x93NUMPY\x02\x00",
            b"\x89PNG\r\n\x1a\n",
            b"II*\0\x08\0\0\0",
            b"MM\0*\0\0\0\x08",
            b"",
        ];
        check(&[magics[magic], &body].concat());
    }

    #[test]
    fn random_directories(entries in prop::collection::vec((250..340_u16, 1..18_u16, 0..5_u32, 0..400_u32), 1..20)) {
        let mut bytes = b"II*\0\x08\0\0\0".to_vec();
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend([0; 200]);
        check(&bytes);
    }

    #[test]
    fn damaged_files(
        which in 0..9_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = valid().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes);
    }

    #[test]
    fn damaged_dimensions(tag in prop::sample::select(vec![256_u16, 257, 258, 277, 278, 279, 322, 323]), value: u32) {
        for which in 4..9 {
            let mut bytes = valid().swap_remove(which);
            let entry = (0..bytes.len() - 12).find(|&i| bytes[i..i + 2] == tag.to_le_bytes() && bytes[i + 4..i + 8] == [1, 0, 0, 0]);
            if let Some(entry) = entry {
                bytes[entry + 2..entry + 4].copy_from_slice(&4_u16.to_le_bytes());
                bytes[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
            }
            check(&bytes);
        }
    }
}
