//! The tools for agents, over HTTP as old and new clients speak it, and over standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::house::{CAUSE, House, LOG};

const NEW: &str = "2026-07-28";

impl House {
    async fn rpc(&self, host: &str, method: &str, mut params: Value) -> reqwest::Response {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {}
        });
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self.http.post(format!("{}/mcp", self.base)).json(&body).header("host", host);
        request = request.header("accept", "application/json, text/event-stream").header("mcp-protocol-version", NEW);
        request = request.header("mcp-method", method);
        if !name.is_empty() {
            request = request.header("mcp-name", name);
        }
        request.send().await.unwrap()
    }

    async fn tool(&self, name: &str, arguments: Value) -> Value {
        let answer = self.rpc("whyred.example", "tools/call", json!({ "name": name, "arguments": arguments })).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        // What a tool says must fit a model: 25,000 tokens of some three characters each.
        assert!(text.len() < 75_000, "{name} says {} bytes", text.len());
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }
}

#[tokio::test]
async fn all_tools_over_http() {
    let house = House::open(|_| String::new()).await;
    let list: Value = house.rpc("whyred.example", "tools/list", json!({})).await.json().await.unwrap();
    let mut names: Vec<&str> =
        list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let all = ["diagnose_log", "explain_rule", "get_report", "search_history", "search_rules", "suggest_patch"];
    assert_eq!(names, all, "{list}");

    let told = house.tool("diagnose_log", json!({ "log": LOG, "project": "envoy" })).await;
    let told = &told["structuredContent"];
    assert!(told["summary"].as_str().unwrap().contains(CAUSE), "{told}");
    assert!(told["chain"].as_str().unwrap().contains("WORKSPACE:14"));
    let id = told["permalink"].as_str().unwrap();
    assert!(id.starts_with("https://whyred.example/r/"));

    let rule = told["causes"][0]["rule"].as_str().unwrap();
    let explained = house.tool("explain_rule", json!({ "rule": rule })).await;
    assert_eq!(explained["structuredContent"]["id"], rule);
    let found = house.tool("search_rules", json!({ "query": "hash mismatch in fixed-output derivation" })).await;
    assert!(!found["structuredContent"]["rules"].as_array().unwrap().is_empty(), "{found}");
    let history = house.tool("search_history", json!({ "project": "envoy" })).await;
    assert_eq!(history["structuredContent"]["reports"].as_array().unwrap().len(), 1);
    let report = house.tool("get_report", json!({ "id": id, "from": 27, "to": 27 })).await;
    assert!(report["structuredContent"]["excerpt"].as_str().unwrap().starts_with("27  "), "{report}");
    let patch = house.tool("suggest_patch", json!({ "id": id })).await;
    assert!(!patch["structuredContent"]["fixes"].as_array().unwrap().is_empty(), "{patch}");

    // What cannot be done is said, and nothing of this machine is read.
    for (tool, arguments) in [
        ("diagnose_log", json!({ "path": "/etc/passwd" })),
        ("diagnose_log", json!({ "url": "http://169.254.169.254/latest" })),
        ("diagnose_log", json!({})),
        ("explain_rule", json!({ "rule": "no/such/rule" })),
        ("get_report", json!({ "id": "nothing" })),
        ("suggest_patch", json!({ "id": id, "cause": 99 })),
    ] {
        assert_eq!(house.tool(tool, arguments).await["isError"], true, "{tool}");
    }
}

#[tokio::test]
async fn long_logs_give_short_answers() {
    let house = House::open(|_| String::new()).await;
    let line = format!("error: undefined variable '{}'\n\n       at /home/ada/flake.nix:41:22:\n", "é<\"".repeat(5000));
    let log: String = (0..200).map(|n| line.replace("flake", &format!("flake{n}"))).collect();
    let told = house.tool("diagnose_log", json!({ "log": log })).await;
    let id = told["structuredContent"]["permalink"].clone();
    house.tool("get_report", json!({ "id": id, "from": 1, "to": 1_000_000 })).await;
    house.tool("suggest_patch", json!({ "id": id })).await;
    house.tool("search_rules", json!({ "query": "a" })).await;
}

#[tokio::test]
async fn older_clients_and_other_hosts() {
    let house = House::open(|_| String::new()).await;
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "old", "version": "1" } } });
    let request = |host: &'static str| {
        let request = house.http.post(format!("{}/mcp", house.base)).header("host", host).json(&hello);
        request.header("accept", "application/json, text/event-stream")
    };
    let answer: Value = request("whyred.example").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"]["serverInfo"]["name"], "whyred", "{answer}");
    assert_eq!(request("evil.example").send().await.unwrap().status(), 421);
    let own = request("whyred.example").header("origin", "https://whyred.example");
    assert_eq!(own.send().await.unwrap().status(), 200);
    let neighbour = request("whyred.example").header("origin", "https://whyred.example:8443");
    assert_eq!(neighbour.send().await.unwrap().status(), 403);
    let foreign = request("whyred.example").header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[test]
fn standard_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("build.log");
    std::fs::write(&file, LOG).unwrap();
    let database = format!("sqlite:{}", folder.path().join("whyred.db").display());
    let objects = folder.path().join("objects");
    let kept = ["--database", &database, "--objects", objects.to_str().unwrap()];
    for (arguments, tools) in [(&[][..], 4), (&kept[..], 6)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_whyred"))
            .arg("mcp")
            .args(arguments)
            .env_remove("DATABASE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut ask = |message: Value| {
            writeln!(input, "{message}").unwrap();
            if message["id"].is_null() {
                return Value::Null;
            }
            serde_json::from_str::<Value>(&output.next().unwrap().unwrap()).unwrap()
        };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let answer = ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }));
        assert_eq!(answer["result"]["serverInfo"]["name"], "whyred", "{answer}");
        ask(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let list = ask(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }));
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), tools, "{list}");
        let call = json!({ "name": "diagnose_log", "arguments": { "path": file } });
        let answer = ask(json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call }));
        let told = &answer["result"]["structuredContent"];
        assert!(told["summary"].as_str().unwrap_or_default().contains(CAUSE), "{answer}");
        assert_eq!(told["permalink"].is_null(), tools == 4);
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}
