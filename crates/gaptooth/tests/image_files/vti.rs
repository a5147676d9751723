//! VTK image data, read back by hand.

use gaptooth::Error;
use gaptooth::io::{CellArray, VtkImage, write_vti};

fn array(name: &str, components: usize, values: Vec<f64>) -> CellArray {
    CellArray { name: name.into(), components, values }
}

/// The XML and the appended blocks.
fn written(image: &VtkImage) -> (String, Vec<Vec<f64>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.vti");
    write_vti(&path, image).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mark = b"<AppendedData encoding=\"raw\">\n   _";
    let start = bytes.windows(mark.len()).position(|w| w == mark).unwrap() + mark.len();
    let mut rest = &bytes[start..];
    let mut blocks = Vec::new();
    for _ in &image.arrays {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let (block, after) = rest[8..].split_at(length);
        blocks.push(block.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect());
        rest = after;
    }
    assert_eq!(rest, b"\n  </AppendedData>\n</VTKFile>\n");
    (String::from_utf8(bytes[..start].to_vec()).unwrap(), blocks)
}

#[test]
fn x_is_fastest_in_the_file() {
    let (nx, ny, nz) = (3, 2, 19);
    let cells = |f: &dyn Fn(usize, usize, usize) -> Vec<f64>| -> Vec<f64> {
        let all = (0..nx).flat_map(|x| (0..ny).flat_map(move |y| (0..nz).map(move |z| (x, y, z))));
        all.flat_map(|(x, y, z)| f(x, y, z)).collect()
    };
    let number = |x: usize, y: usize, z: usize| (100 * z + 10 * y + x) as f64;
    let scalar = cells(&|x, y, z| vec![number(x, y, z)]);
    let vector = cells(&|x, y, z| vec![number(x, y, z), 0.5, -number(x, y, z)]);
    let image = VtkImage {
        shape: vec![nx, ny, nz],
        spacing: vec![0.1, 0.2, 0.3],
        arrays: vec![array("k < 1 & \"2\"", 1, scalar), array("flux", 3, vector)],
    };
    let (xml, blocks) = written(&image);
    assert!(xml.contains("WholeExtent=\"0 3 0 2 0 19\" Origin=\"0 0 0\" Spacing=\"0.1 0.2 0.3\""), "{xml}");
    assert!(xml.contains("Name=\"k &lt; 1 &amp; &quot;2&quot;\" NumberOfComponents=\"1\""), "{xml}");
    let second = format!("Name=\"flux\" NumberOfComponents=\"3\" format=\"appended\" offset=\"{}\"", 8 + 8 * 114);
    assert!(xml.contains(&second) && xml.contains("Vectors=\"flux\""), "{xml}");
    let order = (0..nz).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| number(x, y, z))));
    let order: Vec<f64> = order.collect();
    assert_eq!(blocks[0], order);
    assert_eq!(blocks[1], order.iter().flat_map(|&v| [v, 0.5, -v]).collect::<Vec<f64>>());
}

#[test]
fn planes_and_lines_get_the_axes_they_lack() {
    let image = VtkImage {
        shape: vec![2, 2],
        spacing: vec![1.0, 0.5],
        arrays: vec![array("u", 1, vec![0.0, 1.0, 10.0, f64::NAN]), array("q", 2, (0..8).map(f64::from).collect())],
    };
    let (xml, blocks) = written(&image);
    assert!(xml.contains("Extent=\"0 2 0 2 0 1\"") && xml.contains("Spacing=\"1 0.5 0.5\""), "{xml}");
    assert_eq!(blocks[0][..3], [0.0, 10.0, 1.0]);
    assert!(blocks[0][3].is_nan());
    assert_eq!(blocks[1], [0.0, 1.0, 0.0, 4.0, 5.0, 0.0, 2.0, 3.0, 0.0, 6.0, 7.0, 0.0]);
    let line = VtkImage { shape: vec![3], spacing: vec![2.0], arrays: vec![array("u", 1, vec![1.0, 2.0, 3.0])] };
    let (xml, blocks) = written(&line);
    assert!(xml.contains("Extent=\"0 3 0 1 0 1\"") && xml.contains("Spacing=\"2 2 2\""), "{xml}");
    assert_eq!(blocks, [[1.0, 2.0, 3.0]]);
}

#[test]
fn inconsistent_images_are_refused() {
    let one = || array("u", 1, vec![0.0; 4]);
    let good = VtkImage { shape: vec![2, 2], spacing: vec![1.0, 1.0], arrays: vec![one()] };
    let wrong = [
        VtkImage { shape: vec![], ..good.clone() },
        VtkImage { shape: vec![4, 1, 1, 1], ..good.clone() },
        VtkImage { shape: vec![4, 0], ..good.clone() },
        VtkImage { shape: vec![usize::MAX, 2], ..good.clone() },
        VtkImage { shape: vec![1 << 31, 1], ..good.clone() },
        VtkImage { spacing: vec![1.0], ..good.clone() },
        VtkImage { spacing: vec![1.0, 0.0], ..good.clone() },
        VtkImage { spacing: vec![1.0, f64::NAN], ..good.clone() },
        VtkImage { arrays: vec![one(), one()], ..good.clone() },
        VtkImage { arrays: vec![array(" ", 1, vec![0.0; 4])], ..good.clone() },
        VtkImage { arrays: vec![array("a\nb", 1, vec![0.0; 4])], ..good.clone() },
        VtkImage { arrays: vec![array("u", 4, vec![0.0; 16])], ..good.clone() },
        VtkImage { arrays: vec![array("u", 3, vec![0.0; 8])], ..good.clone() },
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.vti");
    for image in wrong {
        let error = write_vti(&path, &image).unwrap_err();
        assert!(matches!(error, Error::Shape { .. } | Error::Parameter { .. }), "{image:?}: {error}");
        assert!(!path.exists());
    }
    write_vti(&path, &good).unwrap();
}
