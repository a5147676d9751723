//! The elliptic problem, its converged references, and the laws that homogenize it.

use super::config::ReferenceConfig;
use crate::{
    Error, Result,
    cell::{CellProblem1d, CellSolution, Collocation},
    coefficient::{Coefficient, ExpressionCoefficient, Formula, FormulaTensor},
    fem::{
        line::LineProblem,
        plane::{PlaneBoundary, PlaneCoefficient, PlaneElement, PlaneProblem},
    },
    nn::Taylor,
    pinn::{grid, tensor_at},
};

/// −∇·(a(x, x/ε)∇u) = f, u = 0 on the boundary of a box in one or two dimensions.
pub(super) struct EllipticProblem {
    pub(super) domain: Vec<[f64; 2]>,
    pub(super) epsilon: f64,
    pub(super) material: Material,
    source: Formula,
}

/// a(y), or a(x, y) on a line.
pub(super) enum Material {
    Cell(FormulaTensor),
    /// with its derivatives by y and x
    Slow(Box<ExpressionCoefficient>, [Formula; 2]),
}

/// The coefficient of a homogenized equation.
pub(super) enum Law<'a> {
    Constant(Vec<Vec<f64>>),
    /// a*(x) and its slope
    Slow(&'a (dyn Fn(f64) -> [f64; 2] + Sync)),
}

/// A solution at the points of comparison, with its gradient, and the relative error that refinement shows.
pub(super) struct Reference {
    pub(super) values: Vec<f64>,
    /// `[point][direction]`
    pub(super) gradients: Vec<Vec<f64>>,
    pub(super) error: f64,
}

fn variables(dimension: usize) -> Vec<&'static str> {
    if dimension == 1 { vec!["x", "x1"] } else { vec!["x1", "x2"] }
}

impl EllipticProblem {
    pub(super) fn new(domain: &[[f64; 2]], epsilon: f64, coefficient: &str, source: &str) -> Result<Self> {
        let refuse = |key: &str, message: String| Err(Error::Config { path: format!("equation.0.{key}"), message });
        if !(1..=2).contains(&domain.len()) {
            return refuse("domain", format!("found {} intervals; expected one or two", domain.len()));
        }
        if let Some([a, b]) = domain.iter().find(|[a, b]| !(a.is_finite() && b.is_finite() && a < b)) {
            return refuse("domain", format!("found [{a}, {b}]; expected two finite ends, the first smaller"));
        }
        let shortest = domain.iter().map(|[a, b]| b - a).fold(f64::INFINITY, f64::min);
        if !(epsilon > 0.0 && epsilon <= shortest) {
            return refuse(
                "epsilon",
                format!("found {epsilon}; expected a positive number below the domain's {shortest}"),
            );
        }
        let source = Formula::parse(source, &variables(domain.len()), &[])?;
        let slow = domain.len() == 1 && Formula::parse(coefficient, &["x", "y"], &[]).is_ok_and(|f| f.depends_on("x"));
        let material = if slow {
            let a = ExpressionCoefficient::new(coefficient, None, domain[0], &[])?;
            if a.period() != Some(1.0) {
                return refuse(
                    "coefficient",
                    format!("found `{coefficient}` with period {:?} in y; expected 1", a.period()),
                );
            }
            let slopes = ["y", "x"].map(|v| a.formula().derivative(v));
            Material::Slow(Box::new(a), slopes)
        } else {
            Material::Cell(FormulaTensor::scalar(coefficient, domain.len(), &[])?)
        };
        Ok(EllipticProblem { domain: domain.to_vec(), epsilon, material, source })
    }

    pub(super) fn dimension(&self) -> usize {
        self.domain.len()
    }

    pub(super) fn source(&self, x: &[f64]) -> f64 {
        match x {
            [x] => self.source.eval(&[*x, *x]),
            _ => self.source.eval(x),
        }
    }

