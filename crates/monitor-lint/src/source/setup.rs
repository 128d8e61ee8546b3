//! What belongs together: the files of one run, or the blocks of one guide, which whoever follows it
//! puts on one machine.

use super::boards::{self, Board};
use super::commands::{self, Command};
use super::questions::{Language, Query, Subject};
use super::rules::{self, Rule};
use super::{Fence, File, Kind, Node, Origin, Place, Unreadable, fences};
use crate::catalogue::Catalogue;

/// Everything that was read, by what it is.
#[derive(Debug, Default)]
pub(crate) struct Setup<'f> {
    pub(crate) queries: Vec<Query<'f>>,
    pub(crate) rules: Vec<Rule<'f>>,
    pub(crate) boards: Vec<Board<'f>>,
    pub(crate) documents: Vec<Document<'f>>,
    pub(crate) commands: Vec<Command<'f>>,
    pub(crate) unreadable: Vec<(Place<'f>, String)>,
    /// What it says itself that can be asked for, and what else is known.
    pub(crate) catalogue: Catalogue,
    /// Whether it is a guide, whose blocks may show only a part of a file.
    pub(crate) is_guide: bool,
}

/// A document of YAML or JSON that is no rules and no board.
#[derive(Debug)]
pub(crate) struct Document<'f> {
    pub(crate) origin: Origin<'f>,
    pub(crate) kind: Kind,
    pub(crate) node: Node,
}

impl<'f> Setup<'f> {
    /// The setups among the files: each guide is one, all other files are one together.
    pub(crate) fn of(files: &'f [File], known: &Catalogue) -> Vec<Self> {
        let new = |is_guide| Self { catalogue: known.clone(), is_guide, ..Self::default() };
        let mut setups = vec![new(false)];
        for file in files {
            if file.path.ends_with(".md") {
                let mut guide = new(true);
                guide.read_guide(file);
                setups.push(guide);
            } else {
                setups[0].read_file(file);
            }
        }
        setups
    }

    /// The documents of this kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Document<'f>> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }

    /// The rules, each with its query.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&Rule<'f>, &Query<'f>)> {
        self.rules.iter().map(|rule| (rule, &self.queries[rule.query]))
    }

    /// The panels, each with its board and its queries.
    pub(crate) fn panels(
        &self,
    ) -> impl Iterator<Item = (&Board<'f>, &boards::Panel, &[Query<'f>])> {
        self.boards.iter().flat_map(move |board| {
            let panels = board.panels.iter();
            panels.map(move |panel| (board, panel, &self.queries[panel.queries.clone()]))
        })
    }

    fn read_file(&mut self, file: &'f File) {
        let origin = Origin::of_file(file);
        let read = if file.path.ends_with(".json") {
            Node::json(&file.text).map(|document| vec![document])
        } else {
            Node::documents(&file.text)
        };
        match read {
            Ok(documents) => self.take_all(documents, origin),
            Err(why) => self.refuse(origin, why),
        }
    }

    fn read_guide(&mut self, file: &'f File) {
        self.catalogue.read_guide(&file.text);
        for fence in fences(&file.text) {
            let origin = Origin::of_fence(file, &fence);
            match fence.language.as_str() {
                "yaml" | "yml" => match Node::documents(&fence.text) {
                    Ok(documents) => self.take_all(documents, origin),
                    Err(why) => self.refuse(origin, why),
                },
                "json" => match Node::json(&fence.text) {
                    Ok(document) => self.take(document, origin),
                    Err(why) => self.refuse(origin, why),
                },
                "promql" => self.take_queries(&fence, origin, Language::Promql),
                "logql" => self.take_queries(&fence, origin, Language::Logql),
                "bash" | "sh" | "shell" | "console" => {
                    self.take_commands(&fence, origin);
                }
                _ => {}
            }
        }
    }

    fn refuse(&mut self, origin: Origin<'f>, unreadable: Unreadable) {
        let Unreadable { line, column, why } = unreadable;
        self.unreadable.push((origin.place(line, column), why));
    }

    fn take_all(&mut self, documents: Vec<Node>, origin: Origin<'f>) {
        for document in documents {
            self.take(document, origin);
        }
    }

    fn take(&mut self, document: Node, origin: Origin<'f>) {
        let kind = Kind::of(&document);
        let is_rules = kind == Kind::Rules
            || kind == Kind::Kubernetes && document.text_of("kind") == Some("PrometheusRule");
        if is_rules {
            let language = language_of_rules(origin);
            let rules = rules::read(&document, origin, language, &mut self.queries);
            self.rules.extend(rules);
        }
        if kind == Kind::Board {
            self.boards.extend(boards::read(&document, origin, &mut self.queries));
        }
        self.documents.push(Document { origin, kind, node: document });
    }

    /// Commands, and what they ask Prometheus.
    fn take_commands(&mut self, fence: &Fence, origin: Origin<'f>) {
        for command in commands::read(fence, origin) {
            if let Some(text) = command.query() {
                let place = command.position();
                let query = Query::read(origin, place, &text, Subject::Command, Language::Promql);
                self.queries.push(query);
            }
            self.commands.push(command);
        }
        for (line, text) in commands::inner_texts(fence) {
            let inner = Origin { line: origin.line + line - 1, ..origin };
            // What is written so may be anything; what is not known is left alone.
            let read = Node::documents(&text).unwrap_or_default();
            let known = read.into_iter().filter(|document| Kind::of(document) != Kind::Other);
            self.take_all(known.collect(), inner);
        }
    }

    /// Queries stand apart by an empty line or a comment, which says what the next one is.
    fn take_queries(&mut self, fence: &Fence, origin: Origin<'f>, language: Language) {
        let mut comment = String::new();
        let mut lines: Vec<(usize, &str)> = Vec::new();
        for (index, line) in fence.text.lines().chain([""]).enumerate() {
            let plain = line.trim();
            if !plain.is_empty() && !plain.starts_with('#') {
                lines.push((index + 1, line));
                continue;
            }
            self.take_query(&std::mem::take(&mut lines), origin, &comment, language);
            if let Some(said) = plain.strip_prefix('#') {
                comment = said.trim().to_owned();
            }
        }
    }

    fn take_query(
        &mut self,
        lines: &[(usize, &str)],
        origin: Origin<'f>,
        comment: &str,
        language: Language,
    ) {
        let read = |part: &[(usize, &str)]| {
            let text: Vec<&str> = part.iter().map(|(_, line)| *line).collect();
            let (line, first) = part[0];
            let column = first.len() - first.trim_start().len() + 1;
            let subject = Subject::Block(comment.to_owned());
            Query::read(origin, (line, column), &text.join("\n"), subject, language)
        };
        if lines.is_empty() {
            return;
        }
        let whole = read(lines);
        let is_broken = |query: &Query| matches!(query.ast, super::Ast::Broken(_));
        let apart: Vec<Query> = lines.chunks(1).map(read).collect();
        if is_broken(&whole) && !apart.iter().any(is_broken) {
            self.queries.extend(apart);
        } else {
            self.queries.push(whole);
        }
    }
}

/// The ruler of Loki reads files of the same form, which by custom lie in a folder of its name.
fn language_of_rules(origin: Origin<'_>) -> Language {
    let folders = origin.file.path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let is_loki = !origin.is_block && folders.split('/').any(|folder| folder.contains("loki"));
    if is_loki { Language::LogqlFirst } else { Language::Unknown }
}
