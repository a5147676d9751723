//! Stiff systems with a real negative spectrum, diffusion above all, without a matrix: stabilised explicit steps of order 4.
//!
//! A step of length h with s stages is stable to h|λ| = 0.35 s², so the work for a given time grows with √h|λ|, not with |λ|: no Jacobian,
//! no linear system, no assumption but the spectrum's shape. The stages' number follows from the spectral radius, which Arnoldi's
//! method estimates as it goes; step lengths follow from the fifth divided difference of the solution over two steps.
//! The coefficients: [`super::chebyshev4`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::chebyshev4::{Chebyshev4, stability, stages_for};
use super::krylov::spectral_bounds;
use super::solution::{Counted, Solution, Work, check_request};
use super::stiff::StiffOptions;
use super::{Integrator, OdeSystem};
use crate::error::check_finite;
use crate::observer::{Observer, check_interrupt};
use crate::{Error, Result};

/// Most stages: beyond, the rounding of the first four, 0.01 |z|⁴ of the state's, would show in the stages of a nonlinear system.
const MOST: usize = 128;

/// Products with the Jacobian for one estimate of the spectral radius, and the steps after which it is made anew.
const PRODUCTS: usize = 20;
const RENEW: u64 = 25;

/// Ritz values lie inside the spectrum.
const MARGIN: f64 = 1.1;

/// The stabilised method of order 4 as an [`Integrator`]; s = √(|λ| dt/0.35) stages a step, found from the system.
///
/// ```
/// use gaptooth::ode::{Integrator, OdeSystem, stabilised::Stabilised};
/// struct Fast;
/// impl OdeSystem for Fast {
///     fn dim(&self) -> usize { 1 }
///     fn rhs_into(&self, t: f64, u: &[f64], du: &mut [f64]) { du[0] = -1e4 * (u[0] - t.cos()); }
/// }
/// let mut u = [1.0];
/// Stabilised::new().step(&Fast, 0.0, &mut u, 0.1)?; // an explicit step five hundred times longer than Euler's
/// assert!((u[0] - 0.1f64.cos()).abs() < 1e-3);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Stabilised {
    methods: Mutex<BTreeMap<usize, Arc<Chebyshev4>>>,
}

impl Stabilised {
    /// No coefficients computed yet: they are when they are needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// At least `stages` stages, up to a twentieth more, so that few methods are ever computed.
    fn method(&self, stages: usize) -> Arc<Chebyshev4> {
        let grain = (stages / 20).max(1);
        let stages = stages.div_ceil(grain) * grain;
        let mut methods = self.methods.lock().unwrap_or_else(|e| e.into_inner());
        methods.entry(stages).or_insert_with(|| Arc::new(Chebyshev4::new(stages))).clone()
    }
}

impl Integrator for Stabilised {
    fn order(&self) -> usize {
        4
    }

    fn step(&self, system: &dyn OdeSystem, t: f64, u: &mut [f64], dt: f64) -> Result<()> {
        let radius = MARGIN * spectral_bounds(system, t, u, PRODUCTS)?.radius;
        let substeps = (dt * radius / stability(MOST)).ceil().max(1.0);
        let h = dt / substeps;
        let method = self.method(stages_for(h * radius));
        let mut stages = Stages::new(u.len());
        system.rhs_into(t, u, &mut stages.first);
        for i in 0..substeps as u64 {
            stages.step(&method, system, t + i as f64 * h, u, h);
            u.copy_from_slice(&stages.end);
            std::mem::swap(&mut stages.first, &mut stages.last);
        }
        check_finite("state after a stabilised step", u, Some(t + dt), "shorten the step, or use a stiff method")
    }
}

/// The vectors of one step, kept for the next.
struct Stages {
    /// f at the step's start
    first: Vec<f64>,
    /// f at its end
    last: Vec<f64>,
    end: Vec<f64>,
    g: Vec<f64>,
    k: [Vec<f64>; 3],
}

impl Stages {
    fn new(n: usize) -> Self {
        let zero = || vec![0.0; n];
        Stages { first: zero(), last: zero(), end: zero(), g: zero(), k: std::array::from_fn(|_| zero()) }
    }

