//! InternalJson: `nix --log-format internal-json` read as the text that Nix would have shown. One event a line, after `@nix `:
//! messages with their level, activities (a build, a copy) and their results (a line of a builder's log, a phase).
//! The codes stand in Nix's `src/libutil/logging.hh`. What is not such an event is text as it is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use memchr::memmem;
use serde::Deserialize;

use super::Numbers;

/// What every event starts with.
const MARK: &[u8] = b"@nix {";
/// Longer lines are no events and are passed on in pieces, in bytes.
const LONGEST: u64 = 1 << 20;
/// Bytes at the start of a log in which its first event must stand.
pub(super) const HEAD: usize = 4096;
/// Activities whose names are remembered at a time.
const ACTIVITIES: usize = 4096;
/// The most talkative level that is shown without `-v`: `lvlInfo`.
const SHOWN: u64 = 3;
/// `actBuild`.
const BUILD: u64 = 105;
/// `resBuildLogLine`, `resPostBuildLogLine`, `resSetPhase`.
const LOG_LINE: u64 = 101;
const POST_LOG_LINE: u64 = 107;
const SET_PHASE: u64 = 104;

/// Does a log that starts with these bytes hold Nix's events?
pub fn is_internal_json(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    memmem::find_iter(head, MARK).any(|at| at == 0 || head[at - 1] == b'\n')
}

