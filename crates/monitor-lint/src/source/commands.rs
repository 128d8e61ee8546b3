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

/// The texts that a block of commands has in it (`<<EOF`), each with its first line, counted from 1.
pub(crate) fn inner_texts(fence: &Fence) -> Vec<(usize, String)> {
    let mut texts = Vec::new();
    let mut lines = fence.text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(end) = line.split_once("<<").and_then(|(_, rest)| end_mark(rest)) else {
            continue;
        };
        let inner: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != end).collect();
        texts.push((index + 2, inner.join("\n") + "\n"));
    }
    texts
}

/// `EOF`, `-EOF`, `'EOF'`: the word that ends the text.
fn end_mark(rest: &str) -> Option<&str> {
    let word = rest.trim_start_matches('-').split_whitespace().next()?.trim_matches(['\'', '"']);
    (!word.is_empty() && word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use super::super::{File, fences};
    use super::*;

    fn fence(text: &str) -> Fence {
        fences(&format!("```sh\n{text}```\n")).remove(0)
    }

    #[test]
    fn a_command_has_words_and_a_query() {
        let file = File { path: "a.md".to_owned(), text: String::new() };
        let fence = fence(
            "# curl no\nsudo curl -sG \\\n  'http://a/api/v1/query' --data-urlencode \"query=up{a='b'}\" | jq .\n",
        );
        let found = read(&fence, Origin::of_fence(&file, &fence));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].position(), (2, 6));
        let expected =
            ["curl", "-sG", "http://a/api/v1/query", "--data-urlencode", "query=up{a='b'}"];
        assert_eq!(found[0].words(), expected);
        assert_eq!(found[0].query().as_deref(), Some("up{a='b'}"));
    }

    #[test]
    fn texts_in_commands_are_found_with_their_lines() {
        let fence =
            fence("a\nkubectl apply -f - <<'EOF'\nb: c\nEOF\ncat <<X >d\ne\nX\necho 1 << 2\n");
        let expected = [(3, "b: c\n".to_owned()), (6, "e\n".to_owned())];
        assert_eq!(inner_texts(&fence), expected);
    }
}
