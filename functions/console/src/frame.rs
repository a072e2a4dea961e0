//! What all pages share: title, navigation, who is signed in, the message of the last action.

use crate::App;
use crate::assets::VERSION;
use crate::failure::Failure;
use crate::message::{self, Message};
use askama::Template;
use axum::response::Html;
use channel::record::ConversationState;
use channel::usecase::session::SignedIn;

pub struct Frame {
    pub title: String,
    /// Which entry of the navigation is the current one.
    pub section: &'static str,
    pub who: Option<Who>,
    pub message: Option<&'static Message>,
    pub assets: &'static str,
}

pub struct Who {
    pub operator: String,
    pub form_token: String,
    /// How many conversations wait for somebody, as the badge shows it; empty when none does.
    pub waiting: String,
}

/// The badge counts so far.
const BADGE_MAX: usize = 20;

impl Frame {
    /// For pages that are shown without a session.
    pub fn outside(title: &str) -> Self {
        Self { title: title.to_owned(), section: "", who: None, message: None, assets: &VERSION }
    }

    pub async fn inside(app: &App, who: &SignedIn, title: &str, section: &'static str) -> Result<Self, Failure> {
        let now = app.clock.now();
        let mut waiting = 0;
        for state in ConversationState::ALL.into_iter().filter(|state| state.waits_for_someone()) {
            waiting += app.conversations.waiting(state, None, BADGE_MAX, now).await?.rows.len();
        }
        let who = Who {
            operator: who.operator().to_string(),
            form_token: who.form_token.clone(),
            waiting: match waiting {
                0 => String::new(),
                many if many >= BADGE_MAX => format!("{BADGE_MAX}+"),
                few => few.to_string(),
            },
        };
        Ok(Self { title: title.to_owned(), section, who: Some(who), message: None, assets: &VERSION })
    }

    /// The message of a code, when it is one of ours.
    #[must_use]
    pub fn saying(mut self, code: Option<&str>) -> Self {
        self.message = code.and_then(message::of);
        self
    }

    pub fn form_token(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.form_token)
    }
}

pub fn html(template: &impl Template) -> Result<Html<String>, Failure> {
    Ok(Html(template.render()?))
}
