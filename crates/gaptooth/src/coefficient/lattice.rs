//! Periodic lattices of bonds, with an explicit convention of which entry is which bond.

use crate::{Error, Result, grid::points};

/// The place of `point` in a table that repeats with `periods`, the last index fastest.
pub fn periodic_index<const D: usize>(periods: [usize; D], point: [usize; D]) -> usize {
    (0..D).fold(0, |index, d| index * periods[d] + point[d] % periods[d])
}

/// Which bond an entry of a table belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bond {
    /// entry j to the bond between the points j and j + 1
    #[default]
    Right,
    /// entry j to the bond between the points j − 1 and j
    Left,
}

/// Conductances of the bonds of a periodic lattice: one table per direction, each with one entry per lattice point of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct BondLattice<const D: usize> {
    periods: [usize; D],
    tables: [Vec<f64>; D],
    bond: Bond,
}

impl<const D: usize> BondLattice<D> {
    /// `tables[d]` holds the bonds along direction d, `[periods[0] … periods[D − 1]]`, the last index fastest.
    ///
    /// # Errors
    /// [`Error::Shape`] for tables of another size; [`Error::Coefficient`] for an entry that is not positive and finite.
    pub fn new(periods: [usize; D], tables: [Vec<f64>; D], bond: Bond) -> Result<Self> {
        let expected: usize = periods.iter().product();
        for (d, table) in tables.iter().enumerate() {
            if table.len() != expected || expected == 0 {
                let (expected, found) = (periods.to_vec(), vec![table.len()]);
                return Err(Error::Shape { what: format!("bonds along direction {d}"), expected, found });
            }
            if let Some(j) = table.iter().position(|c| !(c.is_finite() && *c > 0.0)) {
                return Err(Error::Coefficient {
                    text: format!("{table:?}"),
                    at: format!("bond {j} along direction {d}"),
                    value: table[j],
                    advice: "replace it by a positive number".into(),
                });
            }
        }
        Ok(BondLattice { periods, tables, bond })
    }

    /// Points of a period in each direction.
    pub fn periods(&self) -> [usize; D] {
        self.periods
    }

    /// The bonds along `direction`, as given.
    pub fn table(&self, direction: usize) -> &[f64] {
        &self.tables[direction]
    }

    /// Which bond an entry belongs to.
    pub fn bond(&self) -> Bond {
        self.bond
    }

    /// The same medium seen from the point `shift`: point p of the result is point p + `shift` of this lattice.
    ///
    /// ```
    /// use gaptooth::coefficient::lattice::{Bond, BondLattice};
    /// let lattice = BondLattice::new([3], [vec![1.0, 3.0, 0.5]], Bond::Right)?;
    /// assert_eq!(lattice.rolled([2]).table(0), [0.5, 1.0, 3.0]);
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    pub fn rolled(&self, shift: [usize; D]) -> Self {
        let source = |p: [usize; D]| periodic_index(self.periods, std::array::from_fn(|d| p[d] + shift[d]));
        let roll = |table: &Vec<f64>| points(self.periods.map(|n| 0..n)).map(|p| table[source(p)]).collect();
        BondLattice { periods: self.periods, tables: self.tables.each_ref().map(roll), bond: self.bond }
    }

    /// The mean conductance of the bonds along `direction` from layer `layer` of points to the next.
    pub fn layer_mean(&self, direction: usize, layer: usize) -> f64 {
        let here = points(self.periods.map(|n| 0..n)).filter(|p| p[direction] == layer % self.periods[direction]);
        let bonds: Vec<f64> = here.map(|p| self.after(direction, p)).collect();
        bonds.iter().sum::<f64>() / bonds.len() as f64
    }

    /// The conductance between `point` and its next neighbour along `direction`.
    pub fn after(&self, direction: usize, point: [usize; D]) -> f64 {
        let mut entry = point;
        entry[direction] += usize::from(self.bond == Bond::Left);
        self.tables[direction][periodic_index(self.periods, entry)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_their_period() {
        assert!(BondLattice::new([2, 2], [vec![1.0; 4], vec![1.0; 3]], Bond::Right).is_err());
        assert!(BondLattice::new([1], [vec![f64::NAN]], Bond::Right).is_err());
    }

    #[test]
    fn conventions_name_the_same_bonds() {
        let table = |k: f64| (0..6).map(|j| k + j as f64).collect::<Vec<_>>();
        let right = BondLattice::new([2, 3], [table(1.0), table(10.0)], Bond::Right).unwrap();
        let left = BondLattice::new([2, 3], [table(1.0), table(10.0)], Bond::Left).unwrap();
        assert_eq!(right.after(0, [1, 2]), left.after(0, [0, 2]));
        assert_eq!(right.after(1, [1, 0]), left.after(1, [1, 2]));
    }

    #[test]
    fn rolling_moves_the_point_of_view() {
        for bond in [Bond::Right, Bond::Left] {
            let tables = [10.0, 20.0].map(|k| (0..6).map(|j| k + j as f64).collect::<Vec<_>>());
            let lattice = BondLattice::new([2, 3], tables, bond).unwrap();
            let rolled = lattice.rolled([1, 2]);
            for p in points([0..2, 0..3]) {
                for d in 0..2 {
                    assert_eq!(rolled.after(d, p), lattice.after(d, [p[0] + 1, p[1] + 2]));
                }
            }
        }
        let lattice = BondLattice::new([2, 2], [vec![1.0, 2.0, 5.0, 8.0], vec![1.0; 4]], Bond::Right).unwrap();
        assert_eq!((lattice.layer_mean(0, 0), lattice.layer_mean(0, 3), lattice.layer_mean(1, 0)), (1.5, 6.5, 1.0));
    }
}
