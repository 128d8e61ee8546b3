//! Loki deletes what is too old: a line of last week is gone, and so is the file that it was in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::report::Report;
use super::scene::Scene;
use super::sources;
use crate::live::Loki;
use crate::wait;

/// Older than the copy of the configuration keeps lines, and not too old to be taken.
const AGE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// The stream of the old line, and that of a new one beside it.
const OLD: &str = "{job=\"chat-server\", instance=\"old\"}";
const NEW: &str = "{job=\"chat-server\", instance=\"new\"}";

/// Until a line that was taken can be asked for.
const TAKEN_DEADLINE: Duration = Duration::from_secs(30);

/// Loki looks for what it may delete from disk once a minute.
const DELETED_DEADLINE: Duration = Duration::from_secs(150);

/// Files that were deleted because of their age.
const DELETED: &str = "loki_boltdb_shipper_retention_sweeper_chunk_deleted_duration_seconds_count\
                       {status=\"success\"}";

pub(crate) fn check(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let Some(loki) = sources::loki(&scene.stack)? else {
        report.leave_out("that Loki deletes what is old: loki has no image here");
        return Ok(());
    };
    let taken = report.check("keeping", "Loki takes an old line", || {
        push(&loki)?;
        wait::patiently("both lines are there", TAKEN_DEADLINE, || has(&loki, [1, 1]))
    });
    if taken {
        report.check("keeping", "Loki deletes the old line, and no new one", || {
            // It writes what it has when it ends; until then nothing can be deleted.
            scene.stack.stop("loki")?;
            scene.stack.start_again("loki")?;
            wait::patiently("the old line is deleted", DELETED_DEADLINE, || {
                // In a network it may be somewhere else now.
                let loki = sources::loki(&scene.stack)?.context("there is no Loki")?;
                has(&loki, [0, 1])?;
                let deleted = loki.metric(DELETED)?;
                ensure!(deleted >= 1.0, "it is hidden, and not deleted from disk");
                Ok(())
            })
        });
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "Loki compares with the time of now")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn push(loki: &Loki) -> Result<()> {
    let line = |instance: &str, at: SystemTime| {
        let nanoseconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        json!({
            "stream": {"job": "chat-server", "instance": instance},
            "values": [[nanoseconds.to_string(), json!({"message": instance}).to_string()]],
        })
    };
    loki.push(&json!({"streams": [line("old", now() - AGE), line("new", now())]}))
}

/// Whether there are so many lines of each.
fn has(loki: &Loki, wanted: [usize; 2]) -> Result<()> {
    let since = now() - AGE - Duration::from_secs(60);
    let found = [loki.lines_since(OLD, since)?, loki.lines_since(NEW, since)?];
    ensure!(found == wanted, "there are {found:?} lines of old and new, not {wanted:?}");
    Ok(())
}
