//! Cases with known answers.

/// A cell problem whose effective coefficient is known in closed form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellCase {
    /// short name
    pub name: &'static str,
    /// a(x, y) as a formula
    pub coefficient: &'static str,
    /// the slow point
    pub x: f64,
    /// a*(x)
    pub effective: f64,
    /// ⟨a⟩(x)
    pub mean: f64,
    /// where it comes from
    pub source: &'static str,
}

/// √0.21, the exact a* of Arbabi et al. (2020), whose eq. 22 prints 0.45825686.
pub const ARBABI_EFFECTIVE: f64 = 0.458_257_569_495_584;

/// Cell problems in one dimension. ⟨1/(c + b sin 2πy)⟩ = 1/√(c² − b²) gives most of them.
pub const CELL_CASES: &[CellCase] = &[
    CellCase {
        name: "arbabi",
        coefficient: "1.1 + sin(2*pi*y)",
        x: 0.0,
        effective: ARBABI_EFFECTIVE,
        mean: 1.1,
        source: "Arbabi et al. 2020, section 5.1: sqrt(1.1^2 - 1)",
    },
    CellCase {
        name: "mild_sine",
        coefficient: "0.5*sin(2*pi*y) + 2",
        x: 0.0,
        effective: 1.936_491_673_103_708_5,
        mean: 2.0,
        source: "sqrt(2^2 - 1/4)",
    },
    CellCase {
        name: "squared_sine",
        coefficient: "15*sin(pi*y)^2 + 1",
        x: 0.0,
        effective: 4.0,
        mean: 8.5,
        source: "1/(1 + b sin^2) averages to 1/sqrt(1 + b)",
    },
    CellCase {
        name: "slow_and_fast_0",
        coefficient: "0.5*sin(2*pi*y) + sin(x) + 2",
        x: 0.0,
        effective: 1.936_491_673_103_708_5,
        mean: 2.0,
        source: "sqrt((2 + sin x)^2 - 1/4)",
    },
    CellCase {
        name: "slow_and_fast_half_pi",
        coefficient: "0.5*sin(2*pi*y) + sin(x) + 2",
        x: std::f64::consts::FRAC_PI_2,
        effective: 2.958_039_891_549_808,
        mean: 3.0,
        source: "sqrt((2 + sin x)^2 - 1/4)",
    },
    CellCase {
        name: "exponential",
        coefficient: "exp(sin(2*pi*y))",
        x: 0.0,
        effective: 1.0 / BESSEL_I0_1,
        mean: BESSEL_I0_1,
        source: "both means of exp(sin) are the modified Bessel function I_0(1), Abramowitz & Stegun 9.6.16",
    },
    CellCase {
        name: "laminate",
        coefficient: "where(y % 1 < 0.3, 1, 10)",
        x: 0.0,
        effective: 1.0 / 0.37,
        mean: 7.3,
        source: "two phases in series: 1/(0.3/1 + 0.7/10)",
    },
    CellCase {
        name: "laminate_contrast_1e6",
        coefficient: "where((y - 0.1) % 1 < 1/3, 1e-3, 1e3)",
        x: 0.0,
        effective: 3.0 / (1e3 + 2e-3),
        mean: (1e-3 + 2e3) / 3.0,
        source: "two phases in series: 1/(1e3/3 + 1e-3*2/3)",
    },
    CellCase {
        name: "kink",
        coefficient: "1 + abs(sin(pi*(y - 0.2)))",
        x: 0.0,
        effective: std::f64::consts::FRAC_PI_2,
        mean: 1.0 + std::f64::consts::FRAC_2_PI,
        source: "the integral of 1/(1 + sin t) over 0 < t < pi is 2",
    },
    CellCase { name: "constant", coefficient: "3.5", x: 0.0, effective: 3.5, mean: 3.5, source: "nothing to average" },
];

/// I₀(1), Abramowitz & Stegun table 9.8.
const BESSEL_I0_1: f64 = 1.266_065_877_752_008_4;
