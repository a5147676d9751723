//! Neural studies in quick forms: the figures follow, the bits do not depend on the threads, what does not fit is refused.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use gaptooth::{
    Error, Result,
    observer::{Observer, Silent},
    report::Report,
    study::{AnyStudy, Context, EquationConfig, NeuralStudyConfig, Store, builtin},
};

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
    config.checks.clear();
    change(&mut config);
    config
}

fn run(config: &NeuralStudyConfig, threads: usize, context: &Context<'_>) -> Result<Report> {
    let study = AnyStudy::Neural(Box::new(config.clone()));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| study.run(context)).map(|outcome| outcome.report)
}

const ALONE: Context<'_> = Context { observer: &Silent, store: None };

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
    assert_eq!(report.figures.len(), 2);
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

#[derive(Default)]
struct Memory(Mutex<HashMap<String, Vec<u8>>>);

impl Store for Memory {
    fn load(&self, stage: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().get(stage).cloned())
    }

    fn save(&self, stage: &str, bytes: &[u8]) -> Result<()> {
        self.0.lock().unwrap().insert(stage.into(), bytes.to_vec());
        Ok(())
    }
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    let config = quick("nhpinn-intro-1d", |c| c.repeats = 1);
    let whole = run(&config, 1, &ALONE).unwrap();
    let store = Memory::default();
    let stopper = Stopper(AtomicUsize::new(3));
    let stopped = run(&config, 1, &Context { observer: &stopper, store: Some(&store) });
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    assert!(!store.0.lock().unwrap().is_empty());
    let resumed = run(&config, 1, &Context { observer: &Silent, store: Some(&store) }).unwrap();
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
    assert!(refused(plane, |c| c.ours.cell.hidden.clear()).contains("ours.cell.hidden"));
    assert!(refused(plane, |c| c.ours.homogenized.points = vec![2]).contains("ours.homogenized.points"));
    assert!(refused(plane, |c| c.known = [("e5".into(), 1.0)].into()).contains("no such check"));
    let elliptic = |c: &mut NeuralStudyConfig, f: fn(&mut f64, &mut String)| match &mut c.equation[0] {
        EquationConfig::Elliptic { epsilon, coefficient, .. } => f(epsilon, coefficient),
        EquationConfig::Reaction { .. } => unreachable!(),
    };
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