/// The text of a log of events.
#[derive(Debug)]
pub struct InternalJson<R> {
    input: BufReader<R>,
    numbers: Rc<RefCell<Numbers>>,
    /// What has been read of the raw log: whole lines, and bytes.
    lines: u64,
    bytes: u64,
    /// The last line read has no line feed.
    unended: bool,
    line: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` has been given away.
    given: usize,
    /// The last line of `text` has no end yet.
    goes_on: bool,
    /// Names of the derivations that are being built, by activity.
    names: HashMap<u64, String>,
}

#[derive(Deserialize)]
struct Event {
    action: String,
    #[serde(default)]
    id: u64,
    #[serde(default)]
    level: u64,
    #[serde(default, rename = "type")]
    kind: u64,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    fields: Vec<serde_json::Value>,
}

impl<R: Read> InternalJson<R> {
    /// The text of `input`; which raw line each line of it stands on is written to the numbers.
    pub fn new(input: R) -> InternalJson<R> {
        InternalJson {
            input: BufReader::with_capacity(64 * 1024, input),
            numbers: Rc::new(RefCell::new(Numbers::of_another_text())),
            lines: 0,
            bytes: 0,
            unended: false,
            line: Vec::new(),
            text: Vec::new(),
            given: 0,
            goes_on: false,
            names: HashMap::new(),
        }
    }

    /// The numbers of the lines that have been read so far.
    pub fn numbers(&self) -> Rc<RefCell<Numbers>> {
        Rc::clone(&self.numbers)
    }

    /// Size of the raw log, in bytes and lines, as far as it has been read.
    pub fn raw_size(&self) -> (u64, u64) {
        (self.bytes, self.lines + u64::from(self.unended))
    }

    /// Reads raw lines until there is text to give. `false` at the end.
    fn refill(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() {
            self.line.clear();
            let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(false);
            }
            let number = self.lines + 1;
            self.bytes += read as u64;
            self.unended = !self.line.ends_with(b"\n");
            self.lines += u64::from(!self.unended);
            let event = self.line.strip_prefix(b"@nix ").and_then(|json| serde_json::from_slice::<Event>(json).ok());
            match event {
                Some(event) => self.tell(event),
                None => self.text.extend_from_slice(&self.line),
            }
            let Some(last) = self.text.last() else { continue };
            // A piece of a very long line goes on in the next one.
            let (goes_on, ends) = (self.goes_on, *last == b'\n');
            let started = memchr::memchr_iter(b'\n', &self.text).count() + usize::from(!ends) - usize::from(goes_on);
            let mut numbers = self.numbers.borrow_mut();
            (0..started).for_each(|_| numbers.push(number));
            self.goes_on = !ends;
        }
        Ok(true)
    }

    /// Writes the text of an event.
    fn tell(&mut self, event: Event) {
        match event.action.as_str() {
            "msg" if event.level <= SHOWN => self.write("", &event.msg),
            "start" if event.kind == BUILD => {
                let drv = event.fields.first().and_then(|drv| drv.as_str()).unwrap_or_default();
                if self.names.len() < ACTIVITIES {
                    self.names.insert(event.id, name_of(drv).to_owned());
                }
                self.write("", &event.text);
            }
            "start" if event.level <= SHOWN && !event.text.is_empty() => self.write("", &event.text),
            "stop" => {
                self.names.remove(&event.id);
            }
            "result" => {
                let field = event.fields.first().and_then(|field| field.as_str()).unwrap_or_default();
                let prefix = self.names.get(&event.id).map(|name| format!("{name}> ")).unwrap_or_default();
                match event.kind {
                    LOG_LINE | POST_LOG_LINE => self.write(&prefix, field),
                    SET_PHASE => self.write(&prefix, &format!("Running phase: {field}")),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, prefix: &str, message: &str) {
        for line in message.split('\n') {
            self.text.extend_from_slice(prefix.as_bytes());
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        }
    }
}

impl<R: Read> Read for InternalJson<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() && !self.refill()? {
            return Ok(0);
        }
        let left = &self.text[self.given..];
        let n = left.len().min(into.len());
        into[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}

/// `libutil-0.3.1` of `/nix/store/vyj3…-libutil-0.3.1.drv`.
fn name_of(drv: &str) -> &str {
    let file = drv.rsplit('/').next().unwrap_or(drv);
    let name = file.split_once('-').map_or(file, |(_, name)| name);
    name.strip_suffix(".drv").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LOG: &str = r#"warning: before the first event
@nix {"action":"start","id":1,"level":6,"text":"querying info","type":0}
@nix {"action":"start","fields":["/nix/store/vyj3yhywcl4zgb1i39x4yqj5vsnh69m1-libutil-0.3.1.drv","",1,1],"id":9,"level":3,"text":"building 'x.drv'","type":105}
@nix {"action":"result","fields":["buildPhase"],"id":9,"type":104}
@nix {"action":"result","fields":["gcc: one"],"id":9,"type":101}
@nix {"action":"result","fields":[0,1,0,0],"id":9,"type":105}
@nix {"action":"stop","id":9}
@nix {"action":"msg","level":0,"msg":"error: builder failed;\n       last 1 log lines:\n       > gcc: one"}
@nix {"action":"msg","level":5,"msg":"chatter"}
@nix {not json
end"#;

    fn read(log: &str) -> (String, Vec<u64>, (u64, u64)) {
        let mut json = InternalJson::new(log.as_bytes());
        let mut text = String::new();
        json.read_to_string(&mut text).unwrap();
        let numbers = json.numbers();
        let lines = (1..=text.lines().count() as u64).map(|line| numbers.borrow().raw(line)).collect();
        (text, lines, json.raw_size())
    }

    #[test]
    fn events_become_what_nix_would_have_shown() {
        let (text, lines, size) = read(LOG);
        let wanted = [
            (1, "warning: before the first event"),
            (3, "building 'x.drv'"),
            (4, "libutil-0.3.1> Running phase: buildPhase"),
            (5, "libutil-0.3.1> gcc: one"),
            (8, "error: builder failed;"),
            (8, "       last 1 log lines:"),
            (8, "       > gcc: one"),
            (10, "@nix {not json"),
            (11, "end"),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), wanted.map(|(_, text)| text));
        assert_eq!(lines, wanted.map(|(line, _)| line));
        assert_eq!(size, (LOG.len() as u64, 11));
    }

    #[test]
    fn it_is_known_by_its_first_event() {
        assert!(is_internal_json(LOG.as_bytes()));
        assert!(!is_internal_json(b"a line that names @nix {\"action\"") && !is_internal_json(b""));
        assert!(!is_internal_json(&[&b"x\n".repeat(HEAD)[..], b"@nix {"].concat()));
    }

    #[test]
    fn any_bytes_are_text() {
        for log in ["@nix ", "@nix {}", "@nix {\"action\":7}\n@nix []", "\n\n", "@nix {\"action\":\"msg\"}"] {
            let (text, lines, (bytes, _)) = read(log);
            assert_eq!((bytes, lines.len()), (log.len() as u64, text.lines().count()));
        }
        let long = "x".repeat(LONGEST as usize + 5) + "\n@nix {\"action\":\"msg\",\"msg\":\"y\"}\n";
        let (text, _, size) = read(&long);
        assert!(text.ends_with("x\ny\n"));
        assert_eq!(size.1, 2);
    }
}
