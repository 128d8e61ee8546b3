//! The bell tower as data: what is measured, and the queries, rules and runbooks that use it.

pub(crate) mod catalogue;
mod promql;
mod provisioning;
mod rules;
mod runbooks;
mod logql;

pub(crate) use catalogue::{Catalogue, Kind, Metric, Series};
pub(crate) use logql::{LogQuery, log_queries};
pub(crate) use promql::{Query, Selector};
pub(crate) use provisioning::{DATASOURCES, DatasourceFile};
pub(crate) use rules::{Rule, RuleFile, UnitTests};
pub(crate) use runbooks::{Fence, HEADINGS, Runbook, fences};
