//! Laws on disk: what is loaded computes the same, bit for bit, and strangers are refused.
#![cfg(feature = "io")]

use std::path::Path;

use gaptooth::Error;
use gaptooth::closure::{Closure, FeatureSpec, LinearLaw};
use gaptooth::grid::{Boundary, Grid};
use gaptooth::io::{NamedTensor, load_closure, save_closure, save_model};
use gaptooth::ode::OdeSystem;

#[test]
fn a_loaded_law_computes_the_same_bits() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io_closure/stencil.safetensors");
    for (boundary, intervals) in [(Boundary::Periodic, 97), (Boundary::Dirichlet, 333), (Boundary::Neumann, 61)] {
        let grid = Grid::uniform([-0.1, 1.3], intervals, boundary).unwrap();
        let spec = FeatureSpec::Neighbours { half: 1 };
        let law = LinearLaw::new(spec, &grid, vec![1.0 / 3.0, -0.7, 0.1]).unwrap();
        save_closure(&path, &law, &serde_json::json!({"seed": 3})).unwrap();
        let (loaded, about) = load_closure(&path).unwrap();
        assert_eq!(about["seed"], 3);
        assert_eq!(loaded.card(), law.card(), "the grid to the last bit");
        let u: Vec<f64> = grid.axes()[0].x.iter().map(|x| (5.0 * x).sin()).collect();
        let (mut found, mut expected) = (vec![0.0; u.len()], vec![0.0; u.len()]);
        loaded.rhs_into(0.0, &u, &mut found);
        law.rhs_into(0.0, &u, &mut expected);
        assert!(found == expected && expected.iter().any(|v| *v != 0.0));
    }
}

#[test]
fn a_model_that_is_no_law_is_refused() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io_closure/other.safetensors");
    let tensors = [NamedTensor { name: "w".into(), shape: vec![1], data: vec![1.0] }];
    save_model(&path, &tensors, &serde_json::json!({"kind": "other"})).unwrap();
    let message = load_closure(&path).unwrap_err().to_string();
    assert!(message.contains("other.safetensors") && message.contains("describes no law"), "{message}");
    let grid = Grid::uniform([0.0, 1.0], 8, Boundary::Periodic).unwrap();
    let law = LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &grid, vec![1.0, -2.0, 1.0]).unwrap();
    save_model(&path, &tensors, &serde_json::json!({"closure": law.card(), "about": {}})).unwrap();
    assert!(matches!(load_closure(&path), Err(Error::Format { message, .. }) if message.contains("coefficients")));
}
