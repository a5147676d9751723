//! One dimension by finite elements: the upper bound from the energy, the lower one from a constant flux, and a mesh refined
//! where the two disagree.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::average::Section;
use super::{CellProblem1d, EffectiveTensor};
use crate::legendre::{Rule, gauss, lagrange_slopes, lobatto_points};
use crate::{Error, Result};

/// Elements at the start of the refinement.
const FIRST_ELEMENTS: usize = 8;
/// Rounds of refinement, enough to enclose a jump in 2⁻⁴⁸ of the cell.
const MAX_ROUNDS: usize = 52;
/// Elements with at least this share of the largest error are halved.
const MARKED: f64 = 0.05;
/// Rounds without gain after which rounding is all that is left.
const PATIENCE: usize = 3;
/// Most elements of a refined mesh.
const MAX_ELEMENTS: usize = 20_000;
/// Highest degree whose Lobatto basis is well conditioned here.
const MAX_DEGREE: usize = 16;

/// What finite elements found on one mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteElementSolution {
    /// 1/⟨1/a⟩ ≤ a*, the energy of the constant flux
    pub lower: f64,
    /// ⟨a(1 − χ′)²⟩ ≥ a*, the energy of the discrete corrector
    pub upper: f64,
    /// estimate of the error that each element's Gauss rule makes in the bounds, `[n]`
    pub quadrature_errors: Vec<f64>,
    /// the mesh, `[n + 1]`
    pub edges: Vec<f64>,
    /// the nodes in [0, P), ascending, `[n · degree]`
    pub nodes: Vec<f64>,
    /// χ at the nodes, of zero mean
    pub chi: Vec<f64>,
    /// each element's part of upper − lower, `[n]`: the average of (a(1 − χ′) − lower)²/a over it, without cancellation
    pub gaps: Vec<f64>,
}

/// Solves −(a(1 − χ′))′ = 0 with continuous elements of `degree` on the mesh `edges` of one period.
pub(super) fn solve(problem: &CellProblem1d<'_>, degree: usize, edges: &[f64]) -> Result<FiniteElementSolution> {
    if !(1..=MAX_DEGREE).contains(&degree) {
        let advice = "raise the number of elements rather than the degree";
        return Err(Error::parameter("degree", degree, format!("1 to {MAX_DEGREE}"), advice));
    }
    if edges.len() < 3 || edges.windows(2).any(|e| e[1].partial_cmp(&e[0]) != Some(std::cmp::Ordering::Greater)) {
        let found = format!("{} edges", edges.len());
        return Err(Error::parameter("edges", found, "at least 3, ascending", "start from a uniform mesh"));
    }
    let mesh = Mesh::new(problem, degree, edges)?;
    let local = mesh.local_correctors()?;
    mesh.solution(problem, &local)
}

/// Refines from a uniform mesh until the bounds agree to `tolerance` (relative) or nothing more is to be gained.
pub(super) fn effective(problem: &CellProblem1d<'_>, degree: usize, tolerance: f64) -> Result<EffectiveTensor> {
    let period = period(problem)?;
    let mut edges: Vec<f64> = (0..=FIRST_ELEMENTS).map(|i| period * i as f64 / FIRST_ELEMENTS as f64).collect();
    let (mut round, mut idle, mut best) = (0, 0, f64::INFINITY);
    loop {
        let solution = solve(problem, degree, &edges)?;
        let error = solution.error();
        idle = if error < 0.9 * best { 0 } else { idle + 1 };
        best = best.min(error);
        let refined = solution.refined(period, 0.1 * tolerance * solution.lower);
        let exhausted = round == MAX_ROUNDS || idle == PATIENCE || refined.len() > MAX_ELEMENTS;
        if error <= tolerance * solution.lower || exhausted || refined.len() == edges.len() {
            return Ok(EffectiveTensor {
                tensor: vec![vec![0.5 * (solution.lower + solution.upper)]],
                lower: Some(vec![vec![solution.lower]]),
                upper: Some(vec![vec![solution.upper]]),
                method: format!("finite elements of degree {degree} on {} elements", edges.len() - 1),
                iterations: round,
                residual: error,
                unknowns: solution.nodes.len() - 1,
            });
        }
        edges = refined;
        round += 1;
    }
}

pub(super) fn period(problem: &CellProblem1d<'_>) -> Result<f64> {
    problem.coefficient.period().ok_or_else(|| {
        let advice = "use the quadrature method, which averages along the line";
        Error::parameter("coefficient", problem.coefficient.text(), "one that is periodic in y", advice)
    })
}

