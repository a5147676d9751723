//! Sine and cosine transforms of lines, two lines at a time in one complex Fourier transform.

use std::f64::consts::PI;
use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex};

use super::Points;
use crate::cell::voxel::lattice::End;

type Wave = Complex<f32>;

/// Expands lines across n voxels in the waves that fit their ends.
///
/// | unknowns | no flux through the ends | zero at the ends |
/// |---|---|---|
/// | n centres | DCT-II, angles πk/n | DST-II, angles π(n − k)/n: the DCT-II of (−1)ʲ u_j (k counted from the other end) |
/// | n + 1 corners | DCT-I, angles πk/n | DST-I of the n − 1 inner ones, angles πk/n; the ends are 0 |
///
/// A transform of real lines is linear, so two lines are one complex line u + iv. Centres: Makhoul (1980). Corners: those of Press et
/// al., Numerical Recipes, §12.4; every other coefficient is a sum of those before, which loses a digit and halves the work.
pub(super) struct LineTransform {
    kind: Kind,
    /// voxels, the length of the Fourier transform
    n: usize,
    plans: [Arc<dyn Fft<f32>>; 2],
    /// cos and sin of πk/(2n) for centres, of πk/n for corners, k < n
    cos: Vec<f32>,
    sin: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// a single voxel that repeats
    Constant,
    /// with the sign of odd centres
    Centres(f32),
    Cosines,
    Sines,
}

/// Room for two lines.
pub(super) struct Room {
    waves: Vec<Wave>,
    scratch: Vec<Wave>,
}

impl Room {
    pub(super) fn new(lines: &[LineTransform]) -> Self {
        let scratch = |line: &LineTransform| line.plans.iter().map(|p| p.get_inplace_scratch_len()).max();
        let zeros = |n: Option<usize>| vec![Wave::default(); n.unwrap_or(0)];
        Room { waves: zeros(lines.iter().map(|l| l.n).max()), scratch: zeros(lines.iter().filter_map(scratch).max()) }
    }
}

impl LineTransform {
    pub(super) fn new(n: usize, end: End, points: Points) -> Self {
        let kind = match (end, points) {
            (End::Periodic, _) => Kind::Constant,
            (End::Mirror, Points::Centres) => Kind::Centres(1.0),
            (End::Plate, Points::Centres) => Kind::Centres(-1.0),
            (End::Mirror, Points::Corners) => Kind::Cosines,
            (End::Plate, Points::Corners) => Kind::Sines,
        };
        assert!(kind != Kind::Constant || n == 1, "a periodic axis of {n} voxels among bounded ones");
        let mut planner = FftPlanner::new();
        let step = PI / if points == Points::Centres { 2.0 * n as f64 } else { n as f64 };
        LineTransform {
            kind,
            n,
            plans: [planner.plan_fft_forward(n), planner.plan_fft_inverse(n)],
            cos: (0..n).map(|k| (step * k as f64).cos() as f32).collect(),
            sin: (0..n).map(|k| (step * k as f64).sin() as f32).collect(),
        }
    }

    /// Unknowns of a line.
    pub(super) fn len(&self) -> usize {
        self.n + usize::from(matches!(self.kind, Kind::Cosines | Kind::Sines))
    }

    /// Whether the unknowns at the two ends are zero.
    pub(super) fn ends_are_zero(&self) -> bool {
        self.kind == Kind::Sines
    }

    /// The angle that each wave turns by from voxel to voxel.
    pub(super) fn angles(&self) -> Vec<f64> {
        let n = self.n as f64;
        let angle = |k: usize| match self.kind {
            Kind::Constant => 0.0,
            Kind::Centres(sign) if sign < 0.0 => PI * (n - k as f64) / n,
            _ => PI * k as f64 / n,
        };
        (0..self.len()).map(angle).collect()
    }

    /// What [`LineTransform::forward`] and [`LineTransform::back`] are to be multiplied by to be inverse to one another.
    pub(super) fn scale(&self) -> f64 {
        match self.kind {
            Kind::Constant => 1.0,
            Kind::Centres(_) => 1.0 / self.n as f64,
            Kind::Cosines | Kind::Sines => 2.0 / self.n as f64,
        }
    }

    /// Lines of what functions are tested with to their coefficients. (At a corner on a wall only half of the function is tested.)
    pub(super) fn forward(&self, lines: &mut [f32], room: &mut Room) {
        self.pairs(lines, room, true);
    }

    /// Coefficients to lines of values.
    pub(super) fn back(&self, lines: &mut [f32], room: &mut Room) {
        self.pairs(lines, room, false);
    }

