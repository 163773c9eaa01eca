//! RuleSet: all rules that the program knows now: the built-in ones, packed at build time and unpacked when a log needs them,
//! and those of packs read at run time. A set that exists is valid: ids are unique, every rule was checked, every edge leads somewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{LoadError, Rule, parse};

/// Number of a rule in its set.
pub type RuleIndex = usize;

/// A built-in rule as it lies in the binary.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    /// The rule's id.
    pub id: &'static str,
    /// The rule, in postcard's format.
    pub bytes: &'static [u8],
}

/// All rules, by number and by id.
#[derive(Debug)]
pub struct RuleSet {
    slots: Vec<Slot>,
    version: String,
    from_packs: bool,
}

#[derive(Debug)]
struct Slot {
    packed: Option<Packed>,
    rule: OnceLock<Box<Rule>>,
    /// Where a pack's rule was read from.
    path: Option<PathBuf>,
}

impl RuleSet {
    /// The rules in the binary. `version` changes when any rule changes.
    pub fn built_in(packed: &'static [Packed], version: &str) -> RuleSet {
        let slots = packed.iter().map(|p| Slot { packed: Some(*p), rule: OnceLock::new(), path: None }).collect();
        RuleSet { slots, version: version.to_owned(), from_packs: false }
    }

    /// Only the rules of these folders.
    ///
    /// # Errors
    /// Every file that cannot be used.
    pub fn load(folders: &[PathBuf]) -> Result<RuleSet, Vec<LoadError>> {
        RuleSet { slots: Vec::new(), version: String::new(), from_packs: true }.with_packs(folders)
    }

    /// This set and the rules of these folders; a later rule replaces an earlier one of the same id.
    ///
    /// # Errors
    /// Every file that cannot be used, and every edge that leads nowhere.
    pub fn with_packs(self, folders: &[PathBuf]) -> Result<RuleSet, Vec<LoadError>> {
        let (set, errors) = self.with_packs_lenient(folders);
        if errors.is_empty() { Ok(set) } else { Err(errors) }
    }

    /// The same, but with what can be used of the folders, and every file that cannot: for checking rules while they are written.
    pub fn with_packs_lenient(mut self, folders: &[PathBuf]) -> (RuleSet, Vec<LoadError>) {
        let mut errors = Vec::new();
        if folders.is_empty() {
            return (self, errors);
        }
        let mut by_id: BTreeMap<String, RuleIndex> = (0..self.len()).map(|i| (self.id(i).to_owned(), i)).collect();
        let mut hash = Fnv::default();
        hash.add(self.version.as_bytes());
        for folder in folders {
            let files = read_folder(folder, &mut errors);
            for (parsed, (path, source)) in parse_all(folder, &files).into_iter().zip(files) {
                hash.add(source.as_bytes());
                match parsed {
                    Ok(rule) => {
                        let index = *by_id.entry(rule.id.clone()).or_insert(self.slots.len());
                        let slot = Slot { packed: None, rule: OnceLock::from(Box::new(rule)), path: Some(path) };
                        if index == self.slots.len() {
                            self.slots.push(slot);
                        } else {
                            self.slots[index] = slot;
                        }
                    }
                    Err(error) => errors.push(error),
                }
            }
        }
        self.version = hash.to_string();
        self.from_packs = true;
        errors.extend(self.loose_edges());
        (self, errors)
    }

    /// Changes when any rule changes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether rules were read at run time.
    pub fn has_packs(&self) -> bool {
        self.from_packs
    }

    /// The id of a rule.
    pub fn id(&self, index: RuleIndex) -> &str {
        let slot = &self.slots[index];
        slot.packed.map_or_else(|| self.get(index).id.as_str(), |packed| packed.id)
    }

    /// A rule by its number; a built-in one is unpacked the first time.
    pub fn get(&self, index: RuleIndex) -> &Rule {
        let slot = &self.slots[index];
        slot.rule.get_or_init(|| Box::new(unpack(slot.packed)))
    }

    /// The file that a pack's rule was read from.
    pub fn path(&self, index: RuleIndex) -> Option<&Path> {
        self.slots[index].path.as_deref()
    }

    /// A rule by its id.
    pub fn find(&self, id: &str) -> Option<RuleIndex> {
        (0..self.len()).find(|&i| self.id(i) == id)
    }

    /// All rules in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Edges that name no rule of the set.
    fn loose_edges(&self) -> Vec<LoadError> {
        (0..self.len())
            .filter(|&i| self.slots[i].path.is_some())
            .flat_map(|i| self.get(i).leads_to.iter().map(move |to| (i, to)))
            .filter(|(_, to)| !(0..self.len()).any(|j| edge_matches(to, self.id(j))))
            .map(|(i, to)| {
                let path = self.path(i).unwrap_or(Path::new("?"));
                LoadError::new(
                    path,
                    0,
                    format!(
                        "leads_to names \"{to}\", which is no rule; write the id of one, or the beginning of ids and *"
                    ),
                )
            })
            .collect()
    }
}

/// The rules of many files, in their order. Most of the time goes into patterns, so two threads share the work.
fn parse_all(folder: &Path, files: &[(PathBuf, String)]) -> Vec<Result<Rule, LoadError>> {
    let parse = |files: &[(PathBuf, String)]| -> Vec<_> {
        files.iter().map(|(path, source)| parse(path, &id_of(folder, path), source)).collect()
    };
    let (mine, theirs) = files.split_at(files.len() / 2);
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| parse(theirs));
        let mut rules = parse(mine);
        rules.extend(theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        rules
    })
}

/// Does this entry of a `leads_to` name that rule?
pub fn edge_matches(edge: &str, id: &str) -> bool {
    edge.strip_suffix('*').map_or(edge == id, |start| id.starts_with(start))
}

/// The build script has packed what it checked; damage would be a broken binary.
fn unpack(packed: Option<Packed>) -> Rule {
    packed
        .and_then(|p| postcard::from_bytes(p.bytes).ok())
        .unwrap_or_else(|| unreachable!("built-in rules are packed by the build script in the same format"))
}

/// Every `.toml` below a folder with its text, sorted by path. What cannot be read becomes an error.
pub fn read_folder(folder: &Path, errors: &mut Vec<LoadError>) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                errors.push(LoadError::new(&folder, 0, format!("cannot read this folder of rules: {error}")));
                continue;
            }
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                match std::fs::read_to_string(&path) {
                    Ok(source) => files.push((path, source)),
                    Err(error) => errors.push(LoadError::new(&path, 0, format!("cannot read this rule: {error}"))),
                }
            }
        }
    }
    files.sort();
    files
}

/// The id of a rule: its path under the folder, without the ending.
pub fn id_of(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// FNV-1a, 64 bits: names a state of the rules; no protection against anybody.
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::fmt::Display for Fnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
