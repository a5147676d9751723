//! A survey of a coefficient on a sample: its extremes, or the point where it is not a positive number.

use super::formula::Formula;

/// A point and the value there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) value: f64,
}

/// Where to look.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// slow points, ascending
    pub(super) x: Vec<f64>,
    /// fast points, ascending
    pub(super) y: Vec<f64>,
}

/// Local minima that are refined, lowest first.
const REFINED: usize = 8;

/// The smallest and the largest value found, both refined between the sample's points; `Err` for a value that is no number.
pub(super) fn survey(formula: &Formula, sample: &Sample) -> Result<[Place; 2], Place> {
    let low = extreme(formula, sample, 1.0)?;
    let high = extreme(formula, sample, -1.0)?;
    Ok([low, high])
}

/// The minimum of sign·a.
fn extreme(formula: &Formula, sample: &Sample, sign: f64) -> Result<Place, Place> {
    let n = sample.y.len();
    let mut values = vec![0.0; n];
    let mut minima: Vec<(f64, usize, usize)> = Vec::new();
    for (i, &x) in sample.x.iter().enumerate() {
        formula.eval_into(&[&[x], &sample.y], &mut values);
        if let Some(j) = values.iter().position(|v| !v.is_finite()) {
            return Err(Place { x, y: sample.y[j], value: values[j] });
        }
        values.iter_mut().for_each(|v| *v *= sign);
        let local = |j: &usize| (*j == 0 || values[*j] <= values[j - 1]) && (*j + 1 == n || values[*j] < values[j + 1]);
        let lowest = (0..n).min_by(|a, b| values[*a].total_cmp(&values[*b])).into_iter();
        minima.extend((0..n).filter(local).chain(lowest).map(|j| (values[j], i, j)));
        minima.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        minima.dedup();
        minima.truncate(REFINED);
    }
    let refined = minima.iter().map(|&(_, i, j)| refine(formula, sample, sign, i, j));
    let best = refined.min_by(|a, b| (sign * a.value).total_cmp(&(sign * b.value)));
    match best {
        Some(place) if place.value.is_finite() => Ok(place),
        Some(place) => Err(place),
        None => Err(Place { x: f64::NAN, y: f64::NAN, value: f64::NAN }),
    }
}

/// Golden sections in y and x in turn, within the neighbours of a sampled minimum. The sampled point itself is kept when it
/// is as low: it has the rounder numbers.
fn refine(formula: &Formula, sample: &Sample, sign: f64, i: usize, j: usize) -> Place {
    let at = |x: f64, y: f64| sign * formula.eval(&[x, y]);
    let (mut x, mut y) = (sample.x[i], sample.y[j]);
    let kept = Place { x, y, value: formula.eval(&[x, y]) };
    let around = |points: &[f64], k: usize| [points[k.saturating_sub(1)], points[(k + 1).min(points.len() - 1)]];
    let sweeps = if sample.x.len() > 1 { 4 } else { 1 };
    for _ in 0..sweeps {
        y = golden_section(|y| at(x, y), around(&sample.y, j));
        if sample.x.len() > 1 {
            x = golden_section(|x| at(x, y), around(&sample.x, i));
        }
    }
    let found = Place { x, y, value: formula.eval(&[x, y]) };
    let gain = sign * (kept.value - found.value);
    if gain > 1e-12 * kept.value.abs().max(1e-300) || !found.value.is_finite() { found } else { kept }
}

fn golden_section(f: impl Fn(f64) -> f64, [mut a, mut b]: [f64; 2]) -> f64 {
    let ratio = 0.618_033_988_749_894_9;
    let (mut c, mut d) = (b - ratio * (b - a), a + ratio * (b - a));
    let (mut fc, mut fd) = (f(c), f(d));
    for _ in 0..48 {
        if fc < fd {
            (b, d, fd) = (d, c, fc);
            c = b - ratio * (b - a);
            fc = f(c);
        } else {
            (a, c, fc) = (c, d, fd);
            d = a + ratio * (b - a);
            fd = f(d);
        }
    }
    if fc < fd { c } else { d }
}
