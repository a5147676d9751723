//! `gaptooth effective --method fft` and `--method neural`: scalars and tensors of expressions in one to three dimensions.

use std::time::Instant;

use gaptooth::{
    Error,
    cell::{self, Collocation, EffectiveTensor},
    coefficient::{CellTensor, FormulaTensor},
    pinn::NeuralCell,
};

use super::answer::{Answer, show};
use super::{WORKS_NOW, explain, slow_points};
use crate::args::EffectiveArgs;
use crate::commas::split;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Terminal;

/// What the user wrote: one expression, or rows of them.
struct Given<'a> {
    option: &'static str,
    text: &'a str,
    rows: Vec<Vec<&'a str>>,
    dimension: usize,
}

/// How the cell problems are solved.
enum Solver {
    Fourier(Collocation),
    Neural(NeuralCell),
}

impl Solver {
    fn new(args: &EffectiveArgs, dimension: usize) -> Result<Self, Failure> {
        if args.method.as_deref() != Some("neural") {
            return Ok(Solver::Fourier(Collocation {
                tolerance: args.tolerance(),
                points: args.resolution.as_deref().map(|text| points(text, dimension)).transpose()?,
                bounds: args.bounds,
                ..Default::default()
            }));
        }
        let mut cell = NeuralCell { tolerance: args.tolerance(), ..NeuralCell::new(dimension) };
        cell.seed = args.seed.unwrap_or(cell.seed);
        if let Some(text) = &args.resolution {
            let most = [1000, 64, 20][dimension - 1];
            cell.points = match text.trim().parse() {
                Ok(n) if (4..=most).contains(&n) => n,
                _ => {
                    let message =
                        format!("--resolution {text}: expected one number of training points per axis, 4 to {most}");
                    return Err(
                        Failure::wrong_input(message).help("leave it out: the default suits smooth coefficients")
                    );
                }
            };
        }
        Ok(Solver::Neural(cell))
    }

    fn solve(&self, tensor: &FormulaTensor, terminal: &Terminal) -> Result<EffectiveTensor, Error> {
        let found = match self {
            Solver::Fourier(solver) => solver.observed(tensor, terminal).map(|found| found.effective),
            Solver::Neural(solver) => solver.solve(tensor, terminal).map(|found| found.cell.effective),
        };
        terminal.finish();
        found
    }
}

/// Solves the cell problem at every slow point.
pub(super) fn formulas(args: &EffectiveArgs) -> Result<(), Failure> {
    let given = given(args)?;
    let solver = Solver::new(args, given.dimension)?;
    let terminal = Terminal::new();
    interrupt::listen(&terminal, false)?;
    let slow = slow_points(&args.slow)?;
    let places: Vec<Option<f64>> = if slow.is_empty() { vec![None] } else { slow.iter().copied().map(Some).collect() };
    let one = |x: &Option<f64>| {
        let started = Instant::now();
        let tensor = read(&given, *x)?;
        if args.method.is_none() && given.dimension > 1 && tensor.is_scalar() && cell::has_jumps(&tensor) {
            return by_voxels(&tensor, &given, args, (started, &terminal));
        }
        let found = solver.solve(&tensor, &terminal).map_err(|e| blamed(e, &tensor.text(), &given))?;
        let neural = matches!(solver, Solver::Neural(_));
        // a network's answer is worth its bounds, which count the quadrature's error already
        let enclosing = EffectiveTensor { residual: if neural { 0.0 } else { found.residual }, ..found.clone() };
        let bounded = args.bounds || neural;
        let mut answer = Answer::new(found.clone(), bounded.then_some(&enclosing), args.tolerance(), started);
        if args.bounds && !neural && !found.converged(args.tolerance()) {
            answer.warn("the bounds hold up to an error of quadrature of that size".into());
        }
        Ok(answer)
    };
    let answers = places.iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
    show(&answers, if matches!(solver, Solver::Neural(_)) { "neural" } else { "fft" }, &slow, args)
}

/// A coefficient that jumps, as a picture.
fn by_voxels(
    tensor: &FormulaTensor,
    given: &Given,
    args: &EffectiveArgs,
    (started, terminal): (Instant, &Terminal),
) -> Result<Answer, Failure> {
    let d = given.dimension;
    let voxels = match &args.resolution {
        Some(text) => points(text, d)?,
        // a multiple of ten, as decimal fractions are where people put jumps
        None => vec![[0, 0, 640, 100][d]; d],
    };
    let found = cell::sampled(tensor, &voxels, args.tolerance(), terminal);
    terminal.finish();
    let found = found.map_err(|e| blamed(e, &tensor.text(), given))?;
    let bounds = found.lower.clone().zip(found.upper.clone()).map(|(l, u)| [l, u]).filter(|_| args.bounds);
    let mut answer = Answer::enclosed(found, bounds, args.tolerance(), started);
    answer.warn(format!(
        "the coefficient jumps: solved as a picture of {} voxels, with its values in the middle of each. Bounds hold for that picture, and for \
         the coefficient if its jumps run along faces of voxels; --resolution N makes them finer, --method fft takes the points as they are",
        voxels.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
    ));
    Ok(answer)
}

