//! The open elements, and the lines that come out of them.

use super::style::{self, Paint, Style};
use super::token::{Attributes, Token, Tokens, entities, is_raw};
use crate::limits;
use crate::split::Line;
use std::collections::{HashMap, HashSet};

struct Element {
    name: String,
    /// What the element says itself.
    own: Own,
    /// The same with what is around it.
    seen: Seen,
    /// The target of a link, and where its text begins.
    href: Option<String>,
    /// The number of the next item of an ordered list.
    item: Option<u32>,
}

#[derive(Clone, Copy, Default)]
struct Own {
    hidden: bool,
    tiny: Option<bool>,
    pre: Option<bool>,
    text: Option<Paint>,
    ground: Option<Paint>,
    quotes: bool,
    signature: bool,
    attribution: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    hidden: bool,
    tiny: bool,
    pre: bool,
    text: Option<Paint>,
    ground: Paint,
    quote: u8,
    signature: bool,
    attribution: bool,
}

impl Seen {
    const PAGE: Self = Self {
        hidden: false,
        tiny: false,
        pre: false,
        text: None,
        ground: Paint::Colour((255, 255, 255)),
        quote: 0,
        signature: false,
        attribution: false,
    };

    fn within(self, own: Own) -> Self {
        Self {
            hidden: self.hidden || own.hidden,
            tiny: own.tiny.unwrap_or(self.tiny),
            pre: own.pre.unwrap_or(self.pre),
            text: own.text.or(self.text),
            ground: own.ground.unwrap_or(self.ground),
            quote: self.quote.saturating_add(u8::from(own.quotes)),
            signature: self.signature || own.signature,
            attribution: self.attribution || own.attribution,
        }
    }
}

pub struct Walk<'a> {
    hiding: &'a HashSet<String>,
    stack: Vec<Element>,
    open: HashMap<String, usize>,
    /// Elements beyond the depth that is kept; their text is not read.
    beyond: usize,
    too_deep: bool,
    lines: Vec<Line>,
    line: String,
    space: bool,
    /// A blank line is due before the next text.
    gap: bool,
    /// The next line begins what is quoted.
    cut: bool,
    /// Headings are marked as Markdown has them.
    headings: bool,
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
            | "caption"
            | "template"
    )
}

fn has_margin(name: &str) -> bool {
    matches!(name, "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "blockquote" | "pre" | "table" | "dl")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that the standard closes and reopens around blocks.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u"
    )
}

fn bounds_scope(name: &str) -> bool {
    matches!(name, "td" | "th" | "table" | "caption" | "template")
}

impl<'a> Walk<'a> {
    pub fn new(hiding: &'a HashSet<String>) -> Self {
        Self {
            hiding,
            stack: Vec::new(),
            open: HashMap::new(),
            beyond: 0,
            too_deep: false,
            lines: Vec::new(),
            line: String::new(),
            space: false,
            gap: false,
            cut: false,
            headings: false,
        }
    }

    pub fn with_headings(mut self) -> Self {
        self.headings = true;
        self
    }

    pub fn run(mut self, html: &str) -> (Vec<Line>, bool) {
        for token in Tokens::new(html) {
            match token {
                Token::Text(text) => self.text(text),
                Token::Start(name, attributes) => self.start(name, &attributes),
                Token::End(name) => self.end(&name),
            }
            if self.lines.len() > limits::BODY_LINES {
                self.too_deep = true;
                break;
            }
        }
        self.end_line();
        (self.lines, self.too_deep)
    }

    fn seen(&self) -> Seen {
        self.stack.last().map_or(Seen::PAGE, |e| e.seen)
    }

    fn is_hidden(&self) -> bool {
        let seen = self.seen();
        let vanishes = seen.text.is_some_and(|text| style::same(text, seen.ground));
        self.beyond > 0 || seen.hidden || seen.tiny || vanishes
    }

    fn start(&mut self, name: String, attributes: &Attributes) {
        if self.beyond > 0 {
            self.beyond += usize::from(!is_void(&name));
            return;
        }
        self.close_implied(&name);
        let style = style::of(attributes, self.hiding);
        if is_block(&name) {
            self.end_line();
            self.gap |= has_margin(&name) && name != "table" || name == "table" && self.depth_of("table") == 0;
        }
        if !self.is_hidden() {
            self.mark_reply(&name, attributes, &style);
            match name.as_str() {
                "br" => self.hard_break(),
                "td" | "th" => self.cell(),
                "li" => self.item(),
                "img" => self.image(attributes),
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if self.headings => self.heading(&name),
                _ => {}
            }
        }
        if is_void(&name) {
            return;
        }
        if self.stack.len() >= limits::HTML_DEPTH {
            self.too_deep = true;
            self.beyond = 1;
            return;
        }
        self.push(name, attributes, &style);
    }

