//! Changes what is safe to change.

use crate::finding::{Finding, Fix};
use crate::source::File;

/// The files in which something could be mended, mended, and how many findings that were.
#[must_use]
pub fn fix(files: &[File], findings: &[Finding]) -> (Vec<File>, usize) {
    let mut count = 0;
    let mended = files.iter().filter_map(|file| {
        let mut lines: Vec<Option<String>> =
            file.text.split_inclusive('\n').map(|line| Some(line.to_owned())).collect();
        let own = findings.iter().filter(|finding| finding.file == file.path);
        let fixed = own.filter(|finding| mend(&mut lines, finding)).count();
        count += fixed;
        let text = lines.into_iter().flatten().collect();
        (fixed > 0).then(|| File { path: file.path.clone(), text })
    });
    (mended.collect(), count)
}

/// Says whether there was something to change, and it is changed. Two findings of one line may ask
/// for the same.
fn mend(lines: &mut [Option<String>], finding: &Finding) -> bool {
    let Some(line) = finding.line.checked_sub(1).and_then(|at| lines.get_mut(at)) else {
        return false;
    };
    match (&finding.fix, line.as_mut()) {
        (Some(Fix::RemoveLine), Some(_)) => *line = None,
        (Some(Fix::Replace { from, to }), Some(text)) if text.contains(from.as_str()) => {
            *text = text.replace(from.as_str(), to);
        }
        _ => return false,
    }
    true
}
