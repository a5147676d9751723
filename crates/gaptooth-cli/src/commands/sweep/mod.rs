//! `gaptooth sweep`: a study for every combination of some settings, or images with every map.

mod images;
mod table;
mod variation;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use gaptooth::{
    VERSION,
    io::{RunDirectory, effective_text},
    observer::Observer,
    plot::{read_report, render_report},
    report::{Check, Report},
    team::{Alone, Team},
};
use serde_json::json;

use self::table::{Numbers, Point, Table};
use self::variation::{Variation, combinations};
use super::{output_directory, run};
use crate::{
    args::SweepArgs,
    config::{self, Study},
    failure::{FAILED, Failure, INTERRUPTED},
    interrupt, output,
    progress::Terminal,
};

const FILE: &str = "sweep.csv";

/// Every point, one after the other, or shared by the processes of a team; one that fails does not stop the others.
pub(super) fn sweep(args: &SweepArgs, team: &dyn Team) -> Result<ExitCode, Failure> {
    if args.subjects.iter().all(|subject| images::is_image(subject)) {
        return images::images(args, team);
    }
    let [subject] = &args.subjects[..] else {
        let message = format!("{}: expected one study, or images", args.subjects.join(" "));
        return Err(Failure::wrong_input(message).help("a sweep of a study varies its keys: --vary PATH=V,V…"));
    };
    of_study(subject, args, team)
}

fn of_study(subject: &str, args: &SweepArgs, team: &dyn Team) -> Result<ExitCode, Failure> {
    let variations = args.vary.iter().map(|text| Variation::typed(text)).collect::<Result<Vec<_>, _>>()?;
    if variations.is_empty() || !args.map.is_empty() || args.voxel_size.is_some() || args.bounds {
        let message = format!("a sweep of the study {subject} needs --vary, and no options of images");
        return Err(Failure::wrong_input(message).help("such as --vary problem.epsilon=1e-3,1e-4"));
    }
    let points = combinations(&variations)?;
    let studies =
        points.iter().map(|values| study(subject, args, &variations, values)).collect::<Result<Vec<_>, _>>()?;
    let texts = studies.iter().map(|study| effective_text(&study.config)).collect::<Result<Vec<_>, _>>()?;
    let name = studies[0].config.name().to_string();
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(format!("{name}-sweep")));
    let work = Work {
        points: &points,
        compute: &|k, place, terminal| one(&studies[k], place, args.how.resume, terminal).map(numbers),
        finished: &|k, place| finished(place, &texts[k]).map(numbers),
    };
    let Some(sweep) = work.done(&out, &variations, team)? else { return Ok(ExitCode::SUCCESS) };
    let summary = format!("The checks of the study {name} for every combination of {}.", sweep.table.keys().join(", "));
    let title = format!("{}: a sweep", studies[0].config.title());
    sweep.conclude(&name, studies[0].config.seed(), [title, summary], args.how.json)
}

/// The points of a sweep, how one is computed, and how it is found where another process has left it.
struct Work<'a> {
    points: &'a [Vec<String>],
    compute: &'a dyn Fn(usize, &Path, &Terminal) -> Result<Numbers, Failure>,
    finished: &'a dyn Fn(usize, &Path) -> Option<Numbers>,
}

impl Work<'_> {
    /// All points, shared by the processes of a team; the first writes the table, and has it in the end.
    fn done(&self, out: &Path, variations: &[Variation], team: &dyn Team) -> Result<Option<Sweep>, Failure> {
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..self.points.len()).partition(|k| k % team.size() == team.rank());
        if team.rank() > 0 {
            self.for_the_first(&own, out, team)?;
            return Ok(None);
        }
        let mut sweep = Sweep::new(out, Table::new(variations))?;
        for k in own {
            let terminal = sweep.terminal.clone();
            sweep.point(k, self.points, |place| (self.compute)(k, place, &terminal))?;
            for k in &others {
                let place = sweep.directory.root().join(place(*k, self.points.len()));
                if !sweep.table.points.contains_key(k)
                    && let Some(found) = (self.finished)(*k, &place)
                {
                    sweep.point(*k, self.points, |_| Ok(found))?;
                }
            }
        }
        if team.size() > 1 {
            let failures = exchanged(&BTreeMap::new(), team)?;
            for k in others {
                sweep.point(k, self.points, |place| match failures.get(&k) {
                    Some(message) => Err(Failure::failed(message.clone())),
                    None => (self.finished)(k, place)
                        .ok_or_else(|| Failure::failed(format!("{} holds nothing finished", place.display()))),
                })?;
            }
        }
        Ok(Some(sweep))
    }

    /// The points of another process than the first, which reads what they leave.
    fn for_the_first(&self, own: &[usize], out: &Path, team: &dyn Team) -> Result<(), Failure> {
        let terminal = Terminal::quiet();
        interrupt::listen(&terminal, true)?;
        let mut failures = BTreeMap::new();
        for k in own {
            match (self.compute)(*k, &out.join(place(*k, self.points.len())), &terminal) {
                Err(failure) if failure.code == INTERRUPTED || terminal.interrupted() => return Err(failure),
                Err(failure) => drop(failures.insert(*k, failure.message)),
                Ok(_) => {}
            }
        }
        exchanged(&failures, team)?;
        Ok(())
    }
}

