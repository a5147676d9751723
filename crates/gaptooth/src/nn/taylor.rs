//! Numbers that carry their first and second derivatives by up to four variables.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Most variables of a [`Taylor`] number: space and time, or slow and fast coordinates of the plane.
pub const MAX_VARIABLES: usize = 4;

/// A value with its gradient and Hessian: what an embedding, a boundary factor or a lift is written in.
///
/// ```
/// use gaptooth::nn::Taylor;
/// let [x, y] = [Taylor::variable(0, 0.5), Taylor::variable(1, 2.0)];
/// let f = (x * y).sin() + x * x;
/// assert_eq!(f.value, 1.0_f64.sin() + 0.25);
/// assert_eq!(f.gradient[0], 2.0 * 1.0_f64.cos() + 1.0);
/// assert_eq!(f.hessian[0][1], 1.0_f64.cos() - 1.0_f64.sin());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taylor {
    /// f
    pub value: f64,
    /// ∂f/∂x_i
    pub gradient: [f64; MAX_VARIABLES],
    /// ∂²f/∂x_i∂x_j
    pub hessian: [[f64; MAX_VARIABLES]; MAX_VARIABLES],
}

impl Taylor {
    /// A constant.
    pub fn constant(value: f64) -> Self {
        Taylor { value, gradient: [0.0; MAX_VARIABLES], hessian: [[0.0; MAX_VARIABLES]; MAX_VARIABLES] }
    }

    /// The variable x_i at `value`.
    ///
    /// # Panics
    /// If `i` is not below [`MAX_VARIABLES`].
    pub fn variable(i: usize, value: f64) -> Self {
        let mut x = Taylor::constant(value);
        x.gradient[i] = 1.0;
        x
    }

    /// All variables of a point.
    ///
    /// # Panics
    /// If it has more than [`MAX_VARIABLES`] coordinates.
    pub fn variables(x: &[f64]) -> Vec<Self> {
        x.iter().enumerate().map(|(i, x)| Taylor::variable(i, *x)).collect()
    }

    /// g(f) from g, g′ and g″ at f.
    pub fn chain(self, g: f64, first: f64, second: f64) -> Self {
        let mut out = Taylor::constant(g);
        for i in 0..MAX_VARIABLES {
            out.gradient[i] = first * self.gradient[i];
            for j in 0..MAX_VARIABLES {
                out.hessian[i][j] = first * self.hessian[i][j] + second * self.gradient[i] * self.gradient[j];
            }
        }
        out
    }

    /// sin f
    pub fn sin(self) -> Self {
        let (s, c) = self.value.sin_cos();
        self.chain(s, c, -s)
    }

    /// cos f
    pub fn cos(self) -> Self {
        let (s, c) = self.value.sin_cos();
        self.chain(c, -s, -c)
    }

    /// eᶠ
    pub fn exp(self) -> Self {
        let e = self.value.exp();
        self.chain(e, e, e)
    }

    /// ln f
    pub fn ln(self) -> Self {
        let r = 1.0 / self.value;
        self.chain(self.value.ln(), r, -r * r)
    }

    /// √f
    pub fn sqrt(self) -> Self {
        let s = self.value.sqrt();
        self.chain(s, 0.5 / s, -0.25 / (s * self.value))
    }

    /// 1/f
    pub fn recip(self) -> Self {
        let r = 1.0 / self.value;
        self.chain(r, -r * r, 2.0 * r * r * r)
    }

    /// fⁿ
    pub fn powi(self, n: i32) -> Self {
        let power = |k: i32| if k < 0 && n >= 0 { 0.0 } else { self.value.powi(k) };
        let m = f64::from(n);
        self.chain(power(n), m * power(n - 1), m * (m - 1.0) * power(n - 2))
    }

