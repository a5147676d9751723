//! The truth about a periodic lattice: its effective equation to any order, and its exact slow rates.
//!
//! A slow field on the lattice u̇ = Lu obeys u_t = Σ_α λ_α h^α ∂^α u. With L(s) = e^{−s·p} L e^{s·p} for a formal s_d = h_d ∂_d,
//! the corrector v(s) = 1 + Σ v_α s^α, ⟨v_α⟩ = 0, and λ(s) solve L(s) v = λ v, order by order:
//!
//! L_0 v_α = −Σ_{d, m ≥ 1} L_{d,m} v_{α − m e_d} + Σ_{0 < β < α} λ_β v_{α − β} + λ_α,  λ_α = ⟨Σ_{d, m ≥ 1} L_{d,m} v_{α − m e_d}⟩,
//!
//! the discrete cell problems. Order 2 is the effective tensor; odd orders vanish; order 4 is dispersion.

use std::collections::BTreeMap;

use faer::{Mat, Side, c64, linalg::solvers::Solve};

use crate::linalg::in_sequence;
use crate::{
    Error, Result,
    coefficient::lattice::{BondLattice, periodic_index},
    grid::points,
};

/// Cells of more points than this would need a sparse solver.
const MAX_CELL: usize = 3000;

/// The homogenized equation of a lattice.
#[derive(Debug, Clone, PartialEq)]
pub struct LatticeEquation<const D: usize> {
    terms: BTreeMap<[usize; D], f64>,
}

impl<const D: usize> LatticeEquation<D> {
    /// The equation of `lattice` with spacings `h`, up to derivatives of order `order` (2, 4 or 6).
    ///
    /// ```
    /// use gaptooth::{cell::lattice::LatticeEquation, coefficient::lattice::{Bond, BondLattice}};
    /// let lattice = BondLattice::new([2], [vec![1.0, 0.5]], Bond::Right)?;
    /// let equation = LatticeEquation::new(&lattice, [0.1], 2)?;
    /// assert!((equation.coefficient([2]) - 2.0 / 3.0).abs() < 1e-14); // the harmonic mean
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for an order or spacing out of range or a cell of more than 3000 points; [`Error::Solver`].
    pub fn new(lattice: &BondLattice<D>, h: [f64; D], order: usize) -> Result<Self> {
        check(lattice, h)?;
        if !matches!(order, 2 | 4 | 6) {
            return Err(Error::parameter("order", order, "2, 4 or 6", "odd orders vanish"));
        }
        let cell = Cell::new(lattice, h);
        let solver = cell.corrector_solver()?;
        let mut correctors = BTreeMap::from([([0; D], vec![1.0; cell.n])]);
        let mut rates = BTreeMap::<[usize; D], f64>::new();
        for total in 1..=order {
            for alpha in indices::<D>(total) {
                let mut right = vec![0.0; cell.n];
                for d in 0..D {
                    for m in 1..=alpha[d] {
                        let mut lower = alpha;
                        lower[d] -= m;
                        cell.add_order(d, m, &correctors[&lower], &mut right);
                    }
                }
                let rate = right.iter().sum::<f64>() / cell.n as f64;
                rates.insert(alpha, rate);
                if total == order {
                    continue;
                }
                for (beta, rate) in &rates {
                    if let Some(rest) = minus(alpha, *beta) {
                        right.iter_mut().zip(&correctors[&rest]).for_each(|(r, v)| *r -= rate * v);
                    }
                }
                correctors.insert(alpha, solver(&right));
            }
        }
        let scale = |alpha: &[usize; D]| (0..D).map(|d| h[d].powi(alpha[d] as i32)).product::<f64>();
        let terms = rates.into_iter().filter(|(a, _)| a.iter().sum::<usize>() % 2 == 0);
        Ok(LatticeEquation { terms: terms.map(|(a, rate)| (a, rate * scale(&a))).collect() })
    }

