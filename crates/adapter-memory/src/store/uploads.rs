//! Uploads in memory.

use super::{MemoryStore, State};
use async_trait::async_trait;
use campanile_core::{
    message::Epoch,
    name::UserName,
    port::{Fault, PutUploadError, UploadStore},
    upload::{Upload, UploadId},
};

#[async_trait]
impl UploadStore for MemoryStore {
    async fn put(&self, upload: Upload, quota_bytes: u64) -> Result<(), PutUploadError> {
        let mut state = self.state();
        let room = state.rooms.get(&upload.room).ok_or(PutUploadError::UnknownRoom)?;
        if !room.members.contains_key(&upload.by) {
            return Err(PutUploadError::NotMember);
        }
        let epoch = room.epoch;
        if state.held_by(&upload.by).saturating_add(upload.bytes) > quota_bytes {
            return Err(PutUploadError::Quota);
        }
        state.uploads.insert(upload.id, (upload, epoch));
        Ok(())
    }

    async fn find(&self, id: UploadId) -> Result<Option<Upload>, Fault> {
        let state = self.state();
        let found = state.uploads.get(&id).filter(|record| state.has_room(record));
        Ok(found.map(|(upload, _)| upload.clone()))
    }

    async fn held_by(&self, user: &UserName) -> Result<u64, Fault> {
        Ok(self.state().held_by(user))
    }

    async fn held(&self) -> Result<u64, Fault> {
        Ok(self.state().uploads.values().map(|(upload, _)| upload.bytes).sum())
    }

    async fn orphans(&self, limit: usize) -> Result<Vec<UploadId>, Fault> {
        let state = self.state();
        let orphans = state.uploads.iter().filter(|(_, record)| !state.has_room(record));
        Ok(orphans.map(|(id, _)| *id).take(limit).collect())
    }

    async fn forget(&self, ids: &[UploadId]) -> Result<(), Fault> {
        let mut state = self.state();
        for id in ids {
            state.uploads.remove(id);
        }
        Ok(())
    }
}

impl State {
    fn held_by(&self, user: &UserName) -> u64 {
        let theirs = self.uploads.values().filter(|(upload, _)| upload.by == *user);
        theirs.map(|(upload, _)| upload.bytes).sum()
    }

    fn has_room(&self, (upload, epoch): &(Upload, Epoch)) -> bool {
        self.rooms.get(&upload.room).is_some_and(|room| room.epoch == *epoch)
    }
}
