//! The continuum micro-model: u_t = ∂x( a(x, y, u) ∂x u − b(x, y, u) u ) + r(x, y, u), y = x/ε.
//!
//! Second-order conservative central differences on the micro-grid of a patch:
//! F_{j+1/2} = a (u_{j+1} − u_j)/δx − b (u_j + u_{j+1})/2 with a, b at the half point (and at the mean u of its two
//! neighbours), du_j/dt = (F_{j+1/2} − F_{j−1/2})/δx + r. Error O(δx²). Covers heterogeneous diffusion (Arbabi eq. 20),
//! quasilinear a(y, u), drift and reaction.

use super::{MicroModel, Patch};
use crate::{Error, Result, coefficient::Formula, linalg::Tridiagonal};

/// The three functions of the equation, in the variables `x`, `y`, `u`.
#[derive(Debug, Clone)]
pub struct DiffusionEquation {
    /// diffusivity a, positive
    pub diffusivity: Formula,
    /// velocity b
    pub drift: Option<Formula>,
    /// reaction rate r
    pub reaction: Option<Formula>,
    /// the small scale ε, y = x/ε
    pub epsilon: f64,
}

/// Variables of the formulas of a [`DiffusionEquation`], in this order.
pub const VARIABLES: [&str; 3] = ["x", "y", "u"];

impl DiffusionEquation {
    /// True when the right-hand side is linear and homogeneous in u.
    pub fn is_linear(&self) -> bool {
        let free = |f: &Option<Formula>| f.as_ref().is_none_or(|f| !f.depends_on("u"));
        let proportional = self.reaction.as_ref().is_none_or(|r| {
            !r.derivative("u").depends_on("u") && [0.13, 0.57].iter().all(|&s| r.eval(&[s, s, 0.0]) == 0.0)
        });
        !self.diffusivity.depends_on("u") && free(&self.drift) && proportional
    }
}

/// A [`DiffusionEquation`] bound to patches: what does not depend on u is tabulated once.
///
/// Patches whose microscale phase (to 1e-8 of a period) agrees share one table, one factorisation, one response.
#[derive(Debug)]
pub struct Diffusion {
    equation: DiffusionEquation,
    slopes: Slopes,
    tables: Vec<Table>,
    table_of: Vec<usize>,
    linear: bool,
}

/// ∂a/∂u, ∂b/∂u, ∂r/∂u.
#[derive(Debug)]
struct Slopes {
    diffusivity: Formula,
    drift: Option<Formula>,
    reaction: Option<Formula>,
}

/// Positions and frozen coefficients of one kind of patch; face j lies between points j and j + 1.
#[derive(Debug)]
struct Table {
    face_x: Vec<f64>,
    face_y: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    /// a on the faces, unless it depends on u
    a: Option<Vec<f64>>,
    b: Option<Vec<f64>>,
}

impl Diffusion {
    /// Binds `equation` to patches given by their centres and the offsets of their points, `[n_sub]`, equally spaced by `spacing`.
    ///
    /// Points outside `domain` are read at their mirror image (a Neumann end continues the material evenly).
    ///
    /// # Errors
    /// [`Error::Coefficient`] where a is not positive and finite on a face (sampled at u = 0 and u = 1 if a depends on u).
    pub fn new(
        equation: DiffusionEquation,
        centres: &[f64],
        offsets: &[f64],
        spacing: f64,
        domain: [f64; 2],
    ) -> Result<Self> {
        let slow = [Some(&equation.diffusivity), equation.drift.as_ref(), equation.reaction.as_ref()]
            .iter()
            .flatten()
            .any(|f| f.depends_on("x"));
        let mut model = Diffusion {
            slopes: Slopes {
                diffusivity: equation.diffusivity.derivative("u"),
                drift: equation.drift.as_ref().map(|f| f.derivative("u")),
                reaction: equation.reaction.as_ref().map(|f| f.derivative("u")),
            },
            linear: equation.is_linear(),
            equation,
            tables: Vec::new(),
            table_of: Vec::new(),
        };
        let reach = offsets.iter().fold(0.0f64, |m, o| m.max(o.abs()));
        let mut known = std::collections::BTreeMap::new();
        for (index, &centre) in centres.iter().enumerate() {
            let phase = (centre / model.equation.epsilon * 1e8).round() / 1e8;
            let inside = centre - reach >= domain[0] - spacing && centre + reach <= domain[1] + spacing;
            let key = if slow || !inside {
                (true, index as i64)
            } else {
                (false, (phase.rem_euclid(1.0) * 1e8).round() as i64 % 100_000_000)
            };
            let table = match known.get(&key) {
                Some(&table) => table,
                None => {
                    model.tables.push(model.table(centre, phase.rem_euclid(1.0), offsets, spacing, domain)?);
                    known.insert(key, model.tables.len() - 1);
                    model.tables.len() - 1
                }
            };
            model.table_of.push(table);
        }
        Ok(model)
    }

