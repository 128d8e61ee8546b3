//! Bounds of the edge that no setting changes. Those of the chat itself are the core's.

/// Most things in one page of a list, whatever is configured, and most that are named at once.
/// Stands in the documents of the interface too.
pub(crate) const PAGE_MAX: u64 = 200;

/// Most rooms or connections in one answer to an operator.
pub(crate) const LISTED_MAX: u64 = 1_000;

/// Longest body of a request, in bytes. Seen as status 413 in `chat_http_requests_total`.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Longest body of a request of an application: a batch of the longest events, each character of
/// which is escaped. Seen as status 413 in `chat_http_requests_total`.
pub(crate) const APP_BODY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes that a form has beside its file, at most: boundaries and headers.
pub(crate) const FORM_BYTES_BESIDE_FILE: u64 = 16 * 1024;

/// Longest token that is looked up; ours are shorter. Seen in `chat_auth_failures_total`.
pub(crate) const TOKEN_BYTES_MAX: usize = 256;

/// Passwords that are worked on at a time.
pub(crate) const PASSWORDS_AT_ONCE: usize = 2;

/// Passwords that may wait for their turn. Seen in
/// `chat_auth_failures_total{reason="rate_limited"}`.
pub(crate) const PASSWORDS_WAITING_MAX: usize = 50;

/// Operators who are remembered to be looking at the numbers.
pub(crate) const WATCHERS_REMEMBERED_MAX: usize = 64;

/// Threads of each worker for what blocks: passwords, reading metrics.
pub(crate) const BLOCKING_THREADS: usize = 8;

/// Connections beyond those of clients that stay: requests, probes, and those that are told to
/// come back.
pub(crate) const CONNECTIONS_BESIDE: usize = 1_024;
