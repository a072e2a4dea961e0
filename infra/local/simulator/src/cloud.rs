//! What is set in the Google Cloud console and matters to Gmail: the project of an OAuth client, and topics on which
//! Gmail may not publish.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::server::{Running, Sim};

/// Projects and grants. A client without a project belongs to any; a topic takes Gmail's messages unless it is named.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cloud {
    projects: BTreeMap<String, String>,
    closed_topics: BTreeSet<String>,
}

impl Cloud {
    pub fn project_of(&self, client_id: &str) -> Option<&str> {
        self.projects.get(client_id).map(String::as_str)
    }

    pub fn is_closed(&self, topic: &str) -> bool {
        self.closed_topics.contains(topic)
    }

    fn set_publisher(&mut self, topic: &str, granted: bool) {
        if granted {
            self.closed_topics.remove(topic);
        } else {
            self.closed_topics.insert(topic.to_owned());
        }
    }
}

impl Running {
    /// Puts an OAuth client into a Google project: `watch` then takes topics of that project only.
    pub fn set_project(&self, client_id: &str, project: &str) {
        self.sim.write(|world| world.cloud.projects.insert(client_id.to_owned(), project.to_owned()));
    }

    /// Grants or takes away Gmail's right to publish on a topic.
    pub fn set_publisher(&self, topic: &str, granted: bool) {
        self.sim.write(|world| world.cloud.set_publisher(topic, granted));
    }
}

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/projects", post(project)).route("/topics", post(topic))
}

#[derive(Deserialize)]
struct ProjectWish {
    client_id: String,
    project: String,
}

async fn project(State(sim): State<Arc<Sim>>, Json(wish): Json<ProjectWish>) -> StatusCode {
    sim.write(|world| world.cloud.projects.insert(wish.client_id, wish.project));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct TopicWish {
    topic: String,
    publisher_granted: bool,
}

async fn topic(State(sim): State<Arc<Sim>>, Json(wish): Json<TopicWish>) -> StatusCode {
    sim.write(|world| world.cloud.set_publisher(&wish.topic, wish.publisher_granted));
    StatusCode::NO_CONTENT
}
