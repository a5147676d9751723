//! Every example is a test: its report must pass within the bounds that the example states.
#![expect(dead_code, unreachable_pub, reason = "an example is a program of its own: its `main` is not called here")]

use gaptooth::{Result, report::Report};

#[path = "../examples/cell_1d_quasiperiodic.rs"]
mod cell_1d_quasiperiodic;
#[path = "../examples/gap_tooth_1d_diffusion.rs"]
mod gap_tooth_1d_diffusion;
#[path = "../examples/learn_1d_diffusion.rs"]
mod learn_1d_diffusion;
#[path = "../examples/own_equation_1d.rs"]
mod own_equation_1d;
#[path = "../examples/own_micromodel_1d.rs"]
mod own_micromodel_1d;
#[path = "../examples/own_micromodel_2d.rs"]
mod own_micromodel_2d;
#[path = "../examples/patch_dynamics_1d_diffusion.rs"]
mod patch_dynamics_1d_diffusion;
#[path = "../examples/patches_1d_bounded.rs"]
mod patches_1d_bounded;
#[path = "../examples/patches_2d_lattice.rs"]
mod patches_2d_lattice;
#[path = "../examples/projective_0d_slow_fast.rs"]
mod projective_0d_slow_fast;

fn passes(run: fn() -> Result<Report>, bounds: usize) {
    let report = run().unwrap();
    println!("{}", report.study);
    for check in &report.checks {
        println!("  {:36} {:12.4e} bound {:?}", check.name, check.value, check.bound);
    }
    assert_eq!(report.checks.iter().filter(|c| c.bound.is_some()).count(), bounds, "a bound is gone or new");
    assert!(report.passed(), "{:?}", report.checks);
}

#[test]
fn patches_between_ends() {
    passes(patches_1d_bounded::run, 2);
}

#[test]
fn patches_in_the_plane() {
    passes(patches_2d_lattice::run, 2);
}

#[test]
fn cell_problems() {
    passes(cell_1d_quasiperiodic::run, 6);
}

#[test]
fn gap_tooth() {
    passes(gap_tooth_1d_diffusion::run, 1);
}

#[test]
fn learning() {
    passes(learn_1d_diffusion::run, 3);
}

#[test]
fn own_equation() {
    passes(own_equation_1d::run, 2);
}

#[test]
fn own_micromodel() {
    passes(own_micromodel_1d::run, 1);
}

#[test]
fn own_micromodel_in_the_plane() {
    passes(own_micromodel_2d::run, 1);
}

#[test]
fn patch_dynamics() {
    passes(patch_dynamics_1d_diffusion::run, 1);
}

#[test]
fn projective() {
    passes(projective_0d_slow_fast::run, 2);
}
