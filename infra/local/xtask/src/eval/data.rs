//! The labelled mails and questions of `tests/evals`, and the knowledge base that both are about.
//!
//! Invariant: an error about the untouched half names the file and quotes nothing of it.

use crate::{Context, Error, Result, demo, workspace};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::assistant::{Author, KnowledgeDocument, Source};
use clap::ValueEnum;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The two halves of the data. One may be looked at while lexicon, prompt and ranking are tuned, the other never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    Tuned,
    HeldOut,
}

impl Half {
    pub const ALL: [Self; 2] = [Self::Tuned, Self::HeldOut];

    /// As the folder is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tuned => "tuned",
            Self::HeldOut => "held_out",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// A text for the customer, sent or as a draft.
    Answer,
    #[default]
    Person,
    Ignore,
}

/// One mail and what is right for it; `tests/evals/README.md` documents the fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub category: String,
    pub language: String,
    pub subject: String,
    pub from: String,
    pub body: Option<String>,
    pub html: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub history: Vec<Former>,
    #[serde(default)]
    pub attachments: Vec<File>,
    pub attack: Option<Attack>,
    pub expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Former {
    pub author: Author,
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct File {
    pub name: String,
    pub media_type: String,
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Attack {
    pub kind: String,
    pub forbidden: Forbidden,
}

/// Effects that must not occur.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forbidden {
    pub addresses: Vec<String>,
    pub links: Vec<String>,
    pub labels: Vec<String>,
    pub forwards: Vec<String>,
    pub text: Vec<Pattern>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Pattern {
    Literal(String),
    Expression { re: String },
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub route: Route,
    #[serde(default)]
    pub route_also: Vec<Route>,
    pub language: Option<String>,
    pub sources: Vec<String>,
    pub must: Vec<Pattern>,
    pub must_not: Vec<Pattern>,
    pub why: String,
}

/// A question and the passages that answer it, any of which is a hit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub id: String,
    pub language: String,
    pub style: String,
    pub question: String,
    pub relevant: Vec<String>,
}

fn evals() -> Result<PathBuf> {
    Ok(workspace::root()?.join("tests/evals"))
}

/// What is in a folder, sorted, so that every run has one order.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut files: Vec<PathBuf> = entries.why(|| format!("cannot read {}", folder.display()))?;
    files.sort();
    Ok(files)
}

fn read<T: DeserializeOwned>(path: &Path, half: Half) -> Result<T> {
    let text = fs::read_to_string(path).why(|| format!("cannot read {}", path.display()))?;
    let what = format!("{} is not of the form that tests/evals/README.md documents", path.display());
    match (serde_yaml_ng::from_str(&text), half) {
        (Ok(read), _) => Ok(read),
        (Err(cause), Half::Tuned) => Err(Error::new(format!("{what}: {cause}"))),
        (Err(_), Half::HeldOut) => Err(Error::new(what)),
    }
}

/// All mails of a half, by category.
pub fn scenarios(half: Half) -> Result<Vec<Scenario>> {
    let files = listed(&evals()?.join("scenarios").join(half.name()))?;
    let read = files.iter().map(|path| read::<Vec<Scenario>>(path, half));
    Ok(read.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

pub fn questions(half: Half) -> Result<Vec<Question>> {
    read(&evals()?.join(format!("retrieval/{}.yaml", half.name())), half)
}

/// The knowledge base, with the title of each page apart from its text, as the product keeps it.
pub fn documents() -> Result<Vec<KnowledgeDocument>> {
    let mut out = vec![];
    for folder in listed(&evals()?.join("knowledge"))? {
        for file in listed(&folder)? {
            let (title, text) = demo::page(&file)?;
            out.push(KnowledgeDocument { id: format!("{}/{}", name(&folder)?, name(&file)?), title, text, version: 1 });
        }
    }
    Ok(out)
}

fn name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| Error::new(format!("{} has no name in UTF-8", path.display())))
}

/// Every passage, under the name that scenarios and questions call it.
pub fn passages(documents: &[KnowledgeDocument]) -> Vec<Source> {
    let of = |document: &KnowledgeDocument| {
        let text = format!("\n{}", document.text);
        let sections: Vec<Source> = text
            .split("\n## ")
            .skip(1)
            .map(|section| {
                let (heading, passage) = section.split_once('\n').unwrap_or((section, ""));
                let (heading, passage) = (heading.trim().to_owned(), passage.trim().to_owned());
                Source { id: format!("{} > {heading}", document.id), title: heading, passage }
            })
            .collect();
        sections
    };
    documents.iter().flat_map(of).collect()
}

/// The names of the passages that the text of a chunk of `document` covers.
pub fn covered<'a>(passages: &'a [Source], document: &str, chunk: &str) -> Vec<&'a str> {
    let chunk = folded(chunk);
    let of_document = |source: &&Source| source.id.split(" > ").next() == Some(document);
    let shares = |source: &&Source| {
        let lines = source.passage.lines().map(folded).filter(|line| line.chars().any(char::is_alphanumeric));
        lines.into_iter().any(|line| chunk.contains(&line) || line.contains(&chunk))
    };
    passages.iter().filter(of_document).filter(shares).map(|source| source.id.as_str()).collect()
}

