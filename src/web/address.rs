//! Addresses with a query.

/// A path with the fields that have a value.
pub(super) fn with(path: &str, fields: &[(&str, &str)]) -> String {
    let mut address = format!("{path}?");
    let start = address.len();
    url::form_urlencoded::Serializer::for_suffix(&mut address, start)
        .extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
    address.trim_end_matches('?').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_stay_out() {
        assert_eq!(with("/history", &[("q", ""), ("job", "")]), "/history");
        assert_eq!(with("/history", &[("q", "a b&c"), ("job", ""), ("rule", "x/y")]), "/history?q=a+b%26c&rule=x%2Fy");
    }
}