    fn pairs(&self, lines: &mut [f32], room: &mut Room, forward: bool) {
        if self.kind == Kind::Constant {
            return;
        }
        let (length, waves) = (self.len(), &mut room.waves[..self.n]);
        let mut spare = if (lines.len() / length).is_multiple_of(2) { vec![] } else { vec![0.0; length] };
        for pair in lines.chunks_mut(2 * length) {
            let (one, two) = pair.split_at_mut(length);
            let two = if two.is_empty() { &mut spare[..] } else { two };
            let plan = usize::from(!forward && matches!(self.kind, Kind::Centres(_)));
            let first = pulp::Arch::new().dispatch(
                #[inline(always)]
                || match (self.kind, forward) {
                    (Kind::Centres(sign), true) => fold(one, two, waves, sign),
                    (Kind::Centres(_), false) => self.turn_back(one, two, waves),
                    (Kind::Sines, _) => self.fold_sines(one, two, waves),
                    _ => self.fold_cosines([one, two], waves, if forward { 1.0 } else { 0.5 }),
                },
            );
            self.plans[plan].process_with_scratch(waves, &mut room.scratch);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || match (self.kind, forward) {
                    (Kind::Centres(_), true) => self.turn(one, two, waves),
                    (Kind::Centres(sign), false) => unfold(one, two, waves, sign),
                    (Kind::Sines, _) => sums_of_sines(one, two, waves),
                    _ => sums_of_cosines(one, two, waves, first),
                },
            );
        }
    }

    /// X_k = (e^{−iφ} V_k + e^{iφ} V_{n−k})/2.
    #[inline(always)]
    fn turn(&self, one: &mut [f32], two: &mut [f32], waves: &[Wave]) {
        (one[0], two[0]) = (waves[0].re, waves[0].im);
        let others = waves[1..].iter().zip(waves[1..].iter().rev());
        let angles = self.cos[1..].iter().zip(&self.sin[1..]);
        for ((u, v), ((w, mirror), (cos, sin))) in one[1..].iter_mut().zip(&mut two[1..]).zip(others.zip(angles)) {
            let (cos, sin) = (0.5 * cos, 0.5 * sin);
            *u = cos * (w.re + mirror.re) + sin * (w.im - mirror.im);
            *v = cos * (w.im + mirror.im) - sin * (w.re - mirror.re);
        }
    }

    /// V_k = e^{iφ} (X_k − i X_{n−k}), X_n = 0.
    #[inline(always)]
    fn turn_back(&self, one: &[f32], two: &[f32], waves: &mut [Wave]) -> [f32; 2] {
        waves[0] = Wave { re: one[0], im: two[0] };
        let there = one[1..].iter().zip(&two[1..]);
        let mirror = one[1..].iter().rev().zip(two[1..].iter().rev());
        let angles = self.cos[1..].iter().zip(&self.sin[1..]);
        for (w, (((u, v), (mirror_u, mirror_v)), (cos, sin))) in
            waves[1..].iter_mut().zip(there.zip(mirror).zip(angles))
        {
            let (re, im) = (u + mirror_v, v - mirror_u);
            *w = Wave { re: cos * re - sin * im, im: cos * im + sin * re };
        }
        [0.0; 2]
    }

    /// y_j = (x_j + x_{n−j})/4 − sin(πj/n) (x_j − x_{n−j})/2; gives the coefficient of cos(πj/n). The ends count `end`.
    #[inline(always)]
    fn fold_cosines(&self, lines: [&[f32]; 2], waves: &mut [Wave], end: f32) -> [f32; 2] {
        let n = self.n;
        let [one, two] = lines.map(|line| &line[..=n]);
        waves[0] = Wave { re: 0.5 * end * (one[0] + one[n]), im: 0.5 * end * (two[0] + two[n]) };
        let there = one[1..n].iter().zip(&two[1..n]);
        let mirror = one[1..n].iter().rev().zip(two[1..n].iter().rev());
        for (w, (((u, v), (mirror_u, mirror_v)), sin)) in
            waves[1..].iter_mut().zip(there.zip(mirror).zip(&self.sin[1..]))
        {
            let part = |x: f32, mirror: f32| 0.25 * (x + mirror) - 0.5 * sin * (x - mirror);
            *w = Wave { re: part(*u, *mirror_u), im: part(*v, *mirror_v) };
        }
        [one, two].map(|x| end * (x[0] - x[n]) + dot(&x[1..n], &self.cos[1..]))
    }

    /// y_j = sin(πj/n) (x_j + x_{n−j})/2 + (x_j − x_{n−j})/4.
    #[inline(always)]
    fn fold_sines(&self, one: &[f32], two: &[f32], waves: &mut [Wave]) -> [f32; 2] {
        let n = self.n;
        waves[0] = Wave::default();
        let there = one[1..n].iter().zip(&two[1..n]);
        let mirror = one[1..n].iter().rev().zip(two[1..n].iter().rev());
        for (w, (((u, v), (mirror_u, mirror_v)), sin)) in
            waves[1..].iter_mut().zip(there.zip(mirror).zip(&self.sin[1..]))
        {
            let part = |x: f32, mirror: f32| 0.5 * sin * (x + mirror) + 0.25 * (x - mirror);
            *w = Wave { re: part(*u, *mirror_u), im: part(*v, *mirror_v) };
        }
        [0.0; 2]
    }
}

