//! `gaptooth effective --image`: pictures of a material, their fields, their parts.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Place, effective::KEYS, files, resuming::stopped};
use gaptooth::io::read_group;

/// An npy file of bytes, C order.
pub(super) fn npy(place: &Place, name: &str, shape: &str, samples: &[u8]) {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (header.len() + 10) % 64);
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let bytes = [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), samples].concat();
    std::fs::write(place.path(name), bytes).unwrap();
}

#[test]
fn an_image_of_layers() {
    let place = Place::new();
    // x is the first index: three layers of 7 and seven of 9 across it
    let samples: Vec<u8> = (0..10 * 4 * 2).map(|i| if i / 8 < 3 { 7 } else { 9 }).collect();
    npy(&place, "layers.npy", "(10, 4, 2)", &samples);
    let image = ["effective", "--image", "layers.npy", "--map", "7=1,9=10", "--bounds", "--json"];
    let answer = place.run(&image).done().object();
    for key in KEYS {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    for key in ["tensor", "lower", "upper", "midpoint"] {
        let entry = |i: usize, j: usize| answer[key][i][j].as_f64().unwrap();
        for (i, exact) in [1.0 / 0.37, 7.3, 7.3].into_iter().enumerate() {
            assert!((entry(i, i) - exact).abs() < 1e-9 * exact, "{answer}");
        }
        assert!(entry(0, 1).abs() < 1e-9 && entry(1, 2).abs() < 1e-9);
    }
    let number = |key: &str| answer[key].as_f64().unwrap();
    assert!((number("voigt") - 7.3).abs() < 1e-12 && (number("reuss") - 1.0 / 0.37).abs() < 1e-12);
    assert!((number("anisotropy") - 7.3 * 0.37).abs() < 1e-8);
    assert_eq!((answer["conditions"].as_str(), answer["shape"].to_string()), (Some("periodic"), "[10,4,2]".into()));
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 0, "{answer}");
    let plates = [&image[..], &["--conditions", "faces", "--voxel-size", "1,2,0.5"]].concat();
    let answer = place.run(&plates).done().object();
    assert!((answer["tensor"][0][0].as_f64().unwrap() - 1.0 / 0.37).abs() < 1e-9, "{answer}");
    assert!(answer["conditions"].as_str().unwrap().contains("two faces"));
    // for people
    let text = place.run(&["effective", "--image", "layers.npy", "--map", "7=0,*=2"]).done();
    assert!(text.stdout.contains("tortuosity") && text.stdout.contains("periodic"), "{}", text.stdout);
    assert!(text.stderr.contains("nothing conducts from end to end along x"), "{}", text.stderr);
}

#[test]
fn what_is_wrong_with_an_image_is_said() {
    let place = Place::new();
    npy(&place, "a.npy", "(2, 3)", &[0, 1, 1, 0, 5, 1]);
    npy(&place, "short.npy", "(2, 3)", &[0, 1, 1]);
    std::fs::write(place.path("a.txt"), "hello").unwrap();
    for (args, message) in [
        (&["--image", "missing.npy"][..], "missing.npy"),
        (&["--image", "a.txt"], "a.txt"),
        (&["--image", "short.npy"], "short.npy"),
        (&["--image", "a.npy"], "--map"),
        (&["--image", "a.npy", "--map", "0=1,1=2"], "5"),
        (&["--image", "a.npy", "--map", "0=1,*=-2"], "-2"),
        (&["--image", "a.npy", "--map", "*=1", "--voxel-size", "1"], "--voxel-size 1"),
        (&["--image", "a.npy", "--map", "*=1", "--dim", "3"], "--dim 3"),
        (&["--image", "a.npy", "--map", "*=1", "--method", "neural"], "--method neural"),
        (&["--image", "a.npy", "--map", "*=1", "--coefficient", "2"], "--coefficient with --image"),
        (&["--image", "a.npy", "--map", "*=1", "--tolerance", "2"], "--tolerance 2"),
        (&["--image", "a.npy", "--map", "*=1", "--batch", "2,3"], "from 1 to 2 voxels"),
        (&["--image", "a.npy", "--map", "*=1", "--batch", "0"], "--batch 0"),
        (&["--image", "a.npy", "--map", "*=1", "--batch", "one"], "--batch one"),
        (&["--image", "a.npy", "--map", "*=1", "--resume"], "nothing is kept of an image without --checkpoints"),
        (&["--image", "a.npy", "--map", "*=1", "--checkpoints", "c", "--batch", "1"], "--checkpoints with --batch"),
        (&["--image", "a.npy", "--map", "*=1", "--out", "a.txt"], "a.txt"),
        (&["--coefficient", "2", "--batch", "2"], "--batch without --image"),
    ] {
        let answer = place.run(&[&["effective", "--json"], args].concat());
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(message) && answer.stdout.is_empty(), "{args:?}: {}", answer.stderr);
    }
    let answer = place.run(&["effective", "--image", "a.npy", "--map", "*=1,3=4", "--json"]).done().object();
    assert!(answer["warnings"].to_string().contains("no label 3"), "{answer}");
}

