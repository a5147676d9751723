//! Conjugate gradients in single precision with residuals in double precision.

use rayon::prelude::*;

use super::VoxelSolver;
use super::field::Field;
use super::preconditioner::Preconditioner;
use super::scheme::Scheme;
use super::watch::Place;
use crate::{Error, Result};

/// Steps whose gains estimate what is still to be gained.
const DELAY: usize = 4;
/// The slowest ratio of gains that is believed.
const SLOWEST: f64 = 0.98;
/// The true residual is computed anew when the preconditioned one has fallen by so much: singles have seven digits.
const REPLACE: f64 = 1e-6;
/// And at once when it has fallen by so much, as it may on a few voxels: hardly a digit is left.
const SPENT: f64 = 1e-8;
/// A true residual that has fallen by less than this is made of rounding.
const ROUNDED: f64 = 1e-2;
/// A first residual below this share of the energy is made of single rounding, and computed anew.
const SINGLE: f64 = 1e-10;
/// A preconditioned residual below this share of what the energy may lose is none: directions from rounding grow.
const NONE: f64 = 1e-6;
/// A direction along which the preconditioned operator is smaller than this is a constant, and what is not is rounding.
const FLAT: f64 = 1e-7;
/// Directions that may be lost to rounding.
const LOST: usize = 3;
/// An energy that has fallen below this share of the last that was computed in doubles is computed anew.
const LEFT: f64 = 1e-4;
/// An energy that is above what the steps left of it by this share tells that they went astray.
const ASTRAY: f64 = 1e-4;
/// No cell takes so many steps.
const MOST: usize = 5000;

/// How a solution was come by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) iterations: usize,
    /// what the energy may still lose
    left: f64,
    /// what the energy is thought to be
    whole: f64,
}

impl Outcome {
    /// As numbers, and back.
    pub(super) fn to_numbers(self) -> [f64; 3] {
        [self.iterations as f64, self.left, self.whole]
    }

    pub(super) fn from_numbers([iterations, left, whole]: [f64; 3]) -> Self {
        Outcome { iterations: iterations as usize, left, whole }
    }

    /// What the energy may still lose, relative to what it is: `energy`, computed from the solution.
    pub(super) fn error(&self, energy: f64) -> f64 {
        let excess = energy - self.whole;
        // the steps did not do what they were thought to do
        let left = if excess > ASTRAY * energy { excess } else { self.left };
        match left / energy {
            error if left == 0.0 || error.is_finite() => error.clamp(0.0, 1.0),
            _ => 1.0,
        }
    }
}

/// Where a solution stands before a step.
#[derive(Debug, Clone, Default, PartialEq)]
struct Standing {
    /// r·z
    rho: f64,
    /// what the energy is thought to be, and what it was when last computed in doubles
    whole: f64,
    known: f64,
    /// r·z of the last true residual
    since: f64,
    /// what the energy may still lose
    left: f64,
    /// of the last step, which is yet to be taken into d, and of the next direction
    alpha: f32,
    beta: f32,
    /// steps in a row that found the error small enough, and directions lost to rounding
    enough: usize,
    lost: usize,
    /// all steps, and the gains of the last
    steps: usize,
    gains: Vec<f64>,
}

/// Numbers that a standing is kept as.
const NUMBERS: usize = 11 + DELAY;

impl Standing {
    fn gained(&mut self, gain: f64) {
        self.steps += 1;
        if self.gains.len() == DELAY {
            self.gains.remove(0);
        }
        self.gains.push(gain);
    }

    /// What the steps to come will gain, from the gains so far: a geometric series with the slowest of the last ratios.
    fn still_to_gain(&self, needed: usize) -> f64 {
        let ratio = self.gains.windows(2).map(|g| g[1] / g[0]).fold(0.0, f64::max).min(SLOWEST);
        match &self.gains[..] {
            [.., gain] if self.steps >= needed => gain * ratio / (1.0 - ratio),
            _ => f64::INFINITY,
        }
    }

