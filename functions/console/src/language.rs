//! Languages as people call them.

/// Those that the built-in assistant searches with stemming, and the others that questions are commonly asked in.
const NAMES: [(&str, &str); 28] = [
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sv", "Swedish"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("zh", "Chinese"),
];

/// `German`, `Portuguese (pt-BR)`; a tag that has no name here stands for itself.
pub fn in_words(tag: &str) -> String {
    if tag.is_empty() || tag == "und" {
        return "a language that could not be told".to_owned();
    }
    let primary = tag.split('-').next().unwrap_or(tag);
    match NAMES.iter().find(|(code, _)| code.eq_ignore_ascii_case(primary)) {
        Some((_, name)) if primary.len() == tag.len() => (*name).to_owned(),
        Some((_, name)) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_language_is_called_by_its_name() {
        for (tag, name) in [
            ("de", "German"),
            ("pt-BR", "Portuguese (pt-BR)"),
            ("EN", "English"),
            ("tlh", "tlh"),
            ("und", "a language that could not be told"),
        ] {
            assert_eq!(in_words(tag), name);
        }
    }
}
