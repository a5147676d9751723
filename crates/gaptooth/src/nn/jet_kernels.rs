//! The loops over rows of [`super::jet`], compiled for the widest vectors the processor has.

use pulp::Simd;

use super::{Activation, JET_ROWS, JetSpec, activation::tanh_fused};

/// h from z for every feature, `[features][channels][rows]`.
pub(super) fn forward(activation: Activation, spec: &JetSpec, rows: usize, z: &[f64], h: &mut [f64]) {
    pulp::Arch::new().dispatch(Forward { activation, spec, rows, z, h });
}

/// Turns h̄ into z̄ in place; h saves a second tanh.
pub(super) fn reverse(activation: Activation, spec: &JetSpec, rows: usize, z: &[f64], h: &[f64], bar: &mut [f64]) {
    pulp::Arch::new().dispatch(Reverse { activation, spec, rows, z, h, bar });
}

/// `out[(o * inputs + i) * stride + r]` = Σ_c delta[o][c][r] · input[i][c][r].
pub(super) fn outer(delta: &[f64], input: &[f64], channels: usize, rows: usize, out: &mut [f64], stride: usize) {
    pulp::Arch::new().dispatch(Outer { delta, input, channels, rows, out, stride });
}

/// σ′, σ″ and σ‴ at a lane of points, from t = σ(z); a sine needs its cosine besides, as `cosine` of a channel's points.
#[inline(always)]
fn slopes<S: Simd, const FULL: bool>(simd: S, activation: Activation, t: S::f64s, cosine: &[f64]) -> [S::f64s; 3] {
    match activation {
        Activation::Sine => {
            let c = load::<S, FULL>(simd, cosine);
            [c, simd.neg_f64s(t), simd.neg_f64s(c)]
        }
        _ => {
            let d = simd.negate_mul_add_e_f64s(t, t, simd.splat_f64s(1.0));
            let minus_two = simd.splat_f64s(-2.0);
            let third = simd.mul_add_e_f64s(simd.mul_f64s(simd.splat_f64s(6.0), t), t, minus_two);
            [d, simd.mul_f64s(simd.mul_f64s(minus_two, t), d), simd.mul_f64s(d, third)]
        }
    }
}

/// A whole vector, or what is left of one: masked stores are slow on some processors.
#[inline(always)]
fn load<S: Simd, const FULL: bool>(simd: S, from: &[f64]) -> S::f64s {
    if FULL { S::as_simd_f64s(from).0[0] } else { simd.partial_load_f64s(from) }
}

#[inline(always)]
fn store<S: Simd, const FULL: bool>(simd: S, to: &mut [f64], value: S::f64s) {
    if FULL { S::as_mut_simd_f64s(to).0[0] = value } else { simd.partial_store_f64s(to, value) }
}

/// Where a lane of points lies in each channel of a feature.
#[derive(Clone, Copy)]
struct Lane {
    rows: usize,
    start: usize,
    end: usize,
}

impl Lane {
    #[inline(always)]
    fn of(self, channel: usize) -> std::ops::Range<usize> {
        channel * self.rows + self.start..channel * self.rows + self.end
    }
}

struct Forward<'a> {
    activation: Activation,
    spec: &'a JetSpec,
    rows: usize,
    z: &'a [f64],
    h: &'a mut [f64],
}

impl pulp::WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { activation, spec, rows, z, h } = self;
        let size = spec.channels() * rows;
        let mut cosine = [0.0; JET_ROWS];
        let whole = rows - rows % S::F64_LANES;
        for (z, h) in z.chunks_exact(size).zip(h.chunks_exact_mut(size)) {
            values(activation, &z[..rows], &mut h[..rows], &mut cosine);
            for start in (0..whole).step_by(S::F64_LANES) {
                let lane = Lane { rows, start, end: start + S::F64_LANES };
                forward_lane::<S, true>(simd, activation, spec, lane, z, h, &cosine);
            }
            if whole < rows {
                let lane = Lane { rows, start: whole, end: rows };
                forward_lane::<S, false>(simd, activation, spec, lane, z, h, &cosine);
            }
        }
    }
}

/// σ(z) into `h`.
#[inline(always)]
fn values(activation: Activation, z: &[f64], h: &mut [f64], cosine: &mut [f64; JET_ROWS]) {
    match activation {
        Activation::Tanh => h.iter_mut().zip(z).for_each(|(h, z)| *h = tanh_fused(*z)),
        Activation::Sine => {
            for ((h, z), c) in h.iter_mut().zip(z).zip(cosine) {
                (*h, *c) = z.sin_cos();
            }
        }
        Activation::Relu => panic!("jets need a smooth activation: tanh or sine"),
    }
}

#[inline(always)]
fn forward_lane<S: Simd, const FULL: bool>(
    simd: S,
    activation: Activation,
    spec: &JetSpec,
    lane: Lane,
    z: &[f64],
    h: &mut [f64],
    cosine: &[f64; JET_ROWS],
) {
    let d = spec.variables();
    let z = |c: usize| load::<S, FULL>(simd, &z[lane.of(c)]);
    let t = load::<S, FULL>(simd, &h[lane.of(0)]);
    let [s1, s2, _] = slopes::<S, FULL>(simd, activation, t, &cosine[lane.start..lane.end]);
    for c in 1..=d {
        store::<S, FULL>(simd, &mut h[lane.of(c)], simd.mul_f64s(s1, z(c)));
    }
    for (k, w) in spec.second.iter().enumerate() {
        let mut q = simd.splat_f64s(0.0);
        for (i, j, w) in w {
            q = simd.mul_add_e_f64s(simd.mul_f64s(simd.splat_f64s(*w), z(1 + i)), z(1 + j), q);
        }
        let c = 1 + d + k;
        store::<S, FULL>(simd, &mut h[lane.of(c)], simd.mul_add_e_f64s(s1, z(c), simd.mul_f64s(s2, q)));
    }
}

