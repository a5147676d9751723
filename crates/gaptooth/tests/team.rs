//! Processes that share a run: threads stand in for them. The same bits as one process alone, at every one of them.

mod memory;

use std::sync::{Barrier, Mutex};

use gaptooth::closure::{Amplitudes, Dataset, SineSum};
use gaptooth::observer::{Observer, Silent};
use gaptooth::store::Store;
use gaptooth::study::{Context, LatticeStudyConfig, Problem, StudyConfig, builtin, gather, gather_lattice};
use gaptooth::team::{Alone, Team, largest, numbers, total};
use gaptooth::{Error, Result};
use memory::Memory;

/// What the members of a team hand to one another.
struct Table {
    messages: Mutex<Vec<Vec<u8>>>,
    barrier: Barrier,
}

struct Member<'a> {
    rank: usize,
    size: usize,
    table: &'a Table,
}

impl Team for Member<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&self, own: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.table.messages.lock().unwrap()[self.rank] = own.to_vec();
        self.table.barrier.wait();
        let all = self.table.messages.lock().unwrap().clone();
        // nobody writes before everybody has read
        self.table.barrier.wait();
        Ok(all)
    }
}

/// What every member of a team of `size` finds.
fn together<T: Send>(size: usize, run: impl Fn(&dyn Team) -> T + Sync) -> Vec<T> {
    let table = Table { messages: Mutex::new(vec![vec![]; size]), barrier: Barrier::new(size) };
    let (table, run) = (&table, &run);
    std::thread::scope(|scope| {
        let members: Vec<_> = (0..size).map(|rank| scope.spawn(move || run(&Member { rank, size, table }))).collect();
        members.into_iter().map(|member| member.join().unwrap()).collect()
    })
}

fn context(team: &dyn Team) -> Context<'_> {
    Context { observer: &Silent, store: None, team }
}

/// Linear patches share columns, whatever their Jacobians; of others the steps are agreed on.
#[test]
fn bursts_shared_by_patches_give_the_bits_of_one_process() {
    let slow = "(1 + x)*(1.1 + sin(2*pi*x/eps))";
    // some of its kinds of patches need more steps than expected, others do not
    let (thin, swift) = ("1e-6*(1.05 + sin(2*pi*x/eps))", "40*x^2*cos(2*pi*x/eps)");
    for (diffusivity, drift, reaction, healing, opaque) in [
        (None, None, None, 0.0, false),
        (None, None, None, 1e-7, false),
        (Some(slow), None, None, 1e-7, false),
        (Some(thin), Some(swift), None, 0.0, false),
        (None, None, Some("u - u^3"), 1e-7, true),
    ] {
        let mut study: StudyConfig = toml::from_str(builtin("arbabi-1d").unwrap()).unwrap();
        study.trajectories.train = 3;
        study.trajectories.end = 0.003;
        study.problem.reaction = reaction.map(String::from);
        study.problem.drift = drift.map(String::from);
        if let Some(diffusivity) = diffusivity {
            study.problem.diffusivity = diffusivity.into();
        }
        let patches = &mut study.patches[0];
        patches.spacing = 1e-6;
        patches.burst.path = gaptooth::patch::dynamics::MicroPath::General;
        patches.burst.healing = healing;
        let problem = Problem::new(&study.problem).unwrap();
        let states: Vec<SineSum> = (0..5).map(|k| SineSum::random(study.seed, k, Amplitudes::Paper)).collect();
        let run = |team: &dyn Team| {
            let found = gather(&problem, &study.trajectories, &study.patches[0], &states, &context(team)).unwrap();
            (found.data, found.bursts, found.work)
        };
        let alone = run(&Alone);
        assert!((0..36).contains(&alone.2.rejected) && (alone.2.rejected > 0) == drift.is_some(), "{:?}", alone.2);
        assert!(alone.1 > 0 && alone.2.solves > 0 && (alone.2.factors > 1000) == opaque, "{:?}", alone.2);
        for size in [2, 3, 60] {
            for (data, bursts, work) in together(size, run) {
                assert!(data == alone.0, "{size} processes find other data");
                assert_eq!((bursts, work), (alone.1, alone.2));
            }
        }
    }
}

