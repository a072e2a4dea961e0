//! The person's labels: make, rename, colour, delete.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{encoded, look, problem, rail::Rail, redirect, render};
use crate::{
    error::ApiError,
    gmail::{
        Params,
        labels::{checked_name, drop_at, fresh_id},
    },
    mailbox::{Label, Mailbox},
    server::Sim,
    state::{World, canonical},
};

/// Names, backgrounds and texts, all of them on the palette that the API allows.
const COLOURS: [(&str, &str, &str); 9] = [
    ("Red", "#fb4c2f", "#ffffff"),
    ("Orange", "#ffad47", "#000000"),
    ("Yellow", "#fad165", "#000000"),
    ("Green", "#16a766", "#ffffff"),
    ("Turquoise", "#43d692", "#000000"),
    ("Blue", "#4a86e8", "#ffffff"),
    ("Purple", "#a479e2", "#ffffff"),
    ("Pink", "#f691b3", "#000000"),
    ("Grey", "#999999", "#ffffff"),
];

struct Line {
    id: String,
    name: String,
    /// The chosen entry of [`COLOURS`], empty for none, or a colour of the client's own.
    colour: String,
    dot: String,
    mails: usize,
}

#[derive(Template)]
#[template(path = "labels.html")]
struct LabelsPage {
    rail: Rail,
    lines: Vec<Line>,
    colours: &'static [(&'static str, &'static str, &'static str)],
    error: String,
    name: String,
}

impl LabelsPage {
    /// Whether a label's colour is none of those that the page offers, and so is kept as it is.
    fn own_colour(&self, line: &Line) -> bool {
        !line.colour.is_empty() && !self.colours.iter().any(|(_, background, _)| *background == line.colour)
    }
}

pub(super) async fn show(State(sim): State<Arc<Sim>>, Path(address): Path<String>, params: Params) -> Response {
    drawn(&sim, &canonical(&address), &params, StatusCode::OK, "", "")
}

fn drawn(sim: &Sim, address: &str, params: &Params, status: StatusCode, error: &str, name: &str) -> Response {
    let page = sim.read(|world| {
        let account = world.accounts.get(address)?;
        let mut lines: Vec<Line> = account
            .mailbox
            .labels
            .iter()
            .map(|label| {
                let colour = label.colour.as_ref().map_or_else(String::new, |(_, background)| background.clone());
                Line {
                    mails: account.mailbox.messages.labelled(&label.id),
                    id: label.id.clone(),
                    name: label.name.clone(),
                    dot: look::colour(&colour),
                    colour,
                }
            })
            .collect();
        lines.sort_by_key(|line| line.name.to_lowercase());
        let rail = Rail::of(account, "labels", params);
        Some(LabelsPage { rail, lines, colours: &COLOURS, error: error.to_owned(), name: name.to_owned() })
    });
    page.map_or_else(|| problem(&ApiError::not_found()), |page| render(status, &page))
}

/// The name, if it may be that of the label `id` (`None`: of a new one); a refusal in words for a person.
fn checked(mailbox: &Mailbox, name: &str, id: Option<&str>) -> Result<String, ApiError> {
    checked_name(mailbox, name, id).map_err(|refused| {
        let name = name.trim();
        let message = if refused.code == 409 {
            format!("There is a label {name:?} already. Choose another name.")
        } else {
            "A label wants a name of 1 to 225 bytes that Gmail does not keep for itself, with something around each slash."
                .to_owned()
        };
        ApiError { message, ..refused }
    })
}

fn chosen(colour: Option<&str>) -> Option<(String, String)> {
    let (_, background, text) = COLOURS.iter().find(|(_, background, _)| Some(*background) == colour)?;
    Some(((*text).to_owned(), (*background).to_owned()))
}

/// Makes a label and returns its id.
pub(super) fn add(mailbox: &mut Mailbox, name: &str, colour: Option<&str>) -> Result<String, ApiError> {
    let name = checked(mailbox, name, None)?;
    let id = fresh_id(mailbox);
    let label =
        Label { id: id.clone(), name, colour: chosen(colour), message_visibility: None, label_visibility: None };
    mailbox.labels.push(label);
    Ok(id)
}

fn with_mailbox<T>(
    world: &mut World,
    address: &str,
    change: impl FnOnce(&mut Mailbox, i64) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let now = world.now_ms();
    let account = world.accounts.get_mut(address).ok_or_else(ApiError::not_found)?;
    change(&mut account.mailbox, now)
}

pub(super) async fn create(State(sim): State<Arc<Sim>>, Path(address): Path<String>, body: String) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    let name = form.get("name").unwrap_or_default();
    let made = sim.write(|world| with_mailbox(world, &address, |mailbox, _| add(mailbox, name, form.get("colour"))));
    match made {
        Ok(_) => redirect(&format!("/mail/{}/labels?said=added", encoded(&address))),
        Err(error) => drawn(&sim, &address, &Params::default(), super::status_of(&error), &error.message, name),
    }
}

pub(super) async fn change(
    State(sim): State<Arc<Sim>>,
    Path((address, id)): Path<(String, String)>,
    body: String,
) -> Response {
    let (address, form) = (canonical(&address), Params::parse(&body));
    let changed = sim.write(|world| {
        with_mailbox(world, &address, |mailbox, now| {
            let at = mailbox.labels.iter().position(|label| label.id == id).ok_or_else(ApiError::not_found)?;
            if form.get("do") == Some("delete") {
                drop_at(mailbox, at, now);
                return Ok("deleted");
            }
            let name = checked(mailbox, form.get("name").unwrap_or_default(), Some(&id))?;
            let label = &mut mailbox.labels[at];
            label.name = name;
            if form.get("colour") != Some("keep") {
                label.colour = chosen(form.get("colour"));
            }
            Ok("saved")
        })
    });
    match changed {
        Ok(said) => redirect(&format!("/mail/{}/labels?said={said}", encoded(&address))),
        Err(error) => drawn(&sim, &address, &Params::default(), super::status_of(&error), &error.message, ""),
    }
}