    /// a(x, y) with its derivatives by (y, x), on a line.
    pub(super) fn slow(&self, x: f64, y: f64) -> Taylor {
        match &self.material {
            Material::Cell(tensor) => {
                let mut a = tensor_at(tensor, &[y])[0];
                a.gradient[1] = 0.0;
                a
            }
            Material::Slow(a, slopes) => {
                let mut t = Taylor::constant(a.formula().eval(&[x, y]));
                (t.gradient[0], t.gradient[1]) = (slopes[0].eval(&[x, y]), slopes[1].eval(&[x, y]));
                t
            }
        }
    }

    /// a(x, x/ε) with its derivatives by x.
    pub(super) fn micro(&self, x: &[f64]) -> Taylor {
        let y: Vec<f64> = x.iter().map(|x| x / self.epsilon).collect();
        let mut a = match &self.material {
            Material::Cell(tensor) => tensor_at(tensor, &y)[0],
            Material::Slow(..) => {
                let a = self.slow(x[0], y[0]);
                let mut t = Taylor::constant(a.value);
                t.gradient[0] = a.gradient[0] + a.gradient[1] * self.epsilon;
                t
            }
        };
        a.gradient.iter_mut().for_each(|g| *g /= self.epsilon);
        a
    }

    /// Where solutions are compared.
    pub(super) fn points(&self, reference: &ReferenceConfig) -> Vec<Vec<f64>> {
        let n = if self.dimension() == 1 { 20 * (reference.points - 1) + 1 } else { reference.points };
        grid(&self.domain, &vec![n; self.dimension()], true)
    }

    /// ‖a − b‖/‖b‖ by the trapezoid rule over [`EllipticProblem::points`].
    pub(super) fn relative(&self, points: &[Vec<f64>], a: &[f64], b: &[f64]) -> f64 {
        let on_face = |x: &Vec<f64>| x.iter().zip(&self.domain).filter(|(x, d)| d.contains(x)).count() as i32;
        let (mut error, mut size) = (0.0, 0.0);
        for ((x, a), b) in points.iter().zip(a).zip(b) {
            let weight = 0.5f64.powi(on_face(x));
            error += weight * (a - b) * (a - b);
            size += weight * b * b;
        }
        (error / size).sqrt()
    }

    /// The exact cell problem of a(y).
    pub(super) fn cell(&self) -> Result<Option<CellSolution>> {
        match &self.material {
            Material::Cell(tensor) => {
                Ok(Some(Collocation { tolerance: 1e-14, ..Collocation::default() }.solve(tensor)?))
            }
            Material::Slow(..) => Ok(None),
        }
    }

    /// a*(x) = 1/⟨1/a(x, ·)⟩ and its slope, on a line.
    pub(super) fn effective(&self, x: f64) -> [f64; 2] {
        let n = 64;
        let (mut inverse, mut slope) = (0.0, 0.0);
        for k in 0..n {
            let a = self.slow(x, k as f64 / n as f64);
            inverse += 1.0 / a.value / n as f64;
            slope += a.gradient[1] / (a.value * a.value) / n as f64;
        }
        [1.0 / inverse, slope / (inverse * inverse)]
    }

    /// The exact corrector at (x, y) on a line, χ as in u ≈ u₀ + ε χ u₀′.
    pub(super) fn slow_corrector(&self, points: &[[f64; 2]]) -> Result<Vec<f64>> {
        let Material::Slow(a, _) = &self.material else { return Ok(vec![0.0; points.len()]) };
        let one = |[x, y]: &[f64; 2]| Ok(-CellProblem1d::new(a.as_ref(), *x).corrector(&[*y], 1e-12)?.chi[0]);
        points.iter().map(one).collect()
    }

    /// u_ε by finite elements.
    pub(super) fn multiscale(&self, reference: &ReferenceConfig, points: &[Vec<f64>]) -> Result<Reference> {
        let cells: Vec<usize> = self
            .domain
            .iter()
            .map(|[a, b]| ((b - a) / self.epsilon * reference.cells_per_period).ceil() as usize)
            .collect();
        self.solve(&|x| self.micro(x).value, None, reference.degree, &cells, points)
    }

