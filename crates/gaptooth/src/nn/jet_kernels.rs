//! The loops over rows of [`super::jet`], compiled for the widest vectors the processor has.

use super::{Activation, JET_ROWS, JetSpec, activation::tanh};

type Lane = [f64; JET_ROWS];

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

/// σ and its first three derivatives at each z.
#[inline(always)]
fn slopes(activation: Activation, z: &[f64], s: &mut [Lane; 4]) {
    match activation {
        Activation::Tanh => {
            for (r, z) in z.iter().enumerate() {
                let t = tanh(*z);
                let d = 1.0 - t * t;
                s[0][r] = t;
                s[1][r] = d;
                s[2][r] = -2.0 * t * d;
                s[3][r] = d * (6.0 * t * t - 2.0);
            }
        }
        Activation::Sine => {
            for (r, z) in z.iter().enumerate() {
                let (sin, cos) = z.sin_cos();
                s[0][r] = sin;
                s[1][r] = cos;
                s[2][r] = -sin;
                s[3][r] = -cos;
            }
        }
        Activation::Relu => panic!("jets need a smooth activation: tanh or sine"),
    }
}

/// The same from σ itself where that is enough.
#[inline(always)]
fn slopes_again(activation: Activation, z: &[f64], h: &[f64], s: &mut [Lane; 4]) {
    if activation != Activation::Tanh {
        return slopes(activation, z, s);
    }
    for (r, t) in h.iter().enumerate() {
        let d = 1.0 - t * t;
        s[1][r] = d;
        s[2][r] = -2.0 * t * d;
        s[3][r] = d * (6.0 * t * t - 2.0);
    }
}

/// Q_k into `q`.
#[inline(always)]
fn quadratic(w: &[(usize, usize, f64)], z: &[f64], rows: usize, q: &mut Lane) {
    q[..rows].fill(0.0);
    for (i, j, w) in w {
        let (zi, zj) = (&z[(1 + i) * rows..][..rows], &z[(1 + j) * rows..][..rows]);
        for r in 0..rows {
            q[r] += w * zi[r] * zj[r];
        }
    }
}

struct Forward<'a> {
    activation: Activation,
    spec: &'a JetSpec,
    rows: usize,
    z: &'a [f64],
    h: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Forward { activation, spec, rows, z, h } = self;
        let (d, size) = (spec.variables(), spec.channels() * rows);
        let mut s = [[0.0; JET_ROWS]; 4];
        let mut q = [0.0; JET_ROWS];
        for (z, h) in z.chunks_exact(size).zip(h.chunks_exact_mut(size)) {
            slopes(activation, &z[..rows], &mut s);
            h[..rows].copy_from_slice(&s[0][..rows]);
            for c in 1..=d {
                let (z, h) = (&z[c * rows..][..rows], &mut h[c * rows..][..rows]);
                for r in 0..rows {
                    h[r] = s[1][r] * z[r];
                }
            }
            for (k, w) in spec.second.iter().enumerate() {
                quadratic(w, z, rows, &mut q);
                let c = 1 + d + k;
                let (z, h) = (&z[c * rows..][..rows], &mut h[c * rows..][..rows]);
                for r in 0..rows {
                    h[r] = s[1][r] * z[r] + s[2][r] * q[r];
                }
            }
        }
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

impl pulp::NullaryFnOnce for Reverse<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Reverse { activation, spec, rows, z, h, bar } = self;
        let (d, channels, size) = (spec.variables(), spec.channels(), spec.channels() * rows);
        let mut s = [[0.0; JET_ROWS]; 4];
        let (mut q, mut value) = ([0.0; JET_ROWS], [0.0; JET_ROWS]);
        for ((z, h), bar) in z.chunks_exact(size).zip(h.chunks_exact(size)).zip(bar.chunks_exact_mut(size)) {
            slopes_again(activation, &z[..rows], &h[..rows], &mut s);
            for r in 0..rows {
                value[r] = s[1][r] * bar[r];
            }
            for c in 1..channels {
                let (z, bar) = (&z[c * rows..][..rows], &mut bar[c * rows..][..rows]);
                for r in 0..rows {
                    value[r] += s[2][r] * z[r] * bar[r];
                }
            }
            let (low, high) = bar.split_at_mut((1 + d) * rows);
            for c in 1..=d {
                let bar = &mut low[c * rows..][..rows];
                for r in 0..rows {
                    bar[r] *= s[1][r];
                }
            }
            for (w, bar) in spec.second.iter().zip(high.chunks_exact_mut(rows)) {
                quadratic(w, z, rows, &mut q);
                for r in 0..rows {
                    value[r] += s[3][r] * q[r] * bar[r];
                }
                for (i, j, w) in w {
                    // ∂(w z_i z_j)/∂z_i and /∂z_j; on the diagonal the two add up to 2 w z_i
                    for (to, from) in [(i, j), (j, i)] {
                        let (zf, out) = (&z[(1 + from) * rows..][..rows], &mut low[(1 + to) * rows..][..rows]);
                        for r in 0..rows {
                            out[r] += s[2][r] * w * zf[r] * bar[r];
                        }
                    }
                }
                for r in 0..rows {
                    bar[r] *= s[1][r];
                }
            }
            low[..rows].copy_from_slice(&value[..rows]);
        }
    }
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
