//! From plain choices to a law of one dataset, judged: what the command line and Python share.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    Context, FittedLaw,
    check::HIGHEST,
    config::{LawConfig, LawKind, NetConfig},
    fit_law,
    laws::FLOOR,
};
use crate::{
    Error, Result, VERSION,
    closure::{Closure, Dataset, Validation, ValidationError, integrate, validate},
    stencil::EdgeRule,
};

/// Orders to choose from unless others are given; those that the stencil is too narrow for are left out.
const ORDERS: [&[usize]; 5] = [&[2], &[1, 2], &[2, 4], &[1, 2, 4], &[2, 4, 6]];

/// The forms of law that a dataset alone is enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LawForm {
    /// F(u, u_x, u_xx) by the paper's network
    Functional,
    /// G(u_{j−1}, u_j, u_{j+1}) by the paper's network
    Discretized,
    /// least squares on the stencil's values
    Stencil,
    /// derivatives chosen by held-out trajectories, relative least squares
    Derivatives,
    /// named terms chosen one by one by held-out trajectories, with standard errors
    Symbolic,
}

impl LawForm {
    /// All of them.
    pub const ALL: [LawForm; 5] =
        [LawForm::Functional, LawForm::Discretized, LawForm::Stencil, LawForm::Derivatives, LawForm::Symbolic];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            LawForm::Functional => "functional",
            LawForm::Discretized => "discretized",
            LawForm::Stencil => "stencil",
            LawForm::Derivatives => "derivatives",
            LawForm::Symbolic => "symbolic",
        }
    }

    /// Whether training trajectories are held back to choose among such laws: two or more are needed then.
    pub fn chooses(self) -> bool {
        matches!(self, LawForm::Derivatives | LawForm::Symbolic)
    }
}

impl std::str::FromStr for LawForm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        LawForm::ALL.into_iter().find(|form| form.name() == text).ok_or_else(|| {
            let names = LawForm::ALL.map(LawForm::name).join(", ");
            Error::parameter("closure", format!("{text:?}"), format!("one of {names}"), "choose one of them")
        })
    }
}

/// What a user chooses of a law; the rest follows from the data.
///
/// ```
/// use gaptooth::{closure::Dataset, grid::{Boundary, Grid}, study::{LawChoice, LawForm, LawKind}};
/// let grid = Grid::uniform([0.0, 1.0], 6, Boundary::Dirichlet)?;
/// let data = Dataset::new(grid, vec![0.0], vec![1.0; 14], vec![0.0; 14], Default::default())?;
/// let kind = LawChoice::new(LawForm::Symbolic).kind(&data)?;
/// // six intervals have seven points, and those have derivatives up to the sixth
/// assert!(matches!(kind, LawKind::Symbolic { highest: 6, points: Some(7), validation: 1, .. }));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LawChoice {
    /// its form
    pub form: LawForm,
    /// points of the stencils along an axis, odd; by default 3 for a stencil, and for derivatives Fourier transforms on a periodic grid,
    /// else 9, fewer on a small grid
    pub points: Option<usize>,
    /// sets of derivative orders to choose from, of [`LawForm::Derivatives`]; by default five, up to order 6
    pub orders: Vec<Vec<usize>>,
    /// highest total order among the candidates of [`LawForm::Symbolic`]; by default 6, lower on a small bounded grid
    pub highest: Option<usize>,
    /// whether [`LawForm::Symbolic`] is offered products: u², u u_x, u_x² …
    pub products: bool,
    /// whether [`LawForm::Symbolic`] is offered only terms that keep the mean of u
    pub conserving: bool,
    /// passes over the data, of networks
    pub epochs: usize,
}

impl LawChoice {
    /// The defaults of a form.
    pub fn new(form: LawForm) -> Self {
        LawChoice { form, points: None, orders: vec![], highest: None, products: false, conserving: false, epochs: 128 }
    }

    /// The choice completed for the training trajectories.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an option of another form, orders above 16, even `points`, and a single trajectory where laws are chosen by
    /// trajectories.
    pub fn kind(&self, training: &Dataset) -> Result<LawKind> {
        self.check(training)?;
        let grid = &training.grid;
        Ok(match self.form {
            LawForm::Functional => {
                let differences = grid.axes().len() > 1 && !grid.is_periodic();
                LawKind::FunctionalNet(self.net(self.points.or(differences.then_some(3))))
            }
            LawForm::Discretized => LawKind::DiscretizedNet(self.net(self.points)),
            LawForm::Stencil => LawKind::LinearStencil { points: self.points.unwrap_or(3) },
            LawForm::Derivatives => self.derivatives(training),
            LawForm::Symbolic => {
                let points = self.differences(training);
                LawKind::Symbolic {
                    highest: self.highest.unwrap_or(points.map_or(6, |points| points.saturating_sub(1).min(6))),
                    products: self.products,
                    conserving: self.conserving,
                    points,
                    edges: EdgeRule::default(),
                    validation: held_back(training),
                }
            }
        })
    }

