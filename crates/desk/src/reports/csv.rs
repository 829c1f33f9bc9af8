//! A table as CSV: RFC 4180, UTF-8 with a byte order mark (without one the most used spreadsheet reads it as another
//! encoding), names of columns in the first line.

use serde_json::Value;

use super::tables::Table;

/// The table as text, its total (where it has one) as the last line.
pub fn write(table: &Table) -> String {
    let mut out = String::from('\u{feff}');
    line(&mut out, table.columns.iter().map(|c| c.key.to_owned()));
    for row in table.rows.iter().chain(&table.total) {
        line(&mut out, row.iter().map(text));
    }
    out
}

/// What a cell says.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => other.to_string(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe, so that it stays a text.
fn harmless(text: &str) -> String {
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r', ';', '\t']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Column, Kind, Report};

    #[test]
    fn formulas_stay_texts_and_quotes_are_doubled() {
        let table = Table {
            report: Report::Remarks,
            columns: vec![
                Column { key: "comment", kind: Kind::Text },
                Column { key: "score", kind: Kind::Count },
            ],
            rows: vec![
                vec!["=HYPERLINK(\"http://x\")".into(), 5.into()],
                vec![" -2+3".into(), Value::Null],
                vec!["said \"no\", twice".into(), (-1).into()],
            ],
            total: None,
        };
        assert_eq!(
            write(&table),
            "\u{feff}comment,score\r\n\"'=HYPERLINK(\"\"http://x\"\")\",5\r\n' -2+3,\r\n\"said \"\"no\"\", twice\",-1\r\n"
        );
    }
}
