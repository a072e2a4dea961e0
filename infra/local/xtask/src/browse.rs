//! As much of a browser as the pages need: cookies, redirects, forms. It sends `Origin` with a form, as browsers do.
//!
//! It knows no route but the two pages that it opens; where a form goes and which fields it has is read from the page.

use crate::{Context, Error, Result};
use reqwest::header::{COOKIE, HeaderValue, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response, Url};
use std::collections::BTreeMap;

const MOST_REDIRECTS: usize = 12;

type Fields = Vec<(String, String)>;

#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Host → name → value; cookies do not tell ports apart (RFC 6265, 8.5).
    pub cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Every address that was asked for, redirects included.
    pub visited: Vec<Url>,
}

/// What stands in the window, after all redirects.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub html: String,
}

/// One form of a page, as it would be sent untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub action: Url,
    pub post: bool,
    pub fields: Fields,
}

impl Form {
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }
}

impl Browser {
    /// `client` must follow no redirect by itself.
    pub fn new(client: Client) -> Self {
        Self { client, cookies: BTreeMap::new(), visited: vec![] }
    }

    pub async fn open(&mut self, url: &str) -> Result<Page> {
        self.go(Url::parse(url).why(|| url.to_owned())?, None).await
    }

    /// Sends a form of `page` as it stands.
    pub async fn submit(&mut self, page: &Page, form: Form) -> Result<Page> {
        if form.post {
            return self.go(form.action, Some((page.url.origin().ascii_serialization(), form.fields))).await;
        }
        let mut url = form.action;
        url.query_pairs_mut().clear().extend_pairs(form.fields);
        self.go(url, None).await
    }

    /// Signs in to the console as `operator`.
    pub async fn sign_in(&mut self, front_door: &str, operator: &str) -> Result<Page> {
        let page = self.open(&format!("{front_door}/signin")).await?;
        let Ok(form) = page.form("/signin") else { return page.must_be_at(front_door, "sign-in") };
        let consent = self.submit(&page, form).await?;
        self.allow(&consent, operator).await?.must_be_at(front_door, "sign-in")
    }

    /// Connects the mailbox `address`; the operator must be signed in.
    pub async fn connect(&mut self, front_door: &str, address: &str) -> Result<Page> {
        let page = self.open(&format!("{front_door}/channels/gmail")).await?;
        // The form of a mailbox that is there already asks for that one again.
        let form = page.form("/oauth/connect")?.without("mailbox");
        let consent = self.submit(&page, form).await?;
        let channel = self.allow(&consent, address).await?.must_be_at(front_door, "connect")?;
        if channel.has(address) {
            return Ok(channel);
        }
        Err(Error::new(format!("the channel page does not name {address} after Connect: {}", channel.text())))
    }

