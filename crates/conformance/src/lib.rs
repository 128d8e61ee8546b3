//! The promises of every port, written once as tests.
