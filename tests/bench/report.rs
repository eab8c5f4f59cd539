//! What was measured, as a table.

/// The rows so far; each is also shown when it is there.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 4]>,
}

/// What is aimed at.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    None,
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    /// One measured number; `beside` says what it means beside others of the same run.
    pub(crate) fn row(&mut self, what: &str, measured: f64, unit: &str, aim: Aim, beside: &str) {
        let aimed = match aim {
            Aim::None => String::new(),
            Aim::AtMost(most) if measured <= most => format!("≤ {} met", number(most)),
            Aim::AtMost(most) => format!("≤ {} missed ({:.1} ×)", number(most), measured / most),
            Aim::AtLeast(least) if measured >= least => format!("≥ {} met", number(least)),
            Aim::AtLeast(least) => format!("≥ {} missed ({:.2} ×)", number(least), measured / least),
        };
        let row = [what.to_owned(), format!("{} {unit}", number(measured)), aimed, beside.to_owned()];
        eprintln!("  {}", row.join("  ").trim_end());
        self.rows.push(row);
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let heads = ["measured", "", "aim", "beside it"].map(str::to_owned);
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&heads]).map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths = [0, 1, 2, 3].map(width);
        let line = |row: &[String; 4]| {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = widths.map(|width| "-".repeat(width));
        let rows: String = self.rows.iter().map(line).collect();
        line(&heads) + &line(&rule) + &rows
    }
}

fn number(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
