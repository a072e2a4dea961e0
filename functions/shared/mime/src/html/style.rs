//! What a style says about being seen. Only declarations that mail programs honour, read generously: whoever hides
//! text from a person must not reach the model with it.

use super::token::{Attributes, Token, Tokens};
use std::collections::HashSet;

pub type Rgb = (u8, u8, u8);

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Paint {
    Colour(Rgb),
    /// An image, a gradient, a colour that is not understood.
    Unknown,
}

#[derive(Debug, Default, Clone)]
pub struct Style {
    /// Not seen, whatever is inside.
    pub hidden: bool,
    /// The font's size is given, and it is as good as nothing.
    pub tiny: Option<bool>,
    pub colour: Option<Paint>,
    pub background: Option<Paint>,
    pub pre: Option<bool>,
    /// Outlook's line above the header block of what is quoted.
    pub reply_border: bool,
    /// A `blockquote` that only indents, as Gmail's editor makes it.
    pub no_border: bool,
}

/// The classes (`.x`) and ids (`#x`) that a style sheet of the document hides.
pub fn hiding_classes(html: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    if !html.as_bytes().windows(6).any(|w| w.eq_ignore_ascii_case(b"<style")) {
        return found;
    }
    let mut in_style = false;
    for token in Tokens::new(html) {
        match token {
            Token::Start(name, _) => in_style = name == "style",
            Token::Text(css) if in_style => {
                read_sheet(css, &mut found);
                in_style = false;
            }
            _ => {}
        }
    }
    found
}

fn read_sheet(css: &str, found: &mut HashSet<String>) {
    let css = without_comments(css).replace("<!--", " ").replace("-->", " ");
    let mut rest = css.as_str();
    while let Some((selector, tail)) = rest.split_once('{') {
        if selector.trim_start().starts_with('@') || selector.contains('}') {
            // A rule that holds only on some device: pass over its block.
            let selector = selector.rsplit('}').next().unwrap_or(selector);
            if selector.trim_start().starts_with('@') {
                rest = &tail[block_end(tail)..];
                continue;
            }
        }
        let (declarations, after) = tail.split_once('}').unwrap_or((tail, ""));
        rest = after;
        let style = declared(declarations);
        if !(style.hidden || style.tiny == Some(true)) || found.len() > 500 {
            continue;
        }
        for one in selector.rsplit('}').next().unwrap_or(selector).split(',') {
            let one = one.trim();
            if let Some(at) = one.find(['.', '#'])
                && one[..at].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*')
                && !one[at + 1..].contains(['.', '#', ' ', '>', ':', '[', '+', '~'])
            {
                found.insert(one[at..].to_owned());
            }
        }
    }
}

/// Past the brace that closes an already opened block.
fn block_end(css: &str) -> usize {
    let mut depth = 1_usize;
    for (at, b) in css.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    css.len()
}

/// The style of an element: its own declarations, its attributes, the hiding classes it has.
pub fn of(attributes: &Attributes, hiding: &HashSet<String>) -> Style {
    let mut style = attributes.get("style").map(declared).unwrap_or_default();
    let classes = attributes.get("class").unwrap_or_default().split_ascii_whitespace();
    let by_sheet = !hiding.is_empty()
        && (classes.into_iter().any(|class| hiding.contains(&format!(".{class}")))
            || attributes.get("id").is_some_and(|id| hiding.contains(&format!("#{id}"))));
    style.hidden |= by_sheet
        || attributes.get("hidden").is_some()
        || attributes.get("aria-hidden").is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
    if style.colour.is_none() {
        style.colour = attributes.get("color").map(|c| paint(&c.to_ascii_lowercase()));
    }
    if style.background.is_none() {
        style.background = attributes.get("bgcolor").map(|c| paint(&c.to_ascii_lowercase()));
    }
    if attributes.get("background").is_some() {
        style.background = Some(Paint::Unknown);
    }
    style
}

fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((head, tail)) = rest.split_once("/*") {
        out.push_str(head);
        rest = tail.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// `\64 isplay` says `display`.
fn unescape(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut chars = css.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut code = String::new();
        while code.len() < 6
            && let Some(digit) = chars.next_if(char::is_ascii_hexdigit)
        {
            code.push(digit);
        }
        if code.is_empty() {
            out.extend(chars.next());
            continue;
        }
        chars.next_if(|c| c.is_ascii_whitespace());
        let parsed = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
        out.push(parsed.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    out
}

fn declared(css: &str) -> Style {
    let css = without_comments(css).to_ascii_lowercase();
    let css = if css.contains('\\') { unescape(&css) } else { css };
    let mut style = Style::default();
    let (mut flat, mut clipped, mut outside) = (false, false, false);
    for declaration in css.split(';') {
        let Some((name, value)) = declaration.split_once(':') else {
            continue;
        };
        let value = value.replace("!important", "");
        let value = value.trim();
        match name.trim() {
            "display" => style.hidden |= value == "none",
            "visibility" => style.hidden |= matches!(value, "hidden" | "collapse"),
            "mso-hide" => style.hidden |= value == "all",
            "opacity" => style.hidden |= number(value).is_some_and(|n| n < 0.05),
            "font-size" => style.tiny = tiny(value),
            "font" => {
                let size = value.split([' ', '/']).find(|v| v.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
                if size.is_some_and(|size| tiny(size) == Some(true)) {
                    style.tiny = Some(true);
                }
            }
            "color" | "-webkit-text-fill-color" => style.colour = Some(paint(value)),
            "background-color" => style.background = Some(paint(value)),
            "background" => style.background = Some(background(value)),
            "background-image" if value != "none" => style.background = Some(Paint::Unknown),
            "max-height" | "height" | "max-width" | "width" => {
                flat |= number(value).is_some_and(|n| n <= 1.0) && !value.ends_with('%') || value == "0%";
            }
            "overflow" => clipped |= matches!(value, "hidden" | "clip"),
            "text-indent" | "left" | "top" | "margin-left" => {
                outside |= number(value).is_some_and(|n| n <= -900.0);
            }
            "clip" => style.hidden |= value.replace(' ', "").starts_with("rect(0"),
            "white-space" => style.pre = Some(value.starts_with("pre") && value != "pre-line"),
            "border-top" => style.reply_border = is_reply_border(value),
            "border" => style.no_border = value == "none" || value.starts_with("none") || value.starts_with("0"),
            _ => {}
        }
    }
    style.hidden |= flat && clipped || outside || style.colour == Some(Paint::Colour(TRANSPARENT));
    style
}

/// Stands for `transparent` as a text colour; no document writes this very colour.
const TRANSPARENT: Rgb = (1, 254, 3);

fn is_reply_border(value: &str) -> bool {
    value.contains("solid") && (value.contains("#e1e1e1") || value.contains("#b5c4df")) && value.contains("pt")
}

fn number(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// Relative sizes keep what the parent says: twice nothing is nothing.
fn tiny(value: &str) -> Option<bool> {
    let size = number(value);
    let relative = value.ends_with("em") && !value.ends_with("rem") || value.ends_with('%');
    match size {
        Some(n) if relative => (n < 0.1 || value.ends_with('%') && n < 10.0).then_some(true),
        Some(n) => Some(n < 2.0),
        None if matches!(value, "larger" | "smaller" | "inherit") => None,
        None => Some(false),
    }
}

fn background(value: &str) -> Paint {
    if value.contains("url(") || value.contains("gradient") {
        return Paint::Unknown;
    }
    paint(value.split(' ').find(|v| !v.is_empty()).filter(|_| !value.starts_with("rgb")).unwrap_or(value))
}

fn paint(value: &str) -> Paint {
    let value = value.trim();
    let colour = match value {
        "white" | "snow" | "ghostwhite" | "whitesmoke" | "ivory" | "floralwhite" => Some((255, 255, 255)),
        "black" => Some((0, 0, 0)),
        "transparent" => Some(TRANSPARENT),
        _ => hex(value).or_else(|| functional(value)),
    };
    colour.map_or(Paint::Unknown, Paint::Colour)
}

fn hex(value: &str) -> Option<Rgb> {
    let digits = value.strip_prefix('#').unwrap_or(value);
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let two = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let one = |at: usize| u8::from_str_radix(digits.get(at..=at)?, 16).ok().map(|n| n * 17);
    match digits.len() {
        3 => Some((one(0)?, one(1)?, one(2)?)),
        4 if one(3)? == 0 => Some(TRANSPARENT),
        4 => Some((one(0)?, one(1)?, one(2)?)),
        8 if two(6)? < 13 => Some(TRANSPARENT),
        6 | 8 => Some((two(0)?, two(2)?, two(4)?)),
        _ => None,
    }
}

fn functional(value: &str) -> Option<Rgb> {
    let inner = value.strip_prefix("rgba(").or_else(|| value.strip_prefix("rgb("))?;
    let inner = inner.split(')').next()?;
    let parts: Vec<f32> = inner
        .split([',', ' ', '/'])
        .filter(|p| !p.is_empty())
        .map(|p| number(p).map(|n| if p.ends_with('%') { n * 2.55 } else { n }))
        .collect::<Option<_>>()?;
    if parts.get(3).is_some_and(|alpha| *alpha < 0.05) {
        return Some(TRANSPARENT);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |at: usize| parts.get(at).map(|n| n.clamp(0.0, 255.0) as u8);
    Some((byte(0)?, byte(1)?, byte(2)?))
}

/// Text that cannot be told from what it stands on.
pub fn same(text: Paint, ground: Paint) -> bool {
    let (Paint::Colour(a), Paint::Colour(b)) = (text, ground) else {
        return false;
    };
    let near = |x: u8, y: u8| x.abs_diff(y) <= 10;
    near(a.0, b.0) && near(a.1, b.1) && near(a.2, b.2)
}

/// A background that is not painted leaves the parent's.
pub fn is_painted(paint: Paint) -> bool {
    paint != Paint::Colour(TRANSPARENT)
}
