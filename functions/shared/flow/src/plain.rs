//! The plain form of a condition, `Subject contains "urgent" OR "help"`, and the CEL that it stands for.

/// What a plain condition looks at: how it is written, and the CEL of it.
const FIELDS: [(&str, Over); 12] = [
    ("subject", Over::Text("subject")),
    ("body", Over::Text("body")),
    ("text", Over::Text("body")),
    ("message", Over::Text("body")),
    ("sender", Over::Text("sender.email")),
    ("from", Over::Text("sender.email")),
    ("language", Over::Text("language")),
    ("intent", Over::Text("assistant.intent")),
    ("label", Over::Each("labels", "x")),
    ("labels", Over::Each("labels", "x")),
    ("attachment", Over::Each("attachments", "x.name")),
    ("attachments", Over::Each("attachments", "x.name")),
];

#[derive(Clone, Copy)]
enum Over {
    Text(&'static str),
    Each(&'static str, &'static str),
}

const OPERATORS: [(&[&str], &str); 7] = [
    (&["does", "not", "contain"], "!contains"),
    (&["is", "not"], "!equals"),
    (&["contains"], "contains"),
    (&["contain"], "contains"),
    (&["starts", "with"], "starts_with"),
    (&["ends", "with"], "ends_with"),
    (&["is"], "equals"),
];

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
}

/// `None`: this is not the plain form, but perhaps CEL. `Err`: it begins as the plain form and does not go on as one.
pub(crate) fn translate(source: &str) -> Option<Result<String, String>> {
    let mut words = source.split_whitespace();
    let field = words.next()?.to_lowercase();
    let operator = words.next()?.to_lowercase();
    let begins = FIELDS.iter().any(|(name, _)| *name == field)
        && OPERATORS.iter().any(|(operators, _)| operators[0] == operator);
    begins.then(|| tokens(source).and_then(|tokens| Reader { tokens: &tokens, at: 0 }.whole()))
}

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut tokens = vec![];
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '"' => Some('"'),
            '\'' => Some('\''),
            '“' => Some('”'),
            _ => None,
        };
        if let Some(closing) = closing {
            let inner = &rest[first.len_utf8()..];
            let end = inner.find(closing).ok_or("a quotation that does not end")?;
            tokens.push(Token::Quoted(inner[..end].to_owned()));
            rest = &inner[end + closing.len_utf8()..];
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "\"'“".contains(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn word(&self, ahead: usize) -> Option<String> {
        match self.tokens.get(self.at + ahead)? {
            Token::Word(word) => Some(word.to_lowercase()),
            Token::Quoted(_) => None,
        }
    }

    fn joiner(&mut self) -> Result<Option<bool>, String> {
        match (self.tokens.get(self.at), self.word(0).as_deref()) {
            (None, _) => Ok(None),
            (_, Some("or")) => Ok(Some(false)),
            (_, Some("and")) => Ok(Some(true)),
            (Some(Token::Word(other) | Token::Quoted(other)), _) => {
                Err(format!("`{}` where OR, AND or the end is expected", crate::problem::short(other)))
            }
        }
    }

    /// Clauses joined by one kind of word; a joiner before a quoted word belongs to its clause.
    fn whole(&mut self) -> Result<String, String> {
        let mut clauses = vec![self.clause()?];
        let mut all = None;
        while let Some(and) = self.joiner()? {
            if all.is_some_and(|all| all != and) {
                return Err("OR and AND between clauses, whose order is not plain".to_owned());
            }
            all = Some(and);
            self.at += 1;
            clauses.push(self.clause()?);
        }
        Ok(clauses.join(if all == Some(true) { " && " } else { " || " }))
    }

    fn clause(&mut self) -> Result<String, String> {
        let field = self.word(0).unwrap_or_default();
        let over = FIELDS.iter().find(|(name, _)| *name == field).map(|(_, over)| *over);
        let over = over.ok_or_else(|| format!("`{}` where a field is expected", crate::problem::short(&field)))?;
        self.at += 1;
        let matches = |words: &&[&str]| (0..words.len()).all(|at| self.word(at).as_deref() == Some(words[at]));
        let operator = OPERATORS.iter().find(|(words, _)| matches(words));
        let (words, operator) = operator.ok_or_else(|| format!("no operator after `{field}`"))?;
        self.at += words.len();
        if *operator == "equals"
            && self.word(0).as_deref() == Some("vip")
            && matches!(field.as_str(), "sender" | "from")
        {
            self.at += 1;
            return Ok("sender.vip".to_owned());
        }
        let (values, all) = self.values()?;
        let (not, operator) = match operator.strip_prefix('!') {
            Some(operator) => ("!", operator),
            None => ("", *operator),
        };
        let list: Vec<String> = values.iter().map(|value| literal(value)).collect();
        let helper = format!("{operator}_{}", if all { "all" } else { "any" });
        Ok(match over {
            Over::Text(name) => format!("{not}{helper}({name}, [{}])", list.join(", ")),
            Over::Each(name, item) => format!("{not}{name}.exists(x, {helper}({item}, [{}]))", list.join(", ")),
        })
    }

    fn values(&mut self) -> Result<(Vec<String>, bool), String> {
        let mut values = vec![];
        let mut all = None;
        loop {
            match self.tokens.get(self.at) {
                Some(Token::Quoted(value)) => values.push(value.clone()),
                _ => return Err("no quoted word after the operator".to_owned()),
            }
            self.at += 1;
            let next_is_quoted = matches!(self.tokens.get(self.at + 1), Some(Token::Quoted(_)));
            match self.joiner()? {
                Some(and) if next_is_quoted => {
                    if all.is_some_and(|all| all != and) {
                        return Err("OR and AND between the words of one field".to_owned());
                    }
                    all = Some(and);
                    self.at += 1;
                }
                _ => return Ok((values, all == Some(true))),
            }
        }
    }
}

/// A CEL string literal.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            c if c.is_control() => literal.push(' '),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_condition_is_read_as_it_stands() {
        let cel = |source| translate(source).unwrap().unwrap();
        assert_eq!(cel(r#"Subject contains "urgent" OR "help""#), r#"contains_any(subject, ["urgent", "help"])"#);
        assert_eq!(cel(r#"body contains "a" and "b""#), r#"contains_all(body, ["a", "b"])"#);
        assert_eq!(cel(r#"Sender ends with "@example.com""#), r#"ends_with_any(sender.email, ["@example.com"])"#);
        assert_eq!(cel("Sender is VIP"), "sender.vip");
        assert_eq!(
            cel(r#"Subject is "x" OR Label is not "y""#),
            r#"equals_any(subject, ["x"]) || !labels.exists(x, equals_any(x, ["y"]))"#
        );
        assert_eq!(cel("Subject contains “été”"), r#"contains_any(subject, ["été"])"#);
    }

    #[test]
    fn what_is_not_plain_is_left_to_cel_or_named() {
        assert!(translate("subject == \"x\"").is_none());
        assert!(translate("sender.vip").is_none());
        assert!(translate("").is_none());
        assert!(translate("Subject contains urgent").unwrap().is_err());
        assert!(translate(r#"Subject contains "a" OR "b" AND "c""#).unwrap().is_err());
        assert!(translate(r#"Subject contains "a"#).unwrap().is_err());
    }

    #[test]
    fn a_word_cannot_leave_its_quotation() {
        assert_eq!(literal("a\"] || true || [\"\\"), r#""a\"] || true || [\"\\""#);
    }
}