#[test]
fn trajectories_shared_give_the_bits_of_one_process() {
    let mut study: LatticeStudyConfig = toml::from_str(builtin("arbabi-2d").unwrap()).unwrap();
    (study.trajectories.train, study.trajectories.test, study.trajectories.every) = (4, 1, 0.1);
    study.patches[0].from = 0.1;
    let run = |team: &dyn Team| -> Dataset { gather_lattice(&study, &study.patches[0], &context(team)).unwrap().data };
    let alone = run(&Alone);
    for size in [2, 4, 7] {
        assert!(together(size, run).iter().all(|data| *data == alone), "{size} processes find other data");
    }
}

/// Wants to stop after so many units of progress, which it remembers.
struct Until(u64, Mutex<Vec<u64>>);

impl Observer for Until {
    fn progress(&self, _stage: &str, done: u64, _total: u64, _detail: &str) {
        self.1.lock().unwrap().push(done);
    }

    fn interrupted(&self) -> bool {
        self.1.lock().unwrap().iter().any(|done| *done >= self.0)
    }
}

#[test]
fn trajectories_of_a_stopped_run_are_kept_and_the_rest_is_shared() {
    let mut study: LatticeStudyConfig = toml::from_str(builtin("arbabi-2d").unwrap()).unwrap();
    (study.trajectories.train, study.trajectories.test, study.trajectories.every) = (45, 5, 0.25);
    study.patches[0].from = 0.25;
    let run = |context: &Context<'_>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| gather_lattice(&study, &study.patches[0], context)).map(|found| found.data)
    };
    let whole = run(&context(&Alone)).unwrap();
    let (store, observer) = (Memory::default(), Until(20, Mutex::default()));
    let stopped = run(&Context { observer: &observer, store: Some(&store), team: &Alone });
    assert!(matches!(stopped, Err(Error::Interrupted { .. })));
    let kept = store.0.lock().unwrap().values().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(kept, [16 * 8 * 2 * whole.u.len() / 50], "the first sixteen");
    for size in [1, 3] {
        let found = together(size, |team| {
            let observer = Until(u64::MAX, Mutex::default());
            let own = (team.rank() == 0).then_some(&store as &dyn Store);
            let data = run(&Context { observer: &observer, store: own, team }).unwrap();
            (data == whole, observer.1.into_inner().unwrap())
        });
        assert!(found.iter().all(|(same, _)| *same), "{size} processes find other data");
        assert_eq!(found.iter().map(|(_, done)| done.len()).sum::<usize>(), 34, "the sixteen are not computed again");
    }
}

#[test]
fn the_largest_and_the_sum_are_those_of_all() {
    for (rank, found) in together(3, |team| (largest(team, Ok(team.rank() as f64)), total(team, team.rank() + 1)))
        .into_iter()
        .enumerate()
    {
        assert_eq!((found.0.unwrap(), found.1.unwrap()), (2.0, 6), "process {rank}");
    }
    let one_fails = |team: &dyn Team| match team.rank() {
        1 => largest(team, Err(Error::parameter("k", 1, "another", "try 4"))),
        rank => largest(team, Ok(rank as f64)),
    };
    let kinds = together(3, one_fails).into_iter().map(|found| matches!(found, Err(Error::Elsewhere { rank: 1, .. })));
    assert_eq!(kinds.collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn an_error_of_one_process_reaches_all() {
    let task = |k: usize| match k {
        5 => Err(Error::parameter("k", k, "another", "try 4")),
        _ => Ok(vec![k as f64]),
    };
    for (rank, found) in together(3, |team| numbers(team, 9, task)).into_iter().enumerate() {
        match (rank, found.unwrap_err()) {
            (1, Error::Parameter { name, .. }) => assert_eq!(name, "k"),
            (0 | 2, Error::Elsewhere { rank: 1, message }) => assert!(message.starts_with("k = 5"), "{message}"),
            (rank, other) => panic!("process {rank}: {other}"),
        }
    }
}
