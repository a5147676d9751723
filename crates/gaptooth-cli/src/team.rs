//! The processes that `mpirun` has started, if it has: with the feature `mpi`.

use gaptooth::team::{Alone, Team};

use crate::failure::Failure;

/// A process among others that counts what they exchange.
pub(crate) trait Member: Team {
    /// What was exchanged so far, if there are others.
    fn summary(&self) -> Option<String>;
}

impl Member for Alone {
    fn summary(&self) -> Option<String> {
        None
    }
}

/// Where launchers say how many processes they have started: Open MPI's and Hydra's `mpirun`, and Slurm's `srun`, whose PMIx tells each
/// process its number only.
const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "SLURM_STEP_NUM_TASKS"];

/// The variable of a launcher that has started several processes, and how many.
fn launched(variable: impl Fn(&str) -> Option<String>) -> Option<(&'static str, usize)> {
    let size = |name| Some((name, variable(name)?.parse::<usize>().ok()?));
    SIZES.into_iter().filter_map(size).find(|(_, count)| *count > 1)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
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
pub(crate) fn join() -> Result<(Box<dyn Member>, ()), Failure> {
    if let Some((name, count)) = launched(environment) {
        let message = format!(
            "{count} processes were started ({name}), and this gaptooth does not know how to share a run: build it with MPI"
        );
        let advice = format!("cargo build --release --features gaptooth-cli/mpi; for separate runs unset {name}");
        return Err(Failure::wrong_input(message).help(advice));
    }
    Ok((Box::new(Alone), ()))
}

#[cfg(feature = "mpi")]
pub(crate) use over_mpi::join;

#[cfg(feature = "mpi")]
mod over_mpi {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Instant;

    use gaptooth::Result;
    use mpi::datatype::PartitionMut;
    use mpi::environment::Universe;
    use mpi::topology::SimpleCommunicator;
    use mpi::traits::{Communicator, CommunicatorCollectives};

    use super::{Alone, Failure, Member, Team, environment, launched};

    /// Bytes that all processes together give at once: counts of MPI are 32 bits wide.
    const AT_ONCE: usize = 1 << 30;

    struct Mpi {
        rank: usize,
        size: usize,
        exchanges: AtomicU64,
        /// bytes of this process
        given: AtomicU64,
        /// bytes of all
        got: AtomicU64,
        nanoseconds: AtomicU64,
    }

    impl Member for Mpi {
        fn summary(&self) -> Option<String> {
            let [exchanges, given, got, nanoseconds] =
                [&self.exchanges, &self.given, &self.got, &self.nanoseconds].map(|n| n.load(Ordering::Relaxed));
            Some(format!(
                "{} processes: {exchanges} exchanges, {given} bytes given by the first and {got} by all, {:.3} s there, waiting included",
                self.size,
                1e-9 * nanoseconds as f64
            ))
        }
    }

    /// Joins MPI if a launcher has started several processes.
    pub(crate) fn join() -> std::result::Result<(Box<dyn Member>, Option<Universe>), Failure> {
        let Some((name, count)) = launched(environment) else { return Ok((Box::new(Alone), None)) };
        let universe = mpi::initialize().ok_or_else(|| Failure::failed("MPI does not start"))?;
        let world = universe.world();
        if world.size() == 1 {
            let message = format!("{count} processes were started ({name}), and MPI knows of one");
            let advice = format!(
                "start them with the mpirun of the MPI that gaptooth was built with, or srun --mpi=pmix; for separate runs unset {name}"
            );
            return Err(Failure::wrong_input(message).help(advice));
        }
        let own = Mpi {
            rank: world.rank() as usize,
            size: world.size() as usize,
            exchanges: AtomicU64::new(0),
            given: AtomicU64::new(0),
            got: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        };
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
            let started = Instant::now();
            let world = SimpleCommunicator::world();
            let mut lengths = vec![0u64; self.size];
            world.all_gather_into(&(own.len() as u64), &mut lengths[..]);
            let mut all: Vec<Vec<u8>> = vec![vec![]; self.size];
            let (mut from, most) = (0, (AT_ONCE / self.size).max(1));
            while all.iter().zip(&lengths).any(|(got, length)| (got.len() as u64) < *length) {
                let piece = |length: usize| length.saturating_sub(from).min(most);
                let counts: Vec<i32> = lengths.iter().map(|length| piece(*length as usize) as i32).collect();
                let starts: Vec<i32> =
                    counts.iter().scan(0i32, |start, count| Some(std::mem::replace(start, *start + count))).collect();
                let mut bytes = vec![0u8; counts.iter().map(|n| *n as usize).sum()];
                let mut places = PartitionMut::new(&mut bytes[..], &counts[..], &starts[..]);
                world.all_gather_varcount_into(&own[from.min(own.len())..][..piece(own.len())], &mut places);
                for (got, (count, start)) in all.iter_mut().zip(counts.iter().zip(&starts)) {
                    got.extend(&bytes[*start as usize..][..*count as usize]);
                }
                from += most;
            }
            let took = started.elapsed().as_nanos() as u64;
            let counted = [(&self.exchanges, 1), (&self.given, own.len() as u64), (&self.got, lengths.iter().sum())];
            counted.into_iter().chain([(&self.nanoseconds, took)]).for_each(|(counter, more)| {
                counter.fetch_add(more, Ordering::Relaxed);
            });
            Ok(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::launched;

    #[test]
    fn every_launcher_is_noticed_and_one_process_is_none() {
        let with = |name: &'static str, value: &'static str| {
            launched(move |asked| (asked == name).then(|| value.to_string())).map(|found| found.1)
        };
        for name in super::SIZES {
            assert_eq!((with(name, "4"), with(name, "1"), with(name, "many")), (Some(4), None, None), "{name}");
        }
        assert_eq!(with("SLURM_NTASKS", "4"), None);
    }
}
