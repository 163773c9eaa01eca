//! Browser: one session of headless Chromium with a driver of its own. Both end when this is dropped, whatever happened.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::prelude::*;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::served::Served;
use super::{axe, machine};

/// One browser at a time: the machine may be small.
static TURNS: Semaphore = Semaphore::const_new(1);
/// How long anything on a page may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);
/// Tallest screenshot, in pixels.
const TALLEST: u64 = 6000;
/// A desktop's and a phone's width, in pixels.
pub(crate) const WIDE: u32 = 1280;
pub(crate) const NARROW: u32 = 360;

pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    base_url: String,
    _driver: Process,
    _chromium: Process,
    _profile: Profile,
    _turn: SemaphorePermit<'static>,
}

impl Browser {
    /// A browser, 1280 pixels wide, in light mode.
    pub(crate) async fn open(served: &Served) -> Browser {
        let turn = TURNS.acquire().await.unwrap();
        machine::prepare();
        let profile = Profile(tempfile::tempdir().unwrap().keep());
        let (chromium, debugger) = start_chromium(&profile);
        let (process, address) = start_driver();
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_debugger_address(&debugger).unwrap();
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let driver = WebDriver::new(address, wanted).await.expect("a browser");
        let base_url = served.base_url.clone();
        let browser =
            Browser { driver, base_url, _driver: process, _chromium: chromium, _profile: profile, _turn: turn };
        browser.width(WIDE).await;
        browser.dark(false).await;
        browser
    }

