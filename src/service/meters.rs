//! Meters: what is counted for Prometheus of logs and requests; `/metrics` shows it.

use std::sync::OnceLock;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::App;
use crate::report::Report;

/// Bounds of the buckets of all times, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts to count. Once a process is enough; more do no harm.
pub fn start() {
    RECORDER.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).ok()?;
        let handle = builder.install_recorder().ok()?;
        describe();
        Some(handle)
    });
}

/// All that was counted, in Prometheus' text format.
pub async fn render(app: &App) -> String {
    match app.store.outbox_size().await {
        Ok((waiting, dead)) => {
            gauge!("whyred_outbox", "state" => "waiting").set(waiting as f64);
            gauge!("whyred_outbox", "state" => "dead").set(dead as f64);
        }
        // The other counts are still told.
        Err(error) => tracing::warn!(%error, "the outbox could not be counted"),
    }
    let (size, idle) = app.store.pool_state();
    gauge!("whyred_database_connections", "state" => "idle").set(idle as f64);
    gauge!("whyred_database_connections", "state" => "used").set((size as usize).saturating_sub(idle) as f64);
    gauge!("whyred_rules").set(app.engine().rules().len() as f64);
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Forgets what histograms need no more; to be called every few seconds.
pub fn upkeep() {
    if let Some(handle) = RECORDER.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

/// A request was answered. `route` is the pattern of its path.
pub fn request(method: &str, route: &str, status: u16, seconds: f64) {
    counter!("whyred_requests_total", "method" => method.to_owned(), "route" => route.to_owned(), "status" => status.to_string())
        .increment(1);
    histogram!("whyred_request_seconds", "route" => route.to_owned()).record(seconds);
}

/// A log was read in so many microseconds.
pub(super) fn log(report: &Report, micros: u64) {
    counter!("whyred_logs_total", "verdict" => report.verdict.clone()).increment(1);
    counter!("whyred_log_bytes_total").increment(report.log.bytes);
    histogram!("whyred_scan_seconds").record(micros as f64 / 1e6);
    for diagnosis in &report.diagnoses {
        counter!("whyred_diagnoses_total", "rule" => diagnosis.rule.clone()).increment(1);
    }
}

fn describe() {
    metrics::describe_counter!("whyred_requests_total", "Requests that were answered");
    metrics::describe_histogram!("whyred_request_seconds", "Time from a request's head to its answer's head");
    metrics::describe_counter!(
        "whyred_logs_total",
        "Logs that were read, by verdict; the share of verdict=\"unknown\" is what the rules lack"
    );
    metrics::describe_counter!("whyred_log_bytes_total", "Bytes of logs that were read, compression undone");
    metrics::describe_histogram!(
        "whyred_scan_seconds",
        "Time that the reading of one log took, without waiting for its sender"
    );
    metrics::describe_counter!("whyred_diagnoses_total", "Root causes that were told, by rule");
    metrics::describe_gauge!("whyred_database_connections", "Connections to the database");
    metrics::describe_gauge!(
        "whyred_outbox",
        "What is still to be done at peers (waiting), and what could not be done (dead)"
    );
    metrics::describe_gauge!("whyred_rules", "Rules in use");
}
