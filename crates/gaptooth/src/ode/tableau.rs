//! Explicit Butcher tableaux, checked against the order conditions they claim.
//!
//! The same tableau serves a plain Runge–Kutta step and a projective one: see [`super::explicit`] and
//! [`super::projective`].

use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The built-in tableaux, by the names that configurations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExplicitMethod {
    /// forward Euler, order 1
    Euler,
    /// improved Euler (Heun's trapezoid), order 2
    Rk2,
    /// explicit midpoint, order 2
    Midpoint,
    /// Kutta's third-order method
    Kutta3,
    /// the classical fourth-order method
    Rk4,
}

impl ExplicitMethod {
    /// All of them, by order.
    pub const ALL: [ExplicitMethod; 5] = [
        ExplicitMethod::Euler,
        ExplicitMethod::Rk2,
        ExplicitMethod::Midpoint,
        ExplicitMethod::Kutta3,
        ExplicitMethod::Rk4,
    ];

    /// The name used in configurations.
    pub fn name(self) -> &'static str {
        match self {
            ExplicitMethod::Euler => "euler",
            ExplicitMethod::Rk2 => "rk2",
            ExplicitMethod::Midpoint => "midpoint",
            ExplicitMethod::Kutta3 => "kutta3",
            ExplicitMethod::Rk4 => "rk4",
        }
    }

    /// Its coefficients.
    pub fn tableau(self) -> Tableau {
        let (a, b, order): (&[&[f64]], &[f64], usize) = match self {
            ExplicitMethod::Euler => (&[&[]], &[1.0], 1),
            ExplicitMethod::Rk2 => (&[&[], &[1.0]], &[0.5, 0.5], 2),
            ExplicitMethod::Midpoint => (&[&[], &[0.5]], &[0.0, 1.0], 2),
            ExplicitMethod::Kutta3 => (&[&[], &[0.5], &[-1.0, 2.0]], &[1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0], 3),
            ExplicitMethod::Rk4 => {
                (&[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]], &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0], 4)
            }
        };
        let a: Vec<Vec<f64>> = a.iter().map(|row| row.to_vec()).collect();
        let c = a.iter().map(|row| row.iter().sum()).collect();
        Tableau { name: self.name().into(), a, b: b.to_vec(), c, order }
    }
}

/// An explicit Butcher tableau: k_i = f(t + c_i Δ, u + Δ Σ_{j<i} a_ij k_j), u ← u + Δ Σ b_i k_i.
///
/// ```
/// use gaptooth::ode::tableau::Tableau;
/// let rk4 = Tableau::named("rk4")?;
/// assert_eq!((rk4.order(), rk4.stages()), (4, 4));
/// // Ralston's method, a user's own
/// let ralston = Tableau::new("ralston", vec![vec![], vec![2.0 / 3.0]], vec![0.25, 0.75], vec![0.0, 2.0 / 3.0], 2)?;
/// assert_eq!(ralston.order(), 2);
/// // it is not of order 3, and says so
/// assert!(Tableau::new("ralston", vec![vec![], vec![2.0 / 3.0]], vec![0.25, 0.75], vec![0.0, 2.0 / 3.0], 3).is_err());
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TableauFields", into = "TableauFields")]
pub struct Tableau {
    name: String,
    a: Vec<Vec<f64>>,
    b: Vec<f64>,
    c: Vec<f64>,
    order: usize,
}

/// What a file says of a tableau: the name of a built-in one, or all its numbers.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TableauFields {
    Named(String),
    Own { name: String, a: Vec<Vec<f64>>, b: Vec<f64>, c: Vec<f64>, order: usize },
}

impl TryFrom<TableauFields> for Tableau {
    type Error = Error;
    fn try_from(fields: TableauFields) -> Result<Self> {
        match fields {
            TableauFields::Named(name) => Tableau::named(&name),
            TableauFields::Own { name, a, b, c, order } => Tableau::new(&name, a, b, c, order),
        }
    }
}

impl From<Tableau> for TableauFields {
    fn from(t: Tableau) -> Self {
        match Tableau::named(&t.name) {
            Ok(named) if named == t => TableauFields::Named(t.name),
            _ => TableauFields::Own { name: t.name, a: t.a, b: t.b, c: t.c, order: t.order },
        }
    }
}

/// Order conditions hold to rounding of coefficients typed by hand with about 13 digits.
const TOLERANCE: f64 = 1e-12;

impl Tableau {
    /// The built-in tableau of that name (`euler`, `rk2`, `midpoint`, `kutta3`, `rk4`).
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the names.
    pub fn named(name: &str) -> Result<Self> {
        let names: Vec<&str> = ExplicitMethod::ALL.iter().map(|m| m.name()).collect();
        match ExplicitMethod::ALL.into_iter().find(|m| m.name() == name) {
            Some(method) => Ok(method.tableau()),
            None => {
                Err(Error::parameter("tableau", name, format!("one of {}", names.join(", ")), "check the spelling"))
            }
        }
    }

    /// A tableau of one's own. Row i of `a` holds a_i0 … a_i,i−1 (further entries must be zero).
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths disagree; [`Error::Parameter`] when it is not explicit, when a row of `a`
    /// does not sum to its c, or when a condition of the declared order (1 to 4) fails; the condition is named.
    pub fn new(name: &str, mut a: Vec<Vec<f64>>, b: Vec<f64>, c: Vec<f64>, order: usize) -> Result<Self> {
        let stages = b.len();
        for (what, found) in [("tableau a (rows)", a.len()), ("tableau c", c.len())] {
            if found != stages || stages == 0 {
                return Err(Error::Shape { what: what.into(), expected: vec![stages.max(1)], found: vec![found] });
            }
        }
        for (i, row) in a.iter_mut().enumerate() {
            if let Some(j) = (i..row.len()).find(|&j| row[j] != 0.0) {
                let advice = "entries on and above the diagonal must be zero; use a stiff method for implicit stages";
                return Err(Error::parameter(format!("a[{i}][{j}]"), row[j], "0: an explicit tableau", advice));
            }
            row.resize(i, 0.0);
        }
        let tableau = Tableau { name: name.into(), a, b, c, order };
        tableau.check()?;
        Ok(tableau)
    }

