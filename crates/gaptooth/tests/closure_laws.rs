//! Laws that every closure keeps, run over one of each kind.

use gaptooth::{
    closure::{AnyClosure, Card, Closure, CompositeLaw, FeatureSpec, LinearLaw, NetworkLaw, Standardisation},
    grid::{Boundary, Grid},
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
    FeatureSpec::Derivatives { orders: orders.to_vec(), points, edges: EdgeRule::Reflect }
}

/// One of each kind, on every boundary.
fn laws() -> Vec<AnyClosure> {
    let mut laws = vec![];
    for boundary in [Boundary::Dirichlet, Boundary::Neumann, Boundary::Periodic] {
        let grid = grid(boundary);
        let linear = LinearLaw::new(derivatives(&[1, 2, 4], 7), &grid, vec![0.1, 0.5, -0.01]).unwrap();
        laws.push(linear.clone().into());
        laws.push(LinearLaw::new(FeatureSpec::Neighbours { half: 2 }, &grid, state(5, 1.0)).unwrap().into());
        for (spec, activation, seed) in [
            (FeatureSpec::paper_functional(), Activation::Relu, 1),
            (FeatureSpec::paper_discretized(), Activation::Relu, 2),
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
        let (Card::Linear { grid, .. } | Card::Network { grid, .. } | Card::Composite { grid, .. }) = law.card();
        if grid.boundary == Boundary::Dirichlet {
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
    let spec = FeatureSpec::Derivatives { orders: vec![0, 1, 2], points: 5, edges: EdgeRule::OneSided };
    let law: AnyClosure = NetworkLaw::new(spec, &coarse, Standardisation::identity(3), net).unwrap().into();
    let cubic = |g: &Grid| g.x.iter().map(|x| 0.1 * x.powi(3) - 0.2 * x).collect::<Vec<_>>();
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
    assert!(NetworkLaw::new(FeatureSpec::paper_functional(), &grid, flat, net()).is_err());
    for (scale, gate) in [(vec![1.0; 2], 1.0), (vec![1.0, 1.0, 0.0], 1.0), (vec![1.0; 3], 1.5)] {
        let law = CompositeLaw::new(linear.clone(), FeatureSpec::paper_functional(), scale, 1.0, net(), gate);
        assert!(law.is_err());
    }
}
