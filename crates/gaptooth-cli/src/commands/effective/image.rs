//! `gaptooth effective --image`: pictures of a material, voxel by voxel.

use std::path::Path;
use std::time::Instant;

use gaptooth::{
    cell::{VoxelAnswer, VoxelCell, VoxelOptions, VoxelSolver},
    coefficient::PhaseMap,
    io::{Checkpoints, Occasional, read_image},
    observer::Observer,
    store::Store,
};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Matrix, show};
use super::fields::AXES;
use super::table::{Rows, numbers};
use super::{batch, fields, refine};
use crate::args::{Conditions, EffectiveArgs};
use crate::commands::output_directory;
use crate::failure::Failure;
use crate::progress::Terminal;
use crate::{interrupt, output};

/// An image as a material.
pub(super) struct Sample {
    pub(super) shape: Vec<usize>,
    pub(super) cell: VoxelCell,
    pub(super) options: VoxelOptions,
    voxel_size: Vec<f64>,
    conditions: Conditions,
    /// labels of the map that the image lacks
    unused: Vec<f64>,
}

impl Sample {
    fn read(path: &Path, args: &EffectiveArgs) -> Result<Self, Failure> {
        let mut image = read_image(path)?;
        let mut shape = image.shape().to_vec();
        if let Some(dim) = args.dim.filter(|dim| usize::from(*dim) != shape.len()) {
            let message = format!("--dim {dim}: {} has {} axes, {shape:?}", path.display(), shape.len());
            return Err(Failure::wrong_input(message).help("leave --dim out"));
        }
        let voxel_size = voxel_size(args.voxel_size.as_deref(), shape.len())?;
        let map = args.map.as_deref().map(str::parse::<PhaseMap>).transpose()?;
        let conditions = args.conditions.unwrap_or(Conditions::Periodic);
        let whole = args.batch.is_none() && args.refine.is_none();
        if let Some(text) = &args.part {
            let [start, length] = part(text, &shape)?;
            image = image.part(&start, &length)?;
            shape = length;
        }
        let options = VoxelOptions {
            tolerance: args.tolerance(),
            solver: solver(args.method.as_deref())?,
            bounds: args.bounds,
            fields: whole && args.out.is_some(),
        };
        if whole {
            let voxels = image.samples().len();
            fits(VoxelCell::memory(voxels, &options), voxels)?;
        }
        let conductivity = image.conductivities(map.as_ref())?;
        let unused = map.as_ref().map(|m| image.unused(m)).unwrap_or_default();
        drop(image);
        let cell = VoxelCell::new(&shape, &voxel_size, conductivity)?;
        let cell = if conditions == Conditions::Faces { cell.between_plates() } else { cell };
        Ok(Sample { shape, cell, options, voxel_size, conditions, unused })
    }

    pub(super) fn conditions_named(&self) -> &'static str {
        named(self.conditions)
    }

    /// What was asked, a line each.
    pub(super) fn about(&self, path: &Path, args: &EffectiveArgs) -> String {
        let map = args.map.as_deref().unwrap_or("none, the image holds conductivities");
        format!(
            "image: {} {:?}\nmap: {map}\nvoxel size: {:?}\nconditions: {}\ntolerance: {:e}",
            path.display(),
            self.shape,
            self.voxel_size,
            named(self.conditions),
            self.options.tolerance
        )
    }
}

/// The cell that the image shows, or its parts.
pub(super) fn image(path: &Path, args: &EffectiveArgs) -> Result<(), Failure> {
    refuse_others(args)?;
    let started = Instant::now();
    let sample = Sample::read(path, args)?;
    if args.batch.is_none() && args.refine.is_none() {
        return whole(sample, args, started);
    }
    if !sample.unused.is_empty() {
        output::say(&format!("warning: the image has no label {}", list(&sample.unused)));
    }
    match (args.batch.as_deref(), args.refine.as_deref()) {
        (Some(edges), _) => batch::batch(&sample, edges, path, args),
        (None, factors) => refine::refine(&sample, factors.unwrap_or("1"), path, args),
    }
}

