//! Coarse trajectories (u, u_t) on one grid, with where they came from.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, grid::Grid, stencil::fornberg};

/// Where a dataset came from: method, path, healed or not, tooth, buffer, burst …, by name.
pub type Provenance = BTreeMap<String, serde_json::Value>;

/// Trajectories of the macroscale state and of its time derivative *as the simulator estimated it* (never
/// differenced in time afterwards).
///
/// `u` and `u_t` are row-major `[trajectory][time][point]`, boundary points included; at the ends of a Dirichlet
/// grid u_t = 0.
///
/// ```
/// use gaptooth::{closure::Dataset, grid::{Boundary, Grid}};
/// let grid = Grid::uniform([0.0, 1.0], 2, Boundary::Dirichlet)?;
/// let data = Dataset::new(grid, vec![0.0, 0.1], vec![1.0; 12], vec![0.0; 12], Default::default())?;
/// assert_eq!(data.trajectories(), 2);
/// let (training, unseen) = data.split(1)?;
/// assert_eq!((training.trajectories(), unseen.trajectories()), (1, 1));
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// the macroscale grid; points are numbered with the last axis fastest
    pub grid: Grid,
    /// times of the snapshots, ascending, `[time]`
    pub times: Vec<f64>,
    /// state, `[trajectory][time][point]`
    pub u: Vec<f64>,
    /// time derivative, `[trajectory][time][point]`
    pub u_t: Vec<f64>,
    /// where it came from
    pub provenance: Provenance,
}

/// One state and its time derivative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot<'a> {
    /// when
    pub time: f64,
    /// `[point]`
    pub u: &'a [f64],
    /// `[point]`
    pub u_t: &'a [f64],
}

impl Dataset {
    /// A validated dataset.
    ///
    /// # Errors
    /// As [`Dataset::validate`].
    pub fn new(grid: Grid, times: Vec<f64>, u: Vec<f64>, u_t: Vec<f64>, provenance: Provenance) -> Result<Self> {
        let data = Dataset { grid, times, u, u_t, provenance };
        data.validate()?;
        Ok(data)
    }

    /// A dataset of states alone, for simulators that give no slopes: u_t by differences of second order in time, on three snapshots.
    ///
    /// The steps in time then bound what a law can learn: u_t as the simulator knows it is better.
    ///
    /// ```
    /// use gaptooth::{closure::Dataset, grid::{Boundary, Grid}};
    /// let grid = Grid::uniform([0.0, 1.0], 2, Boundary::Periodic)?;
    /// let data = Dataset::differenced(grid, vec![0.0, 1.0, 2.0], vec![0.0, 5.0, 1.0, 5.0, 4.0, 5.0], Default::default())?;
    /// assert_eq!(data.u_t, [0.0, 0.0, 2.0, 0.0, 4.0, 0.0]); // of t² and 5
    /// # Ok::<(), gaptooth::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Dataset::validate`]; [`Error::Parameter`] for fewer than three times.
    pub fn differenced(grid: Grid, times: Vec<f64>, u: Vec<f64>, provenance: Provenance) -> Result<Self> {
        let zeros = vec![0.0; u.len()];
        let mut data = Dataset::new(grid, times, u, zeros, provenance)?;
        let (n, count) = (data.snapshot_len(), data.times.len());
        if count < 3 {
            let advice = "record more often, or give u_t";
            return Err(Error::parameter("times", count, "three snapshots or more to difference u in time", advice));
        }
        for k in 0..count {
            let first = k.saturating_sub(1).min(count - 3);
            let weights = fornberg(data.times[k], &data.times[first..first + 3], 1).swap_remove(1);
            for (u, u_t) in data.u.chunks_exact(n * count).zip(data.u_t.chunks_exact_mut(n * count)) {
                for (i, slope) in u_t[k * n..(k + 1) * n].iter_mut().enumerate() {
                    // differences, so that what stands still has no slope at all
                    let term = |(j, w): (usize, &f64)| w * (u[(first + j) * n + i] - u[k * n + i]);
                    *slope = weights.iter().enumerate().map(term).sum();
                }
            }
        }
        data.check_fixed_ends()?;
        data.provenance.insert("slopes".into(), "differences in time, second order".into());
        Ok(data)
    }

    /// Whether shapes fit, times ascend, and every number is finite.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Parameter`] for times that do not ascend or a Dirichlet end that moves, and
    /// [`Error::NonFinite`] that names the trajectory, the time and the point.
    pub fn validate(&self) -> Result<()> {
        let size = self.snapshot_len() * self.times.len();
        let n = self.u.len().checked_div(size).unwrap_or(0);
        let expected = vec![n.max(1), self.times.len().max(1), self.snapshot_len()];
        for (what, values) in [("u", &self.u), ("u_t", &self.u_t)] {
            if n == 0 || values.len() != n * size {
                let what = format!("{what} of the dataset (as a flat array of trajectory × time × point)");
                return Err(Error::Shape { what, expected, found: vec![values.len()] });
            }
        }
        if let Some(k) =
            self.times.windows(2).position(|w| w[1].partial_cmp(&w[0]) != Some(std::cmp::Ordering::Greater))
        {
            let found = format!("{} after {}", self.times[k + 1], self.times[k]);
            return Err(Error::parameter("times", found, "ascending times", "sort the snapshots by time"));
        }
        for (what, values) in [("u", &self.u), ("u_t", &self.u_t)] {
            if let Some(i) = values.iter().position(|v| !v.is_finite()) {
                let (row, index) = (i / self.snapshot_len(), i % self.snapshot_len());
                return Err(Error::NonFinite {
                    what: format!("{what} of trajectory {} at {}", row / self.times.len(), self.grid.place(index)),
                    index,
                    time: Some(self.times[row % self.times.len()]),
                    value: values[i],
                    advice: "run that trajectory again with smaller steps, or leave it out".into(),
                });
            }
        }
        self.check_fixed_ends()
    }