/// The coefficient at every Gauss point, and the reference element.
struct Mesh<'a> {
    edges: &'a [f64],
    rule: Rule,
    nodes: Vec<f64>,
    /// `[gauss][node]`
    slopes: Vec<Vec<f64>>,
    /// a at the Gauss points, `[element][gauss]`
    a: Vec<Vec<f64>>,
}

impl<'a> Mesh<'a> {
    fn new(problem: &CellProblem1d<'_>, degree: usize, edges: &'a [f64]) -> Result<Self> {
        let rule = gauss(degree + 4);
        let nodes = lobatto_points(degree);
        let slopes = lagrange_slopes(&nodes, &rule.points);
        let a = sampled(problem, &rule, edges)?;
        Ok(Mesh { edges, rule, nodes, slopes, a })
    }

    fn width(&self, element: usize) -> f64 {
        self.edges[element + 1] - self.edges[element]
    }

    /// χ on each element, `[element][node]`, less its value at the left end and in units of half the element's width.
    ///
    /// The equations of all elements are eliminated down to the one flux F that runs through them: on each,
    /// ∫ a(1 − χ′)v′ = F [v], so χ = α − F β, and F makes the steps of χ add up to nothing. No matrix of the whole cell is
    /// formed: beside elements 2⁻⁴⁶ of the cell in width, its rounding would drown the others.
    fn local_correctors(&self) -> Result<Vec<Vec<f64>>> {
        let p = self.nodes.len() - 1;
        let solved = self.a.iter().map(|a| self.responses(a)).collect::<Result<Vec<_>>>()?;
        let across = |column: usize| -> f64 {
            solved.iter().enumerate().map(|(k, both)| self.width(k) * both[(p - 1, column)]).sum()
        };
        let flux = across(0) / across(1);
        let one =
            |both: &Mat<f64>| std::iter::once(0.0).chain((0..p).map(|j| both[(j, 0)] - flux * both[(j, 1)])).collect();
        Ok(solved.iter().map(one).collect())
    }

    /// α and β of one element at its nodes 1 to p, `[p, 2]`.
    fn responses(&self, a: &[f64]) -> Result<Mat<f64>> {
        let p = self.nodes.len() - 1;
        let points = || a.iter().zip(&self.rule.weights).zip(&self.slopes);
        let stiffness = Mat::from_fn(p, p, |i, j| points().map(|((a, w), d)| a * w * d[i + 1] * d[j + 1]).sum::<f64>());
        let loads = Mat::from_fn(p, 2, |i, column| match column {
            0 => points().map(|((a, w), d)| a * w * d[i + 1]).sum::<f64>(),
            _ if i + 1 == p => 1.0,
            _ => 0.0,
        });
        let factors = stiffness.llt(Side::Lower).map_err(|e| Error::Solver {
            solver: "cell problem by finite elements",
            message: format!("factorization of an element's {p} equations: {e:?}"),
            advice: "Check that the coefficient is positive and its contrast inside an element not beyond 1e12".into(),
        })?;
        Ok(factors.solve(&loads))
    }

