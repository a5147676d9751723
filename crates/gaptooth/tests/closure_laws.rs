//! Laws that every closure keeps, run over one of each kind.

use gaptooth::{
    closure::{
        AnyClosure, Closure, CompositeLaw, FeatureSpec, Features, LinearLaw, MultiIndex, NetworkLaw, PeriodicFlow,
        Standardisation, SymbolicLaw,
    },
    grid::{Axis, Boundary, Grid},
    nn::{Activation, Mlp},
    ode::OdeSystem,
    stencil::EdgeRule,
};

fn grid(boundary: Boundary) -> Grid {
    Grid::uniform([0.0, 3.0], 12, boundary).unwrap()
}

fn state(n: usize, salt: f64) -> Vec<f64> {
    (0..n).map(|i| (0.9 * i as f64 + salt).sin() + 0.2).collect()
}

fn derivatives(orders: &[usize], points: usize) -> FeatureSpec {
    FeatureSpec::differences(orders, points, EdgeRule::Reflect)
}

/// Periodic in both directions, or in the first only.
fn plane(periodic: bool) -> Grid {
    let other = if periodic { Boundary::Periodic } else { Boundary::Neumann };
    let axes = [([0.0, 3.0], 8, Boundary::Periodic), ([1.0, 3.0], 7, other)];
    Grid::new(axes.map(|(domain, n, boundary)| Axis::uniform(domain, n, boundary).unwrap()).to_vec()).unwrap()
}

fn up_to(order: usize) -> Vec<MultiIndex> {
    (0..=order).flat_map(|k| MultiIndex::of_order(2, k)).collect()
}

/// The same in the plane, by Fourier transform and by differences.
fn laws_in_the_plane() -> Vec<AnyClosure> {
    let mut laws: Vec<AnyClosure> = vec![];
    for periodic in [true, false] {
        let grid = plane(periodic);
        let spec = |orders: Vec<MultiIndex>| match periodic {
            true => FeatureSpec::Spectral { orders },
            false => FeatureSpec::Derivatives { orders, points: 5, edges: EdgeRule::Reflect },
        };
        let linear = LinearLaw::new(spec(MultiIndex::of_order(2, 2)), &grid, vec![0.5, 0.1, 0.3]).unwrap();
        let mut net = Mlp::new(&[6, 8, 1], Activation::Tanh, 4).unwrap();
        let n = net.parameters().len();
        net.parameters_mut().iter_mut().zip(state(n, 0.0)).for_each(|(p, s)| *p += 0.05 * s);
        let law = NetworkLaw::new(spec(up_to(2)), &grid, Standardisation::identity(6), net.clone()).unwrap();
        laws.push(law.into());
        let law = CompositeLaw::new(linear.clone(), spec(up_to(2)), vec![2.0; 6], 0.3, net, 0.8).unwrap();
        laws.push(law.with_mean_kept(periodic).unwrap().into());
        laws.push(linear.into());
        laws.push(LinearLaw::new(FeatureSpec::Neighbours { half: 1 }, &grid, state(9, 1.0)).unwrap().into());
        let terms = vec![vec![3], vec![0, 1], vec![2, 2], vec![5]];
        let law = SymbolicLaw::new(spec(up_to(2)), &grid, terms, vec![0.5, -1.0, 0.2, 0.1], vec![0.1; 4]);
        laws.push(law.unwrap().into());
    }
    laws
}

/// One of each kind, on every boundary.
fn laws() -> Vec<AnyClosure> {
    let mut laws = laws_in_the_plane();
    for boundary in [Boundary::Dirichlet, Boundary::Neumann, Boundary::Periodic] {
        let grid = grid(boundary);
        let linear = LinearLaw::new(derivatives(&[1, 2, 4], 7), &grid, vec![0.1, 0.5, -0.01]).unwrap();
        laws.push(linear.clone().into());
        laws.push(LinearLaw::new(FeatureSpec::Neighbours { half: 2 }, &grid, state(5, 1.0)).unwrap().into());
        for (spec, activation, seed) in [
            (FeatureSpec::paper_functional(1), Activation::Relu, 1),
            (FeatureSpec::paper_discretized(1), Activation::Relu, 2),
            (derivatives(&[0, 1, 2], 5), Activation::Tanh, 3),
        ] {
            let mut net = Mlp::new(&[3, 8, 6, 1], activation, seed).unwrap();
            let n = net.parameters().len();
            net.parameters_mut().iter_mut().zip(state(n, 0.0)).for_each(|(p, s)| *p += 0.05 * s);
            let scaling = Standardisation {
                shift: vec![0.1, -0.2, 0.3],
                scale: vec![1.5, 2.0, 0.7],
                output_shift: 0.05,
                output_scale: 1.7,
            };
            laws.push(NetworkLaw::new(spec.clone(), &grid, scaling, net.clone()).unwrap().into());
            let law = CompositeLaw::new(linear.clone(), spec, vec![0.5, 2.0, 3.0], 0.3, net, 0.8).unwrap();
            laws.push(law.into());
        }
    }
    laws
}