    /// Chooses an account on Google's consent page and allows what is asked for.
    async fn allow(&mut self, consent: &Page, account: &str) -> Result<Page> {
        let form = consent.forms()?.into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "client_id"));
        let form = form.ok_or_else(|| consent.unexpected("no consent page"))?;
        if !consent.html.contains(account) {
            return Err(Error::new(format!("Google's consent page does not offer {account}"))
                .remedy("make that mailbox at the simulator's first page, or name one that is there"));
        }
        self.submit(consent, form.set("account", account).set("decision", "allow")).await
    }

    async fn go(&mut self, mut url: Url, mut form: Option<(String, Fields)>) -> Result<Page> {
        for _ in 0..MOST_REDIRECTS {
            self.visited.push(url.clone());
            let mut request = match form.take() {
                Some((origin, fields)) => self.client.post(url.clone()).header(ORIGIN, origin).form(&fields),
                None => self.client.get(url.clone()),
            };
            if let Some(jar) = self.cookies.get(host(&url)).filter(|jar| !jar.is_empty()) {
                let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, cookies.join("; "));
            }
            // Without its address: a query string may hold a code.
            let answer = request.send().await.map_err(reqwest::Error::without_url).why(|| url.path().to_owned())?;
            self.keep_cookies(&url, &answer)?;
            let status = answer.status();
            let next = answer.headers().get(LOCATION).filter(|_| status.is_redirection()).cloned();
            let Some(next) = next else {
                let html = answer.text().await.map_err(reqwest::Error::without_url).why(|| url.path().to_owned())?;
                return Ok(Page { url, status: status.as_u16(), html });
            };
            url = url.join(next.to_str().why(|| "a redirect".into())?).why(|| "a redirect".into())?;
        }
        Err(Error::new(format!("more than {MOST_REDIRECTS} redirects, the last to {}", url.path())))
    }

    fn keep_cookies(&mut self, url: &Url, answer: &Response) -> Result<()> {
        let cookies: Vec<&HeaderValue> = answer.headers().get_all(SET_COOKIE).iter().collect();
        cookies.into_iter().try_for_each(|cookie| {
            self.take_cookie(host(url), cookie.to_str().why(|| "a cookie".into())?);
            Ok(())
        })
    }

    fn take_cookie(&mut self, host: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let ended = value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
        let jar = self.cookies.entry(host.to_owned()).or_default();
        if ended {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

impl Page {
    /// What a person reads, white space folded.
    pub fn text(&self) -> String {
        let body = self.html.split_once("<body").map_or(&*self.html, |(_, body)| body);
        let texts = body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| unescape(text));
        texts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub fn forms(&self) -> Result<Vec<Form>> {
        let read = |part: &str| {
            let (tag, rest) = part.split_once('>').unwrap_or((part, ""));
            let action = attribute(tag, "action").unwrap_or_default();
            Ok(Form {
                action: self.url.join(&action).why(|| format!("a form of {}", self.url.path()))?,
                post: attribute(tag, "method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
                fields: fields(rest.split_once("</form>").map_or(rest, |(body, _)| body)),
            })
        };
        self.html.split("<form").skip(1).map(read).collect()
    }

    /// The first form that goes to a path ending like this.
    pub fn form(&self, path: &str) -> Result<Form> {
        let found = self.forms()?.into_iter().find(|form| form.action.path().ends_with(path));
        found.ok_or_else(|| self.unexpected(&format!("no form to {path}")))
    }

    fn must_be_at(self, origin: &str, what: &str) -> Result<Self> {
        if self.status == 200 && self.url.as_str().starts_with(origin) && self.url.path() != "/signin" {
            return Ok(self);
        }
        Err(self.unexpected(&format!("{what} did not end at its page")))
    }

    fn unexpected(&self, what: &str) -> Error {
        Error::new(format!("{what}, but {} ({}), which says: {}", self.url.path(), self.status, self.text()))
    }
}

/// The successful controls (HTML, "constructing the entry list"), of a page that a program wrote: attributes in double
/// quotes, no markup in values. The button is left to the caller.
fn fields(form: &str) -> Fields {
    let field = |part: &str| {
        let (tag, rest) = part.split_once('>')?;
        let name = attribute(tag, "name").filter(|_| !says(tag, "disabled"))?;
        let value = |default: &str| attribute(tag, "value").unwrap_or_else(|| default.to_owned());
        let kind = attribute(tag, "type").unwrap_or_default();
        let value = match (tag.split_whitespace().next()?, kind.as_str()) {
            ("textarea", _) => unescape(rest).trim_start_matches('\n').to_owned(),
            ("input", "submit" | "button") => return None,
            ("input", "checkbox" | "radio") => says(tag, "checked").then(|| value("on"))?,
            ("input", _) => value(""),
            _ => return None,
        };
        Some((name, value))
    };
    let mut fields = vec![];
    let mut chosen: Option<(String, Option<String>)> = None;
    for part in form.split('<') {
        let tag = part.split_once('>').map_or(part, |(tag, _)| tag);
        // Of a select the option that is marked, else the first.
        if tag.starts_with("select") {
            chosen = attribute(tag, "name").filter(|_| !says(tag, "disabled")).map(|name| (name, None));
        } else if let ("option", Some((_, value))) = (tag.split_whitespace().next().unwrap_or_default(), &mut chosen) {
            if value.is_none() || says(tag, "selected") {
                *value = attribute(tag, "value");
            }
        } else if tag.starts_with("/select") {
            fields.extend(chosen.take().and_then(|(name, value)| Some((name, value?))));
        } else {
            fields.extend(field(part));
        }
    }
    fields
}

/// An attribute without a value.
fn says(tag: &str, word: &str) -> bool {
    tag.split_whitespace().any(|part| part.trim_end_matches('/') == word)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

/// The entities that template engines write.
fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';').and_then(|(entity, rest)| Some((character(entity)?, rest))) {
            Some((character, rest)) => {
                plain.push(character);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    plain
}

fn character(entity: &str) -> Option<char> {
    let number = entity.strip_prefix('#');
    match (number.and_then(|number| number.strip_prefix(['x', 'X'])), number, entity) {
        (Some(hex), _, _) => char::from_u32(u32::from_str_radix(hex, 16).ok()?),
        (None, Some(decimal), _) => char::from_u32(decimal.parse().ok()?),
        (_, _, "quot") => Some('"'),
        (_, _, "amp") => Some('&'),
        (_, _, "lt") => Some('<'),
        (_, _, "gt") => Some('>'),
        (_, _, "apos") => Some('\''),
        (_, _, "nbsp") => Some('\u{a0}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_a_browser_would_send_them() {
        let html = r#"<form method="get" action="/search"><input name="q"></form>
            <form class="x" method="post" action="/oauth/connect?a=1&#38;b=2">
            <input type="hidden" name="csrf" value="a&#34;b&amp;lt;">
            <input type="checkbox" name="grant" value="one" checked> <input type="checkbox" name="grant" value="two">
            <input type="radio" name="account" value="x@y.test" required> <input name="off" value="1" disabled>
            <select name="days"><option value="0">None</option><option value="7" selected>A week</option></select>
            <textarea name="text">
Hello</textarea><button name="decision" value="allow">Allow</button></form>"#;
        let url = Url::parse("http://localhost:8400/channels").unwrap();
        let page = Page { url: url.clone(), status: 200, html: html.into() };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = Form {
            action: url.join("/oauth/connect?a=1&b=2").unwrap(),
            post: true,
            fields: vec![pair("csrf", "a\"b&lt;"), pair("grant", "one"), pair("days", "7"), pair("text", "Hello")],
        };
        assert_eq!(page.form("/connect").unwrap(), expected);
        assert!(page.forms().unwrap().iter().any(|form| !form.post));
        assert!(
            page.form("/elsewhere").unwrap_err().to_string().contains("no form to /elsewhere, but /channels (200)")
        );
    }

    #[test]
    fn a_page_is_read_without_its_markup() {
        let html =
            "<head><title>No</title></head><body class=\"x\"><h1>A &amp;  B</h1>\n<p>1 &lt; 2 &#38; <b>3</b> &what;";
        let page = Page { url: Url::parse("http://localhost/").unwrap(), status: 200, html: html.into() };
        assert_eq!(page.text(), "A & B 1 < 2 & 3 &what;");
    }

    #[test]
    fn cookies_are_kept_by_host_and_end_with_max_age_zero() {
        let mut browser = Browser::new(crate::cloud::client().unwrap());
        browser.take_cookie("localhost", "session=abc=; Path=/; HttpOnly");
        browser.take_cookie("localhost", "other=1");
        browser.take_cookie("localhost", "other=2; Max-Age=0");
        assert_eq!(browser.cookies["localhost"], BTreeMap::from([("session".into(), "abc=".into())]));
    }
}