    /// The coefficient of ∂^α u, `alpha[d]` derivatives along d; zero beyond the order. A mixed second derivative has 2 A_ab.
    pub fn coefficient(&self, alpha: [usize; D]) -> f64 {
        self.terms.get(&alpha).copied().unwrap_or(0.0)
    }

    /// Every (α, coefficient), by order.
    pub fn terms(&self) -> Vec<([usize; D], f64)> {
        let mut terms: Vec<_> = self.terms.iter().map(|(a, c)| (*a, *c)).collect();
        terms.sort_by_key(|(a, _)| (a.iter().sum::<usize>(), std::cmp::Reverse(*a)));
        terms
    }

    /// The symmetric tensor A of ∇·(A∇u): `[D][D]`.
    pub fn tensor(&self) -> [[f64; D]; D] {
        std::array::from_fn(|a| {
            std::array::from_fn(|b| {
                let mut alpha = [0; D];
                alpha[a] += 1;
                alpha[b] += 1;
                self.coefficient(alpha) * if a == b { 1.0 } else { 0.5 }
            })
        })
    }

    /// The rate of e^{ik·x} by the equation: Σ λ_α (ik)^α, real because only even orders are there.
    pub fn rate(&self, k: [f64; D]) -> f64 {
        let term = |(alpha, c): (&[usize; D], &f64)| {
            let order: usize = alpha.iter().sum();
            let sign = if order % 4 == 2 { -1.0 } else { 1.0 };
            sign * c * (0..D).map(|d| k[d].powi(alpha[d] as i32)).product::<f64>()
        };
        self.terms.iter().map(term).sum()
    }
}

/// All rates of the Bloch waves e^{ik·x} v(x), v periodic over the cell, on the whole lattice: real, descending, the first the slow one.
///
/// # Errors
/// [`Error::Parameter`] for a spacing out of range or a cell of more than 3000 points; [`Error::Solver`].
pub fn bloch_rates<const D: usize>(lattice: &BondLattice<D>, h: [f64; D], k: [f64; D]) -> Result<Vec<f64>> {
    in_sequence();
    check(lattice, h)?;
    let cell = Cell::new(lattice, h);
    let mut matrix = Mat::<c64>::zeros(cell.n, cell.n);
    for bond in &cell.bonds {
        let phase = c64::new(0.0, k[bond.direction] * h[bond.direction]).exp();
        matrix[(bond.from, bond.from)] -= c64::new(bond.rate, 0.0);
        matrix[(bond.to, bond.to)] -= c64::new(bond.rate, 0.0);
        matrix[(bond.from, bond.to)] += phase * bond.rate;
        matrix[(bond.to, bond.from)] += phase.conj() * bond.rate;
    }
    let mut rates = matrix.self_adjoint_eigenvalues(Side::Lower).map_err(|e| Error::Solver {
        solver: "Bloch eigenvalues",
        message: format!("{e:?}"),
        advice: "check the bonds for extreme ratios".into(),
    })?;
    rates.reverse();
    Ok(rates)
}

fn check<const D: usize>(lattice: &BondLattice<D>, h: [f64; D]) -> Result<()> {
    if h.iter().any(|h| !(h.is_finite() && *h > 0.0)) {
        return Err(Error::parameter("h", format!("{h:?}"), "positive spacings", "1 in each direction will do"));
    }
    let points = lattice.periods().iter().product::<usize>();
    if points > MAX_CELL {
        let expected = format!("at most {MAX_CELL} points in a period");
        return Err(Error::parameter("periods", points, expected, "take a smaller cell"));
    }
    Ok(())
}

/// One bond of the periodic cell; `rate` is its conductance over h².
struct CellBond {
    direction: usize,
    from: usize,
    to: usize,
    rate: f64,
}

struct Cell {
    n: usize,
    bonds: Vec<CellBond>,
}

