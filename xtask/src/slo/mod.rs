//! Promises: `alerts/slo.toml` says what they are, and the rules that watch them are made of it.

mod rules;
mod source;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use source::Source;

/// Where the promises are written down.
const SOURCE: &str = "alerts/slo.toml";

/// Where their rules lie. Made of the source by [`rendered`].
pub(crate) const RENDERED: &str = "alerts/slo.yaml";

/// The rules for the promises of the repository at `root`.
pub(crate) fn rendered(root: &Path) -> Result<String> {
    let text =
        fs::read_to_string(root.join(SOURCE)).with_context(|| format!("cannot read {SOURCE}"))?;
    let source = Source::parse(&text).with_context(|| format!("{SOURCE} is not well made"))?;
    Ok(rules::file(&source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_promises_are_fresh() {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tasks lie in the repository");
        let fresh = rendered(root).expect("the source is well made");
        let path = root.join(RENDERED);
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == fresh, "{RENDERED} is stale: run `cargo xtask docs`");
    }
}
