//! What a neural study leaves in files: fields on grids, and the networks.

use serde_json::json;

use super::config::NeuralStudyConfig;
use super::elliptic::{EllipticProblem, Material};
use super::{elliptic_nets, reaction};
use crate::{
    nn::Activation,
    pinn::{NeuralField, grid},
    study::{FieldArray, Fields, Network},
};

/// A network with what it computes: `inputs` in the order of the first layer's, `meaning` of the field in terms of N.
pub(super) fn network(field: &NeuralField, seed: u64, inputs: &[String], meaning: &str) -> Network {
    let mut tensors = field.net.to_tensors();
    if !field.coefficients.is_empty() {
        tensors.push(("coefficients".into(), vec![field.coefficients.len()], field.coefficients.clone()));
    }
    let activation = if field.net.activation() == Activation::Sine { "sin" } else { "tanh" };
    let card = json!({
        "gaptooth_version": crate::VERSION, "seed": seed, "activation": activation, "widths": field.net.widths(),
        "inputs": inputs, "meaning": meaning,
    });
    Network { tensors, card }
}

/// sin and cos of 2π times each coordinate over its period.
pub(super) fn waves(names: &[&str], period: f64) -> Vec<String> {
    let over = if period == 1.0 { String::new() } else { format!("/{period}") };
    names.iter().flat_map(|y| ["sin", "cos"].map(|f| format!("{f}(2*pi*{y}{over})"))).collect()
}

/// Each coordinate mapped onto [−1, 1].
pub(super) fn scaled(names: &[&str], domain: &[[f64; 2]]) -> Vec<String> {
    names.iter().zip(domain).map(|(x, [a, b])| format!("2*({x} - ({a}))/({b} - ({a})) - 1")).collect()
}

/// Names of the coordinates in `dimension` dimensions.
pub(super) fn names(letter: &str, dimension: usize) -> Vec<String> {
    if dimension == 1 { vec![letter.into()] } else { (1..=dimension).map(|i| format!("{letter}{i}")).collect() }
}

fn array(name: &str, dims: &[String], data: Vec<f64>, long_name: &str) -> FieldArray {
    FieldArray { name: name.into(), dims: dims.to_vec(), data, long_name: long_name.into() }
}

fn seeds(config: &NeuralStudyConfig) -> (String, Vec<f64>) {
    ("seed".into(), super::run::seeds(config).iter().map(|s| *s as f64).collect())
}

fn with_seed(dims: &[String]) -> Vec<String> {
    [&["seed".to_string()], dims].concat()
}

/// Solutions over x; correctors over y, or a*(x).
pub(super) fn elliptic(
    config: &NeuralStudyConfig,
    problem: &EllipticProblem,
    truth: &elliptic_nets::Truth,
    repeats: &[elliptic_nets::Repeat],
) -> Vec<(String, Fields)> {
    let d = problem.dimension();
    let x = names("x", d);
    let along = |i: usize| {
        let mut values: Vec<f64> = truth.points.iter().map(|p| p[i]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let mut coordinates: Vec<(String, Vec<f64>)> = x.iter().cloned().enumerate().map(|(i, n)| (n, along(i))).collect();
    coordinates.push(seeds(config));
    let solutions = repeats.iter().flat_map(|r| r.solution.clone()).collect();
    let mut all = vec![(
        "solutions".to_string(),
        Fields {
            coordinates,
            arrays: vec![
                array("u_epsilon", &x, truth.multiscale.values.clone(), "multiscale solution, finite elements"),
                array("u_0", &x, truth.homogenized.values.clone(), "homogenized solution, finite elements"),
                array("u_corrected", &x, truth.corrected.clone(), "u_0 + epsilon chi . grad u_0"),
                array("u_network", &with_seed(&x), solutions, "homogenized solution, network"),
            ],
        },
    )];
    if let Some(cell) = &truth.cell {
        let y = names("y", d);
        let mut coordinates: Vec<(String, Vec<f64>)> = y
            .iter()
            .cloned()
            .zip(&cell.points)
            .map(|(n, k)| (n, (0..*k).map(|i| i as f64 / *k as f64).collect()))
            .collect();
        coordinates.extend([("direction".to_string(), (1..=d).map(|j| j as f64).collect()), seeds(config)]);
        let dims = [&["direction".to_string()], &y[..]].concat();
        let networks = repeats.iter().flat_map(|r| r.correctors.concat()).collect();
        let arrays = vec![
            array("chi", &dims, cell.correctors.concat(), "corrector, Fourier collocation"),
            array("chi_network", &with_seed(&dims), networks, "corrector, network"),
        ];
        all.push(("cell".into(), Fields { coordinates, arrays }));
    }
    if matches!(problem.material, Material::Slow(..)) {
        let at = grid(&problem.domain, &[repeats[0].slow.len()], true).concat();
        let exact: Vec<[f64; 2]> = at.iter().map(|x| problem.effective(*x)).collect();
        let column = |all: &[[f64; 2]], k: usize| all.iter().map(|a| a[k]).collect::<Vec<f64>>();
        let of_networks = |k: usize| repeats.iter().flat_map(|r| column(&r.slow, k)).collect();
        let arrays = vec![
            array("a_star", &x, column(&exact, 0), "effective coefficient"),
            array("a_star_slope", &x, column(&exact, 1), "its derivative by x"),
            array("a_star_network", &with_seed(&x), of_networks(0), "effective coefficient, network"),
            array("a_star_slope_network", &with_seed(&x), of_networks(1), "its derivative by x, network"),
        ];
        all.push(("effective".into(), Fields { coordinates: vec![("x".into(), at), seeds(config)], arrays }));
    }
    all
}

/// Solutions at the last time over x, the corrector over y.
pub(super) fn reaction(
    config: &NeuralStudyConfig,
    problem: &reaction::Reaction,
    truth: &reaction::Truth,
    repeats: &[reaction::Repeat],
) -> Vec<(String, Fields)> {
    let [x, y] = ["x", "y"].map(|n| vec![n.to_string()]);
    let solutions = repeats.iter().flat_map(|r| r.solution.clone()).collect();
    let correctors = repeats.iter().flat_map(|r| r.corrector.clone()).collect();
    let over_x = vec![
        array("u_epsilon", &x, truth.multiscale.clone(), "multiscale solution at the last time, finite elements"),
        array("u_0", &x, truth.homogenized.clone(), "homogenized solution, finite elements"),
        array("u_corrected", &x, truth.corrected.clone(), "u_0 + epsilon N u_0"),
        array("u_network", &with_seed(&x), solutions, "homogenized solution, network"),
    ];
    let over_y = vec![
        array("N", &y, truth.corrector.clone(), "corrector, Fourier collocation"),
        array("N_network", &with_seed(&y), correctors, "corrector, network"),
    ];
    let fields =
        |name: &str, at: Vec<f64>, arrays| Fields { coordinates: vec![(name.into(), at), seeds(config)], arrays };
    vec![
        (format!("solutions{}", problem.suffix), fields("x", truth.points.concat(), over_x)),
        (format!("cell{}", problem.suffix), fields("y", problem.cell_points(), over_y)),
    ]
}