    /// From `u` and `first` to `end` and `last`; as many right-hand sides as stages.
    fn step(&mut self, method: &Chebyshev4, system: &dyn OdeSystem, t: f64, u: &[f64], h: f64) {
        let Stages { first, last, end: now, g: old, k } = self;
        for i in 1..4 {
            let (known, rest) = k.split_at_mut(i - 1);
            now.copy_from_slice(u);
            for (a, slope) in method.a[i].iter().zip([&*first].into_iter().chain(&*known)) {
                add(now, h * a, slope);
            }
            system.rhs_into(t + method.c[i] * h, now, &mut rest[0]);
        }
        now.copy_from_slice(u);
        for (b, slope) in method.b.iter().zip([&*first].into_iter().chain(&*k)) {
            add(now, h * b, slope);
        }
        // ν = 0 does not wipe out what an overflown trial left behind
        old.copy_from_slice(now);
        for (&[mu, nu], c) in method.recurrence.iter().zip(&method.nodes) {
            system.rhs_into(t + c * h, now, last);
            recur(old, now, last, h * mu, nu);
            std::mem::swap(old, now);
        }
        system.rhs_into(t + h, now, last);
    }
}

/// old ← (1 + ν) now − ν old + μ slope; the first call finds ν = 0.
fn recur(old: &mut [f64], now: &[f64], slope: &[f64], mu: f64, nu: f64) {
    for ((old, now), slope) in old.iter_mut().zip(now).zip(slope) {
        *old = (1.0 + nu) * now - nu * *old + mu * slope;
    }
}

fn add(sum: &mut [f64], weight: f64, slope: &[f64]) {
    sum.iter_mut().zip(slope).for_each(|(s, k)| *s += weight * k);
}

/// The state where the last step began, f there, and the step's length.
struct Past {
    u: Vec<f64>,
    f: Vec<f64>,
    h: f64,
}

/// One integration: where it is, and what governs the next step.
struct March<'a> {
    system: &'a Counted<'a>,
    options: &'a StiffOptions,
    absolute: f64,
    method: Stabilised,
    stages: Stages,
    past: Option<Past>,
    t: f64,
    u: Vec<f64>,
    h: f64,
    radius: f64,
    /// accepted steps since the spectral radius was estimated
    age: u64,
    /// the error of the last accepted step
    previous: f64,
    work: Work,
}

/// Integrates to each of `times` within the tolerance of `options`, whose `method` is not read.
///
/// Error control: the root mean square over components of error_i/(rtol |u_i| + rtol · floor · scale) is at most 1 a step.
/// Steps end at the output times.
///
/// # Errors
/// As [`super::stiff::integrate_stiff`].
pub fn integrate_stabilised(
    system: &dyn OdeSystem,
    t0: f64,
    u0: &[f64],
    times: &[f64],
    options: &StiffOptions,
    observer: &dyn Observer,
) -> Result<Solution> {
    options.check()?;
    check_request(system.dim(), t0, u0, times)?;
    let counted = Counted::new(system);
    let mut march = March::new(&counted, t0, u0, options)?;
    let mut states = Vec::with_capacity(times.len());
    for &end in times {
        march.advance(end, observer)?;
        states.push(march.u.clone());
        observer.progress("stabilised integration", states.len() as u64, times.len() as u64, "");
    }
    let work = Work { steps: march.work.steps, rejected: march.work.rejected, ..counted.work() };
    Ok(Solution { t: times.to_vec(), u: states, work })
}

impl<'a> March<'a> {
    fn new(system: &'a Counted<'a>, t: f64, u0: &[f64], options: &'a StiffOptions) -> Result<Self> {
        let mut stages = Stages::new(u0.len());
        system.rhs_into(t, u0, &mut stages.first);
        let advice = "check the equations and the initial state";
        check_finite("right-hand side at the initial state", &stages.first, Some(t), advice)?;
        Ok(March {
            absolute: options.absolute(u0),
            system,
            options,
            method: Stabilised::new(),
            stages,
            past: None,
            t,
            u: u0.to_vec(),
            h: 0.0,
            radius: 0.0,
            age: RENEW,
            previous: 1.0,
            work: Work::default(),
        })
    }

    fn advance(&mut self, end: f64, observer: &dyn Observer) -> Result<()> {
        while self.t < end {
            check_interrupt(observer, "stabilised integration")?;
            if self.age >= RENEW {
                self.estimate(end - self.t)?;
            }
            let longest = self.options.max_step.unwrap_or(f64::INFINITY).min(stability(MOST) / self.radius);
            let wanted = self.h.min(longest);
            // equal steps to the output rather than a short last one
            let count = ((end - self.t) / wanted * (1.0 - 1e-12)).ceil().max(1.0);
            let h = (end - self.t) / count;
            if self.t + h == self.t {
                return Err(self.stopped(h));
            }
            let method = self.method.method(stages_for(h * self.radius));
            self.stages.step(&method, self.system, self.t, &self.u, h);
            let error = self.error(h);
            if error <= 1.0 {
                self.accept(h, error, if count == 1.0 { end } else { self.t + h });
                continue;
            }
            self.work.rejected += 1;
            // a state that is not finite says nothing of the step that it wants
            self.h = h * if error.is_finite() { (0.8 * error.powf(-0.2)).clamp(0.1, 0.9) } else { 0.1 };
            // a spectral radius that has grown shows as rejections
            self.age += RENEW / 5;
        }
        Ok(())
    }

