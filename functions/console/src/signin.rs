//! Signing in with Google, and out.

use crate::App;
use crate::door::{Fields, Posted, same_site, texts};
use crate::failure::Failure;
use crate::frame::{Frame, html};
use askama::Template;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use channel::usecase::authorisation::{Callback, STATE_LIFE};
use channel::usecase::session::{CookieKind, SESSION_LIFE, safe_return};
use channel::usecase::sign_in::SignInError;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage {
    frame: Frame,
    return_to: String,
}

pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap, query: Fields) -> Result<Response, Failure> {
    let return_to = safe_return(query.get("return_to").unwrap_or("/"));
    if app.door.signed_in(&texts(&headers, COOKIE)).await?.is_some() {
        return Ok(Redirect::to(&return_to).into_response());
    }
    let frame = Frame::outside("Sign in").saying(query.get("message"));
    Ok(html(&SignInPage { frame, return_to })?.into_response())
}

/// Begun by a form, so that no link and no crawler starts it.
pub async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    if !same_site(&app, &headers) {
        return Err(Failure::OtherOrigin);
    }
    let fields = Fields(fields);
    let departure = app.sign_in.begin(fields.get("return_to").unwrap_or("/")).await?;
    let cookie = app.door.origin.set_cookie(CookieKind::SignIn, &departure.browser, STATE_LIFE);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(&departure.url)).into_response())
}

pub async fn finish(State(app): State<Arc<App>>, headers: HeaderMap, query: Fields) -> Response {
    let text = |name| query.get(name).map(str::to_owned);
    let callback = Callback { code: text("code"), state: text("state"), error: text("error") };
    let cookies = texts(&headers, COOKIE);
    let browser = app.door.origin.cookie(&cookies, CookieKind::SignIn);
    let origin = &app.door.origin;
    match app.sign_in.finish(&callback, browser).await {
        Ok(welcome) => {
            let session = origin.set_cookie(CookieKind::Session, &welcome.session, SESSION_LIFE);
            let cookies = AppendHeaders([(SET_COOKIE, session), (SET_COOKIE, origin.clear_cookie(CookieKind::SignIn))]);
            (cookies, Redirect::to(&welcome.return_to)).into_response()
        }
        Err(error) => {
            let code = error.code();
            match &error {
                SignInError::Stop(_) | SignInError::Google(_) => tracing::error!(code, %error, "a sign-in failed"),
                _ => tracing::info!(code, "a sign-in was refused"),
            }
            Redirect::to(&format!("/signin?message={code}")).into_response()
        }
    }
}

pub async fn sign_out(State(app): State<Arc<App>>, posted: Posted) -> Result<Response, Failure> {
    app.door.close(&posted.who.session).await?;
    let cookie = app.door.origin.clear_cookie(CookieKind::Session);
    let away = (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/signin?message=signed_out"));
    Ok(away.into_response())
}
