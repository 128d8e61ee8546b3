//! Commands of a shell that ask something: curl.

use super::{Fence, Origin, Place};

#[derive(Debug)]
pub(crate) struct Command<'f> {
    origin: Origin<'f>,
    line: usize,
    column: usize,
    /// From `curl` to the end of the command, its lines joined.
    pub(crate) text: String,
}

impl<'f> Command<'f> {
    pub(crate) fn place(&self) -> Place<'f> {
        self.origin.place(self.line, self.column)
    }

    /// Line and column in its block.
    pub(crate) fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// What Prometheus is asked: in the address, or as data beside it.
    pub(crate) fn query(&self) -> Option<String> {
        let words = self.words();
        let asks = words.iter().any(|word| word.contains("/api/v1/query"));
        let is_loki = words.iter().any(|word| word.contains("/loki/"));
        let found = words.iter().find_map(|word| {
            let in_address = word.split_once("?query=").map(|(_, query)| query);
            in_address.or_else(|| word.strip_prefix("query="))
        });
        // What is encoded is no text that could be read here.
        found.filter(|text| asks && !is_loki && !text.contains(['%', '$', '&'])).map(str::to_owned)
    }

    /// The words of it, without their quotes; a pipe or a semicolon outside of quotes ends it.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for letter in self.text.chars() {
            match (quote, letter) {
                (Some(open), _) if letter == open => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None, '|' | ';' | '&' | '>') => break,
                (None, _) if letter.is_whitespace() => words.extend(word.take()),
                _ => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }
}

/// Every curl of a block.
pub(crate) fn read<'f>(fence: &Fence, origin: Origin<'f>) -> Vec<Command<'f>> {
    let mut commands = Vec::new();
    let mut lines = fence.text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let Some(at) = first.find("curl ") else { continue };
        if first.trim_start().starts_with('#') {
            continue;
        }
        let mut text = first[at..].to_owned();
        while text.ends_with('\\') {
            text.pop();
            let Some((_, next)) = lines.next() else { break };
            text.push_str(next.trim());
        }
        commands.push(Command { origin, line: index + 1, column: at + 1, text });
    }
    commands
}
