//! Names, types and cost of a CEL expression, against a closed environment.
//!
//! Invariant: what passes has at most [`MAX_NODES`] nodes, no loop within a loop, no operator that makes a text grow and a
//! worst case of at most [`MAX_COST`]; so evaluating it ends.

use crate::condition::Refusal;
use crate::data::Type;
use crate::facts::{MAX_BODY, MAX_LIST, MAX_TEXT};
use crate::problem::{nearest, short};
use crate::text;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;
use std::collections::{BTreeMap, BTreeSet};

pub const MAX_NODES: usize = 200;
pub const MAX_COST: u64 = 2_000_000;

/// Bytes of text that cost as much as one comparison.
const BYTES_A_STEP: usize = 16;

pub(crate) struct Checked {
    pub cost: u64,
    pub reads: BTreeSet<String>,
}

/// What flows may call beside operators and the loops of CEL.
pub(crate) const FUNCTIONS: [&str; 13] = [
    "contains_any",
    "contains_all",
    "starts_with_any",
    "starts_with_all",
    "ends_with_any",
    "ends_with_all",
    "equals_any",
    "equals_all",
    "in_domain",
    "between_hours",
    "between_dates",
    "size",
    "has",
];
const METHODS: [&str; 9] =
    ["contains", "startsWith", "endsWith", "size", "exists", "all", "exists_one", "filter", "map"];

pub(crate) fn check(expression: &Expression, types: &BTreeMap<String, Type>) -> Result<Checked, Refusal> {
    let mut checker = Checker { types, scope: vec![], nodes: 0, loops: 0, cost: 0, reads: BTreeSet::new() };
    let of = checker.expression(expression)?;
    if of != Type::Bool {
        return Err(Refusal::new(format!("a condition that is {}", of.name()), "a condition that is true or false"));
    }
    if checker.cost > MAX_COST {
        return Err(Refusal::new(
            format!("a condition that costs up to {} steps", checker.cost),
            format!("at most {MAX_COST}; look at `subject` instead of `body`, or use fewer words"),
        ));
    }
    Ok(Checked { cost: checker.cost, reads: checker.reads })
}

struct Checker<'a> {
    types: &'a BTreeMap<String, Type>,
    scope: Vec<(String, Type)>,
    nodes: usize,
    loops: u32,
    cost: u64,
    reads: BTreeSet<String>,
}

type Typed = Result<Type, Refusal>;

/// Bytes of a text of this type.
fn bytes(of: &Type) -> usize {
    if *of == Type::LongText { MAX_BODY } else { MAX_TEXT }
}

fn unexpected(what: &str, found: &Type, expected: &str) -> Refusal {
    Refusal::new(format!("{what} of {}", found.name()), format!("{what} of {expected}"))
}