impl Cell {
    fn new<const D: usize>(lattice: &BondLattice<D>, h: [f64; D]) -> Self {
        let periods = lattice.periods();
        let n: usize = periods.iter().product();
        let number = |p: [usize; D]| periodic_index(periods, p);
        let mut bonds = Vec::with_capacity(n * D);
        for point in points(periods.map(|p| 0..p)) {
            for (direction, h) in h.iter().enumerate() {
                let mut next = point;
                next[direction] += 1;
                let rate = lattice.after(direction, point) / (h * h);
                bonds.push(CellBond { direction, from: number(point), to: number(next), rate });
            }
        }
        Cell { n, bonds }
    }

    /// Adds L_{d,m} v, the coefficient of s_d^m in L(s) v.
    fn add_order(&self, d: usize, m: usize, v: &[f64], out: &mut [f64]) {
        let factorial: f64 = (1..=m).map(|k| k as f64).product();
        let sign = if m % 2 == 1 { -1.0 } else { 1.0 };
        for bond in self.bonds.iter().filter(|b| b.direction == d) {
            out[bond.from] += bond.rate * v[bond.to] / factorial;
            out[bond.to] += sign * bond.rate * v[bond.from] / factorial;
        }
    }

    /// Solves −L_0 v = right for right of zero mean; v of zero mean. The first point is held at zero meanwhile.
    fn corrector_solver(&self) -> Result<impl Fn(&[f64]) -> Vec<f64> + use<>> {
        in_sequence();
        let n = self.n;
        let mut matrix = Mat::<f64>::zeros(n, n);
        for bond in self.bonds.iter().filter(|b| b.from != b.to) {
            let (i, j) = (bond.from, bond.to);
            matrix[(i, i)] += bond.rate;
            matrix[(j, j)] += bond.rate;
            matrix[(i, j)] -= bond.rate;
            matrix[(j, i)] -= bond.rate;
        }
        let reduced = Mat::from_fn(n - 1, n - 1, |i, j| matrix[(i + 1, j + 1)]);
        let factor = reduced.llt(Side::Lower).map_err(|e| Error::Solver {
            solver: "lattice cell problem",
            message: format!("{e:?}"),
            advice: "check the bonds for extreme ratios".into(),
        })?;
        Ok(move |right: &[f64]| {
            let solution = factor.solve(Mat::from_fn(n - 1, 1, |i, _| right[i + 1]));
            let mut v: Vec<f64> = std::iter::once(0.0).chain((0..n - 1).map(|i| solution[(i, 0)])).collect();
            let mean = v.iter().sum::<f64>() / n as f64;
            v.iter_mut().for_each(|v| *v -= mean);
            v
        })
    }
}

/// All multi-indices of D entries and sum `total`.
fn indices<const D: usize>(total: usize) -> impl Iterator<Item = [usize; D]> {
    points([0; D].map(|_: usize| 0..total + 1)).filter(move |alpha| alpha.iter().sum::<usize>() == total)
}

