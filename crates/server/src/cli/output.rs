//! What commands say: their output on standard output, what is wrong on standard error.

use std::io::{self, Write};

/// Prints a text as it is. A reader that has gone away has seen enough.
pub(super) fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _gone = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Prints a line.
pub(super) fn line(text: &str) {
    print(&format!("{text}\n"));
}

/// Says what is wrong, in one line.
pub(super) fn error(text: &str) {
    let mut output = io::stderr().lock();
    let _gone = writeln!(output, "campanile: {text}");
}
