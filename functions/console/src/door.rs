//! The extractors that stand before every handler.

use crate::App;
use crate::failure::Failure;
use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::IntoResponse;
use channel::usecase::session::{Credentials, SignedIn, safe_return};
use std::convert::Infallible;
use std::sync::Arc;

pub fn texts(headers: &HeaderMap, name: HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

pub fn same_site(app: &App, headers: &HeaderMap) -> bool {
    let origin = texts(headers, ORIGIN);
    let fetch_site = texts(headers, HeaderName::from_static("sec-fetch-site"));
    app.door.origin.sent_it(origin.first().copied(), fetch_site.first().copied())
}

/// Somebody who is signed in and reads.
pub struct Visitor(pub SignedIn);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let cookies = texts(&parts.headers, COOKIE);
        match app.door.signed_in(&cookies).await? {
            Some(who) => Ok(Self(who)),
            None => {
                let back = parts.uri.path_and_query().map(|path| safe_return(path.as_str()));
                Err(Failure::NotSignedIn(back.filter(|_| parts.method == Method::GET)))
            }
        }
    }
}

/// The fields of a form or of a query; a name may come more than once.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first of that name, none when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|value| !value.is_empty())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A box that was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl FromRequestParts<Arc<App>> for Fields {
    type Rejection = Infallible;

    /// The query. One that cannot be decoded asks for nothing.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        Ok(query.map_or_else(|_| Self::default(), |Query(fields)| Self(fields)))
    }
}

/// Somebody who is signed in, and a form that our own page of their session sent.
pub struct Posted {
    pub who: SignedIn,
    pub fields: Fields,
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let headers = request.headers();
        let origin = texts(headers, ORIGIN);
        let fetch_site = texts(headers, HeaderName::from_static("sec-fetch-site"));
        let cookies = texts(headers, COOKIE);
        let credentials =
            Credentials { origin: origin.first().copied(), fetch_site: fetch_site.first().copied(), cookies: &cookies };
        let who = app.door.admit_post(credentials).await?;
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, app)
            .await
            .map_err(|rejection| Failure::BadForm(rejection.into_response().status()))?;
        let fields = Fields(fields);
        app.door.check_form(&who, fields.get("form_token"))?;
        Ok(Self { who, fields })
    }
}
