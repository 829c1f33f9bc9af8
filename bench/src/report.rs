//! The dated result: a table of shares, and the machine it was measured on.

use std::fmt::Write as _;

use crate::{driver::Load, per_second};

pub struct Report {
    text: String,
}

impl Report {
    pub fn new() -> Self {
        let mut text = String::from("# Benchmark\n\n");
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|l| l.strip_prefix("model name"))
            .map_or("unknown", |l| l.trim_start_matches([' ', '\t', ':']));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(text, "{cores} cores, {model}. Each figure beside two limits of the same run; the share is of the lower one.\n").ok();
        text.push_str("| engine | tickets | what | callers | server /s | p50 ms | p99 ms | bare SQL /s | empty handler /s | share |\n|---|---|---|---|---|---|---|---|---|---|\n");
        print!("{text}");
        Self { text }
    }

    #[allow(clippy::too_many_arguments)]
    pub fn line(
        &mut self,
        engine: &str,
        size: usize,
        what: &str,
        callers: usize,
        product: &Load,
        bare: Option<f64>,
        empty: &Load,
    ) {
        let (product_s, empty_s) = (per_second(product), per_second(empty));
        let share = bare.map(|bare| format!("**{:.2}**", product_s / bare.min(empty_s))).unwrap_or_default();
        let bare = bare.map(|bare| format!("{bare:.0}")).unwrap_or_default();
        self.push(&format!(
            "| {engine} | {size} | {what} | {callers} | {product_s:.0} | {:.2} | {:.2} | {bare} | {empty_s:.0} | {share} |\n",
            product.percentile_ms(0.5),
            product.percentile_ms(0.99)
        ));
    }

    pub fn fact(&mut self, engine: &str, size: usize, what: &str, value: String) {
        self.push(&format!("| {engine} | {size} | {what} | | {value} | | | | | |\n"));
    }

    fn push(&mut self, line: &str) {
        print!("{line}");
        self.text.push_str(line);
    }

    pub fn write(&self) {
        self.write_as("report.md");
    }

    pub fn write_as(&self, file: &str) {
        let today = base::Clock::now(&base::SystemClock).to_zoned(jiff::tz::TimeZone::UTC).date();
        let folder = std::path::Path::new("bench/results").join(today.to_string());
        std::fs::create_dir_all(&folder).expect("a folder for results");
        std::fs::write(folder.join(file), &self.text).expect("the report is written");
        println!("\nwritten to {}", folder.join(file).display());
    }
}
