//! PNG: one plane of labels, as they are in the file.

use std::fs::File;
use std::io::BufReader;

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Info, Reader};

use super::{DEFLATE_RATIO, Source, unpack};
use crate::coefficient::{Samples, VoxelImage};
use crate::{Error, Result};

pub(super) fn read(source: &Source, file: BufReader<File>) -> Result<VoxelImage> {
    let failed = |e| failure(source, e);
    let mut decoder = Decoder::new(file);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    check(source, decoder.read_header_info().map_err(failed)?)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    if let Some(frames) = reader.info().animation_control.map(|a| a.num_frames).filter(|&n| n > 1) {
        return Err(source.refuse(format!("is an animation of {frames} frames, expected one: save a stack as TIFF")));
    }
    let samples = samples(&mut reader).map_err(failed)?;
    let stored = [reader.info().height as usize, reader.info().width as usize];
    source.reversed(&stored, samples)
}

/// One channel, and no more pixels than the file can hold.
fn check(source: &Source, info: &Info) -> Result<()> {
    if !matches!(info.color_type, ColorType::Grayscale | ColorType::Indexed) {
        let (colour, channels) = (info.color_type, info.color_type.samples());
        let advice = "save the labels as one channel (grey or palette)";
        return Err(source.refuse(format!("has {channels} channels ({colour:?}), expected one: {advice}")));
    }
    let bits = u64::from(info.width) * info.bit_depth as u64;
    let announced = bits.div_ceil(8).saturating_mul(info.height.into());
    if announced > source.length.saturating_mul(DEFLATE_RATIO) {
        let (width, height, length) = (info.width, info.height, source.length);
        let message = format!("announces {width} × {height} pixels, more than its {length} bytes can hold");
        return Err(source.refuse(format!("{message}: it is cut short or damaged")));
    }
    source.has_room(announced)
}

fn samples(reader: &mut Reader<BufReader<File>>) -> std::result::Result<Samples, DecodingError> {
    let mut bytes = vec![0; reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?];
    reader.next_frame(&mut bytes)?;
    // To the end, so that checksums are compared and a lost end is seen.
    reader.finish()?;
    let info = reader.info();
    Ok(match info.bit_depth {
        BitDepth::Sixteen => Samples::U16(bytes.as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()),
        BitDepth::Eight => Samples::U8(bytes),
        few => Samples::U8(unpack(&bytes, few as usize, info.width as usize)),
    })
}

fn failure(source: &Source, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(error) => source.failed(error),
        other => source.refuse(format!("is damaged: {other}")),
    }
}
