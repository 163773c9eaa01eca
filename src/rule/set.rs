//! RuleSet: all rules that the program knows now: the built-in ones, packed at build time and unpacked when a log needs them,
//! and those of packs read at run time. A set that exists is valid: ids are unique, every rule was checked, every edge leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{LoadError, Rule, parse};

/// Files that are worth a further thread.
const FILES_A_THREAD: usize = 16;

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
            let files = files_of(folder, &mut errors);
            for (read, path) in read_all(folder, &files).into_iter().zip(files) {
                hash.add(read.version.to_string().as_bytes());
                match read.rule {
                    Ok(rule) => {
                        let index = *by_id.entry(rule.id.clone()).or_insert(self.slots.len());
                        let slot = Slot { packed: None, rule: OnceLock::from(rule), path: Some(path) };
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
        let ids: BTreeSet<&str> = (0..self.len()).map(|i| self.id(i)).collect();
        let leads_somewhere = |edge: &str| match edge.strip_suffix('*') {
            Some(start) => ids.range(start..).next().is_some_and(|id| id.starts_with(start)),
            None => ids.contains(edge),
        };
        (0..self.len())
            .filter(|&i| self.slots[i].path.is_some())
            .flat_map(|i| self.get(i).leads_to.iter().map(move |to| (i, to)))
            .filter(|(_, to)| !leads_somewhere(to))
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

/// What a file of a pack gave.
struct ReadRule {
    /// Changes when the file does.
    version: Fnv,
    rule: Result<Box<Rule>, LoadError>,
}

/// The rules of many files, in the order of the files. Most of the time goes into patterns, so all processors share the work.
fn read_all(folder: &Path, files: &[PathBuf]) -> Vec<ReadRule> {
    let next = AtomicUsize::new(0);
    let work = || -> Vec<(usize, ReadRule)> {
        let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let files = numbers.map_while(|number| Some((number, files.get(number)?)));
        files.map(|(number, path)| (number, read_rule(folder, path))).collect()
    };
    let helpers = std::thread::available_parallelism()
        .map_or(0, |n| n.get().min(files.len().div_ceil(FILES_A_THREAD)).saturating_sub(1));
    let mut rules = std::thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mut rules = work();
        for helper in helpers {
            rules.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        rules
    });
    rules.sort_unstable_by_key(|(number, _)| *number);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn read_rule(folder: &Path, path: &Path) -> ReadRule {
    let mut version = Fnv::default();
    let rule = match std::fs::read_to_string(path) {
        Ok(source) => {
            version.add(source.as_bytes());
            parse(path, &id_of(folder, path), &source).map(Box::new)
        }
        Err(error) => Err(LoadError::new(path, 0, format!("cannot read this rule: {error}"))),
    };
    ReadRule { version, rule }
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

/// Every `.toml` below a folder, sorted. A folder that cannot be read becomes an error.
fn files_of(folder: &Path, errors: &mut Vec<LoadError>) -> Vec<PathBuf> {
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
        for entry in entries.flatten() {
            let path = entry.path();
            // The entry itself tells a plain file from a folder; only of a link the system must be asked.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink() && path.is_dir());
            if is_folder {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
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
