//! Cuts a document into passages by its structure: headings, question-and-answer pairs, list and table blocks,
//! paragraphs. A passage is a slice of the document, never rewritten.

use crate::text::sentences;

/// Longer passages are cut between sentences: an answer should fit on a screen.
const MAX_PASSAGE: usize = 1_200;
/// A paragraph shorter than this is joined with its neighbour under the same heading: on its own it lacks its subject.
const SMALL_PASSAGE: usize = 280;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Headings above the passage, outermost first; the question of a Q&A pair is the last of them.
    pub headings: Vec<String>,
    /// As it stands in the document.
    pub passage: String,
}

pub fn chunks(text: &str) -> Vec<Chunk> {
    let mut cutter = Cutter::default();
    let mut fenced = false;
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            cutter.line(line);
            continue;
        }
        let next = lines.get(at + 1).map_or("", |next| next.trim());
        if fenced {
            cutter.line(line);
        } else if trimmed.is_empty() {
            cutter.blank();
        } else if let Some((level, heading)) = atx_heading(trimmed) {
            cutter.heading(level, heading);
        } else if let Some(level) = setext_level(next) {
            cutter.heading(level, trimmed);
        } else if setext_level(trimmed).is_some() && cutter.block.is_empty() {
            // The underline of the heading above, or a rule between sections.
        } else if let Some(question) = labelled(trimmed, QUESTION_LABELS).or_else(|| bold_question(trimmed)) {
            cutter.question(question);
        } else if is_question_line(trimmed)
            && cutter.block.is_empty()
            && !next.is_empty()
            && !next.ends_with(['?', '？'])
        {
            cutter.question(trimmed);
        } else {
            cutter.line(labelled(trimmed, ANSWER_LABELS).unwrap_or(line));
        }
    }
    cutter.finish()
}

const QUESTION_LABELS: &[&str] =
    &["q", "question", "f", "frage", "p", "pregunta", "domanda", "pergunta", "vraag", "fråga", "問", "质问", "问"];
const ANSWER_LABELS: &[&str] = &[
    "a",
    "answer",
    "antwort",
    "réponse",
    "reponse",
    "r",
    "respuesta",
    "risposta",
    "resposta",
    "antwoord",
    "svar",
    "答",
];

/// The text after `Q:` or `**Answer:**`.
fn labelled<'t>(line: &'t str, labels: &[&str]) -> Option<&'t str> {
    let bare = line.trim_start_matches(['*', '_', '-', ' ']);
    let (label, rest) = bare.split_once([':', '：'])?;
    let label = label.trim_end_matches(['*', '_', '.', ' ']).to_lowercase();
    labels.contains(&label.as_str()).then(|| rest.trim_start_matches(['*', '_', ' ']).trim_end_matches(['*', '_']))
}

fn bold_question(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("**").and_then(|rest| rest.strip_suffix("**"))?;
    is_question_line(inner).then_some(inner)
}

fn is_question_line(line: &str) -> bool {
    line.trim_end_matches(['*', '_', ' ']).ends_with(['?', '？', '؟']) && line.chars().count() <= 160
}

fn atx_heading(line: &str) -> Option<(usize, &str)> {
    let level = line.chars().take_while(|c| *c == '#').count();
    let rest = line.get(level..)?;
    ((1..=6).contains(&level) && rest.starts_with([' ', '\t']))
        .then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
}

fn setext_level(line: &str) -> Option<usize> {
    let marked = |mark: char| line.len() >= 3 && line.chars().all(|c| c == mark);
    if marked('=') {
        Some(1)
    } else if marked('-') {
        Some(2)
    } else {
        None
    }
}

#[derive(Default)]
struct Cutter {
    path: Vec<(usize, String)>,
    block: Vec<String>,
    chunks: Vec<Chunk>,
    /// The last chunk stands under the same heading and was small.
    may_join: bool,
}

/// Deeper than any Markdown heading, so that every heading ends a Q&A pair.
const QUESTION_LEVEL: usize = 7;

impl Cutter {
    fn heading(&mut self, level: usize, text: &str) {
        self.flush();
        self.may_join = false;
        self.path.retain(|(of, _)| *of < level);
        self.path.push((level, plain(text)));
    }

    fn question(&mut self, text: &str) {
        self.heading(QUESTION_LEVEL, text);
    }

    fn line(&mut self, line: &str) {
        self.block.push(line.trim_end().to_owned());
    }

    fn blank(&mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let passage = std::mem::take(&mut self.block).join("\n").trim().to_owned();
        if !passage.chars().any(char::is_alphanumeric) {
            return;
        }
        let headings: Vec<String> = self.path.iter().map(|(_, heading)| heading.clone()).collect();
        if self.may_join
            && let Some(last) = self.chunks.last_mut()
        {
            // What introduces a list belongs to it, and so does a remark of one line.
            let introduces = last.passage.ends_with([':', '：']);
            if (introduces || last.passage.len() < SMALL_PASSAGE || passage.len() < SMALL_PASSAGE / 2)
                && last.passage.len() + passage.len() <= MAX_PASSAGE
                && last.headings == headings
            {
                last.passage.push_str("\n\n");
                last.passage.push_str(&passage);
                return;
            }
        }
        for piece in pieces(&passage) {
            self.chunks.push(Chunk { headings: headings.clone(), passage: piece });
        }
        // Under no heading at all, paragraphs of a plain text each have their own subject.
        self.may_join = !headings.is_empty();
    }

