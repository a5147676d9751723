//! How far a computation is, on standard error: named bars on a terminal, else a line per stage.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gaptooth::observer::Observer;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const STYLE: &str = "{prefix:32} {bar:24} {pos:>6}/{len:<6} {elapsed:>4}  {msg}";

/// Standard error, and whether the user wants to stop.
pub(crate) struct Terminal {
    bars: MultiProgress,
    stages: Mutex<BTreeMap<String, ProgressBar>>,
    live: bool,
    /// says nothing
    quiet: bool,
    stopped: AtomicBool,
}

impl Terminal {
    pub(crate) fn new() -> Arc<Self> {
        Terminal::with(false)
    }

    /// Of one process among several: the first speaks for all.
    pub(crate) fn quiet() -> Arc<Self> {
        Terminal::with(true)
    }

    fn with(quiet: bool) -> Arc<Self> {
        Arc::new(Terminal {
            bars: MultiProgress::new(),
            stages: Mutex::default(),
            live: !quiet && std::io::stderr().is_terminal(),
            quiet,
            stopped: AtomicBool::new(false),
        })
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        if !self.live || self.bars.println(line).is_err() {
            // Nobody listens on a closed standard error.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// Asks the computation to stop; true if it was asked before.
    pub(crate) fn stop(&self) -> bool {
        self.stopped.swap(true, Ordering::SeqCst)
    }

    /// Removes the bars: what follows is the result, or why there is none.
    pub(crate) fn finish(&self) {
        self.stages.lock().unwrap_or_else(|e| e.into_inner()).clear();
        // A terminal that cannot be cleared shows the bars a little longer.
        let _ = self.bars.clear();
    }

    fn bar(&self, stage: &str, total: u64) -> ProgressBar {
        let mut stages = self.stages.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(bar) = stages.get(stage) {
            return bar.clone();
        }
        let bar = if self.live { self.bars.add(ProgressBar::new(total)) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(stage.to_string());
        stages.insert(stage.to_string(), bar.clone());
        drop(stages);
        if !self.live {
            self.say(&format!("{stage} …"));
        }
        bar
    }
}

impl Observer for Terminal {
    fn progress(&self, stage: &str, done: u64, total: u64, detail: &str) {
        let bar = self.bar(stage, total);
        if !self.live {
            return;
        }
        // A stage may run again: for the next experiment, the next law.
        if bar.is_finished() && done < total {
            bar.reset();
        }
        bar.set_length(total);
        bar.set_position(done.min(total));
        bar.set_message(detail.to_string());
        if done >= total {
            bar.abandon();
        }
    }

    fn interrupted(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn note(&self, message: &str) {
        self.say(message);
    }
}
