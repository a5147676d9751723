//! Conjugate gradients in single precision with residuals in double precision.

use rayon::prelude::*;

use super::scheme::Scheme;
use crate::{Error, Result};

/// Steps whose gains estimate what is still to be gained (Strakoš & Tichý 2002).
const DELAY: usize = 4;
/// The true residual is computed anew when the preconditioned one has fallen by so much: singles have seven digits.
const REPLACE: f64 = 1e-6;
/// A true residual that has fallen by less than this is made of rounding.
const ROUNDED: f64 = 1e-2;
/// No cell takes so many steps.
const MOST: usize = 5000;

/// How a solution was come by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) iterations: usize,
    /// what the energy may still lose, relative to what it is
    pub(super) error: f64,
}

/// Solves for one direction, from `u`; ends when the energy's relative error is about `tolerance`. `progress` hears how much is done and
/// the error, and may end it all.
///
/// Steps d, directions and residuals are single; u and every new residual ∇·(a(e + ∇u)) double. The directions go on
/// over a replacement: α = r·p/(p·Kp) and β = −z·Kp/(p·Kp) hold for any residual and an inexact preconditioner.
pub(super) fn solve(
    scheme: &impl Scheme,
    (a, single): (&[f64], &[f32]),
    jump: [f64; 3],
    u: &mut [f64],
    tolerance: f64,
    progress: &dyn Fn(f64, f64) -> Result<()>,
) -> Result<Outcome> {
    let n = u.len();
    let lattice = *scheme.lattice();
    let mut poisson = scheme.symbol();
    let (mut d, mut p, mut q) = (vec![0.0f32; n], vec![0.0f32; n], vec![0.0f32; n]);
    let mut r = residual(scheme, a, u, jump);
    let plane = lattice.plane();
    let mut rho = poisson.solve(&r, &mut q, |x, z, _| [dot(z, &r[x * plane..][..plane])])[0];
    let (mut since, mut gains): (f64, Vec<f64>) = (rho, vec![]);
    // a step lowers the energy by α r·p
    let mut whole = scheme.energy(a, &[u.to_vec()], &[jump])[0][0];
    let (mut beta, mut left) = (0.0f32, 0.0f64);
    while rho > 0.0 {
        // q holds P r
        let planes = p.par_chunks_mut(plane).zip(q.par_chunks(plane)).zip(r.par_chunks(plane));
        let parts: Vec<f64> = planes
            .map(|((p, z), r)| {
                p.iter_mut().zip(z).for_each(|(p, z)| *p = z + beta * *p);
                dot(p, r)
            })
            .collect();
        let slope: f64 = parts.iter().sum();
        scheme.balance(single, &p, [0.0; 3], &mut q);
        let curvature: f64 = -sum(&p, &q, plane);
        if !(curvature > 0.0 && curvature.is_finite() && rho.is_finite()) {
            if curvature == 0.0 {
                left = 0.0;
                break;
            }
            let message = format!("a curvature of {curvature:e} after {} iterations", gains.len());
            let advice = "conductivities may be too far apart for the solver".into();
            return Err(Error::Solver { solver: "cell problem on voxels", message, advice });
        }
        let step = slope / curvature;
        gains.push(step * slope);
        whole -= step * slope;
        let alpha = step as f32;
        let planes =
            d.par_chunks_mut(plane).zip(r.par_chunks_mut(plane)).zip(p.par_chunks(plane).zip(q.par_chunks(plane)));
        planes.for_each(|((d, r), (p, q))| {
            d.iter_mut().zip(p).for_each(|(d, p)| *d += alpha * p);
            // q is minus the operator's
            r.iter_mut().zip(q).for_each(|(r, q)| *r += alpha * q);
        });
        left = gains.iter().rev().take(DELAY).sum();
        let replace = rho < REPLACE * since;
        if replace {
            add(u, &mut d, plane);
            r = residual(scheme, a, u, jump);
        }
        let [new, mixed] = poisson.solve(&r, &mut q, |x, z, q| {
            let r = &r[x * plane..][..plane];
            [dot(z, r), dot(z, q)]
        });
        // the next direction is conjugate to this one whatever rounding did: q is minus the operator's
        beta = (mixed / curvature) as f32;
        if replace {
            // a true residual that does not follow is rounding, and so is what it says about the energy
            if new > ROUNDED * since {
                left = new;
                break;
            }
            since = new;
        }
        rho = new;
        left = if rho > 0.0 { left } else { 0.0 };
        let error = left / whole;
        progress((error.ln() / tolerance.ln()).clamp(0.0, 1.0), error)?;
        if gains.len() >= DELAY && left <= tolerance * whole || gains.len() >= MOST {
            break;
        }
    }
    add(u, &mut d, plane);
    Ok(Outcome { iterations: gains.len(), error: if whole > 0.0 { left / whole } else { 0.0 } })
}

fn residual(scheme: &impl Scheme, a: &[f64], u: &[f64], jump: [f64; 3]) -> Vec<f32> {
    let mut r = vec![0.0f64; u.len()];
    scheme.balance(a, u, jump, &mut r);
    r.par_iter().map(|r| *r as f32).collect()
}

/// u += d, d = 0.
fn add(u: &mut [f64], d: &mut [f32], plane: usize) {
    u.par_chunks_mut(plane).zip(d.par_chunks_mut(plane)).for_each(|(u, d)| {
        u.iter_mut().zip(d.iter()).for_each(|(u, d)| *u += f64::from(*d));
        d.fill(0.0);
    });
}

fn sum(x: &[f32], y: &[f32], plane: usize) -> f64 {
    let parts: Vec<f64> = x.par_chunks(plane).zip(y.par_chunks(plane)).map(|(x, y)| dot(x, y)).collect();
    parts.iter().sum()
}

/// Σ x y, in single over short runs and in double over these.
fn dot(x: &[f32], y: &[f32]) -> f64 {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            const LANES: usize = 16;
            let mut total = [0.0f64; LANES];
            let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
            let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            for (x, y) in xs.zip(ys) {
                for k in 0..LANES {
                    total[k] += f64::from(x[k]) * f64::from(y[k]);
                }
            }
            total.iter().sum::<f64>() + rest
        },
    )
}
