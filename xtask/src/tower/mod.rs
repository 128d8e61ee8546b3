//! The bell tower as data: what is measured, and the queries, rules and runbooks that use it.

pub(crate) mod catalogue;
pub(crate) mod logql;
mod promql;
mod provisioning;
mod rules;
mod runbooks;

pub(crate) use catalogue::{Catalogue, Kind, Metric, Series};
#[cfg(test)]
pub(crate) use logql::REFERENCE;
pub(crate) use logql::{
    LOGS, LogContract, LogEvent, LogExpression, LogMatcher, LogQuery, Pipeline, Stage, line_of,
    log_queries,
};
pub(crate) use promql::{Query, Selector};
pub(crate) use provisioning::{
    DATASOURCES, DatasourceFile, LABEL_VALUE, Pane, PaneQuery, ProvidedDatasource,
};
pub(crate) use rules::{Rule, RuleFile, UnitTests};
pub(crate) use runbooks::{Fence, HEADINGS, Runbook, fences, is_wrong_on_purpose};
