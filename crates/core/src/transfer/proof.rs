//! The proof: both stores are read from start to end and compared.

use super::{
    Part, Record, Source, Step, Tally, TransferError, Value, Work, bytes, moving::portion,
};
use crate::port::{Export, Fault};

/// A part in both stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What was compared.
    pub what: &'static str,
    /// What the source has.
    pub source: Tally,
    /// What the destination has.
    pub copy: Tally,
}

impl Comparison {
    /// Whether both have the same.
    pub fn is_equal(&self) -> bool {
        self.source == self.copy
    }
}

/// Compares two stores, part by part, and then the bytes of uploads. Bytes that the source has not
/// are not looked for in the copy: they may have been deleted since they were copied.
pub async fn compare(
    source: &mut Source,
    copy: &mut Source,
    watch: &mut dyn FnMut(Step),
) -> Result<Vec<Comparison>, TransferError> {
    let mut compared = Vec::with_capacity(Part::ALL.len() + 1);
    for part in Part::ALL {
        let of = source.records.count(part).await;
        let of = of.map_err(|source| TransferError::Read { part, source })?;
        let told = |done| watch(Step { work: Work::Compare, part, done, of });
        let (source, copy) = futures_util::future::join(
            tally(&mut *source.records, part, told),
            tally(&mut *copy.records, part, |_| {}),
        )
        .await;
        let source = source.map_err(|source| TransferError::Read { part, source })?;
        let copy = copy.map_err(|source| TransferError::ReadAgain { part, source })?;
        compared.push(Comparison { what: part.name(), source, copy });
    }
    compared.push(compare_bytes(source, copy).await?);
    Ok(compared)
}

async fn tally(
    records: &mut dyn Export,
    part: Part,
    mut told: impl FnMut(u64),
) -> Result<Tally, Fault> {
    let mut tally = Tally::default();
    each(records, part, |batch| {
        batch.iter().for_each(|record| tally.add(record));
        told(tally.count);
    })
    .await?;
    Ok(tally)
}

async fn compare_bytes(
    source: &mut Source,
    copy: &mut Source,
) -> Result<Comparison, TransferError> {
    let part = Part::Uploads;
    let mut ids = Vec::new();
    let listed = each(&mut *source.records, part, |batch| {
        ids.extend(batch.iter().filter_map(|record| bytes::upload_id(record)));
    });
    listed.await.map_err(|source| TransferError::Read { part, source })?;
    let mut compared =
        Comparison { what: "upload bytes", source: Tally::default(), copy: Tally::default() };
    for id in ids {
        let there = bytes::digest(&*source.blobs, id).await;
        let there = there.map_err(|source| TransferError::Read { part, source })?;
        let Some(there) = there else {
            continue;
        };
        let here = bytes::digest(&*copy.blobs, id).await;
        let here = here.map_err(|source| TransferError::ReadAgain { part, source })?;
        let name = Value::Bytes(id.0.to_vec());
        compared.source.add(&[name.clone(), Value::Bytes(there)]);
        if let Some(here) = here {
            compared.copy.add(&[name, Value::Bytes(here)]);
        }
    }
    Ok(compared)
}

/// Reads a part from start to end.
async fn each(
    records: &mut dyn Export,
    part: Part,
    mut read: impl FnMut(&[Record]),
) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let batch = records.read(part, after.as_ref(), portion(part)).await?;
        read(&batch.records);
        if batch.records.len() < portion(part) {
            return Ok(());
        }
        after = batch.end;
    }
}
