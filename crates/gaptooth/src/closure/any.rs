//! Any law, as a card and named tensors: what a model file holds.

use serde::{Deserialize, Serialize};

use super::{
    Closure, CompositeLaw, FeatureSpec, LinearLaw, NetworkLaw, Standardisation, SymbolicLaw, Term, symbolic::sum,
};
use crate::{
    Error, Result,
    grid::{Axis, Grid},
    nn::{Activation, Mlp},
    ode::OdeSystem,
};

/// Name, shape (row-major) and values.
pub type Tensor = (String, Vec<usize>, Vec<f64>);

/// What a law is, without its numbers; JSON through serde.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "law")]
pub enum Card {
    /// a [`LinearLaw`]
    Linear {
        /// the grid it was fitted on
        grid: Grid,
        /// what the coefficients multiply
        features: FeatureSpec,
    },
    /// a [`NetworkLaw`]
    Network {
        /// the grid it was fitted on
        grid: Grid,
        /// inputs of the network
        features: FeatureSpec,
        /// neurons per layer
        widths: Vec<usize>,
        /// nonlinearity
        activation: Activation,
    },
    /// a [`CompositeLaw`]
    Composite {
        /// the grid it was fitted on
        grid: Grid,
        /// what the coefficients multiply
        linear: FeatureSpec,
        /// inputs of the network
        features: FeatureSpec,
        /// neurons per layer
        widths: Vec<usize>,
        /// nonlinearity
        activation: Activation,
        /// whether the network's part leaves the mean of the state as it is
        #[serde(default)]
        keeps_mean: bool,
    },
    /// a [`SymbolicLaw`]
    Symbolic {
        /// the grid it was fitted on
        grid: Grid,
        /// what terms are made of
        features: FeatureSpec,
        /// products of features, by their places
        terms: Vec<Term>,
        /// the law as people write it
        formula: String,
    },
}

impl Card {
    /// The grid that the law was fitted on.
    pub fn grid(&self) -> &Grid {
        match self {
            Card::Linear { grid, .. }
            | Card::Network { grid, .. }
            | Card::Composite { grid, .. }
            | Card::Symbolic { grid, .. } => grid,
        }
    }

    /// What the law sees at a point; for a composite law, its network.
    pub fn features(&self) -> &FeatureSpec {
        match self {
            Card::Linear { features, .. }
            | Card::Network { features, .. }
            | Card::Composite { features, .. }
            | Card::Symbolic { features, .. } => features,
        }
    }
}

/// A law of any kind, as loaded from a file.
///
/// ```
/// use gaptooth::{closure::{AnyClosure, Card, Closure, FeatureSpec, LinearLaw}, grid::{Boundary, Grid}};
/// let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic)?;
/// let law = LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &grid, vec![1.0, -2.0, 1.0])?;
/// let card = serde_json::to_string(&law.card()).unwrap();
/// let again = AnyClosure::from_tensors(&serde_json::from_str::<Card>(&card).unwrap(), &law.to_tensors())?;
/// assert_eq!(again.parameters(), law.parameters());
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AnyClosure {
    /// a linear law
    Linear(LinearLaw),
    /// a network law
    Network(NetworkLaw),
    /// a linear path with a gated network
    Composite(CompositeLaw),
    /// a sum of named terms
    Symbolic(SymbolicLaw),
}

impl AnyClosure {
    /// Rebuilds the law that wrote `card` and `tensors`; their order does not matter.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming a tensor that is missing, [`Error::Shape`] for one of the wrong shape, and the
    /// errors of the law's own constructor.
    pub fn from_tensors(card: &Card, tensors: &[Tensor]) -> Result<Self> {
        match card {
            Card::Linear { grid, features } => Ok(AnyClosure::Linear(linear(features, grid, tensors)?)),
            Card::Network { grid, features, widths, activation } => {
                let standardisation = Standardisation::from_numbers(find(tensors, "standardisation")?.1)?;
                let net = net(widths, *activation, tensors)?;
                Ok(AnyClosure::Network(NetworkLaw::new(features.clone(), grid, standardisation, net)?))
            }
            Card::Composite { grid, linear: path, features, widths, activation, keeps_mean } => {
                let scale = find(tensors, "scale")?.1.to_vec();
                let &[output_scale, gate] = find(tensors, "output")?.1 else {
                    return Err(Error::Shape { what: "tensor `output`".into(), expected: vec![2], found: vec![] });
                };
                let (path, net) = (linear(path, grid, tensors)?, net(widths, *activation, tensors)?);
                let law = CompositeLaw::new(path, features.clone(), scale, output_scale, net, gate)?;
                Ok(AnyClosure::Composite(law.with_mean_kept(*keeps_mean)?))
            }
            Card::Symbolic { grid, features, terms, .. } => {
                let [c, errors] = ["coefficients", "standard_errors"].map(|n| find(tensors, n).map(|t| t.1.to_vec()));
                Ok(AnyClosure::Symbolic(SymbolicLaw::new(features.clone(), grid, terms.clone(), c?, errors?)?))
            }
        }
    }

