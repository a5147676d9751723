//! What a formula keeps: written out and read back, differentiated, evaluated in columns, and never a panic.

use gaptooth::Error;
use gaptooth::coefficient::Formula;
use proptest::prelude::*;

fn formula(text: &str) -> Formula {
    Formula::parse(text, &["x", "y"], &[("k", 0.75)]).unwrap_or_else(|why| panic!("{why}"))
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Formulas over everything there is, bracketed and not.
fn any_formula() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("x".to_string()),
        Just("y".to_string()),
        Just("k".to_string()),
        Just("pi".to_string()),
        (0.0..20.0_f64).prop_map(|v| format!("{v:.3}")),
        (1..9_i32, -12..12_i32).prop_map(|(m, e)| format!("{m}e{e}")),
    ];
    leaf.prop_recursive(6, 60, 3, |inner| {
        let unary = prop::sample::select(vec![
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "exp",
            "log",
            "log10",
            "sqrt",
            "abs",
            "sign",
            "floor",
            "ceil",
            "heaviside",
            "",
            "-",
            "+",
            "not ",
        ]);
        let infix = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "**", "^", "<", "<=", ">", ">=", "==", "!=", " and ", " or ",
        ]);
        let called = prop::sample::select(vec!["min", "max", "atan2", "pow", "heaviside"]);
        prop_oneof![
            (unary, inner.clone()).prop_map(|(f, a)| format!("({f}({a}))")),
            (inner.clone(), infix, inner.clone()).prop_map(|(a, op, b)| format!("({a}{op}{b})")),
            (called, inner.clone(), inner.clone()).prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(c, a, b)| format!("where({c}, {a}, {b})")),
        ]
    })
}

/// Formulas that are smooth and tame for 0.5 ≤ x, y ≤ 1.5.
fn smooth_formula() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![Just("x".to_string()), Just("y".to_string()), (0.2..2.0_f64).prop_map(|v| format!("{v:.2}"))];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let wrapped = prop::sample::select(vec![
            "sin(A)",
            "cos(A)",
            "atan(A)",
            "tanh(A)",
            "sinh(sin(A))",
            "cosh(cos(A))",
            "exp(sin(A))",
            "log(3 + sin(A))",
            "log10(2 + cos(A))",
            "sqrt(2 + sin(A))",
            "asin(0.9*sin(A))",
            "acos(0.9*cos(A))",
            "tan(0.5*sin(A))",
            "-A",
            "A^2",
            "(2 + sin(A))**-1.5",
            "2**sin(A)",
            "abs(3 + sin(A))",
        ]);
        let joined = prop::sample::select(vec![
            "(A + B)",
            "(A - B)",
            "(A*B)",
            "(A/(3 + sin(B)))",
            "(2 + sin(A))^cos(B)",
            "atan2(2 + sin(A), 3 + cos(B))",
            "min(sin(A), 2 + sin(B))",
            "max(sin(A), 2 + sin(B))",
            "where(x > 0, A, B)",
            "((9 + sin(A)) % (5 + sin(B)))",
        ]);
        prop_oneof![
            (wrapped, inner.clone()).prop_map(|(f, a)| f.replace('A', &format!("({a})"))),
            (joined, inner.clone(), inner).prop_map(|(f, a, b)| f
                .replace('A', "\u{1}")
                .replace('B', &format!("({b})"))
                .replace('\u{1}', &format!("({a})"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn display_reads_back_as_the_same_function(text in any_formula(), x in -3.0..3.0_f64, y in -3.0..3.0_f64) {
        let first = formula(&text);
        let shown = first.to_string();
        let second = formula(&shown);
        let (a, b) = (first.eval(&[x, y]), second.eval(&[x, y]));
        prop_assert!(same(a, b), "{text} -> {shown}: {a} against {b}");
        prop_assert_eq!(&second.to_string(), &shown);
        let slope = first.derivative("x");
        let (a, b) = (slope.eval(&[x, y]), formula(&slope.to_string()).eval(&[x, y]));
        prop_assert!(same(a, b), "derivative of {text} -> {slope}: {a} against {b}");
    }

    #[test]
    fn columns_have_the_bits_of_single_points(text in any_formula(), x in -3.0..3.0_f64, n in 1..600_usize) {
        let f = formula(&text);
        let y: Vec<f64> = (0..n).map(|i| -2.0 + 0.01 * i as f64).collect();
        let mut out = vec![0.0; n];
        f.eval_into(&[&[x], &y], &mut out);
        for (y, value) in y.iter().zip(&out) {
            prop_assert!(same(f.eval(&[x, *y]), *value), "{text} at {x}, {y}");
        }
    }

    #[test]
    fn derivatives_are_limits_of_differences(text in smooth_formula(), x in 0.5..1.5_f64, y in 0.5..1.5_f64) {
        let f = formula(&text);
        for (name, [dx, dy]) in [("x", [1.0, 0.0]), ("y", [0.0, 1.0])] {
            let exact = f.derivative(name).eval(&[x, y]);
            let at = |h: f64| f.eval(&[x + h * dx, y + h * dy]);
            let h = 2e-4;
            let difference = |h: f64| (at(h) - at(-h)) / (2.0 * h);
            // Richardson: fourth order
            let (fine, coarse) = (difference(h), difference(2.0 * h));
            let found = (4.0 * fine - coarse) / 3.0;
            let scale = 1.0 + exact.abs() + at(0.0).abs();
            // where the two differences are far apart the function is too steep for this test
            prop_assume!((fine - coarse).abs() < 1e-4 * scale);
            prop_assert!((exact - found).abs() < 1e-7 * scale, "d/d{name} {text}: {exact} against {found}");
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = Formula::parse(&text, &["x"], &[]);
    }

    #[test]
    fn no_soup_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "x", "1", "1e", ".5", "2.", "sin", "where", "min", "(", ")", "(", ")", ",", "+", "-", "*", "**", "^", "/", "//", "%",
        "<", "==", "=", "not", "and", "or", "pi", "eps", "é", " ", "heaviside",
    ]), 0..40)) {
        let text = tokens.concat();
        if let Ok(f) = Formula::parse(&text, &["x"], &[]) {
            f.eval(&[0.5]);
            f.derivative("x").derivative("x").eval(&[0.5]);
            Formula::parse(&f.to_string(), &["x"], &[]).unwrap();
        }
    }
}

