//! TIFF: pages are z, rows y, columns x.

use gaptooth::coefficient::Samples;
use tiff::encoder::Compression::{self, Lzw, Packbits, Uncompressed};
use tiff::encoder::colortype::{self, Gray8, Gray16};
use tiff::encoder::compression::DeflateLevel;

use super::files::{described_tiff, page_by_hand, tiff};
use super::{holds, refused};

const DEFLATE: Compression = Compression::Deflate(DeflateLevel::Balanced);

#[test]
fn pages_rows_and_columns_become_z_y_x() {
    // two pages of three rows of four columns: 100 z + 10 y + x
    let number = |(z, y, x): (u16, u16, u16)| 100 * z + 10 * y + x;
    let data: Vec<u16> =
        (0..2).flat_map(|z| (0..3).flat_map(move |y| (0..4).map(move |x| (z, y, x)))).map(number).collect();
    let wanted: Vec<u16> =
        (0..4).flat_map(|x| (0..3).flat_map(move |y| (0..2).map(move |z| (z, y, x)))).map(number).collect();
    for how in [Uncompressed, Lzw, Packbits, DEFLATE] {
        holds(&tiff::<Gray16>(4, 3, how, &data), &[4, 3, 2], Samples::U16(wanted.clone()));
    }
    holds(&tiff::<Gray16>(2, 2, Uncompressed, &[1, 2, 3, 4]), &[2, 2], Samples::U16(vec![1, 3, 2, 4]));
}

#[test]
fn every_type_keeps_its_numbers() {
    holds(&tiff::<Gray8>(2, 1, Lzw, &[0, 255]), &[2, 1], Samples::U8(vec![0, 255]));
    holds(&tiff::<colortype::Gray32>(1, 1, DEFLATE, &[u32::MAX]), &[1, 1], Samples::I64(vec![u32::MAX.into()]));
    holds(&tiff::<colortype::Gray64>(1, 1, Uncompressed, &[7]), &[1, 1], Samples::I64(vec![7]));
    refused(&tiff::<colortype::Gray64>(1, 1, Uncompressed, &[u64::MAX]), &["page 1", "18446744073709551615"]);
    holds(&tiff::<colortype::GrayI8>(1, 1, Uncompressed, &[-7]), &[1, 1], Samples::I64(vec![-7]));
    holds(&tiff::<colortype::GrayI16>(1, 1, Packbits, &[-700]), &[1, 1], Samples::I64(vec![-700]));
    holds(&tiff::<colortype::GrayI32>(1, 1, DEFLATE, &[i32::MIN]), &[1, 1], Samples::I64(vec![i32::MIN.into()]));
    holds(&tiff::<colortype::GrayI64>(1, 1, Lzw, &[i64::MIN]), &[1, 1], Samples::I64(vec![i64::MIN]));
    holds(&tiff::<colortype::Gray32Float>(1, 1, Lzw, &[0.5]), &[1, 1], Samples::F64(vec![0.5]));
    holds(&tiff::<colortype::Gray64Float>(1, 1, DEFLATE, &[0.1]), &[1, 1], Samples::F64(vec![0.1]));
}

/// width, height, bits, photometric interpretation
fn grey(width: u16, height: u16, bits: u16, photometric: u16) -> Vec<(u16, u16)> {
    vec![(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (277, 1)]
}

#[test]
fn bilevel_labels_are_the_bits_also_where_zero_is_white() {
    for photometric in [0, 1] {
        let bits = page_by_hand(&grey(9, 2, 1, photometric), &[0b1000_0000, 0b1000_0000, 0b0100_0000, 0]);
        let mut wanted = vec![0; 18];
        (wanted[0], wanted[3], wanted[16]) = (1, 1, 1);
        holds(&bits, &[9, 2], Samples::U8(wanted));
        holds(&page_by_hand(&grey(3, 1, 4, photometric), &[0xf3, 0x80]), &[3, 1], Samples::U8(vec![15, 3, 8]));
        holds(&page_by_hand(&grey(2, 1, 8, photometric), &[255, 3]), &[2, 1], Samples::U8(vec![255, 3]));
        holds(&page_by_hand(&grey(1, 1, 16, photometric), &[1, 2]), &[1, 1], Samples::U16(vec![513]));
    }
}

#[test]
fn what_cannot_be_labels_is_refused_with_the_reason() {
    refused(&tiff::<colortype::RGB8>(1, 1, Uncompressed, &[1, 2, 3]), &["page 1", "3 channels", "one channel"]);
    refused(&tiff::<colortype::RGBA8>(1, 1, Uncompressed, &[1, 2, 3, 4]), &["4 channels"]);
    refused(&page_by_hand(&grey(1, 1, 12, 1), &[0, 0]), &["12-bit", "convert"]);
    refused(&page_by_hand(&grey(1, 1, 8, 3), &[0]), &["colour table"]);
    let with = |tag: (u16, u16)| {
        let mut tags = grey(1, 1, 8, 1);
        tags.retain(|t| t.0 != tag.0);
        tags.push(tag);
        page_by_hand(&tags, &[0])
    };
    refused(&with((259, 7)), &["JPEG", "deflate"]);
    refused(&with((266, 2)), &["FillOrder"]);
    refused(&with((32997, 5)), &["ImageDepth"]);
    refused(&with((257, 60000)), &["1 × 60000", "can hold"]);
}

#[test]
fn pages_that_differ_are_refused_by_number() {
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[0, 1]).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[0, 1]).unwrap();
    encoder.write_image::<Gray8>(1, 2, &[0, 1]).unwrap();
    refused(&file.into_inner(), &["page 3", "1 × 2", "2 × 1"]);
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<Gray8>(2, 1, &[0, 1]).unwrap();
    encoder.write_image::<Gray16>(2, 1, &[0, 1]).unwrap();
    refused(&file.into_inner(), &["page 2", "16-bit", "8-bit"]);
}

#[test]
fn truncated_stacks_are_refused() {
    for how in [Uncompressed, Lzw, Packbits, DEFLATE] {
        let data: Vec<u16> = (0..3000).map(|i| i % 97).collect();
        let whole = tiff::<Gray16>(50, 20, how, &data);
        for cut in [4, 8, 100, whole.len() / 2, whole.len() - 100, whole.len() - 1] {
            refused(&whole[..cut], &[]);
        }
    }
    // the strip of a page whose directory comes first
    let page = page_by_hand(&grey(20, 20, 8, 1), &[5; 400]);
    refused(&page[..page.len() - 1], &["cut short"]);
}

#[test]
fn stacks_in_one_piece_are_not_taken_for_a_plane() {
    let stack = |pages: usize, text| described_tiff::<Gray8>(2, 1, Uncompressed, &[0, 1].repeat(pages), Some(text));
    refused(&stack(1, "ImageJ=1.54f\nimages=30\nslices=30\n"), &["1 of the 30 pages", "tifffile"]);
    refused(&stack(2, "ImageJ=1.54f\nimages=2\nchannels=2\n"), &["2 channels"]);
    holds(&stack(2, "ImageJ=1.54f\nimages=2\nslices=2\n"), &[2, 1, 2], Samples::U8(vec![0, 0, 1, 1]));
    holds(&stack(1, "a scan of images=30"), &[2, 1], Samples::U8(vec![0, 1]));
}
