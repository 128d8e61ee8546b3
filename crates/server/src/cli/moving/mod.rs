//! `campanile migrate` and `campanile backup`: everything from one store into another.

mod backup;
mod place;
mod progress;
mod table;

pub(super) use backup::run as backup;

use super::{Failure, arguments::MigrateOptions, output};
use campanile_core::transfer::{Comparison, Source, compare, move_all};
use place::Place;
use progress::Display;
use std::process::ExitCode;

pub(super) fn migrate(options: MigrateOptions) -> Result<ExitCode, Failure> {
    let from = Place::parse(&options.from, options.from_uploads).map_err(Failure::wrong)?;
    let to = Place::parse(&options.to, options.to_uploads).map_err(Failure::wrong)?;
    if from.name() == to.name() {
        return Err(Failure::wrong(format!("{} cannot be moved to itself", from.name())));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(async {
        let mut source = from.source().await?;
        fill(&mut source, &from.name(), &to).await?;
        source.records.close().await;
        output::line(&format!("everything is in {}", to.name()));
        Ok(ExitCode::SUCCESS)
    })
}

/// Moves everything, reads both stores again, and says what each has. Only a store that has the
/// same is finished.
async fn fill(source: &mut Source, name: &str, to: &Place) -> Result<(), Failure> {
    let mut target = to.target().await?;
    let begun = target.records.begin(name).await;
    let begun = begun.map_err(|error| Failure::failed(super::chain(&error)))?;
    let mut display = Display::new();
    let failed = |error| Failure::failed(super::chain(&error));
    move_all(source, &mut target, begun, &mut |step| display.show(step)).await.map_err(failed)?;
    let mut copy = to.again().await?;
    let compared = compare(source, &mut copy, &mut |step| display.show(step)).await;
    let compared = compared.map_err(failed)?;
    copy.records.close().await;
    display.end();
    output::print(&table::of(&compared));
    if !compared.iter().all(Comparison::is_equal) {
        return Err(Failure::failed(format!(
            "{} has not the same as {name}, which was perhaps changed since this began: \
             empty it and begin again",
            to.name()
        )));
    }
    let finished = target.records.finish().await;
    finished.map_err(|fault| Failure::failed(super::chain(&fault)))
}
