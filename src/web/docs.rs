//! DocsPage: the API as a page, made of its OpenAPI document: each way in with its fields, its answers and a command to copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;

use super::frame::Frame;
use super::prose;
use crate::service::App;

/// What is wanted most; the rest stands behind, by name.
const FIRST: [&str; 4] = ["paste", "reports", "logs", "rules"];

/// The API.
#[derive(Template, WebTemplate)]
#[template(path = "docs.html")]
pub(super) struct DocsPage {
    frame: Frame,
    base_url: String,
    document: Arc<Document>,
}

/// What the page says of an OpenAPI document.
#[derive(Debug, Default)]
struct Document {
    /// HTML.
    about: String,
    groups: Vec<(String, Vec<Way>)>,
}

/// A way in.
#[derive(Debug)]
struct Way {
    id: String,
    method: String,
    path: String,
    /// HTML.
    summary: String,
    /// HTML.
    about: String,
    fields: Vec<Field>,
    bodies: Vec<String>,
    /// Status and what it means.
    answers: Vec<(String, String)>,
}

/// A parameter of a path, a query or a header.
#[derive(Debug)]
struct Field {
    name: String,
    place: String,
    required: bool,
    /// HTML.
    about: String,
}

/// GET /docs for this OpenAPI document.
pub fn router(openapi: &Value) -> Router<Arc<App>> {
    Router::new().route("/docs", get(show)).layer(Extension(Arc::new(Document::of(openapi))))
}

async fn show(State(app): State<Arc<App>>, Extension(document): Extension<Arc<Document>>) -> DocsPage {
    DocsPage { frame: Frame::of(&app, "docs"), base_url: app.config.base_url.clone(), document }
}

impl DocsPage {
    fn one_line(&self) -> String {
        format!("some-build 2>&1 | curl -T- {}", self.base_url)
    }
}

impl Document {
    fn of(openapi: &Value) -> Document {
        let mut groups: BTreeMap<String, Vec<Way>> = BTreeMap::new();
        for (path, ways) in openapi["paths"].as_object().into_iter().flatten() {
            for (method, way) in ways.as_object().into_iter().flatten().filter(|(_, way)| way["responses"].is_object())
            {
                let tag = way["tags"][0].as_str().unwrap_or("other").to_owned();
                groups.entry(tag).or_default().push(Way::of(method, path, way));
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(tag, _)| FIRST.iter().position(|first| first == tag).unwrap_or(FIRST.len()));
        Document { about: prose::html(&text(&openapi["info"]["description"])), groups }
    }
}

impl Way {
    fn of(method: &str, path: &str, way: &Value) -> Way {
        let field = |field: &Value| Field {
            name: text(&field["name"]),
            place: text(&field["in"]),
            required: field["required"].as_bool().unwrap_or(false),
            about: prose::html(&text(&field["description"])),
        };
        let name = path.trim_matches('/').replace(['/', '{', '}', '*', '.'], "-");
        Way {
            id: format!("{method}-{name}"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: prose::html(&text(&way["summary"])),
            about: prose::html(&text(&way["description"])),
            fields: way["parameters"].as_array().into_iter().flatten().map(field).collect(),
            bodies: way["requestBody"]["content"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(kind, _)| kind.clone())
                .collect(),
            answers: way["responses"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(status, answer)| (status.clone(), text(&answer["description"])))
                .collect(),
        }
    }

    /// A command that asks for it.
    fn command(&self, base_url: &str) -> String {
        let method = match self.method.as_str() {
            "GET" => String::new(),
            "PUT" => "-T build.log ".to_owned(),
            "POST" if self.bodies.iter().any(|kind| kind == "application/json") && self.bodies.len() == 1 => {
                "--json @request.json ".to_owned()
            }
            "POST" if !self.bodies.is_empty() => "--data-binary @build.log ".to_owned(),
            other => format!("-X {other} "),
        };
        format!("curl {method}'{base_url}{}'", self.path)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_becomes_groups_of_ways() {
        let way = json!({
            "tags": ["reports"], "summary": "Diagnose a log", "requestBody": { "content": { "*/*": {} } },
            "parameters": [{ "name": "job", "in": "query", "description": "The `job`" }],
            "responses": { "201": { "description": "The report" } }
        });
        let document = Document::of(&json!({ "paths": { "/api/v1/reports": { "post": way } } }));
        let (tag, ways) = &document.groups[0];
        assert_eq!((tag.as_str(), ways[0].id.as_str()), ("reports", "post-api-v1-reports"));
        assert_eq!(ways[0].command("http://h"), "curl --data-binary @build.log 'http://h/api/v1/reports'");
        assert!(ways[0].fields[0].about.contains("<code>job</code>"));
        assert_eq!(ways[0].answers, [("201".to_owned(), "The report".to_owned())]);
    }
}
