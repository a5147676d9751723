//! `gaptooth simulate`: datasets of models that need no truth.

use super::{Place, TINY, files};

#[test]
fn nonlinear_models_need_neither_truth_nor_laws() {
    let place = Place::new();
    let problem = "diffusivity = \"1.1 + 0.5*sin(2*pi*y) + 0.1*u^2\"\ndrift = \"0.1*cos(2*pi*y)\"\nreaction = \"-u\"\n";
    let start = TINY.find("diffusivity").unwrap();
    let (end, laws) = (TINY.find("[trajectories]").unwrap(), TINY.find("[[laws]]").unwrap());
    let text = format!("{}{problem}{}", &TINY[..start], &TINY[end..laws])
        .replace("[truth]\nintervals = 100\ntolerance = 1e-7\n", "");
    assert!(!text.contains("truth") && !text.contains("laws"));
    let text = text.replace("spacing = 5e-5", "spacing = 1e-4").replace("end = 0.02", "end = 0.004");
    place.write("nonlinear.toml", &text);
    let answer = place.run(&["simulate", "nonlinear.toml", "--out", "out", "--json"]).done().object();
    let data = &answer["datasets"][0];
    assert_eq!((data["name"].as_str(), data["micro_path"].as_str()), (Some("coarse"), Some("general")));
    assert_eq!(
        (data["trajectories"].as_u64(), data["times"].as_u64(), data["points"].as_u64()),
        (Some(3), Some(3), Some(11))
    );
    let written = files(&place.path("out"));
    assert!(
        written.contains(&"run.toml".into()) && written.contains(&"data/coarse.zarr/zarr.json".into()),
        "{written:?}"
    );
    assert!(written.iter().all(|f| !f.contains(".gaptooth") && !f.contains("checkpoints")), "{written:?}");
    let again = place.run(&["simulate", "out/run.toml", "--out", "again", "--json", "--threads", "1"]).done().object();
    assert_eq!(
        (&again["datasets"][0]["u_range"], &again["datasets"][0]["u_t_range"]),
        (&data["u_range"], &data["u_t_range"])
    );
    let refused = place.run(&["run", "nonlinear.toml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
}

#[test]
fn what_does_not_fit_is_refused() {
    let place = Place::new();
    let end = TINY.find("[[patches]]").unwrap();
    place.write("none.toml", &TINY[..end]);
    let answer = place.run(&["simulate", "none.toml"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("[[patches]]"), "{}", answer.stderr);
    place.write("wide.toml", &TINY.replace("width = 2e-2", "width = 2e-1"));
    let answer = place.run(&["simulate", "wide.toml"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.stderr.contains("wide.toml:25:"), "{}", answer.stderr);
    assert_eq!(files(&place.path(".")), ["none.toml", "wide.toml"]);
}
