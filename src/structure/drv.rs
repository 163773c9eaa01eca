//! Drv: a derivation as Nix spells it in a message, `'/nix/store/HASH-NAME.drv'`, with `!out` or `^out` behind it at times.

/// Length of the hash in a store path, in bytes.
const HASH: usize = 32;

/// The derivation quoted at the start of `text` (its opening quote included), and what follows the closing quote.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let (drv, rest) = text.strip_prefix('\'')?.split_once('\'')?;
    Some((path(drv)?, rest))
}

/// The first quoted derivation in `text`, and what follows its closing quote.
pub(super) fn first(text: &str) -> Option<(&str, &str)> {
    all(text).next()
}

/// Every quoted derivation in `text`, each with what follows its closing quote.
pub(super) fn all(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('\'').filter_map(|(at, _)| quoted(text.get(at..)?))
}

/// The name of a derivation: its path without store, hash and `.drv`.
pub(super) fn name(drv: &str) -> &str {
    let base = drv.rsplit('/').next().unwrap_or(drv);
    let base = base.strip_suffix(".drv").unwrap_or(base);
    match (base.as_bytes().get(HASH), base.get(HASH + 1..)) {
        (Some(b'-'), Some(name)) if !name.is_empty() => name,
        _ => base,
    }
}

/// `text` without the output behind it, if it is the path of a derivation. Nix before 2.0 ran a colour code into it.
fn path(text: &str) -> Option<&str> {
    let text = text.strip_prefix("building of ").unwrap_or(text).trim_start_matches('\'');
    let end = text.find(".drv")? + 4;
    let (drv, rest) = (text.get(..end)?, text.get(end..)?);
    let whole = rest.is_empty() || rest.starts_with(['!', '^', '*']);
    (whole && !drv.contains([' ', '\n'])).then_some(drv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names() {
        let drv = "/nix/store/m0ylinlac56rmcvzsijm4qk7a7a9zpmf-zlib-1.2.12.drv";
        assert_eq!(name(drv), "zlib-1.2.12");
        assert_eq!(name("x.drv"), "x");
        assert_eq!(quoted("'/nix/store/a.drv' failed"), Some(("/nix/store/a.drv", " failed")));
        assert_eq!(first("building of '/s/b.drv!out' from .drv file"), Some(("/s/b.drv", " from .drv file")));
        assert_eq!(first("it isn't '/s/c' but '/s/d.drv'").map(|d| d.0), Some("/s/d.drv"));
        assert_eq!(first("'/nix/store/a.drv.chroot/b'"), None);
        assert_eq!(all("build of '/a.drv', '/b.drv' failed").map(|d| d.0).collect::<Vec<_>>(), ["/a.drv", "/b.drv"]);
    }
}
