//! An [`OdeSystem`] in the traits of the diffsol library. Operators of our own rather than its closures: those probe
//! a dense N × N sparsity with NaN.

use super::OdeSystem;
use diffsol::matrix::sparsity::MatrixSparsity;
use diffsol::op::nonlinear_op::NonLinearOpJacobian;
use diffsol::{
    ConstantOp, FaerContext, FaerSparseMat, FaerVec, JacobianColoring, LaError, Matrix, NonLinearOp, OdeEquations,
    OdeEquationsRef, Op, ParameterisedOp, UnitCallable, Vector,
};
use std::cell::Cell;

type Sparsity = <FaerSparseMat<f64> as Matrix>::Sparsity;

/// Where a Jacobian may be non-zero. Without a hint everywhere: the library's sparse LU beats its dense one (of full
/// pivoting) by far on full matrices too, 0.1 s against 6 s for a run with 300 unknowns.
pub(super) struct Pattern {
    sparsity: Sparsity,
    coloring: Option<JacobianColoring<FaerSparseMat<f64>>>,
}

impl Pattern {
    /// From (row, column) pairs below `dim`, or full.
    pub(super) fn new(dim: usize, entries: Option<Vec<(usize, usize)>>) -> Result<Self, LaError> {
        let of = |entries| MatrixSparsity::<FaerSparseMat<f64>>::try_from_indices(dim, dim, entries);
        let Some(mut entries) = entries else {
            let all = (0..dim).flat_map(|j| (0..dim).map(move |i| (i, j))).collect();
            return Ok(Pattern { sparsity: of(all)?, coloring: None });
        };
        entries.sort_unstable();
        entries.dedup();
        let sparsity = of(entries.clone())?;
        let coloring = Some(JacobianColoring::new(&sparsity, &entries, FaerContext::default()));
        Ok(Pattern { sparsity, coloring })
    }
}

/// The first value of a right-hand side that was not finite.
#[derive(Clone, Copy)]
pub(super) struct NotFinite {
    pub(super) t: f64,
    pub(super) index: usize,
    pub(super) value: f64,
}

pub(super) struct Rhs<'s> {
    system: &'s dyn OdeSystem,
    context: FaerContext,
    pattern: Pattern,
    pub(super) calls: Cell<u64>,
    pub(super) jvps: Cell<u64>,
    pub(super) jacobians: Cell<u64>,
    pub(super) not_finite: Cell<Option<NotFinite>>,
}

impl<'s> Rhs<'s> {
    pub(super) fn new(system: &'s dyn OdeSystem, pattern: Pattern) -> Self {
        Rhs {
            system,
            context: FaerContext::default(),
            pattern,
            calls: Cell::new(0),
            jvps: Cell::new(0),
            jacobians: Cell::new(0),
            not_finite: Cell::new(None),
        }
    }
}

impl Op for Rhs<'_> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = FaerSparseMat<f64>;
    type C = FaerContext;

    fn context(&self) -> &FaerContext {
        &self.context
    }
    fn nstates(&self) -> usize {
        self.system.dim()
    }
    fn nout(&self) -> usize {
        self.system.dim()
    }
    fn nparams(&self) -> usize {
        0
    }
}

impl NonLinearOp for Rhs<'_> {
    fn call_inplace(&self, x: &FaerVec<f64>, t: f64, y: &mut FaerVec<f64>) {
        self.calls.set(self.calls.get() + 1);
        y.for_each_batch_host([x], |du, [u], _| {
            self.system.rhs_into(t, u, du);
            if self.not_finite.get().is_none()
                && let Some(index) = du.iter().position(|v| !v.is_finite())
            {
                self.not_finite.set(Some(NotFinite { t, index, value: du[index] }));
            }
        });
    }
}

impl NonLinearOpJacobian for Rhs<'_> {
    fn jac_mul_inplace(&self, x: &FaerVec<f64>, t: f64, v: &FaerVec<f64>, y: &mut FaerVec<f64>) {
        self.jvps.set(self.jvps.get() + 1);
        y.for_each_batch_host([x, v], |jv, [u, v], _| self.system.jvp_into(t, u, v, jv));
    }

    fn jacobian_inplace(&self, x: &FaerVec<f64>, t: f64, y: &mut FaerSparseMat<f64>) {
        self.jacobians.set(self.jacobians.get() + 1);
        match &self.pattern.coloring {
            Some(coloring) => coloring.jacobian_inplace(self, x, t, y),
            None => self._default_jacobian_inplace(x, t, y),
        }
    }

    fn jacobian_sparsity(&self) -> Option<Sparsity> {
        Some(self.pattern.sparsity.clone())
    }
}

/// The initial state.
pub(super) struct Init {
    u0: Vec<f64>,
    context: FaerContext,
}

impl Op for Init {
    type T = f64;
    type V = FaerVec<f64>;
    type M = FaerSparseMat<f64>;
    type C = FaerContext;

    fn context(&self) -> &FaerContext {
        &self.context
    }
    fn nstates(&self) -> usize {
        self.u0.len()
    }
    fn nout(&self) -> usize {
        self.u0.len()
    }
    fn nparams(&self) -> usize {
        0
    }
}

impl ConstantOp for Init {
    fn call_inplace(&self, _t: f64, y: &mut FaerVec<f64>) {
        y.for_each_batch_host([], |y, [], _| y.copy_from_slice(&self.u0));
    }
}

/// du/dt = f(t, u), u(t₀) = u₀: no mass matrix, no events, no outputs, no parameters.
pub(super) struct Equations<'s> {
    pub(super) rhs: Rhs<'s>,
    init: Init,
}

impl<'s> Equations<'s> {
    pub(super) fn new(rhs: Rhs<'s>, u0: &[f64]) -> Self {
        let init = Init { u0: u0.to_vec(), context: FaerContext::default() };
        Equations { rhs, init }
    }
}

impl Op for Equations<'_> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = FaerSparseMat<f64>;
    type C = FaerContext;

    fn context(&self) -> &FaerContext {
        self.rhs.context()
    }
    fn nstates(&self) -> usize {
        self.rhs.nstates()
    }
    fn nout(&self) -> usize {
        self.rhs.nout()
    }
    fn nparams(&self) -> usize {
        0
    }
}

impl<'b, 's> OdeEquationsRef<'b> for Equations<'s> {
    type Rhs = &'b Rhs<'s>;
    type Init = &'b Init;
    type Mass = ParameterisedOp<'b, UnitCallable<FaerSparseMat<f64>>>;
    type Root = ParameterisedOp<'b, UnitCallable<FaerSparseMat<f64>>>;
    type Out = ParameterisedOp<'b, UnitCallable<FaerSparseMat<f64>>>;
    type Reset = ParameterisedOp<'b, UnitCallable<FaerSparseMat<f64>>>;
}

impl<'s> OdeEquations for Equations<'s> {
    fn rhs(&self) -> &Rhs<'s> {
        &self.rhs
    }
    fn mass(&self) -> Option<ParameterisedOp<'_, UnitCallable<FaerSparseMat<f64>>>> {
        None
    }
    fn init(&self) -> &Init {
        &self.init
    }
    fn set_params(&mut self, _p: &FaerVec<f64>) {}
    fn get_params(&self, _p: &mut FaerVec<f64>) {}
}
