//! Voxel images as microscopes and Python leave them: `.npy`, `.png` and `.tif`, all into one [`VoxelImage`].
//!
//! A file is known by its first bytes, not by its name. Headers are believed only as far as the file can hold what they
//! announce, so that a damaged file costs an error and not the machine's memory.

mod npy;
mod png;
mod tiff;
mod tiff_page;

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rayon::prelude::*;

use super::atomic::io_error;
use crate::coefficient::{Samples, VoxelImage};
use crate::{Error, Result};

/// Bytes that one byte of deflate can become at most.
const DEFLATE_RATIO: u64 = 1032;

/// First bytes of files that people try, and what to do with them.
const STRANGERS: [(&[u8], &str); 5] = [
    (b"PK", "a zip or .npz archive: save one array with numpy.save"),
    (b"\xff\xd8\xff", "a JPEG image, which does not keep labels exact: save it from the original as PNG or TIFF"),
    (b"\x89HDF", "an HDF5 file: save one of its arrays with numpy.save"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"BM", "a BMP image: save it as PNG or TIFF"),
];

/// Reads an image of voxels `[x][y]` or `[x][y][z]` from a `.npy`, `.png` or `.tif` file, known by its first bytes.
///
/// - npy: an array of one to three axes, its indices being `[x][y][z]`, in C or Fortran order; bool, signed and unsigned
///   integers, 32- and 64-bit floats.
/// - png: its columns are x and its rows y, from the top left corner; grey with 1, 2, 4, 8 or 16 bits, or a palette,
///   whose indices are the labels.
/// - tif: pages are z, rows y and columns x; one page is a plane image. One channel of 1, 2, 4, 8, 16, 32 or 64 bits,
///   integers or floats, plain or compressed with deflate, LZW or PackBits.
///
/// Samples are the numbers in the file, never scaled or inverted: a 1-bit image has the labels 0 and 1, also where 0 is
/// shown as white.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] with the path for another kind of file, one that is cut short or damaged, colours,
/// or pages that differ.
///
/// ```
/// use gaptooth::{coefficient::Samples, io::read_image};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("labels.npy");
/// let mut bytes = b"\x93NUMPY\x01\x00\x3a\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}\n".to_vec();
/// bytes.extend([0, 0, 1, 0, 1, 1]);
/// std::fs::write(&path, bytes).unwrap();
/// let image = read_image(&path)?;
/// assert_eq!(image.shape(), [2, 3]);
/// assert_eq!(image.samples(), &Samples::U8(vec![0, 0, 1, 0, 1, 1]));
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn read_image(path: &Path) -> Result<VoxelImage> {
    let source = Source::open(path)?;
    let mut reader = source.reader()?;
    let mut start = [0; 8];
    let known = read_up_to(&mut reader, &mut start).map_err(|e| io_error(path, "read", e))?;
    reader.rewind().map_err(|e| io_error(path, "read", e))?;
    let read = match &start[..known] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => npy::read,
        b"\x89PNG\r\n\x1a\n" => png::read,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => tiff::read,
        other => return Err(source.refuse(stranger(other))),
    };
    // The decoders assert what damaged files can break; that must not end a run.
    let outcome = catch_unwind(AssertUnwindSafe(|| read(&source, reader)));
    outcome.unwrap_or_else(|_| Err(source.refuse("is damaged: its decoder gave up. Save it again")))
}

fn stranger(start: &[u8]) -> String {
    let works = "expected a .npy, .png or .tif image";
    if start.is_empty() {
        return format!("is empty, {works}");
    }
    match STRANGERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, what)) => format!("is {what} ({works})"),
        None => format!("begins with the bytes {start:02x?}, {works}"),
    }
}

fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// A file being read.
struct Source<'a> {
    path: &'a Path,
    /// its length in bytes
    length: u64,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(|e| io_error(path, "read", e))?.len();
        Ok(Source { path, length })
    }

    fn reader(&self) -> Result<BufReader<File>> {
        let file = File::open(self.path).map_err(|e| io_error(self.path, "read", e))?;
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    fn refuse(&self, message: impl Into<String>) -> Error {
        Error::Format { path: self.path.into(), message: message.into() }
    }

    /// Reading past the end is the file's fault, all else the system's.
    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof => self.refuse("is cut short: it ends within its samples or header"),
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                self.refuse(format!("is damaged: {error}"))
            }
            _ => io_error(self.path, "read", error),
        }
    }

    /// Asks for memory where a refusal is an error and not the end of the program.
    fn has_room(&self, bytes: u64) -> Result<()> {
        let mut probe: Vec<u8> = Vec::new();
        match usize::try_from(bytes).map(|n| probe.try_reserve_exact(n)) {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.refuse(format!("announces {bytes} bytes of samples, more than there is memory: cut it up"))),
        }
    }

    fn image(&self, shape: Vec<usize>, samples: Samples) -> Result<VoxelImage> {
        VoxelImage::new(shape, samples).map_err(|e| self.refuse(e.to_string()))
    }

    /// An image whose file has its axes the other way round, `[y][x]` or `[z][y][x]`.
    fn reversed(&self, stored: &[usize], samples: Samples) -> Result<VoxelImage> {
        let mut axes = [1; 3];
        axes[3 - stored.len()..].copy_from_slice(stored);
        let samples = match samples {
            Samples::U8(values) => Samples::U8(reverse_axes(&values, axes)),
            Samples::U16(values) => Samples::U16(reverse_axes(&values, axes)),
            Samples::I64(values) => Samples::I64(reverse_axes(&values, axes)),
            Samples::F64(values) => Samples::F64(reverse_axes(&values, axes)),
        };
        self.image(stored.iter().rev().copied().collect(), samples)
    }
}

/// `[a][b][c]` into `[c][b][a]`, in tiles that stay in the cache.
fn reverse_axes<T: Copy + Default + Send + Sync>(values: &[T], [a, b, c]: [usize; 3]) -> Vec<T> {
    const TILE: usize = 32;
    let mut out = vec![T::default(); values.len()];
    out.par_chunks_mut(TILE * b * a).enumerate().for_each(|(tile, out)| {
        let first = tile * TILE;
        for (j, start) in (0..b).flat_map(|j| (0..a).step_by(TILE).map(move |start| (j, start))) {
            for k in first..(first + TILE).min(c) {
                for i in start..(start + TILE).min(a) {
                    out[((k - first) * b + j) * a + i] = values[(i * b + j) * c + k];
                }
            }
        }
    });
    out
}

/// One byte per sample from rows of 1, 2 or 4 bits per sample, the first in the highest bits.
fn unpack(packed: &[u8], bits: usize, width: usize) -> Vec<u8> {
    let row = (width * bits).div_ceil(8);
    let mask = (1 << bits) - 1;
    let sample = |row: &[u8], i: usize| (row[i * bits / 8] >> (8 - bits - i * bits % 8)) & mask;
    packed.chunks_exact(row).flat_map(|row| (0..width).map(move |i| sample(row, i))).collect()
}

/// Labels of 64 bits that fit the signed type.
fn signed(values: Vec<u64>) -> std::result::Result<Samples, String> {
    let largest = values.iter().max().copied().unwrap_or(0);
    if i64::try_from(largest).is_err() {
        return Err(format!("holds the label {largest}, expected at most {}: number the labels anew", i64::MAX));
    }
    Ok(Samples::I64(values.into_iter().map(|v| v as i64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_reversed_across_tiles() {
        let axes = [40, 3, 70];
        let values: Vec<usize> = (0..40 * 3 * 70).collect();
        let out = reverse_axes(&values, axes);
        for (i, j, k) in [(0, 0, 0), (39, 2, 69), (5, 1, 33), (32, 0, 31), (31, 2, 64)] {
            assert_eq!(out[(k * 3 + j) * 40 + i], (i * 3 + j) * 70 + k);
        }
        assert_eq!(reverse_axes(&out, [70, 3, 40]), values);
    }

    #[test]
    fn rows_of_bits_begin_in_the_highest() {
        assert_eq!(
            unpack(&[0b1010_0000, 0b1000_0000, 0, 0b1000_0000], 1, 9),
            [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(unpack(&[0b1101_0010, 0b1100_0000], 2, 5), [3, 1, 0, 2, 3]);
        assert_eq!(unpack(&[0x1f, 0xa0, 0x23, 0x40], 4, 3), [1, 15, 10, 2, 3, 4]);
    }
}
