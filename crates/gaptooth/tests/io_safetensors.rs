//! Model files: bit for bit there and back; damage and strangers are named.
#![cfg(feature = "io")]

use std::path::Path;

use gaptooth::Error;
use gaptooth::io::{NamedTensor, load_model, save_model};

fn tensors() -> Vec<NamedTensor> {
    let weight = (0..12).map(|i| 1.0 / (3.0 + i as f64)).collect();
    vec![
        NamedTensor { name: "layers.0.bias".into(), shape: vec![3], data: vec![-0.0, f64::MIN_POSITIVE, 1e300] },
        NamedTensor { name: "layers.0.weight".into(), shape: vec![3, 4], data: weight },
        NamedTensor { name: "scale".into(), shape: vec![], data: vec![2.0] },
    ]
}

#[test]
fn models_come_back_bit_for_bit_and_the_same_twice() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io_model/law.v2.safetensors");
    let card = serde_json::json!({"closure": "functional", "rhs_rmse": 1.25e-6});
    save_model(&path, &tensors(), &card).unwrap();
    let first = std::fs::read(&path).unwrap();
    let model = load_model(&path).unwrap();
    assert_eq!((&model.tensors, &model.card), (&tensors(), &card));
    assert!(model.tensors[0].data[0].is_sign_negative());
    assert!(path.with_file_name("law.v2.json").is_file(), "the card for people");
    save_model(&path, &tensors(), &card).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io_model/shape.safetensors");
    save_model(&path, &tensors(), &serde_json::json!({})).unwrap();
    let model = load_model(&path).unwrap();
    assert_eq!(model.tensor(&path, "scale", &[]).unwrap(), [2.0]);
    let message = model.tensor(&path, "layers.1.bias", &[3]).unwrap_err().to_string();
    assert!(message.contains("layers.1.bias") && message.contains("layers.0.bias"), "{message}");
    let message = model.tensor(&path, "layers.0.weight", &[4, 3]).unwrap_err().to_string();
    assert!(message.contains("[3, 4]") && message.contains("[4, 3]"), "{message}");
    let twice = vec![tensors()[0].clone(), tensors()[0].clone()];
    assert!(matches!(save_model(&path, &twice, &serde_json::json!({})), Err(Error::Parameter { .. })));
}

#[test]
fn damaged_files_are_format_errors() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("io_model/damaged.safetensors");
    save_model(&path, &tensors(), &serde_json::json!({})).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() - 8], &whole[..4], b"not a model, but long enough to look like one"] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(load_model(&path), Err(Error::Format { .. })));
    }
    let mut nan = tensors();
    nan[2].data[0] = f64::NAN;
    save_model(&path, &nan, &serde_json::json!({})).unwrap();
    let message = load_model(&path).unwrap_err().to_string();
    assert!(message.contains("scale") && message.contains("NaN"), "{message}");
    assert!(matches!(load_model(&path.with_file_name("absent.safetensors")), Err(Error::Io { .. })));
}
