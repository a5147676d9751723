//! NumPy's `.npy`: the library reads the header, this file the samples, whose type is known only then.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use ndarray_npy::npy::header::Header;

use super::{Source, signed};
use crate::Result;
use crate::coefficient::{Samples, VoxelImage};

/// NumPy's own limit; plain arrays need some hundred bytes.
const LONGEST_HEADER: usize = 10_000;
/// A dictionary and a shape need two; the parser descends into each.
const MOST_BRACKETS: usize = 8;
/// Samples converted at a time.
const BLOCK: usize = 1 << 16;

/// Types that are read, without their byte order.
const KINDS: [&str; 11] = ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"];
const WORKS: &str = "expected bool, an integer of 1, 2, 4 or 8 bytes or a float of 4 or 8: convert with `.astype(...)`";

pub(super) fn read(source: &Source, mut file: BufReader<File>) -> Result<VoxelImage> {
    let (header, data) = header(source, &mut file)?;
    let descriptor = header.type_descriptor.as_string().cloned().unwrap_or_default();
    let (order, kind) = descriptor.split_at_checked(1).unwrap_or_default();
    if !(["<", ">", "|", "="].contains(&order) && KINDS.contains(&kind)) {
        return Err(source.refuse(format!("has samples of type {}, {WORKS}", header.type_descriptor)));
    }
    let shape = header.shape;
    if !(1..=3).contains(&shape.len()) || shape.contains(&0) {
        return Err(source.refuse(format!("has shape {shape:?}, expected one to three axes of one or more voxels")));
    }
    let count = shape.iter().try_fold(1_usize, |n, &m| n.checked_mul(m));
    let needed = count.and_then(|n| (n as u64).checked_mul(bytes_of(kind)));
    let held = source.length.saturating_sub(data);
    let Some(count) = count.filter(|_| needed == Some(held)) else {
        let needed = needed.map_or("too many".into(), |n| n.to_string());
        let message = format!("holds {held} bytes of samples, expected {needed} for {shape:?} of type '{descriptor}'");
        return Err(source.refuse(format!("{message}: it is cut short or no plain array")));
    };
    file.seek(SeekFrom::Start(data)).map_err(|e| source.failed(e))?;
    let foreign = if cfg!(target_endian = "big") { "<" } else { ">" };
    let mut numbers = Numbers { file, count, swapped: order == foreign };
    let samples = numbers.samples(kind).map_err(|e| source.failed(e))?.map_err(|message| source.refuse(message))?;
    if header.layout.is_fortran() {
        let stored: Vec<usize> = shape.into_iter().rev().collect();
        return source.reversed(&stored, samples);
    }
    source.image(shape, samples)
}

/// The header and where the samples begin.
fn header(source: &Source, file: &mut BufReader<File>) -> Result<(Header, u64)> {
    let mut bytes = Vec::new();
    file.by_ref().take(12 + LONGEST_HEADER as u64).read_to_end(&mut bytes).map_err(|e| source.failed(e))?;
    let damaged = |what: &dyn std::fmt::Display| source.refuse(format!("has no .npy header that can be read: {what}"));
    let (prefix, length): (usize, usize) = match bytes.get(6..12) {
        Some(&[1, _, low, high, ..]) => (10, usize::from(low) + 256 * usize::from(high)),
        Some(&[_, _, a, b, c, d]) => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err(damaged(&"it is cut short")),
    };
    let Some(text) = bytes.get(prefix..prefix.saturating_add(length)) else {
        return Err(damaged(&format!("it should have {length} bytes")));
    };
    if text.iter().filter(|b| b"([{".contains(b)).count() > MOST_BRACKETS {
        return Err(source.refuse(format!("is a structured array, {WORKS}")));
    }
    let header = Header::from_reader(&mut &bytes[..]).map_err(|e| damaged(&e))?;
    Ok((header, (prefix + length) as u64))
}

/// What the digit behind the kind says.
fn bytes_of(kind: &str) -> u64 {
    kind.get(1..).and_then(|digit| digit.parse().ok()).unwrap_or(1)
}

struct Numbers {
    file: BufReader<File>,
    count: usize,
    /// stored in the byte order that this machine does not use
    swapped: bool,
}

impl Numbers {
    fn samples(&mut self, kind: &str) -> io::Result<std::result::Result<Samples, String>> {
        let samples = match kind {
            "b1" => Samples::U8(self.all(|[b]: [u8; 1]| u8::from(b != 0))?),
            "u1" => Samples::U8(self.all(|[b]: [u8; 1]| b)?),
            "u2" => Samples::U16(self.all(u16::from_ne_bytes)?),
            "u4" => Samples::I64(self.all(|b| u32::from_ne_bytes(b).into())?),
            "u8" => return Ok(signed(self.all(u64::from_ne_bytes)?)),
            "i1" => Samples::I64(self.all(|b| i8::from_ne_bytes(b).into())?),
            "i2" => Samples::I64(self.all(|b| i16::from_ne_bytes(b).into())?),
            "i4" => Samples::I64(self.all(|b| i32::from_ne_bytes(b).into())?),
            "i8" => Samples::I64(self.all(i64::from_ne_bytes)?),
            "f4" => Samples::F64(self.all(|b| f32::from_ne_bytes(b).into())?),
            "f8" => Samples::F64(self.all(f64::from_ne_bytes)?),
            other => return Ok(Err(format!("has samples of type {other}, {WORKS}"))),
        };
        Ok(Ok(samples))
    }

    fn all<const N: usize, T>(&mut self, number: impl Fn([u8; N]) -> T) -> io::Result<Vec<T>> {
        let mut out = Vec::with_capacity(self.count);
        let mut bytes = vec![0; N * BLOCK.min(self.count)];
        while out.len() < self.count {
            let block = &mut bytes[..N * BLOCK.min(self.count - out.len())];
            self.file.read_exact(block)?;
            let (numbers, _) = block.as_chunks_mut::<N>();
            if self.swapped {
                numbers.iter_mut().for_each(|b| b.reverse());
            }
            out.extend(numbers.iter().map(|&b| number(b)));
        }
        Ok(out)
    }
}