    /// The same with a given a at every face, `[n_sub − 1]`, in every patch: a homogenized a*(x), say.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of faces, [`Error::Coefficient`] where one is not positive and finite.
    pub fn with_faces(mut self, a: Vec<f64>) -> Result<Self> {
        if let Some(k) = a.iter().position(|a| !(a.is_finite() && *a > 0.0)) {
            let at = format!("face {k}");
            return Err(Error::Coefficient {
                text: "a table".into(),
                at,
                value: a[k],
                advice: "check the table".into(),
            });
        }
        for table in &mut self.tables {
            if table.face_x.len() != a.len() {
                return Err(Error::Shape {
                    what: "faces".into(),
                    expected: vec![table.face_x.len()],
                    found: vec![a.len()],
                });
            }
            table.a = Some(a.clone());
        }
        Ok(self)
    }

    fn table(&self, centre: f64, phase: f64, offsets: &[f64], spacing: f64, domain: [f64; 2]) -> Result<Table> {
        let epsilon = self.equation.epsilon;
        let place = |offset: f64| -> (f64, f64) {
            let x = centre + offset;
            let mirrored = if x < domain[0] - spacing {
                Some(2.0 * domain[0] - x)
            } else if x > domain[1] + spacing {
                Some(2.0 * domain[1] - x)
            } else {
                None
            };
            match mirrored {
                Some(x) => (x, x / epsilon),
                // phase + offset/ε keeps digits that x/ε would lose.
                None => (x, phase + offset / epsilon),
            }
        };
        let (face_x, face_y): (Vec<f64>, Vec<f64>) = offsets.windows(2).map(|w| place(0.5 * (w[0] + w[1]))).unzip();
        let (x, y): (Vec<f64>, Vec<f64>) = offsets.iter().map(|&o| place(o)).unzip();
        let a = self.equation.diffusivity.depends_on("u");
        let mut sample = vec![0.0; face_x.len()];
        for u in if a { vec![0.0, 1.0] } else { vec![0.0] } {
            self.equation.diffusivity.eval_into(&[&face_x, &face_y, &[u]], &mut sample);
            if let Some(k) = sample.iter().position(|a| !(a.is_finite() && *a > 0.0)) {
                return Err(Error::Coefficient {
                    text: self.equation.diffusivity.text().to_string(),
                    at: format!(
                        "x = {}, y = {}{}",
                        face_x[k],
                        face_y[k].rem_euclid(1.0),
                        if a { format!(", u = {u}") } else { String::new() }
                    ),
                    value: sample[k],
                    advice: "add a constant larger than the deepest dip".into(),
                });
            }
        }
        let b = match &self.equation.drift {
            Some(f) if !f.depends_on("u") => {
                let mut b = vec![0.0; face_x.len()];
                f.eval_into(&[&face_x, &face_y, &[0.0]], &mut b);
                crate::error::check_finite("the drift", &b, None, "check its formula")?;
                Some(b)
            }
            _ => None,
        };
        Ok(Table { a: (!a).then_some(sample), b, face_x, face_y, x, y })
    }