    fn check_fixed_ends(&self) -> Result<()> {
        let active = self.grid.active();
        let fixed: Vec<usize> = (0..self.grid.len()).filter(|j| active.binary_search(j).is_err()).collect();
        for (i, row) in self.u_t.chunks_exact(self.snapshot_len()).enumerate() {
            if let Some(&j) = fixed.iter().find(|j| row[**j] != 0.0) {
                let v = row[j];
                let at = format!("{v} in trajectory {} at {}", i / self.times.len(), self.grid.place(j));
                let advice = "set u_t to 0 at Dirichlet ends, or declare another boundary";
                return Err(Error::parameter("u_t", at, "0 at the ends of a Dirichlet grid", advice));
            }
        }
        Ok(())
    }

    /// Number of trajectories.
    pub fn trajectories(&self) -> usize {
        self.u.len() / (self.times.len() * self.snapshot_len())
    }

    /// Points in one snapshot.
    pub fn snapshot_len(&self) -> usize {
        self.grid.len()
    }

    /// Snapshot `k` of trajectory `trajectory`.
    ///
    /// # Panics
    /// If there is none.
    pub fn snapshot(&self, trajectory: usize, k: usize) -> Snapshot<'_> {
        assert!(k < self.times.len(), "snapshot {k} of {}", self.times.len());
        let start = (trajectory * self.times.len() + k) * self.snapshot_len();
        let range = start..start + self.snapshot_len();
        Snapshot { time: self.times[k], u: &self.u[range.clone()], u_t: &self.u_t[range] }
    }

    /// All snapshots, trajectory after trajectory.
    pub fn snapshots(&self) -> impl Iterator<Item = Snapshot<'_>> {
        (0..self.trajectories()).flat_map(move |i| (0..self.times.len()).map(move |k| self.snapshot(i, k)))
    }

    /// The first state of every trajectory, `[trajectory][point]`.
    pub fn initial_states(&self) -> Vec<f64> {
        (0..self.trajectories()).flat_map(|i| self.snapshot(i, 0).u).copied().collect()
    }

    /// The states of one trajectory, `[time][point]`.
    ///
    /// # Panics
    /// If there is no such trajectory.
    pub fn trajectory(&self, trajectory: usize) -> &[f64] {
        let size = self.times.len() * self.snapshot_len();
        &self.u[trajectory * size..(trajectory + 1) * size]
    }

    /// Those trajectories at those times, in that order.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, no trajectory, or times that would be empty.
    pub fn select(&self, trajectories: &[usize], times: Range<usize>) -> Result<Self> {
        let n = self.trajectories();
        if trajectories.is_empty() || trajectories.iter().any(|i| *i >= n) {
            let expected = format!("one or more of the {n} trajectories, counted from 0");
            return Err(Error::parameter("trajectories", format!("{trajectories:?}"), expected, "choose others"));
        }
        if times.is_empty() || times.end > self.times.len() {
            let expected = format!("a part of the {} snapshots", self.times.len());
            return Err(Error::parameter("times", format!("{times:?}"), expected, "choose others"));
        }
        let nx = self.snapshot_len();
        let take = |values: &[f64]| {
            let block = |i: &usize| {
                let start = i * self.times.len();
                values[(start + times.start) * nx..(start + times.end) * nx].to_vec()
            };
            trajectories.iter().flat_map(block).collect::<Vec<f64>>()
        };
        Ok(Dataset {
            grid: self.grid.clone(),
            times: self.times[times.clone()].to_vec(),
            u: take(&self.u),
            u_t: take(&self.u_t),
            provenance: self.provenance.clone(),
        })
    }

    /// (training, held out): the last `held_out` trajectories are held out whole. Rows of one trajectory never
    /// stand on both sides.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless at least one trajectory is left on each side.
    pub fn split(&self, held_out: usize) -> Result<(Self, Self)> {
        let n = self.trajectories();
        if held_out == 0 || held_out >= n {
            let expected = format!("at least 1 and fewer than the {n} trajectories");
            return Err(Error::parameter(
                "held_out",
                held_out,
                expected,
                "simulate more trajectories or hold out fewer",
            ));
        }
        let all: Vec<usize> = (0..n).collect();
        let times = 0..self.times.len();
        Ok((self.select(&all[..n - held_out], times.clone())?, self.select(&all[n - held_out..], times)?))
    }
}
