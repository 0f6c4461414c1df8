//! Formats the medians of all runs as rows of a Markdown table.

use doorward_bench::measurement::Measurement;

use crate::runs::{Figures, Work};

pub(crate) const HEAD: &str = "\
| work | server | CPU us (own) | to floor | a second | p50 us | p99 us | out of order | bytes | load busy |
|---|---|---|---|---|---|---|---|---|---|";

/// Returns the rows of one kind of work, one per server. The first server is the one to compare with.
pub(crate) fn rows(work: &Work, measured: &[(String, Vec<Measurement>)]) -> String {
    let floor = measured.first().map_or(&[][..], |(_, runs)| runs);
    let rows = measured.iter().map(|(server, runs)| {
        let figures = match work.figures {
            Figures::Time => time(runs, floor),
            Figures::Memory => memory(runs, floor),
        };
        format!("| {} | {server} | {figures} |", work.name)
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn time(runs: &[Measurement], floor: &[Measurement]) -> String {
    let cpu = median(runs, |run| run.cpu);
    let out_of_order: u64 = runs.iter().map(|run| run.out_of_order).sum();
    format!(
        "{cpu:.2} ({:.2}) | {:.2} | {:.0} | {:.0} | {:.0} | {out_of_order} | - | {:.0} %",
        median(runs, |run| run.cpu_user),
        cpu / median(floor, |run| run.cpu),
        median(runs, |run| run.rate),
        median(runs, |run| run.p50),
        median(runs, |run| run.p99),
        median(runs, |run| run.load_busy) * 100.0,
    )
}

fn memory(runs: &[Measurement], floor: &[Measurement]) -> String {
    let bytes = median(runs, |run| run.bytes);
    format!("- | {:.2} | - | - | - | - | {bytes:.0} | -", bytes / median(floor, |run| run.bytes))
}

fn median(runs: &[Measurement], figure: impl Fn(&Measurement) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