    fn to_numbers(&self) -> [f64; NUMBERS] {
        let mut numbers = [0.0; NUMBERS];
        let singles = [self.alpha, self.beta].map(f64::from);
        let counts = [self.enough, self.lost, self.steps, self.gains.len()].map(|n| n as f64);
        let known = [self.rho, self.whole, self.known, self.since, self.left].into_iter().chain(singles).chain(counts);
        numbers.iter_mut().zip(known.chain(self.gains.iter().copied())).for_each(|(place, number)| *place = number);
        numbers
    }

    fn from_numbers(numbers: &[f64; NUMBERS]) -> Self {
        let [rho, whole, known, since, left, alpha, beta, enough, lost, steps, kept, gains @ ..] = numbers;
        Standing {
            rho: *rho,
            whole: *whole,
            known: *known,
            since: *since,
            left: *left,
            alpha: *alpha as f32,
            beta: *beta as f32,
            enough: *enough as usize,
            lost: *lost as usize,
            steps: *steps as usize,
            gains: gains[..(*kept as usize).min(DELAY)].to_vec(),
        }
    }
}

/// Solves one direction after another on the same scheme, in the same memory.
pub(super) struct ConjugateGradients<'a, S> {
    scheme: &'a S,
    a: &'a [f64],
    single: Field<f32>,
    preconditioner: Preconditioner,
    /// steps in a row that must find the error small enough
    patience: usize,
    /// gains that an estimate needs
    gains: usize,
    /// how much smaller than r·z the error's energy may be at least: the preconditioned operator's smallest eigenvalue
    smallest: f64,
    /// what is not yet in the solution
    d: Field<f32>,
    /// direction
    p: Field<f32>,
    /// its image, or the preconditioned residual
    q: Field<f32>,
    r: Field<f32>,
}

impl<'a, S: Scheme> ConjugateGradients<'a, S> {
    pub(super) fn new(scheme: &'a S, a: &'a [f64], solver: VoxelSolver) -> Self {
        let unknowns = scheme.unknowns().iter().product();
        let zero = || Field::zeros(unknowns);
        let mut single = Field::<f32>::zeros(a.len());
        single.par_iter_mut().zip(a).for_each(|(single, a)| *single = *a as f32);
        let preconditioner = scheme.preconditioner(solver, &single);
        let least = a.par_iter().copied().filter(|a| *a > 0.0).reduce(|| 1.0, f64::min);
        // where conductivities lie far apart, steps that gain little may come before some that gain more
        let patience = 1 + (-0.5 * least.log10()).round() as usize;
        // the homogeneous medium knows nothing of the contrast
        let (patience, gains, smallest) = match solver {
            VoxelSolver::Multigrid => (patience, 3, 1.0),
            VoxelSolver::Fft => (patience.max(3), DELAY + 1, least),
        };
        let (d, p, q, r) = (zero(), zero(), zero(), zero());
        ConjugateGradients { scheme, a, single, preconditioner, patience, gains, smallest, d, p, q, r }
    }

    /// The potential of one direction; ends when the energy's relative error is about `tolerance`. `place` hears how much is done and
    /// the error, may end it all, and keeps where it stands.
    ///
    /// Steps d, directions and residuals are single; u and every new residual ∇·(a(e + ∇u)) double. The directions go on
    /// over a replacement: α = r·p/(p·Kp) and β = −z·Kp/(p·Kp) hold for any residual and an inexact preconditioner.
    pub(super) fn solve(&mut self, jump: [f64; 3], tolerance: f64, place: &Place<'_>) -> Result<(Field<f64>, Outcome)> {
        let mut u = Field::<f64>::zeros(self.d.len());
        let mut at = match self.resume(&mut u, place)? {
            Some(at) => at,
            None => self.begin(&mut u, jump),
        };
        while at.rho > NONE * tolerance * at.whole {
            let (keep, stop) = place.asks();
            if keep {
                let numbers = at.to_numbers();
                let fields = [&self.r, &self.p, &self.d].map(|field| bytemuck::cast_slice(field));
                place.keep(&[&[bytemuck::cast_slice(&numbers), bytemuck::cast_slice(&u)], &fields[..]].concat());
            }
            if stop {
                return Err(Error::Interrupted { stage: "cell problems".into() });
            }
            if !self.step(&mut at, &mut u, jump, tolerance, place) {
                break;
            }
        }
        if !at.rho.is_finite() {
            let message = format!("a residual of {} after {} iterations", at.rho, at.steps);
            let advice = "conductivities, or edges of voxels, may be too far apart for the solver".into();
            return Err(Error::Solver { solver: "cell problem on voxels", message, advice });
        }
        self.add(at.alpha, &mut u);
        Ok((u, Outcome { iterations: at.steps, left: at.left, whole: at.whole }))
    }

