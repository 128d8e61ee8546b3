//! How far it has come: a bar where somebody looks, a line a part where nobody does.

use crate::cli::output;
use campanile_core::transfer::{Step, Work};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

/// Shows steps.
pub(super) struct Display {
    /// Where somebody looks.
    bar: Option<ProgressBar>,
    /// The last step, which is not told yet.
    last: Option<Step>,
}

impl Display {
    pub(super) fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{msg:24} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
            );
            ProgressBar::new(0).with_style(style.expect("the template is well formed"))
        });
        Self { bar, last: None }
    }

    pub(super) fn show(&mut self, step: Step) {
        let is_new = self.last.is_none_or(|last| (last.work, last.part) != (step.work, step.part));
        if is_new {
            self.tell();
        }
        self.last = Some(step);
        let Some(bar) = &self.bar else {
            return;
        };
        bar.set_length(step.of);
        bar.set_position(step.done);
        if is_new {
            let what = match step.work {
                Work::Move => "moving",
                Work::Compare => "comparing",
            };
            bar.set_message(format!("{what} {}", step.part.name()));
            bar.reset_eta();
        }
    }

    /// Nothing more comes.
    pub(super) fn end(mut self) {
        self.tell();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Says in a line what was done to a part.
    fn tell(&mut self) {
        if let Some(Step { work, part, done, .. }) = self.last.take()
            && self.bar.is_none()
        {
            let what = match work {
                Work::Move => "moved",
                Work::Compare => "compared",
            };
            output::line(&format!("{what} {}: {done}", part.name()));
        }
    }
}
