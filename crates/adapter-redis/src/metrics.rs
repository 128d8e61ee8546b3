//! What only the driver sees: connections, commands, the queue of the bus, the memory of the cache.

use crate::trouble::TroubleKind;
use campanile_core::labels::Outcome;
use campanile_metrics::{buckets, catalogue, labels};

labels! {
    /// This driver.
    pub enum Driver("driver") {
        /// Redis.
        Redis = "redis",
    }
}

labels! {
    /// What is behind the cache: all caches of a node share one server.
    pub enum Server("cache") {
        /// Redis.
        Redis = "redis",
    }
}

labels! {
    /// Why an entry left the cache.
    pub enum Eviction("reason") {
        /// There was no room.
        Size = "size",
        /// Its time was over.
        Ttl = "ttl",
    }
}

labels! {
    /// What is asked of Redis.
    pub enum Call("command") {
        /// Whether it is there.
        Ping = "ping",
        /// How it is.
        Info = "info",
        /// Signals are published: many in one call.
        Publish = "publish",
        /// A channel is listened to.
        Subscribe = "subscribe",
        /// The node says that it is there, and asks who else is.
        Nodes = "nodes",
        /// A user's presence is noted.
        PresencePut = "presence_put",
        /// Presence is asked for.
        PresenceGet = "presence_get",
        /// Presence is put right.
        PresenceReconcile = "presence_reconcile",
        /// A subscription to a channel, or its last event, is noted.
        ChannelsPut = "channels_put",
        /// Channels are asked for.
        ChannelsGet = "channels_get",
        /// Channels are put right.
        ChannelsReconcile = "channels_reconcile",
        /// A rate is checked, or a budget.
        Rate = "rate",
        /// An answer to a request that may come again is looked up or kept.
        Answers = "answers",
        /// An entry is looked up.
        CacheGet = "cache_get",
        /// An entry is taken in.
        CachePut = "cache_put",
        /// Entries are forgotten.
        CacheForget = "cache_forget",
    }
}

catalogue! {
    /// What only the driver sees.
    pub struct RedisMetrics {
        /// Calls of Redis, by what is asked.
        counter commands(Call, Outcome) = "chat_redis_commands_total";
        /// Calls of Redis that failed, by reason.
        counter errors(TroubleKind) = "chat_redis_errors_total";
        /// Time Redis takes to answer one call.
        histogram duration(Call) = "chat_redis_command_duration_seconds" [Seconds]
            buckets buckets::FAST;
        /// Reconnections to the broker.
        counter reconnects(Driver) = "chat_broker_reconnects_total";
        /// Messages waiting to be published.
        gauge queue(Driver) = "chat_broker_queue_messages";
        /// Messages lost at the broker edge.
        counter dropped(Driver) = "chat_broker_messages_dropped_total";
        /// Entries held, those of other users of the same servers among them.
        gauge cache_entries(Server) = "chat_cache_entries";
        /// Memory the cache uses.
        gauge cache_used(Server) = "chat_cache_used_bytes" [Bytes];
        /// Memory limit of the cache; 0 when unlimited.
        gauge cache_max(Server) = "chat_cache_max_bytes" [Bytes];
        /// Entries evicted.
        counter evictions(Server, Eviction) = "chat_cache_evictions_total";
        /// 1 when the last health probe of the cache succeeded.
        gauge cache_up(Server) = "chat_cache_up";
    }
}
