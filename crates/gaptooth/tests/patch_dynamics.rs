//! Patch dynamics with buffers: both micro-paths against each other, against the homogenized law, and their laws.

use gaptooth::{
    coefficient::Formula,
    grid::{Axis, Boundary},
    linalg::Tridiagonal,
    observer::Silent,
    patch::{
        MicroModel, Patch,
        buffered::{BufferedPatches, LiftingOptions},
        dynamics::{BurstOptions, MicroPath, PatchDynamics},
        models::{Diffusion, DiffusionEquation, VARIABLES},
    },
    stencil::EdgeRule,
};

fn equation(a: &str, drift: Option<&str>, reaction: Option<&str>, epsilon: f64) -> DiffusionEquation {
    let parse = |text: &str| Formula::parse(text, &VARIABLES, &[]).unwrap();
    DiffusionEquation { diffusivity: parse(a), drift: drift.map(parse), reaction: reaction.map(parse), epsilon }
}

/// A model that may hide that it is linear.
struct Opaque(Diffusion, bool);

impl MicroModel for Opaque {
    fn rhs_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], du: &mut [f64]) {
        self.0.rhs_into(patch, t, u, du);
    }

    fn jacobian_into(&self, patch: &Patch<'_>, t: f64, u: &[f64], jacobian: &mut Tridiagonal) {
        self.0.jacobian_into(patch, t, u, jacobian);
    }

    fn linear_group(&self, patch: usize) -> Option<usize> {
        if self.1 { None } else { self.0.linear_group(patch) }
    }
}

fn dynamics(
    equation: DiffusionEquation,
    boundary: Boundary,
    burst: BurstOptions,
    trajectories: usize,
    opaque: bool,
) -> PatchDynamics<Opaque> {
    let grid = Axis::uniform([0.0, 1.0], 10, boundary).unwrap();
    let patches = BufferedPatches::new(grid, 1e-3, 2e-2, 2e-5).unwrap();
    let model = Diffusion::new(equation, &patches.centres(), patches.offsets(), patches.spacing, [0.0, 1.0]).unwrap();
    let lifting = LiftingOptions { degree: 2, points: 3, edges: EdgeRule::Reflect };
    PatchDynamics::new(patches, Opaque(model, opaque), lifting, burst, trajectories).unwrap()
}

fn burst(path: MicroPath, tolerance: f64, healing: f64) -> BurstOptions {
    BurstOptions { length: 1e-6, healing, path, tolerance }
}

fn state(boundary: Boundary, n: usize) -> Vec<f64> {
    let grid = Axis::uniform([0.0, 1.0], 10, boundary).unwrap();
    (0..n).flat_map(|k| grid.x.iter().map(move |x| 1.5 + (6.3 * x + k as f64).sin()).collect::<Vec<_>>()).collect()
}

/// The exact path is a contour integral; the general one a series with one real pole or, where the model does not say that it is
/// linear, an extrapolated stepper.
#[test]
fn the_general_and_the_exact_path_agree_to_1e_9() {
    let wavy = "1.1 + sin(2*pi*y)";
    for (boundary, drift, reaction, healing) in [
        (Boundary::Dirichlet, None, None, 0.0),
        (Boundary::Dirichlet, None, None, 1e-7),
        (Boundary::Neumann, None, None, 0.0),
        (Boundary::Periodic, None, None, 0.0),
        (Boundary::Dirichlet, Some("0.7"), None, 0.0),
        (Boundary::Dirichlet, None, Some("-3*u"), 0.0),
    ] {
        let run = |path, opaque| {
            let d = dynamics(equation(wavy, drift, reaction, 1e-4), boundary, burst(path, 1e-11, healing), 2, opaque);
            assert_eq!(d.path(), if path == MicroPath::Exact { "exact" } else { "general" });
            d.slopes(0.0, &state(boundary, 2), &Silent).unwrap()
        };
        let exact = run(MicroPath::Exact, false);
        let scale = exact.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for opaque in [false, true] {
            for (e, g) in exact.iter().zip(&run(MicroPath::General, opaque)) {
                assert!((e - g).abs() < 1e-9 * scale, "{boundary:?} {drift:?} {reaction:?} {opaque}: {e} against {g}");
            }
        }
    }
}

/// `numerics-learning.md` measured c₂ = 0.45825802 and c₁ = −1.05e−4 with the released code's set-up and solver.
#[test]
fn the_paper_s_burst_gives_the_measured_response() {
    let grid = Axis::uniform([0.0, 1.0], 10, Boundary::Dirichlet).unwrap();
    let patches = BufferedPatches::new(grid, 1e-4, 8e-3, 1e-7).unwrap();
    let model = Diffusion::new(
        equation("1.1 + sin(2*pi*y)", None, None, 1e-5),
        &patches.centres(),
        patches.offsets(),
        1e-7,
        [0.0, 1.0],
    )
    .unwrap();
    let lifting = LiftingOptions { degree: 2, points: 3, edges: EdgeRule::OneSided };
    let burst = BurstOptions { length: 1e-6, healing: 0.0, path: MicroPath::Auto, tolerance: 1e-9 };
    let d = PatchDynamics::new(patches, model, lifting, burst, 1).unwrap();
    let [response] = d.responses().unwrap() else { panic!("nine teeth of one phase share one response") };
    println!("{:?}", response.slopes);
    assert_eq!(response.slopes[0], 0.0);
    assert!((response.slopes[1] + 1.05e-4).abs() < 3e-6);
    assert!((response.slopes[2] - 0.45825802).abs() < 2e-7);
}

#[test]
fn nonlinear_models_take_the_general_path_and_follow_their_homogenized_law() {
    // a(y, u) = (1 + u²)(1.1 + sin 2πy): u_t = √0.21 ∂x((1 + u²) u_x).
    let d = dynamics(
        equation("(1 + u^2)*(1.1 + sin(2*pi*y))", None, None, 5e-4),
        Boundary::Dirichlet,
        burst(MicroPath::Auto, 1e-8, 2e-7),
        1,
        false,
    );
    assert_eq!(d.path(), "general");
    let (u0, u1, u2) = (1.3, 0.4, -0.8);
    let u: Vec<f64> = d.patches().grid().x.iter().map(|x| u0 + u1 * (x - 0.5) + 0.5 * u2 * (x - 0.5).powi(2)).collect();
    let slope = d.slopes(0.0, &u, &Silent).unwrap()[5];
    let law = 0.21f64.sqrt() * ((1.0 + u0 * u0) * u2 + 2.0 * u0 * u1 * u1);
    assert!((slope - law).abs() < 2e-3 * law.abs(), "{slope} against {law}");
}