    fn check(&self, training: &Dataset) -> Result<()> {
        let options = [
            ("orders", LawForm::Derivatives, (!self.orders.is_empty()).then(|| format!("{:?}", self.orders))),
            ("highest", LawForm::Symbolic, self.highest.map(|k| k.to_string())),
            ("products", LawForm::Symbolic, self.products.then(|| "true".into())),
            ("conserving", LawForm::Symbolic, self.conserving.then(|| "true".into())),
        ];
        for (name, form, given) in options {
            if let Some(found) = given.filter(|_| form != self.form) {
                let expected = format!("nothing for the closure {}", self.form.name());
                let advice = format!("leave it out, or choose the closure {}", form.name());
                return Err(Error::parameter(name, found, expected, advice));
            }
        }
        let orders = self.orders.iter().flatten().copied().map(|k| ("orders", k));
        if let Some((name, k)) =
            self.highest.map(|k| ("highest", k)).into_iter().chain(orders).find(|(_, k)| *k > HIGHEST)
        {
            let expected = format!("orders of at most {HIGHEST}");
            return Err(Error::parameter(name, k, expected, "higher derivatives have no digit left"));
        }
        if let Some(points) = self.points.filter(|p| p.is_multiple_of(2)) {
            return Err(Error::parameter("points", points, "an odd number", "a stencil reaches as far to either side"));
        }
        if self.form.chooses() && training.trajectories() < 2 {
            let expected = "two or more to fit to, as derivatives are chosen by trajectories that are held back";
            let advice = "simulate more trajectories, hold out fewer, or choose the closure stencil";
            return Err(Error::parameter("training trajectories", training.trajectories(), expected, advice));
        }
        Ok(())
    }

    fn net(&self, points: Option<usize>) -> NetConfig {
        NetConfig { hidden: vec![32, 32], epochs: self.epochs, batch: 64, learning_rate: 1e-3, points }
    }

    /// Points of difference stencils; none: Fourier transforms.
    fn differences(&self, training: &Dataset) -> Option<usize> {
        let least = training.grid.shape().into_iter().min().unwrap_or(1);
        let widest = (least - 1) / 2 * 2 + 1;
        self.points.or((!training.grid.is_periodic()).then_some(widest.min(9)))
    }

    fn derivatives(&self, training: &Dataset) -> LawKind {
        let points = self.differences(training);
        let mut candidates = self.orders.clone();
        if candidates.is_empty() {
            let fits = |orders: &&&[usize]| points.is_none_or(|points| orders.iter().all(|k| *k < points));
            candidates = ORDERS.iter().filter(fits).map(|o| o.to_vec()).collect();
        }
        let (edges, validation) = (EdgeRule::default(), held_back(training));
        LawKind::Derivatives { candidates, points, edges, validation, residual_width: 0 }
    }
}

/// Training trajectories held back for a choice.
fn held_back(training: &Dataset) -> usize {
    (training.trajectories() / 4).max(1)
}

/// Trajectories kept out of a fit to judge it, unless others are asked for: a fifth.
pub fn held_out_by_default(trajectories: usize) -> usize {
    (trajectories / 5).max(1)
}

/// Everything that [`fit_and_judge`] of `data`'s trajectories depends on, by which its checkpoints are known.
pub fn learning_fingerprint(config: &LawConfig, data: &Dataset, seed: u64, held_out: usize) -> String {
    let mut numbers = DefaultHasher::new();
    let all = [data.times.as_slice(), data.u.as_slice(), data.u_t.as_slice()];
    all.into_iter().flatten().for_each(|v| v.to_bits().hash(&mut numbers));
    format!("{VERSION} {config:?} {:?} {seed} {held_out} {:x}", data.grid, numbers.finish())
}

/// Fits a law to `training` and judges it on the trajectories `unseen`.
///
/// # Errors
/// As [`fit_law`] and [`validate`].
pub fn fit_and_judge(
    config: &LawConfig,
    training: &Dataset,
    unseen: &Dataset,
    seed: u64,
    context: &Context<'_>,
) -> Result<(FittedLaw, ValidationError)> {
    let fitted = fit_law(config, training, None, seed, context)?;
    let integrate = |law: &dyn Closure, u0: &[f64], times: &[f64]| integrate(law, u0, times, context.observer);
    let error = validate(&fitted.law, &Validation { data: unseen, integrate: &integrate, floor: FLOOR })?;
    Ok((fitted, error))
}