/// What went wrong at any process, by point.
fn exchanged(own: &BTreeMap<usize, String>, team: &dyn Team) -> Result<BTreeMap<usize, String>, Failure> {
    let own = serde_json::to_vec(own).unwrap_or_default();
    let all = team.exchange(&own)?;
    Ok(all.iter().filter_map(|bytes| serde_json::from_slice::<BTreeMap<_, _>>(bytes).ok()).flatten().collect())
}

fn numbers(report: Report) -> Numbers {
    Numbers {
        numbers: report.checks.into_iter().map(|c| (c.name, c.value, c.passed)).collect(),
        seconds: report.wall_seconds,
    }
}

/// Where point `k` of `count` lies in a sweep's directory.
fn place(k: usize, count: usize) -> PathBuf {
    PathBuf::from("points").join(format!("{:0width$}", k + 1, width = count.to_string().len()))
}

/// A sweep on its way.
struct Sweep {
    directory: RunDirectory,
    terminal: Arc<Terminal>,
    table: Table,
    started: Instant,
}

impl Sweep {
    fn new(out: &Path, table: Table) -> Result<Self, Failure> {
        let directory = output_directory(out)?;
        let terminal = Terminal::new();
        interrupt::listen(&terminal, true)?;
        Ok(Sweep { directory, terminal, table, started: Instant::now() })
    }

    /// Point `k` by `find` in a place of its own; its line is written when it is done.
    fn point(
        &mut self,
        k: usize,
        points: &[Vec<String>],
        find: impl FnOnce(&Path) -> Result<Numbers, Failure>,
    ) -> Result<(), Failure> {
        let place = place(k, points.len());
        self.terminal.say(&format!("point {} of {}: {}", k + 1, points.len(), self.table.named(&points[k])));
        let found = find(&self.directory.root().join(&place));
        if let Err(failure) = &found
            && (failure.code == INTERRUPTED || self.terminal.interrupted())
        {
            self.terminal.finish();
            return Err(failure.clone());
        }
        self.table.points.insert(k, Point::new(points[k].clone(), place, found));
        self.directory.write(FILE, &self.table.to_csv()?)?;
        Ok(())
    }

    /// The page, and what scripts read.
    fn conclude(
        self,
        name: &str,
        seed: u64,
        [title, summary]: [String; 2],
        as_json: bool,
    ) -> Result<ExitCode, Failure> {
        self.terminal.finish();
        let Sweep { directory, table, started, .. } = self;
        let passed = table.points.values().filter(|point| point.passed()).count();
        let report = Report {
            checks: vec![Check::at_least("points_passed", passed as f64, table.points.len() as f64)],
            study: format!("{name}-sweep"),
            version: VERSION.into(),
            seed,
            threads: rayon::current_num_threads(),
            wall_seconds: started.elapsed().as_secs_f64(),
            title,
            summary,
            tables: vec![table.shown()],
            figures: table.figures(),
            ..Report::default()
        };
        let report = render_report(&report, &directory)?;
        output::say(&format!("{}; open {}", directory.path(FILE).display(), directory.report_html().display()));
        if as_json {
            output::json(&json!({
                "study": name, "version": VERSION, "seed": seed, "threads": report.threads, "points": table.value(),
                "directory": directory.root(), "files": report.files, "wall_seconds": report.wall_seconds,
            }))?;
        } else {
            output::line(&output::columns(&table.lines()))?;
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

/// The study of one point, checked.
fn study(subject: &str, args: &SweepArgs, variations: &[Variation], values: &[String]) -> Result<Study, Failure> {
    let varied = variations.iter().zip(values).map(|(variation, value)| format!("{}={value}", variation.path));
    let set: Vec<String> = args.how.set.iter().cloned().chain(varied).collect();
    let study = config::load(subject, &set, args.how.seed)?;
    study.config.check().map_err(|e| study.explain(e))?;
    Ok(study)
}

/// The report of one point: of an earlier process, if that finished it and is to be gone on from.
fn one(study: &Study, out: &Path, resume: bool, terminal: &Terminal) -> Result<Report, Failure> {
    let text = effective_text(&study.config)?;
    if resume && let Some(report) = finished(out, &text) {
        return Ok(report);
    }
    let directory = output_directory(out)?;
    let store = run::store(&directory, &text, resume)?;
    run::into_directory(study, &text, &directory, (&store, &Alone), terminal)
}

/// The report is put in place last.
fn finished(out: &Path, text: &str) -> Option<Report> {
    let directory = RunDirectory::open(out).ok()?;
    let same = std::fs::read_to_string(directory.run_toml()).ok()? == text;
    let idle = !directory.path("checkpoints").exists();
    let report = read_report(&directory).ok()?;
    (same && idle && report.version == VERSION).then_some(report)
}
