//! The range of an axis, its ticks and their labels.

/// What an axis shows; a logarithmic one is in powers of ten (`lo`, `hi` and `step` are exponents).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) lo: f64,
    pub(super) hi: f64,
    pub(super) step: f64,
    pub(super) log: bool,
}

impl Axis {
    /// Linear, over the finite values, with `margin` (a fraction of the range) at both ends.
    pub(super) fn linear(values: impl Iterator<Item = f64>, margin: f64, ticks: usize) -> Self {
        let (lo, hi) = range(values);
        let pad = margin * (hi - lo);
        let (lo, hi) = (lo - pad, hi + pad);
        Axis { lo, hi, step: nice_step((hi - lo) / ticks.max(1) as f64), log: false }
    }

    /// Logarithmic, in whole decades: labels then never overlap, whatever the span.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (lo, hi) = range(values.filter(|v| *v > 0.0).map(f64::log10));
        let (lo, mut hi) = ((lo + 1e-9).floor(), (hi - 1e-9).ceil());
        if hi <= lo {
            hi = lo + 1.0;
        }
        Axis { lo, hi, step: ((hi - lo) / 6.0).ceil().max(1.0), log: true }
    }

    /// A value as this axis places it; NaN where it cannot.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.log {
            false => value,
            true if value > 0.0 => value.log10(),
            true => f64::NAN,
        }
    }

    /// A label for the tick at `tick` (as placed).
    pub(super) fn label(&self, tick: f64) -> String {
        if self.log {
            return format!("10{}", superscript(tick.round() as i64));
        }
        let tick = if tick.abs() < self.step * 1e-6 { 0.0 } else { tick };
        let size = self.lo.abs().max(self.hi.abs());
        let text = if tick != 0.0 && !(1e-3..1e5).contains(&size) {
            let digits = (tick.abs().log10().floor() - self.step.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{tick:.digits$e}")
        } else {
            let decimals = if (1e-3..1e5).contains(&size) { decimals(self.step) } else { 0 };
            format!("{tick:.decimals$}")
        };
        text.replace('-', "−")
    }
}

/// Smallest and largest finite value, widened where they coincide; (0, 1) for none.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (lo, hi) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
    if lo > hi {
        return (0.0, 1.0);
    }
    let size = lo.abs().max(hi.abs());
    if hi - lo > 1e-9 * size {
        return (lo, hi);
    }
    let half = if size == 0.0 { 1.0 } else { 0.5 * size };
    (lo - half, hi + half)
}

/// 1, 2 or 5 times a power of ten, about `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= 0.8 * rough).unwrap_or(10.0) * power
}

/// Decimals that tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (-(step * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 12.0) as usize
}

fn superscript(exponent: i64) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => char::from_u32(0x2070 + c as u32 - '0' as u32).unwrap_or(c),
    };
    exponent.to_string().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        let first = (axis.lo / axis.step - 1e-9).ceil() as i64;
        let last = (axis.hi / axis.step + 1e-9).floor() as i64;
        (first..=last).map(|i| axis.label(i as f64 * axis.step)).collect()
    }

    #[test]
    fn linear_labels_are_short_and_tell_ticks_apart() {
        assert_eq!(labels(Axis::linear([0.0, 1.0].into_iter(), 0.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Axis::linear([-1.0, 1.0].into_iter(), 0.0, 4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(Axis::linear([0.0, 4e-5].into_iter(), 0.0, 4)), ["0", "1e−5", "2e−5", "3e−5", "4e−5"]);
        for data in [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0 + 1e-7], [-3e7, 2e9], [0.3, 0.301]] {
            let found = labels(Axis::linear(data.into_iter(), 0.04, 5));
            let different: std::collections::BTreeSet<_> = found.iter().collect();
            assert!(different.len() == found.len() && (3..=8).contains(&found.len()), "{data:?}: {found:?}");
        }
    }

    #[test]
    fn log_ticks_are_whole_decades_and_few() {
        assert_eq!(labels(Axis::log([3e-7, 0.2].into_iter())), ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
        assert_eq!(labels(Axis::log([1.0, 10.0].into_iter())), ["10⁰", "10¹"]);
        for data in [[1e-16, 1.0], [2.0, 3.0], [1e-300, 1e300], [-1.0, f64::NAN]] {
            assert!((2..=8).contains(&labels(Axis::log(data.into_iter())).len()), "{data:?}");
        }
    }

    #[test]
    fn what_cannot_be_placed_is_nan() {
        let axis = Axis::log([1e-3, 1.0].into_iter());
        assert!(axis.place(0.0).is_nan() && axis.place(-1.0).is_nan());
        assert_eq!(axis.place(1e-2), -2.0);
    }
}
