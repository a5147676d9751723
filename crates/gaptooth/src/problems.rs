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

/// A multiscale problem on an interval beside its homogenized one: −(a(x, x/ε) u_ε′)′ = f against −(a* u₀′)′ = f, u = 0 at both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineCase {
    /// short name
    pub name: &'static str,
    /// the interval
    pub domain: [f64; 2],
    /// a(x, y) as a formula
    pub coefficient: &'static str,
    /// a*(x) as a formula
    pub effective: &'static str,
    /// f(x) as a formula
    pub source: &'static str,
    /// ε
    pub epsilon: f64,
    /// ‖u₀ − u_ε‖/‖u_ε‖ of converged solutions
    pub homogenization_error: f64,
}

/// The problems in one dimension of Leung, Lin & Zhang 2022.
pub const LINE_CASES: &[LineCase] = &[
    LineCase {
        name: "intro",
        domain: [0.0, std::f64::consts::PI],
        coefficient: "0.5*sin(2*pi*y) + 2",
        effective: "sqrt(3.75)",
        source: "sin(x)",
        epsilon: 0.125,
        homogenization_error: 0.005_060_286_6,
    },
    LineCase {
        name: "slow",
        domain: [0.0, std::f64::consts::PI],
        coefficient: "0.5*sin(2*pi*y) + sin(x) + 2",
        effective: "sqrt((2 + sin(x))^2 - 1/4)",
        source: "sin(x)",
        epsilon: 0.125,
        homogenization_error: 0.005_125_167_5,
    },
];

/// A multiscale problem on a rectangle: −∇·(a(x/ε)∇u_ε) = f against −a* Δu₀ = f, u = 0 on the sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneCase {
    /// short name
    pub name: &'static str,
    /// the rectangle
    pub domain: [[f64; 2]; 2],
    /// a(y1, y2) as a formula
    pub coefficient: &'static str,
    /// a* = `effective` I
    pub effective: f64,
    /// ‖χ_j‖, the same for both
    pub corrector_norm: f64,
    /// f(x, y) as a formula
    pub source: &'static str,
    /// ε
    pub epsilon: f64,
    /// ‖u_ε‖, ‖u₀‖
    pub norms: [f64; 2],
    /// u_ε and u₀ in the middle
    pub middle: [f64; 2],
    /// ‖u₀ − u_ε‖/‖u_ε‖
    pub homogenization_error: f64,
}

/// The problem in the plane of Leung, Lin & Zhang 2022, section 5.2.
pub const PLANE_CASE: PlaneCase = PlaneCase {
    name: "plane",
    domain: [[0.0, 1.0], [0.0, 1.0]],
    coefficient: "2 + sin(2*pi*y1)*cos(2*pi*y2)",
    effective: 1.935_359_234_812_29,
    corrector_norm: 0.020_714_276_823_60,
    source: "sin(x) + cos(y)",
    epsilon: 0.125,
    norms: [0.028_273_696_225, 0.028_320_040_007],
    middle: [0.050_714_070_338, 0.050_684_596_621],
    homogenization_error: 0.011_662_626_3,
};

/// u_t − D u_xx + (1/ε) r(x/ε) u = f on [−π, π] against u_t − D u_xx + r* u = f, u = 0 at both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReactionCase {
    /// short name
    pub name: &'static str,
    /// D
    pub diffusivity: f64,
    /// r(y) as a formula
    pub reaction: &'static str,
    /// r* = ⟨r N⟩, D N″ = r
    pub effective: f64,
    /// u(x, 0) as a formula
    pub initial: &'static str,
    /// f(x) as a formula
    pub source: &'static str,
    /// T
    pub time: f64,
    /// ε
    pub epsilon: f64,
    /// ‖u₀ − u_ε‖/‖u_ε‖ at T
    pub homogenization_error: f64,
}

/// A cell of length 1, from nothing.
const UNIT_REACTION: ReactionCase = ReactionCase {
    name: "unit cell, 1/10",
    diffusivity: 2.0,
    reaction: "cos(2*pi*y)",
    effective: -0.006_332_573_977_646_11,
    initial: "0",
    source: "sin(2*pi*x)",
    time: 0.5,
    epsilon: 0.1,
    homogenization_error: 0.000_932_3,
};

/// A cell of length 2π, from a sine.
const WAVE_REACTION: ReactionCase = ReactionCase {
    name: "2 pi cell, 1/10",
    reaction: "cos(y)",
    effective: -0.25,
    initial: "sin(x)",
    time: 1.0,
    homogenization_error: 0.042_167_2,
    ..UNIT_REACTION
};

/// The reactions of Leung, Lin & Zhang 2022, section 5.4, by both readings of their cell.
pub const REACTION_CASES: &[ReactionCase] = &[
    UNIT_REACTION,
    ReactionCase { name: "unit cell, 1/50", epsilon: 0.02, homogenization_error: 0.000_179_4, ..UNIT_REACTION },
    WAVE_REACTION,
    ReactionCase { name: "2 pi cell, 1/50", epsilon: 0.02, homogenization_error: 0.007_100_3, ..WAVE_REACTION },
];
