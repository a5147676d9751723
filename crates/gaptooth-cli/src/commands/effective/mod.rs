//! `gaptooth effective`

mod answer;
mod batch;
mod fields;
mod formulas;
mod image;
mod refine;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use gaptooth::{
    Error,
    cell::{self, CellMethod, EffectiveTensor},
    coefficient::{Coefficient, ExpressionCoefficient},
    io::Source,
};

use crate::args::EffectiveArgs;
use crate::failure::Failure;
use answer::{Answer, show};

pub(crate) use image::image_numbers;

/// Degree of the elements: rounding is reached on few of them.
const DEGREE: usize = 8;

const WORKS_NOW: &str = "what works now: --image FILE --map 0=1.0,1=0.0 with --voxel-size DX,DY,DZ; --lattice FILE.toml; --dim 1 --coefficient EXPR with --method quadrature, fem, fft or neural; --dim 2 or 3 --coefficient EXPR, or --tensor '[[E,E],[E,E]]', with --method fft or neural; --slow x=V, --tolerance, --bounds, --resolution";

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Quadrature,
    /// adaptive, or a fixed mesh with so many nodes
    Fem(Option<usize>),
}

/// The effective coefficient of a cell problem, at one or more slow points.
pub(super) fn effective(args: &EffectiveArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.lattice {
        return super::lattice::lattice(path, args);
    }
    if let Some(path) = &args.image {
        image::image(path, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    supported(args)?;
    if uses_formulas(args)? {
        formulas::formulas(args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(text) = args.coefficient.as_deref() else {
        return Err(Failure::wrong_input("--coefficient is missing").help(WORKS_NOW));
    };
    let method = method(args)?;
    let slow = slow_points(&args.slow)?;
    let (coefficient, renamed) = read(text, &slow)?;
    if coefficient.depends_on_x() && slow.is_empty() {
        let message = format!("the coefficient `{text}` depends on the slow variable x");
        return Err(Failure::wrong_input(message)
            .help("say where: --slow x=0.5; or write the fast variable as y, one period of which is the cell"));
    }
    let points = if slow.is_empty() { vec![0.0] } else { slow.clone() };
    let answers: Vec<Answer> = points
        .iter()
        .map(|&x| answer(&coefficient, x, method, args).map_err(|e| explain(e, "--coefficient", text, &renamed)))
        .collect::<Result<_, Failure>>()?;
    show(&answers, if method == Method::Quadrature { "quadrature" } else { "fem" }, &slow, args)?;
    Ok(ExitCode::SUCCESS)
}

/// The coefficient, and its text as the library knows it.
fn read(text: &str, slow: &[f64]) -> Result<(ExpressionCoefficient, String), Failure> {
    let domain = match slow {
        [] => [0.0, 0.0],
        _ => slow.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], &x| [a.min(x), b.max(x)]),
    };
    match ExpressionCoefficient::on_cell(text, domain) {
        Ok(coefficient) => {
            let known_as = coefficient.text();
            Ok((coefficient, known_as))
        }
        Err(error) => {
            let known_as = match &error {
                Error::Coefficient { text, .. } => text.clone(),
                _ => text.into(),
            };
            Err(explain(error, "--coefficient", text, &known_as))
        }
    }
}

/// That everything asked for is there.
fn supported(args: &EffectiveArgs) -> Result<(), Failure> {
    let refuse = |what: String| Err(Failure::wrong_input(what).help(WORKS_NOW));
    let random = args.seed.is_some() && args.method.as_deref() != Some("neural");
    if random {
        return Err(Failure::wrong_input("--seed: nothing is random here").help("it is for --method neural"));
    }
    let pictures = [
        ("--map", args.map.is_some()),
        ("--voxel-size", args.voxel_size.is_some()),
        ("--conditions", args.conditions.is_some()),
        ("--part", args.part.is_some()),
        ("--batch", args.batch.is_some()),
        ("--refine", args.refine.is_some()),
        ("--out", args.out.is_some()),
        ("--checkpoints", args.checkpoints.is_some()),
        ("--resume", args.resume),
    ];
    if let Some((name, _)) = pictures.iter().find(|(_, given)| *given) {
        return refuse(format!("{name} without --image"));
    }
    if !(args.tolerance() > 0.0 && args.tolerance() < 1.0) {
        return refuse(format!("--tolerance {}: expected a number between 0 and 1", args.tolerance()));
    }
    Ok(())
}

/// Whether Fourier collocation is meant: one dimension has its own default.
fn uses_formulas(args: &EffectiveArgs) -> Result<bool, Failure> {
    let several = args.tensor.is_some() || args.dim.is_some_and(|dim| dim != 1);
    match args.method.as_deref() {
        Some("fft" | "neural") => Ok(true),
        None => Ok(several),
        Some(other @ ("quadrature" | "fem")) if several => {
            let message = format!("--method {other}: tensors and several dimensions are solved by fft or neural");
            Err(Failure::wrong_input(message).help(WORKS_NOW))
        }
        Some(_) => Ok(false),
    }
}

fn method(args: &EffectiveArgs) -> Result<Method, Failure> {
    let refuse = |what: String| Err(Failure::wrong_input(what).help(WORKS_NOW));
    let nodes = match args.resolution.as_deref().map(str::parse::<usize>) {
        None => None,
        Some(Ok(n)) if (2 * DEGREE..=1_000_000).contains(&n) => Some(n),
        Some(_) => {
            let found = args.resolution.as_deref().unwrap_or_default();
            return refuse(format!("--resolution {found}: expected one number from {} to 1000000", 2 * DEGREE));
        }
    };
    match (args.method.as_deref(), nodes) {
        (None | Some("quadrature"), None) => Ok(Method::Quadrature),
        (None | Some("fem"), nodes) => Ok(Method::Fem(nodes)),
        (Some("quadrature"), Some(_)) => {
            refuse("--resolution: quadrature chooses its own points; use --method fem for a fixed mesh".into())
        }
        (Some(other), _) => refuse(format!("--method {other}: expected quadrature, fem, fft or neural")),
    }
}

/// `x=0.1,x=0.2`, also `x=0.1,0.2`, over all occurrences.
fn slow_points(given: &[String]) -> Result<Vec<f64>, Failure> {
    let parts = given.iter().flat_map(|g| g.split(',')).map(str::trim);
    parts
        .map(|part| {
            let text = part.strip_prefix('x').map_or(part, |rest| rest.trim_start().strip_prefix('=').unwrap_or(part));
            match text.trim().parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(x),
                _ => Err(Failure::wrong_input(format!("--slow {part}: expected x=NUMBER, such as x=0.5"))),
            }
        })
        .collect()
}

fn answer(coefficient: &ExpressionCoefficient, x: f64, method: Method, args: &EffectiveArgs) -> Result<Answer, Error> {
    let started = Instant::now();
    let elements = CellMethod::FiniteElement { degree: DEGREE };
    let (tensor, enclosing) = match method {
        Method::Quadrature => {
            let tensor = cell::effective(coefficient, x, CellMethod::Quadrature, args.tolerance())?;
            let wanted =
                args.bounds.then(|| cell::effective(coefficient, x, elements, args.tolerance())).transpose()?;
            (tensor, wanted)
        }
        Method::Fem(None) => {
            let tensor = cell::effective(coefficient, x, elements, args.tolerance())?;
            (tensor.clone(), Some(tensor))
        }
        Method::Fem(Some(nodes)) => {
            let tensor = fixed_mesh(coefficient, x, nodes)?;
            (tensor.clone(), Some(tensor))
        }
    };
    Ok(Answer::new(tensor, enclosing.as_ref().filter(|_| args.bounds), args.tolerance(), started))
}

/// Finite elements on equal elements with about so many nodes.
fn fixed_mesh(coefficient: &ExpressionCoefficient, x: f64, nodes: usize) -> Result<EffectiveTensor, Error> {
    let elements = nodes.div_ceil(DEGREE);
    let found = cell::CellProblem1d::new(coefficient, x).finite_element(DEGREE, elements)?;
    Ok(EffectiveTensor {
        tensor: vec![vec![0.5 * (found.lower + found.upper)]],
        lower: Some(vec![vec![found.lower]]),
        upper: Some(vec![vec![found.upper]]),
        method: format!("finite elements of degree {DEGREE} on {elements} equal elements"),
        iterations: 0,
        residual: found.error(),
        unknowns: found.nodes.len() - 1,
    })
}

/// The library's error, about the text as typed.
fn explain(error: Error, option: &str, text: &str, renamed: &str) -> Failure {
    let source = Source { name: option.into(), text: text.into() };
    let span = match &error {
        Error::Expression { position, .. } => {
            let start = text.chars().take(*position).map(char::len_utf8).sum::<usize>();
            Some(start..start + text.chars().nth(*position).map_or(0, char::len_utf8))
        }
        _ => None,
    };
    let mut failure = Failure::from(error).at(&source, span);
    failure.message = failure.message.replace(renamed, text);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_points_are_read_in_every_form() {
        let read = |s: &[&str]| slow_points(&s.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(&["x=0.5"]).unwrap(), [0.5]);
        assert_eq!(read(&["x=0.1,x=-2e-1", "0.3"]).unwrap(), [0.1, -0.2, 0.3]);
        assert!(read(&["x=nan"]).is_err() && read(&["z=1"]).is_err() && read(&[""]).is_err());
    }
}
