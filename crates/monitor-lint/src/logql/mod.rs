//! LogQL: selectors, stages, aggregations. What an expression asks for, not what it answers.

mod expression;
mod tokens;

pub use expression::{LogExpression, LogGrouping, LogMatcher, Pipeline, Stage};

/// Why a text is no LogQL: what stands where, and what should.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct LogqlError(String);
