//! The processes that `mpirun` has started, if it has: with the feature `mpi`.

use gaptooth::team::{Alone, Team};

use crate::failure::Failure;

/// Whether this is one of several processes of a launcher.
fn is_launched() -> bool {
    let count = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE"].iter().find_map(|name| std::env::var(name).ok());
    count.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n > 1)
}

/// Ends all processes of the run at once.
pub(crate) fn end(team: &dyn Team, code: u8) {
    if team.size() > 1 {
        #[cfg(feature = "mpi")]
        over_mpi::abort(code);
    }
    let _ = code;
}

/// This process among those of its run, and what must live as long as they talk.
#[cfg(not(feature = "mpi"))]
pub(crate) fn join() -> Result<(Box<dyn Team>, ()), Failure> {
    if is_launched() {
        let message = "several processes were started, and this gaptooth does not know how to share a run";
        return Err(
            Failure::wrong_input(message).help("build it with MPI: cargo build --release --features gaptooth-cli/mpi")
        );
    }
    Ok((Box::new(Alone), ()))
}

#[cfg(feature = "mpi")]
pub(crate) use over_mpi::join;

#[cfg(feature = "mpi")]
mod over_mpi {
    use gaptooth::{Error, Result};
    use mpi::datatype::PartitionMut;
    use mpi::environment::Universe;
    use mpi::topology::SimpleCommunicator;
    use mpi::traits::{Communicator, CommunicatorCollectives};

    use super::{Alone, Failure, Team, is_launched};

    /// Bytes that a process gives at once: counts of MPI are 32 bits wide, of all processes together.
    const PIECE: usize = 1 << 24;

    struct Mpi {
        rank: usize,
        size: usize,
    }

    /// Joins MPI if a launcher has started several processes.
    pub(crate) fn join() -> std::result::Result<(Box<dyn Team>, Option<Universe>), Failure> {
        if !is_launched() {
            return Ok((Box::new(Alone), None));
        }
        let universe = mpi::initialize().ok_or_else(|| Failure::failed("MPI does not start"))?;
        let world = universe.world();
        let own = Mpi { rank: world.rank() as usize, size: world.size() as usize };
        Ok((Box::new(own), Some(universe)))
    }

    pub(crate) fn abort(code: u8) {
        SimpleCommunicator::world().abort(code.into())
    }

    impl Team for Mpi {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.size
        }

        fn exchange(&self, own: &[u8]) -> Result<Vec<Vec<u8>>> {
            let world = SimpleCommunicator::world();
            let mut lengths = vec![0u64; self.size];
            world.all_gather_into(&(own.len() as u64), &mut lengths[..]);
            let mut all: Vec<Vec<u8>> = vec![vec![]; self.size];
            let mut from = 0;
            while all.iter().zip(&lengths).any(|(got, length)| (got.len() as u64) < *length) {
                let piece = |length: usize| length.saturating_sub(from).min(PIECE);
                let counts: Vec<i32> = lengths.iter().map(|length| piece(*length as usize) as i32).collect();
                let starts: Vec<i32> = counts
                    .iter()
                    .scan(0i32, |start, count| {
                        let own = *start;
                        *start = start.checked_add(*count)?;
                        Some(own)
                    })
                    .collect();
                if starts.len() < self.size {
                    let message = format!("{} processes exchange more than 2 GiB at once", self.size);
                    return Err(Error::Solver {
                        solver: "the exchange",
                        message,
                        advice: "start fewer processes".into(),
                    });
                }
                let mut bytes = vec![0u8; counts.iter().map(|n| *n as usize).sum()];
                let mut places = PartitionMut::new(&mut bytes[..], &counts[..], &starts[..]);
                world.all_gather_varcount_into(&own[from.min(own.len())..][..piece(own.len())], &mut places);
                for (got, (count, start)) in all.iter_mut().zip(counts.iter().zip(&starts)) {
                    got.extend(&bytes[*start as usize..][..*count as usize]);
                }
                from += PIECE;
            }
            Ok(all)
        }
    }
}