fn rhs(law: &dyn OdeSystem, u: &[f64]) -> Vec<f64> {
    let mut du = vec![f64::NAN; u.len()];
    law.rhs_into(0.0, u, &mut du);
    du
}

#[test]
fn directional_derivatives_match_differences() {
    for law in laws() {
        let (u, v) = (state(law.dim(), 0.4), state(law.dim(), 2.0));
        let mut jv = vec![f64::NAN; u.len()];
        law.jvp_into(0.0, &u, &v, &mut jv);
        let h = 1e-6;
        let moved = |s: f64| u.iter().zip(&v).map(|(u, v)| u + s * h * v).collect::<Vec<_>>();
        let (plus, minus) = (rhs(&law, &moved(1.0)), rhs(&law, &moved(-1.0)));
        for i in 0..u.len() {
            let difference = (plus[i] - minus[i]) / (2.0 * h);
            assert!((jv[i] - difference).abs() < 2e-7 * (1.0 + difference.abs()), "{:?} {i}", law.card());
        }
    }
}

#[test]
fn fixed_ends_stay_and_every_value_is_written() {
    for law in laws() {
        let du = rhs(&law, &state(law.dim(), 0.1));
        assert!(du.iter().all(|v| v.is_finite()));
        let card = law.card();
        let grid = card.grid();
        if grid.axes()[0].boundary == Boundary::Dirichlet {
            assert_eq!((du[0], du[law.dim() - 1]), (0.0, 0.0));
        } else {
            assert!(du[0] != 0.0);
        }
    }
}

#[test]
fn zero_is_an_equilibrium_of_linear_and_composite_laws_exactly() {
    for law in laws() {
        let du = rhs(&law, &vec![0.0; law.dim()]);
        match law {
            AnyClosure::Network(_) => assert!(du.iter().any(|v| *v != 0.0)), // the paper's laws have no such bias
            _ => assert!(du.iter().all(|v| *v == 0.0)),
        }
    }
}

#[test]
fn a_law_survives_its_card_and_tensors_bit_for_bit() {
    for law in laws() {
        let card = serde_json::to_string(&law.card()).unwrap();
        let mut tensors = law.to_tensors();
        tensors.reverse();
        assert!(tensors.iter().all(|(_, shape, values)| shape.iter().product::<usize>() == values.len()));
        let again = AnyClosure::from_tensors(&serde_json::from_str(&card).unwrap(), &tensors).unwrap();
        let u = state(law.dim(), 0.7);
        assert_eq!(rhs(&again, &u), rhs(&law, &u));
        assert_eq!(again.parameters(), law.parameters());
        assert_eq!(again.card(), law.card());

        let missing = &tensors[1..];
        let message = AnyClosure::from_tensors(&law.card(), missing).unwrap_err().to_string();
        assert!(message.contains(&tensors[0].0), "{message}");
        let mut nan = tensors.clone();
        nan[0].2[0] = f64::NAN;
        assert!(AnyClosure::from_tensors(&law.card(), &nan).is_err());
    }
}

#[test]
fn parameters_can_be_replaced_and_are_checked() {
    for mut law in laws() {
        let u = state(law.dim(), 0.7);
        let (before, p) = (rhs(&law, &u), law.parameters());
        law.set_parameters(&p).unwrap();
        assert_eq!(rhs(&law, &u), before);
        law.set_parameters(&p.iter().map(|p| 1.1 * p + 0.01).collect::<Vec<_>>()).unwrap();
        assert_ne!(rhs(&law, &u), before);
        assert!(law.set_parameters(&p[1..]).is_err());
    }
}

#[test]
fn a_law_on_derivatives_moves_to_a_finer_grid() {
    // F(u, u_xx) of a cubic is the same wherever the cubic is sampled
    let coarse = grid(Boundary::Dirichlet);
    let fine = Grid::uniform([0.0, 3.0], 24, Boundary::Dirichlet).unwrap();
    let net = Mlp::new(&[3, 8, 1], Activation::Tanh, 4).unwrap();
    let spec = FeatureSpec::differences(&[0, 1, 2], 5, EdgeRule::OneSided);
    let law: AnyClosure = NetworkLaw::new(spec, &coarse, Standardisation::identity(3), net).unwrap().into();
    let cubic = |g: &Grid| g.axes()[0].x.iter().map(|x| 0.1 * x.powi(3) - 0.2 * x).collect::<Vec<_>>();
    let a = rhs(&law, &cubic(&coarse));
    let b = rhs(&law.on_grid(&fine).unwrap(), &cubic(&fine));
    for i in 1..12 {
        assert!((a[i] - b[2 * i]).abs() < 1e-12);
    }
}

