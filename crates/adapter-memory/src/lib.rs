//! Every port in memory: for tests and for a single node.