/// Where what is solved is kept while an image is computed: with --checkpoints beside those of others, else beside the results.
fn checkpoints(sample: &Sample, args: &EffectiveArgs) -> Result<Option<Checkpoints>, Failure> {
    let about = sample.cell.fingerprint(&sample.options);
    let store = match (&args.checkpoints, &args.out) {
        (Some(folder), _) => Checkpoints::apart(folder, about),
        (None, Some(out)) => Checkpoints::new(out.join("checkpoints"), about),
        (None, None) => return Ok(None),
    };
    if !args.resume {
        store.clear()?;
    }
    Ok(Some(store))
}

/// Removes what was kept on the way to an answer that is there.
pub(crate) fn forget(kept: &Checkpoints) {
    if let Err(error) = kept.clear() {
        output::say(&format!("warning: {error}"));
    }
}

/// The numbers that tables have of an image, by name.
pub(crate) fn image_numbers(
    path: &Path,
    args: &EffectiveArgs,
    observer: &dyn Observer,
    store: &dyn Store,
) -> Result<Vec<(String, f64)>, Failure> {
    let sample = Sample::read(path, args)?;
    let found = sample.cell.effective_kept(&sample.options, observer, store)?;
    Ok(Rows::new(&[], sample.shape.len()).heading.into_iter().zip(numbers(&found)).collect())
}

fn whole(sample: Sample, args: &EffectiveArgs, started: Instant) -> Result<(), Failure> {
    let directory = args.out.as_deref().map(output_directory).transpose()?;
    let kept = checkpoints(&sample, args)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, kept.is_some())?;
    let Sample { shape, cell, options, voxel_size, conditions, unused } = sample;
    let method = method_named(options.solver);
    let found = match &kept {
        Some(kept) => cell.effective_kept(&options, &*terminal, &Occasional::new(kept.clone())),
        None => cell.effective(&options, &*terminal),
    };
    terminal.finish();
    let mut found = found?;
    let fields = found.fields.take();
    let bounds = found.effective.lower.clone().zip(found.effective.upper.clone()).map(|(l, u)| [l, u]);
    let mut answer = Answer::enclosed(found.effective.clone(), bounds, args.tolerance(), started);
    if !unused.is_empty() {
        answer.warn(format!("the image has no label {}", list(&unused)));
    }
    let closed: Vec<&str> = AXES.into_iter().zip(&found.percolating).filter(|(_, p)| **p == 0.0).map(|p| p.0).collect();
    if !closed.is_empty() {
        answer.warn(format!("nothing conducts from end to end along {}: exactly 0 there", closed.join(" and ")));
    }
    answer.add(beside(&found, conditions, &shape, &voxel_size));
    if let (Some(directory), Some(fields)) = (&directory, fields) {
        fields::write(directory, fields, (&shape, &voxel_size), named(conditions))?;
        let text = format!("{:#}\n", answer.describe(method, args.tolerance(), None));
        directory.write("effective.json", text.as_bytes())?;
        output::say(&format!(
            "fields: {}, {}",
            directory.path("fields.vti").display(),
            directory.dataset("fields").display()
        ));
    }
    show(&[answer], method, &[], args)?;
    if !args.json {
        output::line(&sentences(&found, conditions))?;
    }
    if let Some(kept) = kept {
        forget(&kept);
    }
    Ok(())
}

fn method_named(solver: VoxelSolver) -> &'static str {
    match solver {
        VoxelSolver::Multigrid => "multigrid",
        VoxelSolver::Fft => "fft",
    }
}

fn solver(method: Option<&str>) -> Result<VoxelSolver, Failure> {
    match method {
        None | Some("multigrid") => Ok(VoxelSolver::Multigrid),
        Some("fft") => Ok(VoxelSolver::Fft),
        Some(other) => {
            let message = format!("--method {other}: images are solved by multigrid or fft");
            Err(Failure::wrong_input(message).help("leave it out: multigrid takes fewer steps"))
        }
    }
}