fn complaint(text: &str) -> (usize, String) {
    match Formula::parse(text, &["x", "y"], &[]) {
        Err(Error::Expression { position, message, .. }) => (position, message),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn errors_say_where_and_what_to_try() {
    for (text, position, part) in [
        ("", 0, "empty"),
        ("  ", 2, "ends here"),
        ("1 + ", 4, "ends here"),
        ("1 + Pi*x", 4, "did you mean `pi`?"),
        ("1 + z", 4, "known names are x, y, pi, e"),
        ("sn(x)", 0, "did you mean `sin`?"),
        ("ln(x)", 0, "did you mean `log`?"),
        ("1 + π", 4, "did you mean `pi`?"),
        ("x\u{a0}+ 2x", 5, "write `*` to multiply"),
        ("2(x)", 1, "write `*` to multiply"),
        ("x(2)", 0, "write x*(...)"),
        ("sin x", 0, "write sin(...)"),
        ("np.sin(x)", 2, "without a module"),
        ("(1 + x", 0, "never closed"),
        ("1 + x)", 5, "closes nothing"),
        ("sin(x, y)", 0, "takes 1 argument, found 2"),
        ("min(x)", 0, "2 or more arguments"),
        ("where(x > 1, 2)", 0, "3 arguments"),
        ("x = 1", 2, "write `==`"),
        ("1 if x else 2", 2, "where(condition, a, b)"),
        ("x & y", 2, "write `and`"),
        ("1 + * 2", 4, "found `*`"),
        ("x, y", 1, "comma"),
        ("1e+x", 1, "write `*` to multiply"),
    ] {
        let (found, message) = complaint(text);
        assert!(found == position && message.contains(part), "`{text}`: character {found}: {message}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_long_sums_are_not() {
    for (open, close) in [("(", ")"), ("sin(", ")"), ("-", ""), ("2**", ""), ("not ", ""), ("where(x,", ",1)")] {
        let deep = |n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
        assert!(complaint(&deep(100_000)).1.contains("levels deep"));
        assert!(Formula::parse(&deep(150), &["x"], &[]).is_ok(), "{open}");
    }
    let sum = vec!["x"; 20_000].join(" + ");
    let f = formula(&sum);
    assert_eq!(f.eval(&[0.5, 0.0]), 10_000.0);
    assert_eq!(f.derivative("x").eval(&[0.5, 0.0]), 20_000.0);
    assert_eq!(f.to_string(), sum);
}

#[test]
fn python_reads_these_so_do_we() {
    for (text, value) in [
        ("-x^2", -9.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("-2**-2", -0.25),
        ("1e-3*x", 3e-3),
        (".5*x", 1.5),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("-7 // 2", -4.0),
        ("7 - 2 - 1", 4.0),
        ("8 / 2 / 2", 2.0),
        ("8 / 2 * 2", 8.0),
        ("0 < x < 5 > 4", 1.0),
        ("not x < 5 or x == 3", 1.0),
        ("where(x < 1 or y, 2, 3)", 3.0),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("heaviside(0) + heaviside(-1) + heaviside(0, 1)", 1.5),
        ("sign(-3) + sign(0) + abs(-3)", 2.0),
        ("log(e) + log10(100)", 3.0),
        ("k", 0.75),
    ] {
        assert_eq!(formula(text).eval(&[3.0, 0.0]), value, "{text}");
    }
}

#[test]
fn callers_names_come_first() {
    let f = Formula::parse("e + pi", &["e"], &[("pi", 3.0)]).unwrap();
    assert_eq!(f.eval(&[1.0]), 4.0);
    assert!(f.depends_on("e") && !f.depends_on("pi"));
    assert_eq!(f.derivative("nothing").eval(&[1.0]), 0.0);
}

#[test]
fn derivatives_of_pieces() {
    for (text, x, slope) in [
        ("abs(x)", -2.0, -1.0),
        ("floor(x) + ceil(x) + sign(x)", 0.3, 0.0),
        ("x % 2", 5.5, 1.0),
        ("7 % x", 2.0, -3.0),
        ("where(x < 1, x^2, 3*x)", 0.5, 1.0),
        ("where(x < 1, x^2, 3*x)", 2.0, 3.0),
        ("min(x, 2*x)", -1.0, 2.0),
        ("max(x, 2*x)", -1.0, 1.0),
        ("heaviside(x)*x", 2.0, 1.0),
        ("x**-2", 2.0, -0.25),
    ] {
        assert_eq!(formula(text).derivative("x").eval(&[x, 0.0]), slope, "{text}");
    }
}
