//! Makes build logs for measuring: the same arguments give the same bytes. Lines of Bazel, Nix, compilers and package managers,
//! one in `--noise` with harmless words of failure, and a real failure near the end.
//!
//! `cargo run --release --example generate -- OUT --mb 64 --noise 300 [--seed 1] [--ansi 0.3] [--drv 1] [--werror 1] [--badutf8 0.05] [--crlf] [--gha]`
//! `… -- FOLDER --small 2000 --kb 20:200` makes many small logs; `… -- OUT --mb 32 --storm` one in which every eighth line matches a rule.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

const WORDS: &str = "core util base net http json proto rpc index cache store graph parser lexer codec image audio crypto hash table tree queue \
    worker pool sched event loop signal timer buffer stream reader writer path link module loader config option flag string unicode math \
    matrix solver mesh shader render window widget font layout text view server client session token auth policy rule engine scanner metric \
    trace span logger sink filter sort search query plan eval link archive unpack bench docs tools linux kernel driver memory heap stack";
const SYLLABLES: &str = "ba be bi bo da de di do fa fe fi ga ge go ha he hi ka ke ko la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se si so ta te ti to va ve vi vo za ze zo";
const ENDINGS: [&str; 8] = ["cc", "cpp", "c", "h", "rs", "go", "java", "py"];
const BASE32: &[u8] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The failure near the end.
const FAILURE: [&str; 7] = [
    "ERROR: /home/ci/work/src/app/BUILD.bazel:14:11: no such package '@@rules_python~~pip~pypi/requests': The repository '@@rules_python~~pip~pypi' could not be resolved: Repository '@@rules_python~~pip~pypi' is not defined and referenced by '//src/app:app'",
    "ERROR: Analysis of target '//src/app:app' failed; build aborted: Analysis failed",
    "INFO: Elapsed time: 3.214s, Critical Path: 0.02s",
    "ERROR: Build did NOT complete successfully",
    "error: builder for '/nix/store/0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c-app-1.0.drv' failed with exit code 1;",
    "       last 10 log lines:",
    "       For full logs, run 'nix log /nix/store/0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c-app-1.0.drv'.",
];
/// Plain lines after the failure.
const TAIL: usize = 60;

/// How a log is to look.
#[derive(Clone, Default)]
struct Look {
    noise: u64,
    ansi: f64,
    drv: f64,
    werror: f64,
    badutf8: f64,
    crlf: bool,
    gha: bool,
    storm: bool,
}

struct Maker {
    look: Look,
    seed: u64,
    words: Vec<String>,
    paths: Vec<String>,
    stores: Vec<String>,
    step: u64,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let out = PathBuf::from(arguments.first().ok_or_else(|| io::Error::other("usage: generate OUT --mb N --noise N"))?);
    let value =
        |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).map(String::as_str);
    let number = |name: &str, otherwise: f64| value(name).and_then(|v| v.parse().ok()).unwrap_or(otherwise);
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let look = Look {
        noise: number("--noise", 300.0) as u64,
        ansi: number("--ansi", 0.0),
        drv: number("--drv", 0.0),
        werror: number("--werror", 0.0),
        badutf8: number("--badutf8", 0.0),
        crlf: has("--crlf"),
        gha: has("--gha"),
        storm: has("--storm"),
    };
    let mut maker = Maker::new(look, number("--seed", 1.0) as u64);
    let Some(small) = value("--small").and_then(|v| v.parse::<usize>().ok()) else {
        return maker.write(&out, (number("--mb", 64.0) * 1_048_576.0) as usize);
    };
    let (low, high) = value("--kb").and_then(|v| v.split_once(':')).unwrap_or(("20", "200"));
    let (low, high) = (low.parse().unwrap_or(20), high.parse().unwrap_or(200));
    fs::create_dir_all(&out)?;
    (0..small).try_for_each(|i| {
        let kilobytes = low + maker.below(high - low + 1);
        maker.write(&out.join(format!("{i:04}.log")), kilobytes as usize * 1000)
    })
}