/// Even places in order, then odd ones backwards.
#[inline(always)]
fn fold(one: &[f32], two: &[f32], waves: &mut [Wave], sign: f32) -> [f32; 2] {
    let (even, odd) = waves.split_at_mut(one.len().div_ceil(2));
    for (w, (u, v)) in even.iter_mut().zip(one.iter().step_by(2).zip(two.iter().step_by(2))) {
        *w = Wave { re: *u, im: *v };
    }
    for (w, (u, v)) in odd.iter_mut().rev().zip(one.chunks_exact(2).zip(two.chunks_exact(2))) {
        *w = Wave { re: sign * u[1], im: sign * v[1] };
    }
    [0.0; 2]
}

#[inline(always)]
fn unfold(one: &mut [f32], two: &mut [f32], waves: &[Wave], sign: f32) {
    let (even, odd) = waves.split_at(one.len().div_ceil(2));
    for (w, (u, v)) in even.iter().zip(one.iter_mut().step_by(2).zip(two.iter_mut().step_by(2))) {
        (*u, *v) = (w.re, w.im);
    }
    for (w, (u, v)) in odd.iter().rev().zip(one.chunks_exact_mut(2).zip(two.chunks_exact_mut(2))) {
        (u[1], v[1]) = (sign * w.re, sign * w.im);
    }
}

/// C_2m = Y_m + Y_{n−m}, C_{2m+1} = C_{2m−1} + (Y_{n−m} − Y_m)/i.
#[inline(always)]
fn sums_of_cosines(one: &mut [f32], two: &mut [f32], waves: &[Wave], mut odd: [f32; 2]) {
    let n = waves.len();
    (one[0], two[0], one[1], two[1]) = (2.0 * waves[0].re, 2.0 * waves[0].im, odd[0], odd[1]);
    for m in 1..=n / 2 {
        let (w, mirror) = (waves[m], waves[n - m]);
        (one[2 * m], two[2 * m]) = (w.re + mirror.re, w.im + mirror.im);
        if 2 * m < n {
            odd = [odd[0] + (mirror.im - w.im), odd[1] + (w.re - mirror.re)];
            (one[2 * m + 1], two[2 * m + 1]) = (odd[0], odd[1]);
        }
    }
}

/// S_2m = (Y_{n−m} − Y_m)/i, S_{2m+1} = S_{2m−1} + Y_m + Y_{n−m}, S_1 = Y_0.
#[inline(always)]
fn sums_of_sines(one: &mut [f32], two: &mut [f32], waves: &[Wave]) {
    let n = waves.len();
    (one[0], two[0], one[1], two[1]) = (0.0, 0.0, waves[0].re, waves[0].im);
    let mut odd = [waves[0].re, waves[0].im];
    for m in 1..=n / 2 {
        let (w, mirror) = (waves[m], waves[n - m]);
        (one[2 * m], two[2 * m]) = (mirror.im - w.im, w.re - mirror.re);
        if 2 * m < n {
            odd = [odd[0] + (w.re + mirror.re), odd[1] + (w.im + mirror.im)];
            (one[2 * m + 1], two[2 * m + 1]) = (odd[0], odd[1]);
        }
    }
    // beyond the last inner corner
    (one[n], two[n]) = (0.0, 0.0);
}

/// Σ x y in eight lanes.
#[inline(always)]
fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in xs.zip(ys) {
        (0..8).for_each(|k| lanes[k] += x[k] * y[k]);
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each function of the expansion, with the measure of what functions are tested with, is found with its coefficient alone.
    #[test]
    fn waves_that_fit_are_found_alone() {
        for n in [1, 2, 3, 4, 5, 8, 12, 17, 32] {
            for (end, points) in [
                (End::Mirror, Points::Centres),
                (End::Plate, Points::Centres),
                (End::Mirror, Points::Corners),
                (End::Plate, Points::Corners),
            ] {
                let line = LineTransform::new(n, end, points);
                let (m, angles) = (line.len(), line.angles());
                let at = |j: usize| if points == Points::Centres { j as f64 + 0.5 } else { j as f64 };
                let wave = |k: usize, j: usize| {
                    let angle = angles[k] * at(j);
                    if end == End::Plate { angle.sin() } else { angle.cos() }
                };
                let waves: Vec<f32> = (0..m).flat_map(|k| (0..m).map(move |j| wave(k, j) as f32)).collect();
                let half = |j: usize| {
                    if end == End::Mirror && points == Points::Corners && j.is_multiple_of(n) { 0.5 } else { 1.0 }
                };
                let mut found: Vec<f32> = waves.iter().enumerate().map(|(i, w)| w * half(i % m)).collect();
                let mut room = Room::new(std::slice::from_ref(&line));
                line.forward(&mut found, &mut room);
                for (k, row) in found.chunks(m).enumerate() {
                    let others = row.iter().enumerate().filter(|(j, _)| *j != k);
                    assert!(others.clone().all(|(_, c)| c.abs() < 1e-4), "{n} {end:?} {points:?} {k}: {row:?}");
                }
                line.back(&mut found, &mut room);
                let scale = line.scale() as f32;
                for (i, (f, w)) in found.iter().zip(&waves).enumerate() {
                    assert!((scale * f - w).abs() < 1e-5, "{n} {end:?} {points:?} {i}: {} {w}", scale * f);
                }
            }
        }
    }
}
