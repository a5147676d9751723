//! An equation of your own as a residual: −u″ + u³ = f on (0, π), u = 0 at both ends, with a manufactured solution sin x.

use std::f64::consts::PI;

use gaptooth::{
    Result,
    nn::{Activation, GaussNewton, JetSpec, LeastSquares, Mlp},
    observer::Silent,
    pinn::{Ansatz, Collocation, Embedding, NeuralField, Plan, Residual, dirichlet_factor, grid, solve},
    report::{Check, Report},
};

// ANCHOR: equation
/// −u″ + u³ = f.
struct Cubic;

impl Residual for Cubic {
    fn names(&self) -> Vec<String> {
        vec!["equation".into()]
    }

    /// Value, slope and second derivative.
    fn jets(&self) -> JetSpec {
        JetSpec::laplacian(1)
    }

    /// f at a point, asked once.
    fn data(&self, x: &[f64]) -> Vec<f64> {
        vec![x[0].sin() + x[0].sin().powi(3)]
    }

    /// r and its derivatives by value, slope and second derivative.
    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
        r[0] = -u[2] + u[0].powi(3) - data[0];
        slope.copy_from_slice(&[3.0 * u[0] * u[0], 0.0, -1.0]);
    }
}
// ANCHOR_END: equation

/// Runs the example; its report holds the checks.
pub fn run() -> Result<Report> {
    let domain = [[0.0, PI]];
    // the factor vanishes at both ends, so the boundary values are exact
    let ansatz = Ansatz::plain(1, Embedding::scaled(&domain), 1).with_factor(dirichlet_factor(&domain));
    let net = Mlp::new(&[1, 12, 12, 1], Activation::Tanh, 7)?;
    let sum = |points| Collocation::new(&ansatz, &net, &Cubic.jets())?.equation(&Cubic, points, 1.0);
    let (training, between) = (sum(&grid(&domain, &[40], false))?, sum(&grid(&domain, &[53], false))?);
    let held_out: Option<&dyn LeastSquares> = Some(&between);
    let mut p = net.parameters().to_vec();
    let mut optimizer = GaussNewton::default();
    let plan = Plan { iterations: 80, ..Plan::default() };
    let trained = solve(&training, held_out, &mut optimizer, &plan, &mut p, None, &mut |_| Ok(()), &Silent)?;
    let points = grid(&domain, &[101], true);
    let found = NeuralField::new(&ansatz, &net, &p).values(&points);
    let error = points.iter().zip(&found).map(|(x, u)| (u - x[0].sin()).abs()).fold(0.0, f64::max);
    let checks = vec![
        Check::at_most("largest_error", error, 1e-6),
        Check::at_most("iterations", trained.iterations as f64, 80.0),
    ];
    Ok(Report { study: "own_equation_1d".into(), checks, ..Report::default() })
}

fn main() -> Result<()> {
    for check in run()?.checks {
        println!("{:40} {:12.4e}  passed: {}", check.name, check.value, check.passed);
    }
    Ok(())
}
