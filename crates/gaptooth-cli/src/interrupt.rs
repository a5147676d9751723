//! Ctrl-C: the first stops cleanly, the second at once.

use std::sync::Arc;

use crate::failure::{Failure, INTERRUPTED};
use crate::progress::Terminal;

/// From now on Ctrl-C (and the signals to end or hang up) ask `terminal`'s computation to stop.
pub(crate) fn listen(terminal: &Arc<Terminal>, resumable: bool) -> Result<(), Failure> {
    let terminal = terminal.clone();
    ctrlc::set_handler(move || {
        if terminal.stop() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        let then = if resumable { "; `--resume` goes on from there" } else { "" };
        terminal.say(&format!("stopping cleanly{then} (Ctrl-C once more stops at once)"));
    })
    .map_err(|e| Failure::failed(format!("cannot listen for Ctrl-C: {e}")))
}