    /// Faces' a and b at the state `u`, then r at its points.
    fn faces(&self, table: &Table, u: &[f64]) -> Option<Faces> {
        if table.a.is_some() && (table.b.is_some() || self.equation.drift.is_none()) {
            return None;
        }
        let mean: Vec<f64> = u.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        let evaluate = |f: &Formula| {
            let mut out = vec![0.0; mean.len()];
            f.eval_into(&[&table.face_x, &table.face_y, &mean], &mut out);
            out
        };
        Some(Faces {
            a: evaluate(&self.equation.diffusivity),
            b: self.equation.drift.as_ref().map(evaluate),
            a_u: evaluate(&self.slopes.diffusivity),
            b_u: self.slopes.drift.as_ref().map(evaluate),
        })
    }
}

struct Faces {
    a: Vec<f64>,
    b: Option<Vec<f64>>,
    a_u: Vec<f64>,
    b_u: Option<Vec<f64>>,
}

impl MicroModel for Diffusion {
    fn rhs_into(&self, patch: &Patch<'_>, _t: f64, u: &[f64], du: &mut [f64]) {
        let table = &self.tables[self.table_of[patch.index]];
        let faces = self.faces(table, u);
        let a = faces.as_ref().map_or_else(|| table.a.as_deref(), |f| Some(&f.a)).unwrap_or_default();
        let b = faces.as_ref().map_or(table.b.as_deref(), |f| f.b.as_deref());
        let (n, r) = (u.len(), 1.0 / patch.spacing);
        let (u, du, a) = (&u[..n], &mut du[..n], &a[..n - 1]);
        for i in 1..n - 1 {
            du[i] = r * r * (a[i] * (u[i + 1] - u[i]) - a[i - 1] * (u[i] - u[i - 1]));
        }
        if let Some(b) = b {
            for i in 1..n - 1 {
                du[i] -= 0.5 * r * (b[i] * (u[i] + u[i + 1]) - b[i - 1] * (u[i - 1] + u[i]));
            }
        }
        if let Some(f) = &self.equation.reaction {
            let mut rate = vec![0.0; n];
            f.eval_into(&[&table.x, &table.y, u], &mut rate);
            du[1..n - 1].iter_mut().zip(&rate[1..n - 1]).for_each(|(d, r)| *d += r);
        }
    }

    fn jacobian_into(&self, patch: &Patch<'_>, _t: f64, u: &[f64], jacobian: &mut Tridiagonal) {
        let table = &self.tables[self.table_of[patch.index]];
        let faces = self.faces(table, u);
        let a = faces.as_ref().map_or_else(|| table.a.as_deref(), |f| Some(&f.a)).unwrap_or_default();
        let b = faces.as_ref().map_or(table.b.as_deref(), |f| f.b.as_deref());
        let (n, r) = (u.len(), 1.0 / patch.spacing);
        // dF_j/du_j, dF_j/du_{j+1} and their sum on face j
        let slopes = |j: usize| {
            let velocity = b.map_or(0.0, |b| 0.5 * b[j]);
            let (mut left, mut right, mut sum) = (-a[j] * r - velocity, a[j] * r - velocity, -2.0 * velocity);
            if let Some(f) = &faces {
                let bend = 0.5
                    * (f.a_u[j] * (u[j + 1] - u[j]) * r
                        - f.b_u.as_ref().map_or(0.0, |b| 0.5 * b[j] * (u[j] + u[j + 1])));
                left += bend;
                right += bend;
                sum += 2.0 * bend;
            }
            (left, right, sum)
        };
        for i in 1..n - 1 {
            let ((west_left, _, west_sum), (_, east_right, east_sum)) = (slopes(i - 1), slopes(i));
            jacobian.lower[i - 1] = -west_left * r;
            jacobian.upper[i - 1] = east_right * r;
            jacobian.row_sum[i - 1] = (east_sum - west_sum) * r;
        }
        if let Some(f) = &self.slopes.reaction {
            let mut rate = vec![0.0; n];
            f.eval_into(&[&table.x, &table.y, u], &mut rate);
            jacobian.row_sum.iter_mut().zip(&rate[1..n - 1]).for_each(|(d, r)| *d += r);
        }
    }

    fn linear_group(&self, patch: usize) -> Option<usize> {
        self.linear.then(|| self.table_of[patch])
    }
}
