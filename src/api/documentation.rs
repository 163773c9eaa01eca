//! Documentation: the OpenAPI document, and Swagger's page that shows it, which comes out of the binary.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContactBuilder, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, Ref, ResponseBuilder, SecurityRequirement,
};

use super::Problem;
use crate::service::App;

const ABOUT: &str = "\
Send the log of a failed Bazel or Nix build; get the root cause, the line that proves it, and a fix.

Errors are problem documents (RFC 9457). Where the operator asks for a token, it is sent as `Authorization: Bearer wrd_…`; a token has \
the scopes `ingest` (send logs), `read` (everything that is shown) or `admin` (also delete, diagnose anew, and see to deliveries). \
Times are milliseconds since 1970, UTC. Fields may be added to answers; none is renamed or removed.";

/// Answers that every way in may give.
const EVERYWHERE: [(&str, &str); 6] = [
    ("400", "The request cannot be understood; `detail` says what to send instead"),
    ("401", "A token is needed, or the one that was sent is not known"),
    ("403", "The token does not allow this, or a page of another site asks"),
    ("421", "The host name that was asked for is not known here"),
    ("429", "Too many requests; Retry-After says when to come again"),
    ("500", "Something is wrong inside; the log of the service says what, under the id that `instance` names"),
];

/// An answer with a problem: a document for programs, a sentence for terminals.
fn refusal(what: &str) -> utoipa::openapi::Response {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let sentence = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build();
    ResponseBuilder::new()
        .description(what)
        .content("application/problem+json", problem())
        .content("text/plain", sentence)
        .build()
}

/// Swagger's page needs styles that its scripts write.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Says what is true of all ways in.
pub fn complete(openapi: &mut OpenApi) {
    let contact = ContactBuilder::new().name(Some("whyred")).build();
    openapi.info = InfoBuilder::new()
        .title("whyred")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(contact))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    openapi.components.get_or_insert_default().security_schemes.insert("token".to_owned(), token.into());
    for item in openapi.paths.paths.values_mut() {
        let ways = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for way in ways.into_iter().flatten() {
            for (status, what) in EVERYWHERE {
                way.responses.responses.entry(status.to_owned()).or_insert_with(|| refusal(what).into());
            }
        }
    }
    openapi.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("token", [""; 0])]);
}

/// `/openapi.json`, and the page of it at `/docs/`.
pub fn docs(openapi: OpenApi) -> Router<Arc<App>> {
    let openapi = Arc::new(openapi);
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json").use_base_layout());
    let file = move |path: String| serve(&path, Arc::clone(&config));
    let index = file.clone();
    Router::new()
        .route("/docs/", get(async move || index(String::new())))
        .route("/docs/{*file}", get(async move |Path(path): Path<String>| file(path)))
        .layer(from_fn(loosen))
        .route("/openapi.json", get(async move || Json((*openapi).clone())))
}

fn serve(path: &str, config: Arc<utoipa_swagger_ui::Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(path, config) {
        Ok(Some(file)) => ([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response(),
        _ => Problem::new(StatusCode::NOT_FOUND, "there is nothing here").into_response(),
    }
}

async fn loosen(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
