//! What only the driver sees: connections, the pool, the queue, the schema, what the database says.

use campanile_core::instrumented::{DriverMetrics, StoreDriver};
use campanile_metrics::{Registry, catalogue, labels};

labels! {
    /// How connecting ended.
    pub enum ConnectResult("result") {
        /// The connection is there.
        Ok = "ok",
        /// It did not come in time.
        Timeout = "timeout",
        /// The database does not let this user in.
        Refused = "refused",
        /// The database cannot be reached, or takes no connection now.
        Error = "error",
    }
}

labels! {
    /// The class of an error that the database gave: the first two characters of its SQLSTATE.
    pub enum SqlstateClass("class") {
        /// The connection broke.
        Connection = "08",
        /// A value does not fit.
        Data = "22",
        /// A rule of the schema was broken.
        Integrity = "23",
        /// Not in this transaction: it only reads, or was idle for too long.
        TransactionState = "25",
        /// The user is not let in.
        Authorization = "28",
        /// The transaction collided with others.
        Rollback = "40",
        /// A statement that is wrong, or not allowed to this user.
        Access = "42",
        /// The disk is full, or there are too many connections.
        Resources = "53",
        /// Something is not in the state it must be in, a lock among them.
        Prerequisites = "55",
        /// Cancelled, or the database stops or starts.
        Intervention = "57",
        /// The disk or the system failed.
        System = "58",
        /// The database found its own data senseless.
        Internal = "XX",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// What is asked of the database: a statement, or some in one transaction.
    pub enum Statement("statement") {
        /// Messages and read marks are written.
        Append = "append",
        /// A page of history is read.
        History = "history",
        /// A message is changed.
        Amend = "amend",
        /// Messages are removed by retention.
        Evict = "evict",
        /// Rooms are asked where they are.
        Heads = "heads",
        /// The archive is measured.
        Size = "size",
        /// Accounts are made and changed.
        AccountPut = "account_put",
        /// Accounts are read.
        AccountGet = "account_get",
        /// Sessions are opened.
        SessionPut = "session_put",
        /// Sessions are read.
        SessionGet = "session_get",
        /// Sessions are ended.
        SessionDelete = "session_delete",
        /// Rooms are made, changed, deleted.
        RoomPut = "room_put",
        /// Rooms are read.
        RoomGet = "room_get",
        /// Members come, change and go.
        MemberPut = "member_put",
        /// Members are read.
        MemberGet = "member_get",
        /// Receipts are read.
        ReceiptGet = "receipt_get",
        /// Uploads are added and forgotten.
        UploadPut = "upload_put",
        /// Uploads are read.
        UploadGet = "upload_get",
        /// Prekeys are published and handed out.
        PrekeyPut = "prekey_put",
        /// Prekeys are counted.
        PrekeyGet = "prekey_get",
        /// Invitations are made and revoked.
        InvitePut = "invite_put",
        /// Invitations are listed.
        InviteGet = "invite_get",
        /// Subscriptions to pushes are made and ended.
        PushPut = "push_put",
        /// Subscriptions to pushes are read.
        PushGet = "push_get",
        /// Applications and their keys are made, changed and removed.
        AppPut = "app_put",
        /// Applications are listed.
        AppGet = "app_get",
        /// Jobs are given, taken and settled.
        JobPut = "job_put",
        /// Jobs are looked at.
        JobGet = "job_get",
        /// The schema is brought up to date.
        Migrate = "migrate",
        /// It is found out whether the database works.
        Probe = "probe",
        /// What is no longer needed is cleared away, and what will be is made.
        Upkeep = "upkeep",
    }
}

catalogue! {
    /// What only this driver sees, beside [`DriverMetrics`].
    pub struct PostgresMetrics {
        /// Attempts to connect to the store, by result.
        counter connects(StoreDriver, ConnectResult) = "chat_storage_connects_total";
        /// Errors that the store itself gave, by class of SQLSTATE.
        counter sqlstate_errors(StoreDriver, SqlstateClass) = "chat_storage_sqlstate_errors_total";
        /// Statements that took longer than is thought right.
        counter slow_statements(StoreDriver, Statement) = "chat_storage_slow_statements_total";
    }
}

impl Statement {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.values()[0]
    }
}

/// What is measured here, and under which name.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) driver: StoreDriver,
    pub(crate) pool: DriverMetrics,
    pub(crate) own: PostgresMetrics,
}

impl Measured {
    pub(crate) fn register(registry: &Registry) -> Self {
        let driver = registry.add_label("postgres");
        let (pool, own) = (DriverMetrics::register(registry), PostgresMetrics::register(registry));
        Self { driver, pool, own }
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        self.pool.up.set(u64::from(is_up), self.driver);
    }
}
