//! The reference of settings and the example file, written from the declarations.

use super::{
    Config,
    setting::{PLACE, Setting, Shape},
};
use std::fmt::Write;

const HEAD: &str = "\
# Settings

Generated from the declarations in the server: change them there, then run `cargo xtask docs`.

One TOML file (`--config FILE`, else `CAMPANILE_CONFIG`, else `campanile.toml` where the server is
started). Every key also as an environment variable: `server.listen` is `CAMPANILE_SERVER__LISTEN`;
lists are separated by commas. Flags go before the environment, the environment before the file, the
file before the defaults. An unknown key is an error. A secret can lie in a file of its own, named
by the same key with `_file` (`CAMPANILE_METRICS__BEARER_TOKEN_FILE`).

`N` in a key is the place in a list of tables, from 0: `apps.0.key` is `key` under the first `[[apps]]`
of the file, and `CAMPANILE_APPS__0__KEY`.

These names mean the same: `METRICS_ENABLED`, `METRICS_DRIVER` (`metrics.exporters`, in the file also
`metrics.driver`), `METRICS_HOST`, `METRICS_PORT`, `PROMETHEUS_METRICS_PREFIX`,
`CAMPANILE_METRICS_ALLOW_IPS`, `CAMPANILE_METRICS_ALLOW_CIDR`, `CAMPANILE_STATISTICS_INTERVAL`.
";

const EXAMPLE_HEAD: &str = "\
# Every setting with its default, generated from the declarations in the server: change them there,
# then run `cargo xtask docs`. Copy the lines that you want to change into campanile.toml.
";

/// The reference, as Markdown.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    let settings = Config::settings();
    for setting in &settings {
        let its_section = setting.section().split('.').next().unwrap_or_default();
        if its_section != section {
            section = its_section;
            let _ = write!(
                text,
                "\n## {section}\n\n| key | default | what it is for |\n| --- | --- | --- |\n"
            );
        }
        let help = paragraph(setting.help).replace('|', "\\|");
        let _ = writeln!(text, "| `{}` | {} | {help} |", setting.key, shown_default(setting));
    }
    text
}

/// The example file: every key, commented out.
pub fn example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    let mut section = String::new();
    for setting in Config::settings() {
        if setting.section() != section {
            section = setting.section().to_owned();
            let _ = write!(text, "\n{}\n", heading(&section));
        }
        let name = setting.name();
        let help = paragraph(setting.help);
        for line in wrap(&help, 96) {
            let _ = writeln!(text, "# {line}");
        }
        match &setting.default {
            Some(default) => _ = writeln!(text, "# {name} = {default}"),
            None => _ = writeln!(text, "# {name} ="),
        }
    }
    text
}

/// The line above a section. Without their lines, tables of a list would be there with nothing in
/// them, so these are commented out as well.
fn heading(section: &str) -> String {
    let names: Vec<&str> = section.split('.').filter(|name| *name != PLACE).collect();
    let name = names.join(".");
    let is_in_list = section.split('.').any(|name| name == PLACE);
    match (is_in_list, section.rsplit('.').next()) {
        (true, Some(PLACE)) => format!("# [[{name}]]"),
        (true, _) => format!("# [{name}]"),
        (false, _) => format!("[{name}]"),
    }
}

/// A configuration as it is in force, as TOML with secrets left out.
pub fn print(config: &Config) -> String {
    toml::to_string(config).expect("every setting is a TOML value")
}

fn shown_default(setting: &Setting) -> String {
    match (&setting.default, setting.shape) {
        (Some(default), _) => format!("`{default}`"),
        (None, Shape::Secret) => "none; secret".to_owned(),
        (None, _) => "none".to_owned(),
    }
}

/// Lines of a doc comment as one.
fn paragraph(help: &str) -> String {
    let lines = help.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_defaults_when_uncommented() {
        let given = example();
        let lines = given.lines().filter_map(|line| {
            let setting = line.strip_prefix("# ").unwrap_or(line);
            let is_setting = setting.contains(" = ") && !setting.ends_with('=');
            (setting.starts_with('[') || is_setting && !setting.contains("  ")).then_some(setting)
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let table: toml::Table = text.parse().expect("TOML");
        let port = table["metrics"]["port"].as_integer();
        assert_eq!(port, Some(9601));
        let apps = table["apps"].as_array().expect("a list");
        assert_eq!(apps[0]["limits"]["presence_members_max"].as_integer(), Some(100));
    }

    #[test]
    fn every_key_is_in_the_reference() {
        let text = markdown();
        for setting in Config::settings() {
            assert!(text.contains(&format!("| `{}` |", setting.key)), "{}", setting.key);
            assert!(!setting.help.trim().is_empty(), "{} says what it is for", setting.key);
        }
    }
}
