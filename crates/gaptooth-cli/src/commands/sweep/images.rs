//! Effective tensors of several images, with each of several maps.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use gaptooth::VERSION;
use gaptooth::io::{Checkpoints, Occasional, atomic};
use gaptooth::team::Team;

use super::Work;
use super::table::Numbers;
use super::variation::{Variation, combinations};
use crate::args::{EffectiveArgs, SweepArgs};
use crate::commands::effective::image_numbers;
use crate::commands::output_directory;
use crate::failure::Failure;

/// Whether a name ends as an image's does.
pub(super) fn is_image(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    ending.is_some_and(|e| ["npy", "png", "tif", "tiff"].contains(&e.as_str()))
}

/// Every image with every map.
pub(super) fn images(args: &SweepArgs, team: &dyn Team) -> Result<ExitCode, Failure> {
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
    let folder = out.join("checkpoints");
    if team.rank() == 0 {
        output_directory(&out)?;
        if !args.how.resume {
            clear(&folder)?;
        }
    }
    // nobody keeps anything before the first process has cleared what was there
    team.exchange(&[])?;
    // each image is read for its fingerprint once, whatever the number of maps
    let hashes = RefCell::default();
    let known: Vec<OnceCell<Result<Kept, Failure>>> = points.iter().map(|_| OnceCell::new()).collect();
    let kept = |k: usize| {
        let found = known[k].get_or_init(|| Kept::of(&points[k], args, &folder, &hashes));
        found.as_ref().map_err(Failure::clone)
    };
    let work = Work {
        points: &points,
        compute: &|k, _, terminal| {
            let kept = kept(k)?;
            if let Some(found) = kept.load()? {
                return Ok(found);
            }
            let started = Instant::now();
            let states = Occasional::new(kept.states.clone());
            let numbers = image_numbers(Path::new(&points[k][0]), &of_point(&points[k], args), terminal, &states)?;
            kept.save(&(numbers, started.elapsed().as_secs_f64()))
        },
        finished: &|k, _| kept(k).ok()?.load().ok()?,
    };
    let Some(sweep) = work.done(&out, &variations, team)? else { return Ok(ExitCode::SUCCESS) };
    let words = ["Effective tensors of images".into(), "Every image, with every map of its labels.".into()];
    let code = sweep.conclude("images", 0, words, args.how.json)?;
    // what is found stays for a sweep that goes on when what was wrong is mended
    if code == ExitCode::SUCCESS {
        clear(&folder)?;
    }
    Ok(code)
}

/// Where the numbers of one image with one map are kept, and what they depend on.
struct Kept {
    numbers: Checkpoints,
    stage: String,
    /// what is solved on the way
    states: Checkpoints,
}

/// Numbers by name, and the seconds they took.
type Found = (Vec<(String, f64)>, f64);

impl Kept {
    fn of(values: &[String], args: &SweepArgs, folder: &Path, hashes: &Hashes) -> Result<Self, Failure> {
        let key = fingerprint(values, args, hashes)?;
        let mut name = DefaultHasher::new();
        key.hash(&mut name);
        Ok(Kept {
            stage: format!("{:016x}", name.finish()),
            numbers: Checkpoints::new(folder, &key),
            states: Checkpoints::apart(folder, key),
        })
    }

    fn load(&self) -> Result<Option<Numbers>, Failure> {
        let found = self.numbers.load(&self.stage)?.and_then(|bytes| serde_json::from_slice::<Found>(&bytes).ok());
        Ok(found.map(named))
    }

    /// The states on the way are then no longer needed.
    fn save(&self, found: &Found) -> Result<Numbers, Failure> {
        if let Ok(bytes) = serde_json::to_vec(found) {
            self.numbers.store(&self.stage, &bytes)?;
        }
        self.states.clear()?;
        Ok(named(found.clone()))
    }
}

fn named((numbers, seconds): Found) -> Numbers {
    Numbers { numbers: numbers.into_iter().map(|(name, v)| (name, v, true)).collect(), seconds }
}

/// Removes what was kept of all points, and on the way to any.
fn clear(folder: &Path) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("gaptooth-") {
            Checkpoints::new(entry.path(), "").clear()?;
        }
    }
    Ok(Checkpoints::new(folder, "").clear()?)
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

/// Hashes of images by their names.
type Hashes = RefCell<BTreeMap<String, u64>>;

/// Everything that a point's numbers depend on.
fn fingerprint(values: &[String], args: &SweepArgs, hashes: &Hashes) -> Result<String, Failure> {
    let known = hashes.borrow().get(&values[0]).copied();
    let picture = match known {
        Some(hash) => hash,
        None => {
            let mut picture = DefaultHasher::new();
            atomic::read(Path::new(&values[0]))?.hash(&mut picture);
            *hashes.borrow_mut().entry(values[0].clone()).or_insert(picture.finish())
        }
    };
    let options = (&args.voxel_size, args.conditions, args.tolerance.map(f64::to_bits), args.bounds);
    Ok(format!("{VERSION} {values:?} {options:?} {picture:x}"))
}