    /// Where an earlier process stood, if it kept that.
    fn resume(&mut self, u: &mut Field<f64>, place: &Place<'_>) -> Result<Option<Standing>> {
        let mut numbers = [0.0; NUMBERS];
        let found = {
            let [r, p, d] = [&mut self.r, &mut self.p, &mut self.d].map(|field| bytemuck::cast_slice_mut(field));
            let numbers = bytemuck::cast_slice_mut(&mut numbers);
            place.kept(&mut [numbers, bytemuck::cast_slice_mut(u), r, p, d])?
        };
        if !found {
            // whatever was read of a damaged one
            u.par_iter_mut().for_each(|u| *u = 0.0);
            self.d.par_iter_mut().for_each(|d| *d = 0.0);
            return Ok(None);
        }
        self.precondition(0.0);
        Ok(Some(Standing::from_numbers(&numbers)))
    }

    /// Before the first step; d and u are zero.
    fn begin(&mut self, u: &mut Field<f64>, jump: [f64; 3]) -> Standing {
        self.scheme.balance(&self.single, &self.d, jump, &mut self.r, |_, _| 0.0);
        self.p.par_iter_mut().for_each(|p| *p = 0.0);
        let [mut rho, _] = self.precondition(0.0);
        // a step lowers the energy by α r·p
        let whole = self.scheme.start(&self.single, jump);
        if rho < SINGLE * whole {
            self.replace(u, jump);
            [rho, _] = self.precondition(0.0);
        }
        Standing { rho, whole, known: whole, since: rho, ..Standing::default() }
    }

    /// One step; false if it was the last.
    fn step(
        &mut self,
        at: &mut Standing,
        u: &mut Field<f64>,
        jump: [f64; 3],
        tolerance: f64,
        place: &Place<'_>,
    ) -> bool {
        let plane = self.plane();
        let slope = self.turn(at.alpha, at.beta);
        let curvature = -self.scheme.balance(&self.single, &self.p, [0.0; 3], &mut self.q, |first, q| {
            dot(q, &self.p[first * plane..][..q.len()])
        });
        if !(curvature > FLAT * self.smallest * slope.abs() && curvature.is_finite()) {
            self.drop_direction(at, u, jump);
            return at.lost <= LOST;
        }
        let step = slope / curvature;
        at.gained(step * slope);
        at.whole -= step * slope;
        at.alpha = step as f32;
        at.left = at.still_to_gain(self.gains);
        let error = at.left / at.whole;
        place.progress((error.ln() / tolerance.ln()).clamp(0.0, 1.0), error);
        at.enough = if at.left <= tolerance * at.whole { at.enough + 1 } else { 0 };
        if at.enough >= self.patience || at.steps >= MOST {
            return false;
        }
        // sums of singles do not tell what is left of an energy that has all but gone
        let mut replace = at.rho < REPLACE * at.since || at.whole < LEFT * at.known;
        let [mut new, mixed] = if replace { self.renew(&mut at.alpha, u, jump) } else { self.precondition(at.alpha) };
        // the next direction is conjugate to this one whatever rounding did: q was minus the operator's
        at.beta = (mixed / curvature) as f32;
        if !replace && new < SPENT * at.since {
            ([new, _], at.beta, replace) = (self.renew(&mut at.alpha, u, jump), 0.0, true);
        }
        if replace {
            let vanished = at.whole < LEFT * at.known;
            at.whole = self.energy(u, jump);
            at.known = at.whole;
            // a true residual that does not follow is rounding, and so is what it says about the energy
            if new > ROUNDED * at.since && !vanished {
                at.left = new / self.smallest;
                return false;
            }
            at.since = new;
        }
        at.rho = new;
        // below zero it is rounding, and no proof of convergence
        if at.rho <= NONE * tolerance * at.whole {
            at.left = at.rho.abs() / self.smallest;
        }
        true
    }