    fn finish(mut self) -> Vec<Chunk> {
        self.flush();
        self.chunks
    }
}

fn pieces(passage: &str) -> Vec<String> {
    if passage.len() <= MAX_PASSAGE {
        return vec![passage.to_owned()];
    }
    let mut out: Vec<String> = Vec::new();
    for sentence in sentences(passage) {
        let mut rest = sentence;
        loop {
            let head = crate::text::clip(rest, MAX_PASSAGE);
            match out.last_mut() {
                Some(last) if last.len() + head.len() < MAX_PASSAGE => {
                    last.push(' ');
                    last.push_str(head);
                }
                _ => out.push(head.to_owned()),
            }
            rest = &rest[head.len()..];
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

/// The passage without Markdown's marks, for a plain-text mail. Words and numbers stay as they are.
pub fn plain(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") || is_table_rule(line) {
            continue;
        }
        let line = line.trim_start_matches('>').trim_start();
        let line = if let Some(rest) = line.strip_prefix("* ").or_else(|| line.strip_prefix("+ ")) {
            format!("- {rest}")
        } else if line.starts_with('|') {
            line.trim_matches('|')
                .split('|')
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect::<Vec<_>>()
                .join(": ")
        } else {
            line.trim_start_matches('#').trim_start().to_owned()
        };
        out.push(links(&line).replace("**", "").replace("__", "").replace('`', ""));
    }
    out.join("\n").trim().to_owned()
}

fn is_table_rule(line: &str) -> bool {
    line.starts_with('|') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// `[words](target)` → `words (target)`; an image keeps its words only.
fn links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        let found = rest[open..].find("](").and_then(|middle| {
            let middle = open + middle;
            rest[middle..].find(')').map(|close| (middle, middle + close))
        });
        let Some((middle, close)) = found else { break };
        let image = rest[..open].ends_with('!');
        out.push_str(rest[..open].trim_end_matches('!'));
        let (label, target) = (&rest[open + 1..middle], &rest[middle + 2..close]);
        out.push_str(label);
        if !image && target != label && !target.is_empty() {
            out.push_str(" (");
            out.push_str(target.trim_start_matches("mailto:").trim_start_matches("tel:"));
            out.push(')');
        }
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<(String, String)> {
        chunks(text).into_iter().map(|chunk| (chunk.headings.join(" > "), chunk.passage)).collect()
    }

    #[test]
    fn headings_nest_and_end() {
        let found =
            titles("# Shop\n\n## Delivery\n\nThree days.\n\n### Express\n\nOne day.\n\n## Returns\n\nThirty days.");
        assert_eq!(
            found,
            [
                ("Shop > Delivery".to_owned(), "Three days.".to_owned()),
                ("Shop > Delivery > Express".to_owned(), "One day.".to_owned()),
                ("Shop > Returns".to_owned(), "Thirty days.".to_owned()),
            ]
        );
    }

    #[test]
    fn question_and_answer_pairs_in_three_spellings() {
        let text = "Q: Do you ship?\nA: Yes, we do.\n\n**Is there parking?**\nBehind the house.\n\nWhen are you open?\nEvery day.";
        assert_eq!(
            titles(text),
            [
                ("Do you ship?".to_owned(), "Yes, we do.".to_owned()),
                ("Is there parking?".to_owned(), "Behind the house.".to_owned()),
                ("When are you open?".to_owned(), "Every day.".to_owned()),
            ]
        );
    }

    #[test]
    fn underlined_headings_lists_and_introductions() {
        let found = titles("Prices\n======\n\nWe charge:\n\n- Small: 3 €\n- Large: 5 €\n");
        assert_eq!(found, [("Prices".to_owned(), "We charge:\n\n- Small: 3 €\n- Large: 5 €".to_owned())]);
    }

    #[test]
    fn a_long_paragraph_is_cut_between_sentences_and_a_monster_anyway() {
        let long = "This sentence is here again and again. ".repeat(100);
        let found = chunks(&long);
        assert!(found.len() > 2);
        assert!(found.iter().all(|chunk| chunk.passage.len() <= MAX_PASSAGE && chunk.passage.ends_with('.')));
        assert!(chunks(&"ä".repeat(50_000)).iter().all(|chunk| chunk.passage.len() <= MAX_PASSAGE));
    }

    #[test]
    fn plain_text_keeps_words_and_numbers() {
        assert_eq!(plain("* **Small**: [3 €](https://shop.example/s)"), "- Small: 3 € (https://shop.example/s)");
        assert_eq!(plain("| A | 4 € |\n|---|---|\n| B | 5 € |"), "A: 4 €\nB: 5 €");
        assert_eq!(plain("[broken](link"), "[broken](link");
    }
}
