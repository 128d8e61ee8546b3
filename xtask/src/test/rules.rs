//! The rules ring when they should and only then: promtool's unit tests.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::checks::Checks;
use super::report::Outcome;
use crate::provide;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let promtool = provide::program(&["promtool"], "prometheus")?;
    let shell = workspace.shell()?;
    let mut checks = Checks::default();
    for folder in ["alerts", "alerts/profiles"] {
        let files = yaml(&shell, folder)?;
        checks.check(&format!("the rules of {folder} are well made"), || {
            Ok(cmd!(shell, "{promtool} check rules {files...}").quiet().ignore_stdout().run()?)
        });
    }
    for folder in ["alerts/tests", "alerts/tests/profiles"] {
        for file in yaml(&shell, folder)? {
            checks.check(&format!("{} holds", file.display()), || {
                Ok(cmd!(shell, "{promtool} test rules {file}").quiet().ignore_stdout().run()?)
            });
        }
    }
    checks.check("the configuration of Prometheus is well made", || {
        // Its secrets and rules lie where the containers have them.
        let file = "deploy/prometheus/prometheus.yml";
        let check = cmd!(shell, "{promtool} check config --syntax-only {file}");
        Ok(check.quiet().ignore_stdout().run()?)
    });
    checks.outcome()
}

fn yaml(shell: &Shell, folder: &str) -> Result<Vec<PathBuf>> {
    let root = shell.current_dir();
    let files = shell.read_dir(folder)?.into_iter();
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    Ok(files.filter_map(|file| Some(file.strip_prefix(&root).ok()?.to_owned())).collect())
}
