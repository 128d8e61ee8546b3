//! What the program logs: every event once and on one line, as often as it is counted, and nothing
//! that is nobody's business.

#[path = "../../../loki/tests/stand_in/mod.rs"]
mod stand_in;
#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod applications;
mod canary;
mod logged;
mod nasty;
mod people;
mod traces;