    /// u₀ of a law by finite elements.
    pub(super) fn homogenized(
        &self,
        law: &Law<'_>,
        reference: &ReferenceConfig,
        points: &[Vec<f64>],
    ) -> Result<Reference> {
        let cells = vec![reference.cells; self.dimension()];
        match law {
            Law::Constant(tensor) => {
                let full = (self.dimension() == 2).then(|| [tensor[0][0], tensor[0][1], tensor[1][1]]);
                self.solve(&|_| tensor[0][0], full, reference.degree, &cells, points)
            }
            Law::Slow(a) => self.solve(&|x| a(x[0])[0], None, reference.degree, &cells, points),
        }
    }

    fn solve(
        &self,
        a: &(dyn Fn(&[f64]) -> f64 + Sync),
        tensor: Option<[f64; 3]>,
        degree: usize,
        cells: &[usize],
        points: &[Vec<f64>],
    ) -> Result<Reference> {
        if let [domain] = self.domain[..] {
            let (diffusivity, source) = (|x: f64| a(&[x]), |x: f64| self.source(&[x]));
            let line =
                LineProblem { domain, diffusivity: &diffusivity, reaction: None, source: &source, ends: [0.0; 2] };
            let found = line.refined(degree, cells[0])?;
            let x: Vec<f64> = points.iter().map(|p| p[0]).collect();
            let gradients = found.solution.slopes(&x).into_iter().map(|g| vec![g]).collect();
            return Ok(Reference { values: found.solution.values(&x), gradients, error: found.error });
        }
        let (scalar, source) = (|x: f64, y: f64| a(&[x, y]), |x: f64, y: f64| self.source(&[x, y]));
        let full = |_: f64, _: f64| tensor.unwrap_or_default();
        let coefficient = match tensor {
            Some(_) => PlaneCoefficient::Tensor(&full),
            None => PlaneCoefficient::Scalar(&scalar),
        };
        let plane = PlaneProblem {
            domain: [self.domain[0], self.domain[1]],
            coefficient,
            source: Some(&source),
            flux: None,
            boundary: PlaneBoundary::Dirichlet,
        };
        let found = plane.refined(PlaneElement::Q(degree), [cells[0], cells[1]])?;
        let at: Vec<[f64; 2]> = points.iter().map(|p| [p[0], p[1]]).collect();
        let gradients = found.solution.gradients(&at).into_iter().map(|g| g.to_vec()).collect();
        Ok(Reference { values: found.solution.values(&at), gradients, error: found.error })
    }

    /// u₀ + ε χ(x/ε)·∇u₀ at points, from χ_j there; on a line with a linear lift to zero at both ends.
    pub(super) fn corrected(
        &self,
        points: &[Vec<f64>],
        u: &[f64],
        gradients: &[Vec<f64>],
        chi: &[Vec<f64>],
    ) -> Vec<f64> {
        let add = |k: usize| u[k] + self.epsilon * gradients[k].iter().zip(chi).map(|(g, c)| g * c[k]).sum::<f64>();
        let mut all: Vec<f64> = (0..u.len()).map(add).collect();
        if let [[a, b]] = self.domain[..] {
            let (left, right) = (all[0], all[all.len() - 1]);
            for (u, x) in all.iter_mut().zip(points) {
                let s = (x[0] - a) / (b - a);
                *u -= left * (1.0 - s) + right * s;
            }
        }
        all
    }
}

/// ‖a − b‖/‖b‖ over equally spaced points of functions that are periodic or vanish at both ends.
pub(super) fn relative(a: &[f64], b: &[f64]) -> f64 {
    let square = |v: f64| v * v;
    let error: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (error / b.iter().copied().map(square).sum::<f64>()).sqrt()
}
