//! The schema as each engine sees it, and its picture, are kept as files so that a change is seen in a review.
//! `cargo dev schema` writes them; these tests compare them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a migration that cannot be read fails the test

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use db::EngineKind;

/// Compares with the file, or writes it when told to.
fn hold(file: &str, made: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("BLESS").is_some() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{file} is not what the migrations make; `cargo dev schema` writes it anew");
}

#[test]
fn schema_of_sqlite() {
    hold("schema/sqlite.sql", &db::migrate::schema(EngineKind::Sqlite));
}

#[test]
fn schema_of_postgres() {
    hold("schema/postgres.sql", &db::migrate::schema(EngineKind::Postgres));
}

#[test]
fn schema_as_a_diagram() {
    let text = db::migrate::schema(EngineKind::Postgres);
    let tables = tables(&text);
    assert_eq!(
        tables.iter().map(|t| t.name.clone()).collect::<Vec<_>>(),
        db::migrate::tables(),
        "every table is read"
    );
    hold("docs/erd.md", &diagram(&tables, &views(&text)));
}

struct Table {
    name: String,
    /// Name, type, and whether it may be null.
    columns: Vec<(String, String, bool)>,
    primary: Vec<String>,
    foreign: Vec<Foreign>,
}

struct Foreign {
    columns: Vec<String>,
    table: String,
}

/// Statements of the schema file that begin like this, up to the row-level security.
fn statements<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let text = text.split("-- row-level security").next().unwrap_or(text);
    text.split(';').filter_map(|s| s.find(start).map(|at| &s[at..])).collect()
}

fn tables(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = statements(text, "create table ").into_iter().map(table).collect();
    for statement in statements(text, "alter table ") {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let table = tables.iter_mut().find(|t| t.name == words[2]).expect("a table that is there");
        match &words[3..] {
            ["add", "column", rest @ ..] => table.column(&rest.join(" ")),
            ["drop", "column", name] => table.columns.retain(|c| c.0 != *name),
            other => panic!("{other:?} is not drawn"),
        }
    }
    tables
}

impl Table {
    fn column(&mut self, part: &str) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let (column, rest) = (words[0], &words[1..]);
        let kind = match rest {
            ["double", "precision", ..] => "double_precision",
            [kind, ..] => kind,
            [] => panic!("{column} has no type"),
        };
        if part.contains("primary key") {
            self.primary.push(column.to_owned());
        }
        if let Some(at) = rest.iter().position(|w| *w == "references") {
            self.foreign.push(Foreign { columns: vec![column.to_owned()], table: rest[at + 1].to_owned() });
        }
        self.columns.push((column.to_owned(), kind.to_owned(), part.contains("not null")));
    }
}

fn table(statement: &str) -> Table {
    let open = statement.find('(').expect("columns");
    let close = statement.rfind(')').expect("an end");
    let name = statement["create table ".len()..open].trim().to_owned();
    let mut table = Table { name, columns: Vec::new(), primary: Vec::new(), foreign: Vec::new() };
    for part in parts(&statement[open + 1..close]) {
        let words: Vec<&str> = part.split_whitespace().collect();
        match words.as_slice() {
            ["primary", "key", ..] => table.primary = listed(&part),
            ["unique", ..] => {}
            ["foreign", "key", ..] => {
                let target = words.iter().skip_while(|w| **w != "references").nth(1).expect("a table");
                table.foreign.push(Foreign { columns: listed(&part), table: (*target).to_owned() });
            }
            [_, ..] => table.column(&part),
            [] => {}
        }
    }
    table
}

/// Splits at commas that are not inside parentheses.
fn parts(text: &str) -> Vec<String> {
    let (mut depth, mut out, mut part) = (0, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.push(std::mem::take(&mut part).trim().to_owned());
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    out.push(part.trim().to_owned());
    out
}

/// What the first parentheses hold.
fn listed(text: &str) -> Vec<String> {
    let open = text.find('(').expect("a list");
    let close = text[open..].find(')').expect("its end") + open;
    text[open + 1..close].split(',').map(|c| c.trim().to_owned()).collect()
}

/// A view's name and the tables it selects from.
fn views(text: &str) -> Vec<(String, Vec<String>)> {
    let mut out = Vec::new();
    for statement in statements(text, "create view ") {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let from = words.windows(2).filter(|w| matches!(w[0], "from" | "join")).map(|w| w[1].to_owned());
        out.push((words[2].to_owned(), from.collect()));
    }
    out
}

fn diagram(tables: &[Table], views: &[(String, Vec<String>)]) -> String {
    let mut out = String::from(
        "# Tables\n\n\
         Made from `migrations/` by `cargo dev schema`; a test compares it. Types are those of PostgreSQL; \
         `schema/sqlite.sql` has SQLite's.\n\n\
         Every table with a `tenant_id` refers to `tenants`; those lines are left out of the picture. \
         A foreign key between two such tables always includes `tenant_id` on both sides.\n\n\
         ```mermaid\nerDiagram\n",
    );
    for table in tables {
        writeln!(out, "  {} {{", table.name).unwrap();
        for (name, kind, required) in &table.columns {
            let mut keys = Vec::new();
            if table.primary.contains(name) {
                keys.push("PK");
            }
            if table.foreign.iter().any(|f| f.columns.last() == Some(name)) {
                keys.push("FK");
            }
            let keys = if keys.is_empty() { String::new() } else { format!(" {}", keys.join(", ")) };
            let optional = if *required { "" } else { " \"may be null\"" };
            writeln!(out, "    {kind} {name}{keys}{optional}").unwrap();
        }
        out.push_str("  }\n");
    }
    for table in tables {
        let required: BTreeMap<&str, bool> = table.columns.iter().map(|(n, _, r)| (n.as_str(), *r)).collect();
        for foreign in table.foreign.iter().filter(|f| f.table != "tenants") {
            let column = foreign.columns.last().expect("a column");
            let one = if required[column.as_str()] { "||" } else { "|o" };
            writeln!(out, "  {} {one}--o{{ {} : {column}", foreign.table, table.name).unwrap();
        }
    }
    out.push_str("```\n\n## Views\n\nA customer's pages and answers select from these alone.\n\n| view | made from |\n|---|---|\n");
    for (name, from) in views {
        writeln!(
            out,
            "| `{name}` | {} |",
            from.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ")
        )
        .unwrap();
    }
    out
}
