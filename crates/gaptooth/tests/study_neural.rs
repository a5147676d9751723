//! Neural studies in quick forms: the figures follow, the bits do not depend on the threads, what does not fit is refused.

mod memory;

use std::sync::atomic::{AtomicUsize, Ordering};

use gaptooth::{
    Error, Result,
    observer::{Observer, Silent},
    pinn::Plan,
    report::Report,
    study::{AnyStudy, Context, DirectConfig, DirectRecipe, EquationConfig, NeuralStudyConfig, Recipe, builtin},
    team::Alone,
};
use memory::Memory;

fn quick(name: &str, change: impl Fn(&mut NeuralStudyConfig)) -> NeuralStudyConfig {
    let mut config: NeuralStudyConfig = toml::from_str(builtin(name).unwrap()).unwrap();
    config.repeats = 2;
    config.reference.points = 41;
    for recipe in [&mut config.ours.cell, &mut config.ours.homogenized] {
        recipe.plan.iterations = recipe.plan.iterations.min(40);
        recipe.hidden.iter_mut().for_each(|w| *w = (*w).min(12));
        let most = |n: usize| match n {
            1000.. => 256,
            _ if name.contains("2d") => 16,
            _ => 48,
        };
        recipe.points.iter_mut().for_each(|n| *n = (*n).min(most(*n)));
    }
    // the multiscale equation itself has its own tests
    config.direct = None;
    config.checks.clear();
    change(&mut config);
    config
}

fn run(config: &NeuralStudyConfig, threads: usize, context: &Context<'_>) -> Result<Report> {
    let study = AnyStudy::Neural(Box::new(config.clone()));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| study.run(context)).map(|outcome| outcome.report)
}

const ALONE: Context<'_> = Context { observer: &Silent, store: None, team: &Alone };

fn value(report: &Report, name: &str) -> f64 {
    report.check(name).unwrap_or_else(|| panic!("no check {name}")).value
}

#[test]
fn the_plane_in_a_quick_form() {
    let report = run(&quick("nhpinn-elliptic-2d", |c| c.reference.cells = 12), 2, &ALONE).unwrap();
    // the coarse points of comparison move e4 a little
    assert!((value(&report, "e4") - 0.011_662_6).abs() < 1e-4);
    assert!(value(&report, "a_star_error") < 1e-6 && value(&report, "a_star_certified_width") < 1e-5);
    assert!(value(&report, "e3") < 1e-3 && value(&report, "e1_vs_e4") < 1e-2);
    assert_eq!(report.check("e1").unwrap().paper, Some(0.082994));
    assert!(value(&report, "e3_worst") >= value(&report, "e3"));
    // 36 sines at the classical network's 41 × 41 points and in the integral, by numpy's lstsq
    assert!((value(&report, "classical_predicted") - 0.8995).abs() < 5e-4);
    assert_eq!(report.figures.len(), 2);
    let alone = quick("nhpinn-elliptic-2d", |c| (c.paper, c.published, c.repeats) = (None, [].into(), 1));
    let report = run(&alone, 2, &ALONE).unwrap();
    assert!((value(&report, "classical_predicted") - 0.8906).abs() < 5e-4);
}

#[test]
fn lines_with_and_without_a_slow_variable() {
    let report = run(&quick("nhpinn-intro-1d", |_| ()), 2, &ALONE).unwrap();
    assert!(value(&report, "a_star_error") < 1e-9 && value(&report, "e3") < 1e-3);
    assert!((value(&report, "e4") - 0.005_060_286_6).abs() < 1e-6);
    let report = run(&quick("nhpinn-slow-1d", |_| ()), 2, &ALONE).unwrap();
    assert!(value(&report, "ea") < 1e-6 && value(&report, "e3") < 1e-3);
    assert!((value(&report, "e4") - 0.005_125_167_5).abs() < 1e-6);
    assert_eq!(report.figures.len(), 3);
}

/// A network of x and x/ε on the multiscale equation, second order.
fn two_scale(points: &[usize], jitter: bool, iterations: usize) -> DirectRecipe {
    DirectRecipe {
        hidden: vec![16, 16],
        points: points.to_vec(),
        jitter,
        harmonics: 1,
        boundary_weight: Some(1e4),
        plan: Plan { iterations, patience: 0, ..Plan::default() },
    }
}

