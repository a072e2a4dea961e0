//! From a document to a flow, or to everything that is wrong with it.

use crate::condition::{Condition, Refusal};
use crate::data::Type;
use crate::facts;
use crate::kinds::{COMMON, KINDS, Kind, TOP};
use crate::model::{
    Action, Branch, Flow, LabelName, OnError, Recipient, SlackChannel, Step, WebhookUrl, is_identifier,
};
use crate::printed;
use crate::problem::{Correction, Problem, nearest, short};
use crate::template::Template;
use crate::text;
use crate::yaml::{self, Kind as Shape, Node, quoted};
use std::collections::BTreeMap;
use std::time::Duration;

/// Steps of a flow, those of branches counted.
pub const MAX_STEPS: usize = 100;
/// `ai_request` and `classify` steps of a flow.
pub const MAX_AI_STEPS: usize = 5;
/// Branches within branches.
pub const MAX_BRANCHING: usize = 3;
/// All `wait` steps together.
pub const MAX_WAIT: Duration = Duration::from_secs(7 * 24 * 3_600);
const MAX_BRANCHES: usize = 20;
const MAX_PROBLEMS: usize = 50;

impl Flow {
    /// Reads YAML, JSON or the printed form.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the document; at most fifty.
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        let translated = printed::translate(source);
        let source = translated.as_deref().unwrap_or(source);
        let root = yaml::read(source).map_err(|problem| vec![problem])?;
        let mut reader = Reader {
            lines: source.lines().collect(),
            problems: vec![],
            types: facts::types(),
            results: BTreeMap::new(),
            steps: 0,
            ai_steps: 0,
            waits: Duration::ZERO,
            step: None,
        };
        let flow = reader.flow(&root);
        reader.problems.truncate(MAX_PROBLEMS);
        match flow {
            Some(flow) if reader.problems.is_empty() => Ok(flow),
            _ => Err(reader.problems),
        }
    }
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    problems: Vec<Problem>,
    types: BTreeMap<String, Type>,
    /// What the steps so far have found, by name.
    results: BTreeMap<String, Type>,
    steps: usize,
    ai_steps: usize,
    waits: Duration,
    step: Option<String>,
}

type Fields<'n> = BTreeMap<&'n str, &'n Node>;

impl<'a> Reader<'a> {
    fn report(&mut self, at: &Node, found: impl Into<String>, allowed: impl Into<String>, line: Option<Correction>) {
        self.problems.push(Problem {
            line: at.line,
            column: at.column,
            step: self.step.clone(),
            found: found.into(),
            allowed: allowed.into(),
            correction: line,
        });
    }