    fn accept(&mut self, h: f64, error: f64, t: f64) {
        let error = error.max(1e-10);
        // proportional and integral control, Gustafsson (1991)
        self.h = h * (0.8 * error.powf(-0.2) * (self.previous / error).powf(0.06)).clamp(0.2, 5.0);
        self.previous = error;
        self.t = t;
        let mut past = self.past.take().unwrap_or_else(|| Past { u: vec![0.0; self.u.len()], f: Vec::new(), h });
        past.h = h;
        past.f.resize(self.u.len(), 0.0);
        // the oldest vectors become the next step's to write
        std::mem::swap(&mut past.u, &mut self.u);
        std::mem::swap(&mut past.f, &mut self.stages.first);
        std::mem::swap(&mut self.u, &mut self.stages.end);
        std::mem::swap(&mut self.stages.first, &mut self.stages.last);
        self.past = Some(past);
        self.age += 1;
        self.work.steps += 1;
    }

    /// The spectral radius here; and, at the start, a first step of which no mode can make an error.
    fn estimate(&mut self, span: f64) -> Result<()> {
        self.radius = MARGIN * spectral_bounds(self.system, self.t, &self.u, PRODUCTS)?.radius;
        self.age = 0;
        if self.h == 0.0 {
            self.h = span.min(4.0 * self.options.rtol.cbrt() / self.radius.max(1.0 / span));
        }
        Ok(())
    }

    /// Root mean square of the error of the step of length `h`, in units of the tolerance: κ h⁵ u⁽⁵⁾ by the divided difference of u and f at the
    /// last three points, κ ≈ 1.4e-3 being the method's error for a linear system; of the first step κ h³ u⁽³⁾.
    fn error(&self, h: f64) -> f64 {
        const KAPPA: f64 = 2e-3;
        let Stages { first, last, end, .. } = &self.stages;
        if end.iter().chain(last).any(|x| !x.is_finite()) {
            return f64::INFINITY;
        }
        let mut sum = 0.0;
        let mut add = |error: f64, u: f64| sum += (error / (self.options.rtol * u.abs() + self.absolute)).powi(2);
        if let Some(past) = &self.past {
            // in units of h, about the middle point: the others at −ω and 1
            let w = past.h / h;
            let (near, wide) = (1.0 / (w * w), 1.0 / ((1.0 + w) * (1.0 + w)));
            let slopes = [near * wide, near, wide].map(|x| 120.0 * KAPPA * h * x);
            let values = [
                2.0 * near * wide * (1.0 / w + 1.0 / (1.0 + w)),
                2.0 * near * (1.0 - 1.0 / w),
                -2.0 * wide * (1.0 + 1.0 / (1.0 + w)),
            ]
            .map(|x| 120.0 * KAPPA * x);
            for i in 0..end.len() {
                let error = values[0] * past.u[i]
                    + values[1] * self.u[i]
                    + values[2] * end[i]
                    + (slopes[0] * past.f[i] + slopes[1] * first[i] + slopes[2] * last[i]);
                add(error, self.u[i]);
            }
        } else {
            for i in 0..end.len() {
                add(6.0 * KAPPA * (h * (first[i] + last[i]) - 2.0 * (end[i] - self.u[i])), self.u[i]);
            }
        }
        (sum / end.len().max(1) as f64).sqrt()
    }

    /// Either the right-hand side is not finite near here, or no step is short enough.
    fn stopped(&self, h: f64) -> Error {
        let what = [("right-hand side", &self.stages.last), ("state", &self.stages.end)];
        for (what, values) in what {
            let advice = "no shorter step avoids it: check the equations near this time";
            if let Err(error) = check_finite(what, values, Some(self.t), advice) {
                return error;
            }
        }
        Error::Solver {
            solver: "stabilised integration",
            message: format!("the step shrank to {h:e} at t = {}", self.t),
            advice: "the solution may blow up or the equations jump there; else loosen rtol or raise floor".into(),
        }
    }
}
