//! Words for people, the same for every kind of target.

use channel::ports::Notification;

const MAX_SENDER: usize = 100;
const MAX_SUBJECT: usize = 200;
const MAX_REASON: usize = 500;

/// One notification, bounded and without anything that could pass for a line or a control of its own.
pub struct Words {
    pub title: &'static str,
    pub mailbox: String,
    /// Sender, subject and reason, where the target may have them.
    pub about: Option<[(&'static str, String); 3]>,
    pub link: String,
}

impl Words {
    pub fn of(notification: &Notification) -> Self {
        let title = match notification.event {
            "test" => "This is a test notification",
            _ => "A conversation needs a person",
        };
        let about = notification.about.as_ref().map(|about| {
            [
                ("From", one_line(&about.sender, MAX_SENDER)),
                ("Subject", one_line(&about.subject, MAX_SUBJECT)),
                ("Why", one_line(&about.reason, MAX_REASON)),
            ]
        });
        let mailbox = notification.mailbox.as_str().to_owned();
        Self { title, mailbox, about, link: notification.link.clone() }
    }

    /// As plain text, one fact a line.
    pub fn lines(&self) -> String {
        let mut text = format!("{}\nMailbox: {}", self.title, self.mailbox);
        for (name, value) in self.about.iter().flatten() {
            text.push_str(&format!("\n{name}: {value}"));
        }
        text
    }
}

/// On one line, without invisible characters, and cut to `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let spaced: String = visible.map(|c| if c.is_control() || is_line_end(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}')
}

/// Zero width, direction and tag characters: they change what is read, and cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_shows_everything() {
        assert_eq!(one_line("a\r\nSubject: b\u{2028}c", 50), "a Subject: b c");
        assert_eq!(one_line("pay\u{202e}pal\u{200b} \u{e0041}x", 50), "paypal x");
        assert_eq!(one_line("äöüäöü", 4), "äöü…");
        assert_eq!(one_line("äöüä", 4), "äöüä");
    }
}