/// A two-phase picture of 128³ voxels, threshold of a Gaussian random field; figures of an independent program.
#[test]
fn the_reference_image() {
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/../gaptooth/tests/data/grf128.tif");
    let args = ["effective", "--image", image, "--map", "0=0.1,1=1", "--bounds", "--tolerance", "1e-7", "--json"];
    let answer = Place::new().run(&args).done().object();
    let entry = |key: &str| answer[key][0][0].as_f64().unwrap();
    assert!((entry("tensor") - 0.43274755).abs() < 2e-7, "{}", answer["tensor"]);
    // the bounds of an iterate are a little wider
    assert!(entry("lower") <= 0.4380565 && entry("lower") > 0.43804, "{}", answer["lower"]);
    assert!(entry("upper") >= 0.4527595 - 1e-6 && entry("upper") < 0.45277, "{}", answer["upper"]);
}

/// Noise of two labels, 12 × 10 × 8 voxels.
fn noise(place: &Place) {
    let samples: Vec<u8> = (0..960u32).map(|i| u8::from(i.wrapping_mul(2_654_435_761) >> 16 & 7 > 2)).collect();
    npy(place, "noise.npy", "(12, 10, 8)", &samples);
}

#[test]
fn fields_for_paraview_and_xarray() {
    let place = Place::new();
    noise(&place);
    for conditions in ["periodic", "faces"] {
        let args = ["effective", "--image", "noise.npy", "--map", "0=0.1,1=1", "--voxel-size", "1,1,2"];
        let args = [&args[..], &["--json", "--out", conditions, "--conditions", conditions]].concat();
        let answer = place.run(&args).done().object();
        let group = read_group(&place.path(conditions).join("data/fields.zarr")).unwrap();
        let flux = group.array("flux_z").unwrap();
        assert_eq!(
            (&flux.dims[..], &flux.shape[..]),
            (&["x", "y", "z", "component"].map(String::from)[..], &[12, 10, 8, 3][..])
        );
        assert_eq!(group.array("z").unwrap().data[1], 3.0);
        // the mean flux is the tensor's entry between plates too
        for (axis, name) in ["x", "y", "z"].iter().enumerate() {
            let flux = &group.array(&format!("flux_{name}")).unwrap().data;
            let mean = flux.iter().skip(axis).step_by(3).sum::<f64>() / 960.0;
            assert!((mean - answer["tensor"][axis][axis].as_f64().unwrap()).abs() < 1e-6, "{conditions} {name} {mean}");
            assert_eq!(group.array(&format!("corrector_{name}")).unwrap().data.len(), 960);
        }
        let written: serde_json::Value =
            serde_json::from_slice(&std::fs::read(place.path(conditions).join("effective.json")).unwrap()).unwrap();
        assert_eq!(written["tensor"], answer["tensor"]);
        let image = std::fs::read(place.path(conditions).join("fields.vti")).unwrap();
        let header = String::from_utf8_lossy(&image[..2000]).into_owned();
        for part in ["0 12 0 10 0 8", "corrector_x", "flux_y", "conductivity"] {
            assert!(header.contains(part), "{header}");
        }
    }
}