/// The introductory problem with whole periods in its interval, the multiscale equation alone of any interest.
fn whole_periods(direct: DirectConfig) -> NeuralStudyConfig {
    quick("nhpinn-intro-1d", |c| {
        c.repeats = 1;
        c.ours.cell.plan.iterations = 3;
        c.ours.homogenized.plan.iterations = 3;
        c.known.clear();
        c.direct = Some(direct.clone());
        if let EquationConfig::Elliptic { domain, source, .. } = &mut c.equation[0] {
            (*domain, *source) = (vec![[0.0, 1.0]], "sin(pi*x)".into());
        }
    })
}

#[test]
fn the_multiscale_equation_itself_where_a_plain_network_fails() {
    let flux = DirectRecipe { harmonics: 0, boundary_weight: None, ..two_scale(&[192], false, 40) };
    let config =
        whole_periods(DirectConfig { run: true, flux: Some(flux), two_scale: Some(two_scale(&[192], true, 150)) });
    let report = run(&config, 2, &ALONE).unwrap();
    // the best that smooth functions can do in second-order form, and what the same functions and the first-order form do
    assert!(value(&report, "classical_predicted") > 0.8 && value(&report, "flux_error") < 0.05);
    assert!(value(&report, "two_scale_error") < 1e-3 && value(&report, "two_scale_error") < value(&report, "e4"));
    for part in ["flux", "two_scale"] {
        let (training, held_out) =
            (value(&report, &format!("{part}_residual")), value(&report, &format!("{part}_held_out")));
        assert!(held_out < 0.25 && held_out < 3.0 * training, "{part}: {training} {held_out}");
    }
    assert!(!report.notes.iter().any(|n| n.contains("do not trust")));
    assert!(report.tables.iter().any(|t| t.name == "trainings_direct" && t.rows.len() == 2));
}

#[test]
fn a_small_loss_with_a_wrong_answer_is_noticed_between_the_points() {
    let found = |points: usize| {
        let config =
            whole_periods(DirectConfig { run: true, flux: None, two_scale: Some(two_scale(&[points], false, 150)) });
        let report = run(&config, 2, &ALONE).unwrap();
        let figures = ["error", "residual"].map(|kind| value(&report, &format!("two_scale_{kind}")));
        let doubted = report.notes.iter().any(|n| n.contains("do not trust"));
        (figures, report.check("two_scale_held_out").unwrap().passed, doubted)
    };
    // four points in each of the eight periods, the same four
    let ([error, residual], passed, doubted) = found(32);
    assert!(residual.powi(2) < 1e-7 && error > 0.5, "the loss is small and the answer wrong: {residual} {error}");
    assert!(!passed && doubted);
    let ([error, _], passed, doubted) = found(192);
    assert!(error < 1e-3 && passed && !doubted, "{error}");
}

#[test]
fn a_stopped_run_of_the_multiscale_equation_goes_on_with_the_same_bits_on_other_threads() {
    let config = whole_periods(DirectConfig { run: true, flux: None, two_scale: Some(two_scale(&[96], true, 12)) });
    let whole = run(&config, 1, &ALONE).unwrap();
    let store = Memory::default();
    // the trainings before it look twice at most
    let stopper = Stopper(AtomicUsize::new(4));
    let stopped = run(&config, 1, &Context { observer: &stopper, store: Some(&store), team: &Alone });
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    assert!(store.0.lock().unwrap().keys().any(|stage| stage.contains("direct-two-scale")));
    let resumed = run(&config, 3, &Context { observer: &Silent, store: Some(&store), team: &Alone }).unwrap();
    assert_eq!(whole.checks, resumed.checks);
}

#[test]
fn both_readings_of_the_reaction() {
    let report = run(&quick("nhpinn-reaction-10", |c| c.repeats = 1), 2, &ALONE).unwrap();
    assert!((value(&report, "r_star") + 1.0 / (16.0 * std::f64::consts::PI.powi(2))).abs() < 1e-9);
    assert!((value(&report, "r_star_2pi") + 0.25).abs() < 1e-9);
    assert!(value(&report, "e4_difference") < 1e-6 && value(&report, "e4_2pi_difference") < 1e-6);
    assert!(report.check("e1_worst").is_none(), "one seed has no worst");
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    let config = quick("nhpinn-slow-1d", |c| c.ours.cell.plan.iterations = 6);
    let checks = |threads| run(&config, threads, &ALONE).unwrap().checks;
    assert_eq!(checks(1), checks(3));
}

/// Stops the run at its nth look at the observer.
struct Stopper(AtomicUsize);

