//! Effective tensors of several images, with each of several maps.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use gaptooth::VERSION;
use gaptooth::io::atomic;

use super::Sweep;
use super::table::{Numbers, Table};
use super::variation::{Variation, combinations};
use crate::args::{EffectiveArgs, SweepArgs};
use crate::commands::effective::image_numbers;
use crate::failure::Failure;

const STAGE: &str = "images";

/// Whether a name ends as an image's does.
pub(super) fn is_image(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    ending.is_some_and(|e| ["npy", "png", "tif", "tiff"].contains(&e.as_str()))
}

/// Every image with every map.
pub(super) fn images(args: &SweepArgs) -> Result<ExitCode, Failure> {
    if !args.vary.is_empty() || !args.how.set.is_empty() || args.how.seed.is_some() {
        let message = "--vary, --set and --seed belong to studies; images vary by their files and by --map";
        return Err(Failure::wrong_input(message).help("repeat --map to take every image with each"));
    }
    let mut variations = vec![Variation::of("image", &args.subjects)];
    if !args.map.is_empty() {
        variations.push(Variation::of("map", &args.map));
    }
    let points = combinations(&variations)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join("images-sweep"));
    let mut sweep = Sweep::new(&out, Table::new(&variations))?;
    let store = sweep.directory.checkpoints(VERSION);
    let mut known: BTreeMap<String, (Vec<(String, f64)>, f64)> = BTreeMap::new();
    if args.how.resume {
        known = store.load(STAGE)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    } else {
        store.clear()?;
    }
    for (k, values) in points.iter().enumerate() {
        let terminal = sweep.terminal.clone();
        let kept = &mut known;
        sweep.point(k, &points, |_| {
            let key = fingerprint(values, args)?;
            let (numbers, seconds) = match kept.get(&key) {
                Some(found) => found.clone(),
                None => {
                    let started = Instant::now();
                    let numbers = image_numbers(Path::new(&values[0]), &of_point(values, args), &*terminal)?;
                    kept.entry(key).or_insert((numbers, started.elapsed().as_secs_f64())).clone()
                }
            };
            Ok(Numbers { numbers: numbers.into_iter().map(|(name, v)| (name, v, true)).collect(), seconds })
        })?;
        if let Ok(bytes) = serde_json::to_vec(&known) {
            store.store(STAGE, &bytes)?;
        }
    }
    store.clear()?;
    let words = ["Effective tensors of images".into(), "Every image, with every map of its labels.".into()];
    sweep.conclude("images", 0, words, args.how.json)
}

/// As `gaptooth effective` is asked.
fn of_point(values: &[String], args: &SweepArgs) -> EffectiveArgs {
    EffectiveArgs {
        image: Some(values[0].clone().into()),
        map: values.get(1).cloned(),
        voxel_size: args.voxel_size.clone(),
        conditions: args.conditions,
        tolerance: args.tolerance,
        bounds: args.bounds,
        ..EffectiveArgs::default()
    }
}

/// Everything that a point's numbers depend on.
fn fingerprint(values: &[String], args: &SweepArgs) -> Result<String, Failure> {
    let mut picture = DefaultHasher::new();
    atomic::read(Path::new(&values[0]))?.hash(&mut picture);
    let options = (&args.voxel_size, args.conditions, args.tolerance.map(f64::to_bits), args.bounds);
    Ok(format!("{values:?} {options:?} {:x}", picture.finish()))
}
