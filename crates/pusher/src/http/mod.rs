//! The HTTP API of an application: who asks, what is asked, what is answered.
//!
//! Page "HTTP API Reference".
//!
//! | request | read with | answered with |
//! | --- | --- | --- |
//! | `POST /apps/{id}/events` | [`Publish::parse`] | [`PublishAnswer`] |
//! | `POST /apps/{id}/batch_events` | [`Batch::parse`] | [`BatchAnswer`] |
//! | `GET /apps/{id}/channels` | [`Info::of_channels`] | [`ChannelsAnswer`] |
//! | `GET /apps/{id}/channels/{name}` | [`Info::of_channel`] | [`ChannelAnswer`] |
//! | `GET /apps/{id}/channels/{name}/users` | [`check_presence`] | [`UsersAnswer`] |
//! | `POST /apps/{id}/users/{user}/terminate_connections` | | `{}` |
//!
//! Each is [signed](SignedRequest). What is wrong is an [`ApiError`], with its status.

mod signing;
mod publish;
mod info;
mod answer;
mod error;

pub use answer::{
    BatchAnswer, Cached, ChannelAnswer, ChannelsAnswer, Counts, PublishAnswer, UserAnswer,
    UsersAnswer,
};
pub use error::ApiError;
pub use info::{BadInfo, Info, check_presence};
pub use publish::{BadPublish, Batch, BatchItem, Event, Publish};
pub use signing::{BadSignature, SignedRequest, signed_query};
