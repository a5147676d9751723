//! The lattice study on few trajectories: the exact equation is found, whatever the threads; what does not fit is refused.

use gaptooth::{
    closure::AnyClosure,
    observer::Silent,
    report::Report,
    study::{AnyStudy, Context, LatticeStudyConfig, LawKind, Outcome, builtin},
    team::Alone,
};

fn small(change: impl Fn(&mut LatticeStudyConfig)) -> LatticeStudyConfig {
    let mut config: LatticeStudyConfig = toml::from_str(builtin("arbabi-2d").unwrap()).unwrap();
    (config.trajectories.train, config.trajectories.test) = (12, 3);
    config.trajectories.every = 0.05;
    config.patches[0].from = 0.05;
    for law in &mut config.laws {
        match &mut law.kind {
            LawKind::FunctionalNet(net) | LawKind::DiscretizedNet(net) => net.epochs = 1,
            LawKind::Derivatives { validation, residual_width, .. } => {
                (*validation, *residual_width) = (3, (*residual_width).min(2));
            }
            LawKind::Symbolic { validation, .. } => *validation = 3,
            _ => {}
        }
    }
    config.checks.clear();
    change(&mut config);
    config
}

fn run(config: LatticeStudyConfig, threads: usize) -> Outcome {
    let study = AnyStudy::Lattice(Box::new(config));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| study.run(&Context { observer: &Silent, store: None, team: &Alone })).unwrap()
}

fn value(report: &Report, name: &str) -> f64 {
    report.check(name).unwrap_or_else(|| panic!("no check {name}")).value
}

#[test]
fn the_equation_of_the_lattice_is_found_and_the_published_one_is_not() {
    let without_nets = |c: &mut LatticeStudyConfig| c.laws.retain(|l| !l.name.contains("paper"));
    let outcome = run(small(without_nets), 2);
    let report = &outcome.report;
    // 12 digits by the discrete cell problems
    assert!((value(report, "exact_u_xx") - 1.339_934_025_802_6).abs() < 1e-12);
    assert!((value(report, "exact_u_yy") - 1.264_556_119_945_7).abs() < 1e-12);
    assert!((value(report, "exact_u_xy") - 0.220_949_750_077_3).abs() < 1e-12);
    assert!(value(report, "gap_tooth_vs_bloch") < 1e-9);
    assert!(value(report, "symbolic_tensor_error") < 1e-6);
    assert_eq!(value(report, "symbolic_terms"), 15.0, "all derivatives of orders 2, 4 and 6");
    for law in ["best", "symbolic"] {
        assert!(value(report, &format!("{law}_vs_gap_tooth_median")) < 1e-8, "{law}");
        assert!(value(report, &format!("{law}_vs_published_median")) > 0.05, "{law}");
        assert!(value(report, &format!("{law}_growth")) < 1.05);
    }
    // the mean over a patch moves at first by the bonds at its edge alone: row and column 0 of the tables
    assert!((value(report, "start_u_xx") - (1.0566 + 0.6668 + 1.1568) / 3.0).abs() < 0.01);
    assert!((value(report, "start_u_yy") - (3.6355 + 0.8628 + 4.5025) / 3.0).abs() < 0.01);
    assert!(value(report, "second_order_t0_own_rhs_mse") > 100.0 * value(report, "second_order_rhs_mse"));
    let symbolic = outcome.models.iter().find(|(name, _)| name == "symbolic").unwrap();
    let AnyClosure::Symbolic(law) = &symbolic.1 else { panic!("another kind") };
    assert!(law.formula().starts_with("u_t = 1.33993 u_xx + 0.220950 u_xy + 1.26456 u_yy"), "{}", law.formula());
    assert!(report.figures.len() >= 4 && report.tables.len() == 4);
}

#[test]
fn the_numbers_do_not_depend_on_the_threads() {
    let [one, two] = [1, 2].map(|threads| run(small(|c| c.horizon = None), threads));
    let values = |o: &Outcome| o.report.checks.iter().map(|c| (c.name.clone(), c.value.to_bits())).collect::<Vec<_>>();
    assert_eq!(values(&one), values(&two));
    assert!(one.datasets == two.datasets);
}

#[test]
fn what_does_not_fit_is_refused_with_its_key() {
    let refused = |change: fn(&mut LatticeStudyConfig), key: &str| {
        let message = AnyStudy::Lattice(Box::new(small(change))).check().unwrap_err().to_string();
        assert!(message.contains(key), "{key}: {message}");
    };
    AnyStudy::Lattice(Box::new(small(|_| ()))).check().unwrap();
    refused(|c| c.lattice.kx[1].truncate(2), "lattice.kx");
    refused(|c| c.lattice.ky.truncate(1), "lattice.ky");
    refused(|c| c.lattice.kx[0][0] = -1.0, "-1");
    refused(|c| c.lattice.kx[0][0] = f64::NAN, "NaN");
    refused(|c| c.patches[0].ratio = 1.5, "patches.healed.ratio");
    refused(|c| c.patches[0].from = 0.033, "patches.healed.from");
    refused(|c| c.trajectories.end = f64::INFINITY, "trajectories.every");
    refused(|c| c.patches[1].patches = 12, "patches.unhealed.patches");
    refused(|c| c.patches[0].interior = 4, "patches.healed.interior");
    refused(|c| c.laws[1].name = "published".into(), "published_vs_gap_tooth");
    refused(|c| c.initial.highest = 8, "patches.healed.patches");
    refused(|c| c.patches[0].interior = 0, "patches.healed");
    refused(|c| c.patches.clear(), "patches");
    refused(|c| c.laws[0].patches = "other".into(), "laws.functional_paper.patches");
    refused(|c| c.laws[1].name = c.laws[0].name.clone(), "laws.1.name");
    refused(|c| c.trajectories.test = 0, "trajectories");
    refused(|c| c.horizon = Some(0.5), "horizon");
    refused(|c| c.initial.terms = 0, "initial");
}
