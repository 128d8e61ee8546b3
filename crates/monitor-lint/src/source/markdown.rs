//! Fenced blocks of Markdown, and what stands above each of them.

/// A block between fences.
#[derive(Debug, PartialEq)]
pub(crate) struct Fence {
    /// The first word after the opening fence, in small letters.
    pub(crate) language: String,
    /// The line of the document, counted from 1, on which the text begins.
    pub(crate) line: usize,
    /// How many columns were taken from each line, since the fence stands so deep.
    pub(crate) indent: usize,
    pub(crate) text: String,
    /// The last heading above it.
    pub(crate) heading: String,
}

/// Every fenced block of a text.
pub(crate) fn fences(text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut heading = String::new();
    let mut open: Option<(Fence, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let plain = line.trim_start_matches([' ', '\t']);
        match &mut open {
            None if plain.starts_with("```") || plain.starts_with("~~~") => {
                let rest = plain.trim_start_matches(['`', '~']);
                let closing = plain[..plain.len() - rest.len()].to_owned();
                let word = rest.split_whitespace().next().unwrap_or_default();
                let indent = line.len() - plain.len();
                let fence = Fence {
                    language: word.to_lowercase(),
                    line: index + 2,
                    indent,
                    text: String::new(),
                    heading: heading.clone(),
                };
                open = Some((fence, closing));
            }
            None => {
                if plain.starts_with('#') {
                    heading = plain.trim_start_matches('#').trim().to_owned();
                }
            }
            Some((_, closing)) if plain.trim_end() == closing.as_str() => {
                fences.extend(open.take().map(|(fence, _)| fence));
            }
            Some((fence, _)) => {
                let depth = line.len() - plain.len();
                fence.text.push_str(&line[depth.min(fence.indent)..]);
                fence.text.push('\n');
            }
        }
    }
    fences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_place_and_its_heading() {
        let found =
            fences("# A\n\n1. b\n   ```YAML title\n   c:\n     d\n   ```\n\n~~~\ne\n```\n~~~\n");
        let [first, second] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&*first.language, first.line, first.indent), ("yaml", 5, 3));
        assert_eq!((&*first.text, &*first.heading), ("c:\n  d\n", "A"));
        assert_eq!((&*second.language, &*second.text), ("", "e\n```\n"));
    }

    #[test]
    fn a_block_without_an_end_is_none() {
        assert_eq!(fences("```yaml\na: b\n"), []);
    }
}
