//! The pages, one a file; their HTML is in `templates/`. `home` and `report` (with `log`, its viewer) are what people meet first.

mod address;
mod assets;
mod bench;
mod catalogue;
mod chart;
mod compare;
mod deliveries;
mod diff;
mod docs;
mod frame;
mod history;
mod home;
mod log;
mod login;
mod moment;
mod prose;
mod report;
mod rule;
mod rules;
mod slots;
mod trends;
mod web_error;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::service::App;

pub use docs::router as docs;
pub use home::refused;
pub use login::COOKIE;
pub use web_error::page as error_page;

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show))
        .route("/try/{example}", post(home::example))
        .route("/r/{id}", get(report::show))
        .route("/r/{id}/feedback", post(report::feedback))
        .route("/r/{id}/rediagnose", post(report::rediagnose))
        .route("/r/{id}/delete", post(report::delete))
        .route("/r/{id}/log", get(log::page))
        .route("/r/{id}/lines", get(log::lines))
        .route("/r/{id}/find", get(log::find))
        .route("/r/{id}/hint", get(log::hint))
        .route("/history", get(history::show))
        .route("/compare", get(compare::show))
        .route("/deliveries", get(deliveries::show))
        .route("/deliveries/retry", post(deliveries::retry_all))
        .route("/deliveries/{number}/retry", post(deliveries::retry))
        .route("/deliveries/{number}/drop", post(deliveries::give_up))
        .route("/trends", get(trends::show))
        .route("/rules", get(rules::show))
        .merge(bench_routes())
        .route("/rules/{*id}", get(rule::show))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/static/{*file}", get(assets::show))
        .fallback(web_error::no_such_page)
        .layer(from_fn(web_error::tell))
        .layer(Extension(catalogue::Catalogues::default()))
}

fn bench_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rules/bench", get(bench::show).post(bench::attempt))
        .route("/rules/bench/try", post(bench::live))
        .route("/rules/bench/history", post(bench::replay))
        .route("/rules/bench/export", post(bench::export))
        .layer(DefaultBodyLimit::max(bench::MOST_SENT))
}