impl Observer for Stopper {
    fn progress(&self, _: &str, _: u64, _: u64, _: &str) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn interrupted(&self) -> bool {
        (self.0.load(Ordering::SeqCst) as isize) <= 0
    }
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    let config = quick("nhpinn-intro-1d", |c| c.repeats = 1);
    let whole = run(&config, 1, &ALONE).unwrap();
    let store = Memory::default();
    let stopper = Stopper(AtomicUsize::new(3));
    let stopped = run(&config, 1, &Context { observer: &stopper, store: Some(&store), team: &Alone });
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    assert!(!store.0.lock().unwrap().is_empty());
    let resumed = run(&config, 1, &Context { observer: &Silent, store: Some(&store), team: &Alone }).unwrap();
    assert_eq!(whole.checks, resumed.checks);
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |name: &str, change: fn(&mut NeuralStudyConfig)| {
        AnyStudy::Neural(Box::new(quick(name, change))).check().unwrap_err().to_string()
    };
    let plane = "nhpinn-elliptic-2d";
    assert!(refused(plane, |c| c.repeats = 0).contains("repeats"));
    assert!(refused(plane, |c| c.equation.clear()).contains("[[equation]]"));
    assert!(refused(plane, |c| c.reference.points = 20).contains("reference.points: found 20"));
    assert!(
        refused(plane, |c| c.paper.as_mut().unwrap().cell.as_mut().unwrap().derivative_weight = Some(-1.0))
            .contains("paper.cell.derivative_weight")
    );
    assert!(refused(plane, |c| c.ours.cell.hidden.clear()).contains("ours.cell.hidden"));
    assert!(refused(plane, |c| c.ours.homogenized.points = vec![2]).contains("ours.homogenized.points"));
    assert!(refused(plane, |c| c.known = [("e5".into(), 1.0)].into()).contains("no such check"));
    let elliptic = |c: &mut NeuralStudyConfig, f: fn(&mut f64, &mut String)| match &mut c.equation[0] {
        EquationConfig::Elliptic { epsilon, coefficient, .. } => f(epsilon, coefficient),
        EquationConfig::Reaction { .. } => unreachable!(),
    };
    let direct = |two_scale| Some(DirectConfig { run: false, flux: None, two_scale });
    let with = |name: &str, direct: Option<DirectConfig>| {
        let mut config = quick(name, |_| ());
        config.direct = direct;
        AnyStudy::Neural(Box::new(config)).check().unwrap_err().to_string()
    };
    let good = two_scale(&[8, 8], true, 1);
    assert!(with("nhpinn-reaction-10", direct(Some(good.clone()))).contains("elliptic equations only"));
    assert!(with(plane, direct(None)).contains("nothing to train"));
    assert!(with(plane, direct(Some(two_scale(&[8], true, 1)))).contains("direct.two_scale.points"));
    let flat = DirectRecipe { harmonics: 0, ..good.clone() };
    assert!(with(plane, direct(Some(flat))).contains("direct.two_scale.harmonics"));
    let light = DirectRecipe { boundary_weight: Some(0.0), ..good };
    assert!(with(plane, direct(Some(light))).contains("direct.two_scale.boundary_weight"));
    let mut config = quick(plane, |_| ());
    elliptic(&mut config, |e, _| *e = f64::NAN);
    assert!(AnyStudy::Neural(Box::new(config)).check().unwrap_err().to_string().contains("epsilon"));
    let mut config = quick(plane, |_| ());
    elliptic(&mut config, |_, a| *a = "sin(2*pi*y1)".into());
    assert!(matches!(AnyStudy::Neural(Box::new(config)).check(), Err(Error::Coefficient { .. })));
    let mut config = quick("nhpinn-reaction-10", |_| ());
    if let EquationConfig::Reaction { reaction, .. } = &mut config.equation[0] {
        *reaction = "1 + cos(2*pi*y)".into();
    }
    assert!(AnyStudy::Neural(Box::new(config)).check().unwrap_err().to_string().contains("mean"));
}

