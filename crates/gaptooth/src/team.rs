//! The processes that compute one run together.
//!
//! Numerics know who they are among how many, and how to exchange bytes; adapters bring a [`Team`] (MPI), tests bring threads. A
//! task's numbers do not depend on who does it, so they are the same to the last bit for any number of processes.

use std::ops::Range;

use rayon::prelude::*;

use crate::{Error, Result};

/// One of the processes of a run, as it knows the others. All of them make the same exchanges in the same order, one at a time.
pub trait Team: Sync {
    /// Number of this process, from 0.
    fn rank(&self) -> usize;

    /// Number of processes.
    fn size(&self) -> usize;

    /// What every process gives, in the order of their numbers.
    ///
    /// # Errors
    /// When the exchange fails.
    fn exchange(&self, own: &[u8]) -> Result<Vec<Vec<u8>>>;
}

/// One process that does everything.
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn exchange(&self, own: &[u8]) -> Result<Vec<Vec<u8>>> {
        Ok(vec![own.to_vec()])
    }
}

/// The tasks of `count` that process `rank` of `size` does: consecutive, and as many as the others or one more.
///
/// ```
/// let shares: Vec<_> = (0..3).map(|rank| gaptooth::team::share(7, rank, 3)).collect();
/// assert_eq!(shares, [0..2, 2..4, 4..7]);
/// ```
pub fn share(count: usize, rank: usize, size: usize) -> Range<usize> {
    let from = |rank: usize| (rank as u128 * count as u128 / size as u128) as usize;
    from(rank)..from(rank + 1)
}

/// The numbers of `count` tasks in order, at every process: each does its share, over its threads, and all get all.
///
/// Bytes exchanged: eight a number, eight a task and one, once, from each process to all others.
///
/// # Errors
/// The first error of a task: its own at the process that had it, [`Error::Elsewhere`] at the others.
pub fn numbers(
    team: &dyn Team,
    count: usize,
    task: impl Fn(usize) -> Result<Vec<f64>> + Sync + Send,
) -> Result<Vec<Vec<f64>>> {
    let own: Vec<Result<Vec<f64>>> = share(count, team.rank(), team.size()).into_par_iter().map(&task).collect();
    gathered(team, own.into_iter().collect())
}

/// The same of a share that is already computed.
///
/// # Errors
/// The own error, or [`Error::Elsewhere`] for that of another.
pub fn gathered(team: &dyn Team, own: Result<Vec<Vec<f64>>>) -> Result<Vec<Vec<f64>>> {
    Ok(numbers_of(team, own)?.into_iter().flatten().collect())
}

/// What each process gives, at every one of them.
fn numbers_of(team: &dyn Team, own: Result<Vec<Vec<f64>>>) -> Result<Vec<Vec<Vec<f64>>>> {
    if team.size() == 1 {
        return Ok(vec![own?]);
    }
    let message = match &own {
        Ok(numbers) => packed(numbers),
        Err(error) => [b"E", error.to_string().as_bytes()].concat(),
    };
    let all = team.exchange(&message)?;
    own?;
    let found = |(rank, message): (usize, &Vec<u8>)| {
        unpacked(message).ok_or_else(|| {
            let message = String::from_utf8_lossy(message.get(1..).unwrap_or_default()).into_owned();
            Error::Elsewhere { rank, message }
        })
    };
    all.iter().enumerate().map(found).collect()
}

/// The largest of what all processes give, at every one of them. Bytes exchanged: seventeen from each process to all others, once.
///
/// # Errors
/// The own error, or [`Error::Elsewhere`] for that of another.
pub fn largest(team: &dyn Team, own: Result<f64>) -> Result<f64> {
    let all = numbers_of(team, own.map(|value| vec![vec![value]]))?;
    Ok(all.into_iter().flatten().flatten().fold(f64::NEG_INFINITY, f64::max))
}

/// The sum of what all processes give, at every one of them.
///
/// # Errors
/// When the exchange fails.
pub fn total(team: &dyn Team, own: usize) -> Result<usize> {
    let all = numbers_of(team, Ok(vec![vec![own as f64]]))?;
    Ok(all.into_iter().flatten().flatten().map(|n| n as usize).sum())
}

fn packed(numbers: &[Vec<f64>]) -> Vec<u8> {
    let mut bytes = b"N".to_vec();
    for one in numbers {
        bytes.extend((one.len() as u64).to_le_bytes());
        one.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    }
    bytes
}

fn unpacked(message: &[u8]) -> Option<Vec<Vec<f64>>> {
    let (b'N', rest) = message.split_first()? else { return None };
    let mut words = rest.chunks_exact(8).map(|word| <[u8; 8]>::try_from(word).unwrap_or_default());
    let mut found = vec![];
    while let Some(length) = words.next() {
        let one: Vec<f64> = words.by_ref().take(u64::from_le_bytes(length) as usize).map(f64::from_le_bytes).collect();
        found.push(one);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_journey() {
        let numbers = vec![vec![], vec![-0.0, f64::NAN, f64::MIN_POSITIVE / 3.0], vec![1.0; 5]];
        let back = unpacked(&packed(&numbers)).unwrap();
        let bits =
            |n: &[Vec<f64>]| n.iter().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect::<Vec<Vec<u64>>>();
        assert_eq!(bits(&back), bits(&numbers));
        assert_eq!(unpacked(b"Ewhy"), None);
    }

    #[test]
    fn shares_are_everything_once() {
        for (count, size) in [(0, 1), (1, 4), (10, 3), (100, 7)] {
            let all: Vec<usize> = (0..size).flat_map(|rank| share(count, rank, size)).collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
