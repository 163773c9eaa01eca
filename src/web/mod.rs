//! The pages, one a file; their HTML is in `templates/`.

mod assets;
mod diff;
mod frame;
mod home;
mod login;
mod moment;
mod prose;
mod report;
mod web_error;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::service::App;

pub use home::refused;
pub use login::COOKIE;
pub use web_error::page as error_page;

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show))
        .route("/try/{example}", post(home::example))
        .route("/r/{id}", get(report::show))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/static/{*file}", get(assets::show))
        .fallback(web_error::no_such_page)
        .layer(from_fn(web_error::tell))
}