#[test]
fn the_networks_handed_over_compute_the_fields_handed_over() {
    let config = quick("nhpinn-intro-1d", |c| c.repeats = 1);
    let outcome = AnyStudy::Neural(Box::new(config)).run(&ALONE).unwrap();
    let named = |name: &str| &outcome.networks.iter().find(|(n, _)| n == name).unwrap().1;
    let net = named("chi1-2022");
    assert_eq!(net.card["inputs"], serde_json::json!(["sin(2*pi*y)", "cos(2*pi*y)"]));
    assert_eq!(net.card["activation"], "tanh");
    let tensor = |name: String| net.tensors.iter().find(|t| t.0 == name).unwrap();
    // the layers as someone would write them from the file
    let chi = |y: f64| {
        let (s, c) = (std::f64::consts::TAU * y).sin_cos();
        let mut h = vec![s, c];
        let layers = net.card["widths"].as_array().unwrap().len() - 1;
        for l in 0..layers {
            let (weight, bias) = (tensor(format!("layer.{l}.weight")), tensor(format!("layer.{l}.bias")));
            let row = |w: &[f64]| w.iter().zip(&h).map(|(w, h)| w * h).sum::<f64>();
            h = weight.2.chunks_exact(weight.1[1]).zip(&bias.2).map(|(w, b)| row(w) + b).collect();
            if l + 1 < layers {
                h.iter_mut().for_each(|v| *v = v.tanh());
            }
        }
        h[0]
    };
    let cell = &outcome.fields.iter().find(|(n, _)| n == "cell").unwrap().1;
    let y = &cell.coordinates.iter().find(|(n, _)| n == "y").unwrap().1;
    let values: Vec<f64> = y.iter().map(|y| chi(*y)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let found = cell.arrays.iter().find(|a| a.name == "chi_network").unwrap();
    assert_eq!(found.dims, ["seed", "direction", "y"]);
    assert!(values.iter().zip(&found.data).all(|(v, f)| (v - mean - f).abs() < 1e-12));
    let solutions = &outcome.fields.iter().find(|(n, _)| n == "solutions").unwrap().1;
    let of = |name: &str| &solutions.arrays.iter().find(|a| a.name == name).unwrap().data;
    assert!(of("u_network").iter().zip(of("u_0")).all(|(a, b)| (a - b).abs() < 1e-3));
}

/// The paper's recipe with networks and trainings of a few seconds.
fn short_paper(c: &mut NeuralStudyConfig) {
    (c.recipe, c.repeats) = (Recipe::Paper, 1);
    let paper = c.paper.as_mut().unwrap();
    for recipe in paper.cell.iter_mut().chain([&mut paper.homogenized, &mut paper.classical]) {
        recipe.hidden = vec![12, 12];
        recipe.epochs = 600;
        recipe.learning_rate = 1e-2;
        recipe.points.iter_mut().for_each(|n| *n = 21);
    }
}

#[test]
fn the_papers_recipe_of_a_reaction_in_a_quick_form() {
    let report = run(
        &quick("nhpinn-reaction-10", |c| {
            short_paper(c);
            c.equation.truncate(1);
            c.known.retain(|name, _| !name.ends_with("2pi"));
        }),
        2,
        &ALONE,
    )
    .unwrap();
    // a cosine of one period is within reach of so few steps
    assert!(value(&report, "paper_n_rel_error") < 0.1 && value(&report, "paper_n_plain_rel_error") < 0.1);
    let off = value(&report, "paper_r_star_error");
    assert!(off > 0.0 && off < 1e-3, "{off}");
    // w uses r* of the network: e2 is near e4 but not e4
    let (e2, e4) = (value(&report, "paper_e2"), value(&report, "e4"));
    assert!(e2 != e4 && (e2 / e4 - 1.0).abs() < 0.5, "{e2} {e4}");
    for name in ["paper_e1", "paper_e3", "classical_error", "transfer_error"] {
        assert!(value(&report, name) > 0.01, "{name}");
    }
    assert!(report.check("e1").is_none(), "ours is not asked for");
    assert!(report.notes.iter().any(|n| n.contains("claim of the paper")));
    let verdict = report.tables.iter().find(|t| t.name == "verdict").unwrap();
    let row = verdict.rows.iter().find(|r| r[0] == "paper_e1").unwrap();
    assert_eq!((row[1].as_str(), row[3].as_str()), ("0.0123880", "—"));
}

#[test]
fn the_papers_recipe_of_a_slow_coefficient_in_a_quick_form() {
    let report = run(
        &quick("nhpinn-slow-1d", |c| {
            short_paper(c);
            c.paper.as_mut().unwrap().cell.as_mut().unwrap().epochs = 400;
        }),
        2,
        &ALONE,
    )
    .unwrap();
    let (ea, slope) = (value(&report, "paper_ea"), value(&report, "paper_ea_slope"));
    // without a corrector a* would be the mean of a, 2 % too large
    assert!(ea > 1e-6 && ea < 0.02 && slope < 0.2, "{ea} {slope}");
    assert!(value(&report, "paper_e2") < 0.05);
    assert_eq!(report.timings.iter().filter(|t| t.name.contains("101 networks")).count(), 1);
}