    fn solution(&self, problem: &CellProblem1d<'_>, local: &[Vec<f64>]) -> Result<FiniteElementSolution> {
        let period = self.edges[self.a.len()] - self.edges[0];
        // over the Gauss points of element k: Σ w f(a, 1 − χ′), as its part of the average over the cell
        let averaged = |k: usize, f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let points = self.a[k].iter().zip(&self.rule.weights).zip(&self.slopes);
            let sum: f64 = points
                .map(|((a, w), d)| w * f(*a, 1.0 - d.iter().zip(&local[k]).map(|(d, c)| d * c).sum::<f64>()))
                .sum();
            0.5 * self.width(k) / period * sum
        };
        let elements = 0..self.a.len();
        let energy: f64 = elements.clone().map(|k| averaged(k, &|a, g| a * g * g)).sum();
        let flux = 1.0 / elements.clone().map(|k| averaged(k, &|a, _| 1.0 / a)).sum::<f64>();
        let gaps = elements.map(|k| averaged(k, &|a, g| (a * g - flux).powi(2) / a)).collect();
        let changes = self.quadrature_changes(problem)?;
        let (nodes, chi) = self.assembled(local, period);
        Ok(FiniteElementSolution {
            // rounding can put two equal numbers in the wrong order
            lower: flux.min(energy),
            upper: flux.max(energy),
            quadrature_errors: changes.iter().map(|c| c * flux * flux / period).collect(),
            edges: self.edges.to_vec(),
            nodes,
            chi,
            gaps,
        })
    }

    /// The nodes of the cell, the right end left out, and χ there, of zero mean.
    fn assembled(&self, local: &[Vec<f64>], period: f64) -> (Vec<f64>, Vec<f64>) {
        let p = self.nodes.len() - 1;
        let (mut nodes, mut chi, mut start, mut integral) = (Vec::new(), Vec::new(), 0.0, 0.0);
        let means = interpolation_weights(&self.nodes, &self.rule);
        for (k, values) in local.iter().enumerate() {
            let half = 0.5 * self.width(k);
            nodes.extend(self.nodes[..p].iter().map(|t| self.edges[k] + half * (1.0 + t)));
            chi.extend(values[..p].iter().map(|c| start + half * c));
            integral += half * (2.0 * start + half * values.iter().zip(&means).map(|(c, w)| c * w).sum::<f64>());
            start += half * values[p];
        }
        chi.iter_mut().for_each(|c| *c -= integral / period);
        (nodes, chi)
    }

    /// The change in ∫1/a over each element when its Gauss rule gets half as many points again, or is applied to its two
    /// halves: the larger one, as at a kink either can be small by chance.
    fn quadrature_changes(&self, problem: &CellProblem1d<'_>) -> Result<Vec<f64>> {
        let compliances = |rule: &Rule, edges: &[f64]| -> Result<Vec<f64>> {
            let a = sampled(problem, rule, edges)?;
            let one = |(e, a): (&[f64], &Vec<f64>)| {
                0.5 * (e[1] - e[0]) * a.iter().zip(&rule.weights).map(|(a, w)| w / a).sum::<f64>()
            };
            Ok(edges.windows(2).zip(&a).map(one).collect())
        };
        let halved: Vec<f64> = self.edges.windows(2).flat_map(|e| [e[0], 0.5 * (e[0] + e[1])]).collect();
        let halved = [halved.as_slice(), &self.edges[self.a.len()..]].concat();
        let own = compliances(&self.rule, self.edges)?;
        let richer = compliances(&gauss(self.rule.points.len() * 3 / 2), self.edges)?;
        let halves = compliances(&self.rule, &halved)?;
        let change = |k: usize| (own[k] - richer[k]).abs().max((own[k] - halves[2 * k] - halves[2 * k + 1]).abs());
        Ok((0..self.a.len()).map(change).collect())
    }
}

/// ∫ of each Lagrange polynomial of `nodes` over [−1, 1].
fn interpolation_weights(nodes: &[f64], rule: &Rule) -> Vec<f64> {
    let polynomial = |j: usize, t: f64| -> f64 {
        let others = (0..nodes.len()).filter(|&m| m != j);
        others.map(|m| (t - nodes[m]) / (nodes[j] - nodes[m])).product()
    };
    let integral = |j: usize| rule.points.iter().zip(&rule.weights).map(|(t, w)| w * polynomial(j, *t)).sum();
    (0..nodes.len()).map(integral).collect()
}

fn sampled(problem: &CellProblem1d<'_>, rule: &Rule, edges: &[f64]) -> Result<Vec<Vec<f64>>> {
    let section = Section { coefficient: problem.coefficient, x: problem.x, f: |a| a };
    let one = |e: &[f64]| {
        let half = 0.5 * (e[1] - e[0]);
        let y: Vec<f64> = rule.points.iter().map(|t| e[0] + half * (1.0 + t)).collect();
        let mut a = vec![0.0; y.len()];
        section.fill(&y, &mut a).map(|()| a)
    };
    edges.windows(2).map(one).collect()
}

impl FiniteElementSolution {
    /// Estimate of the absolute error of a*: the gap between the bounds and the error of quadrature in them.
    pub fn error(&self) -> f64 {
        self.gaps.iter().chain(&self.quadrature_errors).sum()
    }

    /// The mesh with the elements halved that hold most of the error, and more than their share of `allowed`.
    fn refined(&self, period: f64, allowed: f64) -> Vec<f64> {
        let errors: Vec<f64> = self.gaps.iter().zip(&self.quadrature_errors).map(|(g, q)| g + q).collect();
        let largest = errors.iter().copied().fold(0.0, f64::max);
        let mut edges = vec![self.edges[0]];
        for (e, error) in self.edges.windows(2).zip(&errors) {
            let middle = 0.5 * (e[0] + e[1]);
            let width = (e[1] - e[0]) / period;
            if *error >= MARKED * largest && *error > allowed * width && width > 2.0_f64.powi(-46) {
                edges.push(middle);
            }
            edges.push(e[1]);
        }
        edges
    }
}
