//! The ports: what the rules need from outside. A port's documentation is its contract, and
//! `campanile-conformance` proves every adapter against it.

mod account_store;
mod app_store;
mod answer_store;
mod blob_store;
mod bus;
mod cache;
mod channel_store;
mod clock;
mod export;
mod fault;
mod import;
mod invite_store;
mod job_queue;
mod member_store;
mod message_store;
mod prekey_store;
mod presence_store;
mod push_service;
mod push_store;
mod rate_limiter;
mod receipt_store;
mod room_store;
mod session_store;
mod upload_store;
mod webhook_service;

pub use account_store::{AccountChange, AccountStore, CreateAccountError, NewAccount};
pub use answer_store::{AnswerStore, Answered, Begun};
pub use app_store::{
    AddAppKeyError, AppChange, AppStore, ChangeAppError, CreateAppError, RevokeAppKeyError,
};
pub use blob_store::{BlobReader, BlobStore, BlobWriter};
pub use bus::{Bus, BusError, BusReceiver, Heard, Mark, Node, NodeId, Passage, Returned, Underway};
pub use cache::{Cache, CacheKey, CacheName, CacheSize, Cached, FORGET_GUARD};
pub use channel_store::{ChannelChange, ChannelCount, ChannelSeen, ChannelStore, Entrant};
pub use clock::Clock;
pub use export::{Batch, Export};
pub use fault::{Fault, FaultKind};
pub use import::{BeginError, Import, Progress};
pub use invite_store::{InviteStore, PutInviteError};
pub use job_queue::{Backlog, Job, JobId, JobQueue, NewJob, Settlement};
pub use member_store::{MemberError, MemberStore, PutMember};
pub use message_store::{
    AmendError, AppendError, Appended, Archive, Head, History, HistoryError, MessageStore, Page,
    check_amendment, group_reactions,
};
pub use prekey_store::{PrekeyStore, PrekeyTotals, PutPrekeysError};
pub use presence_store::{ConnectionId, PresenceChange, PresenceStore, combine_statuses};
pub use push_service::{PushError, PushFault, PushService};
pub use push_store::PushStore;
pub use rate_limiter::{Budget, Limiter, LimiterContext, RateLimiter, Verdict};
pub use receipt_store::{Marked, ReceiptStore};
pub use room_store::{CreateRoomError, NewRoom, RoomChange, RoomStore};
pub use session_store::SessionStore;
pub use upload_store::{PutUploadError, UploadStore};
pub use webhook_service::{WebhookError, WebhookService};
