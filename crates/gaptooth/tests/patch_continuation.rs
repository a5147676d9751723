//! Branches of equilibria and their folds: Bratu's problem, and the elastic lattice of Combescure (2022) on patches.

use gaptooth::grid::Boundary;
use gaptooth::observer::Silent;
use gaptooth::ode::{
    OdeSystem,
    continuation::{Branch, BranchEnd, ContinuationOptions, continuation},
};
use gaptooth::patch::{
    Coupling, PatchGrid, PatchModel, PatchSystem,
    field::{PatchField, PatchFieldMut},
    grid::{PatchAxis, PatchShape, Placement, Source},
};

/// u″ + λ eᵘ = 0 on [0, 1], u = 0 at both ends, by Numerov's formula of fourth order on n interior points.
struct Bratu {
    n: usize,
    lambda: f64,
}

impl OdeSystem for Bratu {
    fn dim(&self) -> usize {
        self.n
    }

    fn rhs_into(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        let h = 1.0 / (self.n + 1) as f64;
        let at = |i: isize| if i < 0 || i as usize >= self.n { 0.0 } else { u[i as usize] };
        let force = |i: isize| self.lambda * at(i).exp();
        for i in 0..self.n as isize {
            let second = (at(i - 1) - 2.0 * at(i) + at(i + 1)) / (h * h);
            du[i as usize] = second + (force(i - 1) + 10.0 * force(i) + force(i + 1)) / 12.0;
        }
    }
}

#[test]
fn bratu_folds_where_it_should() {
    let fold = |n: usize| {
        let options = ContinuationOptions { step: 0.1, range: [0.05, 4.0], ..Default::default() };
        let branch = continuation(|lambda| Ok(Bratu { n, lambda }), &vec![0.0; n], 0.1, &options, &Silent).unwrap();
        assert_eq!(branch.end, BranchEnd::Range);
        assert_eq!(branch.folds.len(), 1, "{n} points");
        // the second branch is the larger solution
        assert!(branch.points.last().unwrap().u[n / 2] > 4.0);
        branch.folds[0].parameter
    };
    let exact = 3.513_830_719_125_162;
    let (coarse, fine) = (fold(31) - exact, fold(63) - exact);
    println!("errors {coarse:.3e}, {fine:.3e}");
    assert!(fine.abs() < 1.5e-7);
    assert!(((coarse / fine).abs().log2() - 4.0).abs() < 0.15, "fourth order: {coarse:e}, {fine:e}");
}

/// Combescure (2022), figure 3(a), as the Equation-Free Toolbox poses it (Combescure2022, its equation of motion with b = 1): a chain of
/// masses, springs to the next neighbour (M₁) and to the one after it (M₂), stress ε − M_p ε³ + ε⁵. Two masses make a cell,
/// so a microscale point holds two fields. The sum of the forces as velocity: the same equilibria.
#[derive(Clone)]
struct Chain {
    m: [f64; 2],
}

impl PatchModel<1> for Chain {
    fn rhs_into(&self, grid: &PatchGrid<1>, _t: f64, u: PatchField<'_, 1>, du: &mut PatchFieldMut<'_, 1>) {
        let stress = |m: f64, e: f64| e - m * e.powi(3) + e.powi(5);
        for [i] in grid.interior() {
            for patch in 0..grid.n_patch() {
                let at = |cell: usize, field: usize| u.at(field, [cell])[patch];
                // masses i − 2 … i + 2 about each of the two of the cell
                let chain = [at(i - 1, 0), at(i - 1, 1), at(i, 0), at(i, 1), at(i + 1, 0), at(i + 1, 1)];
                for field in 0..2 {
                    let x = &chain[field..field + 5];
                    let next = stress(self.m[0], x[3] - x[2]) - stress(self.m[0], x[2] - x[1]);
                    let after = stress(self.m[1], 0.5 * (x[4] - x[2])) - stress(self.m[1], 0.5 * (x[2] - x[0]));
                    du.at(field, [i])[patch] = next + after;
                }
            }
        }
    }

    fn fields(&self) -> usize {
        2
    }
}

/// 21 cells on [0, 42]; the last one displaced by −μ.
fn branch(m: [f64; 2], patches: usize, start: f64, last: f64) -> Branch {
    let shape = PatchShape::new(6, 1, 2.0).unwrap();
    let axis = PatchAxis::bounded([0.0, 42.0], Boundary::Dirichlet, patches, Placement::Equispaced, shape).unwrap();
    let coupling = Coupling::Polynomial { order: patches - 1, source: Source::NextToEdge };
    let system = PatchSystem::new(Chain { m }, PatchGrid::line(axis), coupling).unwrap();
    let u0 = system.sample(|_, [x], _| -start * x / 42.0);
    let options = ContinuationOptions {
        step: 0.02,
        max_step: 0.05,
        range: [start - 1.0, last],
        max_points: 600,
        ..Default::default()
    };
    continuation(|mu| system.clone().with_ends([[0.0, -mu]]), &u0, start, &options, &Silent).unwrap()
}

fn folds(branch: &Branch) -> Vec<f64> {
    println!(
        "{:?} after {:?}: {:?}",
        branch.end,
        branch.work,
        branch.folds.iter().map(|f| f.parameter).collect::<Vec<_>>()
    );
    branch.folds.iter().map(|f| f.parameter).collect()
}

/// The limit points that the toolbox's documentation lists (its table of the microscale case, from MatCont, three decimals): 14.702 and
/// 13.972 where five abutting patches make the whole domain, 14.610 and 13.817 on three patches.
#[test]
fn combescure_s_chain_folds_as_listed() {
    for (patches, listed) in [(5, [14.702, 13.972]), (3, [14.610, 13.817])] {
        let found = folds(&branch([2.0, 1.0], patches, 1.0, 16.0));
        assert!(found.len() >= 2, "{patches} patches: {found:?}");
        for (f, l) in found.iter().zip(&listed) {
            assert!((f - l).abs() < 6e-4, "{patches} patches: {found:?} against {listed:?}");
        }
    }
}
