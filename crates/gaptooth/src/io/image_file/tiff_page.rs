//! What a TIFF page says of itself, and whether its samples can be labels.

use std::io::{Read, Seek};

use ::tiff::TiffResult;
use ::tiff::decoder::Decoder;
use ::tiff::tags::{CompressionMethod, PhotometricInterpretation, SampleFormat, Tag};

use super::DEFLATE_RATIO;

/// Planes of one page, as volumes stored in a single page say (SGI's tag).
const IMAGE_DEPTH: u16 = 32997;

/// The tags that matter; equal ones make a stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Page {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u16,
    pub(super) white_is_zero: bool,
    format: SampleFormat,
    /// why the samples would be misread
    odd: Option<&'static str>,
    channels: u16,
    compression: CompressionMethod,
    /// padded to whole tiles
    padded: (u64, u64),
}

impl Page {
    pub(super) fn read<R: Read + Seek>(tiff: &mut Decoder<R>) -> TiffResult<Page> {
        let (width, height) = tiff.dimensions()?;
        let mut tag = |tag, default: u16| -> TiffResult<u16> {
            let first = tiff.find_tag_unsigned_vec::<u16>(tag)?.and_then(|values| values.first().copied());
            Ok(first.unwrap_or(default))
        };
        let photometric = PhotometricInterpretation::from_u16(tag(Tag::PhotometricInterpretation, 1)?);
        let odd = if photometric == Some(PhotometricInterpretation::RGBPalette) {
            Some("has a colour table, expected grey: in ImageJ, choose Image > Lookup Tables > Grays and save again")
        } else if tag(Tag::FillOrder, 1)? != 1 {
            Some("has the bits of each byte in reverse order (FillOrder 2), expected FillOrder 1: save it again")
        } else if tag(Tag::from_u16_exhaustive(IMAGE_DEPTH), 1)? > 1 {
            Some(
                "holds several planes in one page (ImageDepth), expected a page for each: save it without `volumetric`",
            )
        } else {
            None
        };
        let (bits, format) = (tag(Tag::BitsPerSample, 1)?, tag(Tag::SampleFormat, 1)?);
        let (channels, compression) = (tag(Tag::SamplesPerPixel, 1)?, tag(Tag::Compression, 1)?);
        let mut tile = |tag| tiff.find_tag_unsigned::<u32>(tag).map(|n| u64::from(n.unwrap_or(1).max(1)));
        let (across, down) = (tile(Tag::TileWidth)?, tile(Tag::TileLength)?);
        Ok(Page {
            width,
            height,
            bits,
            white_is_zero: photometric == Some(PhotometricInterpretation::WhiteIsZero),
            format: SampleFormat::from_u16_exhaustive(format),
            odd,
            channels,
            compression: CompressionMethod::from_u16_exhaustive(compression),
            padded: (whole(width, across), whole(height, down)),
        })
    }

    /// One channel, of a type and a compression that keep labels exact; else what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.channels != 1 {
            let advice = "save the labels as one channel (grey)";
            return Err(format!("has {} channels, expected one: {advice}", self.channels));
        }
        if let Some(odd) = self.odd {
            return Err(odd.into());
        }
        if self.expansion().is_none() {
            let found = self.compression;
            return Err(format!("is compressed with {found:?}, expected deflate, LZW, PackBits or none: save it so"));
        }
        let plain = match self.format {
            SampleFormat::Uint => [1, 2, 4, 8, 16, 32, 64].contains(&self.bits),
            SampleFormat::Int => [8, 16, 32, 64].contains(&self.bits) && !self.white_is_zero,
            SampleFormat::IEEEFP => [16, 32, 64].contains(&self.bits) && !self.white_is_zero,
            _ => false,
        };
        if !plain {
            let white = if self.white_is_zero { " where 0 is white" } else { "" };
            let works = "expected 1, 2, 4, 8, 16, 32 or 64 unsigned, 8 to 64 signed or 16 to 64 floating bits";
            return Err(format!("is {self}{white}, {works}: convert it"));
        }
        Ok(())
    }

    /// Bytes that one byte can become at most.
    fn expansion(&self) -> Option<u64> {
        match self.compression {
            CompressionMethod::None => Some(1),
            CompressionMethod::PackBits => Some(64),
            CompressionMethod::Deflate | CompressionMethod::OldDeflate => Some(DEFLATE_RATIO),
            // codes of 12 bits for at most 4096 bytes
            CompressionMethod::LZW => Some(2731),
            _ => None,
        }
    }

    /// Bytes of its samples, tiles padded.
    pub(super) fn bytes(&self) -> u64 {
        let row = self.padded.0.saturating_mul(self.bits.into()).div_ceil(8);
        row.saturating_mul(self.padded.1)
    }

    /// Bytes that the file must have for this page.
    pub(super) fn least_bytes(&self) -> u64 {
        self.bytes().div_ceil(self.expansion().unwrap_or(1))
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.format {
            SampleFormat::Uint => "unsigned integers",
            SampleFormat::Int => "signed integers",
            SampleFormat::IEEEFP => "floats",
            _ => "samples of unknown type",
        };
        write!(f, "{} × {} pixels of {}-bit {kind}", self.width, self.height, self.bits)
    }
}

/// `length` in whole tiles.
fn whole(length: u32, tile: u64) -> u64 {
    u64::from(length).div_ceil(tile) * tile
}

/// How many pages the description announces, 1 without one; an error for pages that are not all in z.
pub(super) fn announced_pages<R: Read + Seek>(tiff: &mut Decoder<R>) -> Result<usize, String> {
    let mut bytes = [0; 2048];
    let found = tiff.image_ifd().find_tag_bytes(Tag::ImageDescription, &mut bytes, 0);
    let Ok(Some(length)) = found else { return Ok(1) };
    described_pages(&String::from_utf8_lossy(&bytes[..length.min(2048)]))
}

fn described_pages(description: &str) -> Result<usize, String> {
    if !description.starts_with("ImageJ=") {
        return Ok(1);
    }
    let number = |key: &str| -> usize {
        let line = description.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or(1)
    };
    let [channels, slices, frames] = ["channels", "slices", "frames"].map(number);
    if channels > 1 || (slices > 1 && frames > 1) {
        let message = format!("is a hyperstack of {channels} channels, {slices} slices and {frames} frames");
        return Err(format!("{message}, expected slices only: save one channel of one frame"));
    }
    Ok(number("images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_imagej_are_understood() {
        assert_eq!(described_pages("ImageJ=1.54f\nimages=30\nslices=30\nunit=\\u00B5m\n"), Ok(30));
        assert_eq!(described_pages("ImageJ=1.54f\nimages=30\nframes=30\n"), Ok(30));
        assert_eq!(described_pages("{\"shape\": [4, 5]}\nimages=30"), Ok(1));
        for odd in ["channels=2\nslices=15", "slices=15\nframes=2"] {
            assert!(described_pages(&format!("ImageJ=1.54f\nimages=30\n{odd}\n")).is_err());
        }
    }
}
