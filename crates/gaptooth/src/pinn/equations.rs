//! The equations of homogenization as residuals.

use super::Residual;
use crate::coefficient::tensor_component;
use crate::nn::{JetSpec, Taylor};

/// A symmetric tensor at a point with its derivatives, row by row of the upper triangle; one entry is a scalar.
pub type TensorMap<'a> = &'a (dyn Fn(&[f64]) -> Vec<Taylor> + Sync);

/// A known function of the point.
pub type PointFunction<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// −∇·(A∇u) = f + ∇·(A e) in strong form: −A : ∇²u − (∇·A)·(∇u + e) − f.
///
/// With f = 0 and e a unit vector this is the cell problem of χ_e (Leung et al. 2022, eq. 9), with e = 0 the
/// multiscale or the homogenized equation (eq. 11, 16).
pub struct Elliptic<'a> {
    /// number of coordinates that the divergence acts on, the first ones
    pub dimension: usize,
    /// all coordinates; those after `dimension` are parameters
    pub variables: usize,
    /// A
    pub tensor: TensorMap<'a>,
    /// f
    pub source: Option<PointFunction<'a>>,
    /// e
    pub direction: Vec<f64>,
    /// whether A is a multiple of the identity
    pub scalar: bool,
}

impl<'a> Elliptic<'a> {
    /// The cell problem of direction `e` in `dimension` dimensions.
    pub fn cell(dimension: usize, tensor: TensorMap<'a>, scalar: bool, e: usize) -> Self {
        let direction = (0..dimension).map(|i| f64::from(u8::from(i == e))).collect();
        Elliptic { dimension, variables: dimension, tensor, source: None, direction, scalar }
    }

    /// A boundary-value problem with source f.
    pub fn boundary_value(dimension: usize, tensor: TensorMap<'a>, scalar: bool, f: PointFunction<'a>) -> Self {
        Elliptic { dimension, variables: dimension, tensor, source: Some(f), direction: vec![0.0; dimension], scalar }
    }
}

impl Residual for Elliptic<'_> {
    fn names(&self) -> Vec<String> {
        vec!["equation".into()]
    }

    fn jets(&self) -> JetSpec {
        if !self.scalar {
            return JetSpec::hessian(self.dimension);
        }
        let n = self.variables;
        let laplacian = (0..n * n).map(|k| f64::from(u8::from(k % (n + 1) == 0 && k / (n + 1) < self.dimension)));
        JetSpec::new(n, &[laplacian.collect()])
    }

    /// The slopes of r by the jet, then what is added to it.
    fn data(&self, x: &[f64]) -> Vec<f64> {
        let d = self.dimension;
        let a = (self.tensor)(x);
        let component = |i: usize, j: usize| match self.scalar {
            true if i == j => a[0],
            true => Taylor::constant(0.0),
            false => a[tensor_component(d, i, j)],
        };
        let divergence: Vec<f64> = (0..d).map(|j| (0..d).map(|i| component(i, j).gradient[i]).sum()).collect();
        let mut data = vec![0.0];
        data.extend(divergence.iter().map(|v| -v));
        data.resize(1 + self.variables, 0.0);
        if self.scalar {
            data.push(-a[0].value);
        } else {
            let pairs = (0..d).flat_map(|i| (i..d).map(move |j| (i, j)));
            data.extend(pairs.map(|(i, j)| -component(i, j).value * if i == j { 1.0 } else { 2.0 }));
        }
        let forced: f64 = divergence.iter().zip(&self.direction).map(|(v, e)| v * e).sum();
        data.push(-forced - self.source.map_or(0.0, |f| f(x)));
        data
    }

    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
        linear(data, u, r, slope);
    }
}

/// r = Σ slopes · u + the last of `data`.
fn linear(data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
    let (slopes, rest) = data.split_at(u.len());
    slope.copy_from_slice(slopes);
    r[0] = slopes.iter().zip(u).map(|(s, u)| s * u).sum::<f64>() + rest[0];
}

/// The same without e in first-order form, for fields u and fluxes q_i: ∇u − A⁻¹ q = 0, −∇·q = f. No derivative of A appears: a
/// smooth network can follow an oscillating coefficient.
pub struct EllipticFlux<'a> {
    /// number of coordinates
    pub dimension: usize,
    /// A
    pub tensor: TensorMap<'a>,
    /// f
    pub source: PointFunction<'a>,
    /// whether A is a multiple of the identity
    pub scalar: bool,
}

impl Residual for EllipticFlux<'_> {
    fn names(&self) -> Vec<String> {
        let laws = (1..=self.dimension).map(|i| format!("flux {i}"));
        laws.chain(std::iter::once("balance".into())).collect()
    }

    fn jets(&self) -> JetSpec {
        JetSpec::gradient(self.dimension)
    }

    fn fields(&self) -> usize {
        1 + self.dimension
    }

    /// A⁻¹ row by row, then f.
    fn data(&self, x: &[f64]) -> Vec<f64> {
        let d = self.dimension;
        let a = (self.tensor)(x);
        let component = |i: usize, j: usize| match self.scalar {
            true => {
                if i == j {
                    a[0].value
                } else {
                    0.0
                }
            }
            false => a[tensor_component(d, i, j)].value,
        };
        let matrix = faer::Mat::<f64>::from_fn(d, d, component);
        let inverse = faer::linalg::solvers::DenseSolveCore::inverse(&matrix.partial_piv_lu());
        let mut data: Vec<f64> = (0..d * d).map(|k| inverse[(k / d, k % d)]).collect();
        data.push((self.source)(x));
        data
    }

    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
        let d = self.dimension;
        let (channels, width) = (1 + d, (1 + d) * (1 + d));
        for i in 0..d {
            let slope = &mut slope[i * width..(i + 1) * width];
            r[i] = u[1 + i];
            slope[1 + i] = 1.0;
            for j in 0..d {
                r[i] -= data[i * d + j] * u[(1 + j) * channels];
                slope[(1 + j) * channels] = -data[i * d + j];
            }
        }
        r[d] = -data[d * d];
        for i in 0..d {
            r[d] -= u[(1 + i) * channels + 1 + i];
            slope[d * width + (1 + i) * channels + 1 + i] = -1.0;
        }
    }
}

/// u_t − D u_xx + c(x) u = f(x) for coordinates (x, t).
pub struct Heat<'a> {
    /// D
    pub diffusivity: f64,
    /// c
    pub reaction: &'a (dyn Fn(f64) -> f64 + Sync),
    /// f
    pub source: &'a (dyn Fn(f64) -> f64 + Sync),
}

impl Residual for Heat<'_> {
    fn names(&self) -> Vec<String> {
        vec!["equation".into()]
    }

    fn jets(&self) -> JetSpec {
        JetSpec::new(2, &[vec![1.0, 0.0, 0.0, 0.0]])
    }

    fn data(&self, x: &[f64]) -> Vec<f64> {
        vec![(self.reaction)(x[0]), 0.0, 1.0, -self.diffusivity, -(self.source)(x[0])]
    }

    fn residual(&self, data: &[f64], u: &[f64], r: &mut [f64], slope: &mut [f64]) {
        linear(data, u, r, slope);
    }
}
