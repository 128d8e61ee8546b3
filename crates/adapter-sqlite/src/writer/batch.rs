//! What goes into one transaction, and who is to be answered.

use super::{
    Append, Job, Ledger, Mark,
    append::{Outcome, append_all},
    mark::mark_all,
};
use crate::fault::shared_fault;
use campanile_core::port::{AppendError, Marked};
use sqlx::Error;
use std::sync::Arc;

/// What goes into one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Box<dyn Job>>,
    pub(super) appends: Vec<Append>,
    pub(super) marks: Vec<Mark>,
}

/// What a transaction gave.
pub(super) struct Outcomes {
    appended: Vec<Outcome>,
    marked: Vec<Marked>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.changes.len() + self.appends.len() + self.marks.len()
    }

    /// None of these was answered yet, so any order is as good as another.
    pub(super) async fn write(&mut self, ledger: &mut Ledger) -> Result<Outcomes, Error> {
        ledger.begin().await?;
        for change in &mut self.changes {
            change.run(ledger).await?;
            ledger.rows_in_log += 1;
        }
        let appended = append_all(ledger, &self.appends).await?;
        let marked = mark_all(ledger, &self.marks).await?;
        ledger.commit().await?;
        Ok(Outcomes { appended, marked })
    }

    pub(super) fn committed(self, outcomes: Outcomes) {
        for change in self.changes {
            change.committed();
        }
        // Who has given up does not hear it.
        for (append, outcome) in self.appends.into_iter().zip(outcomes.appended) {
            let _gone = append.answer.send(outcome);
        }
        for (mark, marked) in self.marks.into_iter().zip(outcomes.marked) {
            let _gone = mark.answer.send(Ok(marked));
        }
    }

    pub(super) fn failed(self, error: Arc<Error>) {
        for change in self.changes {
            change.failed(error.clone());
        }
        for append in self.appends {
            let fault = shared_fault(error.clone());
            let _gone = append.answer.send(Err(AppendError::Fault(fault)));
        }
        for mark in self.marks {
            let _gone = mark.answer.send(Err(shared_fault(error.clone())));
        }
    }

    pub(super) fn into_singles(self) -> Vec<Batch> {
        let changes = self
            .changes
            .into_iter()
            .map(|change| Batch { changes: vec![change], ..Batch::default() });
        let appends = self
            .appends
            .into_iter()
            .map(|append| Batch { appends: vec![append], ..Batch::default() });
        let marks =
            self.marks.into_iter().map(|mark| Batch { marks: vec![mark], ..Batch::default() });
        changes.chain(appends).chain(marks).collect()
    }
}