    /// The angle of the point (x, self), between −π and π.
    pub fn atan2(self, x: Self) -> Self {
        let (y, square) = (self, self.value * self.value + x.value * x.value);
        let mut out = Taylor::constant(y.value.atan2(x.value));
        // ∂θ/∂y = x/r², ∂θ/∂x = −y/r²; θ is harmonic
        let (ty, tx) = (x.value / square, -y.value / square);
        let (tyy, txy) = (2.0 * ty * tx, tx * tx - ty * ty);
        let txx = -tyy;
        for i in 0..MAX_VARIABLES {
            let (yi, xi) = (y.gradient[i], x.gradient[i]);
            out.gradient[i] = ty * yi + tx * xi;
            for j in 0..MAX_VARIABLES {
                let (yj, xj) = (y.gradient[j], x.gradient[j]);
                out.hessian[i][j] = ty * y.hessian[i][j]
                    + tx * x.hessian[i][j]
                    + tyy * yi * yj
                    + txx * xi * xj
                    + txy * (xi * yj + xj * yi);
            }
        }
        out
    }
}

impl From<f64> for Taylor {
    fn from(value: f64) -> Self {
        Taylor::constant(value)
    }
}

impl Neg for Taylor {
    type Output = Taylor;
    fn neg(self) -> Taylor {
        self * -1.0
    }
}

impl Add for Taylor {
    type Output = Taylor;
    fn add(mut self, other: Taylor) -> Taylor {
        self.value += other.value;
        for i in 0..MAX_VARIABLES {
            self.gradient[i] += other.gradient[i];
            for j in 0..MAX_VARIABLES {
                self.hessian[i][j] += other.hessian[i][j];
            }
        }
        self
    }
}

impl Sub for Taylor {
    type Output = Taylor;
    fn sub(self, other: Taylor) -> Taylor {
        self + -other
    }
}

impl Mul for Taylor {
    type Output = Taylor;
    fn mul(self, other: Taylor) -> Taylor {
        let (a, b) = (self, other);
        let mut out = Taylor::constant(a.value * b.value);
        for i in 0..MAX_VARIABLES {
            out.gradient[i] = a.value * b.gradient[i] + a.gradient[i] * b.value;
            for j in 0..MAX_VARIABLES {
                out.hessian[i][j] = a.value * b.hessian[i][j]
                    + a.hessian[i][j] * b.value
                    + a.gradient[i] * b.gradient[j]
                    + a.gradient[j] * b.gradient[i];
            }
        }
        out
    }
}

#[expect(clippy::suspicious_arithmetic_impl, reason = "a quotient is a product with the reciprocal")]
impl Div for Taylor {
    type Output = Taylor;
    fn div(self, other: Taylor) -> Taylor {
        self * other.recip()
    }
}

impl Mul<f64> for Taylor {
    type Output = Taylor;
    fn mul(self, k: f64) -> Taylor {
        self.chain(self.value * k, k, 0.0)
    }
}

impl Mul<Taylor> for f64 {
    type Output = Taylor;
    fn mul(self, f: Taylor) -> Taylor {
        f * self
    }
}

impl Div<f64> for Taylor {
    type Output = Taylor;
    fn div(self, k: f64) -> Taylor {
        self * (1.0 / k)
    }
}

impl Add<f64> for Taylor {
    type Output = Taylor;
    fn add(mut self, k: f64) -> Taylor {
        self.value += k;
        self
    }
}

impl Sub<f64> for Taylor {
    type Output = Taylor;
    fn sub(self, k: f64) -> Taylor {
        self + -k
    }
}

impl Add<Taylor> for f64 {
    type Output = Taylor;
    fn add(self, f: Taylor) -> Taylor {
        f + self
    }
}

impl Sub<Taylor> for f64 {
    type Output = Taylor;
    fn sub(self, f: Taylor) -> Taylor {
        -f + self
    }
}

#[expect(clippy::suspicious_arithmetic_impl, reason = "a quotient is a product with the reciprocal")]
impl Div<Taylor> for f64 {
    type Output = Taylor;
    fn div(self, f: Taylor) -> Taylor {
        f.recip() * self
    }
}
