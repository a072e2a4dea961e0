//! Setting, listing and clearing faults.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::{delete, get},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    error::ApiError,
    faults::{ArmedFault, Fault, FaultError},
    server::{Running, Sim},
};

impl Sim {
    fn arm(&self, fault: Fault) -> Result<u64, FaultError> {
        self.read(|world| self.faults(|faults| faults.checked(fault, world.now_ms(), world.accounts.keys())))
    }

    fn clear_faults(&self, id: Option<u64>) -> bool {
        let known = self.faults(|faults| match id {
            Some(id) => faults.remove(id),
            None => {
                faults.clear();
                true
            }
        });
        self.write(|world| world.pubsub.released += 1);
        self.delivered.send_modify(|count| *count += 1);
        known
    }
}

impl Running {
    /// Sets a fault and returns its id.
    ///
    /// # Panics
    ///
    /// On one that could never fire, such as one of a misspelt method: a test that goes on without its fault shows
    /// nothing. [`Self::try_fault`] gives the reason back instead.
    #[track_caller]
    pub fn fault(&self, fault: Fault) -> u64 {
        match self.try_fault(fault) {
            Ok(id) => id,
            Err(error) => panic!("{error}"),
        }
    }

    pub fn try_fault(&self, fault: Fault) -> Result<u64, FaultError> {
        self.sim.arm(fault)
    }

    pub fn faults(&self) -> Vec<ArmedFault> {
        self.sim.faults(|faults| faults.list())
    }

    /// Whether there was such a fault.
    pub fn clear_fault(&self, id: u64) -> bool {
        self.sim.clear_faults(Some(id))
    }

    /// Clears all faults; what they held back goes its way.
    pub fn clear_faults(&self) {
        self.sim.clear_faults(None);
    }
}

pub(super) fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/faults", get(list).post(add).delete(clear_all)).route("/faults/{id}", delete(clear))
}

type Shared = State<Arc<Sim>>;

async fn list(State(sim): Shared) -> Json<Vec<ArmedFault>> {
    Json(sim.faults(|faults| faults.list()))
}

async fn add(State(sim): Shared, body: Bytes) -> Result<Json<Value>, ApiError> {
    let fault = serde_json::from_slice(&body).map_err(|error| ApiError::invalid(format!("no fault: {error}")))?;
    let id = sim.arm(fault).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(Json(json!({"id": id})))
}

async fn clear_all(State(sim): Shared) -> StatusCode {
    sim.clear_faults(None);
    StatusCode::NO_CONTENT
}

async fn clear(State(sim): Shared, Path(id): Path<u64>) -> Result<StatusCode, ApiError> {
    if sim.clear_faults(Some(id)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::new(404, "notFound", format!("no fault has the id {id}")))
    }
}
