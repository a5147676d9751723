//! TIFF: a stack of pages, one below the other in z.

use std::fs::File;
use std::io::BufReader;

use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::{TiffError, TiffResult};

use super::tiff_page::{Page, announced_pages};
use super::{Source, signed, unpack};
use crate::coefficient::{Samples, VoxelImage};
use crate::{Error, Result};

pub(super) fn read(source: &Source, file: BufReader<File>) -> Result<VoxelImage> {
    // The limit of the decoding buffer stays: it bounds what the tags may claim, while pages are checked here.
    let mut limits = Limits::default();
    limits.intermediate_buffer_size = source.length as usize;
    let tiff = Decoder::new(file).map_err(|e| failure(source, 1, e))?.with_limits(limits);
    let mut stack = Stack { source, tiff, pages: 0, accounted: 0 };
    let announced = announced_pages(&mut stack.tiff).map_err(|e| source.refuse(e))?;
    let (first, mut samples) = stack.page()?;
    while stack.tiff.more_images() {
        stack.tiff.next_image().map_err(|e| failure(source, stack.pages + 1, e))?;
        let (page, more) = stack.page()?;
        if page != first {
            let message = format!("page {} is {page}, but page 1 is {first}", stack.pages);
            return Err(source.refuse(format!("{message}: expected pages that are alike")));
        }
        append(&mut samples, more);
    }
    if announced > stack.pages {
        let message = format!("holds {} of the {announced} pages that its description announces", stack.pages);
        let advice = "ImageJ writes large stacks in one piece; write it anew with tifffile or as .npy";
        return Err(source.refuse(format!("{message}: {advice}")));
    }
    let plane = [first.height, first.width].map(|n| n as usize);
    match stack.pages {
        1 => source.reversed(&plane, samples),
        pages => source.reversed(&[pages, plane[0], plane[1]], samples),
    }
}

struct Stack<'a> {
    source: &'a Source<'a>,
    tiff: Decoder<BufReader<File>>,
    /// read so far
    pages: usize,
    /// bytes of the file that those pages need at least
    accounted: u64,
}

impl Stack<'_> {
    /// The page that the decoder stands on.
    fn page(&mut self) -> Result<(Page, Samples)> {
        self.pages += 1;
        let (source, number) = (self.source, self.pages);
        let page = Page::read(&mut self.tiff).map_err(|e| failure(source, number, e))?;
        let refuse = |message: String| source.refuse(format!("page {number} {message}"));
        page.check().map_err(refuse)?;
        self.accounted = self.accounted.saturating_add(page.least_bytes());
        if self.accounted > source.length {
            let message = format!("announces {page}, more than a file of {} bytes can hold", source.length);
            return Err(refuse(format!("{message}: it is cut short or damaged")));
        }
        source.has_room(page.bytes())?;
        let decoded = self.decode().map_err(|e| failure(source, number, e))?;
        Ok((page, samples(&page, decoded).map_err(refuse)?))
    }

    fn decode(&mut self) -> TiffResult<DecodingResult> {
        let layout = self.tiff.image_buffer_layout()?;
        let mut decoded = DecodingResult::U8(Vec::new());
        decoded.resize_to(&layout, &Limits::unlimited())?;
        self.tiff.read_image_bytes(decoded.as_buffer(0).as_bytes_mut())?;
        Ok(decoded)
    }
}

/// The numbers in the file: the decoder has inverted those of pages whose 0 is white.
fn samples(page: &Page, decoded: DecodingResult) -> std::result::Result<Samples, String> {
    let flip = if page.white_is_zero { u64::MAX } else { 0 };
    Ok(match decoded {
        DecodingResult::U8(mut values) => {
            values.iter_mut().for_each(|v| *v ^= flip as u8);
            let few = page.bits < 8;
            Samples::U8(if few { unpack(&values, page.bits.into(), page.width as usize) } else { values })
        }
        DecodingResult::U16(mut values) => {
            values.iter_mut().for_each(|v| *v ^= flip as u16);
            Samples::U16(values)
        }
        DecodingResult::U32(values) => Samples::I64(widen(values, |v| i64::from(v ^ flip as u32))),
        DecodingResult::U64(values) => signed(widen(values, |v| v ^ flip))?,
        DecodingResult::I8(values) => Samples::I64(widen(values, i64::from)),
        DecodingResult::I16(values) => Samples::I64(widen(values, i64::from)),
        DecodingResult::I32(values) => Samples::I64(widen(values, i64::from)),
        DecodingResult::I64(values) => Samples::I64(values),
        DecodingResult::F16(values) => Samples::F64(widen(values, f64::from)),
        DecodingResult::F32(values) => Samples::F64(widen(values, f64::from)),
        DecodingResult::F64(values) => Samples::F64(values),
    })
}

fn widen<T, U>(values: Vec<T>, into: impl Fn(T) -> U) -> Vec<U> {
    values.into_iter().map(into).collect()
}

/// Pages that are alike have samples of one kind.
fn append(samples: &mut Samples, more: Samples) {
    match (samples, more) {
        (Samples::U8(all), Samples::U8(more)) => all.extend(more),
        (Samples::U16(all), Samples::U16(more)) => all.extend(more),
        (Samples::I64(all), Samples::I64(more)) => all.extend(more),
        (Samples::F64(all), Samples::F64(more)) => all.extend(more),
        (_, _) => {}
    }
}

fn failure(source: &Source, page: usize, error: TiffError) -> Error {
    match error {
        TiffError::IoError(error) => source.failed(error),
        other => source.refuse(format!("page {page} cannot be read: {other}. Save it again, plain or with deflate")),
    }
}
