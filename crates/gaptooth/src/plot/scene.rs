//! From a drawn scene to SVG text that scales, is small, and can stand beside others in one page.

use std::collections::HashMap;
use std::fmt::Write as _;

use kuva::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::render::{Primitive, Scene};

/// The scene as SVG. `name` makes its ids its own. Batches of rectangles (heat maps) become one embedded PNG of a pixel a
/// cell; all else stays vectors.
pub(crate) fn text(mut scene: Scene, name: &str) -> String {
    let images = take_images(&mut scene);
    let mut svg = SvgBackend::new().render_scene(&scene);
    for (i, image) in images.iter().enumerate() {
        svg = svg.replacen(&format!("<g {}></g>", marker(i)), image, 1);
    }
    let size = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}""#, scene.width, scene.height);
    svg = svg.replacen(r#"<svg xmlns="http://www.w3.org/2000/svg""#, &size, 1);
    shorten(&own_ids(&svg, name))
}

fn marker(i: usize) -> String {
    format!(r#"data-image="{i}""#)
}

/// Dashed lines as their dashes: the rasteriser starts the pattern anew at each point of a line, which makes a smooth curve
/// solid.
pub(crate) fn cut_dashes(mut scene: Scene) -> Scene {
    let elements = std::mem::take(&mut scene.elements);
    for element in elements {
        match element {
            Primitive::PolyLine { points, stroke, stroke_width, stroke_dasharray: Some(pattern) } => {
                let lengths: Vec<f64> = pattern.split([' ', ',']).filter_map(|l| l.parse().ok()).collect();
                for points in dashes(&points, &lengths) {
                    let stroke = stroke.clone();
                    scene.elements.push(Primitive::PolyLine { points, stroke, stroke_width, stroke_dasharray: None });
                }
            }
            other => scene.elements.push(other),
        }
    }
    scene
}

/// The drawn parts of a line: `lengths` are drawn and left out by turns.
fn dashes(points: &[(f64, f64)], lengths: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let Some(&start) = points.first() else { return Vec::new() };
    if lengths.iter().any(|l| *l <= 0.0) || lengths.is_empty() {
        return vec![points.to_vec()];
    }
    let mut drawn = vec![vec![start]];
    let (mut turn, mut left) = (0, lengths[0]);
    for w in points.windows(2) {
        let ((mut x, mut y), (dx, dy)) = (w[0], (w[1].0 - w[0].0, w[1].1 - w[0].1));
        let length = dx.hypot(dy);
        let mut rest = length;
        while rest > left {
            (x, y) = (x + dx / length * left, y + dy / length * left);
            rest -= left;
            match turn % 2 {
                0 => drawn.last_mut().into_iter().for_each(|d| d.push((x, y))),
                _ => drawn.push(vec![(x, y)]),
            }
            turn += 1;
            left = lengths[turn % lengths.len()];
        }
        left -= rest;
        if turn % 2 == 0 {
            drawn.last_mut().into_iter().for_each(|d| d.push(w[1]));
        }
    }
    drawn
}

/// Heat maps of more than a handful of cells out of the scene, each leaving an empty group where it was.
fn take_images(scene: &mut Scene) -> Vec<String> {
    let mut images = Vec::new();
    let mut elements = Vec::with_capacity(scene.elements.len());
    for element in std::mem::take(&mut scene.elements) {
        let image = match &element {
            Primitive::RectBatch { x, .. } if x.len() > 64 => image(&element),
            _ => None,
        };
        match image {
            Some(image) => {
                let extra_attrs = Some(marker(images.len()));
                elements.push(Primitive::GroupStart { transform: None, title: None, extra_attrs });
                elements.push(Primitive::GroupEnd);
                images.push(image);
            }
            None => elements.push(element),
        }
    }
    scene.elements = elements;
    images
}

/// A regular batch of rectangles, row after row from the bottom, as an `<image>`; none when it is not regular.
fn image(batch: &Primitive) -> Option<String> {
    let Primitive::RectBatch { x, y, w, h, fills } = batch else { return None };
    let columns = y.iter().take_while(|v| **v == y[0]).count();
    if columns == 0 || x.len() % columns != 0 {
        return None;
    }
    let rows = x.len() / columns;
    let mut pixels = Scene::new(columns as f64, rows as f64);
    pixels.add(Primitive::RectBatch {
        x: (0..x.len()).map(|i| (i % columns) as f64).collect(),
        y: (0..x.len()).map(|i| (rows - 1 - i / columns) as f64).collect(),
        w: vec![1.0; x.len()],
        h: vec![1.0; x.len()],
        fills: fills.clone(),
    });
    let png = RasterBackend::new().with_scale(1.0).render_scene(&pixels).ok()?;
    let last = x.len() - 1;
    // Cells overlap their neighbours by half a pixel: the outermost overlap is not part of the picture.
    let (width, height) = (x[last] + w[last] - 0.5 - x[0], y[0] + h[0] - 0.5 - y[last]);
    Some(format!(
        r#"<image x="{:.2}" y="{:.2}" width="{width:.2}" height="{height:.2}" preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,{}"/>"#,
        x[0],
        y[last],
        base64(&png)
    ))
}

/// The ids of clipping paths, numbered in order of appearance and marked with the figure's name: the library counts them
/// through the whole process, and two figures in one page must not share one.
fn own_ids(svg: &str, name: &str) -> String {
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some((at, prefix)) =
        [r#"id=""#, "url(#"].into_iter().filter_map(|p| rest.find(p).map(|at| (at, p))).min_by_key(|(at, _)| *at)
    {
        let start = at + prefix.len();
        let end = rest[start..].find(['"', ')']).map_or(rest.len(), |n| start + n);
        let count = names.len();
        let new = names.entry(&rest[start..end]).or_insert_with(|| format!("{name}-{count}"));
        out.push_str(&rest[..start]);
        out.push_str(new);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Attribute values to two decimals (`12.340000000000002` becomes `12.34`); text and labels are left alone.
fn shorten(svg: &str) -> String {
    let bytes = svg.as_bytes();
    let mut out = String::with_capacity(svg.len());
    let (mut inside, mut copied, mut i) = (false, 0, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'<' => inside = true,
            b'>' => inside = false,
            b'.' if inside => {
                let decimals = bytes[i + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
                let whole = bytes[..i].iter().rev().take_while(|b| b.is_ascii_digit()).count();
                if decimals > 2 && whole > 0 {
                    let value: f64 = svg[i - whole..=i + decimals].parse().unwrap_or(0.0);
                    out.push_str(&svg[copied..i - whole]);
                    let text = format!("{value:.2}");
                    let _ = write!(out, "{}", text.trim_end_matches('0').trim_end_matches('.'));
                    copied = i + 1 + decimals;
                }
                i += decimals;
            }
            _ => {}
        }
        i += 1;
    }
    out.push_str(&svg[copied..]);
    out
}

/// RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |w, i| w << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let sextet = (word >> (18 - 6 * i)) as usize & 63;
            text.push(if i <= chunk.len() { ALPHABET[sextet] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        // RFC 4648, section 10.
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn attributes_are_shortened_and_labels_are_not() {
        let svg = r#"<path d="M 12.340000000000002 -0.5700000000000001L 3.999999 7.5"/><text x="1.005">0.00125</text>"#;
        let short = r#"<path d="M 12.34 -0.57L 4 7.5"/><text x="1">0.00125</text>"#;
        assert_eq!(shorten(svg), short);
    }

    #[test]
    fn dashes_go_on_through_the_points_of_a_line() {
        let line: Vec<(f64, f64)> = (0..=100).map(|i| (0.3 * i as f64, 0.0)).collect();
        let drawn = dashes(&line, &[8.0, 4.0]);
        let ends: Vec<[f64; 2]> = drawn.iter().map(|d| [d[0].0, d[d.len() - 1].0]).collect();
        for (found, expected) in ends.iter().flatten().zip([0.0, 8.0, 12.0, 20.0, 24.0, 30.0]) {
            assert!((found - expected).abs() < 1e-9, "{ends:?}");
        }
        assert_eq!(ends.len(), 3);
    }

    #[test]
    fn ids_are_the_figures_own() {
        let svg =
            r##"<clipPath id="k-17"/><clipPath id="k-18"/><g clip-path="url(#k-18)"/><g clip-path="url(#k-17)"/>"##;
        let own = r##"<clipPath id="f-0"/><clipPath id="f-1"/><g clip-path="url(#f-1)"/><g clip-path="url(#f-0)"/>"##;
        assert_eq!(own_ids(svg, "f"), own);
    }
}
