//! The nonlinearities, and a tanh that vectorises on any x86-64.

use serde::{Deserialize, Serialize};

/// The nonlinearity between layers; the last layer is always linear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, z)
    #[default]
    Relu,
    /// tanh(z)
    Tanh,
    /// sin(z)
    Sine,
}

impl Activation {
    /// Replaces z by σ(z).
    pub(crate) fn apply(self, z: &mut [f64]) {
        match self {
            // not f64::max, which would swallow a NaN
            Activation::Relu => z.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v }),
            Activation::Tanh => z.iter_mut().for_each(|v| *v = tanh(*v)),
            Activation::Sine => z.iter_mut().for_each(|v| *v = v.sin()),
        }
    }

    /// Multiplies `d` by σ′ written in terms of a = σ(z), or of z for the sine; ReLU's derivative at 0 is 0.
    pub(crate) fn scale_by_slope(self, a: &[f64], z: &[f64], d: &mut [f64]) {
        match self {
            Activation::Relu => d.iter_mut().zip(a).for_each(|(d, a)| *d = if *a > 0.0 { *d } else { 0.0 }),
            Activation::Tanh => d.iter_mut().zip(a).for_each(|(d, a)| *d *= 1.0 - a * a),
            Activation::Sine => d.iter_mut().zip(z).for_each(|(d, z)| *d *= z.cos()),
        }
    }
}

/// tanh(x) = e/(e + 2) with e = exp(2x) − 1, within a few units in the last place and free of branches.
///
/// exp(2x) − 1 = 2^k (exp(r) − 1) + 2^k − 1 with |r| ≤ ln 2 / 2, and a Taylor polynomial for exp(r) − 1.
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    // Beyond 20 tanh is ±1 to the last bit.
    let y = 2.0 * x.clamp(-20.0, 20.0);
    let shifted = y * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (y - k * LN2_HIGH) - k * LN2_LOW;
    let mut p = INVERSE_FACTORIALS[0];
    for c in &INVERSE_FACTORIALS[1..] {
        p = p * r + c;
    }
    let small = p * r;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    let e = power * small + (power - 1.0);
    e / (e + 2.0)
}

/// The same by fused multiply-adds, for code compiled for processors that have them: elsewhere it is right and very slow.
#[inline(always)]
pub(super) fn tanh_fused(x: f64) -> f64 {
    let y = 2.0 * x.clamp(-20.0, 20.0);
    let shifted = y.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = (-k).mul_add(LN2_LOW, (-k).mul_add(LN2_HIGH, y));
    // Estrin's order, a shorter chain than Horner's
    let c = |n: usize| INVERSE_FACTORIALS[14 - n];
    let pair = |n: usize| c(n + 1).mul_add(r, c(n));
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let low = pair(7).mul_add(r2, pair(5)).mul_add(r4, pair(3).mul_add(r2, pair(1)));
    let high = c(13).mul_add(r4, pair(11).mul_add(r2, pair(9)));
    let small = high.mul_add(r4 * r4, low) * r;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    let e = power.mul_add(small, power - 1.0);
    e / (e + 2.0)
}

const ROUND: f64 = 6755399441055744.0; // 1.5 · 2^52: adding it rounds to an integer in the low bits
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/14!, 1/13!, …, 1/1!
const INVERSE_FACTORIALS: [f64; 14] = {
    let mut c = [1.0; 14];
    let mut i = 0;
    while i < 14 {
        let (mut f, mut j) = (1.0, 2);
        while j <= 14 - i {
            f *= j as f64;
            j += 1;
        }
        c[i] = 1.0 / f;
        i += 1;
    }
    c
};

#[cfg(test)]
mod tests {
    use super::{tanh, tanh_fused};

    #[test]
    fn tanh_is_within_a_few_ulp_of_the_standard_library() {
        for tanh in [tanh as fn(f64) -> f64, tanh_fused] {
            for i in -40_000..=40_000i32 {
                let x = f64::from(i) * 7.3e-4;
                let (got, exact) = (tanh(x), x.tanh());
                assert!((got - exact).abs() <= 6.0 * f64::EPSILON * exact.abs(), "{x}: {got} {exact}");
                let x = f64::from(i) * 1e-12;
                assert!((tanh(x) - x.tanh()).abs() <= 6.0 * f64::EPSILON * x.abs(), "{x}");
            }
            assert_eq!((tanh(1e300), tanh(f64::NEG_INFINITY), tanh(0.0)), (1.0, -1.0, 0.0));
            assert!(tanh(f64::NAN).is_nan());
        }
    }
}
