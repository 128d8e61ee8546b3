//! What is looked at: files, the blocks in them, and what of them belongs together.

mod boards;
mod commands;
mod kinds;
mod markdown;
mod node;
mod questions;
mod rules;
mod setup;

pub(crate) use boards::{Board, Panel};
pub(crate) use commands::Command;
pub(crate) use kinds::Kind;
pub(crate) use markdown::{Fence, fences};
pub(crate) use node::{Key, Node, Unreadable};
pub(crate) use questions::{Ast, Query, Subject};
pub(crate) use rules::{AlertOrRecord, Rule};
pub(crate) use setup::{Document, Setup};

/// A file to look at.
#[derive(Clone, Debug)]
pub struct File {
    /// How findings name it. Its ending says how it is read: `.md`, `.json`, `.yaml` or `.yml`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// A line, counted from 1.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&str> {
        self.text.lines().nth(number.checked_sub(1)?)
    }
}

/// A place in a file: line and column, both counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'f> {
    pub(crate) file: &'f File,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Where a text came from: a whole file, or a block in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'f> {
    pub(crate) file: &'f File,
    /// The line of the file on which the text begins, counted from 1.
    pub(crate) line: usize,
    pub(crate) indent: usize,
    /// Whether it is a block of a document, which may show only a part of a file.
    pub(crate) is_block: bool,
}

impl<'f> Origin<'f> {
    pub(crate) fn of_file(file: &'f File) -> Self {
        Self { file, line: 1, indent: 0, is_block: false }
    }

    pub(crate) fn of_fence(file: &'f File, fence: &Fence) -> Self {
        Self { file, line: fence.line, indent: fence.indent, is_block: true }
    }

    /// The place in the file of what stands here in the text.
    pub(crate) fn place(&self, line: usize, column: usize) -> Place<'f> {
        Place { file: self.file, line: self.line + line - 1, column: self.indent + column }
    }

    pub(crate) fn of_node(&self, node: &Node) -> Place<'f> {
        self.place(node.line, node.column)
    }

    pub(crate) fn of_key(&self, key: &Key) -> Place<'f> {
        self.place(key.line, key.column)
    }
}