    fn push(&mut self, name: String, attributes: &Attributes, style: &Style) {
        let class = attributes.get("class").unwrap_or_default();
        let own = Own {
            hidden: style.hidden || (is_raw(&name) && name != "textarea") || name == "template",
            tiny: style.tiny,
            pre: style.pre.or((name == "pre").then_some(true)),
            text: style.colour,
            ground: style.background.filter(|p| style::is_painted(*p)),
            quotes: name == "blockquote" && (!style.no_border || class.contains("quote")),
            signature: is_signature(attributes),
            attribution: class.split_ascii_whitespace().any(|c| matches!(c, "gmail_attr" | "moz-cite-prefix")),
        };
        *self.open.entry(name.clone()).or_default() += 1;
        self.stack.push(Element {
            own,
            seen: self.seen().within(own),
            href: attributes.get("href").filter(|_| name == "a").map(str::to_owned),
            item: (name == "ol").then_some(1),
            name,
        });
    }

    fn depth_of(&self, name: &str) -> usize {
        self.open.get(name).copied().unwrap_or(0)
    }

    /// What a start tag closes that was left open.
    fn close_implied(&mut self, name: &str) {
        let (closes, until): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "td" | "th" => (&["td", "th"], &["table"]),
            "tr" | "tbody" | "thead" | "tfoot" => (&["tr"], &["table"]),
            "option" => (&["option"], &["select"]),
            _ if is_block(name) && self.depth_of("p") > 0 => {
                (&["p"], &["td", "th", "table", "div", "blockquote", "li"])
            }
            _ => return,
        };
        if closes.iter().all(|c| self.depth_of(c) == 0) {
            return;
        }
        let found =
            self.stack.iter().rposition(|e| closes.contains(&e.name.as_str()) || until.contains(&e.name.as_str()));
        if let Some(at) = found
            && closes.contains(&self.stack[at].name.as_str())
        {
            self.close_from(at);
        }
    }

    fn close_from(&mut self, at: usize) {
        while self.stack.len() > at {
            if let Some(element) = self.stack.last()
                && is_block(&element.name)
            {
                self.end_line();
                self.gap |= has_margin(&self.stack[self.stack.len() - 1].name);
            }
            if let Some(element) = self.stack.pop() {
                self.forget(&element.name);
            }
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(count) = self.open.get_mut(name) {
            *count -= 1;
        }
    }

    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            self.beyond -= usize::from(!is_void(name));
            return;
        }
        match name {
            "br" => return self.hard_break(),
            "p" if self.depth_of("p") == 0 => {
                self.end_line();
                self.gap = true;
                return;
            }
            _ if self.depth_of(name) == 0 => return,
            _ => {}
        }
        let (formatting, crosses) = (is_formatting(name), matches!(name, "table" | "tr" | "tbody" | "body" | "html"));
        let mut block_between = false;
        for at in (0..self.stack.len()).rev() {
            let element = &self.stack[at];
            if element.name == name {
                if name == "a" {
                    self.link(at);
                }
                if formatting && block_between {
                    // The block stays open, without the formatting around it.
                    let element = self.stack.remove(at);
                    self.forget(&element.name);
                    for above in at..self.stack.len() {
                        let around = above.checked_sub(1).map_or(Seen::PAGE, |below| self.stack[below].seen);
                        self.stack[above].seen = around.within(self.stack[above].own);
                    }
                } else {
                    self.close_from(at);
                }
                return;
            }
            if bounds_scope(&element.name) && !crosses && name != "td" && name != "th" {
                return;
            }
            if is_block(&element.name) {
                if !is_block(name) && !formatting {
                    return;
                }
                block_between = true;
            }
        }
    }

    fn link(&mut self, at: usize) {
        let Some(href) = self.stack[at].href.take() else {
            return;
        };
        let href = href.trim();
        let web = href.starts_with("https://") || href.starts_with("http://");
        let bare = href.split_once("://").map_or(href, |(_, rest)| rest).trim_end_matches('/');
        let shown = self.line.contains(bare.trim_start_matches("www."));
        if web
            && !shown
            && href.len() <= 300
            && !self.is_hidden()
            && self.stack[at].seen.quote == 0
            && !self.line.trim().is_empty()
        {
            self.write(&format!(" ({href})"));
        }
    }

    fn mark_reply(&mut self, name: &str, attributes: &Attributes, style: &Style) {
        let id = attributes.get("id").unwrap_or_default();
        let class = attributes.get("class").unwrap_or_default();
        self.cut |= match name {
            "div" => {
                matches!(id, "divRplyFwdMsg" | "appendonsend" | "mail-editor-reference-message-container")
                    || style.reply_border
                    || attributes.get("name") == Some("quote")
                    || class
                        .split_ascii_whitespace()
                        .any(|c| c.starts_with("yahoo_quoted") || matches!(c, "OutlookMessageHeader" | "zmail_extra"))
            }
            "hr" => id == "stopSpelling",
            _ => false,
        };
    }

    fn hard_break(&mut self) {
        if self.line.is_empty() {
            self.flush_gap();
            self.push_line();
        } else {
            self.end_line();
        }
    }

    fn cell(&mut self) {
        let first = self.stack.last().is_some_and(|e| e.name == "tr" && e.item.is_none());
        if let Some(row) = self.stack.last_mut() {
            row.item = Some(0);
        }
        // A cell that follows another in its row goes on in its line.
        if !first
            && let Some(last) = self.lines.last()
            && !last.text.is_empty()
            && !self.gap
            && self.stack.last().is_some_and(|e| e.name == "tr")
            && let Some(last) = self.lines.pop()
        {
            self.cut |= last.cut;
            self.line = last.text;
            self.line.push('\t');
        }
    }

    fn item(&mut self) {
        let number = self.stack.iter_mut().rev().find(|e| matches!(e.name.as_str(), "ul" | "ol")).and_then(|list| {
            let number = list.item?;
            list.item = Some(number.saturating_add(1));
            Some(number)
        });
        match number {
            Some(number) => self.write(&format!("{number}. ")),
            None => self.write("- "),
        }
    }

    fn heading(&mut self, name: &str) {
        if let Some(level) = name.strip_prefix('h').and_then(|level| level.parse().ok()) {
            self.write(&format!("{} ", "#".repeat(level)));
        }
    }

    /// An emoji that is sent as a picture is a word of its author.
    fn image(&mut self, attributes: &Attributes) {
        if let Some(alt) = attributes.get("alt")
            && !alt.is_ascii()
            && alt.chars().count() <= 4
        {
            let alt = alt.to_owned();
            self.write(&alt);
        }
    }

    fn text(&mut self, raw: &str) {
        if self.is_hidden() {
            return;
        }
        let text = entities(raw);
        if self.seen().pre {
            for (at, piece) in text.split('\n').enumerate() {
                if at > 0 {
                    self.hard_break();
                }
                self.write(piece.trim_end_matches('\r'));
            }
            return;
        }
        let mut words = String::new();
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') {
                self.space |= !(words.is_empty() && self.line.is_empty());
            } else {
                if self.space && !(words.is_empty() && (self.line.is_empty() || self.line.ends_with([' ', '\t']))) {
                    words.push(' ');
                }
                self.space = false;
                words.push(c);
            }
        }
        if !words.is_empty() {
            self.write_spaced(&words);
        }
    }

    fn write(&mut self, text: &str) {
        if self.space && !self.line.is_empty() && !text.starts_with(' ') {
            self.line.push(' ');
        }
        self.space = false;
        self.write_spaced(text);
    }

    fn write_spaced(&mut self, text: &str) {
        if self.line.is_empty() && !text.trim().is_empty() {
            self.flush_gap();
        }
        self.line.push_str(text);
    }

    fn flush_gap(&mut self) {
        if self.gap && self.lines.last().is_some_and(|last| !last.text.is_empty()) {
            let (depth, signature) = (self.depth().min(self.lines.last().map_or(0, |l| l.depth)), false);
            self.lines.push(Line { depth, signature, ..Line::default() });
        }
        self.gap = false;
    }

    fn depth(&self) -> u8 {
        self.seen().quote
    }

    fn end_line(&mut self) {
        self.space = false;
        if self.line.trim().is_empty() {
            self.line.clear();
        } else {
            self.push_line();
        }
    }

    fn push_line(&mut self) {
        let text = crate::clean::text(std::mem::take(&mut self.line).trim_end());
        self.space = false;
        let visible = !text.is_empty();
        self.lines.push(Line {
            text,
            depth: self.depth(),
            cut: visible && std::mem::take(&mut self.cut),
            signature: self.seen().signature,
            attribution: self.seen().attribution,
        });
    }
}

fn is_signature(attributes: &Attributes) -> bool {
    let class = attributes.get("class").unwrap_or_default();
    let id = attributes.get("id").unwrap_or_default();
    attributes.get("data-smartmail") == Some("gmail_signature")
        || class.split_ascii_whitespace().any(|c| {
            matches!(c, "gmail_signature" | "moz-signature" | "protonmail_signature_block" | "AppleMailSignature")
        })
        || matches!(id, "Signature" | "ms-outlook-mobile-signature" | "AppleMailSignature" | "ymail_android_signature")
}
