use std::fmt::Write as _;

use comrak::nodes::{ListType, NodeValue};

/// Plain text as it grows. `prefixes` is what stands before each line: quote marks and list indents.
#[derive(Default)]
pub(crate) struct Text {
    out: String,
    prefixes: Vec<&'static str>,
    lists: Vec<(ListType, usize)>,
    links: Vec<usize>,
    tight: Vec<bool>,
    /// A list mark was written and the item's text follows on its line.
    after_mark: bool,
    cells: usize,
}

impl Text {
    fn line(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
        self.prefixes.iter().for_each(|prefix| self.out.push_str(prefix));
    }

    /// Starts a block: on a line of its own, after an empty one unless the list is tight.
    fn block(&mut self) {
        if self.after_mark {
            self.after_mark = false;
        } else if !self.out.is_empty() {
            if !self.tight.last().copied().unwrap_or(false) {
                self.line();
            }
            self.line();
        } else {
            self.prefixes.iter().for_each(|prefix| self.out.push_str(prefix));
        }
    }

    pub(crate) fn open(&mut self, node: &NodeValue) {
        match node {
            NodeValue::BlockQuote => {
                self.block();
                self.prefixes.push("> ");
                self.out.push_str("> ");
                self.after_mark = true;
            }
            NodeValue::List(list) => {
                self.lists.push((list.list_type, list.start));
                // A list stands apart from what is before it even when its items do not.
                if !self.after_mark && self.tight.is_empty() && !self.out.is_empty() {
                    self.line();
                }
                self.tight.push(list.tight);
            }
            NodeValue::Item(_) | NodeValue::TaskItem(_) => {
                self.block();
                match self.lists.last_mut() {
                    Some((ListType::Ordered, number)) => {
                        let _ = write!(self.out, "{number}. ");
                        *number = number.saturating_add(1);
                    }
                    _ => self.out.push_str("- "),
                }
                if let NodeValue::TaskItem(task) = node {
                    self.out.push_str(if task.symbol.is_some() { "[x] " } else { "[ ] " });
                }
                self.prefixes.push("  ");
                self.after_mark = true;
            }
            NodeValue::Paragraph | NodeValue::Heading(_) => self.block(),
            NodeValue::ThematicBreak => {
                self.block();
                self.out.push_str("---");
            }
            NodeValue::CodeBlock(code) => {
                self.block();
                for (i, line) in code.literal.trim_end().lines().enumerate() {
                    if i > 0 {
                        self.line();
                    }
                    self.out.push_str("    ");
                    self.out.push_str(line);
                }
            }
            NodeValue::Table(_) => {
                self.block();
                self.after_mark = true;
            }
            NodeValue::TableRow(_) => {
                if !std::mem::take(&mut self.after_mark) {
                    self.line();
                }
                self.cells = 0;
            }
            NodeValue::TableCell => {
                if self.cells > 0 {
                    self.out.push_str(" | ");
                }
                self.cells += 1;
            }
            NodeValue::Text(words) => self.out.push_str(words),
            NodeValue::Code(code) => self.out.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => self.line(),
            NodeValue::Link(_) | NodeValue::Image(_) => self.links.push(self.out.len()),
            _ => {}
        }
    }

    pub(crate) fn close(&mut self, node: &NodeValue) {
        match node {
            NodeValue::BlockQuote => {
                self.prefixes.pop();
                self.after_mark = false;
            }
            NodeValue::List(_) => {
                self.lists.pop();
                self.tight.pop();
            }
            NodeValue::Item(_) | NodeValue::TaskItem(_) => {
                self.prefixes.pop();
                self.after_mark = false;
            }
            NodeValue::Link(link) | NodeValue::Image(link) => {
                let shown = self.links.pop().and_then(|start| self.out.get(start..)).unwrap_or_default();
                let plain = link.url.strip_prefix("mailto:").unwrap_or(&link.url);
                let same = shown == plain || link.url.strip_prefix("http://") == Some(shown);
                if !same && !link.url.is_empty() {
                    let _ = write!(self.out, " ({plain})");
                }
            }
            _ => {}
        }
    }

    pub(crate) fn finish(self) -> String {
        let text = self.out.trim();
        if text.is_empty() { String::new() } else { format!("{text}\n") }
    }
}