impl Maker {
    fn new(look: Look, seed: u64) -> Maker {
        let mut maker = Maker {
            look,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            words: Vec::new(),
            paths: Vec::new(),
            stores: Vec::new(),
            step: 0,
        };
        let (known, syllables): (Vec<&str>, Vec<&str>) = (WORDS.split(' ').collect(), SYLLABLES.split(' ').collect());
        maker.words = (0..3000)
            .map(|i| {
                if i % 3 == 0 {
                    known[i % known.len()].to_owned()
                } else {
                    (0..2 + i % 3).map(|_| syllables[maker.below(syllables.len() as u64) as usize]).collect()
                }
            })
            .collect();
        maker.paths = (0..20_000)
            .map(|_| {
                let folders: Vec<String> = (0..2 + maker.below(4)).map(|_| maker.word()).collect();
                format!("{}/{}.{}", folders.join("/"), maker.word(), ENDINGS[maker.below(8) as usize])
            })
            .collect();
        maker.stores = (0..6000)
            .map(|_| {
                let hash: String = (0..32).map(|_| BASE32[maker.below(32) as usize] as char).collect();
                format!("/nix/store/{hash}-{}-{}.{}", maker.word(), maker.below(24), maker.below(40))
            })
            .collect();
        maker
    }

    fn write(&mut self, path: &Path, size: usize) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let mut written = 0;
        while written + 8000 < size {
            let line = self.line();
            written += self.put(&mut out, &line)?;
        }
        for line in FAILURE {
            self.put(&mut out, line)?;
        }
        for _ in 0..TAIL {
            let line = self.plain();
            self.put(&mut out, &line)?;
        }
        out.flush()
    }

    fn put(&mut self, out: &mut impl Write, line: &str) -> io::Result<usize> {
        let mut line = line.as_bytes().to_vec();
        if self.chance(self.look.ansi) {
            line = [b"\x1b[32m", &line[..], b"\x1b[0m\x1b[K"].concat();
        }
        if self.chance(self.look.drv) {
            line = [self.word().as_bytes(), b"> ", &line].concat();
        }
        if self.look.gha {
            self.step += 1;
            let stamp = format!(
                "2026-11-22T10:{:02}:{:02}.{:07}Z ",
                self.step / 60 % 60,
                self.step % 60,
                self.below(10_000_000)
            );
            line = [stamp.as_bytes(), &line].concat();
        }
        if self.chance(self.look.badutf8) {
            line.splice(line.len() / 2..line.len() / 2, [0xff, 0xfe]);
        }
        line.extend_from_slice(if self.look.crlf { b"\r\n" } else { b"\n" });
        out.write_all(&line)?;
        Ok(line.len())
    }

    fn line(&mut self) -> String {
        if self.look.storm && self.below(8) == 0 {
            self.match_of_a_rule()
        } else if self.below(self.look.noise.max(1)) == 0 {
            self.noisy()
        } else {
            self.plain()
        }
    }

    fn plain(&mut self) -> String {
        self.step += 1;
        let (n, m, k) = (self.below(4000), self.below(90), self.below(1000));
        let (path, path2, word, other, store) = (self.path(), self.path(), self.word(), self.word(), self.store());
        match self.below(20) {
            0..=3 => format!(
                "[{} / 48,211] Compiling {path}; {m}s linux-sandbox ... ({} actions, {} running)",
                self.step,
                m % 60 + 2,
                m % 30 + 1
            ),
            4 => format!("INFO: From Compiling {path}:"),
            5 => {
                format!("INFO: Analyzed target //{word}/{other}:{word} ({m} packages loaded, {n} targets configured).")
            }
            6 => format!("//{path}:{word:<40} PASSED in {m}.{}s", k % 10),
            7 => format!("copying path '{store}' from 'https://cache.nixos.org'..."),
            8 => format!("building '{store}.drv'..."),
            9 => format!(
                "checking whether the compiler supports {word}_{other}... {}",
                if k % 2 == 0 { "yes" } else { "no" }
            ),
            10 => format!("  CXX      {path}.o"),
            11 => {
                let flag = if self.chance(self.look.werror) { " -Werror=format-security" } else { "" };
                format!(
                    "gcc -DHAVE_CONFIG_H -I. -I../{word} -I{store}-dev/include -Wall -Wextra{flag} -O2 -g -fPIC -MT {other}.lo -MD -MP -c {path} -o {other}.o"
                )
            }
            12 => format!("[{:3}%] Building CXX object {word}/CMakeFiles/{other}.dir/{path}.o", m % 101),
            13 => format!("   Compiling {word} v{}.{}.{}", k % 9, m, k % 10),
            14 => format!("npm http fetch GET 200 https://packages.example/{word} {k}ms (cache hit)"),
            15 => format!("tests/test_{word}.py::test_{other}_{word} PASSED    [{:3}%]", m % 101),
            16 => format!(
                "[INFO] Downloaded from central: https://repo.example/maven2/org/{word}/{other}/{k}/{other}-{k}.jar ({k} kB at {m} MB/s)"
            ),
            17 => format!("shrinking RPATHs of ELF executables and libraries in {store}"),
            18 => format!("{path}:{n}:{m}: note: in expansion of macro '{}'", word.to_uppercase()),
            _ => {
                format!("/build/source/libtool --mode=install install -c -m 644 {path2} '{store}/share/{word}/{other}'")
            }
        }
    }

    fn noisy(&mut self) -> String {
        let (n, m) = (self.below(4000), self.below(90));
        let (path, word, other) = (self.path(), self.word(), self.word());
        match self.below(9) {
            0 => format!(
                "gcc -O2 -Wall -Werror -Werror=format-security -fstack-protector-strong -I{word} -c {path} -o {other}.o"
            ),
            1 => format!("{path}:{n}:{m}: warning: unused variable '{word}' [-Wunused-variable]"),
            2 => format!("Download of https://mirror.example/{word}-{n}.tar.gz failed, retrying in {m}s (1/5)"),
            3 => format!("  CC       {word}/{other}_error_{word}.o"),
            4 => format!("WARNING: {word}/BUILD.bazel:{n}:{m}: target '{other}' is deprecated: use //{word} instead"),
            5 => format!("test {word}::tests::returns_error_when_{other}_is_missing ... ok"),
            6 => format!("[worker] error: transient failure talking to {word}:{n}, will retry (attempt {})", m % 9),
            7 => {
                format!("evaluation warning: {word}: `{other}` was renamed, errors will be thrown in the next release")
            }
            _ => format!(
                "note: cannot determine the size of {word}, the check for it failed; assuming {m} (this is not an error)"
            ),
        }
    }

    fn match_of_a_rule(&mut self) -> String {
        let (n, m) = (self.below(5000), self.below(90));
        let (path, word) = (self.path(), self.word());
        match self.below(4) {
            0 => format!("{path}:{n}:{m}: error: use of undeclared identifier '{word}'"),
            1 => format!("/nix/store/x-ld: main.o: undefined reference to `{word}'"),
            2 => format!("ImportError: cannot import name '{word}' from 'pkg'"),
            _ => format!("make[2]: *** [Makefile:{n}: {word}] Error 1"),
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % limit.max(1)
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && (self.below(1 << 20) as f64) < probability * f64::from(1 << 20)
    }

    fn word_at(&mut self) -> usize {
        self.below(self.words.len().max(1) as u64) as usize
    }

    fn word(&mut self) -> String {
        let i = self.word_at();
        self.words[i].clone()
    }

    fn path(&mut self) -> String {
        let i = self.below(self.paths.len() as u64) as usize;
        self.paths[i].clone()
    }

    fn store(&mut self) -> String {
        let i = self.below(self.stores.len() as u64) as usize;
        self.stores[i].clone()
    }
}
