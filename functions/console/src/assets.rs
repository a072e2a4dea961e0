//! The style sheet and the script, out of the binary. Their address carries their hash, so that they may be kept for
//! ever and a new deployment is seen at once.

use crate::failure::Failure;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use channel::usecase::session::sha256_hex;
use std::sync::LazyLock;

const CSS: &str = include_str!("../assets/postroom.css");
const JS: &str = include_str!("../assets/postroom.js");
const ICON: &str = include_str!("../assets/postroom.svg");

/// Changes with the content of the files.
pub static VERSION: LazyLock<String> = LazyLock::new(|| sha256_hex(&format!("{CSS}{JS}{ICON}"))[..12].to_owned());

pub async fn file(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "postroom.css" => ("text/css; charset=utf-8", CSS),
        "postroom.js" => ("text/javascript; charset=utf-8", JS),
        "postroom.svg" => ("image/svg+xml", ICON),
        _ => return Failure::NotFound.into_response(),
    };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")], text).into_response()
}
