//! Small files of each kind, made by hand or by the encoders.

use std::io::Cursor;

use png::{BitDepth, ColorType};
use tiff::encoder::{Compression, TiffEncoder, colortype};
use tiff::tags::Tag;

pub(crate) fn npy(descriptor: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

pub(crate) fn png(width: u32, height: u32, colour: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette((0..=255).flat_map(|i| [i, 255 - i, 7]).collect::<Vec<u8>>());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Pages of `width` × `height`; their number follows from the data.
pub(crate) fn tiff<C: colortype::ColorType>(width: u32, height: u32, how: Compression, data: &[C::Inner]) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    described_tiff::<C>(width, height, how, data, None)
}

pub(crate) fn described_tiff<C: colortype::ColorType>(
    width: u32,
    height: u32,
    how: Compression,
    data: &[C::Inner],
    description: Option<&str>,
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(how);
    for page in data.chunks((width * height) as usize * C::BITS_PER_SAMPLE.len()) {
        let mut image = encoder.new_image::<C>(width, height).unwrap();
        if let Some(text) = description {
            image.encoder().write_tag(Tag::ImageDescription, text).unwrap();
        }
        image.write_data(page).unwrap();
    }
    bytes.into_inner()
}

/// One uncompressed page from tags of one SHORT each and its strip, for what no encoder writes.
pub(crate) fn page_by_hand(tags: &[(u16, u16)], strip: &[u8]) -> Vec<u8> {
    let start = 8 + 2 + 12 * (tags.len() as u32 + 3) + 4;
    let long = |tag: u16, value: u32| (tag, 4_u16, value);
    let mut entries: Vec<(u16, u16, u32)> = tags.iter().map(|&(tag, value)| (tag, 3, value.into())).collect();
    entries.extend([long(273, start), long(278, u16::MAX.into()), long(279, strip.len() as u32)]);
    entries.sort();
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(strip);
    bytes
}