fn named(conditions: Conditions) -> &'static str {
    match conditions {
        Conditions::Periodic => "periodic",
        Conditions::Faces => "potentials on two faces, no flux through the others",
    }
}

/// What stands beside the tensor in JSON.
fn beside(found: &VoxelAnswer, conditions: Conditions, shape: &[usize], voxel_size: &[f64]) -> Map<String, Value> {
    let mixture = &found.mixture;
    let value = json!({
        "conditions": named(conditions),
        "shape": shape,
        "voxel_size": voxel_size,
        "percolating": found.percolating,
        "tortuosity": tortuosity(found).iter().map(|t| t.is_finite().then_some(t)).collect::<Vec<_>>(),
        "anisotropy": anisotropy(found),
        "voigt": mixture.voigt,
        "reuss": mixture.reuss,
        "hashin_shtrikman": mixture.hashin_shtrikman,
    });
    value.as_object().cloned().unwrap_or_default()
}

/// The best value along each axis: the middle of the bounds, or the two-point value.
fn diagonal(found: &VoxelAnswer) -> Vec<f64> {
    let tensor: &Matrix = &found.effective.tensor;
    let middle = |d: usize| match (&found.effective.lower, &found.effective.upper) {
        (Some(lower), Some(upper)) => 0.5 * (lower[d][d] + upper[d][d]),
        _ => tensor[d][d],
    };
    (0..tensor.len()).map(middle).collect()
}

/// ⟨a⟩/a* along each axis.
fn tortuosity(found: &VoxelAnswer) -> Vec<f64> {
    diagonal(found).iter().map(|a| found.mixture.voigt / a).collect()
}

/// The largest of the three values over the smallest.
fn anisotropy(found: &VoxelAnswer) -> Option<f64> {
    let all = diagonal(found);
    let (least, most) = all.iter().fold((f64::INFINITY, 0.0f64), |(l, m), a| (l.min(*a), m.max(*a)));
    (least > 0.0).then(|| most / least)
}

fn sentences(found: &VoxelAnswer, conditions: Conditions) -> String {
    let number = |x: &f64| if x.is_finite() { output::number(*x) } else { "∞".into() };
    let each = |values: &[f64]| values.iter().map(number).collect::<Vec<_>>().join(", ");
    let (mixture, d) = (&found.mixture, found.percolating.len());
    let axes = AXES[..d].join(", ");
    let source = if found.effective.lower.is_some() { "the middle of the bounds" } else { "the two-point value" };
    let mut text = format!(
        "conditions: {}; a* is the two-point value{}\n",
        named(conditions),
        if found.effective.lower.is_some() {
            ", the truth of the picture lies between the bounds"
        } else {
            "; --bounds encloses the truth"
        }
    );
    text += &format!("percolating fraction along {axes}: {}\n", each(&found.percolating));
    text += &format!("tortuosity ⟨a⟩/a* along {axes}, by {source}: {}\n", each(&tortuosity(found)));
    if d > 1 {
        text +=
            &format!("anisotropy, largest over smallest: {}\n", number(&anisotropy(found).unwrap_or(f64::INFINITY)));
    }
    let [low, high] = mixture.hashin_shtrikman;
    text + &format!(
        "of the shares alone: Reuss {}, Voigt {}; if isotropic, Hashin–Shtrikman {} to {}",
        number(&mixture.reuss),
        number(&mixture.voigt),
        number(&low),
        number(&high)
    )
}