    /// The same law on another grid: exact for laws on derivatives; laws on neighbours belong to one spacing.
    ///
    /// # Errors
    /// As [`super::Features::new`].
    pub fn on_grid(&self, grid: &Grid) -> Result<Self> {
        Ok(match self {
            AnyClosure::Linear(law) => AnyClosure::Linear(law.on_grid(grid)?),
            AnyClosure::Network(law) => AnyClosure::Network(law.on_grid(grid)?),
            AnyClosure::Composite(law) => AnyClosure::Composite(law.on_grid(grid)?),
            AnyClosure::Symbolic(law) => AnyClosure::Symbolic(law.on_grid(grid)?),
        })
    }

    /// The law on `grid`: as it is where it lives there, else as [`AnyClosure::on_grid`], which laws on neighbours are held back from
    /// unless the spacing is theirs.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another number of `space dimensions` or, of a law on neighbours, another `spacing`; as
    /// [`super::Features::new`].
    ///
    /// ```
    /// use gaptooth::{closure::{AnyClosure, FeatureSpec, LinearLaw, MultiIndex}, grid::{Boundary, Grid}};
    /// let [coarse, fine] = [8, 16].map(|n| Grid::uniform([0.0, 1.0], n, Boundary::Periodic).unwrap());
    /// let heat = LinearLaw::new(FeatureSpec::Spectral { orders: MultiIndex::line(&[2]) }, &coarse, vec![0.3])?;
    /// assert!(AnyClosure::from(heat).moved_to(&fine).is_ok());
    /// let stencil = LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &coarse, vec![1.0, -2.0, 1.0])?;
    /// assert!(AnyClosure::from(stencil).moved_to(&fine).is_err());
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn moved_to(&self, grid: &Grid) -> Result<Self> {
        let card = self.card();
        let own = card.grid();
        if own == grid {
            return Ok(self.clone());
        }
        let spacings = |grid: &Grid| grid.axes().iter().map(Axis::spacing).collect::<Vec<_>>();
        let (here, there) = (spacings(grid), spacings(own));
        if here.len() != there.len() {
            let expected = there.len().to_string();
            return Err(Error::parameter("space dimensions", here.len(), expected, "they are those of the law"));
        }
        let same_spacing = here.iter().zip(&there).all(|(a, b)| (a - b).abs() <= 1e-9 * a);
        if matches!(card.features(), FeatureSpec::Neighbours { .. }) && !same_spacing {
            let (found, expected) = (format!("{here:?}"), format!("{there:?}"));
            let advice =
                "a law on neighbouring points belongs to the spacing that it was fitted on; laws on derivatives move";
            return Err(Error::parameter("spacing", found, expected, advice));
        }
        self.on_grid(grid)
    }

    /// The law in a line: its terms where they are few, else what it is made of.
    ///
    /// ```
    /// use gaptooth::{closure::{AnyClosure, FeatureSpec, LinearLaw}, grid::{Boundary, Grid}};
    /// let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic)?;
    /// let law = LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &grid, vec![1.0, -2.0, 1.0])?;
    /// assert_eq!(AnyClosure::from(law).formula(), "u_t = 1.00000 u[-1] - 2.00000 u[+0] + 1.00000 u[+1]");
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn formula(&self) -> String {
        let card = self.card();
        let axes = card.grid().axes().len();
        match (self, &card) {
            (_, Card::Symbolic { formula, .. }) => formula.clone(),
            (AnyClosure::Linear(law), _) => linear_formula(law),
            (_, Card::Network { features, widths, activation, .. }) => {
                format!("u_t = {}", network_formula(&inputs(features, axes), widths, *activation))
            }
            (AnyClosure::Composite(law), Card::Composite { features, widths, activation, .. }) => {
                let network = network_formula(&inputs(features, axes), widths, *activation);
                format!("{} + {network}", linear_formula(law.linear()))
            }
            _ => unreachable!("a law and its card"),
        }
    }

