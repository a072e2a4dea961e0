//! The browser of `cargo xtask`, which here fails the test where it would tell a person, and finds elements on a page.

use reqwest::Url;
use scraper::{ElementRef, Html, Selector};
use std::ops::Deref;
use xtask::browse;
pub use xtask::browse::Form;

pub struct Browser(browse::Browser);

pub struct Page(browse::Page);

impl Browser {
    pub fn new() -> Self {
        Self(browse::Browser::new(xtask::cloud::client().unwrap_or_else(|error| panic!("{error}"))))
    }

    pub async fn open(&mut self, url: &str) -> Page {
        Page(self.0.open(url).await.unwrap_or_else(|error| panic!("{error}")))
    }

    pub async fn submit(&mut self, page: &Page, form: Form) -> Page {
        Page(self.0.submit(&page.0, form).await.unwrap_or_else(|error| panic!("{error}")))
    }
}

impl Page {
    pub fn form(&self, path: &str) -> Form {
        self.0.form(path).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn texts(&self, css: &str) -> Vec<String> {
        self.read(css, |element| Some(element.text().collect()))
    }

    /// The ids and texts of elements that have an id.
    pub fn texts_with_id(&self, css: &str) -> Vec<(String, String)> {
        self.read(css, |element| {
            let id = element.value().attr("id")?.to_owned();
            Some((id, element.text().collect::<String>().trim().to_owned()))
        })
    }

    pub fn links(&self) -> Vec<Url> {
        self.read("a[href]", |link| self.url.join(link.value().attr("href")?).ok())
    }

    fn read<T>(&self, css: &str, read: impl Fn(ElementRef<'_>) -> Option<T>) -> Vec<T> {
        let selector = Selector::parse(css).expect("a selector of the tests' own");
        Html::parse_document(&self.html).select(&selector).filter_map(read).collect()
    }
}

impl Deref for Browser {
    type Target = browse::Browser;
    fn deref(&self) -> &browse::Browser {
        &self.0
    }
}

impl Deref for Page {
    type Target = browse::Page;
    fn deref(&self) -> &browse::Page {
        &self.0
    }
}
