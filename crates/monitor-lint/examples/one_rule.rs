//! Looks at one rule, as an editor would while it is written: `cargo run --example one_rule`.

use std::io::{self, Write};

use campanile_monitor_lint::{Catalogue, File, lint, output};

const RULE: &str = "groups:
  - name: chat
    rules:
      - alert: NobodyIsThere
        expr: rate(chat_connections_active[5m]) == 0
";

/// What the server says of itself, as `/metrics` answers it.
const METRICS: &str = "# TYPE chat_connections_active gauge\nchat_connections_active 3\n";

fn main() -> io::Result<()> {
    let known = Catalogue::parse(METRICS).map_err(io::Error::other)?;
    let files = [File { path: "chat.yaml".to_owned(), text: RULE.to_owned() }];
    let findings = lint(&files, &known);
    io::stdout().write_all(output::text(&findings, &files).as_bytes())
}
