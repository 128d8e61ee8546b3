//! Read receipts in memory.

use super::MemoryStore;
use async_trait::async_trait;
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{Fault, Marked, ReceiptStore},
};

#[async_trait]
impl ReceiptStore for MemoryStore {
    async fn mark(&self, room: &RoomName, user: &UserName, seq: Sequence) -> Result<Marked, Fault> {
        let mut state = self.state();
        let Some(record) = state.rooms.get_mut(room) else {
            return Ok(Marked::NotMember);
        };
        let last_seq = Sequence(record.last_seq);
        let Some(member) = record.members.get_mut(user) else {
            return Ok(Marked::NotMember);
        };
        let seq = seq.min(last_seq);
        if seq <= member.read_seq {
            return Ok(Marked::Stayed);
        }
        member.read_seq = seq;
        Ok(Marked::Moved(seq))
    }

    async fn receipts(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Vec<(UserName, Sequence)>, Fault> {
        let state = self.state();
        let Some(record) = state.rooms.get(room) else {
            return Ok(Vec::new());
        };
        let read =
            record.members.iter().filter(|(_, member)| member.read_seq > Sequence(0)).take(limit);
        Ok(read.map(|(user, member)| (user.clone(), member.read_seq)).collect())
    }
}