#[test]
fn laws_that_do_not_fit_are_refused() {
    let grid = grid(Boundary::Dirichlet);
    let net = || Mlp::new(&[3, 4, 1], Activation::Tanh, 0).unwrap();
    let linear = LinearLaw::new(derivatives(&[2], 3), &grid, vec![1.0]).unwrap();
    assert!(LinearLaw::new(derivatives(&[2], 3), &grid, vec![1.0, 2.0]).is_err());
    assert!(NetworkLaw::new(derivatives(&[1, 2], 3), &grid, Standardisation::identity(2), net()).is_err());
    let flat = Standardisation { scale: vec![1.0, 0.0, 1.0], ..Standardisation::identity(3) };
    assert!(NetworkLaw::new(FeatureSpec::paper_functional(1), &grid, flat, net()).is_err());
    for (scale, gate) in [(vec![1.0; 2], 1.0), (vec![1.0, 1.0, 0.0], 1.0), (vec![1.0; 3], 1.5)] {
        let law = CompositeLaw::new(linear.clone(), FeatureSpec::paper_functional(1), scale, 1.0, net(), gate);
        assert!(law.is_err());
    }
}

#[test]
fn derivatives_in_the_plane_are_those_of_the_wave() {
    let (k, l) = (2.0 * std::f64::consts::TAU / 3.0, std::f64::consts::TAU / 2.0);
    let wave = |grid: &Grid, dx: i32, dy: i32| -> Vec<f64> {
        let turn = f64::from(dx + dy) * std::f64::consts::FRAC_PI_2;
        let at = |n| {
            let p = grid.position(n);
            k.powi(dx) * l.powi(dy) * (k * p[0] + l * p[1] + 0.3 + turn).sin()
        };
        (0..grid.len()).map(at).collect()
    };
    // 8 × 7 points by Fourier transform, exact; 60 × 60 by differences on nine points
    let fine = Grid::new(vec![
        Axis::uniform([0.0, 3.0], 60, Boundary::Periodic).unwrap(),
        Axis::uniform([1.0, 3.0], 60, Boundary::Periodic).unwrap(),
    ]);
    let spectral = FeatureSpec::Spectral { orders: up_to(3) };
    let nine = FeatureSpec::Derivatives { orders: up_to(3), points: 9, edges: EdgeRule::OneSided };
    for (spec, grid, tolerance) in [(spectral, plane(true), 1e-12), (nine, fine.unwrap(), 1e-4)] {
        let values = Features::new(spec, &grid).unwrap().apply(&wave(&grid, 0, 0));
        for (orders, found) in up_to(3).iter().zip(values.chunks_exact(grid.len())) {
            let exact = wave(&grid, orders.0[0] as i32, orders.0[1] as i32);
            let size = exact.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for (f, e) in found.iter().zip(&exact) {
                assert!((f - e).abs() < tolerance * size, "{} {f} {e}", orders.name());
            }
        }
    }
}

#[test]
fn the_flow_of_a_linear_law_follows_its_equation() {
    for law in laws().into_iter().filter(|law| law.card().grid().is_periodic()) {
        let Some(rates) = law.symbol() else { continue };
        let flow = PeriodicFlow::new(law.card().grid(), rates).unwrap();
        let evolved = flow.evolve(&state(law.dim(), 0.4), &[0.3, 0.3, 0.37]).unwrap();
        assert!(evolved[0].0.iter().zip(&state(law.dim(), 0.4)).all(|(a, b)| (a - b).abs() < 1e-13));
        for (u, u_t) in &evolved {
            let size = u_t.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for (a, b) in rhs(&law, u).iter().zip(u_t) {
                assert!((a - b).abs() < 1e-11 * size, "{:?}", law.card());
            }
        }
    }
}

#[test]
fn a_composite_law_can_keep_the_mean() {
    for law in laws_in_the_plane().into_iter().filter(|law| law.card().grid().is_periodic()) {
        if let AnyClosure::Composite(composite) = &law {
            let mean = |law: &dyn OdeSystem| rhs(law, &state(law.dim(), 0.4)).iter().sum::<f64>() / law.dim() as f64;
            let free = composite.clone().with_mean_kept(false).unwrap();
            assert!(mean(&law).abs() < 1e-15 && mean(&free).abs() > 1e-3, "{} {}", mean(&law), mean(&free));
            assert!(composite.on_grid(&plane(false)).is_err());
        }
    }
}
