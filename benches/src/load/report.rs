//! What is printed: a table for people, and one line of JSON.

use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value, json};

/// Whether a figure must not be greater or not be less than its goal.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// None: context.
    None,
    /// At most.
    AtMost(f64),
    /// At least.
    AtLeast(f64),
}

#[derive(Debug)]
struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// The figures of one scenario.
#[derive(Debug)]
pub struct Report {
    scenario: String,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Report {
    /// No figures yet.
    #[must_use]
    pub fn new(scenario: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure without a goal.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.goal(name, value, unit, Goal::None);
    }

    /// Adds a figure.
    pub fn goal(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.rows.push(Row { name: name.into(), value, unit, goal });
    }

    /// Adds a sentence.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Prints everything.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{}", self.scenario)?;
        for Row { name, value, unit, goal } in &self.rows {
            let (bound, met) = match *goal {
                Goal::None => (String::new(), ""),
                Goal::AtMost(goal) => (format!("at most {goal}"), verdict(*value <= goal)),
                Goal::AtLeast(goal) => (format!("at least {goal}"), verdict(*value >= goal)),
            };
            let line = format!("  {name:<52} {:>12} {unit:<10} {bound:<16} {met}", rounded(*value));
            writeln!(out, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        let figures: Map<String, Value> = self
            .rows
            .iter()
            .map(|row| (format!("{} [{}]", row.name, row.unit), json!((row.value * 1000.0).round() / 1000.0)))
            .collect();
        writeln!(out, "{}", json!({"scenario": self.scenario, "figures": figures, "notes": self.notes}))?;
        Ok(())
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