/// In lower case, white space as single blanks.
pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Pattern {
    /// Whether it occurs in a text that is [`folded`]. `{canary}` stands for any of `canaries`.
    pub fn occurs(&self, text: &str, canaries: &[String]) -> Result<bool> {
        match self {
            Self::Literal(literal) if literal == "{canary}" => {
                Ok(canaries.iter().any(|canary| text.contains(&folded(canary))))
            }
            Self::Literal(literal) => Ok(text.contains(&folded(literal))),
            Self::Expression { re } => {
                // The library folds the case of ASCII alone; the text is in lower case already.
                let letters = |c: char| if c.is_ascii() { c.to_string() } else { c.to_lowercase().collect() };
                let lower: String = re.chars().map(letters).collect();
                let compiled = regex_lite::RegexBuilder::new(&lower).case_insensitive(true).build();
                Ok(compiled.why(|| "a pattern of tests/evals".into())?.is_match(text))
            }
        }
    }

    pub fn shown(&self) -> &str {
        match self {
            Self::Literal(text) | Self::Expression { re: text } => text,
        }
    }
}

impl Scenario {
    /// The address that wrote, which alone may be answered.
    pub fn sender(&self) -> String {
        let from = self.from.rsplit('<').next().unwrap_or(&self.from);
        from.trim_end_matches('>').trim().to_lowercase()
    }

    /// As it comes over the wire; `no` makes its id.
    pub fn raw(&self, to: &str, no: usize) -> Vec<u8> {
        let from = match self.from.rsplit_once('<') {
            Some((name, address)) if !name.is_ascii() => {
                format!("{} <{address}", encoded(name.trim().trim_matches('"')))
            }
            _ => self.from.clone(),
        };
        let mut mail = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: {}\r\nMessage-ID: <{no}@scenarios.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n",
            encoded(&self.subject)
        );
        for (name, value) in &self.headers {
            mail.push_str(&format!("{name}: {value}\r\n"));
        }
        let former: String = self.history.iter().rev().map(|former| quoted(&former.text)).collect();
        let text = match (&self.html, &self.body) {
            (Some(html), _) => part("text/html", "", html),
            (None, body) => part("text/plain", "", &format!("{}{former}", body.as_deref().unwrap_or(""))),
        };
        if self.attachments.is_empty() {
            mail.push_str(&text);
            return mail.into_bytes();
        }
        mail.push_str("Content-Type: multipart/mixed; boundary=\"parts\"\r\n\r\n--parts\r\n");
        mail.push_str(&text);
        for file in &self.attachments {
            let name =
                format!("Content-Disposition: attachment; filename=\"{}\"\r\n", encoded(&file.name.replace('"', "'")));
            mail.push_str(&format!("--parts\r\n{}", part(&file.media_type, &name, &file.text)));
        }
        mail.push_str("--parts--\r\n");
        mail.into_bytes()
    }

    /// Everything that the mail says anywhere: seen or hidden, quoted, attached, in names.
    pub fn everything(&self) -> String {
        let body = self.body.iter().chain(&self.html).cloned();
        let mut all: Vec<String> = body.chain([self.from.clone()]).collect();
        all.extend(self.headers.values().cloned());
        all.extend(self.history.iter().map(|former| former.text.clone()));
        all.extend(self.attachments.iter().flat_map(|file| [file.name.clone(), file.text.clone()]));
        all.join("\n")
    }
}

fn encoded(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
}

/// A MIME part; a mail without further parts is one.
pub fn part(media_type: &str, more: &str, text: &str) -> String {
    let body = STANDARD.encode(text);
    let lines: Vec<String> =
        body.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let body = lines.join("\r\n");
    format!("Content-Type: {media_type}; charset=utf-8\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n{body}\r\n")
}

fn quoted(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("> {line}\n")).collect();
    format!("\n\nOn Monday somebody wrote:\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_names_what_is_there_and_every_must_stands_in_its_sources() {
        let passages = passages(&documents().unwrap());
        for half in Half::ALL {
            let mut wrong = 0;
            for scenario in scenarios(half).unwrap() {
                let named = |source: &&Source| scenario.expect.sources.contains(&source.id);
                let sources: Vec<String> = passages.iter().filter(named).map(|s| folded(&s.passage)).collect();
                let borne = |pattern: &Pattern| sources.iter().any(|text| pattern.occurs(text, &[]).unwrap());
                let right = sources.len() == scenario.expect.sources.len() && scenario.expect.must.iter().all(borne);
                if !right && half == Half::Tuned {
                    println!("{}", scenario.id);
                }
                wrong += usize::from(!right);
            }
            for question in questions(half).unwrap() {
                wrong += question.relevant.iter().filter(|name| passages.iter().all(|p| p.id != **name)).count();
            }
            assert_eq!(wrong, 0, "{}", half.name());
        }
    }

    #[test]
    fn patterns_fold_case_and_space_and_know_the_canary() {
        let occurs = |pattern: Pattern, text: &str| pattern.occurs(&folded(text), &["Word-1".to_owned()]).unwrap();
        assert!(occurs(Pattern::Literal("Ünder  30".into()), "just ünder\n30 days"));
        assert!(occurs(Pattern::Expression { re: r"^Über\s*30".into() }, "über 30"));
        assert!(!occurs(Pattern::Expression { re: "^30".into() }, "über 30"));
        assert!(occurs(Pattern::Literal("{canary}".into()), "it is word-1"));
        assert!(!occurs(Pattern::Literal("{canary}".into()), "it is {canary}"));
        assert!(Pattern::Expression { re: "(".into() }.occurs("", &[]).is_err());
    }

    #[test]
    fn a_chunk_covers_the_passages_that_it_holds_words_of() {
        let text = "## One\n\nFirst line.\n\n## Two\n\nSecond line.\nThird line.\n".to_owned();
        let document = KnowledgeDocument { id: "en/a.md".into(), title: "A".into(), text, version: 1 };
        let passages = passages(&[document]);
        assert_eq!(covered(&passages, "en/a.md", "Third  line."), ["en/a.md > Two"]);
        assert_eq!(covered(&passages, "en/a.md", "First line.\n\nSecond line."), ["en/a.md > One", "en/a.md > Two"]);
        assert!(covered(&passages, "en/b.md", "First line.").is_empty());
    }
}
