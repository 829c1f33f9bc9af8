//! The report page, with a month in it.

use web::{
    kit::forms::Choice,
    reports::views::{Bar, Cell, Chart, Figure, Filter, Legend, Line, Link, Remark, Reports, Section, Table},
};

use crate::samples::{ago, choices};

fn cell(text: &str) -> Cell {
    Cell { text: text.into(), ..Cell::default() }
}

fn time(key: &str, title: &str, is_line: bool) -> Section {
    let days: Vec<(String, f64, f64)> = (1..=30u32)
        .map(|d| (format!("{d} Nov"), f64::from(12 + d * 7 % 13), f64::from(9 + d * 5 % 14)))
        .collect();
    let mut chart = Chart {
        width: 360,
        alt: format!("{title}. The table below has the numbers."),
        scale: ["40", "20", "0"].map(Into::into).into(),
        axis: ["1 Nov", "16 Nov", "30 Nov"].map(Into::into).into(),
        legend: vec![
            Legend { ink: "a", label: "Created".into() },
            Legend { ink: "b", label: "Resolved".into() },
        ],
        ..Chart::default()
    };
    for (i, (label, a, b)) in days.iter().enumerate().filter(|_| !is_line) {
        for (n, (value, ink)) in [(*a, "a"), (*b, "b")].into_iter().enumerate() {
            let (x, height) = ((i * 12 + 1 + n * 5) as f64, value * 2.5);
            let title = format!("{label}: {value}");
            chart.bars.push(Bar { x, y: 100.0 - height, width: 5.0, height, ink, title });
        }
    }
    if is_line {
        let points: Vec<String> = days
            .iter()
            .enumerate()
            .map(|(i, (_, a, _))| format!("{},{}", i * 12 + 6, 100.0 - a * 2.5))
            .collect();
        chart.lines.push(Line { points: points.join(" "), ink: "a" });
    }
    let rows = days.iter().map(|(day, a, b)| vec![cell(day), cell(&a.to_string()), cell(&b.to_string())]);
    Section {
        key: key.into(),
        title: title.into(),
        note: "By day.".into(),
        csv_href: format!("/desk/reports/{key}/csv"),
        chart: Some(chart),
        table: Table {
            heads: ["Day", "Created", "Resolved"].map(Into::into).into(),
            rows: rows.collect(),
            total: Some(vec![cell("All"), cell("604"), cell("571")]),
        },
        is_open: false,
    }
}

fn groups(key: &str, title: &str, rows: &[(&str, u32)]) -> Section {
    let largest = rows.iter().map(|(_, n)| *n).max().unwrap_or(1);
    let rows = rows.iter().map(|(name, n)| {
        vec![
            Cell { href: Some("/desk/reports".into()), ..cell(name) },
            Cell { bar: Some(f64::from(*n) / f64::from(largest) * 100.0), ..cell(&n.to_string()) },
            cell("3 h 20 min"),
        ]
    });
    Section {
        key: key.into(),
        title: title.into(),
        note: "As they are sorted now.".into(),
        csv_href: format!("/desk/reports/{key}/csv"),
        table: Table {
            heads: ["Name", "Created", "Resolution, median"].map(Into::into).into(),
            rows: rows.collect(),
            total: Some(vec![cell("All"), cell("604"), cell("3 h 4 min")]),
        },
        is_open: true,
        ..Section::default()
    }
}

pub fn report() -> Reports {
    let figure = |label: &str, value: &str, note: &str| Figure {
        label: label.into(),
        value: value.into(),
        note: note.into(),
    };
    let select = |name: &str, label: &str, choices: Vec<Choice>| Filter {
        name: name.into(),
        label: label.into(),
        choices,
    };
    Reports {
        ranges: ["7 days", "30 days", "90 days"]
            .map(|label| Link {
                href: "/desk/reports".into(),
                label: label.into(),
                current: label == "30 days",
            })
            .into(),
        from: "2026-10-22".into(),
        to: "2026-11-21".into(),
        today: "2026-11-21".into(),
        zone: "Europe/London".into(),
        filters: vec![
            select("team", "Team", choices(&[("", "Any team"), ("1", "Field")], "")),
            select("assigned_to", "Agent", choices(&[("", "Anybody"), ("1", "Ben Okafor")], "1")),
        ],
        reset_href: Some("/desk/reports".into()),
        is_behind: true,
        summary: vec![
            figure("Created", "604", ""),
            figure("Open", "33", "right now"),
            figure("First answer, median", "1 h 8 min", "90 % within 5 h"),
            figure("Resolved on time", "91 %", ""),
        ],
        sections: vec![
            time("volume", "Volume", false),
            groups("categories", "By category", &[("Technical", 322), ("Billing", 181), ("Account", 101)]),
            time("backlog", "Backlog", true),
            time("satisfaction", "Satisfaction", false),
            groups(
                "agents",
                "By agent",
                &[("Ben Okafor", 240), ("Mia Lindqvist", 214), ("Noor de Vries", 117)],
            ),
        ],
        remarks: vec![Remark {
            href: "/desk/tickets/1".into(),
            number: "SUP-00042".into(),
            subject: "No light on the fibre box".into(),
            score: 5,
            comment: "Fixed before lunch. Thank you!".into(),
            at: ago(90),
        }],
        remarks_csv_href: "/desk/reports/remarks/csv".into(),
        ..Reports::default()
    }
}