    fn law(&self) -> &dyn Closure {
        match self {
            AnyClosure::Linear(law) => law,
            AnyClosure::Network(law) => law,
            AnyClosure::Composite(law) => law,
            AnyClosure::Symbolic(law) => law,
        }
    }
}

impl OdeSystem for AnyClosure {
    fn dim(&self) -> usize {
        self.law().dim()
    }

    fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) {
        self.law().rhs_into(t, u, du);
    }

    fn jvp_into(&self, t: f64, u: &[f64], v: &[f64], jv: &mut [f64]) {
        self.law().jvp_into(t, u, v, jv);
    }
}

impl Closure for AnyClosure {
    fn parameters(&self) -> Vec<f64> {
        self.law().parameters()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        match self {
            AnyClosure::Linear(law) => law.set_parameters(parameters),
            AnyClosure::Network(law) => law.set_parameters(parameters),
            AnyClosure::Composite(law) => law.set_parameters(parameters),
            AnyClosure::Symbolic(law) => law.set_parameters(parameters),
        }
    }

    fn card(&self) -> Card {
        self.law().card()
    }

    fn to_tensors(&self) -> Vec<Tensor> {
        self.law().to_tensors()
    }

    fn symbol(&self) -> Option<Vec<faer::c64>> {
        self.law().symbol()
    }
}

impl From<LinearLaw> for AnyClosure {
    fn from(law: LinearLaw) -> Self {
        AnyClosure::Linear(law)
    }
}

impl From<NetworkLaw> for AnyClosure {
    fn from(law: NetworkLaw) -> Self {
        AnyClosure::Network(law)
    }
}

impl From<SymbolicLaw> for AnyClosure {
    fn from(law: SymbolicLaw) -> Self {
        AnyClosure::Symbolic(law)
    }
}

impl From<CompositeLaw> for AnyClosure {
    fn from(law: CompositeLaw) -> Self {
        AnyClosure::Composite(law)
    }
}

/// Terms that fit a line.
const FEW: usize = 9;

/// `u, u_x, u_xx`, or how many neighbours or derivatives.
fn inputs(spec: &FeatureSpec, axes: usize) -> String {
    let names = spec.names(axes);
    match spec {
        _ if names.len() <= FEW => names.join(", "),
        FeatureSpec::Neighbours { .. } => format!("{} neighbouring values", names.len()),
        _ => format!("{} derivatives", names.len()),
    }
}

fn linear_formula(law: &LinearLaw) -> String {
    let names = law.features().names();
    if names.len() <= FEW {
        return sum(&names, law.coefficients());
    }
    format!("u_t = a linear combination of {}", inputs(law.features().spec(), law.features().grid().axes().len()))
}

/// `N(u, u_x, u_xx), N a network of 3-32-32-1 neurons (relu)`
fn network_formula(inputs: &str, widths: &[usize], activation: Activation) -> String {
    let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
    let activation = format!("{activation:?}").to_lowercase();
    format!("N({inputs}), N a network of {} neurons ({activation})", widths.join("-"))
}

fn find<'a>(tensors: &'a [Tensor], name: &str) -> Result<(&'a [usize], &'a [f64])> {
    match tensors.iter().find(|t| t.0 == name) {
        Some((_, shape, values)) if shape.iter().product::<usize>() == values.len() => Ok((shape, values)),
        Some((_, shape, values)) => {
            Err(Error::Shape { what: format!("tensor `{name}`"), expected: shape.clone(), found: vec![values.len()] })
        }
        None => {
            let found = tensors.iter().map(|t| t.0.as_str()).collect::<Vec<_>>().join(", ");
            let advice = "the card and the tensors belong to different models";
            Err(Error::parameter("tensors", found, format!("a tensor named `{name}`"), advice))
        }
    }
}

fn linear(spec: &FeatureSpec, grid: &Grid, tensors: &[Tensor]) -> Result<LinearLaw> {
    LinearLaw::new(spec.clone(), grid, find(tensors, "coefficients")?.1.to_vec())
}

fn net(widths: &[usize], activation: Activation, tensors: &[Tensor]) -> Result<Mlp> {
    let mut parameters = vec![];
    for (l, w) in widths.windows(2).enumerate() {
        for (name, expected) in
            [(format!("layer.{l}.weight"), vec![w[1], w[0]]), (format!("layer.{l}.bias"), vec![w[1]])]
        {
            let (shape, values) = find(tensors, &name)?;
            crate::nn::check_shape(&format!("tensor `{name}`"), &expected, shape)?;
            parameters.extend_from_slice(values);
        }
    }
    Mlp::from_parameters(widths, activation, parameters)
}
