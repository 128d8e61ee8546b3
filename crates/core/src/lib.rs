//! The rules of chat: rooms, membership, order, presence, limits, fan-out; owns the ports.
