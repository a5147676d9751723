//! An [`OdeSystem`] in the traits of the diffsol library. Operators of our own rather than its closures: those probe
//! a dense N × N sparsity with NaN.

use super::OdeSystem;
use diffsol::op::nonlinear_op::NonLinearOpJacobian;
use diffsol::{
    ConstantOp, FaerContext, FaerVec, JacobianColoring, Matrix, NonLinearOp, OdeEquations, OdeEquationsRef, Op,
    ParameterisedOp, UnitCallable, Vector,
};
use std::cell::Cell;

/// diffsol's matrices over faer, dense or sparse.
pub(super) trait FaerMatrix: Matrix<T = f64, V = FaerVec<f64>, C = FaerContext> {}
impl<M: Matrix<T = f64, V = FaerVec<f64>, C = FaerContext>> FaerMatrix for M {}

/// The first value of a right-hand side that was not finite.
#[derive(Clone, Copy)]
pub(super) struct NotFinite {
    pub(super) t: f64,
    pub(super) index: usize,
    pub(super) value: f64,
}

pub(super) struct Rhs<'s, M: FaerMatrix> {
    system: &'s dyn OdeSystem,
    context: FaerContext,
    pattern: Option<(M::Sparsity, JacobianColoring<M>)>,
    pub(super) calls: Cell<u64>,
    pub(super) jvps: Cell<u64>,
    pub(super) jacobians: Cell<u64>,
    pub(super) not_finite: Cell<Option<NotFinite>>,
}

impl<'s, M: FaerMatrix> Rhs<'s, M> {
    pub(super) fn new(system: &'s dyn OdeSystem, pattern: Option<(M::Sparsity, JacobianColoring<M>)>) -> Self {
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

impl<M: FaerMatrix> Op for Rhs<'_, M> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = M;
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

impl<M: FaerMatrix> NonLinearOp for Rhs<'_, M> {
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

impl<M: FaerMatrix> NonLinearOpJacobian for Rhs<'_, M> {
    fn jac_mul_inplace(&self, x: &FaerVec<f64>, t: f64, v: &FaerVec<f64>, y: &mut FaerVec<f64>) {
        self.jvps.set(self.jvps.get() + 1);
        y.for_each_batch_host([x, v], |jv, [u, v], _| self.system.jvp_into(t, u, v, jv));
    }

    fn jacobian_inplace(&self, x: &FaerVec<f64>, t: f64, y: &mut M) {
        self.jacobians.set(self.jacobians.get() + 1);
        match &self.pattern {
            Some((_, coloring)) => coloring.jacobian_inplace(self, x, t, y),
            None => self._default_jacobian_inplace(x, t, y),
        }
    }

    fn jacobian_sparsity(&self) -> Option<M::Sparsity> {
        self.pattern.as_ref().map(|(sparsity, _)| sparsity.clone())
    }
}

/// The initial state.
pub(super) struct Init<M: FaerMatrix> {
    u0: Vec<f64>,
    context: FaerContext,
    matrix: std::marker::PhantomData<M>,
}

impl<M: FaerMatrix> Op for Init<M> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = M;
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

impl<M: FaerMatrix> ConstantOp for Init<M> {
    fn call_inplace(&self, _t: f64, y: &mut FaerVec<f64>) {
        y.for_each_batch_host([], |y, [], _| y.copy_from_slice(&self.u0));
    }
}

/// du/dt = f(t, u), u(t₀) = u₀: no mass matrix, no events, no outputs, no parameters.
pub(super) struct Equations<'s, M: FaerMatrix> {
    pub(super) rhs: Rhs<'s, M>,
    init: Init<M>,
}

impl<'s, M: FaerMatrix> Equations<'s, M> {
    pub(super) fn new(rhs: Rhs<'s, M>, u0: &[f64]) -> Self {
        let init = Init { u0: u0.to_vec(), context: FaerContext::default(), matrix: std::marker::PhantomData };
        Equations { rhs, init }
    }
}

impl<M: FaerMatrix> Op for Equations<'_, M> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = M;
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

impl<'b, 's, M: FaerMatrix> OdeEquationsRef<'b> for Equations<'s, M> {
    type Rhs = &'b Rhs<'s, M>;
    type Init = &'b Init<M>;
    type Mass = ParameterisedOp<'b, UnitCallable<M>>;
    type Root = ParameterisedOp<'b, UnitCallable<M>>;
    type Out = ParameterisedOp<'b, UnitCallable<M>>;
    type Reset = ParameterisedOp<'b, UnitCallable<M>>;
}

impl<'s, M: FaerMatrix> OdeEquations for Equations<'s, M> {
    fn rhs(&self) -> &Rhs<'s, M> {
        &self.rhs
    }
    fn mass(&self) -> Option<ParameterisedOp<'_, UnitCallable<M>>> {
        None
    }
    fn init(&self) -> &Init<M> {
        &self.init
    }
    fn set_params(&mut self, _p: &FaerVec<f64>) {}
    fn get_params(&self, _p: &mut FaerVec<f64>) {}
}