impl Checker<'_> {
    fn pay(&mut self, steps: usize) {
        let times = if self.loops > 0 { MAX_LIST as u64 } else { 1 };
        self.cost = self.cost.saturating_add((steps as u64).saturating_mul(times));
    }

    fn expression(&mut self, node: &Expression) -> Typed {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Refusal::new("a condition of too many parts", format!("at most {MAX_NODES} nodes")));
        }
        self.pay(1);
        match &node.expr {
            Expr::Literal(value) => literal(value),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => {
                if let Some(path) = path(node) {
                    self.reads.insert(path);
                }
                let of = self.expression(&select.operand)?;
                let field = self.field(&of, &select.field, node)?;
                Ok(if select.test { Type::Bool } else { field })
            }
            Expr::List(list) => {
                let mut of = Type::Any;
                for element in &list.elements {
                    let next = self.expression(element)?;
                    if !of.fits(&next) {
                        return Err(unexpected("a list", &next, &of.name()));
                    }
                    of = if matches!(next, Type::Choice(_)) { Type::Text } else { next };
                }
                Ok(Type::List(Box::new(of)))
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(Refusal::new("a map or an object", "texts, numbers, true, false and lists"))
            }
        }
    }

    fn name(&mut self, name: &str) -> Typed {
        if let Some((_, of)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return Ok(of.clone());
        }
        if let Some(of) = self.types.get(name) {
            self.reads.insert(name.to_owned());
            return Ok(of.clone());
        }
        let known = self.types.keys().map(String::as_str);
        let refusal = Refusal::new(
            format!("the unknown name `{}`", short(name)),
            self.types.keys().cloned().collect::<Vec<_>>().join(", "),
        );
        let meant = nearest(name, known).unwrap_or("subject");
        Err(refusal.correct(name, meant))
    }

    fn field(&self, of: &Type, field: &str, node: &Expression) -> Typed {
        let Type::Record(fields) = of else {
            return Err(Refusal::new(format!("`.{}` after {}", short(field), of.name()), "a field of a group"));
        };
        if let Some(of) = fields.get(field) {
            return Ok(of.clone());
        }
        let whole = path(node).unwrap_or_else(|| field.to_owned());
        let allowed = fields.keys().cloned().collect::<Vec<_>>().join(", ");
        let refusal = Refusal::new(format!("the unknown name `{}`", short(&whole)), allowed);
        Err(match nearest(field, fields.keys().map(String::as_str)).or(fields.keys().next().map(String::as_str)) {
            Some(meant) => refusal.correct(field, meant),
            None => refusal,
        })
    }

    fn call(&mut self, call: &CallExpr) -> Typed {
        if let Some(target) = &call.target {
            let of = self.expression(target)?;
            return self.method(call, &of);
        }
        let known = is_operator(&call.func_name) || FUNCTIONS.contains(&call.func_name.as_str());
        if !known {
            return Err(unknown(&call.func_name, &FUNCTIONS));
        }
        let arguments = call.args.iter().map(|of| self.expression(of)).collect::<Result<Vec<_>, _>>()?;
        if let Some(typed) = self.operator(call, &arguments) {
            return typed;
        }
        self.function(call, &arguments)
    }

    fn operator(&mut self, call: &CallExpr, arguments: &[Type]) -> Option<Typed> {
        let name = call.func_name.as_str();
        let typed = match (name, arguments) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, many) => all_bool(many),
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [of]) => all_bool(std::slice::from_ref(of)),
            (operators::CONDITIONAL, [test, left, right]) => match all_bool(std::slice::from_ref(test)) {
                Ok(_) if left.fits(right) => Ok(if *left == Type::Any { right.clone() } else { left.clone() }),
                Ok(_) => Err(unexpected("both answers of `? :`", right, &left.name())),
                Err(refusal) => Err(refusal),
            },
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => self.equality(call, left, right),
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                if left.is_number() && right.is_number() || left.is_text() && right.is_text() {
                    Ok(Type::Bool)
                } else {
                    Err(unexpected("a comparison", right, &left.name()))
                }
            }
            (operators::IN, [item, Type::List(of)]) if item.fits(of) => {
                self.pay(list_len(&call.args[1]) * bytes(item) / BYTES_A_STEP);
                Ok(Type::Bool)
            }
            (operators::IN, [_, list]) => Err(unexpected("`in`", list, "a list")),
            (operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO, [left, right]) => {
                self.arithmetic(left, right)
            }
            (operators::ADD, [Type::List(left), Type::List(right)]) if self.in_accumulator() => {
                self.pay(MAX_LIST);
                Ok(Type::List(if **left == Type::Any { right.clone() } else { left.clone() }))
            }
            (operators::ADD, [left, right]) => self.arithmetic(left, right),
            (operators::NEGATE, [of]) => self.arithmetic(of, of),
            (name, _) if is_operator(name) => {
                Err(Refusal::new("an operator that flows do not know", "&& || ! == != < <= > >= in + - * / % ? :"))
            }
            _ => return None,
        };
        Some(typed)
    }

    /// The library's own loops build their lists by `+`; nothing else may.
    fn in_accumulator(&self) -> bool {
        self.scope.iter().any(|(name, _)| name.starts_with('@'))
    }

    fn arithmetic(&self, left: &Type, right: &Type) -> Typed {
        if left.is_number() && right.is_number() && left.fits(right) {
            Ok(if *left == Type::Any { right.clone() } else { left.clone() })
        } else {
            let found = if left.is_number() { right } else { left };
            Err(unexpected("arithmetic", found, "numbers"))
        }
    }

    fn equality(&mut self, call: &CallExpr, left: &Type, right: &Type) -> Typed {
        for (choice, other) in [(left, &call.args[1]), (right, &call.args[0])] {
            if let (Type::Choice(words), Some(word)) = (choice, text_literal(other))
                && !words.iter().any(|known| known == word)
            {
                let refusal = Refusal::new(format!("the unknown value \"{}\"", short(word)), choice.name());
                let meant = nearest(word, words.iter().map(String::as_str)).or(words.first().map(String::as_str));
                return Err(match meant {
                    Some(meant) => refusal.correct(word, meant),
                    None => refusal,
                });
            }
        }
        if !left.fits(right) || matches!(left, Type::Record(_)) {
            return Err(unexpected("a comparison", right, &left.name()));
        }
        self.pay(bytes(left).max(bytes(right)) / BYTES_A_STEP);
        Ok(Type::Bool)
    }

    fn method(&mut self, call: &CallExpr, of: &Type) -> Typed {
        let name = call.func_name.as_str();
        if !METHODS.contains(&name) {
            return Err(unknown(name, &METHODS));
        }
        let arguments = call.args.iter().map(|of| self.expression(of)).collect::<Result<Vec<_>, _>>()?;
        match (name, of, arguments.as_slice()) {
            ("size", Type::List(_), []) => Ok(Type::Int),
            ("size", text, []) if text.is_text() => {
                self.pay(bytes(text) / BYTES_A_STEP);
                Ok(Type::Int)
            }
            ("contains" | "startsWith" | "endsWith", text, [word]) if text.is_text() && word.is_text() => {
                self.pay(4 * bytes(text) / BYTES_A_STEP);
                Ok(Type::Bool)
            }
            _ => Err(Refusal::new(
                format!("`{name}` on {} with {} value(s)", of.name(), arguments.len()),
                "a text with one text; loops are `list.exists(x, …)`",
            )),
        }
    }

    fn function(&mut self, call: &CallExpr, arguments: &[Type]) -> Typed {
        let name = call.func_name.as_str();
        let wrong = |allowed: &str| {
            let found = arguments.iter().map(Type::name).collect::<Vec<_>>().join(", ");
            Refusal::new(format!("{name}({found})"), allowed)
        };
        match (name, arguments) {
            ("size", [Type::List(_)]) => Ok(Type::Int),
            ("size", [text]) if text.is_text() => {
                self.pay(bytes(text) / BYTES_A_STEP);
                Ok(Type::Int)
            }
            ("in_domain", [address, domain]) if address.is_text() && domain.is_text() => {
                self.pay(2 * MAX_TEXT / BYTES_A_STEP);
                Ok(Type::Bool)
            }
            ("between_hours", [_, _]) => literals(call, |word| text::minute_of_day(word).is_some())
                .map(|()| Type::Bool)
                .ok_or_else(|| wrong("between_hours(\"09:00\", \"17:00\")")),
            ("between_dates", [_, _]) => literals(call, text::is_date)
                .map(|()| Type::Bool)
                .ok_or_else(|| wrong("between_dates(\"2026-12-21\", \"2027-01-02\")")),
            (_, [text, Type::List(words)]) if text.is_text() && words.is_text() && name.ends_with(['y', 'l']) => {
                // Folding the text once, then looking for each word.
                let words = list_len(&call.args[1]);
                self.pay((words + 8) * bytes(text) / BYTES_A_STEP);
                Ok(Type::Bool)
            }
            ("size" | "in_domain", _) => Err(wrong("size(LIST) or in_domain(sender.email, \"example.com\")")),
            _ => Err(wrong(&format!("{name}(subject, [\"urgent\", \"help\"])"))),
        }
    }

    /// What `exists`, `all`, `exists_one`, `filter` and `map` are made of.
    fn comprehension(&mut self, of: &ComprehensionExpr) -> Typed {
        let range = self.expression(&of.iter_range)?;
        let Type::List(item) = range else { return Err(unexpected("a loop", &range, "a list")) };
        if self.loops > 0 {
            return Err(Refusal::new("a loop within a loop", "one `exists`, `all`, `filter` or `map` at a time"));
        }
        if of.iter_var2.is_some() {
            return Err(Refusal::new("a loop over two names", "one name, such as `labels.exists(x, …)`"));
        }
        let start = self.expression(&of.accu_init)?;
        let before = self.scope.len();
        self.scope.push((of.iter_var.clone(), *item));
        self.scope.push((of.accu_var.clone(), start.clone()));
        self.loops += 1;
        let condition = self.expression(&of.loop_cond)?;
        let step = self.expression(&of.loop_step)?;
        self.loops -= 1;
        if condition != Type::Bool || !start.fits(&step) {
            return Err(unexpected("the condition of a loop", &step, "true or false"));
        }
        if let Some((_, accumulated)) = self.scope.last_mut() {
            *accumulated = step;
        }
        let result = self.expression(&of.result)?;
        self.scope.truncate(before);
        Ok(result)
    }
}

