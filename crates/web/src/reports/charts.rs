//! Pictures of tables: bars beside or on top of each other, and lines. The scale ends at a round number.

use desk::reports::{Kind, Table};
use serde_json::Value;

use super::views::{Bar, Chart, Legend, Line};

/// How the columns of a table are drawn.
#[derive(Clone, Copy)]
pub enum Draw {
    Beside,
    Stacked,
    Lines,
}

/// Width of one row of the table.
const STEP: f64 = 12.0;
const HEIGHT: f64 = 100.0;
const INKS: [&str; 2] = ["a", "b"];

/// `columns`: which are drawn, with their words; `shown` says a value as the table does; `labels` name the rows.
pub fn chart(
    table: &Table,
    draw: Draw,
    columns: &[(&str, String)],
    labels: &[String],
    alt: String,
    shown: impl Fn(Kind, &Value) -> String,
) -> Option<Chart> {
    let at = |key: &str| table.columns.iter().position(|c| c.key == key);
    let kind = columns.first().and_then(|(key, _)| at(key)).and_then(|i| table.columns.get(i))?.kind;
    let series: Vec<Vec<Option<f64>>> = columns
        .iter()
        .filter_map(|(key, _)| at(key))
        .map(|i| table.rows.iter().map(|row| row.get(i).and_then(Value::as_f64)).collect())
        .collect();
    let height_of = |i: usize| {
        let values = series.iter().filter_map(|s| s.get(i).copied().flatten());
        if matches!(draw, Draw::Stacked) { values.sum() } else { values.fold(0.0, f64::max) }
    };
    let largest = (0..table.rows.len()).map(height_of).fold(0.0, f64::max);
    if largest <= 0.0 {
        return None;
    }
    let top = if kind == Kind::Minutes { round_minutes(largest) } else { round_count(largest) };
    let mut chart = Chart {
        width: (table.rows.len() as f64 * STEP) as u32,
        alt,
        scale: [1.0, 0.5, 0.0]
            .map(|part| {
                shown(kind, &Value::from(if kind == Kind::Count { (top * part).round() } else { top * part }))
            })
            .into(),
        axis: axis(labels),
        legend: columns
            .iter()
            .zip(INKS)
            .map(|((_, label), ink)| Legend { ink, label: label.clone() })
            .collect(),
        ..Chart::default()
    };
    match draw {
        Draw::Lines => {
            for (values, ink) in series.iter().zip(INKS) {
                chart.lines.extend(lines(values, top, ink));
            }
        }
        Draw::Beside | Draw::Stacked => {
            let width =
                if matches!(draw, Draw::Stacked) { STEP - 4.0 } else { (STEP - 2.0) / series.len() as f64 };
            for i in 0..table.rows.len() {
                let (mut x, mut base) = (
                    i as f64 * STEP
                        + (STEP
                            - width * if matches!(draw, Draw::Stacked) { 1.0 } else { series.len() as f64 })
                            / 2.0,
                    HEIGHT,
                );
                for ((values, ink), (_, what)) in series.iter().zip(INKS).zip(columns) {
                    let value = values.get(i).copied().flatten().unwrap_or(0.0);
                    let height = value / top * HEIGHT;
                    let label = labels.get(i).cloned().unwrap_or_default();
                    let title = format!("{label} · {what}: {}", shown(kind, &Value::from(value)));
                    if value > 0.0 {
                        chart.bars.push(Bar { x, y: base - height, width, height, ink, title });
                    }
                    if matches!(draw, Draw::Stacked) { base -= height } else { x += width }
                }
            }
        }
    }
    Some(chart)
}

/// A line breaks where nothing was measured; a lone point is a short line.
fn lines(values: &[Option<f64>], top: f64, ink: &'static str) -> Vec<Line> {
    let mut out = Vec::new();
    for run in values.iter().enumerate().collect::<Vec<_>>().chunk_by(|a, b| a.1.is_some() == b.1.is_some()) {
        let mut points: Vec<(f64, f64)> = run
            .iter()
            .filter_map(|(i, v)| Some((*i as f64 * STEP + STEP / 2.0, HEIGHT - (**v)? / top * HEIGHT)))
            .collect();
        if let [(x, y)] = points[..] {
            points = vec![(x - STEP / 4.0, y), (x + STEP / 4.0, y)];
        }
        if !points.is_empty() {
            let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            out.push(Line { points: points.join(" "), ink });
        }
    }
    out
}

fn axis(labels: &[String]) -> Vec<String> {
    match labels {
        [] => Vec::new(),
        [only] => vec![only.clone()],
        [first, last] => vec![first.clone(), last.clone()],
        [first, .., last] => {
            vec![first.clone(), labels.get(labels.len() / 2).cloned().unwrap_or_default(), last.clone()]
        }
    }
}

/// The next of 2, 4, 6, 10, 20, 40, 60, 100 …: its half is whole too.
fn round_count(value: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for n in [2.0, 4.0, 6.0, 10.0] {
            if value <= n * step {
                return n * step;
            }
        }
        step *= 10.0;
    }
}

/// The next number of minutes that people say.
fn round_minutes(value: f64) -> f64 {
    const HOUR: f64 = 60.0;
    const DAY: f64 = 24.0 * HOUR;
    let steps = [
        10.0,
        30.0,
        HOUR,
        2.0 * HOUR,
        4.0 * HOUR,
        8.0 * HOUR,
        12.0 * HOUR,
        DAY,
        2.0 * DAY,
        4.0 * DAY,
        6.0 * DAY,
    ];
    steps.into_iter().find(|n| value <= *n).unwrap_or_else(|| round_count(value / DAY) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([1.0, 3.0, 7.0, 11.0, 61.0].map(round_count), [2.0, 4.0, 10.0, 20.0, 100.0]);
        assert_eq!([5.0, 61.0, 3_000.0, 14_401.0].map(round_minutes), [10.0, 120.0, 5_760.0, 20.0 * 1_440.0]);
    }

    #[test]
    fn lines_break_where_nothing_was_measured() {
        let found = lines(&[Some(1.0), Some(2.0), None, Some(2.0)], 2.0, "a");
        assert_eq!(
            found.iter().map(|l| l.points.as_str()).collect::<Vec<_>>(),
            ["6.0,50.0 18.0,0.0", "39.0,0.0 45.0,0.0"]
        );
    }
}