    /// A direction is lost to rounding: it is dropped, and what is left to do looked at anew.
    fn drop_direction(&mut self, at: &mut Standing, u: &mut Field<f64>, jump: [f64; 3]) {
        at.alpha = 0.0;
        self.p.par_iter_mut().for_each(|p| *p = 0.0);
        [at.rho, _] = self.renew(&mut at.alpha, u, jump);
        (at.lost, at.beta, at.left, at.since) = (at.lost + 1, 0.0, at.rho.abs() / self.smallest, at.rho);
        at.whole = self.energy(u, jump);
        at.known = at.whole;
    }

    /// Unknowns of a plane.
    fn plane(&self) -> usize {
        let [_, my, mz] = self.scheme.unknowns();
        my * mz
    }

    /// d += α p, then p = z + β p for z in q; gives r·p.
    fn turn(&mut self, alpha: f32, beta: f32) -> f64 {
        let plane = self.plane();
        let moved = self.d.par_chunks_mut(plane).zip(self.p.par_chunks_mut(plane));
        let given = self.q.par_chunks(plane).zip(self.r.par_chunks(plane));
        let parts: Vec<f64> = moved
            .zip(given)
            .map(|((d, p), (z, r))| {
                for ((d, p), z) in d.iter_mut().zip(p.iter_mut()).zip(z) {
                    *d += alpha * *p;
                    *p = z + beta * *p;
                }
                dot(p, r)
            })
            .collect();
        parts.iter().sum()
    }

    /// r −= α Kp for −Kp in q, then z = P r into q; gives r·z, and z times what q was.
    fn precondition(&mut self, alpha: f32) -> [f64; 2] {
        let change = |r: &mut [f32], q: &[f32]| {
            if alpha != 0.0 {
                r.iter_mut().zip(q).for_each(|(r, q)| *r += alpha * q);
            }
        };
        self.preconditioner.solve(&mut self.r, &mut self.q, change, |z, r, q| [dot(z, r), dot(z, q)])
    }

    /// u += d + α p, d = 0.
    fn add(&mut self, alpha: f32, u: &mut [f64]) {
        let plane = self.plane();
        let steps = self.d.par_chunks_mut(plane).zip(self.p.par_chunks(plane));
        u.par_chunks_mut(plane).zip(steps).for_each(|(u, (d, p))| {
            u.iter_mut().zip(d.iter().zip(p)).for_each(|(u, (d, p))| *u += f64::from(d + alpha * p));
            d.fill(0.0);
        });
    }

    /// Takes the step into u, and preconditions the true residual.
    fn renew(&mut self, alpha: &mut f32, u: &mut Field<f64>, jump: [f64; 3]) -> [f64; 2] {
        self.add(*alpha, u);
        *alpha = 0.0;
        self.replace(u, jump);
        self.precondition(0.0)
    }

    /// The energy of u.
    fn energy(&self, u: &Field<f64>, jump: [f64; 3]) -> f64 {
        self.scheme.energy(self.a, std::slice::from_ref(u), &[jump])[0][0]
    }

    fn replace(&mut self, u: &[f64], jump: [f64; 3]) {
        let mut r = Field::<f64>::zeros(u.len());
        self.scheme.balance(self.a, u, jump, &mut r, |_, _| 0.0);
        self.r.par_iter_mut().zip(&r[..]).for_each(|(single, r)| *single = *r as f32);
    }
}

/// Σ x y, in single over short runs and in double over these.
fn dot(x: &[f32], y: &[f32]) -> f64 {
    const LANES: usize = 16;
    const RUN: usize = 8 * LANES;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut total = 0.0f64;
            for (x, y) in x.chunks(RUN).zip(y.chunks(RUN)) {
                let mut lanes = [0.0f32; LANES];
                let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
                let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
                for (x, y) in xs.zip(ys) {
                    for k in 0..LANES {
                        lanes[k] += x[k] * y[k];
                    }
                }
                total += f64::from(lanes.iter().sum::<f32>() + rest);
            }
            total
        },
    )
}