struct Reverse<'a> {
    activation: Activation,
    spec: &'a JetSpec,
    rows: usize,
    z: &'a [f64],
    h: &'a [f64],
    bar: &'a mut [f64],
}

impl pulp::WithSimd for Reverse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Reverse { activation, spec, rows, z, h, bar } = self;
        let size = spec.channels() * rows;
        let mut cosine = [0.0; JET_ROWS];
        let whole = rows - rows % S::F64_LANES;
        for ((z, h), bar) in z.chunks_exact(size).zip(h.chunks_exact(size)).zip(bar.chunks_exact_mut(size)) {
            if activation == Activation::Sine {
                cosine.iter_mut().zip(&z[..rows]).for_each(|(c, z)| *c = z.cos());
            }
            for start in (0..whole).step_by(S::F64_LANES) {
                let lane = Lane { rows, start, end: start + S::F64_LANES };
                reverse_lane::<S, true>(simd, activation, spec, lane, z, h, bar, &cosine);
            }
            if whole < rows {
                let lane = Lane { rows, start: whole, end: rows };
                reverse_lane::<S, false>(simd, activation, spec, lane, z, h, bar, &cosine);
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn reverse_lane<S: Simd, const FULL: bool>(
    simd: S,
    activation: Activation,
    spec: &JetSpec,
    lane: Lane,
    z: &[f64],
    h: &[f64],
    bar: &mut [f64],
    cosine: &[f64; JET_ROWS],
) {
    let d = spec.variables();
    let z = |c: usize| load::<S, FULL>(simd, &z[lane.of(c)]);
    let t = load::<S, FULL>(simd, &h[lane.of(0)]);
    let [s1, s2, s3] = slopes::<S, FULL>(simd, activation, t, &cosine[lane.start..lane.end]);
    // Σ z_c h̄_c and Σ Q_k h̄_k, before h̄ is overwritten
    let (mut linear, mut curved) = (simd.splat_f64s(0.0), simd.splat_f64s(0.0));
    for c in 1..=d {
        let b = load::<S, FULL>(simd, &bar[lane.of(c)]);
        linear = simd.mul_add_e_f64s(z(c), b, linear);
        store::<S, FULL>(simd, &mut bar[lane.of(c)], simd.mul_f64s(s1, b));
    }
    for (k, w) in spec.second.iter().enumerate() {
        let own = 1 + d + k;
        let b = load::<S, FULL>(simd, &bar[lane.of(own)]);
        linear = simd.mul_add_e_f64s(z(own), b, linear);
        store::<S, FULL>(simd, &mut bar[lane.of(own)], simd.mul_f64s(s1, b));
        let (bend, mut q) = (simd.mul_f64s(s2, b), simd.splat_f64s(0.0));
        for (i, j, w) in w {
            let (w, zi, zj) = (simd.splat_f64s(*w), z(1 + i), z(1 + j));
            q = simd.mul_add_e_f64s(simd.mul_f64s(w, zi), zj, q);
            let wb = simd.mul_f64s(w, bend);
            // ∂(w z_i z_j)/∂z_i and /∂z_j; on the diagonal the two add up to 2 w z_i
            for (to, from) in [(1 + i, zj), (1 + j, zi)] {
                let out = load::<S, FULL>(simd, &bar[lane.of(to)]);
                store::<S, FULL>(simd, &mut bar[lane.of(to)], simd.mul_add_e_f64s(wb, from, out));
            }
        }
        curved = simd.mul_add_e_f64s(q, b, curved);
    }
    let value = simd.mul_f64s(s1, load::<S, FULL>(simd, &bar[lane.of(0)]));
    let value = simd.mul_add_e_f64s(s2, linear, value);
    store::<S, FULL>(simd, &mut bar[lane.of(0)], simd.mul_add_e_f64s(s3, curved, value));
}

struct Outer<'a> {
    delta: &'a [f64],
    input: &'a [f64],
    channels: usize,
    rows: usize,
    out: &'a mut [f64],
    stride: usize,
}

impl pulp::NullaryFnOnce for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Outer { delta, input, channels, rows, out, stride } = self;
        let size = channels * rows;
        let inputs = input.len() / size;
        for (o, d) in delta.chunks_exact(size).enumerate() {
            for (i, a) in input.chunks_exact(size).enumerate() {
                let out = &mut out[(o * inputs + i) * stride..][..rows];
                product(&d[..rows], &a[..rows], out);
                for c in 1..channels {
                    add_product(&d[c * rows..][..rows], &a[c * rows..][..rows], out);
                }
            }
        }
    }
}

#[inline(always)]
fn product(a: &[f64], b: &[f64], out: &mut [f64]) {
    for r in 0..out.len() {
        out[r] = a[r] * b[r];
    }
}

#[inline(always)]
fn add_product(a: &[f64], b: &[f64], out: &mut [f64]) {
    for r in 0..out.len() {
        out[r] += a[r] * b[r];
    }
}