fn voxel_size(text: Option<&str>, d: usize) -> Result<Vec<f64>, Failure> {
    let Some(text) = text else { return Ok(vec![1.0; d]) };
    let sizes: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match sizes.as_deref() {
        Some(sizes) if sizes.len() == d && sizes.iter().all(|h| *h > 0.0 && h.is_finite()) => Ok(sizes.to_vec()),
        _ => {
            let message = format!(
                "--voxel-size {text}: expected {d} positive numbers, the edges along {}",
                &"x,y,z"[..2 * d - 1]
            );
            Err(Failure::wrong_input(message).help("such as --voxel-size 0.5,0.5,2"))
        }
    }
}

/// First voxel and number of voxels along each axis of `0:64,10:74`.
fn part(text: &str, shape: &[usize]) -> Result<[Vec<usize>; 2], Failure> {
    let range = |(text, n): (&str, &usize)| {
        let (from, to) = text.split_once(':')?;
        let number = |text: &str, missing: usize| {
            if text.trim().is_empty() { Some(missing) } else { text.trim().parse().ok() }
        };
        let (from, to) = (number(from, 0)?, number(to, *n)?);
        (from < to && to <= *n).then(|| (from, to - from))
    };
    let texts: Vec<&str> = text.split(',').collect();
    let ranges: Option<Vec<(usize, usize)>> = texts.iter().copied().zip(shape).map(range).collect();
    match ranges {
        Some(ranges) if texts.len() == shape.len() => {
            let (start, length) = ranges.into_iter().unzip();
            Ok([start, length])
        }
        _ => {
            let message = format!("--part {text}: expected A:B for each axis with 0 ≤ A < B, within {shape:?} voxels");
            Err(Failure::wrong_input(message).help("such as --part 0:64,:,10:74"))
        }
    }
}

/// States the memory of a large image, and refuses one that does not fit.
pub(super) fn fits(needed: usize, voxels: usize) -> Result<(), Failure> {
    let gigabytes = |bytes: usize| bytes as f64 / 1e9;
    if gigabytes(needed) >= 1.0 {
        output::say(&format!("{voxels} voxels: {:.1} GB of memory at most", gigabytes(needed)));
    }
    match available_memory() {
        Some(there) if there < needed => {
            let message = format!(
                "{voxels} voxels need {:.1} GB of memory, {:.1} GB are available",
                gigabytes(needed),
                gigabytes(there)
            );
            Err(Failure::wrong_input(message).help("take a part of the image"))
        }
        _ => Ok(()),
    }
}

/// What the system says is available, where it says so.
fn available_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<usize>().ok().map(|kilobytes| 1024 * kilobytes)
}

fn refuse_others(args: &EffectiveArgs) -> Result<(), Failure> {
    let others = [
        ("--coefficient", args.coefficient.is_some()),
        ("--tensor", args.tensor.is_some()),
        ("--slow", !args.slow.is_empty()),
        ("--resolution", args.resolution.is_some()),
        ("--seed", args.seed.is_some()),
    ];
    if let Some((name, _)) = others.iter().find(|(_, given)| *given) {
        return Err(Failure::wrong_input(format!("{name} with --image"))
            .help("an image is the material: leave that option out"));
    }
    if args.checkpoints.is_some() && (args.batch.is_some() || args.refine.is_some()) {
        return Err(Failure::wrong_input("--checkpoints with --batch or --refine")
            .help("these keep theirs beside their results"));
    }
    let keeps = args.checkpoints.is_some() || args.out.is_some() || args.batch.is_some() || args.refine.is_some();
    if args.resume && !keeps {
        return Err(Failure::wrong_input(
            "--resume: nothing is kept of an image without --checkpoints DIR or --out DIR",
        )
        .help("give the directory of the run that was stopped"));
    }
    if !(args.tolerance() > 0.0 && args.tolerance() < 1.0) {
        let message = format!("--tolerance {}: expected a number between 0 and 1", args.tolerance());
        return Err(
            Failure::wrong_input(message).help("leave it out: the default, 1e-10, is far below the error of voxels")
        );
    }
    Ok(())
}

fn list(labels: &[f64]) -> String {
    labels.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
