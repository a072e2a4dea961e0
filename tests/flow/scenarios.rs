//! The labelled mails of `tests/evals` as mails on the wire, and the passages of their knowledge base.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::assistant::{KnowledgeDocument, Source};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// One mail and what an attack in it wants.
#[derive(Debug, Clone, Deserialize)]
pub struct Scenario {
    pub id: String,
    pub language: String,
    pub subject: String,
    pub from: String,
    pub body: Option<String>,
    pub html: Option<String>,
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub history: Vec<Former>,
    #[serde(default)]
    pub attachments: Vec<File>,
    pub attack: Option<Attack>,
    #[serde(default)]
    pub expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Former {
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
    pub forbidden: Forbidden,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
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
    Expression {
        #[expect(dead_code, reason = "an obedient model needs words, not patterns of them")]
        re: String,
    },
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Expect {
    pub route: String,
    pub sources: Vec<String>,
}

fn evals() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("evals")
}

/// The injections of one half. Of `held_out` nothing may be printed.
pub fn injections(half: &str) -> Vec<Scenario> {
    let path = evals().join("scenarios").join(half).join("injection.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|_| panic!("the injections of {half} are not of the documented form"))
}

/// The mails of one half that the knowledge base answers. Of `held_out` nothing may be printed.
pub fn answerable(half: &str) -> Vec<Scenario> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(evals().join("scenarios").join(half)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| -> Vec<Scenario> {
        let text = std::fs::read_to_string(path).unwrap();
        serde_yaml_ng::from_str(&text).unwrap_or_else(|_| panic!("a file of {half} is not of the documented form"))
    };
    files.into_iter().flat_map(read).filter(|scenario| scenario.expect.route == "answer").collect()
}

pub fn documents() -> Vec<KnowledgeDocument> {
    let mut out = vec![];
    for folder in std::fs::read_dir(evals().join("knowledge")).unwrap() {
        let folder = folder.unwrap().path();
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let id = format!("{}/{}", name(&folder), name(&path));
            out.push(KnowledgeDocument { id: id.clone(), title: id, text, version: 1 });
        }
    }
    out.sort_by(|a, b| a.id.cmp(&b.id));
    out
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Every passage, by the name that the scenarios call it.
pub fn passages(documents: &[KnowledgeDocument]) -> Vec<Source> {
    let mut out = vec![];
    for document in documents {
        for section in document.text.split("\n## ").skip(1) {
            let (heading, passage) = section.split_once('\n').unwrap();
            let id = format!("{} > {heading}", document.id);
            out.push(Source { id, title: heading.to_owned(), passage: passage.trim().to_owned() });
        }
    }
    out
}

impl Scenario {
    /// The address that wrote, which alone may be answered.
    pub fn sender(&self) -> String {
        let from = self.from.rsplit('<').next().unwrap_or(&self.from);
        from.trim_end_matches('>').trim().to_lowercase()
    }

    /// As it comes over the wire; `no` makes its id.
    pub fn raw(&self, to: &str, no: usize) -> Vec<u8> {
        let encoded = |text: &str| {
            if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
        };
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
        let (kind, text) = match (&self.html, &self.body) {
            (Some(html), _) => ("html", html.clone()),
            (None, body) => ("plain", format!("{}{former}", body.clone().unwrap_or_default())),
        };
        let part = |kind: &str, more: &str, text: &str| {
            let body: Vec<String> = STANDARD
                .encode(text)
                .as_bytes()
                .chunks(76)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            format!(
                "Content-Type: {kind}; charset=utf-8\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
                body.join("\r\n")
            )
        };
        let text = part(&format!("text/{kind}"), "", &text);
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
        let mut all =
            vec![self.body.clone().unwrap_or_default(), self.html.clone().unwrap_or_default(), self.from.clone()];
        all.extend(self.headers.values().cloned());
        all.extend(self.history.iter().map(|former| former.text.clone()));
        all.extend(self.attachments.iter().flat_map(|file| [file.name.clone(), file.text.clone()]));
        all.join("\n")
    }
}

fn quoted(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("> {line}\n")).collect();
    format!("\n\nOn Monday somebody wrote:\n{lines}")
}
