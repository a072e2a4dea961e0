//! The tokens of an HTML document, after the tokenizer of the HTML standard (13.2.5) as far as mail needs it: every
//! byte is looked at a bounded number of times.

/// The attributes that decide whether text is seen and what it is.
#[derive(Debug, Default, Clone)]
pub struct Attributes {
    kept: Vec<(&'static str, String)>,
}

const NAMES: &[&str] = &[
    "style",
    "class",
    "id",
    "hidden",
    "aria-hidden",
    "href",
    "color",
    "bgcolor",
    "background",
    "name",
    "type",
    "alt",
    "data-smartmail",
];

/// More of a value than this decides nothing.
const VALUE_BYTES: usize = 4 << 10;

impl Attributes {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.kept.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// The first of two attributes of one name counts.
    fn add(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        if let Some(name) = NAMES.iter().find(|n| **n == lower)
            && self.get(name).is_none()
        {
            self.kept.push((name, entities(crate::clean::prefix(value, VALUE_BYTES))));
        }
    }
}

#[derive(Debug)]
pub enum Token<'a> {
    Text(&'a str),
    Start(String, Attributes),
    End(String),
}

/// Elements whose content is not markup.
pub fn is_raw(name: &str) -> bool {
    matches!(name, "script" | "style" | "textarea" | "title" | "xmp" | "iframe" | "noembed" | "noframes")
}

pub struct Tokens<'a> {
    html: &'a str,
    at: usize,
    /// The raw element that was just opened.
    raw: Option<String>,
}

impl<'a> Tokens<'a> {
    pub fn new(html: &'a str) -> Self {
        Self { html, at: 0, raw: None }
    }

    fn rest(&self) -> &'a [u8] {
        &self.html.as_bytes()[self.at..]
    }

    fn skip_past(&mut self, c: u8) {
        self.at = match self.rest().iter().position(|&b| b == c) {
            Some(found) => self.at + found + 1,
            None => self.html.len(),
        };
    }

    fn skip_comment(&mut self) {
        let body = self.at + 4;
        let rest = &self.html.as_bytes()[body..];
        let close = if rest.starts_with(b">") {
            Some(1)
        } else if rest.starts_with(b"->") {
            Some(2)
        } else {
            rest.windows(2).position(|two| two == b"--").and_then(|_| comment_end(rest))
        };
        self.at = close.map_or(self.html.len(), |close| body + close);
    }

    /// The content of a raw element up to its end tag.
    fn raw_text(&mut self, name: &str) -> &'a str {
        let bytes = self.rest();
        let is_end = |at: usize| {
            bytes[at..].starts_with(b"</")
                && bytes.get(at + 2..at + 2 + name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
                && bytes.get(at + 2 + name.len()).is_none_or(|&b| b.is_ascii_whitespace() || b == b'/' || b == b'>')
        };
        let end = (0..bytes.len()).find(|&at| bytes[at] == b'<' && is_end(at)).unwrap_or(bytes.len());
        let text = &self.html[self.at..self.at + end];
        self.at += end;
        text
    }

    fn tag(&mut self, end: bool) -> Token<'a> {
        self.at += if end { 2 } else { 1 };
        let name_end = self
            .rest()
            .iter()
            .position(|&b| b.is_ascii_whitespace() || b == b'/' || b == b'>')
            .unwrap_or(self.rest().len());
        let name = self.html[self.at..self.at + name_end].to_ascii_lowercase();
        self.at += name_end;
        let attributes = self.attributes();
        if end {
            return Token::End(name);
        }
        if is_raw(&name) {
            self.raw = Some(name.clone());
        }
        Token::Start(name, attributes)
    }

    fn skip_blank(&mut self, also_slash: bool) {
        let blank = |&b: &u8| b.is_ascii_whitespace() || (also_slash && b == b'/');
        self.at += self.rest().iter().take_while(|b| blank(b)).count();
    }

    fn attributes(&mut self) -> Attributes {
        let mut found = Attributes::default();
        loop {
            self.skip_blank(true);
            match self.rest().first() {
                None => return found,
                Some(b'>') => {
                    self.at += 1;
                    return found;
                }
                Some(_) => {}
            }
            let rest = self.rest();
            // A leading `=` is part of the name.
            let len = 1 + rest[1..]
                .iter()
                .position(|&b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'='))
                .unwrap_or(rest.len() - 1);
            let start = self.at;
            self.at += len;
            while !self.html.is_char_boundary(self.at) {
                self.at += 1;
            }
            let name = &self.html[start..self.at];
            self.skip_blank(false);
            let value = if self.rest().first() == Some(&b'=') {
                self.at += 1;
                self.skip_blank(false);
                self.value()
            } else {
                ""
            };
            found.add(name, value);
        }
    }

    fn value(&mut self) -> &'a str {
        match self.rest().first() {
            Some(&quote @ (b'"' | b'\'')) => {
                self.at += 1;
                let start = self.at;
                let end = self.rest().iter().position(|&b| b == quote).unwrap_or(self.rest().len());
                self.at = (start + end + 1).min(self.html.len());
                &self.html[start..start + end]
            }
            _ => {
                let start = self.at;
                let end =
                    self.rest().iter().position(|&b| b.is_ascii_whitespace() || b == b'>').unwrap_or(self.rest().len());
                self.at = start + end;
                &self.html[start..self.at]
            }
        }
    }
}

/// Just after the `-->` or `--!>` that ends a comment.
fn comment_end(body: &[u8]) -> Option<usize> {
    let dashed = |at: usize| at >= 2 && &body[at - 2..at] == b"--" || at >= 3 && &body[at - 3..at] == b"--!";
    (0..body.len()).find(|&at| body[at] == b'>' && dashed(at)).map(|at| at + 1)
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(name) = self.raw.take() {
            return Some(Token::Text(self.raw_text(&name)));
        }
        loop {
            let rest = self.rest();
            let (first, second) = (rest.first()?, rest.get(1));
            match (first, second) {
                (b'<', Some(b'!')) if rest.starts_with(b"<!--") => self.skip_comment(),
                (b'<', Some(b'!' | b'?')) => self.skip_past(b'>'),
                (b'<', Some(b'/')) => match rest.get(2) {
                    Some(b) if b.is_ascii_alphabetic() => return Some(self.tag(true)),
                    Some(_) => self.skip_past(b'>'),
                    None => {
                        let text = &self.html[self.at..];
                        self.at = self.html.len();
                        return Some(Token::Text(text));
                    }
                },
                (b'<', Some(b)) if b.is_ascii_alphabetic() => return Some(self.tag(false)),
                _ => {
                    let end = rest[1..].iter().position(|&b| b == b'<').map_or(rest.len(), |end| end + 1);
                    let text = &self.html[self.at..self.at + end];
                    self.at += end;
                    return Some(Token::Text(text));
                }
            }
        }
    }
}

/// Character references to characters. What is none stays as it is.
pub fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..].bytes().take(40).take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
        let end = 1 + name;
        // `&nbsp` and other old names may lack their semicolon.
        let closed = rest[end..].starts_with(';');
        let legacy = matches!(&rest[1..end], "nbsp" | "amp" | "lt" | "gt" | "quot") || rest[1..end].starts_with('#');
        if name > 0 && (closed || legacy) {
            let token = format!("{};", &rest[..end]);
            mail_parser::decoders::html::add_html_token(&mut out, token.as_bytes(), false);
            rest = &rest[end + usize::from(closed)..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}
