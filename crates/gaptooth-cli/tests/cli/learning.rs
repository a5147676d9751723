//! `gaptooth learn` and `predict`.

use std::fs;

use super::{Place, files};

#[test]
fn a_law_is_learned_and_predicts() {
    let place = Place::with_study();
    place.run(&["simulate", "tiny.toml", "--out", "out", "--set", "trajectories.train=4"]).done();
    let data = "out/data/coarse.zarr";
    for closure in ["derivatives", "stencil", "functional", "discretized"] {
        let args = ["learn", data, "--closure", closure, "--epochs", "3", "--points", "3", "--out", "laws", "--json"];
        let learned = place.run(&args).done().object();
        assert_eq!((learned["held_out"].as_u64(), learned["closure"].as_str()), (Some(1), Some(closure)));
        let error = learned["held_out_error"]["relative"].as_f64().unwrap();
        let model = format!("laws/models/coarse-{closure}.safetensors");
        assert_eq!(learned["model"], model.as_str());
        let predicted = place.run(&["predict", &model, data, "--out", "laws", "--json"]).done().object();
        let file = predicted["files"][0].as_str().unwrap();
        assert!(place.path("laws").join(file).join("zarr.json").exists());
        let rmse = |key: &str| predicted[key].as_f64().unwrap();
        if closure == "derivatives" {
            // the data come from Euler steps of exactly such a law; BDF is what differs
            assert!(error < 0.1 && rmse("rhs_rmse") < 1e-6 && rmse("trajectory_rmse") < 1e-2, "{learned} {predicted}");
            assert!(learned["notes"][0].as_str().unwrap().starts_with("u_t = "));
        }
        // a prediction is a dataset like any other
        assert!(
            place.run(&["predict", &model, &format!("laws/{file}"), "--json"]).done().object()["trajectory_rmse"]
                .as_f64()
                .unwrap()
                < 1e-12
        );
    }
    let again = ["learn", data, "--orders", "2", "--points", "3", "--held-out", "2", "--name", "mine", "--out", "laws"];
    assert!(place.run(&again).done().stderr.contains("u_xx"));
    assert!(place.path("laws/models/mine.json").exists());
}

#[test]
fn wrong_files_are_refused() {
    let place = Place::with_study();
    place.run(&["simulate", "tiny.toml", "--out", "out"]).done();
    place.run(&["simulate", "tiny.toml", "--out", "fine", "--set", "patches.coarse.intervals=20"]).done();
    place.run(&["learn", "out/data/coarse.zarr", "--closure", "stencil", "--out", "laws"]).done();
    place.write("model.safetensors", "not a model");
    fs::create_dir(place.path("empty.zarr")).unwrap();
    // one chunk cut short, one metadata file that is no JSON
    for (copy, broken) in [("cut.zarr", "u/c/0/0/0"), ("torn.zarr", "u/zarr.json")] {
        for file in files(&place.path("out/data/coarse.zarr")) {
            let to = place.path(copy).join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let mut bytes = fs::read(place.path("out/data/coarse.zarr").join(&file)).unwrap();
            if file == broken || (broken.ends_with("zarr.json") && file == "zarr.json") {
                bytes.truncate(bytes.len() / 2);
            }
            fs::write(to, bytes).unwrap();
        }
    }
    let before = files(&place.path("."));
    let law = "laws/models/coarse-stencil.safetensors";
    let cases: [(&[&str], &str); 13] = [
        (&["learn", "nowhere.zarr"], "nowhere.zarr"),
        (&["learn", "empty.zarr"], "empty.zarr"),
        (&["learn", "tiny.toml"], "tiny.toml"),
        (&["learn", "cut.zarr"], "cut.zarr"),
        (&["learn", "torn.zarr"], "torn.zarr"),
        (&["learn", "out/data/coarse.zarr", "--held-out", "3"], "held_out"),
        (&["learn", "out/data/coarse.zarr", "--held-out", "2"], "two"),
        (&["learn", "out/data/coarse.zarr", "--orders", "two"], "--orders"),
        (&["learn", "out/data/coarse.zarr", "--orders", "17"], "at most 16"),
        (&["learn", "out/data/coarse.zarr", "--closure", "symbolic", "--highest", "1099511627776"], "at most 16"),
        (&["predict", "model.safetensors", "out/data/coarse.zarr"], "model.safetensors"),
        (&["predict", "nowhere.safetensors", "out/data/coarse.zarr"], "nowhere.safetensors"),
        (&["predict", law, "fine/data/coarse.zarr"], "the spacing that it was fitted on"),
    ];
    for (args, message) in cases {
        let answer = place.run(&[args, &["--json"]].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(message), "{args:?}: {}", answer.stderr);
    }
    assert_eq!(files(&place.path(".")), before, "nothing was written");
}