/// A batch of 40 parts, as text.
const BATCH: [&str; 8] =
    ["effective", "--image", "noise.npy", "--map", "0=0.1,1=1", "--batch", "8,3", "--tolerance=1e-6"];

#[test]
fn parts_of_an_image_into_a_table_and_a_plot() {
    let place = Place::new();
    noise(&place);
    let answer = place.run(&[&BATCH[..], &["--out", "parts", "--json"]].concat()).done().object();
    let text = std::fs::read_to_string(place.path("parts/subvolumes.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| rows[0].iter().position(|h| *h == name).unwrap();
    // 4 · 3 · 2 of three, one of eight
    assert_eq!((rows.len(), rows[1][0], rows[25][0]), (26, "3", "8"));
    assert_eq!([rows[25][at("x")], rows[24][at("x")], rows[24][at("y")], rows[24][at("z")]], ["0", "9", "6", "3"]);
    for row in &rows[1..] {
        let [lower, upper] = ["lower_yy", "upper_yy"].map(|name| row[at(name)].parse::<f64>().unwrap());
        assert!(0.1 <= lower && lower <= upper && upper <= 1.0, "{row:?}");
    }
    let sizes = answer["sizes"].as_array().unwrap();
    assert_eq!((sizes[0]["edge"].as_u64(), sizes[0]["count"].as_u64()), (Some(3), Some(24)));
    let mean = rows[1..25].iter().map(|row| row[at("upper_xx")].parse::<f64>().unwrap()).sum::<f64>() / 24.0;
    assert!((sizes[0]["upper"][0].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(sizes[1]["deviation"][0].is_null(), "one part has no spread: {answer}");
    // one part's row is what a run of that part alone says
    let picture: Vec<u8> = std::fs::read(place.path("noise.npy")).unwrap().split_off(128);
    let part: Vec<u8> = (0..27).map(|i| picture[((i / 9 + 9) * 10 + i / 3 % 3 + 6) * 8 + i % 3 + 3]).collect();
    npy(&place, "part.npy", "(3, 3, 3)", &part);
    let args = ["effective", "--image", "part.npy", "--map", "0=0.1,1=1", "--bounds", "--tolerance", "1e-6", "--json"];
    let alone = place.run(&args).done().object();
    for (name, key) in [("a_xz", "tensor"), ("lower_xz", "lower"), ("upper_xz", "upper")] {
        let row: f64 = rows[24][at(name)].parse().unwrap();
        assert!((row - alone[key][0][2].as_f64().unwrap()).abs() < 1e-9, "{name} {row} {alone}");
    }
    let kept = files(&place.path("parts"));
    for file in ["figures/interval.png", "figures/interval.svg", "report.html", "report.json", "subvolumes.csv"] {
        assert!(kept.iter().any(|f| f == file), "{file} is missing: {kept:?}");
    }
    let text = place.run(&BATCH).done();
    assert!(text.stdout.contains("standard deviation"), "{}", text.stdout);
    assert!(place.path("runs/noise-batch/subvolumes.csv").exists());
}

#[test]
fn a_killed_batch_resumes_to_the_same_table() {
    let place = Place::new();
    let samples: Vec<u8> = (0..32768u32).map(|i| u8::from(i.wrapping_mul(2_654_435_761) >> 16 & 7 > 2)).collect();
    npy(&place, "noise.npy", "(32, 32, 32)", &samples);
    let batch = [&BATCH[..6], &["4,16,8"]].concat();
    let table = |out: &str| std::fs::read(place.path(out).join("subvolumes.csv")).unwrap();
    place.run(&[&batch[..], &["--out", "whole"]].concat()).done();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gaptooth"));
    command
        .args(&batch)
        .args(["--out", "out"])
        .current_dir(place.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while !place.path("out/checkpoints/rows.checkpoint").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended without keeping a row");
        std::thread::sleep(Duration::from_millis(1));
    }
    // SIGKILL
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = files(&place.path("out"));
    assert!(!kept.iter().any(|f| f == "subvolumes.csv"), "it had time to finish: {kept:?}");
    place.run(&[&batch[..], &["--out", "out", "--resume"]].concat()).done();
    assert_eq!(table("out"), table("whole"));
    assert!(!place.path("out/checkpoints").exists());
}

#[test]
fn a_sub_volume_that_was_stopped_goes_on_where_it_was() {
    let place = Place::new();
    let samples: Vec<u8> = (0..1u32 << 21).map(|i| u8::from(i.wrapping_mul(2_654_435_761) >> 16 & 7 > 2)).collect();
    npy(&place, "noise.npy", "(128, 128, 128)", &samples);
    let batch = [&BATCH[..6], &["128"]].concat();
    let table = |out: &str| std::fs::read(place.path(out).join("subvolumes.csv")).unwrap();
    place.run(&[&batch[..], &["--out", "whole"]].concat()).done();
    let (code, stderr) = stopped(&place, &[&batch[..], &["--out", "out"]].concat(), "sub-volumes", "-INT");
    assert_eq!(code, Some(130), "{stderr}");
    let kept = files(&place.path("out"));
    assert!(kept.len() == 1 && kept[0].starts_with("checkpoints/parts%2F128"), "{kept:?}");
    place.run(&[&batch[..], &["--out", "out", "--resume"]].concat()).done();
    assert_eq!(table("out"), table("whole"));
    assert!(!place.path("out/checkpoints").exists());
}

#[test]
fn a_part_and_its_refinement() {
    let place = Place::new();
    // a checkerboard of 1 and 10 in the corner of something else
    let samples: Vec<u8> =
        (0..5 * 4).map(|i| if i / 4 >= 3 || i % 4 < 2 { 2 } else { ((i / 4 + i) % 2) as u8 }).collect();
    npy(&place, "board.npy", "(5, 4)", &samples);
    let args = ["effective", "--image", "board.npy", "--map", "0=1,1=10", "--part", "1:3,2:", "--tolerance", "1e-9"];
    let answer = place.run(&[&args[..], &["--refine", "4,1,2,8", "--out", "fine", "--json"]].concat()).done().object();
    let each: Vec<f64> =
        answer["refinements"].as_array().unwrap().iter().map(|r| r["refine"].as_f64().unwrap()).collect();
    assert_eq!(each, [1.0, 2.0, 4.0, 8.0]);
    let exact = 10f64.sqrt();
    let mut width = f64::INFINITY;
    for refinement in answer["refinements"].as_array().unwrap() {
        let [lower, upper] = ["lower", "upper"].map(|key| refinement[key][1].as_f64().unwrap());
        assert!(lower <= exact && exact <= upper && upper - lower < width, "{refinement}");
        width = upper - lower;
    }
    let table = std::fs::read_to_string(place.path("fine/refinement.csv")).unwrap();
    assert!(table.starts_with("refine,voxels,voigt,percolating_x,percolating_y,a_xx,a_xy,a_yy,lower_xx"), "{table}");
    assert_eq!(table.lines().count(), 5);
    assert!(place.path("fine/figures/refinement.svg").exists() && place.path("fine/report.html").exists());
    let text = place.run(&[&args[..], &["--refine", "2"]].concat()).done();
    assert!(text.stdout.contains("two-point value"), "{}", text.stdout);
    // a map need not know what lies outside of the part
    place.run(&args).done();
    for (more, message) in [
        (&["--part", "1:3"][..], "--part 1:3: expected A:B for each axis"),
        (&["--part", "3:3,:"], "within [5, 4] voxels"),
        (&["--part", "0:6,:"], "within [5, 4] voxels"),
        (&["--refine", "0"], "--refine 0"),
        (&["--refine", "1001"], "from 1 to 1000"),
        (&["--refine", "2", "--batch", "2"], "--batch"),
    ] {
        let answer = place.run(&[&["effective", "--image", "board.npy", "--map", "*=1", "--json"], more].concat());
        assert_eq!(answer.code, Some(2), "{more:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(message), "{more:?}: {}", answer.stderr);
    }
}