fn given(args: &EffectiveArgs) -> Result<Given<'_>, Failure> {
    let refuse = |what: String| Err(Failure::wrong_input(what).help(WORKS_NOW));
    let asked = args.dim.map(usize::from);
    if let Some(dim) = asked.filter(|d| !(1..=3).contains(d)) {
        return refuse(format!("--dim {dim}: expected 1, 2 or 3"));
    }
    match (args.coefficient.as_deref(), args.tensor.as_deref()) {
        (Some(_), Some(_)) => refuse("--tensor and --coefficient are two materials: give one".into()),
        (Some(text), None) => {
            Ok(Given { option: "--coefficient", text, rows: vec![vec![text]], dimension: asked.unwrap_or(1) })
        }
        (None, Some(text)) => {
            let Some(rows) = table(text) else {
                return refuse(format!("--tensor {text}: expected rows of expressions, such as [[2,0.1],[0.1,1]]"));
            };
            let d = rows.len();
            if d > 3 || rows.iter().any(|row| row.len() != d) || asked.is_some_and(|dim| dim != d) {
                let shape: Vec<usize> = rows.iter().map(Vec::len).collect();
                let dim = asked.map_or("1, 2 or 3".into(), |d| d.to_string());
                return refuse(format!("--tensor has rows of {shape:?} entries: expected a square of {dim} rows"));
            }
            Ok(Given { option: "--tensor", text, rows, dimension: d })
        }
        (None, None) => refuse("--coefficient is missing".into()),
    }
}

/// `64`, or `64,32,32`.
fn points(text: &str, dimension: usize) -> Result<Vec<usize>, Failure> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    let all = match numbers.as_deref() {
        Some([one]) => vec![*one; dimension],
        Some(several) if several.len() == dimension => several.to_vec(),
        _ => vec![],
    };
    let most = Collocation::default().max_unknowns;
    let product = all.iter().fold(1usize, |product, n| product.saturating_mul(*n));
    if all.is_empty() || all.iter().any(|n| *n < 4) || product > most {
        let message =
            format!("--resolution {text}: expected one number or {dimension}, from 4, at most {most} points in all");
        return Err(Failure::wrong_input(message).help("leave it out: the grid is doubled until the tensor settles"));
    }
    Ok(all)
}

/// The rows of `[[E,E],[E,E]]`; commas within parentheses belong to the expressions.
fn table(text: &str) -> Option<Vec<Vec<&str>>> {
    let inside = |text: &'_ str| -> Option<(usize, usize)> {
        let trimmed = text.trim();
        let start = text.len() - text.trim_start().len();
        (trimmed.len() >= 2 && trimmed.starts_with('[') && trimmed.ends_with(']'))
            .then_some((start + 1, start + trimmed.len() - 1))
    };
    let (start, end) = inside(text)?;
    split(&text[start..end])
        .into_iter()
        .map(|part| inside(part).map(|(a, b)| split(&part[a..b]).into_iter().map(str::trim).collect()))
        .collect()
}

/// The material at a slow point.
fn read(given: &Given<'_>, x: Option<f64>) -> Result<FormulaTensor, Failure> {
    let constants: Vec<(&str, f64)> = x.map(|x| ("x", x)).into_iter().collect();
    let error = match FormulaTensor::on_cell(&given.rows, given.dimension, &constants) {
        Ok(tensor) => return Ok(tensor),
        Err(error) => error,
    };
    if matches!(&error, Error::Expression { message, .. } if message.starts_with("unknown name `x`")) {
        let message = format!("the coefficient `{}` depends on the slow variable x", given.text);
        return Err(Failure::wrong_input(message).help(
            "say where: --slow x=0.5; or write the fast variables as y1, y2, …, one period of which is the cell",
        ));
    }
    Err(blamed(error, given.text, given))
}

/// The library's error, at the expression that it is about.
fn blamed(error: Error, known_as: &str, given: &Given<'_>) -> Failure {
    match error {
        Error::Expression { text, position, message } => {
            // entries are parts of the text
            let entry = given.rows.iter().flatten().find(|entry| **entry == text);
            let offset = entry.map_or(0, |entry| entry.as_ptr().addr() - given.text.as_ptr().addr());
            let before = given.text[..offset].chars().count();
            let error = Error::Expression { text: given.text.into(), position: before + position, message };
            explain(error, given.option, given.text, given.text)
        }
        other => explain(other, given.option, given.text, known_as),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_expressions_are_split_at_their_own_commas() {
        let rows = table(" [[where(y1<0.5, 1, 2), 0.1],[0.1,max(y2,1)]] ").unwrap();
        assert_eq!(rows, [["where(y1<0.5, 1, 2)", "0.1"], ["0.1", "max(y2,1)"]]);
        assert_eq!(table("[[2]]").unwrap(), [["2"]]);
        assert!(table("2").is_none() && table("[2,3]").is_none() && table("[[1,2],3]").is_none());
    }

    #[test]
    fn resolutions_are_read() {
        assert_eq!(points("64", 3).unwrap(), [64, 64, 64]);
        assert_eq!(points("64, 32", 2).unwrap(), [64, 32]);
        assert!(points("64,32", 3).is_err() && points("2", 1).is_err() && points("1e2", 2).is_err());
        assert!(points("5000", 2).is_err());
    }
}
