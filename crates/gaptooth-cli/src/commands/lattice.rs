//! `gaptooth effective --lattice`

use std::{path::Path, process::ExitCode, time::Instant};

use gaptooth::{
    VERSION,
    cell::lattice::LatticeEquation,
    coefficient::lattice::{Bond, BondLattice},
    io::{Source, atomic::read_text},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::EffectiveArgs;
use crate::failure::Failure;
use crate::output;

/// The file: bonds in index order [x][y][z], and which bond an entry is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LatticeFile {
    kx: toml::Value,
    ky: Option<toml::Value>,
    kz: Option<toml::Value>,
    bond: Bond,
}

/// What is printed: the tensor and every derivative of the homogenized equation up to fourth order.
struct Answer {
    tensor: Vec<Vec<f64>>,
    terms: Vec<(Vec<usize>, f64)>,
    points: usize,
}

/// The effective equation of a lattice of spacing 1.
pub(super) fn lattice(path: &Path, args: &EffectiveArgs) -> Result<ExitCode, Failure> {
    refuse_others(args)?;
    let source = Source { name: path.display().to_string(), text: read_text(path)? };
    let started = Instant::now();
    let answer = solve_file(&source, args.dim)?;
    if args.json {
        output::json(&describe(&answer, args, started.elapsed().as_secs_f64()))?;
    } else {
        let mut rows = vec![["derivative", "coefficient"].map(String::from).to_vec()];
        rows.extend(answer.terms.iter().map(|(alpha, c)| vec![derivative(alpha), format!("{c:.13e}")]));
        output::line(&format!("{}by the discrete cell problems, lattice spacing 1", output::columns(&rows)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The effective equation of the lattice that a text describes.
fn solve_file(source: &Source, dim: Option<u8>) -> Result<Answer, Failure> {
    let file: LatticeFile = toml::from_str(&source.text).map_err(|e| source.misread(&e))?;
    let given: Vec<(&str, &toml::Value)> = [("kx", Some(&file.kx)), ("ky", file.ky.as_ref()), ("kz", file.kz.as_ref())]
        .into_iter()
        .filter_map(|(name, table)| table.map(|t| (name, t)))
        .collect();
    if file.ky.is_none() && file.kz.is_some() {
        return Err(
            Failure::wrong_input(format!("{}: kz without ky", source.name)).help("three dimensions have kx, ky and kz")
        );
    }
    let dimension = given.len();
    if let Some(dim) = dim.filter(|dim| usize::from(*dim) != dimension) {
        let message = format!("--dim {dim}: {} gives the bonds of {dimension} directions", source.name);
        return Err(Failure::wrong_input(message).help("leave --dim out, or add or take away kx, ky, kz"));
    }
    let mut tables = Vec::new();
    for (name, table) in given {
        let (mut shape, mut values) = (vec![0; dimension], Vec::new());
        flatten(table, 0, &mut shape, &mut values).map_err(|what| {
            let help = format!("write {name} as {dimension} nested lists of numbers, all of one length on each level");
            Failure::wrong_input(format!("{}: {name}: {what}", source.name)).help(help)
        })?;
        tables.push((shape, values));
    }
    if let Some((shape, _)) = tables.iter().find(|(shape, _)| *shape != tables[0].0) {
        let message = format!("{}: tables of {:?} and {shape:?} entries", source.name, tables[0].0);
        return Err(Failure::wrong_input(message).help("give every direction one entry per point of the same period"));
    }
    match dimension {
        1 => solve::<1>(&tables, file.bond),
        2 => solve::<2>(&tables, file.bond),
        _ => solve::<3>(&tables, file.bond),
    }
}

/// Options that say nothing about a lattice are mistakes.
fn refuse_others(args: &EffectiveArgs) -> Result<(), Failure> {
    let others = [
        ("--coefficient", args.coefficient.is_some()),
        ("--tensor", args.tensor.is_some()),
        ("--image", args.image.is_some()),
        ("--map", args.map.is_some()),
        ("--voxel-size", args.voxel_size.is_some()),
        ("--conditions", args.conditions.is_some()),
        ("--slow", !args.slow.is_empty()),
        ("--method", args.method.is_some()),
        ("--resolution", args.resolution.is_some()),
        ("--seed", args.seed.is_some()),
        ("--part", args.part.is_some()),
        ("--batch", args.batch.is_some()),
        ("--refine", args.refine.is_some()),
        ("--out", args.out.is_some()),
        ("--checkpoints", args.checkpoints.is_some()),
        ("--resume", args.resume),
    ];
    match others.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Failure::wrong_input(format!("{name} with --lattice"))
            .help("a lattice is solved directly and exactly: leave that option out")),
        None => Ok(()),
    }
}

/// Numbers of nested lists, and the length of each level.
fn flatten(value: &toml::Value, level: usize, shape: &mut [usize], values: &mut Vec<f64>) -> Result<(), String> {
    let number = value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
    match (value.as_array(), number) {
        (Some(list), _) if level < shape.len() => {
            if shape[level] != 0 && shape[level] != list.len() || list.is_empty() {
                return Err(format!("a list of {} entries", list.len()));
            }
            shape[level] = list.len();
            list.iter().try_for_each(|one| flatten(one, level + 1, shape, values))
        }
        (None, Some(number)) if level == shape.len() => {
            values.push(number);
            Ok(())
        }
        _ => Err(format!("found {value} at depth {level}")),
    }
}

fn solve<const D: usize>(tables: &[(Vec<usize>, Vec<f64>)], bond: Bond) -> Result<Answer, Failure> {
    let periods: [usize; D] = std::array::from_fn(|d| tables[0].0[d]);
    let lattice = BondLattice::new(periods, std::array::from_fn(|d| tables[d].1.clone()), bond)?;
    let equation = LatticeEquation::new(&lattice, [1.0; D], 4)?;
    Ok(Answer {
        tensor: equation.tensor().iter().map(|row| row.to_vec()).collect(),
        terms: equation.terms().into_iter().map(|(a, c)| (a.to_vec(), c)).collect(),
        points: periods.iter().product(),
    })
}

/// `xxy` for two derivatives along x and one along y.
fn derivative(alpha: &[usize]) -> String {
    alpha.iter().zip(["x", "y", "z"]).map(|(n, name)| name.repeat(*n)).collect()
}

fn describe(answer: &Answer, args: &EffectiveArgs, seconds: f64) -> Value {
    let rounding = 1e-15 * answer.tensor.iter().flatten().fold(0.0f64, |m, a| m.max(a.abs()));
    let warnings: &[&str] =
        if args.bounds { &["a lattice is solved exactly, to rounding: there are no bounds"] } else { &[] };
    let terms: Vec<Value> =
        answer.terms.iter().map(|(a, c)| json!({ "derivative": derivative(a), "coefficient": c })).collect();
    json!({
        "tensor": answer.tensor,
        "lower": null,
        "upper": null,
        "midpoint": null,
        "method": "lattice",
        "details": "discrete cell problems by Cholesky; derivatives of order 4 are for lattice spacing 1",
        "equation": terms,
        "iterations": 0,
        "residual": rounding,
        "tolerance": args.tolerance(),
        "unknowns": answer.points,
        "wall_seconds": seconds,
        "version": VERSION,
        "warnings": warnings,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whatever the text, an answer or a failure.
    pub(crate) fn read_hostile(text: &str) {
        let source = Source { name: "hostile.toml".into(), text: text.into() };
        if let Err(failure) = solve_file(&source, None) {
            assert!(!failure.message.is_empty());
        }
    }
}