/// α − β, unless that is negative somewhere.
fn minus<const D: usize>(alpha: [usize; D], beta: [usize; D]) -> Option<[usize; D]> {
    let mut rest = alpha;
    for d in 0..D {
        rest[d] = alpha[d].checked_sub(beta[d])?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coefficient::lattice::Bond;

    /// Arbabi et al. 2020, eq. 26.
    fn paper(bond: Bond) -> BondLattice<2> {
        let kx = vec![1.0566, 0.6668, 1.1568, 6.5894, 0.8683, 2.4174, 0.9473, 1.1407, 1.6610];
        let ky = vec![3.6355, 0.4470, 2.3896, 0.8628, 4.8558, 0.2833, 4.5025, 1.5865, 0.5679];
        BondLattice::new([3, 3], [kx, ky], bond).unwrap()
    }

    #[test]
    fn the_paper_s_lattice_by_both_conventions() {
        let h = 0.013_089_969_389_957_47;
        for (bond, a, b, c) in [
            (Bond::Left, 1.339_934_025_802_6, 1.264_556_119_945_7, 0.220_949_750_077_3),
            (Bond::Right, 1.334_521_932_604_1, 1.248_338_699_545_2, 0.084_733_748_433_5),
        ] {
            let equation = LatticeEquation::new(&paper(bond), [h; 2], 4).unwrap();
            for (alpha, value) in [([2, 0], a), ([0, 2], b), ([1, 1], c)] {
                let found = equation.coefficient(alpha);
                assert!((found - value).abs() < 1e-12, "{bond:?} {alpha:?}: {found}");
            }
            assert!((equation.tensor()[0][1] - 0.5 * c).abs() < 1e-12);
        }
        let equation = LatticeEquation::new(&paper(Bond::Left), [h; 2], 4).unwrap();
        let fourth = [0.19429839673274, 0.01050767691970, 0.05437929096826, 0.03358138929317, 0.22712040931676];
        for (j, value) in fourth.iter().enumerate() {
            let found = equation.coefficient([4 - j, j]) / (h * h);
            assert!((found - value).abs() < 1e-12, "fourth order {j}: {found}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

        /// The equation is the Taylor series of the Bloch rate: order n leaves an error of order n + 2 in k. A coefficient that
        /// were wrong by δ would leave δ kⁿ: four times as much beside k^(n+2) at half the k.
        #[test]
        fn the_equation_approaches_the_bloch_rate_at_its_order(
            tables in prop::collection::vec(0.2f64..3.0, 12), angle in 0.0f64..3.2,
        ) {
            let lattice = BondLattice::new([2, 3], [tables[..6].to_vec(), tables[6..].to_vec()], Bond::Right).unwrap();
            let h = [1.0, 0.7];
            for order in [2, 4] {
                let equation = LatticeEquation::new(&lattice, h, order).unwrap();
                let scaled = |k: f64| {
                    let wave = [k * angle.cos(), k * angle.sin()];
                    let error = (equation.rate(wave) - bloch_rates(&lattice, h, wave).unwrap()[0]).abs();
                    error / k.powi(order as i32 + 2)
                };
                // the two leading orders of the error may cancel at one k, not at two
                let (coarse, fine) = (scaled(0.4).max(scaled(0.2)), scaled(0.1));
                let rounding = 1e-13 * 0.1f64.powi(-(order as i32 + 2));
                prop_assert!(fine <= 2.0 * coarse + rounding, "order {order}: {fine} after {coarse}");
            }
        }

        #[test]
        fn a_line_gives_the_harmonic_mean_and_uniform_bonds_their_own(c in prop::collection::vec(0.1f64..5.0, 1..7)) {
            let line = BondLattice::new([c.len()], [c.clone()], Bond::Right).unwrap();
            let harmonic = c.len() as f64 / c.iter().map(|c| 1.0 / c).sum::<f64>();
            let found = LatticeEquation::new(&line, [0.3], 2).unwrap().coefficient([2]);
            prop_assert!((found - harmonic).abs() < 1e-12 * harmonic);
            let uniform = BondLattice::new([2, 1, 2], [vec![c[0]; 4], vec![2.0; 4], vec![3.0; 4]], Bond::Left).unwrap();
            let equation = LatticeEquation::new(&uniform, [0.1; 3], 4).unwrap();
            let tensor = equation.tensor();
            prop_assert!((tensor[0][0] - c[0]).abs() + (tensor[1][1] - 2.0).abs() + tensor[0][2].abs() < 1e-12);
            // second differences: c h²/12 ∂⁴
            prop_assert!((equation.coefficient([4, 0, 0]) - c[0] * 0.01 / 12.0).abs() < 1e-13);
        }
    }

    #[test]
    fn bad_input_is_named() {
        let lattice = paper(Bond::Left);
        assert!(LatticeEquation::new(&lattice, [1.0; 2], 3).is_err());
        assert!(LatticeEquation::new(&lattice, [0.0, 1.0], 2).is_err());
        let huge = BondLattice::new([60, 60], [vec![1.0; 3600], vec![1.0; 3600]], Bond::Right).unwrap();
        assert!(bloch_rates(&huge, [1.0; 2], [0.1; 2]).unwrap_err().to_string().contains("3000"));
    }
}