    fn check(&self) -> Result<()> {
        if !(1..=4).contains(&self.order) {
            return Err(Error::parameter("order", self.order, "1, 2, 3 or 4", "higher orders are not checked here"));
        }
        for (i, row) in self.a.iter().enumerate() {
            expect_equal(&format!("row {i} of a sums to c[{i}]"), row.iter().sum(), self.c[i])?;
        }
        for (condition, order, found, expected) in self.order_conditions() {
            if order <= self.order {
                expect_equal(&format!("order {order}: {condition}"), found, expected)?;
            }
        }
        Ok(())
    }

    /// The eight conditions of rooted trees up to order 4 (Hairer, Nørsett & Wanner I, table II.2.1).
    fn order_conditions(&self) -> [(&'static str, usize, f64, f64); 8] {
        let c = &self.c;
        let ones = vec![1.0; c.len()];
        let squares: Vec<f64> = c.iter().map(|c| c * c).collect();
        let cubes: Vec<f64> = c.iter().map(|c| c * c * c).collect();
        let ac = self.times(c);
        let c_ac: Vec<f64> = c.iter().zip(&ac).map(|(c, x)| c * x).collect();
        [
            ("Σ b = 1", 1, self.weigh(&ones), 1.0),
            ("Σ b c = 1/2", 2, self.weigh(c), 0.5),
            ("Σ b c² = 1/3", 3, self.weigh(&squares), 1.0 / 3.0),
            ("Σ b a c = 1/6", 3, self.weigh(&ac), 1.0 / 6.0),
            ("Σ b c³ = 1/4", 4, self.weigh(&cubes), 0.25),
            ("Σ b c a c = 1/8", 4, self.weigh(&c_ac), 0.125),
            ("Σ b a c² = 1/12", 4, self.weigh(&self.times(&squares)), 1.0 / 12.0),
            ("Σ b a a c = 1/24", 4, self.weigh(&self.times(&ac)), 1.0 / 24.0),
        ]
    }

    fn weigh(&self, x: &[f64]) -> f64 {
        self.b.iter().zip(x).map(|(b, x)| b * x).sum()
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        self.a.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The declared and checked order.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number of stages s.
    pub fn stages(&self) -> usize {
        self.b.len()
    }

    /// Strictly lower rows: row i has i entries.
    pub fn a(&self) -> &[Vec<f64>] {
        &self.a
    }

    /// Weights, `[s]`.
    pub fn b(&self) -> &[f64] {
        &self.b
    }

    /// Nodes, `[s]`.
    pub fn c(&self) -> &[f64] {
        &self.c
    }
}

fn expect_equal(what: &str, found: f64, expected: f64) -> Result<()> {
    if (found - expected).abs() <= TOLERANCE {
        return Ok(());
    }
    Err(Error::parameter("tableau", format!("{found} where {what}"), expected.to_string(), "check the coefficients"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_tableaux_meet_their_order_and_not_the_next() {
        for method in ExplicitMethod::ALL {
            let t = method.tableau();
            let remake = |order| Tableau::new(t.name(), t.a.clone(), t.b.clone(), t.c.clone(), order);
            assert_eq!(remake(t.order()).unwrap(), t);
            assert!(remake(t.order() + 1).is_err(), "{} is of higher order than declared", t.name());
        }
    }

    #[test]
    fn faults_are_named() {
        let message = |a, b, c, order| Tableau::new("own", a, b, c, order).unwrap_err().to_string();
        assert!(message(vec![vec![0.5]], vec![1.0], vec![0.5], 1).contains("explicit"));
        assert!(message(vec![vec![], vec![0.4]], vec![0.0, 1.0], vec![0.0, 0.5], 2).contains("row 1"));
        assert!(message(vec![vec![]], vec![0.9], vec![0.0], 1).contains("Σ b = 1"));
        assert!(message(vec![vec![]], vec![1.0], vec![0.0], 2).contains("1/2"));
        assert!(message(vec![vec![]], vec![1.0], vec![0.0], 5).contains("order = 5"));
        assert!(message(vec![vec![]], vec![f64::NAN], vec![0.0], 1).contains("NaN"));
        assert!(message(vec![], vec![1.0], vec![0.0], 1).contains("rows"));
        assert!(message(vec![], vec![], vec![], 1).contains("rows"));
        assert!(Tableau::named("rk5").unwrap_err().to_string().contains("rk4"));
    }

    #[test]
    fn a_config_names_it_or_spells_it_out() {
        let rk2: Tableau = serde_json::from_str("\"rk2\"").unwrap();
        assert_eq!(rk2, ExplicitMethod::Rk2.tableau());
        assert_eq!(serde_json::to_string(&rk2).unwrap(), "\"rk2\"");
        let own = Tableau::new("ralston", vec![vec![], vec![2.0 / 3.0]], vec![0.25, 0.75], vec![0.0, 2.0 / 3.0], 2);
        let own = own.unwrap();
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<Tableau>(&text).unwrap(), own);
        assert!(serde_json::from_str::<Tableau>(&text.replace("\"order\":2", "\"order\":3")).is_err());
        assert_eq!(serde_json::from_str::<ExplicitMethod>("\"kutta3\"").unwrap(), ExplicitMethod::Kutta3);
    }
}