    /// Opens a page of the service: a path that begins with a slash.
    pub(crate) async fn goto(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base_url)).await.unwrap();
    }

    /// Path, query and fragment of the page that is open.
    pub(crate) async fn here(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base_url).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits until the page that is open has this in its address, or fails.
    pub(crate) async fn arrive(&self, part: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let here = self.here().await;
            if here.contains(part) {
                return;
            }
            assert!(Instant::now() < until, "{here} is not {part}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first element that fits a CSS selector, as soon as it is there.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.driver.find(By::Css(css)).await {
                Ok(element) => return element,
                Err(error) if Instant::now() > until => panic!("no {css} on {}: {error}", self.here().await),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// All elements that fit now.
    pub(crate) async fn find_all(&self, css: &str) -> Vec<WebElement> {
        self.driver.find_all(By::Css(css)).await.unwrap()
    }

    /// Clicks the first element that fits, on the page that is open once the click arrives.
    pub(crate) async fn click(&self, css: &str) {
        let until = Instant::now() + PATIENCE;
        while let Err(error) = self.find(css).await.click().await {
            assert!(Instant::now() < until, "{css} on {}: {error}", self.here().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The text of the first element that fits, as it is seen. A page that goes away while it is read is read anew.
    pub(crate) async fn text(&self, css: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.find(css).await.text().await {
                Ok(text) => return text,
                Err(error) if Instant::now() > until => panic!("{css} on {}: {error}", self.here().await),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until a JavaScript expression is true.
    pub(crate) async fn wait_for(&self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        while self.run(&format!("return Boolean({expression})")).await != json!(true) {
            assert!(Instant::now() < until, "not in time on {}: {expression}", self.here().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until what a page does by itself at its beginning is done.
    pub(crate) async fn settle(&self) {
        self.wait_for("!document.querySelector('[data-bench]') || document.querySelector('#result section')").await;
    }

    /// Runs a script on the page and gives what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Presses keys where the focus is.
    pub(crate) async fn press(&self, keys: impl AsRef<str>) {
        self.driver.active_element().await.unwrap().send_keys(keys.as_ref()).await.unwrap();
    }

    /// Makes the window so many pixels wide.
    pub(crate) async fn width(&self, pixels: u32) {
        let size = json!({ "width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The system's colours: dark, or light.
    pub(crate) async fn dark(&self, is_dark: bool) {
        let scheme = if is_dark { "dark" } else { "light" };
        // Nothing moves by itself: what is clicked must stand where it stood.
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }, still] });
        self.cdp("Emulation.setEmulatedMedia", features).await;
    }

    /// Whether scripts of the pages run from the next page on.
    pub(crate) async fn javascript(&self, on: bool) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": !on })).await;
    }

    /// The whole page as `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.screenshot_up_to(name, TALLEST).await;
    }

    /// The same, cut at a height in pixels.
    pub(crate) async fn screenshot_up_to(&self, name: &str, tallest: u64) {
        let file = machine::screenshots().join(format!("{name}.png"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let size = self.run("const e = document.documentElement; return [innerWidth, e.scrollHeight]").await;
        let height = size[1].as_u64().unwrap().min(tallest);
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.cdp("Page.captureScreenshot", wanted).await;
        let bytes = base64(answer["data"].as_str().unwrap());
        fs::write(file, bytes).unwrap();
    }

    /// Fails where axe-core finds anything serious or critical on this page.
    pub(crate) async fn assert_accessible(&self) {
        self.driver.execute(axe::script(), Vec::new()).await.unwrap();
        let found = self.driver.execute_async(axe::RUN, Vec::new()).await.unwrap();
        let found: Vec<String> = serde_json::from_value(found.json().clone()).unwrap();
        assert!(found.is_empty(), "{} is hard to use:\n{}", self.here().await, found.join("\n"));
    }

    /// Fails where the page is wider than the window.
    pub(crate) async fn assert_no_overflow(&self) {
        const WIDEST: &str = r"
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return null;
            const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > room + 1);
            return wide.slice(0, 5).map((e) => e.tagName + '.' + e.className + ' ' + e.getBoundingClientRect().right).join(', ') || 'it';
        ";
        let wide = self.run(WIDEST).await;
        assert!(wide.is_null(), "{} is wider than the window: {wide}", self.here().await);
    }

    /// Fails where the pages so far made the browser complain: errors of scripts, what the Content-Security-Policy refused.
    pub(crate) async fn assert_quiet(&self) {
        let all = self.driver.browser_log().await.unwrap();
        let bad: Vec<String> = all.iter().filter(|e| e.level == "SEVERE").map(|e| e.message.clone()).collect();
        assert!(bad.is_empty(), "the browser complains: {bad:#?}");
    }

    async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap()
    }
}

/// A process that ends when this is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Process {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Process(quiet.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a headless browser and gives the address at which a driver finds it.
/// A driver that starts its browser itself asks for `localhost`, which not every container knows.
fn start_chromium(Profile(profile): &Profile) -> (Process, String) {
    let mut command = Command::new(machine::chromium());
    command.args(["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]);
    command.args(["--no-first-run", "--disable-extensions", "--disable-background-networking", "--mute-audio"]);
    command.args(["--remote-debugging-port=0", "about:blank"]);
    command.arg(format!("--user-data-dir={}", profile.display())).env("TMPDIR", profile);
    let process = Process::start(&mut command);
    let told = profile.join("DevToolsActivePort");
    let port = || fs::read_to_string(&told).ok()?.lines().next()?.parse::<u16>().ok();
    (process, format!("127.0.0.1:{}", wait(port, "chromium does not start")))
}

/// What a browser keeps. It goes with the browser, whose last processes may still write.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        while fs::remove_dir_all(&self.0).is_err() && self.0.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts chromedriver on a free port and gives its address.
fn start_driver() -> (Process, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Process::start(Command::new("chromedriver").arg(format!("--port={port}")));
    wait(|| TcpStream::connect(("127.0.0.1", port)).ok(), "chromedriver does not listen");
    (process, format!("http://127.0.0.1:{port}"))
}

fn wait<T>(mut ready: impl FnMut() -> Option<T>, otherwise: &str) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match ready() {
            Some(ready) => return ready,
            None if Instant::now() > until => panic!("{otherwise}"),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Bytes from base64 as browsers write it.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for digit in text.bytes().filter_map(|b| ALPHABET.iter().position(|a| *a == b)) {
        (bits, held) = (bits << 6 | digit as u32, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
