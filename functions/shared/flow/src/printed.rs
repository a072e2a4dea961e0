//! The form in which the product's description prints a flow: `Trigger:`, `Condition:`, numbered `Actions:`. It is
//! translated into the YAML that it stands for, which is what is stored and shown.

use crate::yaml::quoted;

const STEPS: [(&str, &str); 9] = [
    ("gmail - add label", "add_label"),
    ("ai request", "ai_request"),
    ("gmail - create draft", "create_draft"),
    ("gmail - send reply", "send_reply"),
    ("gmail - forward", "forward"),
    ("slack notification", "slack"),
    ("route to human", "route_to_human"),
    ("notification", "notify"),
    ("webhook", "webhook"),
];

/// `None`: the text is not in this form.
pub fn translate(source: &str) -> Option<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let first = lines.first()?;
    if !first.starts_with("Trigger:") || !lines.iter().any(|line| line.starts_with("Actions:")) {
        return None;
    }
    if source.len() > crate::yaml::MAX_BYTES {
        return None;
    }
    let mut yaml = String::from("version: 1\n");
    let mut fields: Vec<(String, String)> = vec![];
    let mut in_steps = false;
    for line in lines {
        if let Some(step) = step(line).filter(|_| in_steps) {
            put(&mut yaml, &mut fields);
            yaml.push_str(&format!("  - {step}:\n"));
        } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_field(name)) {
            let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
            match (in_steps, name.as_str()) {
                (_, "actions") => {
                    put(&mut yaml, &mut fields);
                    yaml.push_str("steps:\n");
                    in_steps = true;
                }
                (false, "condition") => yaml.push_str(&format!("when: {}\n", whole(&value))),
                (false, _) => yaml.push_str(&format!("{name}: {}\n", quoted(&value))),
                (true, _) => fields.push((name, value)),
            }
        } else if let Some((_, value)) = fields.last_mut() {
            value.push(' ');
            value.push_str(line);
        } else {
            return None;
        }
    }
    put(&mut yaml, &mut fields);
    Some(yaml)
}

fn put(yaml: &mut String, fields: &mut Vec<(String, String)>) {
    for (name, value) in fields.drain(..) {
        yaml.push_str(&format!("      {name}: {}\n", quoted(value.trim())));
    }
}

/// A text with its own quotes kept: the quotes of a condition belong to it.
fn whole(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `1. Gmail - Add Label:`
fn step(line: &str) -> Option<&'static str> {
    let (number, title) = line.split_once(". ")?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let title = title.trim_end_matches(':').trim().to_lowercase();
    STEPS.iter().find(|(printed, _)| *printed == title).map(|(_, step)| *step)
}

fn is_field(name: &str) -> bool {
    let known = ["trigger", "channel", "condition", "actions", "label", "system", "input", "to", "subject", "body"];
    let more = ["message", "reason", "note", "url", "result"];
    let name = name.trim().to_lowercase();
    known.contains(&name.as_str()) || more.contains(&name.as_str())
}
