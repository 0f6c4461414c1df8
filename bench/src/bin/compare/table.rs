//! Formats the medians of all runs as rows of a Markdown table.

use doorward_bench::measurement::Measurement;

use crate::runs::{Figures, Work};

/// Returns the first two lines of the table. `base` is the server with which the other servers are compared.
pub(crate) fn head(base: &str) -> String {
    format!(
        "| work | server | CPU us (own) | to {base}, and range | a second | p50 us | p99 us | out of order | bytes | load busy |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    )
}

/// Returns the rows of one kind of work, one for each server.
pub(crate) fn rows(work: &Work, base: &str, measured: &[(String, Vec<Measurement>)]) -> String {
    let base = measured.iter().find(|(server, _)| server == base).map_or(&[][..], |(_, runs)| runs);
    let rows = measured.iter().map(|(server, runs)| {
        let figures = match work.figures {
            Figures::Time => time(runs, base),
            Figures::Memory => memory(runs, base),
        };
        format!("| {} | {server} | {figures} |", work.name)
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn time(runs: &[Measurement], base: &[Measurement]) -> String {
    let out_of_order: u64 = runs.iter().map(|run| run.out_of_order).sum();
    format!(
        "{:.2} ({:.2}) | {} | {:.0} | {:.0} | {:.0} | {out_of_order} | - | {:.0} %",
        median(runs.iter().map(|run| run.cpu)),
        median(runs.iter().map(|run| run.cpu_user)),
        ratio(runs, base, |run| run.cpu),
        median(runs.iter().map(|run| run.rate)),
        median(runs.iter().map(|run| run.p50)),
        median(runs.iter().map(|run| run.p99)),
        median(runs.iter().map(|run| run.load_busy)) * 100.0,
    )
}

fn memory(runs: &[Measurement], base: &[Measurement]) -> String {
    let bytes = median(runs.iter().map(|run| run.bytes));
    format!("- | {} | - | - | - | - | {bytes:.0} | -", ratio(runs, base, |run| run.bytes))
}

/// Returns the median and the range of the ratios to `base`. Each run is compared with the run of `base` in
/// the same round, so that a slow minute of the machine affects both.
fn ratio(
    runs: &[Measurement],
    base: &[Measurement],
    figure: impl Fn(&Measurement) -> f64,
) -> String {
    let ratios: Vec<f64> =
        runs.iter().zip(base).map(|(run, base)| figure(run) / figure(base)).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if ratios.is_empty() {
        "-".to_owned()
    } else {
        format!("{:.3} ({least:.3}-{most:.3})", median(ratios.into_iter()))
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