    fn line(&self, no: usize) -> &'a str {
        self.lines.get(no.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The line with a word of it replaced, from this place on.
    fn replaced(&self, at: &Node, from: &str, to: &str) -> Option<Correction> {
        for no in at.line..(at.line + 12) {
            let skip = if no == at.line { at.column.saturating_sub(1) } else { 0 };
            let line = self.line(no);
            let start = line.char_indices().nth(skip).map_or(line.len(), |(byte, _)| byte);
            let (head, tail) = line.split_at(start);
            if let Some(found) = whole_word(tail, from) {
                let text = format!("{head}{}{to}{}", &tail[..found], &tail[found + from.len()..]);
                return Some(Correction { line: no, text });
            }
        }
        None
    }

    /// The line with this value, from its beginning to the end of the line.
    fn revalued(&self, at: &Node, value: &str) -> Correction {
        let head: String = self.line(at.line).chars().take(at.column.saturating_sub(1)).collect();
        let head = if head.ends_with([':', '-']) { format!("{head} ") } else { head };
        Correction { line: at.line, text: format!("{head}{value}") }
    }

    /// A line put before this one, or after it.
    fn inserted(&self, before: Option<&str>, no: usize, after: Option<&str>) -> Correction {
        let parts = [before, Some(self.line(no)), after];
        Correction { line: no, text: parts.into_iter().flatten().collect::<Vec<_>>().join("\n") }
    }

    fn refuse(&mut self, at: &Node, refusal: Refusal) {
        let correction = refusal.correction.and_then(|(from, to)| {
            self.replaced(at, &from, &to).or_else(|| {
                at.text().map(|text| self.revalued(at, &quoted(&text.replacen(&from, &to, 1)).replace('\n', " ")))
            })
        });
        self.report(at, refusal.found, refusal.allowed, correction);
    }

    /// The entries of a group of fields, each name once.
    fn fields<'n>(&mut self, node: &'n Node, known: &[&str], what: &str) -> Option<Fields<'n>> {
        let Shape::Map(entries) = &node.kind else {
            self.report(node, node.in_words(), format!("{what}: {}", known.join(", ")), None);
            return None;
        };
        let mut fields = Fields::new();
        for (key, value) in entries {
            let Some(name) = key.text() else {
                self.report(key, key.in_words(), known.join(", "), None);
                continue;
            };
            if !known.contains(&name) {
                let correction = match nearest(name, known.iter().copied()) {
                    Some(meant) => self.replaced(key, name, meant),
                    None => Some(Correction { line: key.line, text: String::new() }),
                };
                self.report(key, format!("the unknown field `{}`", short(name)), known.join(", "), correction);
            } else if fields.insert(name, value).is_some() {
                let correction = Correction { line: key.line, text: String::new() };
                self.report(key, format!("`{name}` a second time"), "each field once", Some(correction));
            }
        }
        Some(fields)
    }

    fn flow(&mut self, root: &Node) -> Option<Flow> {
        let fields = self.fields(root, &TOP, "a flow has the fields")?;
        self.version(root, &fields);
        self.constant(root, &fields, "trigger", &["Chat Service", "Chat Service (Gmail)", "chat_service"], true);
        self.constant(root, &fields, "channel", &["Gmail", "gmail"], false);
        let name = fields.get("name").and_then(|node| self.words(node));
        let description = fields.get("description").and_then(|node| self.words(node));
        let priority = fields.get("priority").map(|node| {
            let read = node.text().and_then(|text| text.parse::<u32>().ok()).filter(|priority| *priority <= 1000);
            if read.is_none() {
                let correction = Some(self.revalued(node, "100"));
                self.report(node, node.in_words(), "a number from 0, which goes first, to 1000", correction);
            }
            read.unwrap_or(100)
        });
        let when = fields.get("when").and_then(|node| self.condition(node));
        let Some(steps) = fields.get("steps") else {
            let correction =
                self.inserted(None, self.lines.len().max(1), Some("steps:\n  - ai_request:\n  - create_draft:"));
            self.report(root, "no `steps`", "a list of steps", Some(correction));
            return None;
        };
        let steps = self.steps(steps, "", 0);
        Some(Flow {
            name: name.unwrap_or_else(|| "Flow".to_owned()),
            description,
            priority: priority.unwrap_or(100),
            when,
            steps,
        })
    }

    fn version(&mut self, root: &Node, fields: &Fields<'_>) {
        match fields.get("version") {
            None => {
                let correction = self.inserted(Some("version: 1"), root.line, None);
                self.report(root, "no `version`", "`version: 1`", Some(correction));
            }
            Some(node) if node.text() == Some("1") => {}
            Some(node) => {
                let correction = Some(self.revalued(node, "1"));
                self.report(node, format!("version {}", node.in_words()), "`version: 1`", correction);
            }
        }
    }

    fn constant(&mut self, root: &Node, fields: &Fields<'_>, name: &str, allowed: &[&str], required: bool) {
        match fields.get(name) {
            Some(node) if node.text().is_some_and(|text| allowed.contains(&text)) => {}
            Some(node) => {
                let correction = Some(self.revalued(node, allowed[0]));
                self.report(node, format!("`{name}` {}", node.in_words()), format!("`{}`", allowed[0]), correction);
            }
            None if required => {
                let line = format!("{name}: {}", allowed[0]);
                let correction = self.inserted(Some(&line), root.line, None);
                self.report(root, format!("no `{name}`"), format!("`{line}`"), Some(correction));
            }
            None => {}
        }
    }

    fn words(&mut self, node: &Node) -> Option<String> {
        let text = node.text().map(str::to_owned);
        if text.as_ref().is_none_or(|text| text.len() > 2_000) {
            let correction = Some(self.revalued(node, "\"a few words\""));
            self.report(node, node.in_words(), "a text of at most 2,000 bytes", correction);
        }
        text
    }

    /// What conditions may look at here.
    fn condition_types(&self) -> BTreeMap<String, Type> {
        let mut types = self.types.clone();
        self.add_results(&mut types);
        types
    }

    fn template_types(&self) -> BTreeMap<String, Type> {
        let mut types = self.condition_types();
        types.extend(facts::template_types());
        types
    }

    fn add_results(&self, types: &mut BTreeMap<String, Type>) {
        if self.results.values().any(|of| matches!(of, Type::Record(fields) if fields.contains_key("text"))) {
            types.insert("ai_response".to_owned(), Type::LongText);
        }
        if !self.results.is_empty() {
            types.insert("steps".to_owned(), Type::Record(self.results.clone()));
        }
    }

    fn condition(&mut self, node: &Node) -> Option<Condition> {
        let Some(source) = node.text() else {
            let correction = Some(self.revalued(node, "sender.vip"));
            self.report(node, node.in_words(), "a condition, such as `sender.vip`", correction);
            return None;
        };
        Condition::parse(source, &self.condition_types()).map_err(|refusal| self.refuse(node, refusal)).ok()
    }

    fn template(&mut self, node: &Node) -> Option<Template> {
        let Some(source) = node.text() else {
            self.not_text(node);
            return None;
        };
        let types = self.template_types();
        match Template::parse(source, &types) {
            Ok(template) => Some(template),
            Err(mut refusal) => {
                if source.contains("ai_response") && !types.contains_key("ai_response") {
                    refusal.correction = Some(("ai_response".into(), "email_content".into()));
                    refusal.allowed = format!("an `ai_request` step before it, or {}", refusal.allowed);
                }
                self.refuse(node, refusal);
                None
            }
        }
    }

    /// The two slips of people who write templates into YAML: `{{x}}` without quotes, and `#name` that is a comment.
    fn not_text(&mut self, node: &Node) {
        let line = self.line(node.line);
        let head: String = line.chars().take(node.column.saturating_sub(1)).collect();
        let rest = line.chars().skip(node.column.saturating_sub(1)).collect::<String>();
        let (found, correction) = match (&node.kind, line.split_once(": ")) {
            (Shape::Map(_), _) if rest.starts_with("{{") => (
                "`{{ }}` without quotes",
                Some(Correction { line: node.line, text: format!("{head}{}", quoted(&rest)) }),
            ),
            (_, Some((key, value))) if node.is_empty() && value.trim_start().starts_with('#') => (
                "a comment, since `#` begins one",
                Some(Correction { line: node.line, text: format!("{key}: {}", quoted(value.trim())) }),
            ),
            _ => ("", Some(self.revalued(node, "\"New mail from {{sender_email}}\""))),
        };
        let found = if found.is_empty() { node.in_words() } else { found.to_owned() };
        self.report(node, found, "a text, in quotes where it has `{{`, `#` or `:`", correction);
    }

    fn steps(&mut self, node: &Node, prefix: &str, depth: usize) -> Vec<Step> {
        let Shape::List(items) = &node.kind else {
            let correction = node.is_empty().then(|| self.inserted(None, node.line, Some("  - create_draft: Hello")));
            let correction = correction.or_else(|| Some(self.revalued(node, "[stop]")));
            self.report(node, node.in_words(), "a list of steps, each with `- ` before it", correction);
            return vec![];
        };
        if items.is_empty() {
            let correction = Some(self.revalued(node, "[stop]"));
            self.report(node, "a list without steps", "at least one step", correction);
        }
        let mut steps = vec![];
        for (at, item) in items.iter().enumerate() {
            self.steps += 1;
            if self.steps == MAX_STEPS + 1 {
                self.report(item, format!("step {}", self.steps), format!("at most {MAX_STEPS} steps"), None);
            }
            if self.steps > MAX_STEPS {
                return steps;
            }
            let path = format!("{prefix}{}", at + 1);
            let outer = self.step.replace(format!("step {path}"));
            steps.extend(self.one_step(item, path, depth));
            self.step = outer;
        }
        steps
    }

    fn one_step(&mut self, node: &Node, path: String, depth: usize) -> Option<Step> {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).chain(["choose"]).collect();
        if let Some(word) = node.text() {
            let Some(kind) = KINDS.iter().find(|kind| kind.name == word && kind.bare()) else {
                let meant = nearest(word, names.iter().copied()).unwrap_or("stop");
                let kind = KINDS.iter().find(|kind| kind.name == meant);
                let right = kind.map_or("stop".to_owned(), |kind| match kind.fields.iter().find(|(_, must)| *must) {
                    None => meant.to_owned(),
                    Some((field, _)) => format!("{meant}: {}", one_line(kind, field)),
                });
                let correction = self.replaced(node, word, &right);
                self.report(node, format!("the step `{}`", short(word)), names.join(", "), correction);
                return None;
            };
            let action = self.action(kind, node, None)?;
            return Some(Step { path, name: None, guard: None, on_error: default_on_error(&action), action });
        }
        let known: Vec<&str> = COMMON.iter().copied().chain(names.iter().copied()).collect();
        let fields = self.fields(node, &known, "a step has one of")?;
        let name = fields.get("name").and_then(|node| self.words(node));
        if let Some(name) = &name {
            self.step = Some(format!("step {path} ({})", short(name)));
        }
        let guard = fields.get("if").and_then(|node| self.condition(node));
        let on_error = fields.get("on_error").and_then(|node| self.on_error(node));
        let kinds: Vec<(&str, &Node)> =
            fields.iter().filter(|(name, _)| names.contains(name)).map(|(name, node)| (*name, *node)).collect();
        let action = match kinds.as_slice() {
            [("choose", branches)] => self.choose(branches, &path, depth)?,
            [(name, value)] => {
                let kind = KINDS.iter().find(|kind| kind.name == *name)?;
                self.action(kind, node, Some(value))?
            }
            [] => {
                if self.problems.last().is_none_or(|problem| problem.line != node.line) {
                    let indent = " ".repeat(node.column.saturating_sub(1));
                    let correction = self.inserted(None, node.line, Some(&format!("{indent}mark_read:")));
                    self.report(node, "a step that does nothing", names.join(", "), Some(correction));
                }
                return None;
            }
            [(first, _), (second, at), ..] => {
                let found = format!("`{first}` and `{second}` in one step");
                let indent = " ".repeat(node.column.saturating_sub(3));
                let line = self.line(at.line).trim_start();
                let alone = at.line != node.line && !matches!(at.kind, Shape::Map(_) | Shape::List(_));
                let correction = alone.then(|| Correction { line: at.line, text: format!("{indent}- {line}") });
                self.report(node, found, "one kind a step; put `- ` before the second", correction);
                return None;
            }
        };
        Some(Step { path, name, guard, on_error: on_error.unwrap_or_else(|| default_on_error(&action)), action })
    }

    fn on_error(&mut self, node: &Node) -> Option<OnError> {
        match node.text() {
            Some("stop") => Some(OnError::Stop),
            Some("continue") => Some(OnError::Continue),
            Some("human") => Some(OnError::Human),
            other => {
                let meant = other.and_then(|word| nearest(word, ["stop", "continue", "human"])).unwrap_or("human");
                let correction = Some(self.revalued(node, meant));
                self.report(node, node.in_words(), "stop, continue or human", correction);
                None
            }
        }
    }

    fn choose(&mut self, node: &Node, path: &str, depth: usize) -> Option<Action> {
        if depth >= MAX_BRANCHING {
            self.report(node, "branches too deep", format!("`choose` nested at most {MAX_BRANCHING} deep"), None);
            return None;
        }
        let Shape::List(items) = &node.kind else {
            self.report(node, node.in_words(), "a list of `if` with `steps`, and at the end an `else`", None);
            return None;
        };
        if items.is_empty() || items.len() > MAX_BRANCHES {
            self.report(node, format!("{} branches", items.len()), format!("1 to {MAX_BRANCHES} branches"), None);
        }
        let mut branches = vec![];
        for (at, item) in items.iter().enumerate() {
            let Some(fields) = self.fields(item, &["if", "steps", "else"], "a branch has") else { continue };
            let prefix = format!("{path}.b{}.", at + 1);
            match (fields.get("if"), fields.get("steps"), fields.get("else")) {
                (Some(guard), Some(steps), None) => {
                    let guard = self.condition(guard);
                    branches.push(Branch { guard, steps: self.steps(steps, &prefix, depth + 1) });
                }
                (None, None, Some(steps)) if at + 1 == items.len() && at > 0 => {
                    branches.push(Branch { guard: None, steps: self.steps(steps, &prefix, depth + 1) });
                }
                (None, None, Some(_)) => {
                    let correction = Some(Correction {
                        line: item.line,
                        text: self.line(item.line).replacen(
                            "else:",
                            &format!("if: \"true\"\n{}steps:", " ".repeat(item.column.saturating_sub(1))),
                            1,
                        ),
                    });
                    self.report(item, "an `else` that is not the last branch", "`else` once, at the end", correction);
                }
                (Some(_), None, None) => {
                    let line = format!("{}steps: [stop]", " ".repeat(item.column.saturating_sub(1)));
                    let correction = Some(self.inserted(None, item.line, Some(&line)));
                    self.report(item, "a branch without `steps`", "`if` with `steps`", correction);
                }
                (None, Some(_), None) => {
                    let correction = self.line(item.line).replacen("steps:", "else:", 1);
                    let correction = if at + 1 == items.len() && at > 0 {
                        Correction { line: item.line, text: correction }
                    } else {
                        let indent = " ".repeat(item.column.saturating_sub(1));
                        let line =
                            self.line(item.line).replacen("steps:", &format!("if: sender.vip\n{indent}steps:"), 1);
                        Correction { line: item.line, text: line }
                    };
                    self.report(item, "`steps` without `if`", "`if` with `steps`, or `else`", Some(correction));
                }
                _ => self.report(item, "a branch with other fields", "`if` with `steps`, or `else`", None),
            }
        }
        Some(Action::Choose(branches))
    }

    fn action(&mut self, kind: &Kind, step: &Node, value: Option<&Node>) -> Option<Action> {
        let mut fields = Fields::new();
        match value {
            Some(node) if matches!(node.kind, Shape::Map(_)) && !self.line_at(node).starts_with("{{") => {
                let known: Vec<&str> = kind.fields.iter().map(|(name, _)| *name).collect();
                fields = self.fields(node, &known, kind.name)?;
            }
            Some(node) if !node.is_empty() || self.line_at(node).starts_with('#') => match kind.short {
                Some(short) => {
                    fields.insert(short, node);
                }
                None if matches!(node.text(), Some("true")) => {}
                None => {
                    let names: Vec<&str> = kind.fields.iter().map(|(name, _)| *name).collect();
                    let right = if kind.bare() { String::new() } else { one_line(kind, names[0]) };
                    let mut correction = self.revalued(node, &right);
                    correction.text.truncate(correction.text.trim_end().len());
                    let allowed = format!("`{}` with {}", kind.name, names.join(", "));
                    self.report(node, node.in_words(), allowed, Some(correction));
                    return None;
                }
            },
            _ => {}
        }
        for (field, required) in kind.fields {
            if *required && !fields.contains_key(field) {
                self.missing(kind, field, step, value, &fields);
                return None;
            }
        }
        self.filled(kind, step, &fields)
    }

    /// The text from this place on.
    fn line_at(&self, node: &Node) -> &'a str {
        let line = self.line(node.line);
        let start = line.char_indices().nth(node.column.saturating_sub(1)).map_or(line.len(), |(byte, _)| byte);
        line[start..].trim_start()
    }

    fn missing(&mut self, kind: &Kind, field: &str, step: &Node, value: Option<&Node>, fields: &Fields<'_>) {
        let correction = match (value, fields.is_empty()) {
            (Some(group), false) => {
                // Beside the first field that is there.
                let line = format!("{}{field}: {}", " ".repeat(group.column.saturating_sub(1)), kind.example(field));
                self.inserted(Some(&line), group.line, None)
            }
            _ => {
                let line = self.lines.iter().enumerate().skip(step.line.saturating_sub(1));
                let at =
                    line.into_iter().find(|(_, line)| line.contains(kind.name)).map_or(step.line, |(at, _)| at + 1);
                let head = self.line(at).split_once(kind.name).map_or("", |(head, _)| head);
                let whole: Vec<String> = kind
                    .fields
                    .iter()
                    .filter(|(_, must)| *must)
                    .map(|(name, _)| format!("{name}: {}", kind.example(name)))
                    .collect();
                Correction { line: at, text: format!("{head}{}: {{{}}}", kind.name, whole.join(", ")) }
            }
        };
        self.report(
            value.unwrap_or(step),
            format!("`{}` without `{field}`", kind.name),
            format!("`{field}`"),
            Some(correction),
        );
    }

    fn filled(&mut self, kind: &Kind, step: &Node, fields: &Fields<'_>) -> Option<Action> {
        let get = |name: &str| fields.get(name).copied();
        Some(match kind.name {
            "ai_request" => {
                self.ai_step(step);
                let system = self.optional(get("system"))?;
                let input = self.optional(get("input"))?;
                let result = self.result(get("result"), "ai_response", Type::record([("text", Type::LongText)]))?;
                Action::AiRequest { system, input, result }
            }
            "classify" => {
                self.ai_step(step);
                let labels = self.labels(get("labels")?)?;
                let input = self.optional(get("input"))?;
                let words: Vec<&str> = labels.iter().map(|(label, _)| label.as_str()).collect();
                let of = Type::record([("label", Type::choice(&words)), ("confidence", Type::Number)]);
                let result = self.result(get("result"), "kind", of)?;
                Action::Classify { labels, input, result }
            }
            "send_reply" => {
                Action::SendReply { subject: self.subject(get("subject"))?, body: self.body(step, get("body"))? }
            }
            "create_draft" => {
                let to = match get("to") {
                    None => Recipient::Sender,
                    Some(node) => self.recipient(node, true)?,
                };
                Action::CreateDraft { to, subject: self.subject(get("subject"))?, body: self.body(step, get("body"))? }
            }
            "add_label" => Action::AddLabel(self.literal(get("label")?, LabelName::parse)?),
            "remove_label" => Action::RemoveLabel(self.literal(get("label")?, LabelName::parse)?),
            "mark_read" => Action::MarkRead,
            "archive" => Action::Archive,
            "forward" => {
                let to = self.recipient(get("to")?, false)?;
                Action::Forward { to, note: self.optional(get("note"))? }
            }
            "route_to_human" => Action::RouteToHuman { reason: self.optional(get("reason"))? },
            "notify" => Action::Notify { message: self.template(get("message")?)? },
            "slack" => {
                let channel = self.literal(get("channel")?, SlackChannel::parse)?;
                Action::Slack { channel, message: self.template(get("message")?)? }
            }
            "webhook" => {
                let url = self.literal(get("url")?, WebhookUrl::parse)?;
                Action::Webhook { url, message: self.optional(get("message"))? }
            }
            "wait" => Action::Wait(self.wait(get("for")?)?),
            _ => Action::Stop {
                reason: match get("reason") {
                    None => None,
                    Some(node) => Some(self.words(node)?),
                },
            },
        })
    }

    fn ai_step(&mut self, at: &Node) {
        self.ai_steps += 1;
        if self.ai_steps == MAX_AI_STEPS + 1 {
            let allowed = format!("at most {MAX_AI_STEPS} steps that ask the assistant");
            self.report(at, "one `ai_request` or `classify` too many", allowed, None);
        }
    }

    /// `None`: it is there and wrong.
    fn optional(&mut self, node: Option<&Node>) -> Option<Option<Template>> {
        match node {
            None => Some(None),
            Some(node) => self.template(node).map(Some),
        }
    }

    fn subject(&mut self, node: Option<&Node>) -> Option<Template> {
        match node {
            Some(node) => self.template(node),
            None => Template::parse("Re: {{email_subject}}", &self.template_types()).ok(),
        }
    }

    fn body(&mut self, step: &Node, node: Option<&Node>) -> Option<Template> {
        if let Some(node) = node {
            return self.template(node);
        }
        let types = self.template_types();
        if !types.contains_key("ai_response") {
            let indent = " ".repeat(step.column.saturating_sub(3));
            let correction = Some(self.inserted(Some(&format!("{indent}- ai_request:")), step.line, None));
            let allowed = "a `body`, or an `ai_request` step before it, whose answer is the body";
            self.report(step, "a mail without a text", allowed, correction);
            return None;
        }
        Template::parse("{{ai_response}}", &types).ok()
    }

    fn result(&mut self, node: Option<&Node>, default: &str, of: Type) -> Option<String> {
        let name = match node {
            None => default.to_owned(),
            Some(node) => match node.text() {
                Some(name) if is_identifier(name) => name.to_owned(),
                _ => {
                    let correction = Some(self.revalued(node, default));
                    let allowed = "a name of a-z, 0-9 and _ that begins with a letter";
                    self.report(node, format!("{} as the name of a result", node.in_words()), allowed, correction);
                    return None;
                }
            },
        };
        if let (Some(node), Some(former)) = (node, self.results.get(&name))
            && *former != of
        {
            let correction = Some(self.revalued(node, &format!("{name}_2")));
            self.report(
                node,
                format!("the result `{name}` a second time"),
                "one name for each kind of result",
                correction,
            );
            return None;
        }
        // A second question with the default name answers in place of the first.
        self.results.insert(name.clone(), of);
        Some(name)
    }

    fn labels(&mut self, node: &Node) -> Option<Vec<(String, String)>> {
        let Shape::Map(entries) = &node.kind else {
            let correction = Some(self.revalued(node, "{refund: wants money back, other: anything else}"));
            self.report(node, node.in_words(), "labels with descriptions, `refund: wants money back`", correction);
            return None;
        };
        let mut labels: Vec<(String, String)> = vec![];
        for (label, description) in entries {
            match (label.text(), description.text()) {
                (Some(name), Some(text)) if is_identifier(name) && text.len() <= 500 => {
                    labels.push((name.to_owned(), text.to_owned()));
                }
                (Some(name), Some(_)) if !is_identifier(name) => {
                    let meant: String = name
                        .to_lowercase()
                        .chars()
                        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' })
                        .collect();
                    let meant = if is_identifier(&meant) { meant } else { "other".to_owned() };
                    let correction = self.replaced(label, name, &meant);
                    self.report(label, label.in_words(), "a label of a-z, 0-9 and _", correction);
                }
                _ => {
                    let correction = Some(self.revalued(description, "anything else"));
                    self.report(label, "a label without a description", "`refund: wants money back`", correction);
                }
            }
        }
        if !(2..=20).contains(&labels.len()) || labels.len() != entries.len() {
            if labels.len() == entries.len() {
                self.report(node, format!("{} label(s)", labels.len()), "2 to 20 labels", None);
            }
            return None;
        }
        Some(labels)
    }

    fn recipient(&mut self, node: &Node, draft: bool) -> Option<Recipient> {
        let Some(text) = node.text() else {
            self.not_text(node);
            return None;
        };
        let meant = if draft { "{{sender_email}}" } else { "settings.backup" };
        match Recipient::parse(text) {
            Ok(Recipient::Sender) if !draft => {
                let refusal = Refusal::new("the sender as the target of a forward", "`settings.NAME` or an address");
                self.refuse(node, refusal.correct(text, meant));
                None
            }
            Ok(Recipient::Address(_)) if draft => {
                let allowed = "`{{sender_email}}` or `settings.NAME`; mail to others is forwarded";
                self.refuse(node, Refusal::new(format!("`{text}` as a recipient"), allowed).correct(text, meant));
                None
            }
            Ok(recipient) => Some(recipient),
            Err(refusal) => {
                self.refuse(node, refusal.correct(text, meant));
                None
            }
        }
    }

    fn literal<T>(&mut self, node: &Node, parse: impl Fn(&str) -> Result<T, Refusal>) -> Option<T> {
        let Some(text) = node.text() else {
            self.not_text(node);
            return None;
        };
        parse(text).map_err(|refusal| self.refuse(node, refusal)).ok()
    }

    fn wait(&mut self, node: &Node) -> Option<Duration> {
        let read = node.text().and_then(text::duration).filter(|wait| !wait.is_zero());
        self.waits = self.waits.saturating_add(read.unwrap_or_default());
        if read.is_none() || self.waits > MAX_WAIT {
            let correction = Some(self.revalued(node, "30 minutes"));
            let found = format!("{} as a time to wait", node.in_words());
            self.report(node, found, "`30 minutes`, `2 hours`, `1 day`; 7 days for all of them together", correction);
            return None;
        }
        read
    }
}

fn default_on_error(action: &Action) -> OnError {
    match action {
        Action::AddLabel(_)
        | Action::RemoveLabel(_)
        | Action::MarkRead
        | Action::Archive
        | Action::Notify { .. }
        | Action::Slack { .. }
        | Action::Webhook { .. } => OnError::Continue,
        _ => OnError::Human,
    }
}

/// A value for a step written on one line.
fn one_line(kind: &Kind, field: &str) -> String {
    if kind.short == Some(field) {
        return kind.example(field).to_owned();
    }
    let fields = kind.fields.iter().filter(|(_, must)| *must);
    let fields: Vec<String> = fields.map(|(name, _)| format!("{name}: {}", kind.example(name))).collect();
    format!("{{{}}}", fields.join(", "))
}

/// Where a word stands that is not part of a longer one.
fn whole_word(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !(word.starts_with(part) && before.is_some_and(part) || word.ends_with(part) && after.is_some_and(part))
    })
}