fn literal(value: &LiteralValue) -> Typed {
    match value {
        LiteralValue::Boolean(_) => Ok(Type::Bool),
        LiteralValue::Int(_) => Ok(Type::Int),
        LiteralValue::UInt(_) => Ok(Type::Int),
        LiteralValue::Double(_) => Ok(Type::Number),
        LiteralValue::String(_) => Ok(Type::Text),
        LiteralValue::Bytes(_) | LiteralValue::Null => {
            Err(Refusal::new("bytes or null", "texts, numbers, true, false"))
        }
    }
}

fn is_operator(name: &str) -> bool {
    name.starts_with(['_', '!', '-', '@'])
}

fn all_bool(of: &[Type]) -> Typed {
    match of.iter().find(|of| !matches!(of, Type::Bool | Type::Any)) {
        None => Ok(Type::Bool),
        Some(other) => Err(unexpected("`&&`, `||`, `!` and `?`", other, "true or false")),
    }
}

fn unknown(name: &str, known: &[&str]) -> Refusal {
    let refusal = Refusal::new(format!("the unknown function `{}`", short(name)), known.join(", "));
    match nearest(name, known.iter().copied()) {
        Some(meant) => refusal.correct(name, meant),
        None => refusal,
    }
}

/// `a.b.c`, where the expression is nothing else.
fn path(node: &Expression) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}

fn text_literal(node: &Expression) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn literals(call: &CallExpr, right: impl Fn(&str) -> bool) -> Option<()> {
    call.args.iter().all(|node| text_literal(node).is_some_and(&right)).then_some(())
}

fn list_len(node: &Expression) -> usize {
    match &node.expr {
        Expr::List(list) => list.elements.len(),
        _ => MAX_LIST,
    }
}
